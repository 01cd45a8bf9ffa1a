"""Eigenfaces on drawn faces: told from other pictures, and rebuilt behind what hides them."""

import numpy as np
import pytest

from nnbasics.errors import UserError
from nnbasics.linalg import PCA, Eigenfaces


def blob(y, x, width, size=25):
    rows, columns = np.mgrid[:size, :size]
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / width**2)


def draw_faces(count, rng):
    """Grey heads with two eyes and a mouth, lit from the left or right, that smile, squint and differ in shape."""
    faces = []
    for light, squint, smile, jaw, level in rng.uniform(-1, 1, (count, 5)):
        head = 0.6 * blob(12, 12, 11 + jaw) + 0.1 * light * np.linspace(-1, 1, 25)
        eyes = (0.4 + 0.15 * squint) * (blob(9, 7, 2) + blob(9, 17, 2))
        mouth = 0.3 * sum(blob(18 - smile * abs(x - 12) / 3, x, 1.5) for x in range(8, 17, 2))
        faces.append(0.3 + 0.1 * level + head - eyes - mouth + 0.01 * rng.standard_normal((25, 25)))
    return np.array(faces)


@pytest.fixture
def space(rng):
    return Eigenfaces(6).fit(draw_faces(80, rng))


def test_new_faces_are_faces_and_other_things_are_not(space, rng):
    faces = draw_faces(100, rng)
    assert 0.85 <= space.is_face(faces).mean() <= 1  # 95% pass by construction of the threshold
    rows, columns = np.mgrid[:25, :25]
    others = [
        rng.standard_normal((25, 25)),
        faces[0][::-1],  # upside down
        faces[0][:, rng.permutation(25)],
        (rows + columns) % 2 / 2,
        np.sin(rows / 2) * np.cos(columns / 3),
        np.full((25, 25), 0.5),
        np.zeros((25, 25)),
    ]
    assert not space.is_face(np.array(others)).any()
    assert space.distance(np.array(others)).min() > 2 * space.threshold
    assert np.isinf(space.distance(np.full((25, 25), 0.3)))


def test_distance_does_not_depend_on_contrast_of_the_whole_gallery(rng):
    """The measure is relative: a gallery in 0 ... 255 says the same as one in 0 ... 1."""
    gallery, new = draw_faces(40, rng), draw_faces(10, rng)
    small, large = Eigenfaces(4).fit(gallery), Eigenfaces(4).fit(255 * gallery)
    np.testing.assert_allclose(small.distance(new), large.distance(255 * new))
    np.testing.assert_allclose(small.threshold, large.threshold)


def test_an_occluded_face_is_rebuilt(space, rng):
    faces = draw_faces(20, rng)
    hidden = np.zeros((25, 25), bool)
    hidden[14:22, 5:20] = True  # the mouth
    masked = np.where(hidden, 1.0, faces)
    rebuilt = space.rebuild(masked, occluded=hidden)

    def error(pictures):
        return np.sqrt(np.mean((pictures - faces)[:, hidden] ** 2))

    np.testing.assert_array_equal(rebuilt[:, ~hidden], faces[:, ~hidden])
    assert error(rebuilt) < 0.05 < 0.3 < error(masked)
    assert error(rebuilt) < error(np.broadcast_to(space.mean, faces.shape))
    assert error(rebuilt) < error(space.rebuild(masked)) / 2  # the plain projection believes the mask


def test_a_face_of_the_space_comes_back_exactly_from_a_few_pixels(space, rng):
    """Least squares from more pixels than numbers: nothing is lost where nothing was outside the space."""
    exact = space.mean + np.tensordot(rng.standard_normal(6), space.faces, 1)
    seen = np.zeros((25, 25), bool)
    seen[8:12] = True
    np.testing.assert_allclose(space.rebuild(np.where(seen, exact, 9.0), occluded=~seen), exact, atol=1e-8)
    np.testing.assert_allclose(space.rebuild(exact), exact, atol=1e-12)


def test_the_space_is_the_pca_of_the_pixels(rng):
    faces = draw_faces(30, rng)
    space, pca = Eigenfaces(5).fit(faces), PCA(5).fit(faces.reshape(30, -1))
    np.testing.assert_allclose(space.faces.reshape(5, -1), pca.components_)
    np.testing.assert_allclose(space.transform(faces), pca.transform(faces.reshape(30, -1)))
    np.testing.assert_allclose(space.transform(faces[3]), space.transform(faces)[3])
    gap = faces[3] - space.rebuild(faces[3])
    np.testing.assert_allclose(
        space.distance(faces[3]), np.linalg.norm(gap) / np.linalg.norm(faces[3] - faces[3].mean())
    )


def test_pictures_need_not_be_square(rng):
    faces = draw_faces(20, rng)[:, 2:20]
    assert Eigenfaces(3).fit(faces.astype(np.float32)).rebuild(faces).shape == (20, 18, 25)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda space: Eigenfaces(2).distance(np.ones((25, 25))), "there is no face space yet"),
        (lambda space: Eigenfaces(8).fit(np.ones((10, 5, 5))), "at most 7 eigenfaces"),
        (lambda space: Eigenfaces(2).fit(np.ones((4, 5, 5))), "give more faces"),
        (lambda space: Eigenfaces(2).fit(np.ones((9, 25))), r"faces has shape \(9, 25\); \(n, h, w\)"),
        (lambda space: space.distance(np.ones((24, 25))), "faces here are 25x25"),
        (lambda space: space.rebuild(np.ones((25, 25)), occluded=np.ones((25, 25))), "bool of"),
        (lambda space: space.rebuild(np.ones((25, 25)), occluded=np.ones((25, 25), bool)), "0 pixels can be seen"),
    ],
)
def test_refused(space, call, message):
    with pytest.raises(UserError, match=message):
        call(space)
