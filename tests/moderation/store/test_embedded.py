"""The embedded Valkey keeps what was written to it; where it cannot start, its error names the cause."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from moderation.errors import AlreadyRunning, BadSettings, StorageUnavailable
from moderation.store.embedded import SOCKET_PATH_BYTES, EmbeddedValkey, socket_path, socket_url
from tests.support.disk import fill, mounted, needs_root
from tests.support.valkey import serving
from tests.support.waiting import wait_until

#: Another Winnow: starts the server of a directory, says so, and waits to be killed.
OTHER = """
import signal, sys
from pathlib import Path
from moderation.store.embedded import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]), "always", None)
server.start()
print(server.pid, flush=True)
signal.pause()
"""

#: The same without PR_SET_PDEATHSIG: the kernel does not end the server with its parent.
OTHER_WITHOUT_PDEATHSIG = "import ctypes\n" + OTHER.replace(
    "server =",
    "import moderation.processes as p\n"
    "p._LAUNCH = p._LAUNCH.replace('prctl(1, signal.SIGTERM)', 'pass')\n"
    "server =",
)


def client_of(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def is_running(pid: int) -> bool:
    """Say whether *pid* is there and is more than a zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@contextmanager
def another_winnow(data_dir: Path, program: str = OTHER) -> Iterator[tuple[subprocess.Popen, int]]:
    """Run a second process that serves *data_dir*; give it and its server's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("fsync", ["everysec", "always"])
def test_what_was_written_is_there_after_a_restart(tmp_path, fsync):
    with serving(fsync, tmp_path) as server, client_of(server) as client:
        client.set("comment", "kept")
    with serving(fsync, tmp_path) as server, client_of(server) as client:
        assert client.get("comment") == "kept"


def test_the_same_object_can_be_started_again_after_a_stop(tmp_path):
    server = EmbeddedValkey(tmp_path, "everysec", None)
    for _ in range(2):
        server.start()
        server.start()  # starting what runs changes nothing
        assert server.alive()
        server.stop()
        server.stop()
        assert not server.alive()
        assert server.pid is None


def test_an_acknowledged_write_survives_kill_9_of_the_server(tmp_path):
    """With `always` a write that was answered is on disk; the same object starts it again."""
    with serving("always", tmp_path) as server:
        with client_of(server) as client:
            for number in range(100):
                client.rpush("comments", number)
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.alive(), message="the server's end")
        assert "killed by signal 9" in server.why_stopped()
        server.start()
        with client_of(server) as client:
            assert client.llen("comments") == 100


def test_the_server_runs_as_the_design_says(tmp_path):
    expected = {
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "maxmemory": str(64 * 1024 * 1024),
        "hash-max-listpack-value": "1024",
        "aof-load-truncated": "yes",
        "port": "0",
    }
    server = EmbeddedValkey(tmp_path, "always", "64mb")
    server.start()
    try:
        with client_of(server) as client:
            assert {name: client.config_get(name)[name] for name in expected} == expected
    finally:
        server.stop()


def test_malloc_keeps_what_scripts_drop_unless_it_was_told_otherwise(tmp_path, monkeypatch):
    """An owner's own tunables win."""
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    for tunables in ("", "glibc.malloc.tcache_count=9"):
        if tunables:
            monkeypatch.setenv("GLIBC_TUNABLES", tunables)
        with serving(data_dir=tmp_path) as server:
            around = Path(f"/proc/{server.pid}/environ").read_bytes()
        wanted = tunables or "glibc.malloc.tcache_count=5000:glibc.malloc.hugetlb=1"
        # The C library writes an end of string over each colon.
        assert f"GLIBC_TUNABLES={wanted}\0".encode() in around.replace(b"\0glibc", b":glibc")


def test_nobody_else_may_read_the_data_or_reach_the_socket(tmp_path):
    with serving(data_dir=tmp_path / "data") as server:
        assert server.data_dir.stat().st_mode & 0o077 == 0
        assert socket_path(server.data_dir).stat().st_mode & 0o077 == 0
        kept = [path for path in (server.data_dir / "appendonlydir").iterdir() if path.is_file()]
        assert kept
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_a_second_start_says_who_is_running(tmp_path):
    with another_winnow(tmp_path) as (other, _):
        with pytest.raises(AlreadyRunning, match=rf"already running .*\(pid {other.pid}\)"):
            EmbeddedValkey(tmp_path, "everysec", None).start()
        with redis.Redis.from_url(socket_url(tmp_path)) as client:
            assert client.ping()


def test_the_lock_is_free_after_a_stop(tmp_path):
    with serving(data_dir=tmp_path):
        pass
    with serving(data_dir=tmp_path) as server:
        assert server.alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_the_server_dies_with_its_killed_parent(tmp_path):
    with another_winnow(tmp_path) as (other, server_pid):
        other.kill()
        wait_until(lambda: not is_running(server_pid), message="the orphan's end")


def test_a_start_after_kill_9_of_the_parent_stops_the_orphan_and_keeps_its_data(tmp_path):
    """Where nothing kills the server with its parent (macOS), the next start stops it in order."""
    with another_winnow(tmp_path, OTHER_WITHOUT_PDEATHSIG) as (other, orphan):
        with redis.Redis.from_url(socket_url(tmp_path)) as client:
            client.set("comment", "kept")
        other.kill()
        other.wait()
        assert is_running(orphan)
        with serving(data_dir=tmp_path) as server, client_of(server) as client:
            assert not is_running(orphan)
            assert server.pid != orphan
            assert client.get("comment") == "kept"


def test_an_orphan_without_its_pid_file_is_found_by_its_socket(tmp_path):
    with another_winnow(tmp_path, OTHER_WITHOUT_PDEATHSIG) as (other, orphan):
        other.kill()
        other.wait()
        (tmp_path / "valkey.pid").unlink()
        with serving(data_dir=tmp_path):
            assert not is_running(orphan)


@pytest.mark.skipif(sys.platform != "linux", reason="children are listed in /proc")
def test_a_forked_child_does_not_hold_the_lock_of_its_dead_parent(tmp_path):
    """Workers are forked; one that lives a moment longer must not look like a running Winnow."""
    forking = OTHER.replace(
        "signal.pause()", "import os\nif not os.fork():\n    signal.pause()\nsignal.pause()"
    )
    with another_winnow(tmp_path, forking) as (other, server_pid):
        children = Path(f"/proc/{other.pid}/task/{other.pid}/children")
        wait_until(lambda: len(children.read_text().split()) == 2, message="the fork")
        forked = next(int(pid) for pid in children.read_text().split() if int(pid) != server_pid)
        other.kill()
        other.wait()
        wait_until(lambda: not is_running(server_pid), message="the server's end")
        with serving(data_dir=tmp_path) as server:
            assert server.alive()
            assert is_running(forked)
        os.kill(forked, signal.SIGKILL)


def test_a_cut_tail_of_the_append_only_file_is_forgiven(tmp_path):
    """A power cut leaves half a command; what came before it is loaded."""
    with serving("always", tmp_path) as server, client_of(server) as client:
        client.set("first", "kept")
        client.set("second", "x" * 100)
    log = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
    os.truncate(log, log.stat().st_size - 20)
    with serving("always", tmp_path) as server, client_of(server) as client:
        assert client.get("first") == "kept"
        assert client.get("second") is None


def test_a_damaged_append_only_file_is_named_with_its_repair(tmp_path):
    with serving("always", tmp_path) as server, client_of(server) as client:
        for number in range(50):
            client.set(f"key{number}", "x" * 100)
    log = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
    with log.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0garbage\0" * 20)
    with pytest.raises(
        StorageUnavailable, match=r"damaged.*winnow restore.*valkey-check-aof --fix"
    ):
        EmbeddedValkey(tmp_path, "always", None).start()


def test_a_lost_manifest_s_file_is_named_as_damage(tmp_path):
    with serving("always", tmp_path) as server, client_of(server) as client:
        client.set("key", "value")
    next((tmp_path / "appendonlydir").glob("*.incr.aof")).unlink()
    next((tmp_path / "appendonlydir").glob("*.base.rdb")).unlink()
    with pytest.raises(StorageUnavailable, match="damaged"):
        EmbeddedValkey(tmp_path, "always", None).start()


def test_a_long_path_gets_a_short_private_socket(tmp_path):
    """A socket's address holds 108 bytes; homes are deeper than that."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= SOCKET_PATH_BYTES
    with serving(data_dir=deep) as server, client_of(server) as client:
        assert client.ping()
        assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.rmdir()


def test_a_socket_directory_that_others_can_write_is_refused(tmp_path):
    """Any user may make a path below /tmp first, and could listen on its socket."""
    deep = tmp_path / ("d" * 60) / ("f" * 60)
    planted = socket_path(deep).parent
    planted.mkdir()
    planted.chmod(0o777)
    try:
        with pytest.raises(StorageUnavailable, match="not a private directory"):
            EmbeddedValkey(deep, "everysec", None).start()
    finally:
        planted.rmdir()


def test_a_path_with_spaces_and_quotes_is_served(tmp_path):
    with serving(data_dir=tmp_path / 'my "data" dir #1') as server, client_of(server) as client:
        assert client.ping()


def test_a_memory_limit_that_is_none_is_refused_by_name(tmp_path):
    with pytest.raises(BadSettings, match="WINNOW_MAXMEMORY=plenty"):
        EmbeddedValkey(tmp_path, "everysec", "plenty").start()


def test_a_data_directory_that_is_a_file_is_refused_by_name(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(BadSettings, match=r"WINNOW_DATA_DIR=.* is not a directory"):
        EmbeddedValkey(tmp_path / "data", "everysec", None).start()


def test_a_failed_start_leaves_no_lock_behind(tmp_path):
    with pytest.raises(BadSettings):
        EmbeddedValkey(tmp_path, "everysec", "plenty").start()
    with serving(data_dir=tmp_path) as server:
        assert server.alive()


def test_an_endless_log_is_put_aside_at_the_next_start(tmp_path):
    (tmp_path / "valkey.log").write_bytes(b"x" * 10_000_001)
    with serving(data_dir=tmp_path):
        assert (tmp_path / "valkey.log").stat().st_size < 100_000
        assert (tmp_path / "valkey.log.1").exists()


@needs_root
def test_a_full_disk_is_named_at_the_start(tmp_path):
    with mounted(tmp_path / "disk", "size=1m") as disk:
        fill(disk)
        with pytest.raises(StorageUnavailable, match=r"is full.*free some space"):
            EmbeddedValkey(disk, "everysec", None).start()


@needs_root
def test_a_disk_that_fills_up_is_named_as_the_reason_of_the_server_s_end(tmp_path):
    """With `always` the server can't keep its promise, so it stops rather than break it."""
    with mounted(tmp_path / "disk", "size=1m") as disk, serving("always", disk) as server:
        ballast = fill(disk, leave=16_384)
        with client_of(server) as client:

            def write_on():
                for number in range(100):
                    client.rpush("comments", str(number) * 1000)

            with pytest.raises(redis.RedisError):
                write_on()
        wait_until(lambda: not server.alive(), message="the server's end")
        assert "is full" in server.why_stopped()
        ballast.unlink()
        server.start()
        with client_of(server) as client:
            assert client.llen("comments") > 0


@needs_root
def test_a_read_only_data_directory_is_named(tmp_path):
    with (
        mounted(tmp_path / "disk", "ro"),
        pytest.raises(StorageUnavailable, match="read-only for this user"),
    ):
        EmbeddedValkey(tmp_path / "disk", "everysec", None).start()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_of_someone_else_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageUnavailable, match="read-only for this user"):
        EmbeddedValkey(tmp_path, "everysec", None).start()
