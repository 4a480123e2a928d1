"""up: one start, one stop, nothing left behind, and a sentence for what goes wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from moderation import wiring
from moderation.settings import Settings
from moderation.store import keys
from service.cli.base import storage
from service.cli.forks import Process, remember, stop_orphans
from service.cli.up import _left, _let_somebody_in
from tests.support.service import Running, alive, command, descendants, running
from tests.support.waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("up") / "data") as started:
        yield started


def refused(environ: dict[str, str]) -> str:
    """Return the one sentence with which a start fails."""
    done = subprocess.run(
        command("up"), env=environ, capture_output=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stdout) == (1, b""), done
    sentence = done.stderr.decode()
    assert sentence.startswith("Error: ")
    assert "Traceback" not in sentence
    return sentence


def test_a_second_start_says_which_one_runs(winnow: Running):
    (pid,) = winnow.pids(" up")
    assert f"already running in {winnow.data} (pid {pid})" in refused(winnow.environ)


def test_a_taken_port_is_said_before_anything_is_started(winnow: Running, tmp_path: Path):
    other = winnow.environ | {"WINNOW_DATA_DIR": str(tmp_path / "data")}
    assert f"cannot listen on 127.0.0.1 port {winnow.port}" in refused(other)


def test_a_misspelt_setting_is_named(tmp_path: Path, winnow: Running):
    assert "WINNOW_PROT" in refused(winnow.environ | {"WINNOW_PROT": "1"})


def private_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"Private_Dirty: +(\d+)", text)[0]) / 1024


def test_web_and_workers_share_what_was_loaded(winnow: Running):
    """The model alone is 150 MB: none of them has another."""
    forked = winnow.pids("winnow-")
    assert len(forked) >= 5
    assert max(map(private_mb, forked)) < 70


@pytest.mark.parametrize("part", ["winnow-web", "winnow-worker"])
def test_a_part_that_dies_is_started_again(winnow: Running, part: str):
    before = winnow.pids(part)
    winnow.kill(part)
    wait_until(lambda: set(winnow.pids(part)) - set(before), message="its successor")
    status = wait_until(
        lambda: answer(winnow, "The show goes on") in {200, 202} or None, message="an answer"
    )
    assert status


def answer(winnow: Running, content: str) -> int:
    try:
        return winnow.ask("POST", "/v1/comments", {"content": content})[0]
    except OSError:
        return 0


def test_the_web_steps_back_for_the_workers(winnow: Running):
    """What was accepted is screened even when more comes in than can be."""

    def niceness(pid: int) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])

    web = {niceness(pid) for pid in winnow.pids("winnow-web")}
    workers = {niceness(pid) for pid in winnow.pids("winnow-worker")}
    assert min(web) >= max(workers) + 5


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_leaves_nobody(tmp_path: Path, signum: signal.Signals):
    with running(tmp_path / "data") as winnow:
        everyone = descendants(winnow._process.pid)
        assert len(everyone) >= 8
        winnow._process.send_signal(signum)
        assert winnow._process.wait(PATIENCE_SECONDS) == 0
        assert not any(map(alive, everyone))
        assert not (tmp_path / "data" / "processes.json").exists()


def test_data_of_a_newer_winnow_is_refused(tmp_path: Path, winnow: Running):
    data = tmp_path / "data"
    with storage(Settings(data_dir=data), fresh=True) as adapters:
        newer = {"version": wiring.DATA_VERSION + 1}
        adapters.redis.hset(keys.META(keys.GLOBAL), mapping=newer)
    assert "upgrade Winnow" in refused(winnow.environ | {"WINNOW_DATA_DIR": str(data)})


def sleep() -> int:
    time.sleep(60)
    return 0


def test_an_orphan_is_stopped_and_a_stranger_with_its_number_is_not(tmp_path: Path):
    """A pid in a file may belong to anybody by now; the time of its birth tells."""
    file = tmp_path / "processes.json"
    parts = [Process(name, sleep) for name in "ab"]
    for part in parts:
        assert part.tend()
    orphan, stranger = (part.pid for part in parts)
    remember(file, parts)
    file.write_text(file.read_text().replace(f'"{stranger}": "', f'"{stranger}": "1'))
    stop_orphans(file)
    parts[0].stop()
    assert not alive(orphan)
    assert alive(stranger)
    parts[1].stop()
    assert not alive(stranger)


def test_who_runs_everything_wakes_for_a_restart_and_else_for_nothing():
    started, waits = Process("a", sleep), Process("b", sleep)
    started.pid = 1
    assert _left([started], restless=False) is None
    assert 0 < (_left([started], restless=True) or 0) < 1
    waits._restarts.at = time.monotonic() + 30
    assert 29 < (_left([started, waits], restless=False) or 0) <= 30


@pytest.mark.parametrize("given", ["", "a long first password"])
def test_the_first_web_over_a_redis_makes_somebody_to_sign_in(
    given: str, tmp_path: Path, redis_url: str, capsys: pytest.CaptureFixture
):
    """Several start at once: one of them makes the moderator, and nobody's start fails."""
    settings = Settings(data_dir=tmp_path, redis_url=redis_url, first_password=given)
    for _ in range(2):
        _let_somebody_in(settings)
    shown = capsys.readouterr().out
    password = given or re.search(r"as admin with the password (\S+)\n", shown)[1]
    assert (shown == "") == bool(given)
    accounts = wiring.connect(settings).accounts
    assert accounts.check_password("admin", password).must_change_password


def test_matrices_are_reckoned_by_one_thread_unless_somebody_says_otherwise():
    program = (
        "import contextlib, os, sys; from service import cli\n"
        "sys.argv = ['winnow', '--version']\n"
        "with contextlib.suppress(SystemExit): cli.run()\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)"
    )
    for given, used in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")):
        environ = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"} | given
        said = subprocess.check_output([sys.executable, "-c", program], env=environ, text=True)
        assert said.splitlines()[-1] == f"{used} False"
