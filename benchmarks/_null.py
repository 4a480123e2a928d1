"""A Flask application that does nothing, on the very server that Winnow runs on."""

from __future__ import annotations

import os

from flask import Flask

from moderation.settings import from_env
from service.front import Front


def make() -> Flask:
    """Return the application: any path, any method, a small JSON answer."""
    app = Flask(__name__, static_folder=None)

    @app.route("/<path:anything>", methods=["GET", "POST"])
    def nothing(anything: str) -> tuple[dict[str, bool], int]:
        del anything
        return {"ok": True}, 202

    return app


if __name__ == "__main__":
    settings = from_env(os.environ)
    Front(make(), host=settings.host, port=settings.port, threads=settings.web_threads).run()
