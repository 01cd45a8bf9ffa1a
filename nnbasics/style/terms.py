"""The two distances of the loss, at one layer each: to the features of the content, to the Gram matrix of the style."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class ContentTarget:
    """factor sum (F - P)^2."""

    factor: float
    features: np.ndarray  # P

    def compare(self, features, weight, where=(slice(None), slice(None))):
        """`weight` times the distance, and the derivative by F; F is of the positions `where`."""
        difference = features - self.features[(..., *where)]
        loss = weight * self.factor * sum_of_squares(difference)
        difference *= difference.dtype.type(2 * weight * self.factor)
        return loss, difference


@dataclass
class StyleTarget:
    """factor (sum (scale F F^T - A)^2 + rest), of a layer or of one region of it.

    Of several styles, weighted by s_k with sum s, the distances add up to one distance to the mean of their Gram
    matrices, and a rest that no picture can be without, since it cannot be like all of them::

        sum_k s_k |G - A_k|^2 = s |G - A|^2 + sum_k s_k |A_k - A|^2     with A = sum_k s_k A_k / s
    """

    factor: float
    scale: float
    gram: np.ndarray  # A
    rest: float = 0.0

    @classmethod
    def of(cls, factor, scale, grams, shares):
        """The target of several styles: their Gram matrices, and what each distance counts."""
        total = math.fsum(shares)
        dtype = grams[0].dtype
        mean = sum(dtype.type(share / total) * gram for share, gram in zip(shares, grams, strict=True))
        rest = sum(share / total * sum_of_squares(gram - mean) for share, gram in zip(shares, grams, strict=True))
        return cls(factor * total, scale, mean, rest)

    def compare(self, gram, weight):
        """`weight` times the distance, and the derivative by F F^T."""
        difference = gram * gram.dtype.type(self.scale) - self.gram
        loss = weight * self.factor * (sum_of_squares(difference) + self.rest)
        difference *= gram.dtype.type(2 * weight * self.factor * self.scale)
        return loss, difference


def sum_of_squares(array, chunk=65536):
    """Chunk by chunk, and the chunks in float64: exact enough without a float64 copy of a large array."""
    flat = array.ravel(order="K")
    return math.fsum(float(np.vdot(part, part)) for part in (flat[i : i + chunk] for i in range(0, flat.size, chunk)))
