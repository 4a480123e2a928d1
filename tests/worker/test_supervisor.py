"""The supervisor: everyone runs, the dead return, a stop gives work back, outages are waited out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from moderation import dispatch, wiring
from moderation.comment import Draft, Status
from moderation.ids import shorten
from moderation.settings import Settings
from moderation.site import Site
from moderation.store import keys
from moderation.store.embedded import EmbeddedValkey
from moderation.store.liveness import Part
from tests.support.service import ROOT, alive, command_of, descendants, kill
from tests.support.valkey import serving
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from worker.supervisor import Supervisor


class Workers:
    """`python -m worker`, as compose and `up` run it."""

    def __init__(
        self, url: str, data: Path, program: Sequence[str] = ("worker",), **settings: str
    ) -> None:
        self.settings = Settings(redis_url=url, data_dir=data)
        self.adapters = wiring.connect(self.settings)
        self.site: Site = self.adapters.accounts.add_site(f"blog {os.urandom(4).hex()}", now_ms=1)
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "WINNOW_REDIS_URL": url,
            "WINNOW_DATA_DIR": str(data),
            "WINNOW_LEASE_SECONDS": "2",
            **settings,
        }
        self.log = data / "worker.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", *program], env=environ, stderr=log
            )

    def wait_outage(self) -> None:
        """Return once it has noticed that Redis is away."""
        wait_until(
            lambda: "waits for Redis" in self.log.read_text(), message="the outage to be felt"
        )

    @property
    def children(self) -> list[int]:
        """Two screeners, the upkeep worker and the deliverer, the oldest first."""
        return sorted(descendants(self.process.pid)[1:])

    def submit(self, *contents: str) -> list[str]:
        now = self.adapters.clock.now_ms()
        drafts = [Draft(content) for content in contents]
        accepted, wake = self.adapters.comments.accept(
            self.site.id, drafts, backlog=10_000, now_ms=now
        )
        if wake:
            self.adapters.jobs.wake(0)
        return [one.id for one in accepted]

    def wait_judged(self, ids: list[str]) -> None:
        comments = self.adapters.comments
        wait_until(
            lambda: all(one.status is not Status.PENDING for one in comments.get_many(ids)),
            message="verdicts",
        )

    def stop(self) -> None:
        """Return once it has stopped in order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_SECONDS) == 0


@contextmanager
def working(server: EmbeddedValkey, data: Path, **settings: Any) -> Iterator[Workers]:
    workers = Workers(server.url, data, **settings)
    try:
        wait_until(lambda: len(workers.children) == 4, message="the children")
        yield workers
    finally:
        for pid in descendants(workers.process.pid):
            kill(pid)
        workers.process.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with serving() as server, working(server, tmp_path) as started:
        yield started


def test_what_is_accepted_is_judged(workers: Workers):
    workers.wait_judged(workers.submit(*(f"A fine scene, number {n}" for n in range(300))))


def test_a_dead_child_is_replaced(workers: Workers):
    workers.wait_judged(workers.submit("warm"))
    for pid in workers.children:
        before = workers.children
        kill(pid)
        wait_until(
            lambda b=before: len(set(workers.children) - set(b)) == 1, message="its successor"
        )
    workers.wait_judged(workers.submit("Still there"))


def test_a_stop_gives_back_what_was_not_judged(workers: Workers):
    """Nothing is left on lease, so that the next worker need not wait for it to expire."""
    ids = workers.submit(*(f"Scene {n}" for n in range(3000)))
    workers.stop()
    adapters = workers.adapters
    assert adapters.redis.zcard(keys.LEASES(0)) == 0
    pending = [one for one in adapters.comments.get_many(ids) if one.status is Status.PENDING]
    assert adapters.redis.llen(keys.PENDING(0, shorten(workers.site.id))) == len(pending)
    assert adapters.redis.zcard(keys.WORKERS(keys.GLOBAL)) == 0


def test_a_stuck_worker_does_not_hold_up_a_stop(tmp_path: Path):
    with (
        serving() as server,
        working(
            server,
            tmp_path,
            program=("tests.support.poisoned", "worker"),
            WINNOW_BATCH_SECONDS="600",
            WINNOW_LEASE_SECONDS="900",
        ) as workers,
    ):
        workers.submit("winnow-poison-hang")
        wait_until(lambda: workers.adapters.redis.zcard(keys.LEASES(0)), message="the lease")
        workers.stop()
        assert workers.adapters.redis.zcard(keys.LEASES(0)) == 0


def test_children_die_with_their_supervisor(workers: Workers):
    """A kill -9 of it must not leave workers that nobody watches."""
    children = workers.children
    kill(workers.process.pid)
    workers.process.wait()
    wait_until(lambda: not any(map(alive, children)), message="the children's end")


def test_an_outage_of_redis_is_waited_out(tmp_path: Path):
    with serving(data_dir=tmp_path / "valkey") as server, working(server, tmp_path) as workers:
        workers.wait_judged(workers.submit("Before"))
        server.stop()
        workers.wait_outage()
        server.start()
        workers.wait_judged(workers.submit("After"))
        assert workers.process.poll() is None


def test_workers_wait_for_a_redis_that_is_not_there_yet(tmp_path: Path):
    with serving(data_dir=tmp_path / "valkey") as server:
        workers = Workers(server.url, tmp_path)
        server.stop()
        try:
            workers.wait_outage()
            assert workers.process.poll() is None
            server.start()
            workers.wait_judged(workers.submit("At last"))
        finally:
            for pid in descendants(workers.process.pid):
                kill(pid)
            workers.process.wait()


def test_a_lost_wake_up_is_made_good(workers: Workers):
    """The web process died after storing the comment and before waking a worker."""
    now = workers.adapters.clock.now_ms()
    (one,), _ = workers.adapters.comments.accept(
        workers.site.id, [Draft("Nobody told you")], backlog=9, now_ms=now
    )
    workers.wait_judged([one.id])


def test_a_clock_that_was_set_back_holds_nothing_up(tmp_path: Path):
    """What expires in Redis then lives an hour longer: the watchdog's lock, the wake-up, a lease."""
    with serving() as server:
        adapters = wiring.connect(Settings(redis_url=server.url, data_dir=tmp_path))
        wiring.prepare(adapters)
        site = adapters.accounts.add_site("blog", now_ms=1)
        later = adapters.clock.now_ms() + 3_600_000
        adapters.redis.set(keys.WATCHDOG(keys.GLOBAL), "gone", px=3_600_000)
        adapters.redis.set(keys.WAKE(0), 1, px=3_600_000)
        comments = adapters.comments
        accepted, _ = comments.accept(
            site.id, [Draft("one"), Draft("two")], backlog=9, now_ms=later
        )
        comments.take(0, "gone:1", size=1, lease_ms=2000, now_ms=later)
        with working(server, tmp_path) as workers:
            workers.wait_judged([one.id for one in accepted])


def test_a_job_that_is_not_ours_is_not_run(workers: Workers, tmp_path: Path):
    """Write access to Redis must not be a way to run code."""
    queue = workers.adapters.jobs.queue(dispatch.SCREENING)
    target = tmp_path / "owned"
    job = queue.enqueue_call("pathlib.Path.touch", args=(str(target),))
    wait_until(lambda: not queue.connection.exists(job.key), message="the job's end")
    assert not target.exists()
    workers.wait_judged(workers.submit("Business as usual"))


def test_two_supervisors_share_the_work_and_one_watches(workers: Workers):
    """Several hosts share nothing but Redis."""
    redis = workers.adapters.redis
    leader = wait_until(lambda: redis.get(keys.WATCHDOG(keys.GLOBAL)), message="a leader")
    other = Workers(workers.settings.redis_url, workers.settings.data_dir)
    try:
        wait_until(lambda: redis.zcard(keys.WORKERS(keys.GLOBAL)) == 4, message="both to be seen")
        assert redis.get(keys.WATCHDOG(keys.GLOBAL)) == leader
        kill(workers.process.pid)
        workers.process.wait()
        wait_until(
            lambda: redis.get(keys.WATCHDOG(keys.GLOBAL)) not in {leader, None}, message="heir"
        )
        other.wait_judged(other.submit("Goes on"))
    finally:
        for pid in descendants(other.process.pid):
            kill(pid)
        other.process.wait()


def test_no_command_line_of_ours_carries_a_secret(workers: Workers):
    """Every user of the machine can list processes."""
    for pid in [workers.process.pid, *workers.children]:
        assert workers.settings.redis_url not in command_of(pid)


@pytest.mark.parametrize("part", [Part.SCREENER, Part.DELIVERER])
def test_a_frozen_child_falls_silent_while_its_neighbours_beat(workers: Workers, part: Part):
    """A heartbeat comes from the one that works, and not from the supervisor that started it."""
    redis = workers.adapters.redis

    def beats() -> dict[str, float]:
        kept = [keys.WORKERS(keys.GLOBAL), *(keys.PARTS(keys.GLOBAL, other) for other in Part)]
        found = [redis.zrange(key, 0, -1, withscores=True) for key in kept]
        return {name.decode(): at_ms for ones in found for name, at_ms in ones}

    wait_until(lambda: len(beats()) == 5, message="every heartbeat")
    for pid in workers.children:
        os.kill(pid, signal.SIGSTOP)
        frozen_at = workers.adapters.clock.now_ms()
        wait_until(
            lambda at=frozen_at: sum(beat > at + 4000 for beat in beats().values()) == 4,
            message="four to go on",
        )
        (silent,) = [name for name, beat in beats().items() if beat < frozen_at + 1000]
        os.kill(pid, signal.SIGCONT)
        if silent.startswith(part):
            return
    pytest.fail(f"no frozen child was a {part}")


class Sleeping:
    """Children that only sleep, and a supervisor that watches them without running."""

    def __init__(self, redis_url: str, data: Path) -> None:
        settings = Settings(redis_url=redis_url, data_dir=data)
        self.supervisor = Supervisor(settings, lambda: None)
        self.sleepers = []
        for child in self.supervisor.children:
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
            child.pid = sleeper.pid
            self.sleepers.append(sleeper)

        self._beats: dict[str, int] = {}

    def beat(self, but: str = "") -> None:
        for child in self.supervisor.children:
            if child.part != but:
                self._beats[child.name] = self._beats.get(child.name, 0) + 1

    def look(self, now: float) -> None:
        self.supervisor._kill_silent(now, self._beats)

    def dead(self) -> list[str]:
        ended = zip(self.supervisor.children, self.sleepers, strict=True)
        return [child.part for child, sleeper in ended if sleeper.poll() is not None]


@pytest.fixture
def sleeping(redis_url: str, tmp_path: Path) -> Iterator[Sleeping]:
    made = Sleeping(redis_url, tmp_path)
    yield made
    for sleeper in made.sleepers:
        sleeper.kill()
        sleeper.wait()


def test_a_silent_child_is_killed_after_its_patience_and_no_other(sleeping: Sleeping):
    for second in range(0, 40, 10):
        sleeping.beat(but=Part.DELIVERER)
        sleeping.look(1000.0 + second)
    assert sleeping.dead() == []
    sleeping.beat(but=Part.DELIVERER)
    sleeping.look(1041.0)
    wait_until(lambda: sleeping.dead() == [Part.DELIVERER], message="the deliverer's end")


def test_nobody_is_killed_for_silence_while_nobody_could_be_heard(sleeping: Sleeping):
    """After an outage of Redis everybody has as much time as after a start."""
    supervisor = sleeping.supervisor
    sleeping.beat()
    sleeping.look(1000.0)
    supervisor._heard.clear()
    sleeping.look(2000.0)
    sleeping.look(2039.0)
    assert sleeping.dead() == []


def test_an_idle_installation_asks_redis_for_close_to_nothing(workers: Workers):
    """47 times a second it was, when deliverer and watchdog looked around by the clock; 1.4 it is."""
    redis = workers.adapters.redis
    workers.wait_judged(workers.submit("The last one for now"))
    looked: list[tuple[float, int]] = []

    def rests() -> bool:
        """Tell whether there were few questions in the last ten seconds."""
        looked.append((time.monotonic(), redis.info("stats")["total_reads_processed"]))
        while looked[-1][0] - looked[0][0] > 10:
            (began, before), (ends, after) = looked.pop(0), looked[-1]
            if (after - before - len(looked)) / (ends - began) < 3:
                return True
        return False

    wait_until(rests, 60, "a rest")
