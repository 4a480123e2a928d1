"""The vectoriser: what training sees of the n-grams of a text."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.ngrams import BUCKETS
from models.vectorizer import HashedNgrams

with warnings.catch_warnings():
    # scikit-learn says by a warning that its checks of two-dimensional numbers can't be run on an
    # estimator of texts; what can apply, its checks of the estimator's interface, is run.
    warnings.simplefilter("ignore", SkipTestWarning)
    on_each_check = parametrize_with_checks([HashedNgrams()])


@on_each_check
def test_the_vectoriser_is_a_scikit_learn_transformer(estimator, check):
    """It passes scikit-learn's checks of an estimator's interface."""
    check(estimator)


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


def test_only_texts_are_taken():
    with pytest.raises(ValueError, match="string object"):
        HashedNgrams().fit("a text by itself")
    with pytest.raises(TypeError, match="must be a text"):
        HashedNgrams().fit([1, 2])


def test_a_text_that_is_nothing_but_disguise_has_no_giant_among_its_numbers():
    """One such row would drag the weights of every n-gram with it."""
    ngrams = HashedNgrams(min_texts=1).fit_pairs([("some words", "some words"), ("hidden", "")])
    assert ngrams.transform_pairs([("hidden", "")]).max() < 1_000
