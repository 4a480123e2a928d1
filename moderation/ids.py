"""Identifiers: UUIDv7 (RFC 9562) that carry their shard, and the short form used in Redis keys."""

from __future__ import annotations

import base64
import re
import secrets
import struct
import uuid

#: A UUIDv7 as Winnow writes it; its shard.
_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7([0-9a-f]{3})-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
#: The twelve bits of ``rand_a``, so a data set has at most this many shards.
MAX_SHARDS = 4096


def new_id(now_ms: int, shard: int = 0) -> str:
    """Return a UUIDv7 for *now_ms* (Unix milliseconds) that carries *shard* in its ``rand_a`` bits."""
    return new_ids(now_ms, shard, 1)[0]


def new_ids(now_ms: int, shard: int, count: int) -> list[str]:
    """Return *count* ids, for one question to the system's source of randomness."""
    if not 0 <= shard < MAX_SHARDS:
        raise ValueError(f"a shard lies in 0..{MAX_SHARDS - 1}, not {shard}")
    begins = f"{now_ms & (2**48 - 1):012x}7{shard:03x}"
    noise = struct.unpack(f"{count}Q", secrets.token_bytes(8 * count))
    return [_dashed(f"{begins}{0b10 << 62 | one >> 2:016x}") for one in noise]


def shard_of(identifier: str) -> int:
    """Return the shard that *identifier* carries.

    Raises ValueError when it is no UUID of version 7.
    """
    ours = _OURS.fullmatch(identifier)
    if ours:
        return int(ours[1], 16)
    parsed = uuid.UUID(identifier)
    if parsed.version != 7:
        raise ValueError("not a UUIDv7")
    return parsed.int >> 64 & (MAX_SHARDS - 1)


def made_ms(short: str) -> int:
    """Return the Unix milliseconds that an id in its short form carries."""
    return int.from_bytes(base64.urlsafe_b64decode(short[:8]), "big")


def canonical(identifier: str) -> str | None:
    """Return *identifier* as a lower-case dashed UUIDv7, or None for anything else."""
    try:
        if _OURS.fullmatch(identifier):
            return identifier
        shard_of(identifier)
    except (ValueError, AttributeError, TypeError):
        return None
    return str(uuid.UUID(identifier))


def shorten(identifier: str) -> str:
    """Return the 22 characters under which Redis knows *identifier*: half the memory of 36."""
    digits = identifier.replace("-", "")
    if len(digits) != 32:
        digits = uuid.UUID(identifier).hex
    return base64.urlsafe_b64encode(bytes.fromhex(digits))[:22].decode()


def lengthen(short: str) -> str:
    """Return the UUID that :func:`shorten` shortened."""
    return _dashed(base64.urlsafe_b64decode(short + "==").hex())


def packed(identifier: str) -> bytes:
    """Return the sixteen bytes of *identifier*, which sort as it does."""
    return bytes.fromhex(identifier.replace("-", ""))


def unpacked(stored: bytes) -> str:
    """Return the UUID whose bytes :func:`packed` returned."""
    return _dashed(stored.hex())


def halves(identifier: str) -> tuple[int, int]:
    """Return *identifier* as two numbers of 64 bits, which sort as it does."""
    whole = int(identifier.replace("-", ""), 16)
    return whole >> 64, whole & (2**64 - 1)


def whole(high: int, low: int) -> str:
    """Return the UUID whose :func:`halves` these are."""
    return _dashed(f"{high:016x}{low:016x}")


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
