"""One definition of text: what may be kept, how the rest is mended, and what XML can carry."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import texts
from moderation.errors import InvalidInput

anything = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize("text", ["", "plain", "\t\n\x1b", "naïve 🙂", "\ufffe\U0010ffff"])
def test_what_utf_8_can_hold_is_text(text: str):
    assert texts.fault_of(text) is None
    texts.check(text, field="name")


@pytest.mark.parametrize("text", ["\x00", "a\ud800", "\udfffb"])
def test_nul_and_lone_surrogates_are_refused_by_name(text: str):
    with pytest.raises(InvalidInput, match="name must") as refused:
        texts.check(text, field="name")
    assert refused.value.field == "name"


@given(anything)
def test_what_was_mended_is_text(text: str):
    mended = texts.mended(text)
    assert texts.fault_of(mended) is None
    mended.encode()
    assert texts.mended(mended) == mended


def test_parsed_json_is_mended_throughout():
    parsed = {"a\ud800": ["x\x00", {"b": "\udfff"}], "n": 1, "t": True, "nothing": None}
    assert texts.all_mended(parsed) == {
        "a\ufffd": ["x", {"b": "\ufffd"}], "n": 1, "t": True, "nothing": None,
    }  # fmt: skip


@given(anything)
def test_what_is_fit_for_xml_can_be_read_as_xml(text: str):
    element = ET.Element("a")
    element.text = texts.for_xml(text)
    assert ET.fromstring(ET.tostring(element, "utf-8")) is not None
