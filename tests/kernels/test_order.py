"""Maps copied into another memory order, against NumPy, number by number."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels.machine import LANES
from nnbasics.kernels.order import as_map, as_maps, contiguous
from tests.kernels.strategies import DTYPES, ORDERS

SIZES = st.tuples(*[st.integers(0, 2 * LANES + 3)] * 2, *[st.integers(0, 4)] * 2)


def maps(shape, order, dtype=np.float32):
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    return np.array(values.transpose(order), order="C").transpose(np.argsort(order))


@settings(max_examples=100, deadline=None)
@given(SIZES, ORDERS, ORDERS, ORDERS, DTYPES)
def test_any_order_into_any(sizes, place, order, axes, dtype):
    x = maps([sizes[i] for i in place], order, dtype)
    found = contiguous(x, tuple(axes))
    assert found.flags.c_contiguous and found.flags.writeable and found.dtype == dtype
    np.testing.assert_array_equal(found, x.transpose(axes))


@pytest.mark.parametrize("axes", list(permutations(range(4))))
def test_a_copy_is_made_only_where_one_is_needed(axes):
    x = maps((3, 20, 2, 5), axes)
    assert contiguous(x, axes).base is not None and np.shares_memory(contiguous(x, axes), x)
    x.flags.writeable = False
    found = contiguous(x, axes)
    assert not np.shares_memory(found, x)
    np.testing.assert_array_equal(found, x.transpose(axes))


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[:, 1:-1], np.s_[..., ::-1], np.s_[:, :, 1:, 2:]])
def test_views_of_larger_arrays(view):
    x = maps((40, 37, 5, 6), (1, 2, 3, 0))[view]
    np.testing.assert_array_equal(contiguous(x, (0, 2, 3, 1)), x.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("channels", [1, LANES - 1, LANES, 2 * LANES + 1])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (1, 2, 3, 0)])
def test_a_map_and_back(channels, order):
    x = maps((18, channels, 3, 4), order)
    pixels = as_map(x)
    assert pixels.flags.c_contiguous and pixels.shape[3] % LANES == 0
    assert not pixels[..., channels:].any()
    np.testing.assert_array_equal(as_maps(pixels, channels), x)
