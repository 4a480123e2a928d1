"""One logistic head a label, led by how often each n-gram stands with it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression


class NaiveBayesLogistic(LogisticRegression):
    """Logistic regression on features scaled by their naive Bayes log-ratios.

    A feature that stands with one class clearly more often than with the other may move the
    weights freely; one that says little is held back by the penalty. After fitting the scale is
    folded into the weights, so that the head is an ordinary linear one. This transfers better to
    sources that were not trained on (``docs/adr/0101``).

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty on the weights.
    max_iter : int, default=100
        The most iterations of the solver.
    tol : float, default=1e-4
        Where the solver stops.
    solver : str, default="lbfgs"
        Which of scikit-learn's solvers finds the weights.
    floor : float, default=0.3
        What is added to the absolute log-ratio, so that no feature is silenced.
    smooth : float, default=1.0
        What is added to the sums of each feature in each class.
    free : int, default=0
        How many of the last features are left as they are.

    Examples
    --------
    >>> import numpy as np
    >>> NaiveBayesLogistic().fit(np.eye(4), [0, 1, 0, 1]).predict(np.eye(4)).tolist()
    [0, 1, 0, 1]
    """

    def __init__(
        self,
        C: float = 1.0,
        max_iter: int = 100,
        tol: float = 1e-4,
        solver: str = "lbfgs",
        floor: float = 0.3,
        smooth: float = 1.0,
        free: int = 0,
    ) -> None:
        super().__init__(C=C, max_iter=max_iter, tol=tol, solver=solver)
        self.floor = floor
        self.smooth = smooth
        self.free = free

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            Their classes; the log-ratios are used when there are two.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights.

        Returns
        -------
        NaiveBayesLogistic
            This estimator.
        """
        if not sparse.issparse(X) or len(classes := np.unique(np.asarray(y))) != 2:
            super().fit(X, y, sample_weight)
            return self
        scale = self._scale(X, np.asarray(y) == classes[1])
        scaled = sparse.csr_matrix(X, copy=True)
        scaled.data *= scale[scaled.indices]
        super().fit(scaled, y, sample_weight)
        self.coef_: NDArray[np.float64] = self.coef_ * scale
        return self

    def _scale(self, X: sparse.csr_matrix, positive: NDArray[np.bool_]) -> NDArray[np.float32]:
        sums = [
            np.maximum(np.asarray(X[rows].sum(axis=0), np.float64).ravel(), 0) + self.smooth
            for rows in (positive, ~positive)
        ]
        ratio = np.abs(np.log(sums[0] / sums[0].sum()) - np.log(sums[1] / sums[1].sum()))
        scale: NDArray[np.float32] = (ratio + self.floor).astype(np.float32)
        if self.free:
            scale[-self.free :] = 1
        return scale
