"""Near-duplicates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moderation.near import MAX_DISTANCE, Recent

signatures = st.integers(min_value=1, max_value=2**64 - 1)


@given(signatures, st.sets(st.integers(0, 63), max_size=MAX_DISTANCE))
def test_a_text_that_differs_in_few_bits_is_always_found(signature, bits):
    """Four bands and at most three differing bits: one band is the same in both."""
    other = signature
    for bit in bits:
        other ^= 1 << bit
    if other:
        assert Recent([(signature, 1)]).others(other, 2) == 1


@given(signatures, st.sets(st.integers(0, 63), min_size=MAX_DISTANCE + 1))
def test_a_text_that_differs_in_more_bits_never_is(signature, bits):
    other = signature
    for bit in bits:
        other ^= 1 << bit
    assert Recent([(signature, 1)]).others(other, 2) == 0


def test_an_author_is_no_duplicate_of_themselves_and_counts_once():
    recent = Recent([(5, 1), (5, 2), (5, 2)])
    assert recent.others(5, 1) == 1
    assert recent.others(5, 3) == 2


def test_a_text_too_short_to_compare_has_no_duplicates():
    recent = Recent([(0, 1)])
    assert recent.others(0, 2) == 0
