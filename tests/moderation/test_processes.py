"""Processes of ours: gone with their parent, and started again without haste."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from moderation.processes import Alarm, Restarts, tied
from tests.support.service import alive, kill
from tests.support.waiting import wait_until

PARENT = """
import subprocess, sys
from moderation.processes import tied
child = subprocess.Popen(tied([sys.executable, "-c", "import signal; signal.pause()"], nice=1))
print(child.pid, flush=True)
child.wait()
"""


def test_a_process_that_lasted_is_started_again_at_once():
    restarts = Restarts()
    restarts.started(100.0)
    assert restarts.ended(200.0) == 0.0


def test_a_process_that_keeps_ending_by_itself_waits_longer_each_time_up_to_ten_seconds():
    restarts, pauses = Restarts(), []
    for _ in range(9):
        restarts.started(100.0)
        pauses.append(restarts.ended(100.1))
    assert pauses[:4] == [0.0, 0.5, 1.0, 2.0]
    assert pauses[-1] == 10.0
    assert restarts.at == 110.1


def test_a_killed_process_is_back_within_a_second_however_often_it_is_killed():
    """Comments that kill workers must not delay other sites' comments."""
    restarts, pauses = Restarts(), []
    for _ in range(20):
        restarts.started(100.0)
        pauses.append(restarts.ended(100.1, killed=True))
    assert pauses[:6] == [0.0] * 6
    assert max(pauses) == 1.0


def test_a_tied_process_ends_with_its_parent():
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command, nicer = [sys.executable, "-c", PARENT], os.getpriority(os.PRIO_PROCESS, 0) + 1
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as parent:
        child = int(parent.stdout.readline())
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, child) == nicer, message="its niceness")
        kill(parent.pid)
    wait_until(lambda: not alive(child), message="the child's end")


def test_a_tied_process_whose_parent_is_gone_already_does_not_start(capfd):
    command = tied([sys.executable, "-c", "print('started')"])
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, check=False).returncode == 1
    assert "started" not in capfd.readouterr().out


def test_a_signal_ends_a_wait_and_is_not_missed_if_it_came_before():
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        alarm = Alarm()
        signal.raise_signal(signal.SIGUSR1)
        began = time.monotonic()
        alarm.wait(30)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        alarm.wait(30)
        assert time.monotonic() - began < 20
    finally:
        Alarm.leave()
        signal.signal(signal.SIGUSR1, before)
