"""Which kernel computes what: the one place that decides.

Modules of kernels have functions of the same names and meanings, so choosing a kernel is choosing a module. The
environment variable NNBASICS_KERNELS can ask for `reference`, the slow twins of all kernels, at any time: see `forced`.
"""

import numpy as np

from nnbasics.kernels import reference
from nnbasics.kernels.forced import forced

FEW = 32  # channels; with more, Winograd's quarter of the multiplications outweighs its transforms


def convolution(dtype, x_shape, weight_shape, stride, padding, dilation=(1, 1), groups=1):
    """The module whose conv2d, conv2d_dx and conv2d_dparams to use for a convolution of this kind."""
    if groups > 1:
        from nnbasics.kernels.grouped import Grouped

        x_shape = (x_shape[0], x_shape[1] // groups, *x_shape[2:])
        weight_shape = (weight_shape[0] // groups, *weight_shape[1:])
        return Grouped(convolution(dtype, x_shape, weight_shape, stride, padding, dilation), groups)
    if forced() == "reference":
        return reference
    from nnbasics.kernels import conv3x3, direct, im2col

    if dilation != (1, 1):
        return im2col  # and the reference: no other kernels know a dilation
    by_winograd = conv3x3.applies(dtype, weight_shape[2:], stride, padding)
    if direct.applies(dtype, x_shape) and not (by_winograd and min(weight_shape[:2]) >= FEW):
        return direct
    return conv3x3 if by_winograd else im2col


WORTH = 64**3  # multiplications; for fewer BLAS starts no threads, and calling it costs less than packing matrices


def product(a, b):
    """The module whose product to use for two matrices."""
    small = a.shape[0] * a.shape[1] * b.shape[1] <= WORTH
    if small or not a.dtype == b.dtype == np.float32 or forced() == "reference":
        return reference
    from nnbasics.kernels import product

    return product


def pooling():
    """The module whose max_pool2d, avg_pool2d, lp_pool2d and their _dx to use."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import pooling

    return pooling


def elementwise():
    """The module whose relu, relu_dx and total to use."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import elementwise

    return elementwise


def normalization():
    """The module whose moments, sums, line and plane to use, for batch normalisation."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import normalization

    return normalization


def neighbours():
    """The module whose affinities and forces to use, for t-SNE."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import neighbours

    return neighbours
