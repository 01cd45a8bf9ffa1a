"""Total variation against its closed forms and SciPy's numerical derivative."""

import itertools

import numpy as np
import pytest
from scipy.fft import dctn, idctn
from scipy.optimize import approx_fprime

from nnbasics import Conv2d, Sequential
from nnbasics.style import Objective, Settings
from nnbasics.style.variation import total_variation
from nnbasics.style.walk import Walk


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


@pytest.mark.parametrize("tv_weight", [0.3, 30.0])
def test_a_walk_ends_in_the_smoothed_picture_of_the_closed_form(tv_weight, rng):
    """1/2 |x - c|^2 + w TV(x) is least where every coefficient of the cosine transform is c_k / (1 + 2 w l_k).

    l_k = (2 - 2 cos(pi i / H)) + (2 - 2 cos(pi j / W)), the eigenvalues of the differences with free edges: what is
    wrong at an edge or in a corner would be seen.
    """
    identity = Conv2d(3, 3, 1, rng="zeros")
    identity.params["weight"][:] = np.eye(3, dtype=np.float32)[:, :, None, None]
    net = Sequential({"same": identity})
    c = rng.random((1, 3, 12, 17), np.float32)
    objective = Objective(
        net,
        c,
        c,
        content_weight=1,
        style_weight=0,
        content_layers={"same": 1},
        style_layers={},
        tv_weight=tv_weight,
    )
    walk = Walk(objective, c, Settings(optimizer="lbfgs", history=20), 0.0)
    *_, last = itertools.islice(walk, 80)
    rows, columns = (2 - 2 * np.cos(np.pi * np.arange(side) / side) for side in c.shape[2:])
    smoothed = dctn(c, axes=(2, 3), norm="ortho") / (1 + 2 * tv_weight * (rows[:, None] + columns))
    np.testing.assert_allclose(walk.picture(last), idctn(smoothed, axes=(2, 3), norm="ortho"), atol=1e-3)
