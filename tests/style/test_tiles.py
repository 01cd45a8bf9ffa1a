"""Tiles: the untiled numbers, whatever the size, the layers, the masks."""

from functools import cache

import numpy as np
import pytest

from nnbasics import AvgPool2d, Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.models import vgg19
from nnbasics.style import Objective
from nnbasics.style.tiles import Axis, Tiles, cut, grids, looks, over

STYLE_LAYERS = {"relu1_1": 1.0, "relu2_1": 0.5, "relu3_1": 0.25, "relu4_1": 0.125, "relu5_1": 0.125}
SETTINGS = {"content_weight": 1, "style_weight": 1e5, "content_layers": {"relu4_2": 1}, "style_layers": STYLE_LAYERS}


@cache
def vgg(pooling="max"):
    return vgg19(pooling=pooling)


def small_net(pool=MaxPool2d):
    """Two blocks as VGG has them, narrow enough for float64."""
    layers, channels = {}, 3
    for block, width in ((1, 6), (2, 8)):
        for number in (1, 2):
            layers[f"conv{block}_{number}"] = Conv2d(channels, width, 3, padding=1, rng=10 * block + number)
            layers[f"relu{block}_{number}"] = ReLU()
            channels = width
        layers[f"pool{block}"] = pool(2)
    return Sequential(layers)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def compared(net, shape, tile, dtype, style_shape=None, **settings):
    """Terms and gradient of an objective as a whole and in tiles; how many tiles there were."""
    rng = np.random.default_rng(0)
    x, content, style = (rng.random((1, 3, *size)).astype(dtype) for size in (shape, shape, style_shape or shape))
    whole, tiled = (Objective(net, content, style, tile=side, **settings) for side in (None, tile))
    names = {*settings["content_layers"], *settings["style_layers"]}
    return whole.evaluate(x), tiled.evaluate(x), cut(net, x.shape, names, tile).number


def test_how_far_layers_look():
    """VGG's relu5_1: 2 + 2 2 + 4 4 + 4 8 + 16 = 70 pixels to each side, to the next multiple of 16."""
    assert looks(vgg(), ["relu5_1"]) == (80, 64)
    assert looks(vgg(), ["relu4_2", "relu1_1"]) == (40, 32)
    assert looks(vgg(), ["relu1_1"]) == (1, 4)


@pytest.mark.parametrize("side", [500, 512, 1000, 1023, 4096])
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_own_parts_cover_the_side_once_and_lie_a_halo_inside(side, parts):
    axis = Axis.cut(side, parts, 80, 64)
    if axis is None:
        assert parts > 1 and side < parts * 224
        return
    assert axis.edges[0] == 0 and axis.edges[-1] == side and len(axis.edges) == parts + 1
    for start, first, last in zip(axis.starts, axis.edges, axis.edges[1:], strict=False):
        assert start % 64 == 0 and first < last
        assert start <= max(first - 80, 0) and min(last + 80, side) <= start + axis.size <= side


def test_the_least_work_for_the_memory_is_taken():
    """Strips lose less to halos than squares where the picture is narrow, and the other way round."""
    narrow, wide = (cut(vgg(), (1, 3, *size), STYLE_LAYERS, 700) for size in ((6000, 640), (4096, 4096)))
    assert len(narrow.columns.starts) == 1 and len(narrow.rows.starts) > 5
    assert len(wide.columns.starts) > 1 and len(wide.rows.starts) > 1
    for grid in (narrow, wide):
        assert grid.pixels <= 700**2
    assert all(grid.work >= 1 for grid in grids((1, 3, 1500, 1100), 80, 64))
    assert cut(vgg(), (1, 3, 600, 600), STYLE_LAYERS, None).number == 1
    assert cut(vgg(), (1, 3, 600, 600), STYLE_LAYERS, 600).number == 1


OPTIONS = {
    "two styles": {"content_layers": {"relu2_1": 1}, "style_layers": {"relu1_1": 0.5, "relu2_2": 2}},
    "one layer for both": {"content_layers": {"relu1_2": 1}, "style_layers": {"relu1_2": 1}},
    "after pooling": {"content_layers": {"pool1": 1}, "style_layers": {"pool2": 1, "relu1_2": 1}},
    "before ReLU": {"content_layers": {"conv2_2": 1}, "style_layers": {"conv1_1": 1}},
    "content alone": {"content_layers": {"relu2_2": 1}, "style_layers": {}},
    "style alone": {"content_layers": {}, "style_layers": {"relu2_1": 1}},
    "variation": {"content_layers": {"relu1_1": 1}, "style_layers": {"relu1_1": 1}, "tv_weight": 0.7},
}


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("shape", [(96, 128), (101, 87), (37, 150)], ids=str)
def test_in_float64_tiles_are_the_whole(pool, options, shape):
    whole, tiled, number = compared(
        small_net(pool), shape, 56, np.float64, (90, 61), content_weight=1.3, style_weight=0.8, **options
    )
    assert number >= 2
    for name, value in whole[0].items():
        assert tiled[0][name] == pytest.approx(value, rel=1e-12)
    assert relative(tiled[1], whole[1]) < 1e-12


@pytest.mark.parametrize(
    ("pooling", "shape"),
    [
        ("max", (333, 352)),
        pytest.param("average", (416, 352), marks=pytest.mark.slow),
        pytest.param("max", (700, 501), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_in_float32_tiles_of_a_vgg_are_the_whole_to_1e_5(pooling, shape):
    """Not one ReLU and not one pooling decides otherwise: a single one would be seen at 1e-3."""
    whole, tiled, number = compared(vgg(pooling), shape, 300, np.float32, (100, 120), **SETTINGS)
    assert number >= 2
    for name, value in whole[0].items():
        assert tiled[0][name] == pytest.approx(value, rel=1e-5)
    assert relative(tiled[1], whole[1]) < 1e-5
    assert np.abs(tiled[1] - whole[1]).max() < 1e-5 * np.abs(whole[1]).max()


def test_masks_and_balance_in_tiles():
    rng = np.random.default_rng(1)
    shape = (1, 3, 96, 120)
    x, content, other = (rng.random(shape) for _ in range(3))
    mask = np.zeros(shape[2:])
    mask[:, 50:] = np.linspace(0.2, 1, 70)
    given = {
        "content_weight": 1, "style_weight": 2, "content_layers": {"relu2_1": 1},
        "style_layers": {"relu1_1": 1, "relu2_2": 0.5}, "blend": [1, 2, 1],
        "masks": [mask, None, 1 - mask], "style_masks": [None, None, mask], "balance": other,
    }  # fmt: skip
    styles = [rng.random((1, 3, 90, 80)), rng.random((1, 3, 64, 99)), rng.random(shape)]
    whole, tiled = (Objective(small_net(), content, styles, tile=tile, **given).evaluate(x) for tile in (None, 56))
    assert tiled[0] == pytest.approx(whole[0], rel=1e-11)
    assert relative(tiled[1], whole[1]) < 1e-11


def test_of_the_whole_picture_only_the_content_is_kept():
    """Features of guided layers would be larger than all else: 4 GB of relu1_1 at 4096 pixels."""
    shape = 1, 3, 64, 120
    tiles = over(small_net(), shape, ["relu2_1"], [], "float64", {"relu1_1": np.ones((1, 64, 120))}, tile=48)
    assert isinstance(tiles, Tiles) and list(tiles.features(np.zeros(shape))) == ["relu2_1"]


def test_a_gradient_in_tiles_is_the_derivative_of_the_loss():
    rng = np.random.default_rng(2)
    x, content, style = rng.random((3, 1, 3, 80, 92))
    objective = Objective(small_net(), content, style, tile=56, content_weight=1, style_weight=3,
                          content_layers={"relu2_1": 1}, style_layers={"relu1_1": 1, "relu2_2": 1})  # fmt: skip
    _, gradient = objective(x)
    direction = rng.standard_normal(x.shape)
    h = 1e-6 / np.linalg.norm(direction)
    numeric = (objective(x + h * direction)[0] - objective(x - h * direction)[0]) / (2 * h)
    assert np.vdot(gradient, direction) == pytest.approx(numeric, rel=1e-5)
