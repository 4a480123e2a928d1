"""``manage.py winnow_retry``: submit comments that were posted while Winnow was away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from django_winnow import screening


class Command(BaseCommand):
    """For cron, every few minutes."""

    help = "Submits comments that Winnow does not have yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        done, left = screening.retry()
        self.stdout.write(f"{done} submitted, {left} wait")
