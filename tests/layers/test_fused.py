"""A plan's fused runs against the layers one by one, in float64."""

import numpy as np
import pytest

from nnbasics import AvgPool2d, Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.errors import UserError
from nnbasics.layers import fused


def net_of(rng, *, pooling=MaxPool2d, widths=(64, 64, 128), inputs=3, preprocess=True):
    layers, channels = {}, inputs
    if preprocess:
        layers["preprocess"] = Conv2d(inputs, inputs, 1, rng=rng)
        layers["preprocess"].params["bias"] += np.float32(0.3)
    for block, width in enumerate(widths, 1):
        for number in (1, 2):
            conv = layers[f"conv{block}_{number}"] = Conv2d(channels, width, 3, padding=1, rng=rng)
            conv.params["bias"] += rng.standard_normal(width).astype(np.float32) / 10
            layers[f"relu{block}_{number}"] = ReLU()
            channels = width
        layers[f"pool{block}"] = pooling(2)
    return Sequential(layers).freeze().eval()


def walks(net, x, features, grams, rng):
    """(outputs, dx) of the float32 plan and of the float64 one, and of float64 the layers' decisions."""
    plan = net.plan(x.shape, features, grams)
    exact = net.plan(x.shape, features, grams, "float64")
    outputs, right = plan.forward(x), exact.forward(x.astype(float))
    d_features = {name: rng.standard_normal(right.features[name].shape) for name in features}
    d_grams = {name: rng.standard_normal(right.grams[name].shape) for name in grams}
    d_grams = {name: d + d.T for name, d in d_grams.items()}
    kept = {name: outputs.features[name].copy() for name in features}
    dx = plan.backward(
        {n: d.astype(np.float32) for n, d in d_features.items()}, {n: d.astype(np.float32) for n, d in d_grams.items()}
    )
    outputs.features.update(kept)
    return outputs, dx, right, exact.backward(d_features, d_grams)


def close(found, right, tolerance=3e-6):
    assert found.shape == right.shape and found.dtype == np.float32
    assert np.linalg.norm(found - right) <= tolerance * np.linalg.norm(right)


CASES = {
    "as style transfer taps": (["relu2_2"], ["relu1_1", "relu2_1", "relu3_1"]),
    "one layer for both": (["relu2_1"], ["relu2_1"]),
    "pooled maps": (["pool1"], ["pool2"]),
    "before ReLU": (["conv2_1"], ["conv1_2"]),
    "ReLU before a pooling": (["relu1_2"], ["relu2_2"]),
    "only the end": (["pool3"], []),
    "the preprocessed picture": (["preprocess", "relu1_2"], []),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [(24, 20), (13, 31)])
def test_taps(name, size, rng):
    """The seed is one where float32 takes every decision as float64 does."""
    net = net_of(np.random.default_rng(3))
    x = rng.random((1, 3, *size), np.float32)
    outputs, dx, right, right_dx = walks(net, x, *CASES[name], rng)
    for key, value in right.features.items():
        close(outputs.features[key], value)
    for key, value in right.grams.items():
        close(outputs.grams[key], value)
        assert outputs.positions[key] == right.positions[key]
    close(dx, right_dx, 1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"pooling": AvgPool2d},
        {"widths": (24, 17)},
        {"widths": (64, 20), "preprocess": False},
        {"inputs": 5, "preprocess": False},
        {"inputs": 1},
    ],
    ids=str,
)
def test_other_networks(options, rng):
    net = net_of(np.random.default_rng(5), **options)
    x = rng.random((1, options.get("inputs", 3), 18, 22), np.float32)
    outputs, dx, right, right_dx = walks(net, x, ["relu1_2", "relu2_1"], ["relu1_1", "relu2_1", "pool2"], rng)
    for key, value in right.grams.items():
        close(outputs.grams[key], value)
    close(dx, right_dx, 1e-5)


def test_a_batch(rng):
    net = net_of(np.random.default_rng(7))
    x = rng.random((3, 3, 16, 18), np.float32)
    outputs, dx, right, right_dx = walks(net, x, ["relu1_2", "pool2", "relu3_1"], [], rng)
    for key, value in right.features.items():
        close(outputs.features[key], value)
    close(dx, right_dx, 1e-5)


def test_what_is_fused():
    net = net_of(np.random.default_rng(0))

    def pieces(features, grams, dtype="float32"):
        layers = {name: net.layers[name] for name in net.up_to({*features, *grams})}
        found = fused.runs(layers, (1, 3, 32, 32), np.dtype(dtype), features, grams)
        return [piece if isinstance(piece, str) else [link.name for link in piece] for piece in found]

    assert pieces(["relu2_2"], ["relu1_1"]) == [["relu1_1", "pool1", "relu2_1", "relu2_2"]]
    assert pieces(["relu1_2", "relu2_1"], []) == [["relu1_1", "relu1_2"], "pool1", ["relu2_1"]]
    assert pieces(["conv1_2"], []) == [["relu1_1"], "conv1_2"]
    assert pieces(["relu1_1"], [], "float64") == ["preprocess", "conv1_1", "relu1_1"]


def test_the_same_bits_every_time_and_two_sizes_at_once(rng):
    net = net_of(np.random.default_rng(0))
    small, large = (rng.random((1, 3, *size), np.float32) for size in ((20, 20), (40, 36)))
    plans = [net.plan(x.shape, ["relu2_2"], ["relu1_1", "relu3_1"]) for x in (small, large)]

    def walk(plan, x):
        outputs = plan.forward(x)
        return plan.backward({"relu2_2": outputs.features["relu2_2"].copy()}, outputs.grams)

    first = [walk(plan, x) for plan, x in zip(plans, (small, large), strict=True)]
    again = [walk(plan, x) for plan, x in zip(plans, (small, large), strict=True)]
    for a, b in zip(first, again, strict=True):
        assert a is not b
        np.testing.assert_array_equal(a, b)


def test_changed_weights_are_seen(rng):
    net = net_of(np.random.default_rng(0))
    x = rng.random((1, 3, 12, 12), np.float32)
    plan = net.plan(x.shape, ["relu2_1"])
    before = plan.forward(x).features["relu2_1"].copy()
    net.layers["conv2_1"].params["weight"][:] = 0
    assert not np.array_equal(before, plan.forward(x).features["relu2_1"])
    net.layers["conv2_1"].params["bias"] = np.full(64, 2, np.float32)
    np.testing.assert_array_equal(plan.forward(x).features["relu2_1"], 2)


def test_one_backward_for_each_forward(rng):
    net = net_of(np.random.default_rng(0))
    x = rng.random((1, 3, 12, 12), np.float32)
    plan = net.plan(x.shape, [], ["relu2_1"])
    outputs = plan.forward(x)
    plan.backward({}, outputs.grams)
    with pytest.raises(UserError, match="once after each forward"):
        plan.backward({}, outputs.grams)


def test_no_backward_after_half_a_forward(rng, monkeypatch):
    """Ctrl-C in the middle: what the forward before it left is gone."""
    net = net_of(np.random.default_rng(0))
    x = rng.random((1, 3, 12, 12), np.float32)
    plan = net.plan(x.shape, [], ["relu2_1"])
    outputs = plan.forward(x)

    def interrupted(*args, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fused.conv3x3, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            plan.forward(x)
    with pytest.raises(UserError, match="once after each forward"):
        plan.backward({}, outputs.grams)
    plan.backward({}, plan.forward(x).grams)


def test_nan_never_becomes_a_number(rng):
    net = net_of(np.random.default_rng(0))
    x = rng.random((1, 3, 24, 24), np.float32)
    x[0, 1, 9, 11] = np.nan
    features, grams = ["relu1_1", "relu2_1"], ["relu1_1", "relu2_1"]
    plan, exact = net.plan(x.shape, features, grams), net.plan(x.shape, features, grams, "float64")
    found, right = plan.forward(x), exact.forward(x.astype(float))
    for name in features:
        assert np.isnan(found.features[name][np.isnan(right.features[name])]).all()
        assert np.isnan(found.grams[name]).all()
    untouched = np.isfinite(found.features["relu1_1"])
    assert untouched.mean() > 0.95
    close(found.features["relu1_1"][untouched], right.features["relu1_1"][untouched])
    assert np.isnan(plan.backward({}, found.grams)).any()


def test_a_step_after_the_first_allocates_little(rng):
    import tracemalloc

    net = net_of(np.random.default_rng(0))
    x = rng.random((1, 3, 64, 64), np.float32)
    plan = net.plan(x.shape, ["relu2_2"], ["relu1_1", "relu2_1"])

    def step():
        outputs = plan.forward(x)
        return plan.backward({"relu2_2": outputs.features["relu2_2"]}, outputs.grams)

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5e6  # the Gram matrices, the first layer's filters, dx; one map of relu1_1 alone has 1 MB


@pytest.mark.parametrize("other", [{"groups": 2}, {"dilation": 2, "padding": 2}])
def test_groups_and_dilation_are_walked_as_they_are(other, rng):
    """Only dense convolutions are fused."""
    layers = {"conv1": Conv2d(4, 64, 3, padding=1, rng=1), "relu1": ReLU()}
    layers |= {"conv2": Conv2d(64, 64, 3, **{"padding": 1, **other}, rng=2), "relu2": ReLU(), "pool2": MaxPool2d(2)}
    net = Sequential(layers).freeze()
    x = rng.standard_normal((1, 4, 12, 10)).astype(np.float32)
    y = net.forward(x)
    plan = net.plan(x.shape, ["pool2"])
    close(plan.forward(x).features["pool2"], y)
    close(plan.backward({"pool2": np.ones_like(y)}), net.backward(np.ones_like(y)))


@pytest.mark.parametrize("name", ["relu1_1", "relu2_1", "relu3_1"])
def test_a_gradient_may_begin_at_any_tap(name, rng):
    """Also at one whose map is larger than all that a walk from the last tap passes through."""
    net = net_of(np.random.default_rng(3))
    x = rng.random((1, 3, 32, 40), np.float32)
    plan, exact = (net.plan(x.shape, ["relu3_2"], ["relu1_1", "relu2_1", "relu3_1"], d) for d in ("float32", "float64"))
    filters = len(plan.forward(x).grams[name])
    exact.forward(x.astype(float))
    d = rng.standard_normal((filters, filters))
    close(plan.backward({}, {name: (d + d.T).astype(np.float32)}), exact.backward({}, {name: d + d.T}))
