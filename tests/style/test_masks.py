"""Masks: files of any size to weights, weights to guidance channels, and what each style then counts."""

import numpy as np
import pytest
from PIL import Image

from nnbasics.errors import PictureError
from nnbasics.style import masks


def half(height, width):
    mask = np.zeros((height, width), np.float32)
    mask[:, : width // 2] = 1
    return mask


@pytest.mark.parametrize("size", [(20, 30), (7, 9), (200, 450)])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P"])
def test_a_file_of_any_size_and_kind_becomes_weights(tmp_path, size, mode):
    picture = Image.fromarray((half(*size) * 255).astype(np.uint8)).convert(mode)
    picture.save(tmp_path / "mask.png")
    (mask,) = masks.read([tmp_path / "mask.png"], 20, 30)
    assert mask.shape == (20, 30) and 0 <= mask.min() and mask.max() <= 1
    np.testing.assert_allclose(mask.mean(), half(*size).mean(), atol=0.03)
    assert mask[:, :10].min() > 0.98 and mask[:, 20:].max() < 0.02


def test_grey_is_a_weight_and_arrays_are_masks_too():
    grey = np.full((6, 8), 0.25)
    np.testing.assert_allclose(masks.read([grey], 12, 16)[0], 0.25, atol=1e-6)
    np.testing.assert_array_equal(masks.read([half(6, 8) > 0], 6, 8)[0], half(6, 8))


def test_the_rest_is_what_the_others_leave_and_none_is_everywhere(tmp_path):
    soft = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
    first, everywhere, second, rest = masks.read([soft, None, half(6, 8), "rest"], 6, 8)
    assert everywhere is None and masks.read(["none"], 6, 8) == [None]
    np.testing.assert_allclose(rest, 1 - np.maximum(first, second))


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([np.zeros((6, 8))], "black everywhere"),
        (["rest"], "no other"),
        ([np.ones((6, 8)), "rest"], "nothing is left for 'rest': the other masks are white everywhere"),
        (["sky.png"], "'sky.png' does not exist: .* white where the style counts, .* or rest, or none"),
        (["rset", None], "'rset' does not exist: .* or rest, or none"),
    ],
)
def test_masks_of_nothing_are_refused(sources, message):
    with pytest.raises(PictureError, match=message):
        masks.read(sources, 6, 8)


def test_a_channel_is_the_mask_in_the_layers_size_with_as_many_squares_as_positions(rng):
    mask = rng.random((8, 12)).astype(np.float32)
    t = masks.channel(mask, 4, 6)
    assert np.sum(t**2) == pytest.approx(24)
    means = mask.reshape(4, 2, 6, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(t / means, t[0, 0] / means[0, 0], rtol=1e-5)
    np.testing.assert_allclose(masks.channel(np.ones((9, 7), np.float32), 4, 3), 1)


def test_shares_are_areas_and_relative_weights():
    left = half(6, 8)
    assert masks.shares([1, 1], [None, None]) == [0.5, 0.5]
    assert masks.shares([3, 1], [None, None]) == [0.75, 0.25]
    assert masks.shares([5], [left]) == [0.5]
    assert masks.shares([1, 1], [left, 1 - left]) == [0.5, 0.5]
    assert masks.shares([1, 3], [left, 1 - left]) == [0.25, 0.75]
    assert masks.shares([1, 1], [left, left]) == [0.25, 0.25]
    assert masks.shares([1, 0], [left, None]) == [0.5, 0]
