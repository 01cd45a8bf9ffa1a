"""The scales that normalising took from a network: found again where training leaves them to be found."""

import itertools

import numpy as np
import pytest

from nnbasics import weights
from nnbasics.models import vgg19
from nnbasics.weights.original import LAST, MEANS, filter_scales, original


@pytest.fixture(scope="module")
def normalised():
    return weights.load()


def balanced(rng, widths=(3, 8, 12, 9, 16)):
    """A chain of convolutions in which what goes into a filter is what comes out of it."""
    found = {}
    for i, (n, m) in enumerate(itertools.pairwise(widths), 1):
        weight, bias = rng.standard_normal((m, n, 3, 3)), 0.3 * rng.standard_normal(m)
        if i > 1:
            going_in = np.sqrt((found[f"conv{i - 1}.weight"] ** 2).sum((1, 2, 3)) + found[f"conv{i - 1}.bias"] ** 2)
            weight *= (going_in / np.sqrt((weight**2).sum((0, 2, 3))))[None, :, None, None]
        found |= {f"conv{i}.weight": weight, f"conv{i}.bias": bias}
    return found


def test_scales_that_were_taken_from_a_balanced_network_are_found_again(rng):
    theirs, before, taken = balanced(rng), 1.0, {}
    ours = {}
    for i in range(1, 5):
        name = f"conv{i}"
        m = taken[name] = np.exp(rng.uniform(-2, 3, len(theirs[f"{name}.bias"])))
        ours[f"{name}.weight"] = theirs[f"{name}.weight"] / m[:, None, None, None] * np.reshape(before, (1, -1, 1, 1))
        ours[f"{name}.bias"] = theirs[f"{name}.bias"] / m
        before = m
    # The last layer has none behind it: its filters are taken as equal, and the others' must not suffer much.
    taken["conv4"][:] = 2.0
    ours["conv4.weight"] = theirs["conv4.weight"] / 2.0 * taken["conv3"][None, :, None, None]
    ours["conv4.bias"] = theirs["conv4.bias"] / 2.0
    found = filter_scales(ours, {"conv4": 2.0})
    for name in ("conv1", "conv2", "conv3"):
        np.testing.assert_allclose(found[name], taken[name], rtol=1e-6)


def test_the_network_computes_the_same_scaled(normalised, rng):
    scales, theirs = filter_scales(normalised), original(normalised)
    x = rng.random((1, 3, 32, 48), np.float32)
    names = ["relu1_1", "relu2_2", "relu4_1", "relu5_2"]
    small, large = vgg19(normalised).activations(x, names), vgg19(theirs).activations(x, names)
    for name in names:
        m = scales[name.replace("relu", "conv")].astype(np.float32)[:, None, None]
        np.testing.assert_allclose(large[name], small[name] * m, rtol=1e-3, atol=1e-4 * large[name].max())


def test_the_known_means_are_kept_and_the_weights_given_are_not_written_to(normalised):
    before = {name: array.copy() for name, array in normalised.items()}
    scales = filter_scales(normalised)
    for name, mean in {**MEANS, **LAST}.items():
        assert scales[name].mean() == pytest.approx(mean)
    theirs = original(normalised)
    assert theirs.name == normalised.name and theirs.sha256 == normalised.sha256
    for name, array in before.items():
        np.testing.assert_array_equal(normalised[name], array)
        assert theirs[name].dtype == np.float32
