"""Fractal blocks: the recursion of the paper, and what drop-path leaves open."""

import numpy as np
import pytest

from nnbasics import Conv2d, DropPaths, FractalBlock, Identity, Layer
from nnbasics.errors import UserError


class Times(Layer):
    """y = factor x, and a count of the walks."""

    def __init__(self, factor):
        super().__init__()
        self.params["weight"] = np.array([float(factor)])
        self.walks = 0

    def forward(self, x):
        self.walks += 1
        return self.keep(self.params["weight"] * x, x=x)

    def backward(self, dy):
        kept = self.kept(dy)
        self.grads["weight"] = np.sum(kept["dy"] * kept["x"], keepdims=True).ravel()
        return self.params["weight"] * kept["dy"]


def block(columns=4, **settings):
    factors = iter(np.random.default_rng(1).uniform(0.5, 1.5, 2**columns - 1))
    return FractalBlock(*[[Times(next(factors)) for _ in range(2**c)] for c in range(columns)], **settings)


def recursive(net, z, first=1, start=0):
    """The paper's f_C as it is defined, unjoined: what the columns from `first` on bring to the join at the end."""
    end = start + net.columns + 1 - first
    span = 2 ** (net.columns - first)
    layer = net.layers[f"column{first}_{start // span + 1}"]
    here = [layer.params["weight"] * z]
    if first == net.columns:
        return here
    half = span // 2
    middle = np.mean(recursive(net, z, first + 1, start), axis=0)
    assert end > 0
    return here + recursive(net, middle, first + 1, start + half)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
def test_it_is_the_recursion_of_the_paper(columns, rng):
    net, x = block(columns), rng.standard_normal((2, 3))
    np.testing.assert_allclose(net.forward(x), np.mean(recursive(net, x), axis=0), rtol=1e-12)


def test_two_columns_by_hand():
    """f_2(z) = mean of conv(conv(z)) and conv(z): (2 * 3 + 10) / 2 = 8 times z."""
    net = FractalBlock([Times(10)], [Times(2), Times(3)])
    x = np.array([[1.0, -2.0]])
    np.testing.assert_array_equal(net.forward(x), 8 * x)
    np.testing.assert_array_equal(net.backward(np.ones_like(x)), [[8.0, 8.0]])
    assert {key: float(grad[0]) for key, grad in net.grads.items()} == {
        "column1_1.weight": -0.5,
        "column2_1.weight": -1.5,
        "column2_2.weight": -1.0,
    }


def walked(net):
    return {name for name, layer in net.layers.items() if layer.walks}


def fresh(net):
    for layer in net.layers.values():
        layer.walks = 0
    return net


def test_global_sampling_leaves_one_column(rng):
    net, x, seen = block(3, drop_paths=DropPaths(0.5, local=0.0, rng=0)), rng.standard_normal((2, 3)), set()
    for _ in range(60):
        y, names = fresh(net).forward(x), walked(net)
        column = min(names)[6]
        assert names == {f"column{column}_{i}" for i in range(1, 2 ** (int(column) - 1) + 1)}
        factor = np.prod([net.layers[name].params["weight"] for name in names])
        np.testing.assert_allclose(y, factor * x)
        seen.add(column)
    assert seen == {"1", "2", "3"}


def test_local_sampling_drops_inputs_of_joins_but_never_all(rng):
    net, x = block(2, drop_paths=DropPaths(0.3, local=1.0, rng=0)), rng.standard_normal((2, 3))
    counts = {"column1_1": 0, "column2_2": 0, "both": 0}
    for _ in range(2000):
        fresh(net).forward(x)
        names = walked(net)
        assert names and ("column2_1" in names) == ("column2_2" in names), "a way is open from end to end or not needed"
        counts["both"] += len(names) == 3
        for name in ("column1_1", "column2_2"):
            counts[name] += names == {name} if name == "column1_1" else "column1_1" not in names
    # Both: 0.7^2. One alone: 0.7 * 0.3, and half of the 0.3^2 where nothing was left.
    found = [counts[key] / 2000 for key in ("both", "column1_1", "column2_2")]
    np.testing.assert_allclose(found, [0.49, 0.255, 0.255], atol=0.04)


def test_what_is_dropped_has_the_gradient_zero(rng):
    net, x = block(3, drop_paths=DropPaths(0.5, rng=3)), rng.standard_normal((2, 3))
    for _ in range(20):
        fresh(net).forward(x)
        net.backward(x)
        assert set(net.grads) == set(net.params)
        assert {key.partition(".")[0] for key, grad in net.grads.items() if grad.any()} == walked(net)


def test_in_use_nothing_is_dropped(rng):
    x = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(block(3, drop_paths=DropPaths(0.9)).eval().forward(x), block(3).forward(x))


def test_blocks_of_a_network_follow_one_column(rng):
    draws = DropPaths(local=0.0, rng=0)
    first, second = block(3, drop_paths=draws), block(3, drop_paths=draws, leads=False)
    for _ in range(20):
        second.forward(first.forward(rng.standard_normal((2, 3))))
        assert walked(fresh(first)) == walked(fresh(second))
        fresh(first).forward(np.ones((1, 1)))
        fresh(second).forward(np.ones((1, 1)))
        assert walked(first) == walked(second)
        fresh(first), fresh(second)


def test_a_column_by_its_number():
    net = block(3)
    assert net.column(3) == [net.layers[f"column3_{i}"] for i in (1, 2, 3, 4)]
    assert net.column(1) == [net.layers["column1_1"]]
    with pytest.raises(UserError, match="no column 4; they go from 1 to 3"):
        net.column(4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FractalBlock(), r"columns of \[\] layers"),
        (lambda: FractalBlock([Identity()], [Identity()]), r"columns of \[1, 1\] layers; 1, 2, 4, ... were"),
        (lambda: DropPaths(1.5), "p=1.5 is not a probability"),
        (lambda: DropPaths(local=-1), "local=-1 is not a probability"),
    ],
)
def test_what_is_no_fractal(make, words):
    with pytest.raises(UserError, match=words):
        make()


def test_outputs_that_do_not_fit():
    net = FractalBlock([Conv2d(3, 2, 1)], [Conv2d(3, 4, 1), Conv2d(4, 4, 1)])
    with pytest.raises(UserError, match=r"cannot be joined: column1_1 \(1, 2, 5, 5\), column2_2 \(1, 4, 5, 5\)"):
        net.forward(np.zeros((1, 3, 5, 5)))
