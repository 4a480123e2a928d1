"""Comments of a Django site are shown when Winnow says so."""

from __future__ import annotations


def screen(external_id: str) -> str:
    """Submit a hidden comment by the adapter's id of it; return where it stands now.

    "" means that Winnow is away: it stays hidden, and ``manage.py winnow_retry`` submits it again.
    """
    from django_winnow import screening

    return screening.screen(external_id)
