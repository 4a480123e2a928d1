"""A shell command for each operation of the API, as /docs shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from service.api.describe import JSON, Operation
from service.api.examples import MODELS

_ID = "019ab3f0-1c2d-7000-8000-3f1d2c4b5a69"
#: Parameters by operation, where an example without any would say little.
QUERIES: Mapping[str, str] = {
    "list_comments": "status=flagged&limit=20",
    "list_queue": "order=newest&limit=20",
    "list_events": "after=0&wait=10",
    "export_author": "email=ada@mail.example",
}


def command(operation: Operation, url: str) -> str:
    """Return a shell command that sends *operation* to the Winnow at *url*."""
    first, *rest = operation.path.split("<")
    path = first + "".join(f"{_ID}{part.partition('>')[2]}" for part in rest)
    query = f"?{QUERIES[operation.name]}" if operation.name in QUERIES else ""
    key = "$WINNOW_TOKEN" if operation.admin else "$WINNOW_KEY"
    method = "" if operation.method == "GET" else f"-X {operation.method} "
    lines = [f"curl {method}'{url}/v1{path}{query}'", f'  -H "Authorization: Bearer {key}"']
    if operation.body:
        body = json.dumps(MODELS[operation.body])
        lines += [f"  -H 'Content-Type: {JSON}'", f"  -d '{body}'"]
    return " \\\n".join(lines)
