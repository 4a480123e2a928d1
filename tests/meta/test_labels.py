"""What the model measures and what the product knows are the same labels."""

from __future__ import annotations

from models.datasets import LABELS
from moderation.scores import Label


def test_the_labels_of_the_model_are_those_of_the_product():
    """One that only the model knew would be lost in storage."""
    assert set(LABELS) == {label.value for label in Label}
