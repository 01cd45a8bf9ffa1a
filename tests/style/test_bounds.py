"""The price of values that a picture file cannot hold."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from nnbasics.style.bounds import outside


def test_inside_is_free():
    value, gradient = outside(np.linspace(0, 1, 12).reshape(1, 3, 2, 2))
    assert value == 0 and not gradient.any()


def test_outside_costs_the_square_of_the_way():
    value, gradient = outside(np.array([-0.5, 0.5, 1.25]))
    assert value == pytest.approx(0.25 + 0.0625)
    np.testing.assert_allclose(gradient, [-1, 0, 0.5])


def test_gradient_is_the_derivative(rng):
    x = rng.normal(0.5, 1, 40)
    assert check_grad(lambda v: outside(v)[0], lambda v: outside(v)[1], x) < 1e-5
