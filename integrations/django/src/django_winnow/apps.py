"""The application."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.conf import settings


class WinnowConfig(AppConfig):
    """Connects to django-contrib-comments where that is installed and no adapter is set."""

    name = "django_winnow"
    verbose_name = "Winnow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals."""
        own = getattr(settings, "WINNOW_ADAPTER", None)
        if own is None and find_spec("django_comments") and apps.is_installed("django_comments"):
            from django_winnow import contrib_comments

            contrib_comments.connect()
