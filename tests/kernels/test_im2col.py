"""Convolution by im2col against its slow twin, for any shape, window, dtype, memory order and cut into tiles."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import im2col, reference
from tests.kernels.strategies import DTYPES, ORDERS, array, close, dilated_windows, out_sizes

TILES = st.sampled_from([1, 300, 1000, 5000, im2col.COLUMNS_BYTES])


@settings(max_examples=150)
@given(dilated_windows(), st.integers(1, 4), DTYPES, ORDERS, TILES, st.booleans(), st.integers(0, 2**32))
def test_equals_its_twin(window, k, dtype, order, tile_bytes, with_bias, seed):
    shape, *window = window
    kernel, *rest = window
    x = array(seed, shape, dtype, order)
    weight = array(seed + 1, (k, shape[1], *kernel), dtype, order)
    bias = np.arange(k).astype(dtype) if with_bias else None
    dy = array(seed + 2, (shape[0], k, *out_sizes(shape, *window)), dtype, order)
    with patch.object(im2col, "COLUMNS_BYTES", tile_bytes):
        close(im2col.conv2d(x, weight, bias, *rest), reference.conv2d(x, weight, bias, *rest))
        dx = im2col.conv2d_dx(dy, weight, shape, *rest)
        dparams = im2col.conv2d_dparams(dy, x, kernel, *rest)
    close(dx, reference.conv2d_dx(dy, weight, shape, *rest))
    for ours, twin in zip(dparams, reference.conv2d_dparams(dy, x, kernel, *rest), strict=True):
        close(ours, twin)


@pytest.mark.parametrize("shape", [(1, 4, 6, 700), (1, 4, 700, 6), (9, 4, 6, 6), (1, 200, 2, 2)])
def test_a_tile_is_never_larger_than_the_budget(shape):
    filters = np.zeros((9 * shape[1], 5), np.float32)
    y_shape = (shape[0], *shape[2:], 5)
    with patch.object(im2col, "COLUMNS_BYTES", 40_000):
        tiles = list(im2col._tiles(y_shape, filters))
    seen = np.zeros(y_shape[:3], int)
    for tile in tiles:
        seen[tile] += 1
        assert seen[tile].size * filters.shape[0] * filters.itemsize <= 40_000
    assert (seen == 1).all()


def test_memory_does_not_grow_with_the_kernel_times_the_picture():
    import tracemalloc

    x = np.zeros((1, 16, 128, 128), np.float32)
    weight = np.zeros((4, 16, 7, 7), np.float32)
    tracemalloc.start()
    y = im2col.conv2d(x, weight, None, (1, 1), (3, 3))
    im2col.conv2d_dx(y, weight, x.shape, (1, 1), (3, 3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 49 * x.nbytes > 50e6
    assert peak < y.nbytes + x.nbytes + 5 * im2col.COLUMNS_BYTES


def test_nan_and_infinity_come_through():
    x = np.ones((1, 2, 5, 5), np.float32)
    x[0, 1, 2, 2] = np.nan
    weight = np.ones((1, 2, 3, 3), np.float32)
    y = im2col.conv2d(x, weight, None, (1, 1), (0, 0))
    assert np.isnan(y).all()
    x[0, 1, 2, 2] = np.inf
    assert (im2col.conv2d(x, weight, None, (1, 1), (0, 0)) == np.inf).all()
