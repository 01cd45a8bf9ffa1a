"""Direct convolution, a picture a lane, against its slow twin and float64: any batch, window and memory order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import direct, im2col, reference
from nnbasics.kernels.machine import LANES
from tests.kernels.strategies import ORDERS, array, close, out_sizes, windows


def fast(x, weight, bias, dy, stride, padding):
    y = direct.conv2d(x, weight, bias, stride, padding)
    dx = direct.conv2d_dx(dy, weight, x.shape, stride, padding)
    return y, dx, *direct.conv2d_dparams(dy, x, weight.shape[2:], stride, padding)


def right(kernels, x, weight, bias, dy, stride, padding):
    y = kernels.conv2d(x, weight, bias, stride, padding)
    dx = kernels.conv2d_dx(dy, weight, x.shape, stride, padding)
    return y, dx, *kernels.conv2d_dparams(dy, x, weight.shape[2:], stride, padding)


@settings(max_examples=100, deadline=None)
@given(windows(), st.integers(0, 3), st.integers(1, 20), ORDERS, st.booleans(), st.integers(0, 2**32))
def test_equals_its_twin(window, pictures, k, order, with_bias, seed):
    (_, c, *sizes), kernel, stride, padding = window
    shape = (pictures * LANES // 2 + seed % 3, c, *sizes)
    x = array(seed, shape, np.float32, order)
    weight = array(seed + 1, (k, c, *kernel), np.float32, order)
    bias = np.arange(k, dtype=np.float32) if with_bias else None
    dy = array(seed + 2, (shape[0], k, *out_sizes(shape, kernel, stride, padding)), np.float32, order[::-1])
    case = x, weight, bias, dy, stride, padding
    for found, twin in zip(fast(*case), right(im2col, *case), strict=True):
        close(found, twin)


def case(rng, n=2 * LANES, c=3, size=(12, 11), k=5, kernel=(5, 5), stride=(1, 1), padding=(2, 2)):
    shape = (n, c, *size)
    x = rng.standard_normal(shape).astype(np.float32)
    weight = rng.standard_normal((k, c, *kernel)).astype(np.float32)
    dy = rng.standard_normal((n, k, *out_sizes(shape, kernel, stride, padding))).astype(np.float32)
    return x, weight, rng.standard_normal(k).astype(np.float32), dy, stride, padding


CASES = {
    "LeNet's first": {"c": 1, "size": (28, 28), "k": 6},
    "LeNet's second": {"c": 6, "size": (14, 14), "k": 16, "padding": (0, 0)},
    "twelve maps": {"c": 6, "size": (12, 12), "k": 12, "padding": (0, 0)},
    "every third pixel, of an odd batch": {"n": LANES + 3, "stride": (3, 2), "kernel": (3, 4), "padding": (1, 2)},
    "steps longer than the filter": {"stride": (4, 3), "kernel": (1, 2), "padding": (0, 0)},
    "more padding than filter": {"kernel": (2, 3), "padding": (4, 3)},
    "one pixel": {"n": 1, "size": (1, 1), "kernel": (1, 1), "padding": (0, 0)},
    "nobody": {"n": 0},
    "bands, many filters": {"c": 40, "size": (30, 33), "k": 70, "kernel": (3, 3)},
    "more groups than partial sums": {"n": (direct.RUNS + 3) * LANES, "size": (3, 3), "kernel": (3, 3)},
}


@pytest.mark.parametrize("name", CASES)
def test_precision(name, rng):
    """Relative to the sums without their signs."""
    *arrays, stride, padding = case(rng, **CASES[name])
    exact = right(im2col, *(a.astype(float) for a in arrays), stride, padding)
    sizes = right(im2col, *(np.abs(a).astype(float) for a in arrays), stride, padding)
    for found, wanted, size in zip(fast(*arrays, stride, padding), exact, sizes, strict=True):
        assert found.shape == wanted.shape and found.dtype == np.float32
        assert np.linalg.norm(found - wanted) <= 5e-7 * np.linalg.norm(size)


def test_memory_order_changes_no_bit_and_nothing_is_written_to(rng):
    x, weight, bias, dy, *window = case(rng, n=LANES + 2, stride=(2, 1))
    plain = fast(x, weight, bias, dy, *window)
    for axes in ((0, 2, 3, 1), (1, 2, 3, 0), (3, 2, 1, 0)):
        other = [np.ascontiguousarray(a.transpose(axes)).transpose(np.argsort(axes)) for a in (x, weight, dy)]
        for a in other:
            a.flags.writeable = False
        for found, wanted in zip(fast(other[0], other[1], bias, other[2], *window), plain, strict=True):
            np.testing.assert_array_equal(found, wanted)
    wide = np.full((LANES + 5, 5, 14, 15), np.nan, np.float32)
    wide[2:-1, 1:4, 1:-1, 2:-2] = x
    for found, wanted in zip(fast(wide[2:-1, 1:4, 1:-1, 2:-2], weight, bias, dy, *window), plain, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_number_of_threads_changes_no_bit(rng, use_threads):
    given_ = case(rng, n=3 * LANES + 1, size=(16, 9))
    found = []
    for n in (1, 2, 7):
        use_threads(n)
        found.append(fast(*given_))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "dy", "weight", "the last picture"])
def test_nan_and_infinity_go_where_a_sum_of_products_takes_them(strange, where, rng):
    x, weight, bias, dy, *window = case(rng, n=LANES + 1, c=2, size=(6, 7), k=3, kernel=(3, 3), padding=(1, 1))
    target = {"x": x[1], "dy": dy[2], "weight": weight[1], "the last picture": x[-1]}[where]
    target[1, 2, 0] = strange
    given_ = x, weight, bias, dy, *window
    with np.errstate(invalid="ignore"):
        found, wanted = fast(*given_), right(reference, *given_)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_array_equal(np.isposinf(a), np.isposinf(b))
        np.testing.assert_allclose(a[np.isfinite(a)], b[np.isfinite(b)], rtol=1e-4, atol=1e-4)


def test_what_it_gives_lies_batch_last(rng):
    x, weight, bias, dy, *window = case(rng)
    y, dx, *_ = fast(x, weight, bias, dy, *window)
    assert y.strides[0] == dx.strides[0] == 4
