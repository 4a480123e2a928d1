"""One logistic head a label, which learns what is said rather than where it was said."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression


class SourceAwareLogistic(LogisticRegression):  # type: ignore[misc]
    """Logistic regression with an intercept of its own for each source of the training data.

    Sources differ in their share of positives because of how they were collected. Without an
    intercept of their own the words have to explain that difference, and the model learns to
    recognise a source. The intercepts are dropped after fitting; their weighted mean stays.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty on the weights.
    max_iter : int, default=100
        The most iterations of the solver.
    tol : float, default=1e-4
        Where the solver stops.
    source_scale : float, default=5.0
        How freely the intercepts of sources may differ; 0 gives ordinary logistic regression.

    Examples
    --------
    >>> import numpy as np
    >>> head = SourceAwareLogistic()
    >>> head.fit(np.eye(4), [0, 1, 0, 1], sources=["a", "a", "b", "b"]).coef_.shape
    (1, 4)
    """

    def __init__(
        self, C: float = 1.0, max_iter: int = 100, tol: float = 1e-4, source_scale: float = 5.0
    ) -> None:
        super().__init__(C=C, max_iter=max_iter, tol=tol)
        self.source_scale = source_scale

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        sources: ArrayLike | None = None,
    ) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights.
        sources : array-like of shape (n_samples,), optional
            Where each sample comes from.

        Returns
        -------
        SourceAwareLogistic
            This estimator.
        """
        if sources is None or self.source_scale == 0:
            super().fit(X, y, sample_weight)
            return self
        names, index = np.unique(np.asarray(sources), return_inverse=True)
        rows, columns = X.shape
        scale = np.full(rows, self.source_scale, X.dtype)
        own = sparse.csr_matrix((scale, (np.arange(rows), index)), (rows, len(names)))
        super().fit(sparse.hstack([sparse.csr_matrix(X), own], "csr"), y, sample_weight)
        shifts: NDArray[np.float64] = self.coef_[:, columns:] * self.source_scale
        share = np.bincount(index, sample_weight, len(names))
        self.coef_ = np.ascontiguousarray(self.coef_[:, :columns])
        self.intercept_ = self.intercept_ + shifts @ (share / share.sum())
        self.n_features_in_ = columns
        return self
