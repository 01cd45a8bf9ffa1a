"""Products of matrices against float64, for any shape and strides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels.product import product

SIZES = st.integers(1, 70)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 70), SIZES, st.integers(0, 70), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_any_shape_and_order(rows, depth, columns, turn_a, turn_b, seed):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((depth, rows) if turn_a else (rows, depth)).astype(np.float32)
    b = rng.standard_normal((columns, depth) if turn_b else (depth, columns)).astype(np.float32)
    a, b = a.T if turn_a else a, b.T if turn_b else b
    c = product(a, b)
    assert c.dtype == np.float32 and c.flags.c_contiguous
    size = np.abs(a).astype(float) @ np.abs(b)
    assert (np.abs(c - a.astype(float) @ b) <= 1e-6 * size).all()


def test_strides_and_threads_change_no_bit(rng, use_threads):
    a, b = rng.standard_normal((150, 300)).astype(np.float32), rng.standard_normal((300, 90)).astype(np.float32)
    right = product(a, b)
    strided = np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3]
    strided.flags.writeable = False
    for n in (1, 2, 5):
        use_threads(n)
        np.testing.assert_array_equal(product(strided, np.asfortranarray(b)[:, ::-1][:, ::-1]), right)


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_row(strange, rng):
    a, b = rng.standard_normal((40, 50)).astype(np.float32), rng.random((50, 60), np.float32)
    a[7, 49] = strange
    c = product(a, b)
    assert not np.isfinite(c[7]).any() and np.isfinite(np.delete(c, 7, axis=0)).all()
