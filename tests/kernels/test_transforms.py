"""Winograd's matrices, derived from their points, and the straight-line functions that apply them."""

from fractions import Fraction

import numpy as np
import pytest

from nnbasics.kernels import transforms
from nnbasics.kernels.transforms import (
    filter_gradient_transform,
    filter_transform,
    in_two_dimensions,
    input_transform,
    output_gradient_transform,
    output_transform,
)

A_T, G, B_T = (np.array(matrix, float) for matrix in transforms.matrices())


@pytest.mark.parametrize("points", [transforms.POINTS, tuple(map(Fraction, (0, 1, -1, 2, -2)))])
def test_the_matrices_make_a_convolution_exactly(points):
    a_t, g, b_t = (np.array(matrix, object) for matrix in transforms.matrices(points))
    filter_, inputs = np.array([Fraction(2, 7), -3, 5], object), np.array([1, Fraction(-1, 3), 4, 0, 11, -6], object)
    outputs = a_t @ ((g @ filter_) * (b_t @ inputs))
    assert list(outputs) == [sum(filter_ * inputs[i : i + 3]) for i in range(4)]


def test_the_textbooks_matrices_at_the_textbooks_points():
    """Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015, section 4.2."""
    _, g, b_t = (np.array(m, float) for m in transforms.matrices(tuple(map(Fraction, (0, 1, -1, 2, -2)))))
    np.testing.assert_array_equal(b_t[0], [4, 0, -5, 0, 1, 0])
    np.testing.assert_array_equal(b_t[5], [0, 4, 0, -5, 0, 1])
    np.testing.assert_allclose(
        g, np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
    )


@pytest.mark.parametrize(
    ("transform", "matrix"),
    [
        (input_transform, B_T),
        (filter_transform, G),
        (output_transform, A_T),
        (output_gradient_transform, A_T.T),
        (filter_gradient_transform, G.T),
    ],
)
def test_the_functions_are_the_matrices(transform, matrix, rng):
    x = rng.standard_normal((matrix.shape[1], 5))
    np.testing.assert_allclose(transform(list(x)), matrix @ x, rtol=1e-13, atol=1e-13)
    square = rng.standard_normal((matrix.shape[1], matrix.shape[1]))
    np.testing.assert_allclose(in_two_dimensions(transform, square), matrix @ square @ matrix.T, rtol=1e-12, atol=1e-12)
