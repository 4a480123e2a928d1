"""All that a blog needs to know of Winnow: submit a comment, and believe a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

_TOLERANCE_SECONDS = 300


def submit(url: str, key: str, comment: Mapping[str, Any]) -> dict[str, Any]:
    """Return Winnow's answer to *comment*, with its verdict if that came within a second."""
    request = urllib.request.Request(
        f"{url}/v1/comments",
        data=json.dumps(comment).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Prefer": "wait=1",
        },
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        answered: dict[str, Any] = json.load(answer)
    return answered


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether Winnow sent *body*, unchanged and just now (Standard Webhooks v1)."""
    headers = {name.lower(): value for name, value in headers.items()}
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    offered = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{expected}", one) for one in offered)
