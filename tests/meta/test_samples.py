"""What the workflow hands to a model has what the model asks for; neither imports the other."""

from __future__ import annotations

from dataclasses import fields

from models.scorer import Item
from moderation.ports import Sample


def test_a_sample_has_the_attributes_of_an_item_with_the_same_defaults():
    """A model that misses one can score nothing, and every comment is held."""
    assert {(one.name, one.default) for one in fields(Sample)} == {
        (one.name, one.default) for one in fields(Item)
    }
