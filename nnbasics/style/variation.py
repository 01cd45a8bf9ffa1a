"""Total variation: how much a picture changes from each pixel to its right and lower neighbour."""

import math

import numpy as np


def total_variation(x, power=1.0, factors=(1.0, 1.0), inner=False):
    """Return sum (down dy^2 + right dx^2)^power and its gradient.

    dy and dx are the steps to the lower and right neighbour, in each channel, 0 at the far edges. With power = beta / 2
    and factors of 1 this is Mahendran and Vedaldi's R_TV.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    power : float
        At least 1, so that the gradient exists where the picture is flat.
    factors : pair of float
        down and right.
    inner : bool
        Leave out the last row and the last column, whose pixels lack one of the neighbours.

    Returns
    -------
    value : float
    gradient : ndarray, the shape and dtype of x
    """
    gradient, values = np.empty_like(x), []
    for plane in np.ndindex(x.shape[:2]):  # one at a time: what lies between takes a third of the memory
        value, gradient[plane] = _of_plane(x[plane], power, factors, inner)
        values.append(value)
    return math.fsum(values), gradient


def _of_plane(x, power, factors, inner):
    dx, dy = np.zeros_like(x), np.zeros_like(x)
    dx[:, :-1] = x[:, 1:] - x[:, :-1]
    dy[:-1] = x[1:] - x[:-1]
    if inner:
        dx[-1] = dy[:, -1] = 0
    down, right = map(x.dtype.type, factors)
    square = right * dx * dx + down * dy * dy
    value = float(np.sum(square**power, dtype=np.float64))
    slope = 2 * power * square ** (power - 1)
    dx *= slope * right
    dy *= slope * down
    gradient = -dx - dy
    gradient[:, 1:] += dx[:, :-1]
    gradient[1:] += dy[:-1]
    return value, gradient
