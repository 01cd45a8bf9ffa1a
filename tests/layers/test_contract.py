"""What every layer promises beside its numbers, tried on every case that is compared with PyTorch."""

import copy
import pickle

import numpy as np
import pytest

from nnbasics import Dropout, DropPath, Identity, MaxPool2d, Residual, Sequential, Step
from nnbasics.errors import UserError
from tests.golden.layer_cases import CASES, Case, drawn, maximum

OURS_ALONE = {
    "identity": Case(Identity, None, (2, 3, 4, 5)),
    "step": Case(Step, None, (2, 3, 4, 5)),
    "dropout": Case(lambda: Dropout(0.3, rng=1), None, (2, 3, 4, 5)),
    "drop path": Case(lambda: DropPath(0.3, rng=1), None, (6, 3, 4, 5)),
    "max 3x3 padding 2": maximum((2, 3, 6, 7), 3, 2, 2),
    "chain": Case(lambda: Sequential(MaxPool2d(2), Step(), Identity()), None, (2, 3, 4, 5)),
    "detour": Case(lambda: Residual(MaxPool2d(3, 1, 1)), None, (2, 3, 4, 5)),
}
EVERY = CASES | OURS_ALONE


@pytest.fixture(params=EVERY)
def case(request):
    """A layer with x and dy for it."""
    case = EVERY[request.param]
    if request.param in CASES:
        return drawn(case, 7)
    rng, layer = np.random.default_rng(7), case.layer()
    x = rng.standard_normal(case.shape, np.float32)
    return layer, x, rng.standard_normal(layer.output_shape(x.shape), np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_shape_are_kept(case, dtype):
    layer, x, dy = case
    y = layer.forward(x.astype(dtype))
    dx = layer.backward(dy.astype(dtype))
    assert y.dtype == dx.dtype == dtype
    assert y.shape == layer.output_shape(x.shape) and dx.shape == x.shape
    assert {key: grad.shape for key, grad in layer.grads.items()} == {k: p.shape for k, p in layer.params.items()}
    assert all(grad.dtype == dtype for grad in layer.grads.values())


def test_a_gradient_of_another_dtype_changes_nothing(case):
    layer, x, dy = case
    layer.forward(x)
    assert layer.backward(dy.astype(np.float64)).dtype == np.float32


def test_x_and_dy_are_never_written_to(case):
    layer, x, dy = case
    x.flags.writeable = dy.flags.writeable = False
    layer.forward(x)
    layer.backward(dy)


def test_backward_twice_is_the_same_twice(case):
    layer, x, dy = case
    layer.forward(x)
    first, grads = layer.backward(dy), {key: grad.copy() for key, grad in layer.grads.items()}
    kept = first.copy()
    np.testing.assert_array_equal(layer.backward(dy), kept)
    np.testing.assert_array_equal(first, kept)
    for key, grad in grads.items():
        np.testing.assert_array_equal(layer.grads[key], grad)


def test_backward_before_forward_is_refused(case):
    layer, _, dy = case
    with pytest.raises(UserError, match="backward before forward"):
        layer.backward(dy)


def test_a_gradient_of_the_wrong_shape_is_refused_with_both_shapes(case):
    layer, x, dy = case
    layer.forward(x)
    wrong = np.zeros((*dy.shape, 2), np.float32)
    with pytest.raises(UserError) as refusal:
        layer.backward(wrong)
    assert str(wrong.shape) in str(refusal.value) and str(dy.shape) in str(refusal.value)
    with pytest.raises(UserError, match="a list"):
        layer.backward([1.0, 2.0])


def test_integers_are_refused(case):
    layer, x, _ = case
    with pytest.raises(UserError, match="an array of int64; a float32 or float64 array"):
        layer.forward(np.ones(x.shape, np.int64))


def test_no_examples(case):
    layer, x, dy = case
    y = layer.forward(x[:0])
    assert y.shape == (0, *dy.shape[1:])
    assert layer.backward(dy[:0]).shape == x[:0].shape
    assert all(np.all(grad == 0) for grad in layer.grads.values())


def test_examples_do_not_see_each_other_in_use(case):
    layer, x, dy = case
    layer.eval()
    y, dx = layer.forward(x), layer.backward(dy)
    np.testing.assert_allclose(layer.forward(x[1:]), y[1:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.backward(dy[1:]), dx[1:], rtol=1e-5, atol=1e-6)


def test_frozen_gives_the_same_dx_and_no_parameter_gradients(case):
    layer, x, dy = case
    frozen = copy.deepcopy(layer).freeze()
    np.testing.assert_array_equal(frozen.forward(x), layer.forward(x))
    np.testing.assert_array_equal(frozen.backward(dy), layer.backward(dy))
    assert dict(frozen.grads) == {}


def test_nan_comes_through(case):
    layer, x, _ = case
    x[...] = np.nan
    assert np.isnan(layer.forward(x)).any()


def test_copies_and_pickles_go_their_own_way(case):
    layer, x, dy = case
    layer.forward(x)
    other = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    other.forward(x * 2)
    twin = layer.sharing()
    with pytest.raises(UserError, match="backward before forward"):
        twin.backward(dy)
    assert all(twin.params[key] is layer.params[key] for key in layer.params)
    layer.backward(dy)


def test_forget_gives_the_memory_back(case):
    layer, x, dy = case
    layer.forward(x)
    layer.forget()
    assert layer.branches() == []
    with pytest.raises(UserError, match="backward before forward"):
        layer.backward(dy)
