"""ReLU's kernels against their slow twins, for any shape, dtype and memory order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import elementwise, reference
from tests.kernels.strategies import DTYPES, ORDERS, array, close

SHAPES = st.tuples(*[st.integers(0, 4)] * 4)


@settings(max_examples=100)
@given(SHAPES, DTYPES, ORDERS, ORDERS, st.integers(0, 2**32), st.sampled_from([1, -1, 2]))
def test_relu_equals_its_twin(shape, dtype, order, dy_order, seed, step):
    x = array(seed, shape, dtype, order)[:, ::step]
    x[x == 3] = np.nan
    x[x == -2] = -np.inf
    dy = array(seed + 1, x.shape, dtype, dy_order)
    dy[dy == 1] = np.inf
    y, stopped = elementwise.relu(x)
    twin_y, twin_stopped = reference.relu(x)
    np.testing.assert_array_equal(y, twin_y)
    np.testing.assert_array_equal(stopped, twin_stopped)
    assert not np.signbit(y).any(where=y == 0), "no -0"
    close(elementwise.relu_dx(dy, stopped), reference.relu_dx(dy, stopped))


def test_a_view_that_repeats_its_memory():
    x = np.broadcast_to(np.float32([[1], [-1]]), (2, 3))
    y, stopped = elementwise.relu(x)
    np.testing.assert_array_equal(y, [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(elementwise.relu_dx(np.broadcast_to(np.float32(5), (2, 3)), stopped), 5 * y)


@settings(max_examples=30, deadline=None)
@given(SHAPES, DTYPES, st.lists(ORDERS, min_size=1, max_size=3), st.integers(0, 2**32))
def test_a_total_of_maps_in_any_orders(shape, dtype, orders, seed):
    maps = [array(seed + i, shape, dtype, order) for i, order in enumerate(orders)]
    np.testing.assert_array_equal(elementwise.total(maps), reference.total(maps))
