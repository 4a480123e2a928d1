"""What changed, and taking it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.changes import can_be_taken_back, difference, taken_back
from moderation.errors import Conflict

OLD = {"name": "blog", "policy": {"mode": "shadow", "flag_at": {}, "words": ("one", "two")}}
NEW = {"name": "blog", "policy": {"mode": "all", "flag_at": {"spam": 0.3}, "words": ("two", "3")}}

VALUES = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(0, 3),
        "nested": st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)),
        "words": st.lists(st.sampled_from("wxyz"), unique=True),
    }
)


def test_a_change_names_each_setting_with_its_before_and_after():
    assert difference(OLD, NEW) == {
        "policy.flag_at.spam": {"after": 0.3},
        "policy.mode": {"before": "shadow", "after": "all"},
        "policy.words": {"added": ["3"], "removed": ["one"]},
    }


def test_nothing_changed_is_nothing_told():
    assert difference(OLD, OLD) == {}
    assert difference({"words": ["a", "b"]}, {"words": ["b", "a"]}) == {}
    assert not can_be_taken_back({})


@given(VALUES, VALUES)
def test_a_change_taken_back_leaves_no_difference(old, new):
    assert difference(old, taken_back(new, difference(old, new))) == {}


def test_what_was_changed_again_is_not_taken_back():
    changes = difference(OLD, NEW)
    for again in ({"mode": "third"}, {"flag_at": {}}, {"words": ("two",)}, {"words": ("3", "one")}):
        with pytest.raises(Conflict, match="changed again since"):
            taken_back({**NEW, "policy": {**NEW["policy"], **again}}, changes)


def test_what_others_changed_beside_it_stays():
    later = {"name": "renamed", "policy": {**NEW["policy"], "words": ("two", "3", "four")}}
    back = taken_back(later, difference(OLD, NEW))
    assert back["name"] == "renamed"
    assert sorted(back["policy"]["words"]) == ["four", "one", "two"]


def test_of_a_secret_only_that_it_changed_is_told():
    changes = difference(
        {"headers": {"X-Pass": "sesame"}, "url": "a"},
        {"headers": {"X-Pass": "swordfish"}, "url": "b"},
        secret={"headers"},
    )
    assert changes == {"headers": {"hidden": True}, "url": {"before": "a", "after": "b"}}
    assert not can_be_taken_back(changes)
    with pytest.raises(Conflict, match="headers is secret"):
        taken_back({"headers": {}, "url": "b"}, changes)
