"""From pictures, masks and settings to an objective: what each setting does to what is minimised."""

import functools
import math

import numpy as np
import pytest

from nnbasics import weights
from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError, SettingsError
from nnbasics.models import vgg19
from nnbasics.style import Objective, Settings, color, ingredients, stylize
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.ingredients import OUTSIDE, Ingredients
from nnbasics.weights.original import MEANS

QUICK = {"size": 32, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingredients, "network", functools.cache(ingredients.network))
        yield


def prepared(content="cat", styles="auvers", **settings):
    settings = Settings.of(**{**QUICK, **settings})
    return Ingredients(content, styles, settings).at(settings.size)


def array(name, size=32):
    return np.ascontiguousarray(pictures.resize(pictures.read(name), size).transpose(2, 0, 1)[None])


def left(height=21, width=32):
    mask = np.zeros((height, width), np.float32)
    mask[:, : width // 2] = 1
    return mask


def objective(styles, **options):
    net, _ = ingredients.network("vgg19-normalised", "max")
    layers = {"content_layers": {"relu2_1": 1}, "style_layers": {"relu1_1": 1, "relu2_1": 1}}
    return Objective(net, array("cat"), styles, **{"content_weight": 1, "style_weight": 7, **layers, **options})


def test_styles_masks_and_blend_are_the_objectives():
    styles, masks = ["auvers", "starry_night"], [left(), "rest"]
    ours = prepared(styles=styles, mask=masks, blend="1,3", style_weight=7)
    arrays = [left(), 1 - left()]
    right = objective([array(name) for name in styles], masks=arrays, blend=[1, 3])
    x = array("coffee")[..., :21, :]
    assert ours.objective(x)[0] == right(x)[0]
    part = left(*array("auvers").shape[2:])
    ours = prepared(styles="auvers", style_mask=part, style_weight=7)
    right = objective([array("auvers")], style_masks=[part])
    assert ours.objective(x)[0] == right(x)[0]


def test_the_style_scale_is_of_the_longest_side():
    settings = Settings.of(size=64, style_scale=1.5, content_layers="relu2_1", style_layers="relu1_1")
    content, style = Ingredients("cat", "starry_night", settings).shapes(64)
    assert max(content) == 64 and max(style) == 96
    with pytest.raises(
        PictureError, match=r"becomes 16 x \d+ at size 32 and style_scale 0.5, .* larger size or style_scale"
    ):
        prepared(style_scale=0.5)
    with pytest.raises(SettingsError, match=r"style_scale: the style picture, .* style_scale 1e\+09, more than 16,384"):
        prepared(style_scale=1e9)


def test_kept_colours_are_the_contents_and_brightness_alone_is_minimised():
    ours = prepared(color="keep")
    content = pictures.resize(pictures.read("cat"), 32)
    np.testing.assert_allclose(ours.start[0, 0], color.luminance(content), atol=1e-6)
    assert np.ptp(ours.start, axis=1).max() == 0
    result = stylize("cat", "auvers", color="keep", iterations=3, style_weight="0.1x", **QUICK)
    inside = (result.image > 0.01).all(axis=2) & (result.image < 0.99).all(axis=2)
    for colour in (1, 2):
        ours, theirs = ((picture @ color.YIQ.T)[..., colour][inside] for picture in (result.image, content))
        np.testing.assert_allclose(ours, theirs, atol=0.01)
    assert np.abs(color.luminance(result.image) - color.luminance(content)).mean() > 0.002


@pytest.mark.parametrize("way", ["match-histogram", "match-pca"])
def test_matched_colours_are_a_recoloured_style(way):
    style = pictures.resize(pictures.read("auvers"), 32)
    content = pictures.resize(pictures.read("cat"), 32)
    recoloured = color.MATCHES[way](style, content).transpose(2, 0, 1)[None]
    x = array("coffee")[..., :21, :]
    right = objective([np.ascontiguousarray(recoloured)])
    assert prepared(color=way, style_weight=7).objective(x)[0] == pytest.approx(right(x)[0], rel=1e-6)


def test_balance_is_measured_at_the_start():
    ours = prepared(balance="gradient", init="noise", seed=3)
    weights = {"relu1_1": 1.0, "relu2_1": 1.0}
    right = objective([array("auvers")], style_weight=ours.style_weight, balance=ours.start, style_layers=weights)
    assert ours.objective.style_layers == right.style_layers
    assert len(set(ours.objective.style_layers.values())) == 2


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_programs_weights_are_taken_as_they_are(name):
    ours = prepared(convention=name, style_layers={"relu2_1": 0.5}, content_layers={"relu2_1": 3}, content_weight=2)
    weight = CONVENTIONS[name].style_weight or ours.style_weight
    assert ours.style_weight == weight
    assert ours.objective.style_layers == {"relu2_1": weight * 0.5} and ours.objective.content_layers == {"relu2_1": 6}
    twice = prepared(convention=name, style_weight="2x")
    assert twice.style_weight == 2 * weight


def test_the_shipped_network_has_the_originals_features_where_a_program_had_them():
    x = array("cat")
    for name, mean in (("paper", 1), ("johnson", MEANS["conv2_1"])):
        net, _ = ingredients.network("vgg19-normalised", "max", name)
        assert net.activations(x, ["relu2_1"])["relu2_1"].mean() == pytest.approx(mean, rel=0.2)


def test_a_file_of_weights_is_known_by_what_is_in_it(tmp_path):
    """A copy of the shipped weights is what they are; any other file is measured."""
    path = tmp_path / "mine.safetensors"
    path.write_bytes(weights.find("vgg19-normalised")[1].read_bytes())
    for convention in ("paper", "johnson"):
        ours, theirs = prepared(convention=convention), prepared(convention=convention, weights=str(path))
        x = array("coffee")[..., :21, :]
        assert theirs.price == ours.price and theirs.objective(x)[0] == ours.objective(x)[0]
    other = {name: 3 * values for name, values in weights.load().items()}
    weights.save(tmp_path / "other", other)
    assert prepared(weights=str(tmp_path / "other")).price != prepared().price


def test_with_larger_features_the_same_balance_and_the_same_price_in_content(monkeypatch):
    """Features k times as large: the content's term is k^2, the style's k^4 times as large; 1x goes with it."""
    ours, k = prepared(style_layers="relu2_1"), 10.0
    net, about = ingredients.network("vgg19-normalised", "max")
    larger = vgg19({name: k * array if name.startswith("conv2_1") else array for name, array in weights.load().items()})
    monkeypatch.setattr(ingredients, "network", lambda *_: (larger, {**about, "sha256": "0" * 64}))
    theirs = prepared(style_layers="relu2_1")
    mean = net.activations(array("cat"), ["relu2_1"])["relu2_1"].mean()
    assert theirs.style_weight == pytest.approx(ours.style_weight / (k * mean) ** 2, rel=1e-3)
    assert theirs.price == pytest.approx(ours.price * (k * mean) ** 2, rel=1e-3)


def test_the_price_of_what_no_file_can_hold_follows_the_weights():
    default = prepared(style_layers={"relu1_1": 2})
    values = math.prod(
        ingredients.outputs(ingredients.network("vgg19-normalised", "max")[0], ["relu2_1"], (1, 3, 21, 32))["relu2_1"]
    )
    assert default.price == pytest.approx(OUTSIDE * (1 + default.style_weight / values))
    doubled = prepared(style_layers={"relu1_1": 4}, content_weight=2)
    assert doubled.price == pytest.approx(2 * default.price)
    notebook = CONVENTIONS["gatys-notebook"].in_paper(128, 10 * 16, 21 * 32)
    ours = prepared(convention="gatys-notebook", content_weight=3, style_weight=0)
    net, _ = ingredients.network("vgg19-normalised", "max", "gatys-notebook")
    mean = net.activations(array("cat"), ["relu2_1"])["relu2_1"].mean()
    assert ours.price == pytest.approx(OUTSIDE * 3 * mean**2 * notebook[0], rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blend": "1,2"}, "blend: 2 weights for 1 style; one for each was expected"),
        ({"mask": ["none", "none"]}, "mask: 2 masks for 1 style; .* none stands for everywhere, rest for"),
        ({"style_mask": []}, "style_mask: 0 masks for 1 style"),
        ({"mask": "missing.png"}, "mask: .*missing.png"),
        ({"mask": "rest"}, "mask: .*no other"),
        ({"style_mask": np.zeros((5, 5))}, "style_mask: .*black everywhere"),
        ({"style_layers": "relu1_11"}, "style_layers: .*relu1_1"),
        ({"preset": "fastt"}, "preset: 'fastt' is unknown; did you mean 'fast'"),
        ({"init": "missing.png"}, "init: .*missing.png.*content, noise or a picture"),
    ],
)
def test_what_does_not_fit_names_the_setting(settings, message):
    with pytest.raises(SettingsError, match=message):
        prepared(**settings)


def test_facts_name_every_picture(tmp_path):
    pictures.write(tmp_path / "m.png", np.ones((8, 8, 3)))
    settings = Settings.of(mask=[str(tmp_path / "m.png"), "rest"], init=array("cat")[0].transpose(1, 2, 0), **QUICK)
    facts = Ingredients("cat", ["auvers", "great_wave"], settings).facts()
    assert [style["name"] for style in facts["style"]] == ["auvers.jpg", "great_wave.jpg"]
    assert facts["mask"][0]["name"] == "m.png" and facts["mask"][1] == "rest"
    assert facts["init"]["name"] is None and len(facts["init"]["sha256"]) == 64
    assert isinstance(Ingredients("cat", "auvers", Settings.of(**QUICK)).facts()["style"], dict)
