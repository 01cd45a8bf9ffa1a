"""The picture as its cosine transform, with low frequencies made easy to move: a change of variables for the search.

Most of what style transfer changes is large and slow, while the gradient is loudest in the fine detail. In the
coordinates u, where coefficient k of the picture's cosine transform is s_k u_k with s_k = |frequency|^-1/2, a step of
one size in every coordinate moves large shapes more than fine grain, and L-BFGS needs fewer evaluations to the same
loss. The transform is orthonormal, so the chain rule is dL/du = s DCT(dL/dx).
"""

import numpy as np


class Cosine:
    """Coordinates of (1, 3, H, W) pictures: `to` them, back to the `picture`, and a function of pictures `within` them.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy dtype
    power : float
        s = frequency^-power, up to a constant that makes the median 1.
    """

    def __init__(self, shape, dtype=np.float32, power=0.5):
        height, width = shape[2:]
        frequency = np.hypot(np.arange(height)[:, None] / height, np.arange(width) / width)
        frequency[0, 0] = 1 / max(height, width)
        scale = frequency**-power
        self._scale = (scale / np.median(scale)).astype(dtype)

    def to(self, x):
        """The coordinates u of a picture x."""
        return _transform(x) / self._scale

    def picture(self, u):
        """The picture x at the coordinates u."""
        from scipy.fft import idctn

        return idctn(u * self._scale, axes=(2, 3), norm="ortho", workers=_threads())

    def within(self, function):
        """`function` of x as a function of u, with its gradient."""

        def of_coordinates(u):
            loss, gradient = function(self.picture(u))
            return loss, self._scale * _transform(gradient)

        return of_coordinates


def _transform(x):
    from scipy.fft import dctn

    return dctn(x, axes=(2, 3), norm="ortho", workers=_threads())


def _threads():
    from numba import get_num_threads

    return get_num_threads()
