"""Style transfer as the seminar and the workshop have it: losses, both gradients, the slips, and plain descent."""

import itertools

import numpy as np
import pytest

from nnbasics import SGD, Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.optimizers import descend, safe_learning_rate
from nnbasics.style import Objective
from nnbasics.testing import check_gradients

LAYERS = {"relu1": 0.25, "relu2": 0.75}
SHAPE = (1, 3, 12, 10)


@pytest.fixture
def net():
    return Sequential(
        {
            "conv1": Conv2d(3, 4, 3, padding=1, rng=0),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(4, 6, 3, padding=1, rng=1),
            "relu2": ReLU(),
        }
    ).freeze()


@pytest.fixture
def pictures(rng):
    """Content, style and x."""
    return rng.random((3, *SHAPE))


def objective(net, content, style, alpha=1.0, beta=1.0, content_layers=("relu2",)):
    return Objective(
        net,
        content,
        style,
        content_weight=alpha,
        style_weight=beta,
        content_layers=dict.fromkeys(content_layers, 1.0),
        style_layers=LAYERS,
    )


def by_definition(net, content, style, x, alpha, beta):
    """The slides' sums, index by index."""
    features = [net.activations(picture, list(LAYERS)) for picture in (x, content, style)]
    (F, P) = (taps["relu2"][0] for taps in features[:2])
    loss = alpha * sum((f - p) ** 2 for f, p in zip(F.ravel(), P.ravel(), strict=True)) / 2
    for name, weight in LAYERS.items():
        maps, painted = (taps[name][0].reshape(taps[name].shape[1], -1) for taps in features[::2])
        N, M = maps.shape
        pairs = itertools.product(range(N), repeat=2)
        E = sum((maps[i] @ maps[j] - painted[i] @ painted[j]) ** 2 for i, j in pairs) / (4 * N**2 * M**2)
        loss += beta * weight * E
    return loss


def test_the_loss_is_the_slides(net, pictures):
    content, style, x = pictures
    expected = by_definition(net, content, style, x, 2.0, 30.0)
    assert objective(net, content, style, 2.0, 30.0)(x)[0] == pytest.approx(expected, rel=1e-10)


def test_its_gradient_down_to_the_pixels(net, pictures):
    content, style, x = pictures
    assert check_gradients(objective(net, content, style, 2.0, 30.0), x)


def test_both_derivatives_by_hand():
    """F - P, and (F'(G - A))' / (N^2 M^2): two filters, three positions, E = 25/144."""
    F, A = np.array([[1.0, 2, 0], [0, 1, 3]]), np.array([[4.0, 0], [0, 6]])

    def E(F):
        return np.sum((F @ F.T - A) ** 2) / (4 * 2**2 * 3**2)

    gradient = (F.T @ (F @ F.T - A)).T / 36
    assert E(F) == pytest.approx(25 / 144)
    np.testing.assert_allclose(36 * gradient, [[1, 4, 6], [2, 8, 12]])
    steps = 1e-6 * np.eye(6).reshape(6, 2, 3)
    np.testing.assert_allclose([(E(F + h) - E(F - h)) / 2e-6 for h in steps], gradient.ravel(), atol=1e-8)


def test_the_zero_is_relus_own_mask(net, pictures, rng):
    """A gradient behind the ReLU does what the slide's, with its 0 where F < 0, does in front of it."""
    taps = net.activations(pictures[0], ["conv2", "relu2"])
    dF = rng.standard_normal(taps["relu2"].shape)
    behind = net.backward({"relu2": dF})
    net.activations(pictures[0], ["conv2"])
    np.testing.assert_allclose(net.backward({"conv2": np.where(taps["conv2"] > 0, dF, 0)}), behind, atol=1e-12)


def test_a_gram_matrix_knows_no_places(net, pictures, rng):
    F = net.activations(pictures[1], ["relu1"])["relu1"][0].reshape(4, -1)
    shuffled = F[:, rng.permutation(F.shape[1])]
    np.testing.assert_allclose(shuffled @ shuffled.T, F @ F.T)


def test_a_comes_from_the_style_image(net, pictures):
    """Erratum: printed "content image". Then the photograph would be perfect, and the painting nowhere."""
    content, style, _ = pictures
    assert objective(net, content, content)(content)[0] == pytest.approx(0, abs=1e-20)
    assert objective(net, content, style)(content)[0] > 0


def test_alpha_and_beta_are_weights_of_the_loss(net, pictures):
    """Erratum: printed "learning rates". Both times 10 turns no gradient; one of them times 10 does."""
    content, style, x = pictures
    gradient = objective(net, content, style, 1, 1e3)(x)[1]
    np.testing.assert_allclose(objective(net, content, style, 10, 1e4)(x)[1], 10 * gradient)
    other = objective(net, content, style, 1, 1e4)(x)[1]
    cosine = np.vdot(other, gradient) / np.linalg.norm(other) / np.linalg.norm(gradient)
    assert cosine < 0.999


def test_plain_descent_from_white_noise(net, pictures, rng):
    """x := x - lambda dL/dx as written: it falls at every step, and only x is learned."""
    content, style, _ = pictures
    function, noise = objective(net, content, style, 1, 1e3), rng.random(SHAPE)
    weights = {key: weight.copy() for key, weight in net.params.items()}
    rate = safe_learning_rate(function, noise)
    steps = list(itertools.islice(descend(function, noise, SGD(rate)), 40))
    for before, after in itertools.pairwise(steps):
        np.testing.assert_allclose(after.x, before.x - rate * before.gradient, atol=1e-15)
        assert after.loss < before.loss
    assert steps[-1].loss < 0.7 * steps[0].loss
    for key, weight in net.params.items():
        np.testing.assert_array_equal(weight, weights[key])
