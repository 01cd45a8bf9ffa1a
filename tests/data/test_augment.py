"""Augmentation: held against SciPy's interpolation, and against what can be seen without it."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates, rotate

from nnbasics import SGD, CrossEntropyLoss, Flatten, Linear, Sequential
from nnbasics.data.augment import bilinear, crop, flip, sometimes, wobble
from nnbasics.training import fit


def test_between_pixels_as_scipy_has_it(rng):
    x = rng.random((3, 2, 7, 9))
    rows, columns = rng.uniform(-3, 10, (3, 5, 4)), rng.uniform(-3, 12, (3, 5, 4))
    y = bilinear(x, rows, columns)
    assert y.shape == (3, 2, 5, 4)
    for n, c in np.ndindex(3, 2):
        expected = map_coordinates(np.pad(x[n, c], 4), [rows[n] + 4, columns[n] + 4], order=1)
        np.testing.assert_allclose(y[n, c], expected, atol=1e-12)


def test_nothing_asked_nothing_done(rng):
    x = rng.random((4, 1, 28, 28)).astype(np.float32)
    y = wobble()(x, rng)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x, atol=1e-6)


class Fixed:
    """A generator whose uniform draws are all at the upper end."""

    def uniform(self, low, high, size):
        return np.full(size, float(high))


def test_a_turn_is_scipys_turn(rng):
    x = np.pad(rng.random((1, 1, 9, 9)), [(0, 0), (0, 0), (6, 6), (6, 6)])
    turned = wobble(degrees=30)(x, Fixed())[0, 0]
    np.testing.assert_allclose(turned, rotate(x[0, 0], -30, reshape=False, order=1), atol=1e-12)


def test_a_whole_shift_moves_the_pixels():
    x = np.zeros((2, 1, 6, 6))
    x[:, :, 2, 3] = 1
    y = wobble(shift=2)(x, Fixed())
    assert y[0, 0, 4, 5] == pytest.approx(1) and y.sum() == pytest.approx(2)


def test_twice_as_large_is_four_times_as_much_ink():
    x = np.zeros((1, 1, 24, 24))
    x[:, :, 9:15, 9:15] = 1
    y = wobble(scale=1)(x, Fixed())
    assert y.sum() == pytest.approx(4 * 36, rel=0.01)
    np.testing.assert_allclose(y, y[:, :, ::-1, ::-1])


def test_each_picture_by_itself_and_the_seed_decides(rng):
    x = np.broadcast_to(rng.random((1, 1, 8, 8)), (5, 1, 8, 8))
    augment = wobble(15, 0.2, 2)
    y, again = augment(x, np.random.default_rng(1)), augment(x, np.random.default_rng(1))
    np.testing.assert_array_equal(y, again)
    assert len({picture.tobytes() for picture in y}) == 5


def test_crops_are_moved_pictures(rng):
    x = rng.random((40, 3, 5, 6)).astype(np.float32)
    y = crop(2)(x, rng)
    padded, places = np.pad(x, [(0, 0), (0, 0), (2, 2), (2, 2)]), set()
    for picture, whole in zip(y, padded, strict=True):
        found = [(i, j) for i, j in np.ndindex(5, 5) if np.array_equal(whole[:, i : i + 5, j : j + 6], picture)]
        assert len(found) == 1
        places.update(found)
    assert {i for i, _ in places} == {j for _, j in places} == set(range(5))


def test_half_of_the_pictures_are_mirrored(rng):
    x = rng.random((200, 2, 3, 4)).astype(np.float32)
    y = flip(x, rng)
    mirrored = np.array([np.array_equal(a, b[:, :, ::-1]) for a, b in zip(y, x, strict=True)])
    same = np.array([np.array_equal(a, b) for a, b in zip(y, x, strict=True)])
    assert (mirrored ^ same).all() and 70 < mirrored.sum() < 130


def test_some_are_changed_and_the_others_stay(rng):
    x = rng.random((300, 1, 4, 4)).astype(np.float32)
    before = x.copy()
    y = sometimes(0.3, lambda some, rng: some + 1)(x, rng)
    changed = (y != x).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(y[~changed], x[~changed])
    np.testing.assert_array_equal(y[changed], x[changed] + 1)
    assert 60 < changed.sum() < 120
    np.testing.assert_array_equal(x, before)


def test_fit_augments_every_mini_batch_anew(rng):
    seen, x = [], rng.random((6, 1, 4, 4)).astype(np.float32)

    def augment(batch, generator):
        seen.append((len(batch), generator.random()))
        return batch * 0

    net = Sequential(Flatten(), Linear(16, 2, rng=0))
    fit(net, x, np.array([0, 1] * 3), loss=CrossEntropyLoss(), optimizer=SGD(0.1), epochs=2, batch_size=4,
        augment=augment)  # fmt: skip
    assert [count for count, _ in seen] == [4, 2, 4, 2]
    assert len({draw for _, draw in seen}) == 4
    assert not net.grads["1.weight"].any()  # it was trained on what augment returned
