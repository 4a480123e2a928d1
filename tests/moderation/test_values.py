"""Text into values: within bounds, or refused by name; nothing else is ever raised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest

from moderation import values
from moderation.errors import InvalidInput
from tests.support import odd

FIVE_THOUSAND = odd.values()


@pytest.mark.parametrize(
    "read",
    [
        lambda text: 0 <= values.whole(text, field="n", most=50) <= 50,
        lambda text: values.whole_or(3, text, least=2, most=9) >= 3 or True,
        lambda text: max(values.stream_id(text, field="after")) < 2**64,
        lambda text: values.is_stream_id(text) in {True, False},
        lambda text: min(values.position(text)) >= 0,
        lambda text: abs(values.ranking(text)[0]) <= 2**53,
        lambda text: (parts := values.split_url(text)) is None or parts.port is None or True,
        lambda text: (page := values.page_within("/desk/", text)) is None or page == text,
    ],
)
def test_five_thousand_odd_texts_give_a_value_or_invalid_input(read: Callable[[str], bool]):
    for text in FIVE_THOUSAND:
        with suppress(InvalidInput):
            assert read(text), text


@pytest.mark.parametrize("text", ["٣", "²", "+1", "-1", " 1", "1_0", "1.0", "", "51", "9" * 30])
def test_only_ascii_digits_within_bounds_are_a_number(text: str):
    with pytest.raises(InvalidInput, match="limit is a whole number of 1 to 50"):
        values.whole(text, field="limit", least=1, most=50)
    assert values.whole_or(7, text, least=1, most=50) == 7


def test_good_cursors_are_read():
    assert values.whole("050", field="n", most=50) == 50
    assert values.stream_id("1790000000000-3", field="after") == (1790000000000, 3)
    assert values.stream_id("0", field="after") == (0, 0)
    assert values.position("20261126_12") == (20261126, 12)
    assert values.ranking("1e-05_AZq3RGZ7fwCAAD8dLExaaQ") == (1e-05, "AZq3RGZ7fwCAAD8dLExaaQ")


@pytest.mark.parametrize(
    "cursor", ["nan_" + "A" * 22, "inf_" + "A" * 22, "1e400_" + "A" * 22, "1_x"]
)
def test_a_ranking_is_finite(cursor: str):
    with pytest.raises(InvalidInput):
        values.ranking(cursor)


def test_the_edges_of_time_are_refused():
    far = timezone(timedelta(hours=14))
    for at in (
        datetime.min.replace(tzinfo=far),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
    ):
        with pytest.raises(InvalidInput):
            values.moment(at)
    assert values.moment(datetime(2026, 1, 1, tzinfo=far)).tzinfo is UTC


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/desk/",
        "///desk/queue",
        "//[x",
        "/\\evil",
        "https://x/desk/",
        "/desk",
        "/other/",
        "desk/",
        "/desk/\r\nX: 1",
        "/desk/\nqueue",
        "/desk/\0",
        "/desk/a b",
        "/\t/evil.example/desk/",
    ],
)
def test_only_a_page_of_the_desk_is_led_to(target: str):
    assert values.page_within("/desk/", target) is None
    assert values.page_within("/desk/", "/desk/queue?site=x") == "/desk/queue?site=x"
