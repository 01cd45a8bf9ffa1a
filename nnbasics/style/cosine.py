"""The picture as its cosine transform, with low frequencies made easy to move: a change of variables for the search.

Most of what style transfer changes is large and slow, while the gradient is loudest in the fine detail. In the
coordinates u, where coefficient k of the cosine transform of x - start is s_k u_k with s_k = |frequency|^-1/2, a step
of one size in every coordinate moves large shapes more than fine grain, and L-BFGS needs fewer evaluations to the same
loss. The transform is orthonormal, so the chain rule is dL/du = s DCT(dL/dx).
"""

import numpy as np


class Pixels:
    """The picture itself as coordinates: what the walk sees is what there is."""

    def __init__(self, start):
        self.origin = start

    def picture(self, x):
        return x

    def within(self, function):
        return function


class Cosine:
    """Coordinates u of (1, 3, H, W) pictures, zero at the start of the walk, and functions of pictures within them.

    Parameters
    ----------
    start : ndarray, (1, 3, H, W)
    power : float
        s = frequency^-power, up to a constant that makes the median 1.
    """

    def __init__(self, start, power=0.5):
        height, width = start.shape[2:]
        frequency = np.hypot(np.arange(height)[:, None] / height, np.arange(width) / width)
        frequency[0, 0] = 1 / max(height, width)
        scale = frequency**-power
        self._start = start
        self._scale = (scale / np.median(scale)).astype(start.dtype)

    @property
    def origin(self):
        """The coordinates of the start."""
        return np.zeros_like(self._start)

    def step_of(self, coarse, s):
        """A step in the coordinates of a smaller picture (flat), enlarged to one in these."""
        return self._low(coarse, s.reshape(coarse._start.shape) * coarse._scale) / self._scale

    def slope_of(self, coarse, y):
        """A gradient, or a difference of two, in the coordinates of a smaller picture (flat), as one in these."""
        return self._low(coarse, y.reshape(coarse._start.shape) / coarse._scale) * self._scale

    def _low(self, coarse, coefficients):
        """The coefficients of a smaller picture as low frequencies of this one, as large as in its space."""
        large = self.origin
        height, width = coefficients.shape[2:]
        large[..., :height, :width] = coefficients
        large *= large.dtype.type(np.sqrt(large[0, 0].size / coefficients[0, 0].size))
        return large

    def picture(self, u):
        """The picture at the coordinates u: the start + the inverse transform of s u."""
        from scipy.fft import idctn

        x = idctn(u * self._scale, axes=(2, 3), norm="ortho", overwrite_x=True, workers=_threads())
        x += self._start
        return x

    def within(self, function):
        """`function` of a picture as a function of u, with its gradient."""
        from scipy.fft import dctn

        def of_coordinates(u):
            loss, gradient = function(self.picture(u))
            slope = dctn(gradient, axes=(2, 3), norm="ortho", workers=_threads())
            slope *= self._scale
            return loss, slope

        return of_coordinates


def _threads():
    from nnbasics.kernels.threads import get_num_threads

    return get_num_threads()
