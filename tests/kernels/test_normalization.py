"""Batch normalisation's sums and lines against their slow twins, in any memory order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import normalization, reference
from tests.kernels.strategies import DTYPES, ORDERS

ONE_ORDER = {"channels-last": (0, 2, 3, 1), "batch-last": (1, 2, 3, 0), "as it is written": (0, 1, 2, 3)}


def maps(seed, shape, dtype, order, mean=0.0):
    values = np.random.default_rng(seed).standard_normal([shape[axis] for axis in order]) + mean
    return values.astype(dtype).transpose(np.argsort(order))


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 20)] * 4), DTYPES, ORDERS, ORDERS, st.integers(0, 2**32))
def test_equals_its_twin(shape, dtype, order, dy_order, seed):
    x, dy = maps(seed, shape, dtype, order, mean=3), maps(seed + 1, shape, dtype, dy_order)
    numbers = np.random.default_rng(seed + 2).random((4, shape[1]))
    close = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    sizes = x.size / shape[1]
    for found, right in zip(normalization.moments(x), reference.moments(x), strict=True):
        np.testing.assert_allclose(found, right, **close)
    for found, right in zip(normalization.sums(dy, x, *numbers[:2]), reference.sums(dy, x, *numbers[:2]), strict=True):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found / sizes, right / sizes, **close)
    for found, right in (
        (normalization.line(x, *numbers[:3]), reference.line(x, *numbers[:3])),
        (normalization.plane(dy, x, *numbers), reference.plane(dy, x, *numbers)),
    ):
        assert found.dtype == dtype and found.shape == shape
        np.testing.assert_allclose(found, right, **close)


@pytest.mark.parametrize("order", ONE_ORDER)
def test_many_values_far_from_zero(order):
    """A mean of 1000 with a spread of 1, where the difference of two large sums would have no digits left."""
    x = maps(0, (64, 5, 24, 24), np.float32, ONE_ORDER[order], mean=1000)
    exact = x.astype(float)
    mean, var = normalization.moments(x)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("order", ONE_ORDER)
def test_the_number_of_threads_changes_no_bit_and_the_order_stays(order, use_threads):
    axes = ONE_ORDER[order]
    x, dy = maps(0, (33, 12, 17, 19), np.float32, axes), maps(1, (33, 12, 17, 19), np.float32, axes)
    x.flags.writeable = False
    numbers = np.random.default_rng(2).random((4, 12))
    found = []
    for n in (1, 2, 5):
        use_threads(n)
        found.append([normalization.moments(x), normalization.sums(dy, x, *numbers[:2])])
        found[-1] += [normalization.line(x, *numbers[:3]), normalization.plane(dy, x, *numbers)]
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert all(y.transpose(axes).flags.c_contiguous for y in found[0][2:])


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_channel(strange):
    x = maps(0, (4, 3, 5, 5), np.float32, (0, 2, 3, 1))
    x[2, 1, 3, 3] = strange
    with np.errstate(invalid="ignore"):
        mean, var = normalization.moments(x)
    assert not np.isfinite(mean[1]) and np.isnan(var[1])
    assert np.isfinite(mean[[0, 2]]).all() and np.isfinite(var[[0, 2]]).all()
