"""What every view needs, made once by the factory and found through the app."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from moderation.ports import Model
from moderation.wiring import Adapters

_NAME = "winnow"


class Context(Adapters):
    """The adapters, with the model that the doors score with; None where none was loaded."""

    model: Model | None


def init_app(app: Flask, context: Context) -> None:
    """Hand *context* to the views of *app*."""
    app.extensions[_NAME] = context


def winnow() -> Context:
    """Return the context of the app that answers this request."""
    return cast(Context, current_app.extensions[_NAME])
