"""Pooling kernels against their slow twins, for any shape, window, dtype and memory order, ties and NaN included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import pooling, reference
from tests.kernels.strategies import DTYPES, ORDERS, array, close, out_sizes, windows

SEEDS = st.integers(0, 2**32)


def drawn(window, dtype, order, seed, ceil):
    """x, dy, the window and the output sizes; with `ceil` one window more where it still touches x."""
    shape, *window = window
    out = out_sizes(shape, *window)
    if ceil:
        _, stride, padding = window
        fits = zip(out, stride, padding, shape[2:], strict=True)
        out = tuple(o + 1 if o * t - p < s else o for o, t, p, s in fits)
    x = array(seed, shape, dtype, order)
    return x, array(seed + 1, (*shape[:2], *out), dtype, order[::-1]), window, out


@settings(max_examples=150)
@given(windows(pooling=True), DTYPES, ORDERS, SEEDS, st.booleans(), st.booleans())
def test_max_equals_its_twin(window, dtype, order, seed, ceil, with_nan):
    x, dy, window, out = drawn(window, dtype, order, seed, ceil)
    if with_nan:
        x[np.random.default_rng(seed).random(x.shape) < 0.2] = np.nan
        x[x == 3] = -np.inf
    y, argmax = pooling.max_pool2d(x, *window, out)
    twin_y, twin_argmax = reference.max_pool2d(x, *window, out)
    np.testing.assert_array_equal(y, twin_y)
    np.testing.assert_array_equal(argmax, twin_argmax)
    dx = pooling.max_pool2d_dx(dy, argmax, x.shape, *window)
    close(dx, reference.max_pool2d_dx(dy, argmax, x.shape, *window))


@settings(max_examples=150)
@given(windows(pooling=True), DTYPES, ORDERS, SEEDS, st.booleans(), st.booleans())
def test_average_equals_its_twin(window, dtype, order, seed, ceil, count):
    x, dy, window, out = drawn(window, dtype, order, seed, ceil)
    close(pooling.avg_pool2d(x, *window, count, out), reference.avg_pool2d(x, *window, count, out))
    dx = pooling.avg_pool2d_dx(dy, x.shape, *window, count)
    close(dx, reference.avg_pool2d_dx(dy, x.shape, *window, count))


@settings(max_examples=150)
@given(windows(pooling=True), DTYPES, ORDERS, SEEDS, st.booleans(), st.sampled_from([1.0, 2.0, 3.0, 2.5]))
def test_p_norm_equals_its_twin(window, dtype, order, seed, ceil, p):
    x, dy, window, out = drawn(window, dtype, order, seed, ceil)
    y = pooling.lp_pool2d(x, p, *window, out)
    close(y, reference.lp_pool2d(x, p, *window, out))
    close(pooling.lp_pool2d_dx(dy, x, y, p, *window), reference.lp_pool2d_dx(dy, x, y, p, *window))


@pytest.mark.parametrize("kernels", [pooling, reference])
def test_p_norm_of_huge_and_tiny_values(kernels):
    window = (2, 2), (2, 2), (0, 0)
    for size in (1e-30, 1e30):
        x = np.full((1, 1, 2, 2), size, np.float32)
        y = kernels.lp_pool2d(x, 2.0, *window, (1, 1))
        np.testing.assert_allclose(y, 2 * size, rtol=1e-6)
        dx = kernels.lp_pool2d_dx(np.ones_like(y), x, y, 2.0, *window)
        np.testing.assert_allclose(dx, 0.5, rtol=1e-6)


@pytest.mark.parametrize("kernels", [pooling, reference])
def test_p_norm_lets_nan_and_infinity_through(kernels):
    x = np.array([[[[1, np.nan], [np.inf, 2]], [[1, 2], [-np.inf, 0]]]])
    y = kernels.lp_pool2d(x, 2.0, (2, 2), (2, 2), (0, 0), (1, 1))
    assert np.isnan(y[0, 0, 0, 0]) and y[0, 1, 0, 0] == np.inf


@pytest.mark.parametrize("kernels", [pooling, reference])
def test_windows_of_more_than_256_places(kernels):
    x = np.zeros((1, 1, 20, 20))
    x[0, 0, 19, 18] = 1
    y, argmax = kernels.max_pool2d(x, (20, 20), (1, 1), (0, 0), (1, 1))
    assert y.item() == 1 and argmax.item() == 19 * 20 + 18
