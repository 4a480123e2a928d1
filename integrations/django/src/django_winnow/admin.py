"""Screenings in the admin: why a comment is held, and deciding with Winnow."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.utils.html import format_html
from winnow_client import WinnowError

from django_winnow import screening
from django_winnow.models import Screening


@admin.register(Screening)
class ScreeningAdmin(admin.ModelAdmin):
    """Shows; decides by actions only."""

    list_display = ("external_id", "status", "reasons", "at_the_desk", "changed_at")
    list_filter = ("status",)
    search_fields = ("external_id", "winnow_id")
    actions = ("approve", "spam", "reject")

    def has_add_permission(self, request: Any) -> bool:
        """Nobody makes one by hand."""
        return False

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        """Nothing is changed by hand."""
        return [one.name for one in Screening._meta.fields]

    @admin.display(description="Winnow")
    def at_the_desk(self, row: Screening) -> str:
        """Link to the comment at Winnow's desk."""
        if not row.desk.startswith(("http://", "https://")):
            return ""
        return format_html('<a href="{}" rel="noreferrer">desk</a>', row.desk)

    @admin.action(description="Approve in Winnow", permissions=("change",))
    def approve(self, request: Any, rows: Any) -> None:
        """Approve them."""
        self._decide(request, rows, "approve")

    @admin.action(description="Spam in Winnow", permissions=("change",))
    def spam(self, request: Any, rows: Any) -> None:
        """Call them spam."""
        self._decide(request, rows, "spam")

    @admin.action(description="Reject in Winnow", permissions=("change",))
    def reject(self, request: Any, rows: Any) -> None:
        """Reject them."""
        self._decide(request, rows, "reject")

    def _decide(self, request: Any, rows: Any, decision: str) -> None:
        for row in rows:
            try:
                screening.decide(row, decision, request.user.get_username())
            except WinnowError as problem:
                self.message_user(request, f"{row.external_id}: {problem}", messages.ERROR)
