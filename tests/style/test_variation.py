"""Total variation against its closed forms and SciPy's numerical derivative."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from nnbasics.style.variation import total_variation


def test_flat_picture_has_none():
    value, gradient = total_variation(np.full((1, 3, 5, 4), 0.3))
    assert value == 0
    assert not gradient.any()


def test_one_bright_pixel():
    """A pixel of height a has four steps of size a, and one position where two of them meet."""
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2] = 0.5
    value, gradient = total_variation(x)
    assert value == pytest.approx(4 * 0.5**2)
    assert gradient[0, 0, 2, 2] == pytest.approx(8 * 0.5)
    value, _ = total_variation(x, power=1.25)
    assert value == pytest.approx((2 * 0.5**2) ** 1.25 + 2 * (0.5**2) ** 1.25)


@pytest.mark.parametrize("power", [1.0, 1.25, 2.0])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 4), (1, 2, 4, 1), (2, 3, 3, 5)])
def test_gradient_is_the_derivative(power, shape, rng):
    x = rng.random(shape)
    _, gradient = total_variation(x, power)
    numeric = approx_fprime(x.ravel(), lambda v: total_variation(v.reshape(shape), power)[0], 1e-7)
    np.testing.assert_allclose(gradient.ravel(), numeric, rtol=1e-5, atol=1e-5)


def test_the_inner_one_of_a_ramp():
    """Steps of a to the right and b down: (H - 1)(W - 1) positions have both, the edges have one each."""
    a, b, height, width = 0.1, 0.2, 4, 6
    x = (b * np.arange(height)[:, None] + a * np.arange(width))[None, None]
    inner = (height - 1) * (width - 1)
    value, _ = total_variation(x, 1.25, inner=True)
    assert value == pytest.approx(inner * (a**2 + b**2) ** 1.25)
    value, _ = total_variation(x, factors=(3.0, 0.5))
    assert value == pytest.approx(3 * b**2 * (height - 1) * width + 0.5 * a**2 * height * (width - 1))


@pytest.mark.parametrize("inner", [False, True])
def test_gradient_with_factors_is_the_derivative(inner, rng):
    x = rng.random((1, 2, 4, 5))
    _, gradient = total_variation(x, 1.25, (0.3, 2.0), inner)
    numeric = approx_fprime(x.ravel(), lambda v: total_variation(v.reshape(x.shape), 1.25, (0.3, 2.0), inner)[0], 1e-7)
    np.testing.assert_allclose(gradient.ravel(), numeric, rtol=1e-5, atol=1e-5)


def test_float32_stays_float32(rng):
    _, gradient = total_variation(rng.random((1, 3, 6, 7)).astype(np.float32), 1.25, (0.5, 1 / 3), inner=True)
    assert gradient.dtype == np.float32
