"""A site's setting is declared once: what it takes, its bounds, its words."""

from __future__ import annotations

from dataclasses import MISSING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import InvalidInput
from moderation.policy import Mode, Policy
from moderation.site import SETTINGS, Door, Site, changed_site

SITE = Site("s", "blog")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_takes_its_own_default_and_says_what_it_takes(name: str):
    one = SETTINGS[name]
    if one.default is not MISSING:
        one.kind.check(one.default)
    assert one.kind.takes()
    assert one.label


@settings(deadline=None)  # the cost of a list is measured on long texts
@given(name=st.sampled_from(list(SETTINGS)), text=st.text(max_size=300))
def test_whatever_is_typed_is_a_value_within_bounds_or_refused_by_name(name: str, text: str):
    try:
        changed = changed_site(SITE, [(name, text)])
    except InvalidInput as problem:
        refused = problem.field
    else:
        refused = name
        assert Site.from_dict(changed.to_dict()) == changed
    assert refused.startswith(name)


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("policy.mode", "Hold-All", Mode.HOLD_ALL),
        ("policy.hold_first_comment", "yes", True),
        ("policy.hold_links_over", "", None),
        ("policy.blocked_words", " casino \n\ncasino", ("casino",)),
        ("policy.flag_at", "spam=0.4, insult=1.01", {"spam": 0.4, "insult": 1.01}),
        ("doors", "coral,akismet", (Door.AKISMET, Door.CORAL)),
        ("retention.verdict_days", "10", 10),
    ],
)
def test_a_value_is_read_as_people_write_it(name: str, text: str, value: object):
    changed = changed_site(SITE, [(name, text)])
    part, _, last = name.rpartition(".")
    assert getattr(getattr(changed, part) if part else changed, last) == value


def test_days_that_are_not_named_stay_as_they_are():
    changed = changed_site(SITE, [("retention.text_days", "spam=1")])
    assert changed.retention.text_days == {**SITE.retention.text_days, "spam": 1}


@pytest.mark.parametrize(
    "name, text",
    [
        ("policy.mode", "off"),
        ("policy.hold_links_over", "1001"),
        ("policy.blocked_words", "fine\n\n/(unclosed/"),
        ("policy.flag_at", "spam=2"),
        ("policy.flag_at", "nothing=0.5"),
        ("doors", "window"),
        ("name", ""),
        ("id", "other"),
    ],
)
def test_what_cannot_be_is_refused(name: str, text: str):
    with pytest.raises(InvalidInput):
        changed_site(SITE, [(name, text)])


def test_a_line_that_is_no_entry_is_counted_as_it_was_typed():
    with pytest.raises(InvalidInput, match="line 3"):
        changed_site(SITE, [("policy.blocked_words", "fine\n\n/(unclosed/")])


def test_names_that_are_no_settings_are_left_out_when_a_policy_is_loaded():
    assert Policy.from_dict({"mode": "shadow", "later": 1}) == Policy(mode=Mode.SHADOW)


@pytest.mark.parametrize("typed", ["mode", "policy.mod"])
def test_a_setting_that_does_not_exist_is_answered_with_the_one_that_was_meant(typed: str):
    with pytest.raises(InvalidInput, match=r"did you mean policy\.mode\?"):
        changed_site(SITE, [(typed, "hold-all")])
