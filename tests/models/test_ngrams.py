"""The vectoriser: the same n-grams alone and in any batch, in bounded time."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.ngrams import BUCKETS, HashedNgrams, chunked, hashed, views

TEXTS = st.lists(st.text(max_size=120), min_size=1, max_size=8)

with warnings.catch_warnings():
    # scikit-learn says by a warning that its checks of two-dimensional numbers can't be run on an
    # estimator of texts; what can apply, its checks of the estimator's interface, is run.
    warnings.simplefilter("ignore", SkipTestWarning)
    on_each_check = parametrize_with_checks([HashedNgrams()])


@on_each_check
def test_the_vectoriser_is_a_scikit_learn_transformer(estimator, check):
    """It passes scikit-learn's checks of an estimator's interface."""
    check(estimator)


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


def test_rows_have_a_norm_of_one_in_each_block():
    rows = HashedNgrams(min_texts=1).fit_transform(["one two three", "four five six"])
    assert rows.shape == (2, BUCKETS)
    assert np.allclose(np.asarray(rows.multiply(rows).sum(axis=1)).ravel(), 2, atol=1e-3)


def test_a_disguise_adds_ngrams_and_dilutes_none():
    """The plain word's n-grams weigh as much beside their disguise as alone."""
    ngrams = HashedNgrams(min_texts=1).fit(["you idiot", "you 1d10t"])
    plain, disguised = ngrams.transform(["you idiot", "you 1d10t"]).toarray()
    shared = plain > 0
    assert np.allclose(plain[shared], disguised[shared])


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


def test_only_texts_are_taken():
    with pytest.raises(ValueError, match="string object"):
        HashedNgrams().fit("a text by itself")
    with pytest.raises(TypeError, match="must be a text"):
        HashedNgrams().fit([1, 2])


def test_a_text_that_is_nothing_but_disguise_has_no_giant_among_its_numbers():
    """One such row would drag the weights of every n-gram with it."""
    ngrams = HashedNgrams(min_texts=1).fit_pairs([("some words", "some words"), ("hidden", "")])
    assert ngrams.transform_pairs([("hidden", "")]).max() < 1_000
