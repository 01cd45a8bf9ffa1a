"""Total variation: how much a picture changes from each pixel to its right and lower neighbour."""

import numpy as np


def total_variation(x, power=1.0):
    """Return sum (dx^2 + dy^2)^power and its gradient.

    dx and dy are the steps to the right and lower neighbour, in each channel, 0 at the far edges. With power = beta / 2
    this is Mahendran and Vedaldi's R_TV.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    power : float
        At least 1, so that the gradient exists where the picture is flat.

    Returns
    -------
    value : float
    gradient : ndarray, the shape and dtype of x
    """
    right, down = np.zeros_like(x), np.zeros_like(x)
    right[..., :, :-1] = x[..., :, 1:] - x[..., :, :-1]
    down[..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    square = right * right + down * down
    value = float(np.sum(square**power, dtype=np.float64))
    slope = 2 * power * square ** (power - 1)
    right *= slope
    down *= slope
    gradient = -right - down
    gradient[..., :, 1:] += right[..., :, :-1]
    gradient[..., 1:, :] += down[..., :-1, :]
    return value, gradient
