"""Near-duplicates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moderation.near import FEW, MAX_DISTANCE, Recent

signatures = st.integers(min_value=1, max_value=2**64 - 1)
#: So often something was asked before: later an index answers.
asked = st.sampled_from([0, FEW])


def recent(seen: list[tuple[int, int]], times: int) -> Recent:
    """Return what knows *seen*, asked so often before; half of *seen* came after that."""
    found = Recent(seen[::2])
    for _ in range(times):
        found.others(1, 1)
    for pair in seen[1::2]:
        found.add(*pair)
    return found


@given(signatures, st.sets(st.integers(0, 63), max_size=MAX_DISTANCE), asked)
def test_a_text_that_differs_in_few_bits_is_always_found(signature, bits, times):
    """Four bands and at most three differing bits: one band is the same in both."""
    other = signature
    for bit in bits:
        other ^= 1 << bit
    if other:
        assert recent([(signature, 1)], times).others(other, 2) == 1


@given(signatures, st.sets(st.integers(0, 63), min_size=MAX_DISTANCE + 1), asked)
def test_a_text_that_differs_in_more_bits_never_is(signature, bits, times):
    other = signature
    for bit in bits:
        other ^= 1 << bit
    assert recent([(signature, 1)], times).others(other, 2) == 0


@given(st.lists(st.tuples(signatures, st.integers(0, 3)), max_size=40), signatures)
def test_the_index_finds_what_looking_through_finds(seen, signature):
    assert recent(seen, FEW).others(signature, 1) == recent(seen, 0).others(signature, 1)


def test_an_author_is_no_duplicate_of_themselves_and_counts_once():
    for times in (0, FEW):
        found = recent([(5, 1), (5, 2), (5, 2)], times)
        assert found.others(5, 1) == 1
        assert found.others(5, 3) == 2


def test_a_text_too_short_to_compare_has_no_duplicates():
    assert recent([(0, 1)], 0).others(0, 2) == 0
