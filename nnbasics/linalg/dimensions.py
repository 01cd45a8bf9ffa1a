"""Random vectors in many dimensions: nearly all of them stand at right angles to each other."""

import numpy as np

from nnbasics.layers.base import whole


def on_sphere(count, n, rng=None):
    """`count` points drawn evenly from the unit sphere in n dimensions, (count, n).

    A Gaussian vector has no preferred direction, so one scaled to length 1 is spread evenly.

    Parameters
    ----------
    count, n : int
    rng : None, int or numpy.random.Generator
    """
    draw = np.random.default_rng(rng).standard_normal((whole(count, "count"), whole(n, "n")))
    return draw / np.linalg.norm(draw, axis=1, keepdims=True)


def inner_products(pairs, n, rng=None):
    """<X, Y> for `pairs` independent pairs of points of the unit sphere in n dimensions, (pairs,).

    It is the cosine of the angle between them, has mean 0 and variance exactly 1 / n: by symmetry each of the n
    squared coordinates of Y along X has the same mean, and together they are 1. So the cosines concentrate at 0 like
    1 / sqrt(n), and two vectors of a thousand dimensions whose cosine is 0.2 are no accident.

    Parameters
    ----------
    pairs, n : int
    rng : None, int or numpy.random.Generator
    """
    rng = np.random.default_rng(rng)
    return np.einsum("ij,ij->i", on_sphere(pairs, n, rng), on_sphere(pairs, n, rng))


def angle_spread(dimensions=(2, 3, 10, 100, 1000), pairs=1000, rng=None):
    """How wide the cosines of random pairs spread: {n: (standard deviation found, 1 / sqrt(n))}.

    Parameters
    ----------
    dimensions : iterable of int
    pairs : int
    rng : None, int or numpy.random.Generator
    """
    rng = np.random.default_rng(rng)
    return {n: (float(inner_products(pairs, n, rng).std()), float(n**-0.5)) for n in dimensions}
