"""What the tests in a browser share."""

from __future__ import annotations

from tests.support.browser import chromium, desk, settings

__all__ = ["chromium", "desk", "settings"]
