"""Coarse to fine: what is enlarged is the same picture, what was learned still holds, and a run is one run."""

import itertools
import weakref

import numpy as np
import pytest

from nnbasics.errors import CheckpointError, SettingsError
from nnbasics.optimizers import LBFGS, descend
from nnbasics.style import Run, Settings, stylize
from nnbasics.style.cosine import Cosine
from nnbasics.style.pyramid import carried, enlarged

QUICK = {"size": 48, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1", "pyramid": "24:3,32:4"}


def waves(height, width):
    """A picture of low cosines, the same at every size."""
    rows, columns = (np.pi * (np.arange(n) + 0.5) / n for n in (height, width))
    plane = 0.4 + 0.2 * np.cos(2 * rows)[:, None] * np.cos(3 * columns) - 0.1 * np.cos(columns)
    return np.stack([plane, 2 * plane, 1 - plane])[None]


def test_a_picture_of_low_frequencies_is_enlarged_exactly():
    np.testing.assert_allclose(enlarged(waves(12, 15), 31, 40), waves(31, 40), atol=1e-12)


def test_what_was_learned_in_the_small_is_the_curvature_in_the_large():
    """A sum over positions, weighted frequency by frequency, is the same function at both sizes, but for its scale."""
    rng = np.random.default_rng(0)
    small, large = (Cosine(waves(*size)) for size in ((10, 12), (20, 24)))

    def bowl(coordinates, target):
        from scipy.fft import dctn, idctn

        def function(x):
            c = dctn(x - target, axes=(2, 3), norm="ortho")
            weights = 1 + np.add.outer(np.arange(c.shape[2]), np.arange(c.shape[3]))
            return float(np.sum(weights * c * c)) / 2, idctn(weights * c, axes=(2, 3), norm="ortho")

        return coordinates.within(function)

    target = waves(10, 12) + 0.1 * rng.standard_normal((1, 3, 10, 12))
    optimizer = LBFGS(8)
    steps = list(itertools.islice(descend(bowl(small, target), small.origin, optimizer), 6))
    optimizer._learn(steps[-1].x.ravel(), steps[-1].gradient.ravel())
    other = carried(optimizer, small, large, 1.0)
    assert len(other._order) == len(optimizer._order) == 5
    of_large = bowl(large, enlarged(target, 20, 24))
    for slot, old in enumerate(other._order):
        s = other._rows[old].reshape(large.origin.shape)
        difference = of_large(s)[1] - of_large(large.origin)[1]
        np.testing.assert_allclose(other._rows[old + other._slots].reshape(s.shape), difference, atol=1e-10)
        assert slot == old
    pairs = other._rows[:5], other._rows[other._slots :][:5]
    np.testing.assert_allclose(other._sy[:5, :5], pairs[0] @ pairs[1].T, atol=1e-9)
    np.testing.assert_allclose(other._yy[:5, :5], pairs[1] @ pairs[1].T, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_a_run_counts_through_its_sizes_and_ends_at_the_last(optimizer):
    run = Run("cat", "auvers", Settings(init="noise", iterations=12, optimizer=optimizer, **QUICK))
    states = list(run)
    assert [state.iteration for state in states] == list(range(13))
    assert [row.size for row in run.rows] == [24] * 4 + [32] * 4 + [48] * 5
    assert all(b.evaluations > a.evaluations for a, b in itertools.pairwise(run.rows))
    assert {state.image.shape for state in states} == {(32, 48, 3)} == {run.result.image.shape}
    for size in (24, 32, 48):
        losses = [row.total for row in run.rows if row.size == size]
        assert losses[-1] < losses[0] or optimizer == "adam"  # whose first steps need not fall


def test_the_small_network_is_gone_before_the_large_one_comes():
    run = Run("cat", "auvers", Settings.of(**QUICK, iterations=9))
    networks, kept, at = [weakref.ref(run.objective)], [], run.ingredients.at

    def noted(size):
        assert all(network() is None for network in networks)
        prepared = at(size)
        networks.append(weakref.ref(prepared.objective))
        return prepared

    run.ingredients.at = noted
    for state in run:
        kept.append(state)
    assert len(networks) == 3
    assert kept[0].image.shape == kept[-1].image.shape, "a picture on the way can still be asked for"


def test_a_run_that_ends_on_the_way_has_a_picture_of_full_size():
    result = stylize("cat", "auvers", init="noise", iterations=2, **QUICK)
    assert result.image.shape == (32, 48, 3) and len(result.losses) == 3


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_it_can_be_gone_on_with_from_every_step_also_where_the_size_changes(tmp_path, optimizer):
    given = {"init": "noise", "optimizer": optimizer, **QUICK}
    straight = stylize("cat", "auvers", iterations=10, **given)
    for steps in range(11):
        path = tmp_path / f"c{steps}"
        stylize("cat", "auvers", iterations=steps, checkpoint=path, **given)
        both = stylize("cat", "auvers", iterations=10, checkpoint=path, resume=True, **given)
        np.testing.assert_array_equal(both.image, straight.image)
        assert both.losses == straight.losses
    with pytest.raises(CheckpointError, match="pyramid"):
        stylize("cat", "auvers", iterations=10, checkpoint=path, resume=True, **{**given, "pyramid": "24:3"})


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"size": 600, "init": "noise"}, [75, 150, 300]),
        ({"size": 600, "init": "content"}, []),
        ({"size": 600, "init": "coffee"}, []),
        ({"size": 100, "init": "noise"}, []),
        ({"size": 600, "init": "noise", "pyramid": "none"}, []),
        ({"size": 600, "init": "noise", "pyramid": "90:3"}, [90]),
    ],
)
def test_from_noise_it_begins_small_by_itself(given, sizes):
    run = Run("cat", "auvers", Settings(iterations=2, **given))
    assert list(run.settings.pyramid) == sizes
    assert run.metadata()["settings"]["pyramid"] == run.settings.pyramid


def test_where_it_begins_does_not_depend_on_the_steps():
    """So that a run can be gone on with."""
    few, many = (Run("cat", "auvers", Settings(size=600, init="noise", iterations=n)) for n in (2, 300))
    assert few.settings.pyramid == many.settings.pyramid


@pytest.mark.parametrize("bad", ["128", "256:50,128:50", "128:0", "128:5,128:6", "x:3", "512:5", "8:5", 7])
def test_stages_that_cannot_be_are_refused(bad):
    with pytest.raises(SettingsError, match="pyramid"):
        Settings(size=512, pyramid=bad)
    assert Settings(pyramid="none").pyramid == {} == Settings(pyramid={}).pyramid
    assert Settings(pyramid={"128": 5}).pyramid == {128: 5}
