"""/openapi.json, made from the catalogue, and /docs, made from /openapi.json."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template

from service.api.base import api
from service.api.describe import openapi
from service.context import winnow
from service.errors import PROBLEMS

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


@bp.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI 3.1 document."""
    return jsonify(_document(winnow().settings.url))


@bp.get("/docs")
def docs() -> str:
    """Return the same for people."""
    told = _document(winnow().settings.url)
    return render_template("docs.html", api=told, problems=PROBLEMS, url=winnow().settings.url)


def init_app(app: Flask) -> None:
    """Give *app* its documentation."""
    app.register_blueprint(bp)
