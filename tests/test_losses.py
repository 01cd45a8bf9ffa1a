"""Losses: the lectures' numbers, closed forms, extreme scores, and what is refused."""

import numpy as np
import pytest

from nnbasics import CrossEntropyLoss, Softmax, SquaredErrorLoss
from nnbasics.errors import UserError


def test_cross_entropy_of_the_workshop():
    loss = CrossEntropyLoss()
    np.testing.assert_allclose(loss.forward(np.array([[-5.0, -1, 1, 5]]), [3]), 0.0206256, atol=5e-8)
    p = Softmax().forward(np.array([[-5.0, -1, 1, 5]]))
    np.testing.assert_allclose(loss.backward(), p - [[0, 0, 0, 1]])


def test_cross_entropy_of_equal_scores_is_the_logarithm_of_their_number():
    np.testing.assert_allclose(CrossEntropyLoss()(np.zeros((5, 10)), np.arange(5)), np.log(10))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_a_thousand(dtype):
    loss = CrossEntropyLoss()
    scores = np.array([[1000, -1000, 0], [-1000, 1000, 1000]], dtype)
    np.testing.assert_allclose(loss.forward(scores, [1, 2]), (2000 + np.log(2)) / 2, rtol=1e-7)
    np.testing.assert_array_equal(loss.backward(), np.array([[0.5, -0.5, 0], [0, 0.25, -0.25]], dtype))
    assert loss.backward().dtype == dtype


def test_cross_entropy_is_the_mean_over_batch_and_positions(rng):
    scores, labels = rng.standard_normal((2, 4, 3, 5)), rng.integers(0, 4, (2, 3, 5))
    loss = CrossEntropyLoss()
    rows = scores.transpose(0, 2, 3, 1).reshape(-1, 4)
    flat = CrossEntropyLoss()
    np.testing.assert_allclose(loss.forward(scores, labels), flat.forward(rows, labels.ravel()))
    np.testing.assert_allclose(loss.backward().transpose(0, 2, 3, 1).reshape(-1, 4), flat.backward())
    single = [CrossEntropyLoss().forward(row[None], [label]) for row, label in zip(rows, labels.ravel(), strict=True)]
    np.testing.assert_allclose(flat.forward(rows, labels.ravel()), np.mean(single))


def test_squared_error_of_the_seminar():
    loss = SquaredErrorLoss()
    o, t = np.array([[0.7, 0.2]]), np.array([[1.0, 0.0]])
    np.testing.assert_allclose(loss.forward(o, t), 0.5 * 0.3**2 + 0.5 * 0.2**2)
    np.testing.assert_allclose(loss.backward(), [[-0.3, 0.2]])


@pytest.mark.parametrize("loss", [SquaredErrorLoss(), CrossEntropyLoss()])
def test_gradients_by_differences(loss, rng):
    x = rng.standard_normal((3, 4))
    target = rng.standard_normal((3, 4)) if isinstance(loss, SquaredErrorLoss) else np.array([0, 3, 1])
    loss.forward(x, target)
    dx, h = loss.backward(), 1e-6
    for _ in range(5):
        d = rng.standard_normal(x.shape)
        slope = (loss.forward(x + h * d, target) - loss.forward(x - h * d, target)) / (2 * h)
        np.testing.assert_allclose(np.vdot(dx, d), slope, rtol=1e-6)


def test_backward_gives_a_new_array_each_time(rng):
    for loss, target in [(SquaredErrorLoss(), np.zeros((2, 3))), (CrossEntropyLoss(), [0, 1])]:
        loss.forward(rng.standard_normal((2, 3)), target)
        first = loss.backward()
        kept = first.copy()
        first[...] = 7
        np.testing.assert_array_equal(loss.backward(), kept)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CrossEntropyLoss().backward(), "backward before forward"),
        (lambda: CrossEntropyLoss()(np.zeros((2, 3)), [0, 3]), "label 3 is no class; they go from 0 to 2"),
        (lambda: CrossEntropyLoss()(np.zeros((2, 3)), [0, -1]), "label -1 is no class"),
        (lambda: CrossEntropyLoss()(np.zeros((2, 3)), [0.0, 1.0]), "labels are integers, and these are float64"),
        (lambda: CrossEntropyLoss()(np.zeros((2, 3)), [0]), r"shape \(2, 3\) want one label for each, not \(1,\)"),
        (lambda: CrossEntropyLoss()(np.zeros((2, 3)), np.eye(2, 3)), "want one label for each"),
        (lambda: CrossEntropyLoss()(np.zeros((0, 3)), np.zeros(0, int)), "have no mean"),
        (lambda: SquaredErrorLoss()(np.zeros((2, 3)), np.zeros((2, 1))), r"shape \(2, 3\) and the target \(2, 1\)"),
        (lambda: SquaredErrorLoss()(np.zeros(2, int), np.zeros(2)), "the prediction is int64"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
