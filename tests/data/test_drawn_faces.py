"""Drawn faces: each trait does what it is called, and they are told from what is no face."""

import numpy as np
import pytest

from nnbasics.data.drawn_faces import TRAITS, drawn, face
from nnbasics.errors import UserError
from nnbasics.linalg import PCA, Eigenfaces

MIDDLE = face()


def test_pictures_like_those_of_the_real_faces():
    faces, others = drawn(20, rng=0)
    for pictures in (faces, others):
        assert pictures.shape == (20, 25, 25) and pictures.dtype == np.float32
        assert 0 <= pictures.min() and pictures.max() <= 1
    np.testing.assert_array_equal(faces, drawn(20, rng=0)[0])
    assert not np.array_equal(faces, drawn(20, rng=1)[0])


def test_the_face_in_the_middle_is_symmetric():
    np.testing.assert_allclose(MIDDLE, MIDDLE[:, ::-1], atol=1e-12)


@pytest.mark.parametrize("name", TRAITS)
def test_every_trait_is_seen(name):
    mean, spread = TRAITS[name]
    low, high = face(**{name: mean - spread}), face(**{name: mean + spread})
    assert abs(high - low).max() > 0.02


def darkest(picture, rows, columns):
    """Row and column of the darkest pixel of a part."""
    part = picture[rows, columns]
    row, column = np.unravel_index(part.argmin(), part.shape)
    return row + rows.start, column + columns.start


UPPER, LOWER, LEFT, RIGHT = slice(4, 14), slice(16, 22), slice(3, 12), slice(13, 22)


def test_eyes_go_where_they_are_put():
    for side, sign in ((LEFT, -1), (RIGHT, 1)):
        row, column = darkest(face(eyes_x=0.5, brow_darkness=0), UPPER, side)
        row_before, column_before = darkest(face(brow_darkness=0), UPPER, side)
        assert row == row_before and sign * (column - column_before) > 1
    assert darkest(face(eyes_y=0.0, brow_darkness=0), UPPER, LEFT)[0] > row_before + 1


def test_light_comes_from_a_side():
    lit = face(light=0.3)
    assert lit[12:18, 15:20].mean() > 1.2 * lit[12:18, 5:10].mean()


def test_a_smile_goes_up_at_its_ends():
    """Darker above the line of the mouth, at its ends, and lighter below; the reverse for a sad one."""
    change = face(smile=1.5) - face(smile=-1.5)
    for ends in (slice(8, 10), slice(15, 17)):
        assert change[17:19, ends].max() < 0 < change[20:23, ends].min()


def test_a_face_space_of_them_knows_new_ones_and_refuses_other_things():
    faces, others = drawn(200, rng=0)
    space = Eigenfaces(10).fit(faces[:150])
    assert space.is_face(faces[150:]).mean() > 0.85
    assert space.is_face(others).mean() < 0.05


def test_25_traits_are_no_25_directions():
    """Traits move pixels, not only grey values, so components beyond the 25th are small but there."""
    shares = PCA().fit(drawn(200, rng=0)[0].reshape(200, -1)).explained_variance_ratio_
    assert shares[:25].sum() > 0.95 and shares[25:].sum() > 0.001


def test_no_face_is_refused():
    with pytest.raises(UserError, match="count=0"):
        drawn(0)
