"""A real Valkey Cluster: three processes of the embedded binary, each with a third of the slots."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from moderation.store.embedded import server_program
from tests.support.service import free_port
from tests.support.waiting import wait_until

NODES, SLOTS = 3, 16384


def start(
    directory: Path, port: int, *words: str, address: str = "127.0.0.1"
) -> subprocess.Popen[bytes]:
    """Return a server of its own on *port* of *address*, answering."""
    directory.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [
            str(server_program()), "--port", str(port), "--bind", address, "--dir", str(directory),
            "--save", "", "--appendonly", "yes", "--loglevel", "warning", *words,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with redis.Redis(host=address, port=port) as client:
            wait_until(lambda: _answers(client), message=f"the server on port {port}")
    except BaseException:
        _end(process)
        raise
    return process


@contextmanager
def cluster() -> Iterator[list[int]]:
    """Run three masters that know one another; yield their ports."""
    ports = [free_port() for _ in range(NODES)]
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        for port in ports:
            process = start(
                Path(directory) / str(port), port,
                "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
                "--cluster-port", str(free_port()),
            )  # fmt: skip
            stack.callback(_end, process)
        _join(ports)
        yield ports


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _join(ports: list[int]) -> None:
    clients = [redis.Redis(port=port) for port in ports]
    share = -(-SLOTS // NODES)
    for number, client in enumerate(clients):
        last = min((number + 1) * share, SLOTS) - 1
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for port, client in zip(ports[1:], clients[1:], strict=True):
        bus = client.config_get("cluster-port")["cluster-port"]
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
    for client in clients:
        wait_until(lambda client=client: _is_whole(client), message="the cluster")
        client.close()


def _is_whole(client: redis.Redis) -> bool:
    info = client.execute_command("CLUSTER", "INFO")
    text = info if isinstance(info, str) else str(info)
    return "ok" in str(info.get("cluster_state", text)) if isinstance(info, dict) else (
        "cluster_state:ok" in text
    )  # fmt: skip


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
