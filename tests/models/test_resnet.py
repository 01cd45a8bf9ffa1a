"""Residual networks: the papers' counts, the shortcuts, and weights that come and go."""

import numpy as np
import pytest

from nnbasics import Identity, Residual, StochasticDepth
from nnbasics.errors import UserError, WeightsError
from nnbasics.models import resnet, state
from nnbasics.models.state import fill
from nnbasics.testing import check_layer
from nnbasics.weights import load, save

IMAGENET = (1, 3, 224, 224)


@pytest.mark.parametrize(  # layers and operations: table 1 of the paper; parameters: what torchvision's networks have
    ("depth", "parameters", "billions"),
    [
        (18, 11_689_512, 1.8),
        (34, 21_797_672, 3.6),
        (50, 25_557_032, 3.8),
        (101, 44_549_160, 7.6),
        (152, 60_192_808, 11.3),
    ],
)
def test_the_papers_counts(depth, parameters, billions):
    net = resnet(depth, rng="zeros")
    assert net.num_parameters() == parameters
    assert net.multiply_adds(IMAGENET) / 1e9 == pytest.approx(billions, abs=0.07)
    assert net.output_shape(IMAGENET) == (1, 1000)
    assert longest_way(net) == depth


def longest_way(layer):
    """How many layers with weights lie on the longest way, shortcuts not counted."""
    inner = getattr(layer, "layers", None)
    if inner is None:
        return int(getattr(layer, "params", {}).get("weight", np.zeros(1)).ndim > 1)
    return sum(longest_way(part) for name, part in inner.items() if name != "shortcut")


def test_of_the_figure():
    """Figure 3 of the paper: 34 layers, plain or with shortcuts that cost nothing, take 3.6 billion multiply-adds."""
    plain, residual = (resnet(34, shortcut=option, rng="zeros") for option in ("none", "A"))
    assert plain.multiply_adds(IMAGENET) == residual.multiply_adds(IMAGENET)
    assert round(plain.multiply_adds(IMAGENET) / 1e9, 1) == 3.6
    assert plain.num_parameters() == residual.num_parameters()


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_the_counts_for_cifar(depth, millions):
    """Table 6 of the paper."""
    net = resnet(depth, rng="zeros")
    assert net.num_parameters() / 1e6 == pytest.approx(millions, abs=0.03 if depth == 110 else 0.005)
    assert longest_way(net) == depth
    sizes = [shape for shape in shapes(net, (1, 3, 32, 32)).values() if len(shape) == 4]
    assert sizes[0] == (1, 16, 32, 32) and sizes[-2] == (1, 64, 8, 8)


def shapes(net, shape):
    found = {}
    for name, layer in net.layers.items():
        shape = found[name] = layer.output_shape(shape)
    return found


def test_names_and_sizes_of_the_stages():
    found = shapes(resnet(50, rng="zeros"), IMAGENET)
    wanted = {
        "conv1": (1, 64, 112, 112),
        "pool1": (1, 64, 56, 56),
        "block2_3": (1, 256, 56, 56),
        "block3_4": (1, 512, 28, 28),
        "block4_6": (1, 1024, 14, 14),
        "block5_3": (1, 2048, 7, 7),
        "fc": (1, 1000),
    }
    assert {name: found[name] for name in wanted} == wanted


def test_the_shortcuts():
    a, b, none = (resnet(8, shortcut=option, rng="zeros") for option in ("A", "B", "none"))
    assert a.num_parameters() == none.num_parameters()
    assert b.num_parameters() - a.num_parameters() == 16 * 32 + 64 + 32 * 64 + 128, "1x1 convolutions with their norms"
    for net in (a, b):
        assert isinstance(net["block2_1"], Residual) and isinstance(net["block2_1"].layers["shortcut"], Identity)
    assert not any(isinstance(layer, Residual) for layer in none.layers.values())


def test_stride_in_the_3x3_convolution_as_torchvision_has_it():
    paper, torchvision = resnet(50, rng="zeros"), resnet(50, stride_in="3x3", rng="zeros")
    first, second = (net["block3_1"].layers["body"].layers for net in (paper, torchvision))
    assert first["conv1"].stride == second["conv2"].stride == (2, 2)
    assert first["conv2"].stride == second["conv1"].stride == (1, 1)
    assert torchvision.multiply_adds(IMAGENET) / 1e9 == pytest.approx(4.09, abs=0.01)  # torchvision's table: 4.09


def test_survival_decays_linearly():
    """Huang's figure 2: from 1 at the input to p_L at the last block."""
    net = resnet(20, survival=0.5, rng=0)
    found = [layer.survival for layer in net.layers.values() if isinstance(layer, StochasticDepth)]
    np.testing.assert_allclose(found, 1 - np.arange(1, 10) / 9 * 0.5)


@pytest.mark.parametrize(
    "settings",
    [{"shortcut": "B"}, {"shortcut": "none"}, {"survival": 0.5}],
    ids=lambda settings: str(*settings.values()),
)
def test_it_keeps_the_contract(settings, rng):
    """Shortcut A does in `tests/testing/test_library.py`."""
    check_layer(resnet(8, width=2, rng=1, **settings), rng.standard_normal((3, 3, 8, 8)))


def test_bottlenecks_keep_the_contract(rng):
    body = resnet(50, width=1, classes=2, rng=1)["block3_1"]
    check_layer(body, rng.standard_normal((3, 4, 5, 5)))


def test_the_state_goes_through_a_file(tmp_path, rng):
    net = resnet(8, width=2, rng=0)
    net.forward(rng.standard_normal((4, 3, 8, 8)).astype(np.float32))  # moves the running statistics
    assert len(state(net)) == len(net.params) + 2 * 7
    save(tmp_path / "net.safetensors", state(net))
    again = resnet(8, load(tmp_path / "net.safetensors", dtype=None), width=2)
    assert again.frozen and not again.training
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(again.forward(x), net.eval().forward(x))


def test_statistics_that_are_missing(rng):
    weights = state(resnet(8, rng="zeros"))
    del weights["block2_1.body.bn2.running_var"]
    with pytest.raises(WeightsError, match=r"have no block2_1.body.bn2.running_var, of shape \(16,\)"):
        fill(resnet(8, rng="zeros"), weights)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: resnet(21), "no network of depth 21; 18, 34, 50, 101, 152 are for ImageNet"),
        (lambda: resnet(2), "no network of depth 2"),
        (lambda: resnet(18.0), "depth=18.0: an int"),
        (lambda: resnet(20, shortcut="C"), "no shortcut is called 'C'; choose from A, B, none"),
        (lambda: resnet(50, stride_in="7x7"), 'stride_in=\'7x7\'; "1x1" or "3x3"'),
        (lambda: resnet(20, survival=1.5), "not a probability"),
        (lambda: resnet(20, state(resnet(32, rng="zeros"))), "another network"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
