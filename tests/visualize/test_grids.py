"""Grids of filters and maps: what stands where, and how bright it is."""

import numpy as np
import pytest

from nnbasics.errors import UserError
from nnbasics.visualize import filter_grid, grid, map_grid


def test_tiles_stand_in_rows_with_gaps():
    tiles = np.arange(5)[:, None, None] / 10 * np.ones((1, 2, 3))
    whole = grid(tiles, columns=3)
    assert whole.shape == (5, 11)
    assert whole[0, 0] == 0 and whole[0, 4] == np.float32(0.1) and whole[3, 4] == np.float32(0.4)
    assert np.all(whole[2] == 1) and np.all(whole[3:, 8:] == 1)


def test_as_many_columns_as_rows():
    assert grid(np.zeros((9, 1, 1)), gap=0).shape == (3, 3)
    assert grid(np.zeros((2, 4, 4, 3)), gap=0, columns=10).shape == (4, 8, 3)


def test_filters_in_colour_keep_their_signs():
    weight = np.zeros((2, 3, 1, 1), np.float32)
    weight[0, :, 0, 0] = [2, 0, -1]
    picture = filter_grid(weight, columns=1)
    np.testing.assert_allclose(picture[0, 0], [1, 0.5, 0.25])
    np.testing.assert_allclose(picture[2, 0], 0.5)


def test_filters_over_one_and_many_channels():
    np.testing.assert_allclose(filter_grid(np.array([-4.0, 2.0]).reshape(1, 1, 1, 2)), [[0, 0.75]])
    weight = np.zeros((1, 4, 1, 2), np.float32)
    weight[0, :, 0, 0], weight[0, 0, 0, 1] = 1, 1
    np.testing.assert_allclose(filter_grid(weight), [[1, 0.5]])


def test_maps_go_from_their_smallest_to_their_largest():
    maps = np.array([[[1.0, 3.0]], [[-2.0, -2.0]], [[0.0, 8.0]]])
    picture = map_grid(maps[None], columns=1, most=2)
    np.testing.assert_allclose(picture, [[0, 1], [1, 1], [0, 0]])


@pytest.mark.parametrize("draw, shape", [(grid, (3, 3)), (filter_grid, (3, 3)), (map_grid, (2, 3, 4, 4))])
def test_other_shapes_are_refused(draw, shape):
    with pytest.raises(UserError, match="was expected"):
        draw(np.zeros(shape))
