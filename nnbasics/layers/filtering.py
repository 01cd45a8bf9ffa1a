"""Convolution by its definition, in one dimension and two, beside the correlation that networks call by its name.

In a network the difference does not matter: the weights are learned, and a filter that should be flipped is learned
flipped. It appears in the backward rule. With y = correlate(x, w),

::

    dL/dw_i = sum over j of dL/dy_j dy_j/dw_i = sum over j of dL/dy_j x_(i+j)         correlate(x, dy)
    dL/dx_i = sum over j of dL/dy_j dy_j/dx_i = sum over j of dL/dy_j w_(i-j)         convolve(dy, w)

so that the gradient at the input of a correlation is a convolution proper.
"""

import numpy as np

from nnbasics.errors import UserError, nearest

MODES = ("full", "valid")


def convolve(x, kernel, mode="full"):
    """The convolution of x with a kernel: the kernel is flipped, then slid over x.

    ::

        1-D:  y[t]    = sum over a of x[a] w[t - a]
        2-D:  y[i, j] = sum over u, v of x[u, v] w[i - u, j - v]

    Read from the other end: every x[a] lays down a copy of the kernel, x[a] times as high, that begins at a. And x and
    w may change places.

    Parameters
    ----------
    x, kernel : array_like
        Both with one axis, or both with two.
    mode : "full" or "valid"
        Everywhere the two overlap, sizes W + F - 1; or only where the kernel lies inside x, sizes W - F + 1.

    Raises
    ------
    UserError
        If the axes differ, or a "valid" kernel is larger than x.
    """
    x, kernel = _checked(x, kernel, mode)
    y = np.zeros(
        [size + width - 1 for size, width in zip(x.shape, kernel.shape, strict=True)], np.result_type(x, kernel)
    )
    for place in np.ndindex(kernel.shape):
        y[tuple(slice(at, at + size) for at, size in zip(place, x.shape, strict=True))] += kernel[place] * x
    if mode == "full":
        return y
    return y[tuple(slice(width - 1, size) for size, width in zip(x.shape, kernel.shape, strict=True))]


def correlate(x, kernel, mode="valid"):
    """The cross-correlation of x with a kernel: slid over x as it is. This is what `Conv2d` computes.

    ::

        1-D:  y[t]    = sum over a of w[a] x[t + a]
        2-D:  y[i, j] = sum over u, v of w[u, v] x[i + u, j + v]

    y is large where x looks like the kernel. It is the convolution with the kernel flipped along every axis.

    Parameters
    ----------
    x, kernel, mode
        As for `convolve`. In "full" t begins at -(F - 1).
    """
    return convolve(x, np.flip(np.asarray(kernel)), mode)


def _checked(x, kernel, mode):
    x, kernel = np.asarray(x), np.asarray(kernel)
    if mode not in MODES:
        raise UserError(f"convolve: no mode is called {mode!r}; {nearest(mode, MODES)}")
    if x.ndim not in (1, 2) or kernel.ndim != x.ndim or x.size == 0 or kernel.size == 0:
        raise UserError(
            f"convolve: x of shape {x.shape} and a kernel of {kernel.shape}; both with one axis, or with two"
        )
    if mode == "valid" and any(width > size for size, width in zip(x.shape, kernel.shape, strict=True)):
        raise UserError(
            f"convolve: a kernel of shape {kernel.shape} does not fit into x of {x.shape}; mode='full' needs not"
        )
    return x, kernel
