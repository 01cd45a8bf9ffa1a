"""The picture as its cosine transform, with what a step should move most made easy to move: a change of variables.

Most of what style transfer changes is large and slow, while the gradient is loudest in the fine detail; and large
patches of colour answer to a small change more than their brightness does. In the coordinates u, where a coefficient of
the cosine transform of x - start is s u, with s falling with the frequency from one value to another for grey and for
colour, L-BFGS needs fewer evaluations to the same loss. The transform is orthonormal and the scaling symmetric, so the
chain rule is dL/du = s DCT(dL/dx).
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


# s = LEAST + SLOW / frequency, 1 the finest there is: of the mean of the three channels, and of what deviates from it.
# From how far a walk (the cat, The Starry Night) went in each frequency for its gradient; tried on five pairs.
GREY = 1.0, 0.12
COLOUR = 1.1, 0.044
LONGEST = 156  # pixels: relu5_1 sees no more at once, and waves longer than that are all alike


class Cosine:
    """Coordinates u of (1, 3, H, W) pictures, zero at the start of the walk, and functions of pictures within them.

    Parameters
    ----------
    start : ndarray, (1, 3, H, W)
    """

    def __init__(self, start):
        height, width = start.shape[2:]
        frequency = np.hypot(np.arange(height)[:, None] / height, np.arange(width) / width)
        frequency = np.hypot(frequency, 2 / LONGEST)
        self._start = start
        self._scales = tuple((least + slow / frequency).astype(start.dtype) for least, slow in (GREY, COLOUR))

    @property
    def origin(self):
        """The coordinates of the start."""
        return np.zeros_like(self._start)

    def step_of(self, coarse, s):
        """A step in the coordinates of a smaller picture (flat), enlarged to one in these."""
        moved = _mix(s.reshape(coarse._start.shape).copy(), *coarse._scales)
        return _mix(self._low(moved), *self._inverses)

    def slope_of(self, coarse, y):
        """A gradient, or a difference of two, in the coordinates of a smaller picture (flat), as one in these."""
        slope = _mix(y.reshape(coarse._start.shape).copy(), *coarse._inverses)
        return _mix(self._low(slope), *self._scales)

    @property
    def _inverses(self):
        return [1 / scale for scale in self._scales]

    def _low(self, coefficients):
        """The coefficients of a smaller picture as low frequencies of this one, as large as in its space."""
        large = self.origin
        height, width = coefficients.shape[2:]
        large[..., :height, :width] = coefficients
        large *= large.dtype.type(np.sqrt(large[0, 0].size / coefficients[0, 0].size))
        return large

    def picture(self, u):
        """The picture at the coordinates u: the start + the inverse transform of s u."""
        from scipy.fft import idctn

        x = idctn(_mix(u.copy(), *self._scales), axes=(2, 3), norm="ortho", overwrite_x=True, workers=_threads())
        x += self._start
        return x

    def within(self, function):
        """`function` of a picture as a function of u, with its gradient."""
        from scipy.fft import dctn

        def of_coordinates(u):
            loss, gradient = function(self.picture(u))
            slope = dctn(gradient, axes=(2, 3), norm="ortho", workers=_threads())
            return loss, _mix(slope, *self._scales)

        return of_coordinates


def _mix(v, grey, colour):
    """`grey` times the mean of the channels + `colour` times what deviates from it, place by place, in place."""
    mean = v.mean(axis=1, keepdims=True)
    mean *= grey - colour
    v *= colour
    v += mean
    return v


def _threads():
    from nnbasics.kernels.threads import get_num_threads

    return get_num_threads()
