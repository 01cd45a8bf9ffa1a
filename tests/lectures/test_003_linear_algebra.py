"""Every statement of Deep Learning 2 on linear algebra: least squares, the SVD, projections, PCA, many dimensions."""

import numpy as np
import pytest

from nnbasics.data import digits, drawn_faces
from nnbasics.linalg import (
    PCA,
    Eigenfaces,
    angle_spread,
    column_space,
    compact_svd,
    inner_products,
    least_squares,
    project,
    projection,
    pseudo_inverse,
)


@pytest.fixture(params=["full rank", "rank deficient"])
def problem(rng, request):
    """A (6, 4) and b."""
    rank = 4 if request.param == "full rank" else 2
    return rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 4)), rng.standard_normal(6)


def test_the_gradient_of_the_squares(rng):
    """f = x'A'Ax - 2b'Ax + b'b has the gradient 2A'Ax - 2A'b."""
    A, b, x = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal(3)

    def f(x):
        return x @ A.T @ A @ x - 2 * b @ A @ x + b @ b

    assert f(x) == pytest.approx(np.sum((A @ x - b) ** 2))
    quotients = [(f(x + h) - f(x - h)) / 2e-5 for h in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(2 * A.T @ A @ x - 2 * A.T @ b, quotients, atol=1e-7)


def test_the_normal_equations_and_the_svd_agree(rng):
    A, b = rng.standard_normal((6, 4)), rng.standard_normal(6)
    x = least_squares(A, b, method="normal")
    np.testing.assert_allclose(x, np.linalg.inv(A.T @ A) @ A.T @ b, atol=1e-12)
    np.testing.assert_allclose(x, least_squares(A, b, method="svd"), atol=1e-12)


def test_the_svd_solves_what_the_normal_equations_cannot(problem):
    A, b = problem
    x = pseudo_inverse(A) @ b
    np.testing.assert_allclose(x, least_squares(A, b), atol=1e-12)
    np.testing.assert_allclose(A.T @ A @ x, A.T @ b, atol=1e-12)  # still a solution of them
    row_space = column_space(A.T)
    np.testing.assert_allclose(row_space @ (row_space.T @ x), x, atol=1e-12)  # in the row space, so the shortest


def test_the_inverse_needs_the_reciprocals(problem):
    """Erratum: A^inv = V Sigma^-1 U^T; printed V Sigma U^T is A^T, and gives no solution."""
    A, b = problem
    U, s, V = compact_svd(A)
    np.testing.assert_allclose(V / s @ U.T, pseudo_inverse(A), atol=1e-12)
    printed = V * s @ U.T
    np.testing.assert_allclose(printed, A.T, atol=1e-12)
    best = np.linalg.norm(A @ pseudo_inverse(A) @ b - b)
    assert np.linalg.norm(A @ printed @ b - b) > 2 * best


def test_the_projection(problem, rng):
    """P = U U' is symmetric, P P = P, it equals A (A'A)^inv A', and P b is the nearest point of col(A)."""
    A, b = problem
    P = projection(A)
    np.testing.assert_allclose(P, P.T, atol=1e-12)
    np.testing.assert_allclose(P @ P, P, atol=1e-12)
    np.testing.assert_allclose(P, A @ pseudo_inverse(A.T @ A, rtol=1e-10) @ A.T, atol=1e-9)
    nearest = np.linalg.norm(project(A, b) - b)
    others = np.linalg.norm(A @ rng.standard_normal((4, 1000)) - b[:, None], axis=0)
    assert (others >= nearest).all()
    np.testing.assert_allclose(column_space(A).T @ (b - P @ b), 0, atol=1e-12)


def test_the_inverse_of_the_product(problem):
    """(A'A)^inv = A^inv (A')^inv."""
    A, _ = problem
    np.testing.assert_allclose(
        pseudo_inverse(A.T @ A, rtol=1e-10), pseudo_inverse(A) @ pseudo_inverse(A.T), rtol=1e-7, atol=1e-8
    )


def test_the_first_component_maximises_the_quotient():
    """w'X'Xw / w'w, for the digits with their mean taken off."""
    X = digits.load()[0].reshape(-1, 64).astype(np.float64)
    X = X - X.mean(axis=0)

    def quotient(w):
        return np.sum((X @ w) ** 2) / np.sum(w**2)

    pca = PCA(2).fit(X)
    first, second = pca.components_
    assert abs(first @ second) < 1e-10
    rng = np.random.default_rng(0)
    for w in rng.standard_normal((300, 64)):
        assert quotient(w) < quotient(first)
        assert quotient(first + 0.1 * w) < quotient(first)
        across = w - (w @ first) * first
        assert quotient(across) < quotient(second)
    assert quotient(first) == pytest.approx(pca.explained_variance_[0] * (len(X) - 1))


def test_x_without_its_mean():
    """Erratum: X'X is the covariance only once the mean is off. With it on, the first direction is the mean's."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2)) * [3, 0.3] + [0, 50]  # differs along the first axis, and lies far up the second
    np.testing.assert_allclose(abs(PCA(1).fit(X).components_[0]), [1, 0], atol=0.05)
    np.testing.assert_allclose(abs(compact_svd(X)[2][:, 0]), [0, 1], atol=0.05)


def test_eigenfaces_detect_and_rebuild():
    """The zeros of the digits stand in for faces: told from what is none by the distance, and rebuilt when occluded."""
    x, labels = digits.load()
    zeros, others = (x[keep, 0].astype(np.float64) for keep in (labels == 0, labels != 0))
    space = Eigenfaces(10).fit(zeros[:140])
    new = zeros[140:]
    assert space.is_face(new).mean() > 0.85
    assert space.is_face(others).mean() < 0.1
    hidden = np.zeros((8, 8), bool)
    hidden[3:6, 4:8] = True
    occluded = np.where(hidden, 0, new)
    rebuilt = space.rebuild(occluded, occluded=hidden)

    def error(pictures):
        return np.sqrt(np.mean((pictures - new)[:, hidden] ** 2))

    assert error(rebuilt) < error(occluded) / 2
    assert error(rebuilt) < error(space.rebuild(occluded))


def test_eigenfaces_of_faces():
    """New faces are accepted and pieces of photographs are not; a face is found in a picture, and behind a beam."""
    people, others = drawn_faces.drawn(250, rng=0)
    space, new = Eigenfaces(12).fit(people[:200]), people[200:]
    assert space.is_face(new).mean() > 0.85 and space.is_face(others).mean() < 0.05
    scene = np.tile(others[7], (3, 4))
    scene[31:56, 43:68] = new[0]
    patches = np.lib.stride_tricks.sliding_window_view(scene, (25, 25))
    distance = space.distance(patches.reshape(-1, 25, 25)).reshape(patches.shape[:2])
    assert np.unravel_index(distance.argmin(), distance.shape) == (31, 43)
    beam = np.zeros((25, 25), bool)
    beam[6:12] = True
    hidden = np.where(beam, 0, new)

    def error(pictures):
        return np.sqrt(np.mean((pictures - new)[:, beam] ** 2))

    assert error(space.rebuild(hidden, occluded=beam)) < 0.5 * error(space.rebuild(hidden)) < 0.5 * error(hidden)


def test_random_vectors_are_nearly_at_right_angles():
    """Inner products of pairs on the unit sphere concentrate at 0 like 1 / sqrt(n)."""
    for n, (found, expected) in angle_spread((3, 30, 300, 3000), pairs=1500, rng=0).items():
        assert expected == pytest.approx(1 / np.sqrt(n))
        assert found == pytest.approx(expected, rel=0.08)
    assert np.mean(abs(inner_products(2000, 2, rng=0)) > 0.5) > 0.5  # not so in two dimensions: 2/3 of them
    assert not (abs(inner_products(2000, 1000, rng=0)) > 0.2).any()


def test_gaussian_vectors_too(rng):
    """<X, Y> of Gaussian vectors grows like sqrt(n), their lengths' product like n: the cosine falls."""
    for n in (10, 1000):
        X, Y = rng.standard_normal((2, 2000, n))
        products = np.sum(X * Y, axis=1)
        assert products.std() == pytest.approx(np.sqrt(n), rel=0.08)
        cosines = products / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
        assert cosines.std() == pytest.approx(1 / np.sqrt(n), rel=0.08)
