"""A receiver that fails, hangs and resets, a deliverer and a Valkey that are killed: every event arrives.

``WINNOW_CHAOS=full`` makes it the full trial: 10,000 events, 20 kills of the deliverer and 3 of
Valkey.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from moderation.actor import moderator
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.errors import StorageUnavailable
from moderation.store.embedded import EmbeddedValkey
from tests.support import receiver as behaves
from tests.support.receiver import Received, Receiver
from tests.support.valkey import serving
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from tests.support.world import World, make_world

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
#: Half of the attempts fail, so that a delivery fails for good once in a million million.
ATTEMPTS = 40


@dataclass(frozen=True)
class Trial:
    comments: int
    endpoints: int
    deliverer_kills: int
    valkey_kills: int
    seconds: int


SMALL = Trial(comments=60, endpoints=5, deliverer_kills=4, valkey_kills=1, seconds=100)
FULL = Trial(comments=200, endpoints=20, deliverer_kills=20, valkey_kills=3, seconds=540)


class Moody:
    """Fails 30 % of the time, hangs 10 % and resets 10 %; notes what it answered well."""

    def __init__(self) -> None:
        self.dice = random.Random(7)
        self.took: dict[str, list[str]] = defaultdict(list)

    def __call__(self, handler: object, received: Received) -> None:
        roll = self.dice.random()
        if roll < 0.3:
            behaves.answer(500)(handler, received)
        elif roll < 0.4:
            behaves.hang(handler, received)
        elif roll < 0.5:
            behaves.reset(handler, received)
        else:
            self.took[received.path].append(received.headers["webhook-id"])
            behaves.answer(204, b"")(handler, received)


class Deliverers:
    """A deliverer process, and another each time it was killed."""

    def __init__(self, world: World) -> None:
        settings = world.adapters.settings
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "WINNOW_REDIS_URL": settings.redis_url,
            "WINNOW_DATA_DIR": str(settings.data_dir),
            "WINNOW_WEBHOOK_SCHEDULE": ",".join(["0.05"] * ATTEMPTS),
            "WINNOW_WEBHOOK_TIMEOUT": "0.3",
            "WINNOW_LOG_LEVEL": "ERROR",
        }
        self.start()

    def start(self) -> None:
        program = (
            "import os; from moderation import wiring; from moderation.settings import from_env;"
            "from moderation.store.liveness import Part; from worker.deliverer import run;"
            "run(wiring.connect(from_env(os.environ)), part=Part.DELIVERER, name='deliverer-1@chaos')"
        )
        self.process = subprocess.Popen([sys.executable, "-c", program], env=self.environ, cwd=ROOT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)


def kill_valkey(valkey: EmbeddedValkey) -> None:
    os.kill(valkey.pid, signal.SIGKILL)
    wait_until(lambda: not valkey.alive(), message="Valkey's death")
    valkey.start()


def unfinished(world: World, endpoints: list[Endpoint]) -> int:
    """Return how many deliveries are still to be made, counting events not yet fanned out."""
    deliveries = world.adapters.deliveries
    try:
        logs = [deliveries.log(endpoint, limit=100_000) for endpoint in endpoints]
        fanned = not deliveries.eventful_sites(0)
    except StorageUnavailable:
        return -1
    due = sum(one.state is DeliveryState.DUE for log in logs for one in log)
    return due if fanned else due + 1


def test_every_event_is_delivered_and_repeats_carry_the_same_id(tmp_path: Path):
    trial = FULL if os.environ.get("WINNOW_CHAOS") == "full" else SMALL
    moody, dice = Moody(), random.Random(11)
    with serving("always", tmp_path / "data") as valkey, Receiver(moody) as receiver:
        world = make_world(valkey.url, tmp_path / "data")
        accounts = world.adapters.accounts
        endpoints = [
            accounts.add_endpoint(
                Endpoint("", world.site.id, receiver.url(f"/{n}"), allow_private=True),
                by=moderator("test"),
                now_ms=1,
            )
            for n in range(trial.endpoints)
        ]
        for start in range(0, trial.comments, 100):
            world.submit(*[f"comment {n}" for n in range(start, min(start + 100, trial.comments))])
            world.screen()
        total = trial.comments * trial.endpoints
        kills = ["deliverer"] * trial.deliverer_kills + ["valkey"] * trial.valkey_kills
        dice.shuffle(kills)
        with Deliverers(world) as deliverers:
            for number, kill in enumerate(kills, 1):
                enough = total * number // (len(kills) + 2)
                wait_until(
                    lambda enough=enough: sum(map(len, moody.took.values())) >= enough,
                    trial.seconds,
                    f"{enough} deliveries",
                )
                if kill == "valkey":
                    kill_valkey(valkey)
                else:
                    deliverers.kill()
            wait_until(lambda: unfinished(world, endpoints) == 0, trial.seconds, "the rest")
        expected = {event.id for event in world.adapters.comments.events(world.site.id, limit=9999)}
        repeats = sum(len(took) - len(set(took)) for took in moody.took.values())
        for endpoint in endpoints:
            took = moody.took["/" + endpoint.url.rpartition("/")[2]]
            assert set(took) == expected, "an event was never delivered, or under another id"
        print(  # noqa: T201 - the figures of the full trial
            json.dumps({"delivered": total, "repeats": repeats, "attempts": len(receiver.requests)})
        )
