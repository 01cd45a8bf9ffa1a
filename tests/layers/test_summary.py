"""The table of a network: the published counts again, what text and HTML say, and that drawings show every layer."""

import numpy as np
import pytest

from nnbasics import Conv2d, Sequential
from nnbasics.errors import UserError
from nnbasics.models import alexnet, fractalnet, googlenet, resnet, simple_cnn, vgg

TABLE = """\
layer    kind       output    parameters  multiply-adds
conv     Conv2d     12x32x32         336        331,776
relu     ReLU       12x32x32           0              0
pool     MaxPool2d  12x16x16           0              0
flatten  Flatten    3072               0              0
fc       Linear     10            30,730         30,720
total               10            31,066        362,496"""


def test_text():
    assert str(simple_cnn().summary()) == TABLE


@pytest.mark.parametrize(
    ("make", "millions", "billions"),
    [
        (lambda: vgg("A", rng="zeros"), 133, None),
        (lambda: vgg("C", rng="zeros"), 134, None),
        (lambda: vgg("E", rng="zeros"), 144, 19.6),
        (lambda: alexnet(rng="zeros"), 61, None),
        (lambda: googlenet(auxiliary=False, rng="zeros"), 7, None),
        (lambda: resnet(34, shortcut="A", rng="zeros"), 22, 3.6),
    ],
)
def test_published_counts(make, millions, billions):
    summary = make().summary(levels=4)
    assert round(summary.parameters / 1e6) == millions
    if billions:
        assert round(summary.multiply_adds / 1e9, 1) == billions


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda: googlenet(rng="zeros"),
        lambda: resnet(50, rng="zeros"),
        lambda: fractalnet(rng="zeros"),
        lambda: resnet(20, survival=0.5, rng=0),
    ],
)
def test_rows_add_up(make, levels):
    """The rows of the first level, and those of layers that have nothing inside, add up to the whole."""
    summary = make().summary(levels=levels)
    outer = [row for row in summary.rows if row.level == 0]
    names = {row.name for row in summary.rows}
    leaves = [row for row in summary.rows if not any(name.startswith(f"{row.name}.") for name in names)]
    for rows in (outer, leaves):
        assert sum(row.parameters for row in rows) == summary.parameters
        assert sum(row.multiply_adds for row in rows) == summary.multiply_adds
    assert summary.rows[-1].output_shape == summary.output_shape


def test_shapes_are_those_of_a_walk(rng):
    net = resnet(8, rng=0)
    x = rng.standard_normal((2, 3, 16, 16)).astype(np.float32)
    found = net.activations(x, net.layers)
    summary = net.summary(x.shape, levels=1)
    assert {row.name: row.output_shape for row in summary.rows} == {name: y.shape for name, y in found.items()}


def test_html_has_the_same_cells():
    html = resnet(8, rng="zeros").summary(levels=2)._repr_html_()
    assert html.count("<tr>") == len(resnet(8, rng="zeros").summary(levels=2).rows) + 2
    assert ">  body<" in html and ">total<" in html


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_a_drawing_names_every_layer_it_looks_at(levels):
    net = fractalnet(2, 3, widths=(4, 8), rng="zeros")
    axes = net.summary().draw(levels).axes[0]
    said = " ".join(text.get_text() for text in axes.texts)
    for name in net.layers:
        assert name in said
    assert ("column3_4" in said) == (levels > 1)


def test_a_drawing_of_ways_side_by_side():
    said = [text.get_text() for text in resnet(8, rng="zeros").summary(levels=3).draw().axes[0].texts]
    assert said[:2] == ["input  3x32x32", "conv1 bn1 relu1  16x32x32"]
    assert said.count("+") == 3 and "pad  32x16x16" in said


def test_what_cannot_be_summed_up():
    net = Sequential(Conv2d(3, 4, 3))
    with pytest.raises(UserError, match=r"what is its input\? Give a shape: summary\(\(1, 3, 32, 32\)\)"):
        net.summary()
    assert net.summary((1, 3, 5, 5)).output_shape == (1, 4, 3, 3)
    with pytest.raises(UserError, match="does not fit"):
        net.summary((1, 3, 2, 2))
    with pytest.raises(UserError, match="levels=0"):
        net.summary((1, 3, 5, 5), levels=0)
