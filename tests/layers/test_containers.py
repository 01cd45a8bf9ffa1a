"""Layers made of layers: taps, names, parameters seen from outside, branches side by side."""

import numpy as np
import pytest

from nnbasics import Conv2d, Flatten, Identity, Linear, MaxPool2d, Parallel, ReLU, Residual, Sequential
from nnbasics.errors import UserError


@pytest.fixture
def net():
    return Sequential(
        {
            "conv1": Conv2d(3, 4, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(4, 5, 3, padding=1, rng=2),
            "relu2": ReLU(),
        }
    )


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 8, 6))


def test_forward_is_one_layer_after_the_other(net, x):
    y = x
    for layer in net.layers.values():
        y = layer.forward(y)
    np.testing.assert_array_equal(net.forward(x), y)
    assert net.output_shape(x.shape) == y.shape
    assert net.multiply_adds(x.shape) == 2 * (8 * 6 * 4 * 3 * 9 + 4 * 3 * 5 * 4 * 9)


def test_activations_stop_at_the_deepest(net, x):
    found = net.activations(x, ["relu1", "pool1"])
    assert list(found) == ["relu1", "pool1"]
    np.testing.assert_array_equal(found["pool1"], net["pool1"].forward(found["relu1"]))
    assert net["conv2"]._memory is None
    with pytest.raises(UserError, match="a gradient at conv2, but the last walk forward stopped at pool1"):
        net.backward({"conv2": np.zeros((2, 5, 4, 3))})
    with pytest.raises(UserError, match="a gradient at relu2, but the last walk forward stopped at pool1"):
        net.backward(np.zeros((2, 5, 4, 3)))


def test_one_name_stands_for_itself(net, x):
    assert list(net.activations(x, "relu1")) == ["relu1"]


def test_a_shorter_walk_after_a_longer_one_forgets_the_rest(net, x):
    net.forward(x)
    net.activations(x, "relu1")
    assert net["conv2"]._memory is None


def test_gradients_at_several_taps_add_up(net, x, rng):
    net.forward(x)
    taps = {name: rng.standard_normal(y.shape) for name, y in net.activations(x, ["relu1", "conv2", "relu2"]).items()}
    together = net.backward(taps)
    apart = [net.backward({name: gradient}) for name, gradient in taps.items()]
    np.testing.assert_allclose(together, sum(apart), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(net.backward(taps["relu2"]), apart[-1])


def test_taps_are_not_written_to(net, x, rng):
    taps = {name: rng.standard_normal(y.shape) for name, y in net.activations(x, ["relu1", "relu2"]).items()}
    for gradient in taps.values():
        gradient.flags.writeable = False
    net.backward(taps)


def test_taps_of_the_wrong_shape_are_refused(net, x):
    y = net.forward(x)
    with pytest.raises(UserError, match=r"^relu1 ReLU\(\): dy has shape \(1,\), but the last y had shape"):
        net.backward({"relu1": np.zeros(1), "relu2": y})
    with pytest.raises(UserError, match=r"^relu2 ReLU\(\): dy has shape \(1,\), but the last y had shape"):
        net.backward(np.zeros(1))


def test_taps_of_another_dtype_do_not_upcast(net, x):
    x = x.astype(np.float32)
    found = net.activations(x, ["relu1", "relu2"])
    taps = {name: y.astype(np.float64) for name, y in found.items()}
    assert net.backward(taps).dtype == np.float32


def test_unknown_names_get_the_nearest_one(net, x):
    with pytest.raises(UserError, match=r"no layer is called 'relu3'; did you mean 'relu[12]'\?"):
        net.activations(x, ["relu3"])
    with pytest.raises(UserError, match="no layer is called 'xyz'; choose from conv1, relu1"):
        net["xyz"]
    with pytest.raises(UserError, match="no layer was named; choose from conv1"):
        net.activations(x, [])


def test_parameters_seen_from_outside(net, x):
    assert list(net.params) == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"]
    assert net.params["conv1.weight"] is net["conv1"].params["weight"]
    net.params["conv1.bias"] = np.ones(4, np.float32)
    assert net["conv1"].params["bias"][0] == 1
    assert net.num_parameters() == 4 * 28 + 5 * 37
    assert dict(net.grads) == {}
    net.backward(net.forward(x))
    assert {key: grad.shape for key, grad in net.grads.items()} == {k: p.shape for k, p in net.params.items()}
    assert "conv3.weight" not in net.params and "conv1.size" not in net.params


def test_networks_inside_networks(x, rng):
    net = Sequential({"features": Sequential(Conv2d(3, 4, 3, rng=0), ReLU()), "top": Sequential(Flatten())})
    assert list(net.params) == ["features.0.weight", "features.0.bias"]
    found = net.activations(x, ["features", "top"])
    dfeatures = rng.standard_normal(found["features"].shape)
    both = net.backward({"features": dfeatures, "top": found["top"]})
    inner = net["features"]
    np.testing.assert_allclose(both, inner.backward(dfeatures + found["features"]), rtol=1e-12)
    assert "features: Sequential(\n    0: Conv2d" in repr(net)


def test_switches_reach_every_layer(net):
    assert net.training and not net.frozen
    net.freeze().eval()
    assert all(layer.frozen and not layer.training for layer in net.layers.values())
    net["conv1"].unfreeze()
    assert not net.frozen


def test_a_layer_cannot_stand_in_two_places():
    relu = ReLU()
    with pytest.raises(UserError, match="'0' and '2' are the same layer"):
        Sequential(relu, Identity(), relu)
    shared = Conv2d(3, 3, 1, rng=0)
    net = Sequential(shared, shared.sharing())
    assert net.params["0.weight"] is net.params["1.weight"]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"a.b": ReLU()}, "'a.b' cannot name a layer"),
        ({"": ReLU()}, "'' cannot name a layer"),
        ({"relu": ReLU}, "'relu' is a .*, not a layer"),
    ],
)
def test_what_is_no_network(layers, words):
    with pytest.raises(UserError, match=words):
        Sequential(layers)


def test_an_empty_chain_is_the_identity(x):
    net = Sequential()
    assert net.forward(x) is x and net.output_shape((1, 2)) == (1, 2)
    np.testing.assert_array_equal(net.backward(x), x)


def test_branches_stacked(x):
    one, three = Conv2d(3, 2, 1, rng=1), Conv2d(3, 4, 3, padding=1, rng=2)
    net = Parallel({"one": one, "three": three})
    y = net.forward(x)
    np.testing.assert_array_equal(y, np.concatenate([one.forward(x), three.forward(x)], axis=1))
    assert y.shape == net.output_shape(x.shape)
    np.testing.assert_allclose(net.backward(y), one.backward(y[:, :2]) + three.backward(y[:, 2:]), rtol=1e-12)
    assert net.multiply_adds(x.shape) == one.multiply_adds(x.shape) + three.multiply_adds(x.shape)
    assert list(net.params) == ["one.weight", "one.bias", "three.weight", "three.bias"]


@pytest.mark.parametrize(("join", "part"), [("sum", 1), ("mean", 1 / 3)])
def test_branches_added(x, join, part):
    branches = [Conv2d(3, 4, 3, padding=1, rng=seed) for seed in range(3)]
    net = Parallel(*branches, join=join)
    y = net.forward(x)
    np.testing.assert_allclose(y, part * sum(branch.forward(x) for branch in branches), rtol=1e-12)
    np.testing.assert_allclose(net.backward(y), part * sum(branch.backward(y) for branch in branches), rtol=1e-12)
    assert y.shape == net.output_shape(x.shape)


def test_a_detour_and_its_shortcut(x):
    body = Sequential(Conv2d(3, 3, 3, padding=1, rng=0), ReLU())
    net = Residual(body)
    y = net.forward(x)
    np.testing.assert_array_equal(y, body.forward(x) + x)
    np.testing.assert_allclose(net.backward(y), body.backward(y) + y)
    projection = Residual(Conv2d(3, 6, 3, 2, 1), Conv2d(3, 6, 1, 2))
    assert projection.forward(x).shape == (2, 6, 4, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: Residual(Conv2d(3, 6, 1)).forward(x), r"cannot be joined by sum: body \(2, 6, 8, 6\), shortcut"),
        (lambda x: Parallel(ReLU(), MaxPool2d(2)).forward(x), "cannot be joined by concatenate"),
        (lambda x: Parallel(ReLU(), join="add"), "no join is called 'add'"),
        (lambda x: Parallel(), "at least one branch"),
    ],
)
def test_branches_that_do_not_fit(make, words, x):
    with pytest.raises(UserError, match=words):
        make(x)


def test_two_walks_at_once(net, x):
    twin = net.sharing()
    y = net.forward(x)
    twin.forward(2 * x)
    dx = net.backward(y)
    net.forward(x)
    np.testing.assert_array_equal(net.backward(y), dx)
    assert twin.params["conv1.weight"] is net.params["conv1.weight"]


def test_one_step_of_training_makes_the_loss_smaller(net, x):
    top = Sequential({"net": net, "flatten": Flatten(), "fc": Linear(60, 1, rng=0)})
    before = float(np.sum(top.forward(x) ** 2)) / 2
    top.backward(top.forward(x))
    for key in top.params:
        top.params[key] -= 1e-4 * top.grads[key].astype(np.float32)
    assert float(np.sum(top.forward(x) ** 2)) / 2 < before
