"""FractalNet: the paper's depth, its columns alone, and drop-path in a network."""

import numpy as np
import pytest

from nnbasics import Conv2d, Dropout
from nnbasics.errors import UserError
from nnbasics.models import fractalnet
from nnbasics.models.fractalnet import column
from nnbasics.testing import check_layer


def convolutions(net):
    return sum(
        isinstance(part, Conv2d) for unit in net.layers.values() for part in getattr(unit, "layers", {}).values()
    )


@pytest.mark.parametrize(("blocks", "columns", "depth"), [(5, 4, 40), (5, 3, 20), (5, 1, 5), (3, 2, 6)])
def test_depth(blocks, columns, depth):
    """B 2^(C - 1) on the longest way, 40 in the paper's figure, and B on the shortest."""
    net = fractalnet(blocks, columns, rng="zeros")
    assert convolutions(column(net)) == depth
    assert convolutions(column(net, 1)) == blocks
    assert net.output_shape((2, 3, 32, 32)) == column(net).output_shape((2, 3, 32, 32)) == (2, 10)


def test_widths_of_the_paper():
    net, shape, widths = fractalnet(5, 4, rng="zeros"), (1, 3, 32, 32), []
    for name, layer in net.layers.items():
        shape = layer.output_shape(shape)
        widths += [shape[1:]] if name.startswith("pool") else []
    assert widths == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2), (512, 1, 1)]


def small(**settings):
    return fractalnet(2, 3, **{"widths": (3, 4), "size": 8, "classes": 3, "rng": 1, **settings})


def test_without_drop_path_it_keeps_the_contract(rng):
    """With it, it does in `tests/testing/test_library.py`."""
    net = fractalnet(2, 2, widths=(2, 3), size=4, classes=2, drop_path=0, rng=1)
    check_layer(net, rng.standard_normal((3, 3, 4, 4)))


def test_a_column_is_what_global_sampling_trains(rng):
    net, x = small(local=0), rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
    for _ in range(10):
        y = net.forward(x)
        alone = column(net, net["block1"].drop_paths.column)
        np.testing.assert_allclose(alone.forward(x), y, rtol=1e-5, atol=1e-6)


def test_a_column_shares_its_parameters():
    net = small()
    deepest = column(net)
    assert list(deepest.layers)[:5] == ["block1_1", "block1_2", "block1_3", "block1_4", "pool1"]
    assert deepest["block1_2"].params["conv.weight"] is net["block1"].layers["column3_2"].params["conv.weight"]
    assert deepest.params["fc.weight"] is net.params["fc.weight"]


def test_dropout_grows_from_block_to_block():
    net = fractalnet(5, 1, dropout=0.4, rng="zeros")
    found = {name: round(layer.p, 3) for name, layer in net.layers.items() if isinstance(layer, Dropout)}
    assert found == {"drop2": 0.1, "drop3": 0.2, "drop4": 0.3, "drop5": 0.4}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fractalnet(6), "6 blocks halves the picture, and 32x32 is too small"),
        (lambda: fractalnet(2, widths=(3,)), "2 blocks and widths=.3.; one width for each"),
        (lambda: fractalnet(0), "blocks=0"),
        (lambda: fractalnet(2, columns=0), "columns=0"),
        (lambda: fractalnet(2, drop_path=2), "p=2 is not a probability"),
        (lambda: column(small(), 4), "no column 4"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
