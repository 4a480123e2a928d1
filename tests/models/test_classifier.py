"""The head is a scikit-learn classifier whose weights are ordinary linear ones."""

import numpy as np
from scipy import sparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.classifier import NaiveBayesLogistic


@parametrize_with_checks([NaiveBayesLogistic(max_iter=1000)])
def test_the_head_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)


def test_the_scale_is_folded_into_the_weights():
    draw = np.random.default_rng(0)
    features = sparse.csr_matrix(draw.random((60, 9)) * (draw.random((60, 9)) > 0.5))
    y = (features[:, 0].toarray().ravel() > 0.2).astype(int)
    head = NaiveBayesLogistic(C=10, free=2).fit(features, y)
    assert np.allclose(head.decision_function(features), features @ head.coef_[0] + head.intercept_)
    assert np.argmax(head.coef_[0]) == 0
