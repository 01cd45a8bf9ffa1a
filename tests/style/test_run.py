"""A whole run from Python: pictures of every kind in, the painted one out."""

import functools
import itertools

import numpy as np
import pytest
from PIL import Image

from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError, SettingsError, UserError
from nnbasics.optimizers import Diverged
from nnbasics.style import Objective, Run, Settings, ingredients, stylize
from nnbasics.style.progress import duration

QUICK = {"size": 32, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    """Loading the weights again for every run would be most of the time that these tests take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingredients, "network", functools.cache(ingredients.network))
        yield


def noise(shape=(40, 48, 3), seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("init", ["content", "noise"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_every_way_downhill_from_every_start(optimizer, init):
    result = stylize("cat", "auvers", iterations=12, optimizer=optimizer, init=init, **QUICK)
    assert result.image.shape == (21, 32, 3) and result.image.dtype == np.float32
    assert result.image.min() >= 0 and result.image.max() <= 1
    assert len(result.losses) == 13 and result.losses[-1] < 0.9 * result.losses[0]
    assert not result.stopped


@pytest.mark.parametrize("init", ["content", "noise"])
def test_plain_gradient_descent_falls_at_every_step(init):
    losses = stylize("cat", "auvers", iterations=40, optimizer="gradient-descent", init=init, **QUICK).losses
    assert all(b < a for a, b in itertools.pairwise(losses))


def test_plain_gradient_descent_is_the_seminars_line():
    """x := x - lambda dL/dx, written out."""
    settings = Settings(iterations=3, optimizer="gradient-descent", learning_rate=1e-6, init="noise", **QUICK)
    run = Run("cat", "auvers", settings)
    x = run.walk.start.copy()
    for _ in range(3):
        x = x - np.float32(1e-6) * run.objective(x)[1]
    for _ in run:
        pass
    np.testing.assert_allclose(run.result.image, np.clip(x[0].transpose(1, 2, 0), 0, 1), atol=1e-6)


def test_noise_is_the_same_for_the_same_seed_and_only_then():
    first, again, other = (
        stylize("cat", "auvers", iterations=1, init="noise", seed=seed, **QUICK).image for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.02


def test_the_same_run_twice_has_the_same_bits():
    first, again = (stylize("cat", "auvers", iterations=8, **QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.losses == again.losses


def test_no_iterations_is_the_start_itself():
    result = stylize("cat", "auvers", iterations=0, **QUICK)
    np.testing.assert_allclose(result.image, pictures.resize(pictures.read("cat"), 32), atol=1e-6)
    assert len(result.losses) == 1


def test_without_style_the_content_is_its_own_optimum_and_a_given_start_is_taken():
    start = noise((21, 32, 3))
    result = stylize("cat", "auvers", init=start, iterations=0, **QUICK)
    np.testing.assert_allclose(result.image, start, atol=1e-6)
    with pytest.warns(UserWarning, match="no lower point"):
        result = stylize("cat", "auvers", style_weight=0, iterations=3, **QUICK)
    assert result.losses == [0]


def test_pictures_may_be_files_names_pillow_images_and_arrays(tmp_path):
    array = (noise() * 255).astype(np.uint8)
    image = Image.fromarray(array)
    image.save(tmp_path / "in.png")
    style = noise(seed=1)
    runs = [
        stylize(content, style, iterations=2, **QUICK)
        for content in (array, image, tmp_path / "in.png", str(tmp_path / "in.png"))
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.image, runs[0].image)
    assert runs[0].image.shape == (27, 32, 3)
    assert runs[2].metadata["content"]["name"] == "in.png" and runs[0].metadata["content"]["name"] is None


def test_the_losses_are_the_objectives_for_the_weights_that_were_given():
    result = stylize("cat", "auvers", iterations=0, content_weight=2, style_weight=3e4, init="noise", **QUICK)
    run = Run("cat", "auvers", Settings(init="noise", **QUICK))
    content, style = (
        np.ascontiguousarray(pictures.resize(pictures.read(name), 32).transpose(2, 0, 1)[None])
        for name in ("cat", "auvers")
    )
    objective = Objective(
        run.net,
        content,
        style,
        content_weight=2,
        style_weight=3e4,
        content_layers={"relu2_1": 1},
        style_layers={"relu1_1": 1, "relu2_1": 1},
    )
    np.testing.assert_allclose(result.losses[0], objective(run.walk.start)[0], rtol=1e-5)


def test_the_default_style_weight_grows_with_the_picture_and_2x_doubles_it():
    weights = {
        (size, word): Run("cat", "auvers", Settings(**{**QUICK, "size": size}, style_weight=word)).style_weight
        for size, word in [(32, "1x"), (32, "2x"), (64, "1x")]
    }
    assert weights[32, "2x"] == 2 * weights[32, "1x"]
    np.testing.assert_allclose(weights[64, "1x"] / weights[32, "1x"], 4, rtol=0.1)
    assert Run("cat", "auvers", Settings(style_weight=123, **QUICK)).style_weight == 123


def test_the_callback_sees_every_step_and_its_picture():
    seen = []
    result = stylize("cat", "auvers", seen.append, iterations=3, **QUICK)
    assert [state.iteration for state in seen] == [0, 1, 2, 3]
    assert [state.loss for state in seen] == result.losses
    np.testing.assert_array_equal(seen[-1].image, result.image)
    assert np.abs(seen[0].image - seen[-1].image).max() > 0


def test_an_interrupted_run_returns_the_picture_so_far():
    def stop(state):
        if state.iteration == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted after 2 of 50"):
        result = stylize("cat", "auvers", stop, iterations=50, **QUICK)
    assert len(result.losses) == 3 and "interrupted" in result.stopped


def test_a_saved_picture_carries_its_settings(tmp_path):
    result = stylize("cat", "auvers", iterations=2, **QUICK)
    for name in ("out.png", "out.jpg", "out.webp", "out.tif"):
        result.save(tmp_path / name)
        assert pictures.metadata(tmp_path / name)["settings"]["style_layers"] == {"relu1_1": 1.0, "relu2_1": 1.0}
    saved = pictures.read(tmp_path / "out.png")
    np.testing.assert_allclose(saved, result.image, atol=0.51 / 255)
    with pytest.raises(PictureError, match="exists"):
        result.save(tmp_path / "out.png", overwrite=False)


@pytest.mark.parametrize("bad", [noise((10, 10, 3)), noise((1, 5000, 3)), noise((300, 8, 3)), "missing.png", 7])
def test_pictures_that_cannot_be_used_are_refused(bad):
    for pair in ((bad, "auvers"), ("cat", bad)):
        with pytest.raises(PictureError):
            stylize(*pair, iterations=1, **QUICK)


def test_no_style_at_all_is_refused():
    with pytest.raises(UserError, match="no style picture is given"):
        stylize("cat", [], iterations=1, **QUICK)


def test_masks_of_booleans_are_masks_in_a_run_too():
    mask = np.arange(40) < 20
    found = [stylize("cat", "auvers", mask=[each], iterations=2, **QUICK) for each in (mask[None], mask[None] * 1.0)]
    np.testing.assert_array_equal(*[each.image for each in found])
    assert found[0].metadata["mask"] == found[1].metadata["mask"]


def test_a_picture_too_narrow_for_the_deepest_layer_is_refused_with_what_to_do():
    with pytest.raises(PictureError, match=r"the content picture, 400 x 20 pixels, becomes 64 x 3 .* larger size"):
        stylize(noise((20, 400, 3)), "auvers", size=64)


def test_unknown_settings_and_layers_are_refused():
    with pytest.raises(SettingsError, match="did you mean 'iterations'"):
        stylize("cat", "auvers", iteration=3)
    with pytest.raises(SettingsError, match=r"style_layers: .*relu2_11.*did you mean"):
        stylize("cat", "auvers", size=32, style_layers="relu2_11")


class Spoiled:
    """An objective whose gradient has a NaN from some evaluation on."""

    def __init__(self, objective, after):
        self.objective, self.left = objective, after

    def evaluate(self, x):
        terms, gradient = self.objective.evaluate(x)
        self.left -= 1
        if self.left < 0:
            gradient = gradient.copy()
            gradient.flat[0] = np.nan
        return terms, gradient


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_a_gradient_that_is_not_finite_ends_the_run_with_the_last_good_picture(optimizer):
    run = Run("cat", "auvers", Settings(optimizer=optimizer, learning_rate=1e-5, iterations=9, **QUICK))
    run.walk.objective = Spoiled(run.objective, 4)
    states = list(run)
    assert 1 < len(states) < 9
    assert "not finite" in run.stopped or "no lower point" in run.stopped
    np.testing.assert_array_equal(run.result.image, states[-1].image)
    assert np.isfinite(run.result.image).all() and np.isfinite(run.losses).all()


def test_a_gradient_that_is_not_finite_from_the_start_is_an_error():
    run = Run("cat", "auvers", Settings(**QUICK))
    run.walk.objective = Spoiled(run.objective, 0)
    with pytest.raises(Diverged, match=r"not finite.*try"):
        list(run)


def test_the_bar_shows_steps_and_loss_and_is_not_shown_unasked_where_nobody_watches(capsys):
    stylize("cat", "auvers", iterations=2, progress=True, **QUICK)
    said = capsys.readouterr().err
    assert "2/2" in said and "loss " in said
    stylize("cat", "auvers", iterations=2, **QUICK)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_are_said_as_a_person_would(seconds, words):
    assert duration(seconds) == words


def test_errors_are_the_users_and_so_are_caught_together():
    assert issubclass(Diverged, UserError) and issubclass(UserError, ValueError)
