"""How much a screening job takes at once, by how long the last batch took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from moderation.workflow.screening import Limits, _fitting
from tests.support.world import Measured, PlainModel, World


class Counting(PlainModel):
    """Notes how many texts it is given at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def score(self, items: Sequence[Any], **options: Any) -> list[Measured]:
        self.sizes.append(len(items))
        return super().score(items, **options)


@pytest.mark.parametrize(
    "batch_seconds,sizes", [(math.inf, [2, 4, 8, 6]), (0.0, [2] + [1] * 18)], ids=["quick", "slow"]
)
def test_batches_grow_from_a_small_one_while_they_take_little_time(
    world: World, batch_seconds: float, sizes: list[int]
):
    model = Counting()
    adapters = replace(world.adapters, current=lambda: model)
    world.submit(*(f"number {n}" for n in range(20)))
    limits = Limits(first_batch=2, batch_seconds=batch_seconds, budget_seconds=60, linger_seconds=0)
    assert adapters.screen(0, holder="test:1", limits=limits) == 20
    assert model.sizes == sizes


@pytest.mark.parametrize(
    "came,seconds,size",
    [
        (8, 0.04, 16),  # quick: twice as many, though more would fit
        (64, 0.32, 64),
        (64, 5.0, 6),  # ten times slower than before
        (8, 4.0, 1),
        (1, 4.0, 1),  # one takes longer than all should
        (1, 0.001, 8),
    ],
)
def test_the_next_batch_takes_as_long_as_it_should(came: int, seconds: float, size: int):
    assert _fitting(came, seconds, Limits(first_batch=8, batch_seconds=0.5)) == size
