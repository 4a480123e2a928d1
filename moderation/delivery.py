"""Deliveries: events that are due to endpoints, and the attempts made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from moderation.events import EventType


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that this process is to attempt now."""

    lease: str
    shard: int
    site_id: str
    endpoint_id: str
    cursor: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the delivery log knows of one event and endpoint."""

    id: str
    endpoint_id: str
    site_id: str
    #: What the event happened to; see :class:`~moderation.events.Event`.
    subject_id: str
    type: EventType
    state: DeliveryState
    next_attempt_at: int | None
    attempts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What waits for a deliverer: how many, and for how long the oldest has (ms)."""

    count: int
    oldest_ms: int
