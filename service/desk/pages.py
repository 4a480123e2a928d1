"""Rendering a page of the desk, with what every page shows."""

from __future__ import annotations

from typing import Any

from flask import g, render_template

from moderation.errors import StorageUnavailable
from service.context import winnow


def page(template: str, **values: Any) -> str:
    """Return *template* rendered with *values*."""
    return render_template(
        f"desk/{template}", me=g.get("moderator"), notice_trouble=_notice_trouble(), **values
    )


def _notice_trouble() -> bool:
    """Tell whether a channel of the signed-in moderator fails; a page about storage needs none."""
    me = g.get("moderator")
    try:
        return me is not None and winnow().notices.has_trouble(me.name)
    except StorageUnavailable:
        return False
