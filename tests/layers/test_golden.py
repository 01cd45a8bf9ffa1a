"""Every layer against PyTorch's stored values: both dtypes, several memory orders, fast kernels and slow twins."""

from pathlib import Path

import numpy as np
import pytest

from tests.golden.layer_cases import CASES

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "layers.npz")
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}  # of the largest value


def stored(name):
    """{"x": ..., "dy": ..., "y": ..., "dx": ..., "weight": ..., "dweight": ...} of one case."""
    return {key.split("/")[1]: GOLDEN[key] for key in GOLDEN.files if key.split("/")[0] == name}


def as_it_is(a):
    return a


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def scattered(a):
    """Every second value of something larger, backwards."""
    wide = np.full([2 * size for size in a.shape], np.nan, a.dtype)
    view = wide[(slice(None, None, -2),) * a.ndim]
    view[...] = a
    return view


def close(ours, theirs, dtype):
    assert ours.shape == theirs.shape and ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize("kernels", ["", "reference"])
@pytest.mark.parametrize("order", [as_it_is, channels_last, scattered])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_layer_equals_pytorch(name, dtype, order, kernels, monkeypatch):
    monkeypatch.setenv("NNBASICS_KERNELS", kernels)
    case = stored(name)
    layer = CASES[name].layer()
    layer.params = {key: case[key].astype(dtype) for key in layer.params}
    x, dy = order(case["x"].astype(dtype)), order(case["dy"].astype(dtype))
    close(layer.forward(x), case["y"], dtype)
    close(layer.backward(dy), case["dx"], dtype)
    for key in layer.params:
        close(layer.grads[key], case[f"d{key}"], dtype)


@pytest.mark.parametrize("name", CASES)
def test_the_file_has_the_case_as_it_is_now(name):
    case, layer = stored(name), CASES[name].layer()
    assert case["x"].shape == CASES[name].shape
    assert case["y"].shape == layer.output_shape(case["x"].shape)
    assert {key: param.shape for key, param in layer.params.items()} == {key: case[key].shape for key in layer.params}
