"""Optimisers against PyTorch's, closed forms and problems whose minimum is known."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from nnbasics.errors import SettingsError, UserError
from nnbasics.kernels import threads, vectors
from nnbasics.optimizers import LBFGS, SGD, Adam, Diverged, descend, safe_learning_rate

GOLDEN = Path(__file__).parent / "golden" / "optimizers.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", lambda: SGD(0.1)),
        ("momentum", lambda: SGD(0.1, momentum=0.9)),
        ("adam", Adam),
        ("adam_betas", lambda: Adam(0.05, betas=(0.8, 0.95), eps=1e-4)),
    ],
)
def test_steps_are_pytorchs(golden, name, make):
    optimizer, x = make(), golden["start"].copy()
    for gradient, expected in zip(golden["gradients"], golden[name], strict=True):
        before = gradient.copy()
        optimizer.step({"x": x}, {"x": gradient})
        np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(gradient, before)


def test_step_changes_the_very_arrays_it_was_given_each_by_its_own_gradient():
    params = {"weight": np.ones((2, 3), np.float32), "bias": np.zeros(2, np.float32)}
    held = dict(params)
    SGD(0.5).step(params, {"weight": np.full((2, 3), 2, np.float32), "bias": np.array([1, -1], np.float32)})
    assert params["weight"] is held["weight"] and params["weight"].dtype == np.float32
    np.testing.assert_array_equal(held["weight"], np.zeros((2, 3)))
    np.testing.assert_array_equal(held["bias"], [-0.5, 0.5])


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf])
def test_a_learning_rate_that_cannot_be_is_refused(bad):
    with pytest.raises(SettingsError, match="learning rate"):
        SGD(bad)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(UserError, match=r"bias.*\(3,\).*\(2,\)"):
        SGD(0.1).step({"bias": np.zeros(2)}, {"bias": np.zeros(3)})


def rosenbrock(x):
    """The banana valley in any dimension, by SciPy; its minimum is 0 at (1, ..., 1)."""
    return rosen(x), rosen_der(x).astype(x.dtype)


def bowl(dimensions=200, condition=1e3, seed=0, dtype=np.float64, scale=1.0):
    """A quadratic 1/2 (x - m)' A (x - m) with known m, and its matrix."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    a = scale * (q * np.geomspace(1, condition, dimensions)) @ q.T
    m = rng.standard_normal(dimensions)

    def function(x):
        d = x.astype(np.float64) - m
        return 0.5 * d @ a @ d, (a @ d).astype(dtype)

    return function, m, a


def last(function, x, optimizer, iterations):
    return list(itertools.islice(descend(function, x, optimizer), iterations + 1))[-1]


@pytest.mark.parametrize("history", [1, 3, 20])
def test_lbfgs_finds_the_minimum_of_the_banana_valley(history):
    end = last(rosenbrock, np.array([-1.2, 1.0, -1.2, 1.0]), LBFGS(history), 200)
    np.testing.assert_allclose(end.x, 1, atol=1e-6)


def test_lbfgs_finds_the_minimum_of_an_ill_conditioned_bowl():
    function, m, _ = bowl()
    np.testing.assert_allclose(last(function, np.zeros(200), LBFGS(20), 400).x, m, atol=1e-6)


def test_the_compact_form_is_bfgs_while_the_history_lasts():
    """H from the compact form against the textbook's update H := (I - r s y') H (I - r y s') + r s s'."""
    function, _, _ = bowl(12, 100)
    optimizer = LBFGS(history=30)
    steps = list(itertools.islice(descend(function, np.ones(12), optimizer), 8))
    optimizer._learn(steps[-1].x, steps[-1].gradient)  # as the next step would begin
    pairs = [(b.x - a.x, b.gradient - a.gradient) for a, b in itertools.pairwise(steps)]
    s, y = pairs[-1]
    h = np.eye(12) * (s @ y) / (y @ y)
    for s, y in pairs:
        r = 1 / (s @ y)
        left = np.eye(12) - r * np.outer(s, y)
        h = left @ h @ left.T + r * np.outer(s, s)
    g = np.random.default_rng(1).standard_normal(12)
    n = len(pairs)
    products = (
        vectors.products(optimizer._rows, range(n), np.stack([g] * 3))[:, 0],
        vectors.products(optimizer._rows, range(31, 31 + n), np.stack([g] * 3))[:, 0],
    )
    np.testing.assert_allclose(optimizer._newton(g, products), -h @ g, rtol=1e-8)


def test_no_step_is_first_tried_more_than_three_times_as_far_as_the_last_one_went():
    function, tried = bowl(50, 1e4)[0], []

    def noted(x):
        tried.append(x)
        return function(x)

    steps, first = [], []
    for step in itertools.islice(descend(noted, np.zeros(50), LBFGS(20)), 60):
        steps.append(step)
        first.append(len(tried))
    went = [np.linalg.norm(b.x - a.x) for a, b in itertools.pairwise(steps)]
    trials = [np.linalg.norm(tried[n] - step.x) for step, n in zip(steps[1:-1], first[1:-1], strict=True)]
    growth = np.array(trials) / went[:-1]
    assert growth.max() == pytest.approx(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e12, 1e-6])
def test_the_walk_does_not_depend_on_the_scale_of_the_loss(scale, dtype):
    """A loss near 2e12 makes well-known programs stop after two iterations."""
    function, m, _ = bowl(50, 100, dtype=dtype, scale=scale)
    steps = list(itertools.islice(descend(function, np.zeros(50, dtype), LBFGS(20)), 61))
    assert steps[-1].loss < 1e-6 * steps[0].loss
    np.testing.assert_allclose(steps[-1].x, m, atol=1e-2)


def test_scaling_by_a_power_of_two_changes_no_bit_of_the_path():
    plain, _, _ = bowl(50, 100, scale=1.0)
    small, _, _ = bowl(50, 100, scale=2.0**-20)
    ends = [last(function, np.zeros(50), LBFGS(5), 20).x for function in (plain, small)]
    np.testing.assert_array_equal(*ends)


@pytest.mark.parametrize("make", [lambda: SGD(1e-3), lambda: Adam(0.05), lambda: LBFGS(5)])
def test_every_step_has_its_own_loss_and_gradient_and_evaluations_are_counted(make):
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return rosenbrock(x)

    for step in itertools.islice(descend(counted, np.array([-1.2, 1.0]), make()), 30):
        loss, gradient = rosenbrock(step.x)
        assert step.loss == loss
        np.testing.assert_array_equal(step.gradient, gradient)
        assert step.evaluations == calls


def test_lbfgs_falls_at_every_step_and_mostly_needs_one_evaluation():
    steps = list(itertools.islice(descend(rosenbrock, np.full(100, -1.0), LBFGS(20)), 201))
    losses = [step.loss for step in steps]
    assert all(b < a for a, b in itertools.pairwise(losses))
    assert steps[-1].evaluations < 1.25 * steps[-1].iteration


def test_a_function_that_reuses_its_gradient_array_and_a_start_that_is_kept():
    buffer = np.empty(2)

    def reusing(x):
        buffer[:] = rosen_der(x)
        return rosen(x), buffer

    start = np.array([-1.2, 1.0])
    with_buffer = last(reusing, start, LBFGS(5), 30)
    np.testing.assert_array_equal(start, [-1.2, 1.0])
    np.testing.assert_array_equal(with_buffer.x, last(rosenbrock, start, LBFGS(5), 30).x)


@pytest.mark.parametrize("make", [lambda: SGD(1e-4, 0.9), lambda: Adam(0.05), lambda: LBFGS(4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ten_and_ten_iterations_are_twenty_bit_for_bit(make, dtype, tmp_path):
    start = np.linspace(-1.5, 1.5, 9, dtype=dtype)
    straight = last(rosenbrock, start, make(), 20)
    first = make()
    half = last(rosenbrock, start, first, 10)
    np.savez(tmp_path / "state.npz", **first.state_dict())
    second = make()
    with np.load(tmp_path / "state.npz") as state:
        second.load_state_dict(state)
    end = last(rosenbrock, half.x, second, 10)
    np.testing.assert_array_equal(end.x, straight.x)
    assert end.loss == straight.loss


def test_a_state_of_another_history_is_refused():
    optimizer = LBFGS(4)
    last(rosenbrock, np.zeros(3), optimizer, 5)
    with pytest.raises(SettingsError, match=r"history 4.*history is 5"):
        LBFGS(5).load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("make", [lambda: SGD(1e-4, momentum=0.9), Adam, lambda: LBFGS(3)])
def test_a_state_without_copies_is_the_optimisers_own(make):
    optimizer = make()
    last(rosenbrock, np.array([-1.2, 1.0, 0.3]), optimizer, 5)
    own, copies = optimizer.state_dict(copy=False), optimizer.state_dict()
    assert own.keys() == copies.keys()
    for name, value in copies.items():
        np.testing.assert_array_equal(value, own[name])
        if np.ndim(value) and name != "order":
            assert not np.shares_memory(value, own[name]) and np.shares_memory(
                own[name], optimizer.state_dict(copy=False)[name]
            )


@pytest.mark.parametrize(
    "change",
    [
        {"order": np.array([0, 0])},
        {"order": np.array([9])},
        {"order": np.array([-1, 0])},
        {"order": np.array([2, 1])},
        {"gradient": np.zeros(4)},
        {"s": np.zeros((1, 3))},
        {"y": np.zeros(3)},
        {"yy": np.zeros((2, 2))},
        {"length": np.zeros(3)},
        {"x": None},
        {"sy": None},
        {"order": None},
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_together_is_refused(change):
    optimizer = LBFGS(3)
    last(rosenbrock, np.array([-1.2, 1.0, 0.3]), optimizer, 9)
    state = {**optimizer.state_dict(), **change}
    with pytest.raises(SettingsError, match=r"does not fit|with history"):
        LBFGS(3).load_state_dict({name: value for name, value in state.items() if value is not None})


@pytest.mark.parametrize("steps", [None, -1, 1e300, np.zeros(2)], ids=str)
def test_a_state_without_a_count_is_refused(steps):
    with pytest.raises(SettingsError, match="how many steps"):
        Adam().load_state_dict({} if steps is None else {"steps": steps})


def test_lbfgs_takes_no_pair_without_curvature():
    """Along a concave stretch s.y is negative: such a pair would make the direction point uphill."""

    def wave(x):
        return float(np.sum(np.cos(x))), -np.sin(x)

    optimizer = LBFGS(5)
    steps = list(itertools.islice(descend(wave, np.array([0.1, 0.2, 0.3]), optimizer), 40))
    assert all(b.loss < a.loss for a, b in itertools.pairwise(steps))
    np.testing.assert_allclose(steps[-1].loss, -3, atol=1e-9)


def test_lbfgs_restarts_when_its_direction_is_wrong_and_says_so():
    """A function that changes under the walk makes the history a lie."""
    function, _, _ = bowl(30, 10)
    other, _, _ = bowl(30, 1e6, seed=5)
    chosen = function

    def changing(x):
        return chosen(x)

    optimizer = LBFGS(10)
    x = last(changing, np.zeros(30), optimizer, 15).x
    chosen = other
    optimizer._sy *= -1  # as bad as a history can be: every direction it gives is uphill
    steps = list(itertools.islice(descend(changing, x, optimizer), 3))
    assert "restarted" in steps[1].note
    assert steps[1].loss < steps[0].loss and not steps[2].note


def test_the_walk_ends_at_a_point_without_slope():
    assert len(list(descend(lambda x: (0.0, np.zeros_like(x)), np.ones(3), LBFGS()))) == 1


def test_the_walk_ends_where_rounding_leaves_nothing_lower():
    steps = list(itertools.islice(descend(rosenbrock, np.array([-1.2, 1.0], np.float32), LBFGS(5)), 2000))
    assert len(steps) < 2000
    np.testing.assert_allclose(steps[-1].x, 1, atol=1e-2)


def test_lbfgs_steps_back_from_where_the_function_is_not_finite():
    def guarded(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.sum(x - np.log(x))), 1 - 1 / x

    end = last(guarded, np.array([0.01, 3.0]), LBFGS(5, first_step=100.0), 60)
    np.testing.assert_allclose(end.x, 1, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: SGD(10.0), lambda: Adam(0.1), LBFGS])
def test_a_function_without_finite_values_is_reported_not_walked(make):
    with pytest.raises(Diverged, match="after 0 iterations the gradient"):
        next(descend(lambda x: (1.0, x * np.nan), np.ones(3), make()))


def test_a_walk_that_runs_away_keeps_its_good_steps():
    def quartic(x):
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(x**4)), 4 * x**3

    seen = []
    with pytest.raises(Diverged, match="smaller learning rate"):
        for step in descend(quartic, np.full(3, 2.0), SGD(1.0)):
            seen.append(step.loss)
    assert np.isfinite(seen).all() and len(seen) > 1


def test_the_safe_learning_rate_is_one_over_the_largest_curvature():
    function, _, a = bowl(40, 50)
    rate = safe_learning_rate(function, np.ones(40), probes=200)
    np.testing.assert_allclose(1 / rate, np.linalg.eigvalsh(a).max(), rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, vectors.BLOCK, 3 * vectors.BLOCK + 5])
def test_kernels_of_long_vectors_are_the_definitions(n, dtype):
    rng = np.random.default_rng(n)
    rows, three = rng.standard_normal((6, n)).astype(dtype), rng.standard_normal((3, n)).astype(dtype)
    which, coefficients = [4, 0, 5], np.array([0.5, -2.0, 3.0])
    exact = rows[which].astype(np.float64) @ three.astype(np.float64).T
    tolerance = {"rtol": 1e-5 if dtype == np.float32 else 1e-12, "atol": n * np.finfo(dtype).eps}
    np.testing.assert_allclose(vectors.products(rows, which, three), exact, **tolerance)
    np.testing.assert_allclose(vectors.dot(rows[4], three[1]), exact[0, 1], **tolerance)
    out = three[0].copy()
    vectors.combine(rows, which, coefficients, out)
    np.testing.assert_allclose(out, three[0] + coefficients @ rows[which], **tolerance)


def test_products_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    rows, three = rng.standard_normal((4, 50_000), np.float32), rng.standard_normal((3, 50_000), np.float32)
    found = []
    try:
        for count in (1, 2, 3):
            threads.set_num_threads(count)
            found.append(vectors.products(rows, range(4), three))
    finally:
        threads.set_num_threads(None)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
