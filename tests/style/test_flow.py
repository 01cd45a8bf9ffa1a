"""Optical flow: pictures that were moved by a known way."""

import numpy as np
import pytest

from nnbasics.data import picture as pictures
from nnbasics.style.flow import flow, trust, warp


@pytest.fixture(scope="module")
def photograph():
    return pictures.resize(pictures.read("china"), 260)


@pytest.mark.parametrize("move", [(0, 0), (3, -2), (-7, 11), (0, 20)])
def test_a_shift_is_found(photograph, move):
    top, left = 25, 30
    before = photograph[top : top + 120, left : left + 180]
    after = photograph[top + move[0] : top + move[0] + 120, left + move[1] : left + move[1] + 180]
    moved = flow(before, after)
    assert moved.shape == (120, 180, 2)
    np.testing.assert_allclose(np.median(moved, axis=(0, 1)), move)
    assert np.mean(np.abs(moved - move).max(axis=2) < 0.5) > 0.7
    if move != (0, 0):
        assert np.abs(warp(before, moved) - after).mean() < 0.25 * np.abs(before - after).mean()


def test_two_parts_move_two_ways(photograph):
    before = photograph[20:116, 20:180].copy()
    after = before.copy()
    after[:, :80] = photograph[20:116, 24:104]  # the left half by 4 columns
    moved = flow(before, after)
    np.testing.assert_allclose(np.median(moved[16:80, 16:56], axis=(0, 1)), (0, 4))
    np.testing.assert_allclose(np.median(moved[16:80, 104:144], axis=(0, 1)), (0, 0))


@pytest.mark.parametrize("shape", [(16, 16), (17, 40), (33, 95)])
def test_any_size(rng, shape):
    picture = rng.random((*shape, 3)).astype(np.float32)
    np.testing.assert_array_equal(flow(picture, picture), 0)


def test_warp_is_exact_for_whole_steps(rng):
    picture = rng.random((10, 12, 3)).astype(np.float32)
    moved = np.broadcast_to(np.float32([1, -2]), (10, 12, 2))
    np.testing.assert_allclose(warp(picture, moved)[:9, 2:], picture[1:, :10], atol=1e-6)


def test_warp_between_pixels_is_linear():
    picture = np.linspace(0, 1, 11, dtype=np.float32)[None, :, None] * np.ones((4, 1, 3), np.float32)
    moved = np.broadcast_to(np.float32([0, 0.5]), (4, 11, 2))
    np.testing.assert_allclose(warp(picture, moved)[:, :10], picture[:, :10] + 0.05, atol=1e-6)


def test_trust_is_for_what_agrees(photograph):
    before = photograph[20:116, 20:180]
    after = before.copy()
    after[40:60, 40:60] = 1 - after[40:60, 40:60]  # something new
    trusted = trust(before, after, np.zeros((96, 160, 2), np.float32))
    assert trusted[:40].min() == 1
    assert np.median(trusted[40:60, 40:60]) < 0.2
    outside = trust(before, before, np.broadcast_to(np.float32([0, 200]), (96, 160, 2)))
    assert outside.max() == 0
