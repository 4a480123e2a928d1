"""A whole Winnow, started by its own command line as a person would."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]


class Running:
    """A Winnow in *data*; `key` and `password` are those of its first start.

    A *poisonable* one has workers that some texts harm (tests/support/poisoned.py).
    """

    def __init__(
        self, data: Path, settings: Mapping[str, str] | None = None, *, poisonable: bool = False
    ) -> None:
        self.data = data
        self._program = "tests.support.poisoned" if poisonable else "service.cli"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = self.password = ""
        self.environ = {
            "HOME": str(data.parent),  # where it says that it runs
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "WINNOW_DATA_DIR": str(data),
            "WINNOW_PORT": str(self.port),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.log = data.with_name(f"{data.name}.log")

    def start(self) -> Running:
        """Return once it says that it runs and is ready to screen."""
        printed = self.data.with_name(f"{self.data.name}.out")
        with printed.open("wb") as out, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._program, "up"],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )
        wait_until(
            lambda: self._process.poll() is not None or "Everything is kept" in printed.read_text(),
            message="Winnow's start",
        )
        text = printed.read_text()
        status = self._process.poll()
        assert status is None, f"exit {status}: {self.log.read_text()}"
        for name, pattern in [("key", r"Site key +(\S+)"), ("password", r"Password +(\S+)")]:
            if found := re.search(pattern, text):
                setattr(self, name, found[1])
        return self

    def stop(self) -> int:
        """Return the exit status, after a Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE_SECONDS)

    def pids(self, *words: str) -> list[int]:
        """Return the processes of this Winnow whose command has all of *words*."""
        own = descendants(self._process.pid)
        return [pid for pid in own if all(word in command_of(pid) for word in words)]

    def workers(self) -> list[int]:
        """Return the processes that the supervisor forked, the oldest first."""
        found = self.pids("winnow-worker")
        known = {pid: status_of(pid) for pid in found}
        forked = [pid for pid, status in known.items() if int(status[1]) in known]
        return sorted(forked, key=lambda pid: (int(known[pid][19]), pid))

    def kill(self, *words: str) -> None:
        """Kill -9 the processes whose command has all of *words*; without words, every one."""
        pids = self.pids(*words)
        for pid in pids:
            kill(pid)
        if self._process.pid in pids:
            self._process.wait()

    @contextmanager
    def away(self, leave: Callable[[], object] | None = None) -> Iterator[None]:
        """Have it gone in the context, by a Ctrl-C or by what *leave* does; start it again whatever happens."""
        (leave or self.stop)()
        try:
            yield
        finally:
            self.start()

    def cli(self, *verb: str) -> Any:
        """Return what a verb of the command line answers, from its JSON."""
        lines = [json.loads(line) for line in self.run(*verb, "--json").splitlines()]
        return lines[0] if len(lines) == 1 else lines

    def run(self, *verb: str) -> str:
        """Return what a verb of the command line prints."""
        done = subprocess.run(
            command(*verb),
            env=self.environ,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def ask(
        self, method: str, path: str, content: Any = None, *, key: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Return the status and JSON of a request with the site's key; bytes are sent as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if content is None else body,
            headers={
                "Authorization": f"Bearer {key or self.key}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, json.loads(problem.read() or b"null")

    def status_of(self, comment_id: str) -> str:
        """Return where a comment stands."""
        return self.ask("GET", f"/v1/comments/{comment_id}")[1]["status"]

    def judged(self, content: str, **more: Any) -> dict[str, Any]:
        """Return a new comment with its verdict, however long that takes."""
        status, answer = self.ask(
            "POST", "/v1/comments", {"content": content, **more}, Prefer="wait=10"
        )
        assert status in {200, 202}, answer

        def settled() -> dict[str, Any] | None:
            comment = self.ask("GET", f"/v1/comments/{answer['id']}")[1]
            return None if comment["status"] == "pending" else comment

        return answer if status == 200 else wait_until(settled, message="the verdict")


@contextmanager
def running(data: Path, *, poisonable: bool = False, **settings: str) -> Iterator[Running]:
    """Run a separate Winnow, and stop it afterwards."""
    winnow = Running(data, settings, poisonable=poisonable)
    try:
        yield winnow.start()
    except BaseException:
        sys.stderr.write(winnow.log.read_text()[-5000:] if winnow.log.exists() else "no log")
        raise
    finally:
        if winnow._process is not None and winnow._process.poll() is None:
            winnow.stop()


def command(*verb: str) -> list[str]:
    """Return what `./winnow VERB` runs."""
    return [sys.executable, "-P", "-m", "service.cli", *verb]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, and that nobody else is given while this process lives.

    It stays bound; a server with SO_REUSEADDR, which all of ours set, can listen on it all the same. A port
    that is let go before its server listens may be another test's by then.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port = int(holder.getsockname()[1])
    holder.detach()  # open until this process ends
    return port


def kill(pid: int) -> None:
    """Kill -9 a process that may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def status_of(pid: int) -> list[str]:
    """Return a process's state, its parent, ... its start (proc(5), from field 3); -1 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        text = ""
    return text.rpartition(")")[2].split() or ["-1"] * 20


def descendants(pid: int) -> list[int]:
    """Return a process and all that it started, and those that they started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        other = int(stat.parent.name)
        children.setdefault(int(status_of(other)[1]), []).append(other)
    found, todo = [], [pid]
    while todo:
        found.append(one := todo.pop())
        todo += children.get(one, [])
    return found


def command_of(pid: int) -> str:
    """Return a process's command line, or what `up` called its fork."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        if name.startswith("winnow-"):
            return name
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
