"""A container's health check: the heartbeats of its own processes, and nobody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from moderation import wiring
from moderation.settings import Settings
from moderation.store.liveness import Part
from tests.support.service import ROOT
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from worker.pulse import named


class Host:
    """A host with a Redis, whose health is asked as a container's is."""

    def __init__(self, url: str, data: Path) -> None:
        self.environ = {
            "PYTHONPATH": str(ROOT),
            "WINNOW_REDIS_URL": url,
            "WINNOW_DATA_DIR": str(data),
        }
        self.adapters = wiring.connect(Settings(redis_url=url, data_dir=data))
        wiring.prepare(self.adapters)

    def python(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            env=self.environ, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def health(self, *words: str) -> tuple[int, str]:
        asked = self.python("worker.alive", *words)
        said = asked.communicate(timeout=PATIENCE_SECONDS)[1]
        return asked.returncode, said

    def beat(self, part: Part, name: str, *, ago_ms: int = 0) -> None:
        self.adapters.liveness.beat(part, name, ago_ms=ago_ms)


@pytest.fixture
def host(redis_url: str, tmp_path: Path) -> Host:
    return Host(redis_url, tmp_path / "data")


def test_a_host_is_healthy_while_its_own_processes_beat(host: Host):
    host.beat(Part.SCREENER, named("screener-1", boot="0a"))
    host.beat(Part.WATCHDOG, named("watchdog", boot="0a"))
    assert host.health("screening") == (0, "")
    assert host.health("delivery") == (1, "winnow: no deliverer is alive here\n")


def test_a_process_that_is_silent_or_elsewhere_does_not_count(host: Host):
    host.beat(Part.WATCHDOG, named("watchdog", boot="0a"))
    host.beat(Part.SCREENER, "screener-1@another-host-0b")
    host.beat(Part.SCREENER, named("screener-1", boot="0a"), ago_ms=20_000)
    assert host.health("screening") == (1, "winnow: no screener is alive here\n")


def test_a_word_that_is_none_is_answered_with_those_there_are(host: Host):
    assert host.health("screenin") == (2, "usage: python -m worker.alive [screening] [delivery]\n")


def test_without_storage_a_host_is_not_healthy(host: Host):
    host.environ["WINNOW_REDIS_URL"] = "redis://127.0.0.1:1/0"
    status, said = host.health("screening")
    assert status == 1
    assert "Traceback" not in said


def test_what_runs_the_deliverer_beats_under_its_host_s_name(host: Host):
    deliverer = host.python("worker", "delivery")
    try:
        wait_until(lambda: host.health("delivery")[0] == 0, message="heartbeats")
    finally:
        deliverer.terminate()
        deliverer.communicate(timeout=PATIENCE_SECONDS)
    assert host.health("delivery") == (1, "winnow: no deliverer and no watchdog is alive here\n")
