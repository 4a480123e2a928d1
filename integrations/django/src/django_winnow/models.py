"""What Winnow said of each comment."""

from __future__ import annotations

from django.db import models


class Screening(models.Model):
    """Where one comment stands with Winnow. ``status`` is empty until Winnow has it."""

    external_id = models.CharField(max_length=200, unique=True)
    winnow_id = models.CharField(max_length=36, blank=True)
    status = models.CharField(max_length=20, blank=True, db_index=True)
    sequence = models.PositiveIntegerField(default=0)
    reasons = models.TextField(blank=True)
    desk = models.URLField(max_length=500, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """The newest first."""

        ordering = ("-pk",)

    def __str__(self) -> str:
        """Return the comment's id and status."""
        return f"{self.external_id}: {self.status or 'waits for Winnow'}"
