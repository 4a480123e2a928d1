"""Near-duplicates."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.simhash import MAX_DISTANCE, others, signature, signatures

numbers = st.integers(min_value=1, max_value=2**64 - 1)
PRAISE = "Great post, I will bookmark this site and come back for more of your writing."


def seen_before(*pairs: tuple[int, int]) -> list[int]:
    """Return the numbers of earlier texts, four each."""
    return [number for one in named(*pairs, since=1000) for number in one]


def named(*pairs: tuple[int, int], since: int = 0) -> list[tuple[int, int, int, int]]:
    """Give each signature and author an id, the later the greater."""
    return [(*pair, since, n) for n, pair in enumerate(pairs)]


def count(seen: Sequence[int], *pairs: tuple[int, int]) -> list[int]:
    return [found for found, _ in others(seen, named(*pairs))]


def flipped(number: int, bits: set[int]) -> int:
    for bit in bits:
        number ^= 1 << bit
    return number


def test_signatures_of_nearly_the_same_text_are_near():
    for same in (PRAISE.upper(), PRAISE.replace("more", "m0re"), PRAISE + "  "):
        assert count(seen_before((signature(PRAISE), 1)), (signature(same), 2)) == [1]
    other = signature("My router needs a reboot before the update works.")
    assert count(seen_before((signature(PRAISE), 1)), (other, 2)) == [0]


@settings(deadline=None)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=20))
def test_a_text_has_the_same_signature_alone_and_in_any_batch(texts):
    assert signatures(texts) == [signature(text) for text in texts]
    assert all(0 <= sign < 2**64 for sign in signatures(texts))


def test_a_text_of_any_length_has_a_signature():
    """More n-grams than a counter holds, and none at all."""
    long = "".join(chr(0x4E00 + n % 20_000) for n in range(70_000))
    assert signatures([long, "", PRAISE, "  "]) == [signature(long), 0, signature(PRAISE), 0]
    assert signature(long) > 0


@given(numbers, st.sets(st.integers(0, 63), max_size=MAX_DISTANCE))
def test_a_text_that_differs_in_few_bits_is_always_found(sign, bits):
    if flipped(sign, bits):
        assert count(seen_before((sign, 1)), (flipped(sign, bits), 2)) == [1]


@given(numbers, st.sets(st.integers(0, 63), min_size=MAX_DISTANCE + 1))
def test_a_text_that_differs_in_more_bits_never_is(sign, bits):
    assert count(seen_before((sign, 1)), (flipped(sign, bits), 2)) == [0]


def test_an_author_is_no_duplicate_of_themselves_and_counts_once():
    seen = seen_before((5, 1), (5, 2), (5, 2))
    assert count(seen, (5, 1)) == [1]
    assert count(seen, (5, 3)) == [2]


def test_the_texts_of_a_batch_count_for_one_another():
    assert count([], (5, 1), (5, 2), (2**64 - 1, 3), (5, 2)) == [1, 1, 0, 1]


def test_a_text_too_short_to_compare_has_no_duplicates():
    assert count(seen_before((0, 1)), (0, 2), (0, 3)) == [0, 0]
    assert count([]) == []


def test_of_each_author_the_latest_text_is_returned_the_latest_first():
    texts = [(5, author, 1, at) for at, author in ((3, 2), (1, 2), (2, 3), (4, 1))]
    seen = array("Q", [number for one in texts for number in one])
    assert others(seen, [(5, 1, 9, 9)]) == [(2, [(1, 3), (1, 2)])]
    assert others(seen, [(5, 1, 9, 9)], most=1) == [(2, [(1, 3)])]


@pytest.mark.parametrize(
    "text",
    ["Thank you!", "\u0421\u043f\u0430\u0441\u0438\u0431\u043e!", "\u3042\u308a\u304c\u3068\u3046", "\U0001f44d" * 60, "Great post, thanks for sharing!", "ok " * 8],
)  # fmt: skip
def test_what_many_readers_say_is_no_campaign(text):
    assert signature(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "Buy at http://shop.example/a",
        "Call +1 855 555 0142",
        "me (at) mail (dot) com",
        "WhatsApp +1 555 0100",
        "my-cheap-shop.com",
        "\u52a0\u5fae\u4fe1 abc12345",
        PRAISE,
        "\u8fd9\u7bc7\u6587\u7ae0\u5199\u5f97\u975e\u5e38\u597d\uff0c\u6211\u4f1a\u6536\u85cf\u8fd9\u4e2a\u7f51\u7ad9\u5e76\u5e38\u5e38\u56de\u6765\u770b\u770b",
    ],
)  # fmt: skip
def test_a_long_text_or_a_way_to_get_in_touch_is_compared(text):
    assert signature(text) > 0
    assert signatures([text, "Thank you!"] * 9) == [signature(text), 0] * 9
