"""The n-grams of a text: the same n-grams alone and in any batch, in bounded time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ngrams import chunked, hashed, views

TEXTS = st.lists(st.text(max_size=120), min_size=1, max_size=8)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_text_has_the_same_ngrams_alone_and_in_a_batch(texts):
    pairs = [views(text) for text in texts]
    together = hashed(pairs)
    for row, pair in enumerate(pairs):
        alone = hashed([pair])
        begin, middle, end = together.starts[2 * row : 2 * row + 3].tolist()
        assert [0, middle - begin, end - begin] == alone.starts.tolist()
        assert together.buckets[begin:end].tolist() == alone.buckets.tolist()
        assert together.extra[begin:end].tolist() == alone.extra.tolist()


def test_code_points_of_every_plane_and_lone_surrogates_are_hashed():
    text = "a \ud800 \U0001f600 \u4e2d e\u0301"
    characters, words = np.diff(hashed([views(text)]).starts)
    assert characters > 5
    assert words > 3


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a " * 500_000,
        "\ufdfa" * 500_000,
        "e\u0301\u0300" * 300_000,
        "1 " * 500_000,
        "*#@$" * 250_000,
        "\u202e\u200b" * 500_000,
        "http://a.b/ " * 80_000,
    ],
)
def test_a_megabyte_costs_bounded_time(text):
    begun = time.process_time()
    hashed([views(text)])
    assert time.process_time() - begun < 2


def test_chunks_keep_the_order_of_texts():
    pairs = [(str(number), str(number)) for number in range(10_000)]
    assert [pair for chunk in chunked(pairs) for pair in chunk] == pairs
