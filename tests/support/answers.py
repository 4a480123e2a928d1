"""Answers of the API as their models have them, which the OpenAPI document is made of."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from service.api.base import api
from service.api.schemas import ProblemOut


def hold(app: Flask, answer: TestResponse) -> None:
    """Hold an *answer* of the API against its model: nothing is missing, of another kind, or unnamed."""
    asked = answer.request
    try:
        endpoint, _ = app.url_map.bind("").match(asked.path, asked.method)
    except HTTPException:  # no route of ours has this path and method
        endpoint = "api." if asked.path.startswith("/v1/") else ""
    if not endpoint.startswith("api.") or not answer.data:  # a door has its own shapes
        return
    model = ProblemOut
    if answer.status_code < 400:
        (answers,) = (one.answers for one in api.operations if f"api.{one.name}" == endpoint)
        model = answers[answer.status_code]
    read = model.model_validate_json(answer.data)
    assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == answer.json
