"""Which kernel computes what: the one place that decides.

Modules of kernels have functions of the same names and meanings, so choosing a kernel is choosing a module. The
environment variable NNBASICS_KERNELS can ask for `reference`, the slow twins of all kernels, at any time: see `forced`.
"""

from nnbasics.kernels import reference
from nnbasics.kernels.forced import forced


def convolution(dtype, kernel_size, stride, padding, dilation=(1, 1), groups=1):
    """The module whose conv2d, conv2d_dx and conv2d_dparams to use for a convolution of this kind."""
    if groups > 1:
        from nnbasics.kernels.grouped import Grouped

        return Grouped(convolution(dtype, kernel_size, stride, padding, dilation), groups)
    if forced() == "reference":
        return reference
    from nnbasics.kernels import conv3x3, im2col

    if dilation != (1, 1):
        return im2col  # and the reference: no other kernels know a dilation
    return conv3x3 if conv3x3.applies(dtype, kernel_size, stride, padding) else im2col


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


def neighbours():
    """The module whose affinities and forces to use, for t-SNE."""
    if forced() == "reference":
        return reference
    from nnbasics.kernels import neighbours

    return neighbours
