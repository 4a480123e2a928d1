"""Rendering a page of the desk, with what every page shows."""

from __future__ import annotations

from typing import Any

from flask import g, render_template


def page(template: str, **told: Any) -> str:
    """Return the page that *template* makes of *told*."""
    return render_template(f"desk/{template}", me=g.get("moderator"), **told)
