"""No test depends on how fast the machine is: CI shares two slow cores, as colleagues' machines do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import ROOT, free_port
from tests.support.waiting import PATIENCE_SECONDS, wait_until

TESTS = ROOT / "tests"
#: Whose tests read the clock on the wall, and what for; the others bound what they do by processor time
#: (`time.thread_time`), or wait.
CLOCKS = {
    "moderation/test_processes.py": "20 s tell a wait that a signal ends from one of 30 s",
    "service/cli/test_up.py": "it is given to what is tested",
    "worker/test_supervisor.py": "requests a second of an installation at rest, over 5 s",
}


def files() -> Iterator[Path]:
    for path in sorted(TESTS.rglob("*.py")):
        measures = path.relative_to(TESTS).parts[0] in {"integration", "hostile"}
        if not measures and path != Path(__file__):
            yield path


def waits(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "wait_until":
            yield node


def test_every_wait_has_as_much_time_as_a_slow_machine_needs():
    impatient = [
        f"{path.relative_to(ROOT)}:{call.lineno} waits {bound.value} s: leave the bound out"
        for path in files()
        for call in waits(path)
        for bound in [
            *call.args[1:2],
            *(one.value for one in call.keywords if one.arg == "timeout"),
        ]
        if isinstance(bound, ast.Constant) and bound.value < PATIENCE_SECONDS
    ]
    assert impatient == []


def test_no_test_bounds_the_time_on_the_wall():
    reads = re.compile(r"\b(?:monotonic|perf_counter)(?:_ns)?\(")
    found = {
        str(path.relative_to(TESTS))
        for path in files()
        if path.name.startswith("test_") and reads.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(CLOCKS)


def test_a_wait_that_is_given_up_says_what_there_was():
    with pytest.raises(AssertionError, match=r"waiting for the second; it was \['first'\]\Z"):
        wait_until(lambda: Mostly(["first"]), 0.01, "the second")


class Mostly(list):
    """A list that is not enough."""

    def __bool__(self) -> bool:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hand a bound port out again")
def test_a_port_is_given_to_one_test_alone_and_its_server_can_listen():
    port = free_port()
    program = (
        "import socket, sys; s = socket.socket()\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[2]))\n"
        "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen()"
    )
    for reuse, status in (("0", 1), ("1", 0)):
        run = [sys.executable, "-c", program, str(port), reuse]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert ("Address already in use" in done.stderr) == bool(status)
