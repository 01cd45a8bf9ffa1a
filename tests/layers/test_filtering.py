"""Convolution by definition, against SciPy, the definition's sums, and the layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics import Conv2d
from nnbasics.errors import UserError
from nnbasics.layers.filtering import convolve, correlate

SIZE = st.integers(1, 6)


@settings(max_examples=40)
@given(shape=st.tuples(SIZE, SIZE), kernel=st.tuples(SIZE, SIZE), seed=st.integers(0, 999))
def test_two_dimensions_against_scipy(shape, kernel, seed):
    from scipy.signal import convolve2d, correlate2d

    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal(shape), rng.standard_normal(kernel)
    np.testing.assert_allclose(convolve(x, w), convolve2d(x, w), atol=1e-12)
    np.testing.assert_allclose(correlate(x, w, "full"), correlate2d(x, w), atol=1e-12)
    if all(np.less_equal(kernel, shape)):
        np.testing.assert_allclose(convolve(x, w, "valid"), convolve2d(x, w, "valid"), atol=1e-12)
        np.testing.assert_allclose(correlate(x, w), correlate2d(x, w, "valid"), atol=1e-12)


@pytest.mark.parametrize(("length", "width"), [(7, 3), (3, 3), (2, 5), (1, 1)])
def test_one_dimension_against_numpy_and_the_sum(rng, length, width):
    x, w = rng.standard_normal(length), rng.standard_normal(width)
    np.testing.assert_allclose(convolve(x, w), np.convolve(x, w), atol=1e-12)
    sums = [sum(x[a] * w[t - a] for a in range(length) if 0 <= t - a < width) for t in range(length + width - 1)]
    np.testing.assert_allclose(convolve(x, w), sums, atol=1e-12)
    np.testing.assert_allclose(convolve(x, w), convolve(w, x), atol=1e-12)


def test_the_flip_shows_on_one_bright_point():
    """A convolution answers a point with the kernel, a correlation with the kernel flipped."""
    point, w = np.zeros((5, 5)), np.arange(9.0).reshape(3, 3)
    point[2, 2] = 1
    np.testing.assert_array_equal(convolve(point, w, "valid"), w)
    np.testing.assert_array_equal(correlate(point, w), w[::-1, ::-1])


def test_the_layer_correlates_forward_and_convolves_backward(rng):
    x, w = rng.standard_normal((6, 7)), rng.standard_normal((3, 2))
    layer = Conv2d(1, 1, (3, 2), bias=False)
    layer.params["weight"] = w[None, None]
    y = layer.forward(x[None, None])
    np.testing.assert_allclose(y[0, 0], correlate(x, w), atol=1e-12)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(layer.backward(dy)[0, 0], convolve(dy[0, 0], w), atol=1e-12)
    np.testing.assert_allclose(layer.grads["weight"][0, 0], correlate(x, dy[0, 0]), atol=1e-12)


def test_types():
    assert convolve(np.ones(3, np.float32), np.ones(2, np.float32)).dtype == np.float32
    np.testing.assert_array_equal(convolve([1, 2], [1, 1]), [1, 3, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), np.ones((2, 2))), r"x of shape \(3,\) and a kernel of \(2, 2\)"),
        ((np.ones((2, 2, 2)), np.ones((2, 2, 2))), "both with one axis, or with two"),
        ((np.ones(0), np.ones(2)), "both with one axis"),
        ((np.ones(2), np.ones(3), "valid"), "does not fit into x"),
        ((np.ones(2), np.ones(3), "same"), "no mode is called 'same'"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        convolve(*arguments)
