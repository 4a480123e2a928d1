"""The attacks in turn, with what holds and by how much."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.front.bounds import Bounds
from tests.hostile import attacks
from tests.hostile.crowd import crowd
from tests.hostile.honest import Met, honest
from tests.support.service import command_of
from tests.support.waiting import wait_until

#: An honest client's p99 under attack, as a multiple of its quiet one; memory of a process that reads no requests.
SLOWER, LARGER = 5.0, 1.5
_LIMITS = Bounds()
#: Bytes of bodies and answers that the web server may keep at once. A multiple of its quiet memory says nothing: the
#: less a quiet one takes, the larger is the same attack.
READING = sum(
    (_LIMITS.arriving_bytes, _LIMITS.unkeyed_bytes, _LIMITS.keyed_bytes, _LIMITS.unread_bytes)
)
_READY = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Target:
    """The service under attack. Of one that runs elsewhere no memory is seen."""

    host: str
    port: int
    key: str = ""
    pids: Callable[[], list[int]] = list


@dataclass
class Suite:
    """Runs attacks and keeps what they met; *scale* 1 is the full size."""

    target: Target
    scale: float = 1.0
    seconds: float = 10.0
    #: A p99 below this is good under any attack, milliseconds: a shared machine alone takes as much.
    good_ms: float = 50.0
    say: Callable[[str], Any] = print
    failed: list[str] = field(default_factory=list)
    quiet: Met | None = None

    def run(self) -> None:
        """Run everything."""
        target, n = self.target, self._count
        self._until_served(120)
        self._honest()  # until all is loaded that is loaded at need
        self.quiet = self._honest()
        self.say(f"quiet: {_summary(self.quiet)}")
        with self._memory():
            with crowd(
                target.host, target.port, trickling=n(2000), idle=n(2000), unread=n(200)
            ) as became:
                self._hold("slow bodies and heads, silence, answers that nobody reads")
            self.say(f"  of the bad connections: {dict(became)}")
            bodies = attacks.dear_bodies(target.host, target.port, n(4))
            self.say(f"dear bodies without a key: {dict(bodies)}")
            refused = {"400", "401", "404", "408", "413", "415", "503", "closed"}
            # Coral's door answers 200 to whatever it cannot judge: a person shall look.
            self._check("none of them is read", bodies.keys() <= refused | {"200"})
            odd = attacks.odd_requests(target.host, target.port)
            self.say(f"odd requests: {dict(odd)}")
            self._check(
                "all of them are refused", odd.keys() <= {"400", "413", "431", "505", "closed"}
            )
            self._metrics(n(2000))
            if target.key:
                with crowd(target.host, target.port, target.key, polling=n(200)) as polls:
                    self._hold("long polls of one site")
                self.say(f"  of the polls: {dict(polls)}")
                tenant = attacks.by_a_tenant(target.host, target.port, target.key, n(1000))
                self.say(f"a tenant's dear bodies and odd values: {dict(tenant)}")
                self._check(
                    "each is answered, and none by 5xx",
                    all(status.isdigit() and status < "500" for status in tenant),
                )
            self._hold("afterwards")

    def _count(self, full: int) -> int:
        return max(1, round(full * self.scale))

    def _honest(self) -> Met:
        return honest(self.target.host, self.target.port, self.target.key, self.seconds)

    def _until_served(self, seconds: float) -> None:
        host, port = self.target.host, self.target.port
        wait_until(lambda: attacks.ask(host, port, _READY) == "200", seconds, "the service")

    def _hold(self, name: str) -> None:
        """Check that an honest client is served meanwhile."""
        self._until_served(60)  # what was begun at once stands first: that is what is measured
        met = self._honest()
        limit = max(SLOWER * (self.quiet or met).p99_ms, self.good_ms)
        self.say(f"{name}: {_summary(met)}")
        self._check(f"{name}: p99 of {met.p99_ms:.0f} ms under {limit:.0f} ms", met.p99_ms < limit)
        self._check(f"{name}: {met.failed} requests failed", met.failed == 0)

    def _metrics(self, count: int) -> None:
        before = self._lines_of_metrics()
        met = attacks.invented(self.target.host, self.target.port, count)
        after = self._lines_of_metrics()
        self.say(f"{count} invented methods, paths and hosts: {dict(met)}")
        if before and after:
            self._check(f"lines of /metrics: {before}, then {after}", after < before + 200)

    def _lines_of_metrics(self) -> int:
        url = f"http://{self.target.host}:{self.target.port}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return len(answer.read().splitlines())
        except urllib.error.HTTPError:
            return 0  # it is not for us

    @contextmanager
    def _memory(self) -> Iterator[None]:
        """Check that the web server takes no more than its limits allow, and no other process grows."""
        quiet = {pid: own_memory(pid) for pid in self.target.pids()}
        most = dict(quiet)
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(0.1):
                for pid in quiet:
                    most[pid] = max(most[pid], own_memory(pid))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        for pid, was in quiet.items():
            name = command_of(pid)
            # What is small may double: the embedded Valkey of an empty installation.
            limit = was + (READING >> 20) if name == "winnow-web" else max(LARGER * was, was + 16)
            line = f"memory of {name[:60]}: {was} MB, at most {most[pid]} MB"
            self._check(f"{line} under {limit:.0f} MB", most[pid] < limit)

    def _check(self, claim: str, holds: bool) -> None:
        self.say(f"  {'ok' if holds else 'NO'}: {claim}")
        if not holds:
            self.failed.append(claim)


def own_memory(pid: int) -> int:
    """Return the MB of a process's memory that no file backs, 0 when it is gone.

    What a file backs, such as the model's weights, is in memory once for all processes: one that judges
    its first comment maps 80 MB of them, and takes nothing from the machine.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("RssAnon:")]
    return sum(kilobytes) >> 10


def _summary(met: Met) -> str:
    return f"{met.count} requests, p50 {met.p50_ms:.1f} ms, p99 {met.p99_ms:.1f} ms, {met.outcomes}"
