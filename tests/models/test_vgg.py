"""VGG: the paper's counts, the names, the shipped weights against PyTorch, and weights that are not VGG's."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nnbasics import Conv2d, MaxPool2d, Sequential
from nnbasics.data.picture import read, resize
from nnbasics.errors import UserError, WeightsError
from nnbasics.models import vgg, vgg19
from nnbasics.weights import load
from tests.golden.vgg_case import TAPS, summary, upstream

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "vgg19.npz")
NAMES = """conv1_1 relu1_1 conv1_2 relu1_2 pool1
conv2_1 relu2_1 conv2_2 relu2_2 pool2
conv3_1 relu3_1 conv3_2 relu3_2 conv3_3 relu3_3 conv3_4 relu3_4 pool3
conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 conv4_4 relu4_4 pool4
conv5_1 relu5_1 conv5_2 relu5_2 conv5_3 relu5_3 conv5_4 relu5_4 pool5""".split()
TOP = "flatten fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob".split()


@cache
def shipped(pooling):
    return vgg19(pooling=pooling)


@cache
def arrays(top=False):
    """Weights that fit, of zeros."""
    return dict(vgg("E", top=top, rng="zeros").params)


@pytest.mark.parametrize(
    ("configuration", "layers", "millions"),
    [("A", 11, 133), ("A-LRN", 11, 133), ("B", 13, 133), ("C", 16, 134), ("D", 16, 138), ("E", 19, 144)],
)
def test_the_papers_counts(configuration, layers, millions):
    net = vgg(configuration, rng="zeros")
    assert sum("weight" in layer.params for layer in net.layers.values()) == layers
    assert round(net.num_parameters() / 1e6) == millions


def test_multiply_adds():
    assert round(vgg("E", rng="zeros").multiply_adds((1, 3, 224, 224)) / 1e9, 1) == 19.6


def test_names_and_sizes():
    net = vgg("E", rng="zeros")
    assert list(net.layers) == NAMES + TOP
    shape, seen = (2, 3, 224, 224), {}
    for name, layer in net.layers.items():
        shape = seen[name] = layer.output_shape(shape)
    assert [seen[f"pool{i}"][1:] for i in range(1, 6)] == [
        (64, 112, 112),
        (128, 56, 56),
        (256, 28, 28),
        (512, 14, 14),
        (512, 7, 7),
    ]
    assert seen["flatten"] == (2, 25088) and seen["prob"] == (2, 1000)
    assert [name for name in vgg("A-LRN", rng="zeros").layers][:3] == ["conv1_1", "relu1_1", "norm1"]
    c = vgg("C", rng="zeros")
    assert c["conv3_3"].kernel_size == (1, 1) and c.output_shape((1, 3, 224, 224)) == (1, 1000)
    assert c["conv3_3"].output_shape((1, 256, 56, 56)) == (1, 256, 56, 56)


def test_it_can_be_trained_from_random_weights(rng):
    net = vgg("A", top=False, rng=0)
    x = rng.standard_normal((1, 3, 32, 32), np.float32)
    y = net.forward(x)
    assert y.shape == (1, 512, 1, 1) and 0.1 < y.std() < 10
    net.backward(y)
    assert all(np.abs(grad).max() > 0 for grad in net.grads.values()) and len(net.grads) == 16


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_features_and_gradient_equal_pytorchs(pooling, dtype, tolerance):
    net = shipped(pooling)
    assert list(net.layers) == ["preprocess", *NAMES]
    found = net.activations(GOLDEN["x"].astype(dtype), net.layers)
    for name, y in found.items():
        theirs = GOLDEN[f"{pooling}/{name}"]
        np.testing.assert_allclose(summary(y), theirs, rtol=0, atol=tolerance * theirs[1] * 10)
    dy = upstream({name: y.shape for name, y in found.items()})
    dx = net.backward({tap: dy[tap].astype(dtype) for tap in TAPS})
    theirs = GOLDEN[f"{pooling}/dx"]
    assert dx.dtype == dtype
    assert np.linalg.norm(dx - theirs) <= tolerance * np.linalg.norm(theirs)


def test_it_is_ready_for_use():
    net = shipped("max")
    assert net.frozen and not net.training
    assert all(layer.frozen for layer in net.layers.values())


def test_the_top_comes_with_the_weights():
    weights = arrays(top=True)
    net = vgg19(weights)
    assert list(net.layers) == NAMES + TOP
    assert net["fc8"].params["weight"] is weights["fc8.weight"], "arrays are not copied"
    fewer = weights | {"fc8.weight": np.zeros((10, 4096), np.float32), "fc8.bias": np.zeros(10, np.float32)}
    assert vgg19(fewer).output_shape((1, 3, 224, 224)) == (1, 10)


def test_without_weights_it_is_random_and_open_to_training():
    net = vgg19(None, "average")
    assert list(net.layers) == NAMES and not net.frozen and net.training


def test_preprocessing_comes_with_the_weights():
    assert list(vgg19(arrays()).layers) == NAMES
    weights = load("vgg19-normalised")
    white = shipped("max")["preprocess"].forward(np.ones((1, 3, 1, 1))).ravel()
    np.testing.assert_allclose(white, 255 - np.array([103.939, 116.779, 123.68]), atol=0.2)
    assert {"preprocess.weight", "preprocess.bias"} <= set(weights)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv3_2.weight": None}, r"have no conv3_2.weight, of shape \(256, 256, 3, 3\)"),
        ({"conv3_2.bias": np.zeros(7)}, r"conv3_2.bias has shape \(7,\) in these weights, \(256,\) in the network"),
        ({"conv1_1.weight": np.zeros((3, 3, 3, 64))}, r"\(3, 3, 3, 64\) in these weights, \(64, 3, 3, 3\) in"),
        ({"conv6_1.weight": np.zeros(1)}, "have conv6_1.weight, which the network has not"),
        ({"fc6.weight": np.zeros((4096, 25088), np.float32)}, "have no fc6.bias"),
    ],
)
def test_weights_of_another_network_are_refused(change, words):
    weights = {key: value for key, value in (arrays() | change).items() if value is not None}
    with pytest.raises(WeightsError, match=words):
        vgg19(weights)


def test_refused_weights_change_nothing():
    from nnbasics.models.state import fill

    net = Sequential({"a": Conv2d(1, 1, 1, rng=0), "pool": MaxPool2d(2)})
    before = net.params["a.weight"].copy()
    with pytest.raises(WeightsError):
        fill(net, {"a.weight": np.zeros((1, 1, 1, 1))})
    np.testing.assert_array_equal(net.params["a.weight"], before)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: vgg("F"), "no configuration is called 'F'"),
        (lambda: vgg("E", pooling="avg"), "no pooling is called 'avg'"),
        (lambda: vgg19(arrays(), pooling="Max"), "no pooling is called 'Max'; did you mean 'max'"),
        (lambda: vgg19(arrays()).forward(np.zeros((1, 3, 31, 31), np.float32)), "pool5 MaxPool2d.* does not fit"),
        (lambda: vgg19(arrays()).forward(np.zeros((1, 32, 32, 3), np.float32)), "conv1_1 .*32 channels; 3 were"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_rescaled_poolings_keep_maps_as_large_as_max_pooling_does(pooling):
    """Without it they shrink, or for L2 grow, from block to block."""
    names = ["relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    pictures = [resize(read(name), 128).transpose(2, 0, 1)[None] for name in ("coffee", "auvers")]
    for picture in pictures:
        right, plain, ours = (
            net.activations(picture, names)
            for net in (shipped("max"), shipped(pooling), vgg19(pooling=pooling, rescale=True))
        )
        kept, lost = ([found[name].mean() / right[name].mean() for name in names] for found in (ours, plain))
        assert 0.75 < min(kept) and max(kept) < 1.33
        assert min(lost) < 0.5 or max(lost) > 2
    assert (
        shipped(pooling).params["conv2_1.weight"] is not vgg19(pooling=pooling, rescale=True).params["conv2_1.weight"]
    )


def test_l2_pooling_takes_norms(rng):
    net = vgg("A", pooling="l2", top=False, rng=0)
    x = rng.random((1, 3, 8, 8)).astype(np.float32)
    found = net.activations(x, ["relu1_1", "pool1"])
    blocks = found["relu1_1"].reshape(1, 64, 4, 2, 4, 2)
    np.testing.assert_allclose(found["pool1"], np.linalg.norm(blocks.swapaxes(3, 4), axis=(4, 5)), rtol=1e-5)
