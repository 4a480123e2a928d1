"""Limits on the memory, connections and time of one client and of all together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """Limits of the terminator. Seconds, bytes, or counts; an IPv6 /64 is one address."""

    #: Open connections of all, and of one address. Over it, the worst ones are closed.
    connections: int = 8192
    connections_of_one: int = 2000
    #: Requests of one address that have begun and are not here whole. Over it, the oldest is ended.
    arriving_of_one: int = 1000
    #: Complete requests that wait for a thread, of all and of one address. Over it: 503.
    waiting: int = 512
    waiting_of_one: int = 256
    #: Requests that one connection may send before it was answered.
    pipelined: int = 32

    head_bytes: int = 32_768
    headers: int = 100
    #: Every route takes a body of this size; what a longer one may be is looked up.
    always_body: int = 16_384
    #: A longer body, or one of unknown length, is asked for only once the app has agreed to it.
    small_body: int = 65_536
    #: Bytes of small bodies that arrive at once; of large ones for which no key vouches; with a key.
    arriving_bytes: int = 32 * 1024 * 1024
    unkeyed_bytes: int = 8 * 1024 * 1024
    keyed_bytes: int = 32 * 1024 * 1024
    #: Bytes of its answers that the kernel keeps for one client; it keeps twice as many.
    socket_bytes: int = 131_072
    #: Bytes of answers that clients have not taken yet.
    unread_bytes: int = 64 * 1024 * 1024

    #: From the connection's start to the first byte; from the first byte to the end of the head.
    first_byte_seconds: float = 10.0
    head_seconds: float = 10.0
    #: Between two requests of a connection; longer than proxies keep theirs.
    idle_seconds: float = 75.0
    #: Slowest pace of a body that arrives or an answer that is taken, in bytes a second over these seconds.
    pace_bytes: int = 1000
    pace_grace_seconds: float = 10.0
    #: All of a body.
    body_seconds: float = 300.0
    #: Longest wait of a large body for the application's answer, and for room.
    room_seconds: float = 10.0
    #: Time of a refused client to read the answer, while the rest of its body is thrown away.
    linger_seconds: float = 2.0
    #: Between two looks at who is late, and how many are ended at a look: those who came together
    #: are not ended together, which would make all others wait.
    sweep_seconds: float = 0.1
    sweep_most: int = 100
    #: Requests at work may end within this when the server stops.
    stop_seconds: float = 5.0
