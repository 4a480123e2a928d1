"""/openapi.json, made from the catalogue, and /docs, made from /openapi.json."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, render_template

from service.api.base import api
from service.api.commands import command
from service.api.describe import openapi
from service.context import winnow
from service.problems import PROBLEMS

bp = Blueprint(
    "docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/docs/static",
)


@cache
def _document(url: str) -> dict[str, Any]:
    return openapi(api, url=url)


# Anybody may ask for both, as often as they like: each is made once.
@cache
def _json(url: str) -> str:
    return json.dumps(_document(url)) + "\n"


@cache
def _page(url: str) -> str:
    return render_template(
        "docs.html",
        api=_document(url),
        problems=PROBLEMS,
        url=url,
        operations={one.name: one for one in api.operations},
        command=command,
    )


@bp.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI 3.1 document."""
    return Response(_json(winnow().settings.url), content_type="application/json")


@bp.get("/docs")
def docs() -> str:
    """Return the same for people."""
    return _page(winnow().settings.url)


def init_app(app: Flask) -> None:
    """Give *app* its documentation."""
    app.register_blueprint(bp)
