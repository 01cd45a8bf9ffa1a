"""Eigenfaces: pictures of faces lie near a space of few dimensions, and what lies far from it is no face."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import whole
from nnbasics.linalg.given import numbers
from nnbasics.linalg.leastsquares import least_squares
from nnbasics.linalg.pca import PCA


class Eigenfaces:
    """A space of faces: their mean, and the principal components around it, which look like faces themselves.

    Every picture of h by w pixels is a vector of h w numbers. The nearest point of the face space rebuilds it; how much
    is missing there says whether it was a face at all::

        c        = W (x - mean)             the face in k numbers
        rebuilt  = mean + W^T c
        distance = ||x - rebuilt|| / ||x - its own mean grey||

    The distance is relative to the contrast of the picture. Otherwise every smooth wall would pass for a face: the face
    space contains nearly smooth pictures too, and there is little in a wall that could be missing.

    Parameters
    ----------
    n_components : int
        How many eigenfaces. A few tell faces from other things best, since many rebuild other things as well; filling
        in what is hidden wants more. On scikit-image's 25x25 faces, 3 refuse 84% of the pictures without a face and 20
        only 53%, both at 95% of new faces accepted.

    Attributes
    ----------
    mean : ndarray, (h, w)
    faces : ndarray, (k, h, w)
        The eigenfaces, most variance first; signs as in `PCA`.
    threshold : float
        The distance up to which `is_face` says yes: 95% of the faces given to `fit` are nearer, each measured against
        a space made without it.

    Notes
    -----
    Turk, Pentland, "Eigenfaces for recognition", 1991. Faces should be cut out alike, eyes on about the same pixels.
    """

    FOLDS = 5  # parts of the faces that are left out in turn to find the threshold
    PASSING = 0.95

    def __init__(self, n_components):
        self.n_components = whole(n_components, "n_components")
        self.faces = None

    def __repr__(self):
        return f"Eigenfaces({self.n_components})"

    def fit(self, faces):
        """Make the face space of these pictures (n, h, w); return self.

        A fifth of them is left out in turn for the threshold, so 5/4 (n_components + 1) faces are the least.
        """
        faces = numbers(faces, "faces", ndim=(3,), like="(n, h, w)")
        n, h, w = faces.shape
        rows = faces.reshape(n, h * w)
        left = n - -(-n // self.FOLDS)
        if n < self.FOLDS or left <= self.n_components or self.n_components > h * w:
            raise UserError(
                f"{self!r}: {n} faces of {h}x{w}: of four fifths of them, {left}, at most {min(left - 1, h * w)} "
                "eigenfaces can be made; give more faces or ask for fewer"
            )
        parts = [np.arange(n) % self.FOLDS == fold for fold in range(self.FOLDS)]
        held_out = [_distance(PCA(self.n_components).fit(rows[~part]), rows[part]) for part in parts]
        self.threshold = float(np.quantile(np.concatenate(held_out), self.PASSING))
        self._pca = PCA(self.n_components).fit(rows)
        self.mean = self._pca.mean_.reshape(h, w)
        self.faces = self._pca.components_.reshape(-1, h, w)
        return self

    def transform(self, pictures):
        """The k numbers of each picture: (n, h, w) to (n, k), or one (h, w) to (k,)."""
        rows, lead = self._rows(pictures)
        return self._pca.transform(rows).reshape(*lead, -1)

    def rebuild(self, pictures, occluded=None):
        """The nearest faces of the face space, or, where something was in front of the face, what was behind it.

        A plain projection would take the thing in front for a part of the face and spread it over everything. So with
        `occluded` the k numbers are found by least squares from the pixels that can be seen, and only the others are
        filled in.

        Parameters
        ----------
        pictures : array_like, (n, h, w) or (h, w)
        occluded : array_like of bool, (h, w), optional
            Where the pictures do not show the face. At least as many pixels as eigenfaces must be left.

        Returns
        -------
        ndarray, of the shape of `pictures`
        """
        rows, lead = self._rows(pictures)
        if occluded is None:
            rebuilt = self._pca.inverse_transform(self._pca.transform(rows))
            return rebuilt.reshape(*lead, *self.mean.shape)
        seen = ~self._mask(occluded)
        mean, W = self._pca.mean_, self._pca.components_
        c = least_squares(W[:, seen].T, (rows - mean)[:, seen].T)
        rebuilt = np.where(seen, rows, mean + c.T @ W)
        return rebuilt.reshape(*lead, *self.mean.shape)

    def distance(self, pictures):
        """How far each picture is from the face space, as a share of its contrast; infinite for a plain grey.

        (n, h, w) gives (n,), one picture (h, w) a number.
        """
        rows, lead = self._rows(pictures)
        return _distance(self._pca, rows).reshape(lead)[()]

    def is_face(self, pictures):
        """Whether each picture is as near to the face space as 95% of the faces it was made of."""
        return self.distance(pictures) <= self.threshold

    def _rows(self, pictures):
        """Pictures as rows of pixels, and the axes before h and w."""
        if self.faces is None:
            raise UserError(f"{self!r}: there is no face space yet; fit(faces) makes it")
        h, w = self.mean.shape
        pictures = numbers(pictures, "pictures", ndim=(2, 3), like=f"(n, {h}, {w}) or ({h}, {w})")
        if pictures.shape[-2:] != (h, w):
            raise UserError(f"{self!r}: pictures of shape {pictures.shape}; faces here are {h}x{w}")
        return pictures.reshape(-1, h * w), pictures.shape[:-2]

    def _mask(self, occluded):
        mask = np.asarray(occluded)
        if mask.dtype != bool or mask.shape != self.mean.shape:
            raise UserError(
                f"{self!r}: occluded is {mask.dtype} of shape {mask.shape}; bool of {self.mean.shape} was expected"
            )
        seen = np.count_nonzero(~mask)
        if seen < self.n_components:
            raise UserError(f"{self!r}: {seen} pixels can be seen; to find {self.n_components} numbers takes as many")
        return mask.ravel()


def _distance(pca, rows):
    """||x - rebuilt|| / ||x - its own mean|| for every row."""
    missing = np.linalg.norm(rows - pca.inverse_transform(pca.transform(rows)), axis=1)
    contrast = np.linalg.norm(rows - rows.mean(axis=1, keepdims=True), axis=1)
    plain = contrast <= np.sqrt(rows.shape[1]) * np.finfo(rows.dtype).eps * abs(rows).max(axis=1)
    return np.divide(missing, contrast, out=np.full_like(missing, np.inf), where=~plain)
