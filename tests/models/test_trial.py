"""The trial of sites' heads: which comments people are taken to decide on."""

from __future__ import annotations

import numpy as np
import pytest

from models.house import Basis, Seen
from models.trial import QUEUED, WAYS, SiteArrays, chosen


@pytest.fixture(scope="module")
def basis() -> Basis:
    return Basis.load()


@pytest.fixture(scope="module")
def site(basis: Basis) -> SiteArrays:
    """400 comments of any features, of which about half are held."""
    chance = np.random.default_rng(1)
    shared = np.full((400, 2), -6.0, np.float32)
    shared[:, 0] = basis.frozen.levels[0, 0] + chance.normal(size=400)
    features = chance.integers(-30, 30, (400, basis.size)).astype(np.int8)
    return SiteArrays(features, shared, shared[:, 0] > 0, tuple(range(400)), 0)


@pytest.mark.parametrize("way", WAYS)
def test_no_comment_is_decided_twice(basis: Basis, site: SiteArrays, way: str):
    decided = chosen(site, basis, np.arange(400), 50, way)
    assert len({row for row, _ in decided}) == len(decided) == 50


@pytest.mark.parametrize("way", QUEUED)
def test_a_queue_has_all_that_was_held_and_a_fifth_of_the_rest(
    basis: Basis, site: SiteArrays, way: str
):
    queue = chosen(site, basis, np.arange(400), 400, way)
    held = {row for row, seen in queue if seen is Seen.HELD}
    assert held == set(np.flatnonzero(site.shared[:, 0] >= basis.frozen.levels[0, 0]).tolist())
    assert 0.1 < (len(queue) - len(held)) / (400 - len(held)) < 0.3


def test_by_age_a_queue_keeps_the_order_in_which_comments_came(basis: Basis, site: SiteArrays):
    rows = [row for row, _ in chosen(site, basis, np.arange(400), 400, "oldest")]
    assert rows == sorted(rows)


def test_by_priority_what_is_nearest_to_a_coin_toss_comes_before_what_is_sure(
    basis: Basis, site: SiteArrays
):
    rows = [row for row, _ in chosen(site, basis, np.arange(400), 400, "priority")]
    distances = abs(site.shared[rows, 0])
    assert distances[:20].mean() < distances[-20:].mean()


def test_spread_out_a_copy_of_another_comment_comes_last(basis: Basis, site: SiteArrays):
    held = np.flatnonzero(site.shared[:, 0] >= basis.frozen.levels[0, 0])[:20]
    features = site.features.copy()
    features[held[7]] = features[held[3]]
    copied = SiteArrays(features, site.shared, site.target, site.signatures, 0)
    rows = [row for row, _ in chosen(copied, basis, held, 20, "spread")]
    assert rows[-1] in held[[3, 7]]
