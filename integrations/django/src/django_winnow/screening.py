"""Submitting, hearing of decisions, and deciding."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from winnow_client import Answer, Comment, Conflict, Event, Reason, Refused, Unavailable, Winnow

from django_winnow.models import Screening

log = logging.getLogger(__name__)

#: Seconds that a reader waits for the verdict.
WAIT_SECONDS = 1
#: Events that say where a comment stands.
_TOLD = frozenset(
    {
        "comment.approved",
        "comment.flagged",
        "comment.rejected",
        "comment.revised",
        "comment.spam",
    }
)


class Adapter(Protocol):
    """How comments are read and shown."""

    def comment(self, external_id: str) -> Comment | None:
        """Return a comment to submit, None if it is gone."""

    def show(self, external_id: str, *, is_public: bool) -> None:
        """Publish a comment, or hide it."""

    def rewrite(self, external_id: str, content: str) -> None:
        """Take over a text that a moderator changed. Without this method such a comment is hidden."""


@cache
def client() -> Winnow:
    """Return this process's client."""
    return Winnow(settings.WINNOW_URL, settings.WINNOW_KEY)


@cache
def adapter() -> Adapter:
    """Return what reads and shows comments."""
    default = "django_winnow.contrib_comments.Adapter"
    made: Adapter = import_string(getattr(settings, "WINNOW_ADAPTER", default))()
    return made


def screen(external_id: str, *, wait_seconds: int = WAIT_SECONDS) -> str:
    """Submit a hidden comment; return where it stands, "" while Winnow is away."""
    row, _ = Screening.objects.get_or_create(external_id=external_id)
    comment = adapter().comment(external_id)
    if comment is None:
        row.delete()
        return "erased"
    try:
        try:
            answer = client().submit(comment, wait_seconds=wait_seconds)
        except Conflict as other:
            if other.comment_id is None:
                raise
            answer = client().edit(other.comment_id, comment)
    except Unavailable as problem:
        log.warning("comment %s waits for Winnow: %s", external_id, problem)
        return ""
    except Refused as problem:
        Screening.objects.filter(pk=row.pk).update(status="refused", reasons=str(problem)[:500])
        return "refused"
    desk = str(answer.raw.get("links", {}).get("desk", ""))
    Screening.objects.filter(pk=row.pk).update(winnow_id=answer.id, desk=desk)
    if answer.version is None:
        Screening.objects.filter(pk=row.pk, status="").update(status=answer.status)
    else:
        apply(external_id, answer.status, answer.version, answer.reasons)
    return answer.status


def hear(event: Event) -> None:
    """Do what an event says, unless something newer is known."""
    if event.type not in _TOLD or not event.external_id:
        return
    if not Screening.objects.filter(external_id=event.external_id).exists():
        return
    reasons = event.data.get("comment", {}).get("reasons", ())
    why = [Reason(one["code"], one["text"], one["values"]) for one in reasons]
    status = event.status
    if event.revised and event.content is not None:
        rewrite = getattr(adapter(), "rewrite", None)
        if rewrite is None:
            log.warning("comment %s was changed by a moderator: hidden", event.external_id)
            status = "flagged"
        elif _is_newer(event):
            rewrite(event.external_id, event.content)
    apply(event.external_id, status, event.sequence, why)


def _is_newer(event: Event) -> bool:
    return Screening.objects.filter(
        external_id=event.external_id, sequence__lt=event.sequence
    ).exists()


def apply(external_id: str, status: str, sequence: int, reasons: Iterable[Reason]) -> None:
    """Show or hide a comment, once for each sequence, anyone who tells of it first."""
    if status == "pending":
        return
    with transaction.atomic():
        older = Screening.objects.filter(external_id=external_id, sequence__lt=sequence)
        said = "; ".join(one.text for one in reasons)[:2000]
        if older.update(sequence=sequence, status=status, reasons=said):
            adapter().show(external_id, is_public=status == "approved")


def decide(row: Screening, decision: Any, moderator: str) -> None:
    """Tell Winnow a moderator's decision, and do it here. Raises WinnowError."""
    answer: Answer = client().decide(row.winnow_id, decision, moderator=moderator)
    apply(row.external_id, answer.status, answer.version or 0, ())


def retry(most: int = 500) -> tuple[int, int]:
    """Submit what waits; return how many Winnow has now, and how many still wait."""
    waiting = list(
        Screening.objects.filter(status="")
        .order_by("pk")
        .values_list("external_id", flat=True)[:most]
    )
    for done, external_id in enumerate(waiting):
        if not screen(external_id, wait_seconds=0):
            return done, len(waiting) - done
    return len(waiting), 0
