"""The objective against PyTorch's float64 values, and its gradient against its own differences."""

import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nnbasics import AvgPool2d, Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.errors import SettingsError, UserError
from nnbasics.models import vgg19
from nnbasics.style import Objective
from nnbasics.style.conventions import CONVENTIONS

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "objective.npz")
STYLE_LAYERS = dict.fromkeys(["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"], 0.2)
SETTINGS = {"content_weight": 1, "style_weight": 1e4, "content_layers": {"relu4_2": 1}, "style_layers": STYLE_LAYERS}


@cache
def vgg(pooling):
    return vgg19(pooling=pooling)


def golden_case(case, pooling, convention, dtype):
    """Our loss and gradient for a stored case, and PyTorch's."""
    x, content, style = (GOLDEN[f"{case}/{role}"].astype(dtype) / dtype(255) for role in ("x", "content", "style"))
    loss, gradient = Objective(vgg(pooling), content, style, convention=convention, **SETTINGS)(x)
    assert gradient.shape == x.shape and gradient.dtype == dtype
    key = f"{case}/{pooling}/{convention}"
    return loss, gradient, GOLDEN[f"{key}/loss"], GOLDEN[f"{key}/norm"], GOLDEN[f"{key}/gradient"]


def relative(ours, theirs):
    return np.linalg.norm(ours.astype(np.float64) - theirs) / np.linalg.norm(theirs)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_float64_equals_pytorch(pooling):
    loss, gradient, loss_t, norm_t, gradient_t = golden_case("odd", pooling, "paper", np.float64)
    assert loss == pytest.approx(loss_t, rel=1e-10)
    assert np.linalg.norm(gradient) == pytest.approx(norm_t, rel=1e-10)
    assert relative(gradient[..., ::4, ::4], gradient_t) < 1e-10


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_equals_pytorch(convention):
    loss, gradient, loss_t, _, gradient_t = golden_case("clear", "max", convention, np.float64)
    assert loss == pytest.approx(loss_t, rel=1e-10)
    assert relative(gradient, gradient_t) < 1e-10


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_float32_equals_pytorch_where_no_decision_is_close(pooling):
    loss, gradient, loss_t, _, gradient_t = golden_case("clear", pooling, "paper", np.float32)
    assert loss == pytest.approx(loss_t, rel=1e-5)
    assert relative(gradient, gradient_t) < 1e-5


def test_float32_at_an_odd_size():
    """One ReLU of a million that decides otherwise moves the gradient by some 1e-3, in every float32 program."""
    loss, gradient, loss_t, _, gradient_t = golden_case("odd", "max", "paper", np.float32)
    assert loss == pytest.approx(loss_t, rel=1e-5)
    assert relative(gradient[..., ::4, ::4], gradient_t) < 1e-2


def small_net(pool):
    return Sequential(
        {
            "conv1": Conv2d(3, 5, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": pool(2),
            "conv2": Conv2d(5, 7, 3, padding=1, rng=2),
            "relu2": ReLU(),
        }
    )


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "options",
    [
        {"content_layers": {"relu2": 1}, "style_layers": {"relu1": 0.5, "relu2": 2}},
        {"content_layers": {"conv2": 1, "pool1": 0.3}, "style_layers": {"conv1": 1}},
        {"content_layers": {"relu1": 1}, "style_layers": {"relu1": 1}, "tv_weight": 0.7},
        {"content_layers": {}, "style_layers": {"pool1": 1}},
        {"content_layers": {"relu2": 1}, "style_layers": {}},
        {"content_layers": {}, "style_layers": {}, "tv_weight": 1.0},
    ],
    ids=["two styles", "any layer", "variation", "style alone", "content alone", "variation alone"],
)
def test_gradient_is_the_derivative_of_the_loss(pool, convention, options, rng):
    x, content = rng.random((2, 1, 3, 10, 13))
    style = rng.random((1, 3, 9, 8))
    objective = Objective(
        small_net(pool), content, style, content_weight=1.3, style_weight=0.8, convention=convention, **options
    )
    _, gradient = objective(x)
    for _ in range(3):
        direction = rng.standard_normal(x.shape)
        h = 1e-6 / np.linalg.norm(direction)
        numeric = (objective(x + h * direction)[0] - objective(x - h * direction)[0]) / (2 * h)
        assert np.vdot(gradient, direction) == pytest.approx(numeric, rel=1e-5, abs=1e-9)


def test_terms_add_up_to_the_loss(rng):
    x, content, style = rng.random((3, 1, 3, 12, 10))
    objective = Objective(
        small_net(MaxPool2d),
        content,
        style,
        content_weight=1,
        style_weight=2,
        content_layers={"relu2": 1},
        style_layers={"relu1": 1, "relu2": 1},
        tv_weight=0.1,
    )
    terms = objective.terms(x)
    assert list(terms) == ["content relu2", "style relu1", "style relu2", "tv"]
    assert sum(terms.values()) == pytest.approx(objective(x)[0])


def test_the_content_itself_has_no_content_loss(rng):
    content, style = rng.random((2, 1, 3, 12, 10))
    objective = Objective(
        small_net(MaxPool2d),
        content,
        style,
        content_weight=1,
        style_weight=0,
        content_layers={"relu2": 1},
        style_layers={"relu1": 1},
    )
    loss, gradient = objective(content)
    assert loss == 0 and not gradient.any()


def test_two_python_threads_may_ask_one_objective_or_two(rng):
    content, style = rng.random((2, 1, 3, 60, 52)).astype(np.float32)
    net = small_net(MaxPool2d)
    taps = {"content_layers": {"relu2": 1}, "style_layers": {"relu1": 1, "relu2": 1}}
    one, two = (Objective(net, content, style, **{**SETTINGS, **taps}) for _ in range(2))
    pictures = rng.random((2, *content.shape)).astype(np.float32)
    right = [one(x) for x in pictures]
    for objectives in ((one, one), (one, two)):
        same = []

        def ask(objective, x, expected, same=same):
            for _ in range(20):
                loss, gradient = objective(x)
                same.append(loss == expected[0] and np.array_equal(gradient, expected[1]))

        team = [threading.Thread(target=ask, args=args) for args in zip(objectives, pictures, right, strict=True)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
        assert len(same) == 40 and all(same)


def test_a_pure_function(rng):
    """The same picture gives the same bits, whatever was asked in between; nothing given is written to."""
    x, y, content, style = rng.random((4, 1, 3, 12, 10)).astype(np.float32)
    net = small_net(MaxPool2d)
    before = net.layers["conv1"].params["weight"].copy()
    given = [a.copy() for a in (x, content, style)]
    objective = Objective(
        net, content, style, **{**SETTINGS, "content_layers": {"relu2": 1}, "style_layers": {"relu1": 1}}
    )
    loss, gradient = objective(x)
    kept = gradient.copy()
    objective(y)
    objective(x.astype(np.float64))
    again, gradient_again = objective(x)
    assert again == loss
    np.testing.assert_array_equal(gradient, kept)
    np.testing.assert_array_equal(gradient_again, kept)
    for now, then in zip((x, content, style), given, strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(net.layers["conv1"].params["weight"], before)
    assert not net.frozen


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content_weight": -1}, "content_weight is -1"),
        ({"style_weight": float("nan")}, "style_weight is nan"),
        ({"tv_weight": float("inf")}, "tv_weight is inf"),
        ({"style_layers": {"relu1": -2}}, r"style_layers\['relu1'\] is -2"),
        ({"convention": "papers"}, "did you mean 'paper'"),
        ({"tile": 0}, "tile is 0; pixels of a side were expected, or None"),
        ({"tile": "64"}, "tile is '64'"),
    ],
)
def test_settings_that_cannot_be(change, message, rng):
    content, style = rng.random((2, 1, 3, 12, 10))
    settings = {**SETTINGS, "content_layers": {"relu2": 1}, "style_layers": {"relu1": 1}, **change}
    with pytest.raises(SettingsError, match=message):
        Objective(small_net(MaxPool2d), content, style, **settings)


def test_messages_name_the_nearest_layer_and_both_shapes(rng):
    content, style = rng.random((2, 1, 3, 12, 10))
    settings = {**SETTINGS, "content_layers": {"rellu2": 1}, "style_layers": {"relu1": 1}}
    with pytest.raises(UserError, match="did you mean 'relu2'"):
        Objective(small_net(MaxPool2d), content, style, **settings)
    settings["content_layers"] = {"relu2": 1}
    with pytest.raises(UserError, match=r"\(1, 3, 12, 9\).*\(1, 3, 12, 10\)"):
        Objective(small_net(MaxPool2d), content, style, **settings)(content[..., :9])
    for x, found in ((content.tolist(), "list"), ((255 * content).astype(np.uint8), "uint8")):
        with pytest.raises(UserError, match=f"x is {found}; an array of floats was expected"):
            Objective(small_net(MaxPool2d), content, style, **settings)(x)
    with pytest.raises(UserError, match=r"content picture is \(3, 12, 10\)"):
        Objective(small_net(MaxPool2d), content[0], style, **settings)
