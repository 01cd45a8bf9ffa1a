"""Principal component analysis: the directions in which data differ most."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import whole
from nnbasics.linalg.given import numbers


class PCA:
    """Principal components, and data described by a few of them.

    With the mean taken off the rows of X, the first component is the direction of greatest variance::

        w_1 = argmax of  (w^T X^T X w) / (w^T w)

    and each next one the same at right angles to those before. They are the eigenvectors of X^T X, which are the right
    singular vectors of X: X = U Sigma V^T gives w_i = v_i, with variance s_i^2 / (N - 1) along it. The SVD of X finds
    them without forming X^T X.

    Parameters
    ----------
    n_components : int, optional
        How many to keep; all min(N, d) if not given.

    Attributes
    ----------
    mean_ : ndarray, (d,)
    components_ : ndarray, (k, d)
        Rows of length 1 at right angles to each other, greatest variance first. An eigenvector is one only up to its
        sign; here the entry that is largest in size (the first, if several are) is positive, as in scikit-learn.
    explained_variance_ : ndarray, (k,)
        Along each component, with N - 1 in the denominator.
    explained_variance_ratio_ : ndarray, (k,)
        The same as a share of the variance of all the data.

    Examples
    --------
    >>> pca = PCA(2).fit(X)
    >>> codes = pca.transform(X)                 # (N, d) to (N, 2)
    >>> nearest = pca.inverse_transform(codes)   # and back, as near as two numbers can come
    """

    def __init__(self, n_components=None):
        self.n_components = None if n_components is None else whole(n_components, "n_components")
        self.components_ = None

    def __repr__(self):
        return f"PCA({'' if self.n_components is None else self.n_components})"

    def fit(self, X):
        """Find the components of the rows of X (N, d), N at least 2; return self."""
        X = numbers(X, "X", ndim=(2,), like="(N, d)")
        most = min(X.shape)
        if len(X) < 2:
            raise UserError(f"{self!r}: X has shape {X.shape}; one row has no variance, at least 2 were expected")
        if self.n_components is not None and self.n_components > most:
            raise UserError(f"{self!r}: X of shape {X.shape} has no more than {most} components")
        self.mean_ = X.mean(axis=0)
        _, s, components = np.linalg.svd(X - self.mean_, full_matrices=False)
        variance = np.square(s) / (len(X) - 1)
        total = variance.sum()
        kept = slice(self.n_components)
        self.components_ = _signed(components[kept])
        self.explained_variance_ = variance[kept]
        self.explained_variance_ratio_ = variance[kept] / total if total else np.zeros_like(variance[kept])
        return self

    def transform(self, X):
        """The coordinates (N, k) of the rows of X (N, d) along the components."""
        X = self._rows(X, "X", self._fitted("transform").shape[1])
        return (X - self.mean_) @ self.components_.T

    def inverse_transform(self, codes):
        """The points (N, d) that have these coordinates (N, k).

        After `transform` that is the nearest point of the mean plus the span of the components.
        """
        codes = self._rows(codes, "codes", len(self._fitted("inverse_transform")))
        return self.mean_ + codes @ self.components_

    def _fitted(self, method):
        if self.components_ is None:
            raise UserError(f"{self!r}: {method} before fit: there are no components yet")
        return self.components_

    def _rows(self, values, name, width):
        rows = numbers(values, name, ndim=(2,), like=f"(N, {width})")
        if rows.shape[1] != width:
            raise UserError(f"{self!r}: {name} has shape {rows.shape}; (N, {width}) was expected")
        return rows


def _signed(components):
    """Each row times the sign that makes its largest entry positive."""
    largest = np.take_along_axis(components, abs(components).argmax(axis=1)[:, None], axis=1)
    return components * np.sign(largest)
