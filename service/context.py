"""What every view needs, made once by the factory and found through the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self, cast

from flask import Flask, current_app

from moderation.ports import Model
from moderation.wiring import Adapters

_NAME = "winnow"


@dataclass(frozen=True)
class Context(Adapters):
    """The adapters, with the model that the doors score with; None where none was loaded."""

    current: Callable[[], Model] | None = None

    @property
    def model(self) -> Model | None:
        """The newest model; one request asks once, so that all of its answer is by one model."""
        return self.current() if self.current else None

    @classmethod
    def of(cls, adapters: Adapters, current: Callable[[], Model] | None) -> Self:
        """Return *adapters* and the *current* model as one."""
        parts = {part.name: getattr(adapters, part.name) for part in fields(Adapters)}
        return cls(**parts, current=current)


def init_app(app: Flask, context: Context) -> None:
    """Hand *context* to the views of *app*."""
    app.extensions[_NAME] = context


def winnow() -> Context:
    """Return the context of the app that answers this request."""
    return cast(Context, current_app.extensions[_NAME])
