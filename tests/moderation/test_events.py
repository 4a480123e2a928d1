"""Events have full names, and are about more than comments."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moderation.comment import Status
from moderation.events import OF_STATUS, STATUS_OF, SUBSCRIBABLE, Event, EventType
from tests.support.world import World

SUBJECT = "01a21999-d218-7000-aeed-e460fefd20ad"


def event(kind: EventType) -> Event:
    return Event("1-0", kind, "site", SUBJECT, 1, 2, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", EventType)
def test_every_event_is_told_by_its_full_name_with_an_id_of_its_own(kind: EventType):
    payload = event(kind).payload(None, full=True)
    assert payload["type"] == kind
    assert payload["data"]
    assert event(kind).id.endswith(kind.replace(".", "_"))
    assert "." not in event(kind).id  # a signature has points between its parts
    assert (kind in SUBSCRIBABLE) == (kind is not EventType.TEST)


def test_an_event_of_a_comment_tells_the_status_that_it_led_to():
    for kind in EventType:
        data = event(kind).payload(None, full=True)["data"]
        tells = kind.is_of_comment and kind is not EventType.REPLY  # which changes no status
        assert data.get("status") == (STATUS_OF.get(kind, Status.PENDING) if tells else None)
    assert set(STATUS_OF.values()) == set(OF_STATUS)


def test_an_event_about_no_comment_comes_back_as_it_was_announced(world: World):
    deliveries, clock = world.adapters.deliveries, world.adapters.clock
    cursor = deliveries.announce(world.site.id, EventType.TEST, SUBJECT, now_ms=clock.now_ms())
    (found,) = world.adapters.comments.events(world.site.id, after="0", limit=10)
    assert (found.cursor, found.type, found.subject_id) == (cursor, EventType.TEST, SUBJECT)
