"""The objective with everything asked of it at once: loss and gradient agree, and are what they are said to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics import AvgPool2d, Conv2d, Identity, LPPool2d, MaxPool2d, ReLU, Sequential, Sigmoid
from nnbasics.errors import SettingsError, UserError
from nnbasics.style import Objective
from nnbasics.style.conventions import CONVENTIONS

LAYERS = ("act1", "pool1", "act2")
POOLINGS = {"max": lambda: MaxPool2d(2), "average": lambda: AvgPool2d(2), "l2": lambda: LPPool2d(2, 2)}


def net_of(pooling="max", activation=ReLU, width=4):
    layers = {"conv1": Conv2d(3, width, 3, padding=1, rng=1), "act1": activation(), "pool1": POOLINGS[pooling]()}
    layers |= {"conv2": Conv2d(width, width + 2, 3, padding=1, rng=2), "act2": activation()}
    return Sequential(layers)


def objective_of(net, content, style, **options):
    options = {"content_weight": 1, "style_weight": 1, "content_layers": {}, "style_layers": {"act1": 1}} | options
    return Objective(net, content, style, **options)


WEIGHTS = st.dictionaries(st.sampled_from(LAYERS), st.floats(0.1, 3), max_size=3)


@st.composite
def everything(draw):
    """An objective in float64 with options drawn at random, and a picture."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    height, width = draw(st.integers(6, 11)), draw(st.integers(6, 11))
    x, content = rng.random((2, 1, 3, height, width))
    number = draw(st.integers(1, 3))
    styles = [rng.random((1, 3, *rng.integers(6, 12, 2))) for _ in range(number)]
    soft = [rng.random((height, width)), (rng.random((height, width)) > 0.6).astype(float)]
    masks = [draw(st.sampled_from([None, *soft])) for _ in styles]
    own = [draw(st.sampled_from([None, rng.random(style.shape[2:])])) for style in styles]
    options = {
        "content_weight": draw(st.floats(0, 10)),
        "style_weight": draw(st.floats(0, 1e4)),
        "content_layers": draw(WEIGHTS),
        "style_layers": draw(WEIGHTS),
        "tv_weight": draw(st.sampled_from([0, 0.3, 20])),
        "convention": draw(st.sampled_from(sorted(CONVENTIONS))),
        "blend": draw(st.sampled_from([None, [1.0, 2.0, 0.5][:number], [3.0, 0.0, 1.0][:number]])),
        "masks": draw(st.sampled_from([None, masks])),
        "style_masks": draw(st.sampled_from([None, own])),
        "balance": draw(st.sampled_from([None, rng.random(x.shape)])),
    }
    net = net_of(draw(st.sampled_from(sorted(POOLINGS))), draw(st.sampled_from([Sigmoid, Identity])))
    return Objective(net, content, styles if number > 1 else styles[0], **options), x, rng


@settings(max_examples=80, derandomize=True)
@given(everything())
def test_the_gradient_is_the_derivative_of_the_loss_for_any_options_together(drawn):
    objective, x, rng = drawn
    loss, gradient = objective(x)
    assert loss >= 0 and gradient.shape == x.shape
    assert sum(objective.terms(x).values()) == pytest.approx(loss, rel=1e-12)
    direction = rng.standard_normal(x.shape)
    direction /= np.linalg.norm(direction)
    h = 1e-5
    numeric = (objective(x + h * direction)[0] - objective(x - h * direction)[0]) / (2 * h)
    assert np.vdot(gradient, direction) == pytest.approx(numeric, rel=1e-5, abs=1e-9 * (1 + loss))


def test_several_styles_have_their_losses_added_up_by_weight(rng):
    x, content = rng.random((2, 1, 3, 10, 13))
    styles = [rng.random((1, 3, 9, 8)), rng.random((1, 3, 12, 7)), rng.random((1, 3, 8, 8))]
    net = net_of()
    alone = [objective_of(net, content, style)(x) for style in styles]
    loss, gradient = objective_of(net, content, styles, blend=[1, 3, 0])(x)
    assert loss == pytest.approx(0.25 * alone[0][0] + 0.75 * alone[1][0])
    np.testing.assert_allclose(gradient, 0.25 * alone[0][1] + 0.75 * alone[1][1], rtol=1e-9)
    loss, _ = objective_of(net, content, styles)(x)
    assert loss == pytest.approx(sum(each for each, _ in alone) / 3)


def guided_loss(net, x, style, t, own, name):
    """Gatys 2017, equations 5 to 7, written out: E = 1/(4 N^2) sum (G(x) - G(s))^2, channels of sum of squares 1."""

    def gram(picture, channel):
        features = net.activations(picture, name)[name][0]
        weighted = features * (channel / np.sqrt(np.sum(channel**2)))
        return np.einsum("ihw,jhw->ij", weighted, weighted), len(features)

    (ours, n), (theirs, _) = gram(x, t), gram(style, own)
    return np.sum((ours - theirs) ** 2) / (4 * n**2)


@pytest.mark.parametrize("name", ["act1", "act2"])
def test_a_masked_style_is_gatys_guided_gram_matrix(name, rng):
    """At half the size a channel is the mean of four values of the mask."""
    x, content, style = rng.random((3, 1, 3, 8, 12))
    mask, own = rng.random((2, 8, 12))
    net = net_of()
    at = {"act1": lambda t: t, "act2": lambda t: t.reshape(4, 2, 6, 2).mean(axis=(1, 3))}[name]
    objective = objective_of(net, content, style, masks=[mask], style_masks=[own], style_layers={name: 1})
    area = np.mean(mask**2)
    assert objective(x)[0] == pytest.approx(area * guided_loss(net, x, style, at(mask), at(own), name), rel=1e-5)


def test_regions_side_by_side_are_as_strong_as_one_style_everywhere(rng):
    """Each half has the weight of its area; a white mask, and a mask of one half beside the other, change no total."""
    x, content = rng.random((2, 1, 3, 8, 12))
    styles = [rng.random((1, 3, 9, 8)), rng.random((1, 3, 12, 7))]
    left = np.zeros((8, 12))
    left[:, :3] = 1
    net = net_of()
    halves = objective_of(net, content, styles, masks=[left, 1 - left])(x)[0]
    each = [objective_of(net, content, s, masks=[m])(x)[0] for s, m in zip(styles, (left, 1 - left), strict=True)]
    assert halves == pytest.approx(sum(each))
    own = np.ones((1, 3, 12, 7)).shape[2:]
    ones = [np.ones((8, 12)), None]
    plain = objective_of(net, content, styles)
    white = objective_of(net, content, styles, masks=ones, style_masks=[None, np.ones(own)])
    assert white(x)[0] == pytest.approx(plain(x)[0])
    np.testing.assert_allclose(white(x)[1], plain(x)[1], rtol=1e-9)


def test_outside_the_mask_the_style_pulls_at_nothing(rng):
    x, content, style = rng.random((3, 1, 3, 16, 24))
    mask = np.zeros((16, 24))
    mask[:, :8] = 1
    _, gradient = objective_of(net_of(), content, style, masks=[mask], style_layers={"act1": 1, "act2": 1})(x)
    assert np.abs(gradient[..., :8]).max() > 0
    assert not gradient[..., 12:].any()  # 4 more pixels are within sight of the region's features


def test_balance_makes_the_layers_pull_as_their_weights_say(rng):
    x, content, style = rng.random((3, 1, 3, 10, 13))
    net = net_of()
    weights = {"act1": 1.0, "pool1": 2.0, "act2": 4.0}
    plain = objective_of(net, content, style, style_layers=weights)
    balanced = objective_of(net, content, style, style_layers=weights, balance=x)

    def pulls(layers):
        return [np.linalg.norm(objective_of(net, content, style, style_layers={n: w})(x)[1]) for n, w in layers.items()]

    before, after = pulls(plain.style_layers), pulls(balanced.style_layers)
    assert max(before) / min(before) > 3
    np.testing.assert_allclose(np.divide(after, [1, 2, 4]), after[0], rtol=1e-6)
    assert sum(after) == pytest.approx(sum(before))
    again = objective_of(net, content, style, style_layers=weights, balance=style)
    assert again.style_layers == plain.style_layers  # nothing pulls where the picture is the style


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("deepest", ["act2", "act3"])
def test_balance_in_float32_is_that_of_float64(masked, deepest, rng):
    """With widths that are walked fused, where a plan keeps only what it is sure to need."""
    x, content, first, second = rng.random((4, 1, 3, 24, 32)).astype(np.float32)
    net = Sequential(
        {
            "conv1": Conv2d(3, 64, 3, padding=1, rng=1),
            "act1": ReLU(),
            "conv2": Conv2d(64, 64, 3, padding=1, rng=2),
            "act2": ReLU(),
            "pool2": MaxPool2d(2),
            "conv3": Conv2d(64, 128, 3, padding=1, rng=3),
            "act3": ReLU(),
        }
    )
    options = {"style_layers": {"act1": 1, "act2": 1, deepest: 1}, "content_layers": {"act3": 1}}
    if masked:
        options["masks"] = [(rng.random((24, 32)) > 0.5).astype(np.float32), None]
    found, right = (
        objective_of(net, content, [first, second], balance=start, **options).style_layers
        for start in (x, x.astype(np.float64))
    )
    assert len({*right.values()}) == len(right)
    assert found == pytest.approx(right, rel=1e-3)


def test_float32_with_masks_and_several_styles_is_float64_rounded(rng):
    x, content, first, second = rng.random((4, 1, 3, 24, 32)).astype(np.float32)
    mask = rng.random((24, 32)).astype(np.float32)
    net = net_of(width=32)
    options = {
        "masks": [mask, None],
        "blend": [1, 2],
        "style_layers": {"act1": 1, "act2": 1},
        "content_layers": {"act2": 1},
    }
    objective = objective_of(net, content, [first, second], **options)
    loss, gradient = objective(x)
    exact, right = objective(x.astype(np.float64))
    assert loss == pytest.approx(exact, rel=1e-5) and gradient.dtype == np.float32
    assert np.linalg.norm(gradient - right) < 1e-4 * np.linalg.norm(right)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"blend": [1, 2]}, SettingsError, "blend has 2 entries for 1 styles"),
        ({"blend": [0]}, SettingsError, "one above 0"),
        ({"blend": [-1]}, SettingsError, "0 or more"),
        ({"masks": [None, None]}, SettingsError, "masks has 2 entries"),
        ({"masks": [np.ones((4, 4))]}, UserError, r"mask is \(4, 4\); an array of shape \(10, 13\)"),
        ({"masks": [np.zeros((10, 13))]}, UserError, "not all of them 0"),
        ({"masks": [np.full((10, 13), 2.0)]}, UserError, "from 0 to 1"),
        ({"style_masks": [np.ones((10, 13))]}, UserError, r"style mask is .* \(9, 8\)"),
    ],
)
def test_what_does_not_fit_is_refused(options, error, message, rng):
    with pytest.raises(error, match=message):
        objective_of(net_of(), rng.random((1, 3, 10, 13)), rng.random((1, 3, 9, 8)), **options)
    with pytest.raises(UserError, match="no style picture"):
        objective_of(net_of(), rng.random((1, 3, 10, 13)), [])
