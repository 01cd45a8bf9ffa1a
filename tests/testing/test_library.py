"""Every layer, loss and model of the library keeps the contract, and no check cries wolf about any of them."""

import inspect

import numpy as np
import pytest

import nnbasics
from nnbasics.models import vgg
from nnbasics.testing import check_gradients, check_layer, parametrize_with_checks
from nnbasics.testing.contract import applicable
from tests.testing.subjects import layers, losses


def smooth(case):
    """The same layer on plain values; what ties and kinks do to it is asked below."""
    layer, x, *more = case
    return layer, np.random.default_rng(8).standard_normal(x.shape), *more


CASES = [smooth(case) for case in [*layers(np.random.default_rng(3)), *losses(np.random.default_rng(3))]]


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


def test_nothing_was_left_out():
    tried = {type(layer) for layer, *_ in CASES}
    public = {getattr(nnbasics, name) for name in nnbasics.__all__}
    made = {one for one in public if inspect.isclass(one) and hasattr(one, "backward") and not inspect.isabstract(one)}
    assert made <= tried, {one.__name__ for one in made - tried}


@pytest.mark.parametrize("seed", range(4))
def test_no_false_alarm(seed):
    no_false_alarm(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 250))
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


@pytest.mark.slow
def test_vgg_keeps_the_contract():
    net = vgg("A", top=False, rng=0)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32))
    for point in applicable(net, x):
        if point.name != "gradient":  # of nine million parameters; below it is taken to the input alone
            assert point.told(net, x) is None, point.told(net, x)


@pytest.mark.slow
def test_gradient_through_vgg():
    net = vgg("A", top=False, rng=0).freeze()
    report = check_gradients(net, np.random.default_rng(0).uniform(-1, 1, (1, 3, 32, 32)), coordinates=4)
    assert report, report
