"""ONNX's public node cases: our layers give what the standard says, for every case that is in scope."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnbasics import (
    ELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    LPPool2d,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from tests.conformance.scope import OUT_OF_SCOPE

FILES = sorted(Path(__file__).parent.glob("onnx_cases*.npz"))
FILE = {key: array for path in FILES for key, array in np.load(path).items()}
CASES = json.loads(str(FILE["cases"]))
IN_SCOPE = [name for name in CASES if name not in OUT_OF_SCOPE]


def arrays(name, kind):
    """The inputs or outputs of a case in their order."""
    found = []
    while f"{name}/{kind}_{len(found)}" in FILE:
        found.append(FILE[f"{name}/{kind}_{len(found)}"])
    return found


def with_params(layer, **params):
    assert set(layer.params) == set(params)
    for key, value in params.items():
        assert layer.params[key].shape == value.shape
        layer.params[key] = np.ascontiguousarray(value)
    return layer


def padding(x, kernel, at):
    """The padding on each side, spelled out or as "SAME"."""
    if at.get("auto_pad", "NOTSET") == "NOTSET":
        begin_h, begin_w, end_h, end_w = at.get("pads", [0, 0, 0, 0])
        assert (begin_h, begin_w) == (end_h, end_w)
        return begin_h, begin_w
    strides = at.get("strides", [1, 1])
    totals = [(-(-size // s) - 1) * s + k - size for size, s, k in zip(x.shape[2:], strides, kernel, strict=True)]
    assert not any(total % 2 for total in totals)
    return tuple(total // 2 for total in totals)


def window(x, at):
    kernel = tuple(at["kernel_shape"])
    return {"kernel_size": kernel, "stride": tuple(at.get("strides", [1, 1])), "padding": padding(x, kernel, at)}


def conv(at, x, weight, bias=None):
    layer = Conv2d(weight.shape[1], weight.shape[0], **window(x, at), bias=bias is not None)
    return with_params(layer, weight=weight, **({} if bias is None else {"bias": bias})), x


def max_pool(at, x):
    return MaxPool2d(**window(x, at), ceil_mode=bool(at.get("ceil_mode", 0))), x


def average_pool(at, x):
    counted = bool(at.get("count_include_pad", 0))
    return AvgPool2d(**window(x, at), ceil_mode=bool(at.get("ceil_mode", 0)), count_include_pad=counted), x


def gemm(at, a, b, c=None):
    x = a.T if at.get("transA") else a
    weight = np.float32(at.get("alpha", 1.0)) * (b if at.get("transB") else b.T)
    if c is None:
        return with_params(Linear(weight.shape[1], weight.shape[0], bias=False), weight=weight), x
    bias = np.broadcast_to(np.float32(at.get("beta", 1.0)) * c, (1, weight.shape[0]))[0]
    return with_params(Linear(weight.shape[1], weight.shape[0]), weight=weight, bias=bias), x


def batch_norm(at, x, scale, bias, mean, var):
    layer = BatchNorm2d(x.shape[1], eps=at.get("epsilon", 1e-5), momentum=1 - at.get("momentum", 0.9))
    layer.running_mean, layer.running_var = mean, var
    return with_params(layer, weight=scale, bias=bias).train(bool(at.get("training_mode"))), x


MAKE = {
    "Conv": conv,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lambda at, x: (LPPool2d(at["p"], **window(x, at)), x),
    "GlobalAveragePool": lambda at, x: (GlobalAvgPool2d(), x),
    "Relu": lambda at, x: (ReLU(), x),
    "LeakyRelu": lambda at, x: (LeakyReLU(at.get("alpha", 0.01)), x),
    "Elu": lambda at, x: (ELU(at.get("alpha", 1.0)), x),
    "Sigmoid": lambda at, x: (Sigmoid(), x),
    "Tanh": lambda at, x: (Tanh(), x),
    "Softmax": lambda at, x: (Softmax(at.get("axis", -1)), x),
    "LRN": lambda at, x: (
        LocalResponseNorm(at["size"], at.get("alpha", 1e-4), at.get("beta", 0.75), at.get("bias", 1.0)),
        x,
    ),
    "BatchNormalization": batch_norm,
    "Gemm": gemm,
    "Flatten": lambda at, x: (Flatten(at.get("axis", 1)), x),
}


def made(name):
    return MAKE[CASES[name]["operator"]](CASES[name]["attributes"], *arrays(name, "input"))


@pytest.mark.parametrize("name", IN_SCOPE)
def test_case(name):
    layer, x = made(name)
    y = layer.forward(x)
    expected = arrays(name, "output")[0]
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in IN_SCOPE if "with_argmax" in name])
def test_max_pool_pays_the_place_that_onnx_names(name):
    layer, x = made(name)
    dy = np.random.default_rng(0).standard_normal(layer.forward(x).shape).astype(np.float32)
    places = arrays(name, "output")[1]
    order = "F" if CASES[name]["attributes"].get("storage_order") else "C"
    expected = np.zeros(x.shape[2:], np.float32).ravel()
    rows, columns = np.unravel_index(places, x.shape[2:], order)
    np.add.at(expected, (rows * x.shape[3] + columns).ravel(), dy.ravel())
    np.testing.assert_allclose(layer.backward(dy).ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in IN_SCOPE if "training_mode" in name])
def test_running_statistics(name):
    layer, x = made(name)
    before = layer.running_var
    layer.forward(x)
    _, mean, var = arrays(name, "output")
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-5)
    count = x.size // x.shape[1]  # ONNX keeps the variance divided by the count, PyTorch and we by the count less one
    kept = np.float32(0.9) * before
    np.testing.assert_allclose(kept + (layer.running_var - kept) * (count - 1) / count, var, rtol=1e-5)


def test_scope():
    assert set(OUT_OF_SCOPE) <= set(CASES)
    assert {CASES[name]["operator"] for name in IN_SCOPE} == set(MAKE)
    assert len(CASES) == 98 and len(IN_SCOPE) == 73
