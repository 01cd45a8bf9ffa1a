"""Gram matrices of a region: every position counts as much as a guidance channel says.

With t the channel, one weight for each position, the features of the region are F t and their Gram matrix is::

    G = (F t) (F t)^T                  dL/dF = (dL/dG + dL/dG^T) F t^2

Positions of weight 0 are left out of the work, so that regions side by side cost together what one whole picture does.

Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling perceptual factors in neural style transfer", 2017, section 4.
"""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels.forced import forced
from nnbasics.kernels.memory import aligned


class Guides:
    """The guidance channels of one layer, and what is done with them.

    Parameters
    ----------
    channels : ndarray, (R, H, W)
        t of R regions.
    shape : tuple of int
        Of the layer's features, (1, C, H, W).
    """

    def __init__(self, channels, shape, dtype):
        if channels.ndim != 3 or channels.shape[1:] != tuple(shape[2:]):
            raise UserError(f"guides of shape {channels.shape} for features of {shape}: (R, H, W) was expected")
        self._shape = shape
        flat = channels.reshape(len(channels), -1)
        self._regions = [(np.flatnonzero(t), t[t != 0].astype(dtype)[:, None]) for t in flat]

    def grams(self, features):
        """G of every region, (R, C, C)."""
        pixels = _pixels(features)
        return np.stack([_gram(_weighted(pixels, where, t)) for where, t in self._regions])

    def backward(self, features, grams):
        """dL/dF, (1, C, H, W), for dL/dG of every region."""
        pixels = _pixels(features)
        dy = aligned(pixels.shape, pixels.dtype)
        dy[:] = 0
        for (where, t), d_gram in zip(self._regions, grams, strict=True):
            part = _times(_weighted(pixels, where, t), d_gram + d_gram.T)
            part *= t
            dy[where] += part
        _, _, height, width = self._shape
        return dy.reshape(1, height, width, -1).transpose(0, 3, 1, 2)


def _pixels(features):
    """(H W, C): a row for each position."""
    return features[0].transpose(1, 2, 0).reshape(-1, features.shape[1])


def _weighted(pixels, where, t):
    rows = aligned((len(where), pixels.shape[1]), pixels.dtype)
    np.take(pixels, where, axis=0, out=rows, mode="clip")
    rows *= t
    return rows


def _gram(rows):
    kernels = _kernels(rows)
    return kernels.gram(rows) if kernels else rows.T @ rows


def _times(rows, matrix):
    kernels = _kernels(rows)
    if not kernels:
        return rows @ matrix
    kernels.times(rows, kernels.packed(matrix), rows)
    return rows


def _kernels(rows):
    """The fast kernels, where they apply."""
    if rows.dtype != np.float32 or forced() == "reference" or not len(rows):
        return None
    from nnbasics.kernels import gram

    return gram if gram.applies(rows.shape[1]) else None
