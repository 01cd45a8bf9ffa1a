"""Convolution in groups against one dense convolution whose weight is zero between the groups."""

import numpy as np
import pytest

from nnbasics.kernels import im2col, reference
from nnbasics.kernels.grouped import Grouped
from tests.kernels.strategies import close


def dense(weight, groups):
    """The weight (K, C / groups, kH, kW) laid out as blocks of one of (K, C, kH, kW)."""
    k, c, *kernel = weight.shape
    blocks = np.zeros((groups, k // groups, groups, c, *kernel), weight.dtype)
    for group, block in enumerate(np.split(weight, groups)):
        blocks[group, :, group] = block
    return blocks.reshape(k, groups * c, *kernel)


def undense(dweight, groups):
    k, c, *kernel = dweight.shape
    blocks = dweight.reshape(groups, k // groups, groups, c // groups, *kernel)
    return np.concatenate([blocks[group, :, group] for group in range(groups)])


@pytest.mark.parametrize("kernels", [im2col, reference])
@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("with_bias", [True, False])
def test_equals_blocks_of_a_dense_weight(kernels, groups, with_bias, rng):
    window = (2, 1), (1, 2), (1, 2)
    x, weight = rng.standard_normal((2, 2 * groups, 6, 7)), rng.standard_normal((3 * groups, 2, 3, 2))
    bias = rng.standard_normal(len(weight)) if with_bias else None
    grouped = Grouped(kernels, groups)
    y = grouped.conv2d(x, weight, bias, *window)
    close(y, kernels.conv2d(x, dense(weight, groups), bias, *window))
    dy = rng.standard_normal(y.shape)
    close(
        grouped.conv2d_dx(dy, weight, x.shape, *window), kernels.conv2d_dx(dy, dense(weight, groups), x.shape, *window)
    )
    dweight, dbias = grouped.conv2d_dparams(dy, x, (3, 2), *window)
    expected = kernels.conv2d_dparams(dy, x, (3, 2), *window)
    close(dweight, undense(expected[0], groups))
    close(dbias, expected[1])


def test_no_group_lies_apart_in_memory(rng):
    """Channels-last, as the dense kernels give it."""
    y = Grouped(im2col, 2).conv2d(
        rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((6, 2, 3, 3)), None, (1, 1), (1, 1)
    )
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
