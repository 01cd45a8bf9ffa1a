"""Every layer, loss and model of the library keeps the contract, and no check cries wolf about any of them."""

import importlib
import inspect

import numpy as np
import pytest

import nnbasics
import nnbasics.losses
import nnbasics.models
from nnbasics.testing import check_gradients, check_layer, parametrize_with_checks
from nnbasics.testing.contract import applicable
from tests.testing.subjects import MODELS, NOTHING_TO_CHECK, layers, losses


def smooth(case):
    """The same layer on plain values; what ties and kinks do to it is asked below."""
    layer, x, *more = case
    return layer, np.random.default_rng(8).standard_normal(x.shape), *more


CASES = [smooth(case) for case in [*layers(np.random.default_rng(3)), *losses(np.random.default_rng(3))]]
CASES += [model.case(name) for name, model in MODELS.items() if not model.slow]


@parametrize_with_checks(CASES)
def test_contract(check):
    check()


@pytest.mark.parametrize("seed", range(12))
def test_a_gradient_that_cancels_to_zero_is_no_complaint(seed):
    """A bias before batch normalisation has the gradient 0, which comes out as rounding, another for every layout."""
    net = nnbasics.Sequential(nnbasics.Conv2d(3, 4, 3, padding=1, rng=seed), nnbasics.BatchNorm2d(4))
    x = np.random.default_rng(seed).standard_normal((2, 3, 5, 6))
    memory = next(point for point in applicable(net, x) if point.name == "memory")
    assert memory.told(net, x) is None


def test_no_layer_or_loss_was_left_out():
    tried = {type(layer) for layer, *_ in CASES}
    rooms = nnbasics, nnbasics.losses, nnbasics.layers, nnbasics.models
    public = {thing for room in rooms for name, thing in vars(room).items() if not name.startswith("_")}
    made = {one for one in public if inspect.isclass(one) and hasattr(one, "backward") and not inspect.isabstract(one)}
    forgotten = sorted(one.__name__ for one in made - tried)
    assert not forgotten, f"nobody checks {forgotten}: add them to layers() or losses() in tests/testing/subjects.py"


def test_no_model_was_left_out():
    known = set(MODELS) | set(NOTHING_TO_CHECK)
    forgotten = sorted(set(nnbasics.models.__all__) - known)
    assert not forgotten, (
        f"nobody checks {forgotten}: in tests/testing/subjects.py, add to MODELS how to make a small one and the shape "
        "of its input, or to NOTHING_TO_CHECK why it has no gradient"
    )
    assert known <= set(nnbasics.models.__all__), known - set(nnbasics.models.__all__)


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.slow])
@pytest.mark.slow
def test_large_model(name):
    net, x = MODELS[name].case(name)
    for point in applicable(net, x):
        if point.name != "gradient":  # of millions of parameters; here it is taken with respect to x alone
            told = point.told(net, x)
            assert told is None, f"{point.says}: {told}"
    report = check_gradients(net.freeze(), x, coordinates=4)
    assert report, report


@pytest.mark.parametrize(("configuration", "pooling"), [("A-LRN", "average"), ("C", "max")])
def test_narrow_vgg(configuration, pooling, monkeypatch):
    """VGG with a few channels in each layer, which is small enough for the gradient of every parameter.

    A is A-LRN without its norm, and C has every other kind of layer.
    """
    module = importlib.import_module("nnbasics.models.vgg")
    monkeypatch.setattr(module, "WIDTHS", (2, 3, 4, 4, 4))
    net = module.vgg(configuration, pooling, top=False, rng=0)
    check_layer(net, np.random.default_rng(9).uniform(-1, 1, (2, 3, 32, 32)))


@pytest.mark.parametrize("seed", range(4))
def test_no_false_alarm(seed):
    no_false_alarm(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_no_false_alarm_in_thousands(seed):
    no_false_alarm(seed)


def no_false_alarm(seed):
    rng = np.random.default_rng(seed)
    for layer, *inputs in [*layers(rng), *losses(rng)]:
        report = check_gradients(layer, *inputs, seed=seed)
        assert report, f"{layer} on x of shape {inputs[0].shape}\n{report}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 320))
def test_contract_in_many_shapes(seed):
    rng = np.random.default_rng(seed)
    for case in [*layers(rng), *losses(rng)]:
        check_layer(*case)
