"""A mailbox behind a real SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.support.service import free_port
from tests.support.waiting import PATIENCE_SECONDS


class Box:
    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.messages.append(envelope)
        return "250 OK"


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    kept, port = Box(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_SECONDS)
    controller.start()
    yield kept, port
    controller.stop()
