"""Augmentation: the same picture a little turned, moved or mirrored is another example with the same label.

Each maker returns a function of a batch and a generator, which `fit` calls for every mini-batch::

    fit(net, x, labels, augment=wobble(degrees=10, shift=2), ...)
"""

import numpy as np


def wobble(degrees=0.0, scale=0.0, shift=0.0):
    """Pictures turned, scaled and moved at random, each by itself; what comes in over the rim is 0.

    The value at a place q from the middle is that of the picture at A q - s, between pixels by bilinear interpolation,
    with A a rotation divided by the factor of size.

    Parameters
    ----------
    degrees : float
        Turned by up to so much to either side.
    scale : float
        Larger or smaller by up to this part: 0.1 is a factor from 0.9 to 1.1.
    shift : float
        Moved by up to so many pixels along rows and columns.

    Returns
    -------
    callable
        x (N, C, H, W), rng -> pictures of the same shape and dtype.
    """

    def augment(x, rng):
        n, _, height, width = x.shape
        angle = np.radians(rng.uniform(-degrees, degrees, n))
        size = rng.uniform(1 - scale, 1 + scale, n)
        s = rng.uniform(-shift, shift, (n, 2, 1, 1))
        cos, sin = ((f(angle) / size)[:, None, None] for f in (np.cos, np.sin))
        i, j = np.mgrid[:height, :width] - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
        rows = cos * i - sin * j - s[:, 0] + (height - 1) / 2
        columns = sin * i + cos * j - s[:, 1] + (width - 1) / 2
        return bilinear(x, rows, columns)

    return augment


def bilinear(x, rows, columns):
    """The values of pictures x (N, C, H, W) at places (N, H2, W2) between their pixels; 0 outside."""
    n, c, height, width = x.shape
    padded = np.zeros((n, height + 2, width + 2, c), x.dtype)  # a rim of zeros, in which everything outside ends up
    padded[:, 1:-1, 1:-1] = x.transpose(0, 2, 3, 1)
    rows = np.clip(rows + 1, 0, height + 1)
    columns = np.clip(columns + 1, 0, width + 1)
    top = np.minimum(rows.astype(np.intp), height)
    left = np.minimum(columns.astype(np.intp), width)
    down, right = ((a - b).astype(x.dtype)[..., None] for a, b in ((rows, top), (columns, left)))
    corner = (np.arange(n)[:, None, None] * (height + 2) + top) * (width + 2) + left
    values = padded.reshape(-1, c)
    upper = values[corner] * (1 - right) + values[corner + 1] * right
    lower = values[corner + width + 2] * (1 - right) + values[corner + width + 3] * right
    return (upper * (1 - down) + lower * down).transpose(0, 3, 1, 2)


def crop(padding):
    """Pictures with a rim of so many zeros, cut out at a random place in their old size: moved by whole pixels.

    Returns
    -------
    callable
        x (N, C, H, W), rng -> pictures of the same shape and dtype.
    """

    def augment(x, rng):
        n, _, height, width = x.shape
        padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
        top, left = rng.integers(0, 2 * padding + 1, (2, n))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
        return windows[np.arange(n), :, top, left]

    return augment


def flip(x, rng):
    """Mirror each picture, left and right changing places, or not, as a coin says."""
    heads = rng.random(len(x)) < 0.5
    return np.where(heads[:, None, None, None], x[..., ::-1], x)


def sometimes(p, augment):
    """Another augmentation for some of the pictures alone, each with probability p; the others stay sharp as they are.

    Returns
    -------
    callable
        x (N, C, H, W), rng -> pictures of the same shape and dtype.
    """

    def some(x, rng):
        chosen = rng.random(len(x)) < p
        y = x.copy()
        y[chosen] = augment(x[chosen], rng)
        return y

    return some
