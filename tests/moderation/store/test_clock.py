"""The clock is Redis's own, and says when somebody set it."""

from __future__ import annotations

import logging
from itertools import count

from moderation.store.clock import RedisClock


class Server:
    """A server whose time is what a test says."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000

    def time(self) -> tuple[int, int]:
        return self.seconds, 0


def asked_seldom(server: Server) -> RedisClock:
    """Return a clock that is asked every ten seconds, so that it reads the server's time again."""
    return RedisClock(server, monotonic=count(step=10).__next__)


def test_a_clock_that_is_set_back_is_said_once_with_what_follows(caplog):
    server = Server()
    clock = asked_seldom(server)
    assert clock.now_ms() == 1_800_000_000_000
    server.seconds -= 3600
    with caplog.at_level(logging.WARNING):
        assert clock.now_ms() == 1_799_996_400_000
        assert clock.now_ms() == 1_799_996_400_000
    (said,) = caplog.messages
    assert "set back by 3600 s" in said


def test_a_clock_whose_answer_comes_late_does_not_go_back():
    """As on a machine with more work than processors: what is done at once would seem to be later."""
    server = Server()
    clock = asked_seldom(server)
    assert clock.now_ms() == 1_800_000_000_000
    server.seconds -= 3
    assert clock.now_ms() == 1_800_000_000_000
    server.seconds += 4
    assert clock.now_ms() == 1_800_000_001_000


def test_a_clock_that_ntp_corrects_is_nobodys_business(caplog):
    server = Server()
    clock = asked_seldom(server)
    clock.now_ms()
    server.seconds -= 1
    with caplog.at_level(logging.WARNING):
        clock.now_ms()
    assert caplog.messages == []
