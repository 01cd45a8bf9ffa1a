"""Which kernel computes what: the one place that decides.

Modules of kernels have functions of the same names and meanings, so choosing a kernel is choosing a module. The
environment variable NNBASICS_KERNELS forces a choice; it is read at every call, so a test can set it for a moment.
"""

import os

from nnbasics.kernels import reference


def forced():
    """What NNBASICS_KERNELS asks for, in small letters; "" when it leaves the choice to us."""
    return os.environ.get("NNBASICS_KERNELS", "").strip().lower()


def convolution(dtype, kernel_size, stride, padding):
    """The module whose conv2d, conv2d_dx and conv2d_dparams to use for a convolution of this kind."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import im2col

    return im2col


def pooling():
    """The module whose max_pool2d, avg_pool2d, lp_pool2d and their _dx to use."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import pooling

    return pooling


def elementwise():
    """The module whose relu and relu_dx to use."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import elementwise

    return elementwise
