"""The walk's coordinates: the same function, with a gradient that is one, in which a walk gets further."""

import itertools

import numpy as np
import pytest
from scipy.optimize import check_grad

from nnbasics.optimizers import LBFGS, descend
from nnbasics.style import Run, Settings
from nnbasics.style.cosine import Cosine


def test_the_origin_is_the_start_to_the_bit():
    x = np.random.default_rng(0).random((1, 3, 11, 14), dtype=np.float32)
    coordinates = Cosine(x)
    np.testing.assert_array_equal(coordinates.picture(coordinates.origin), x)


@pytest.mark.parametrize("shape", [(1, 3, 5, 8), (1, 3, 1, 7), (1, 3, 2, 1)])
def test_the_gradient_is_that_of_the_function_of_the_coordinates(shape):
    rng = np.random.default_rng(0)
    start, target = rng.random((2, *shape))
    of_coordinates = Cosine(start).within(lambda x: (float(np.sum((x - target) ** 4)), 4 * (x - target) ** 3))

    def flat(part):
        return lambda u: np.ravel(of_coordinates(u.reshape(shape))[part])

    u = 0.1 * rng.random(start.size)
    assert check_grad(lambda u: flat(0)(u)[0], flat(1), u) < 1e-5 * np.linalg.norm(flat(1)(u))


def test_a_step_moves_the_large_more_than_the_fine_and_of_the_large_brightness_more_than_colour():
    start = np.zeros((1, 3, 64, 64))
    coordinates = Cosine(start)

    def moved(place, channels):
        u = coordinates.origin
        u[0, :, place, 0] = np.array(channels) / np.linalg.norm(channels)
        return np.linalg.norm(coordinates.picture(u))

    grey, colour = ([moved(place, channels) for place in (0, 4, 16, 63)] for channels in ((1, 1, 1), (1, 0, -1)))
    assert grey == sorted(grey, reverse=True) and grey[0] > 4 * grey[-1]
    assert colour == sorted(colour, reverse=True) and colour[0] > 2 * colour[-1]
    assert grey[0] > 1.5 * colour[0] and grey[-1] < 1.1 * colour[-1]


def test_a_walk_gets_as_low_in_four_fifths_of_the_evaluations():
    settings = Settings(size=96, style_layers="relu1_1,relu2_1,relu3_1", content_layers="relu3_2")
    run = Run("cat", "starry_night", settings)
    function, start = run.walk._evaluate, run.walk.start
    plain = list(itertools.islice(descend(function, start, LBFGS()), 101))[-1]
    coordinates = Cosine(start)
    walk = descend(coordinates.within(function), coordinates.origin, LBFGS())
    first = next(step for step in walk if step.loss <= plain.loss)
    assert first.evaluations < 0.8 * plain.evaluations
