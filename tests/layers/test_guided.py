"""Gram matrices of regions, against the definition written out and against the plain Gram matrix."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.errors import UserError
from nnbasics.layers.guided import Guides


def net_of(rng, width=64):
    return Sequential(
        {
            "conv1": Conv2d(3, width, 3, padding=1, rng=rng),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(width, 2 * width, 3, padding=1, rng=rng),
            "relu2": ReLU(),
        }
    ).freeze()


def channels_of(rng, height, width):
    """A region of its own, a soft one that overlaps it, and everything."""
    half = np.zeros((height, width))
    half[:, : width // 2] = 1
    return np.stack([half, rng.random((height, width)), np.ones((height, width))])


@pytest.mark.parametrize("width", [5, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gram_matrices_are_those_of_the_weighted_features(width, dtype, rng):
    net = net_of(rng, width)
    x = rng.random((1, 3, 12, 18)).astype(dtype)
    guides = {"relu1": channels_of(rng, 12, 18), "relu2": channels_of(rng, 6, 9)}
    plan = net.plan(x.shape, ["relu2"], ["relu1", "relu2"], dtype, guides)
    outputs = plan.forward(x)
    assert list(outputs.features) == ["relu2"]
    exact = net.activations(x.astype(float), list(guides))
    for name, channels in guides.items():
        weighted = [exact[name][0] * t for t in channels]
        right = np.stack([np.einsum("ihw,jhw->ij", f, f) for f in weighted])
        np.testing.assert_allclose(outputs.guided[name], right, rtol=1e-5, atol=1e-5 * right.max())
        np.testing.assert_allclose(outputs.grams[name], right[2], rtol=1e-5, atol=1e-5 * right.max())
        assert outputs.guided[name].dtype == dtype


def test_the_gradient_is_the_derivative(rng):
    net = net_of(rng, 4)
    guides = {"relu1": channels_of(rng, 6, 8), "relu2": channels_of(rng, 3, 4)}
    wanted = {name: rng.standard_normal((3, c, c)) for name, c in (("relu1", 4), ("relu2", 8))}
    plan = net.plan((1, 3, 6, 8), ["relu2"], ["relu1"], "float64", guides)
    d_features, d_gram = rng.standard_normal((1, 8, 3, 4)), rng.standard_normal((4, 4))

    def value(flat):
        outputs = plan.forward(flat.reshape(1, 3, 6, 8))
        total = np.vdot(outputs.features["relu2"], d_features) + np.vdot(outputs.grams["relu1"], d_gram)
        return total + sum(np.vdot(outputs.guided[name], d) for name, d in wanted.items())

    def slope(flat):
        value(flat)
        return plan.backward({"relu2": d_features}, {"relu1": d_gram}, wanted).ravel()

    assert check_grad(value, slope, rng.random(144), epsilon=1e-6) < 1e-3


def test_float32_goes_back_as_float64_does(rng):
    net = net_of(rng)
    x = rng.random((1, 3, 12, 18))
    guides = {"relu1": channels_of(rng, 12, 18), "relu2": channels_of(rng, 6, 9)}
    wanted = {name: rng.standard_normal((3, c, c)) for name, c in (("relu1", 64), ("relu2", 128))}
    found = {}
    for dtype in ("float32", "float64"):
        plan = net.plan(x.shape, [], ["relu2"], dtype, guides)
        plan.forward(x.astype(dtype))
        d_grams = {name: d.astype(dtype) for name, d in wanted.items()}
        found[dtype] = plan.backward({}, {"relu2": d_grams["relu2"][0]}, d_grams)
    assert found["float32"].dtype == np.float32
    error = np.linalg.norm(found["float32"] - found["float64"]) / np.linalg.norm(found["float64"])
    assert error < 1e-5


def test_an_empty_region_has_no_gram_matrix_and_no_gradient(rng):
    guides = Guides(np.zeros((1, 4, 5)), (1, 64, 4, 5), "float32")
    features = rng.random((1, 64, 4, 5)).astype(np.float32)
    assert not guides.grams(features).any()
    assert not guides.backward(features, np.ones((1, 64, 64), np.float32)).any()


def test_channels_of_another_size_are_refused(rng):
    with pytest.raises(UserError, match=r"\(1, 5, 4\).*\(1, 64, 4, 5\)"):
        Guides(np.ones((1, 5, 4)), (1, 64, 4, 5), "float32")
