"""Every network against what PyTorch's functions said about the same arrays: y, dx and the gradient of every parameter.

`tests/golden/make_networks.py` asked them; GoogLeNet with its classifiers on the way, FractalNet with ways dropped.
"""

from pathlib import Path

import numpy as np
import pytest

from nnbasics import AuxiliaryLoss
from tests.golden.network_cases import CASES, LABEL, made, picture, summary, upstream

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "networks.npz")
TOLERANCE = {np.float64: 1e-9, np.float32: 5e-3}  # PyTorch in float32 is up to 1.5e-3 away from itself


def walk(name, dtype):
    """y, dx and {parameter: gradient} of our network."""
    net, x = made(name, dtype), picture(name).astype(dtype)
    y = net.forward(x)
    if name == "googlenet":
        loss = AuxiliaryLoss(net)
        loss.forward(y, np.array([LABEL]))
        dx = net.backward(loss.backward())
    else:
        dx = net.backward(upstream(name, y.shape).astype(dtype))
    return y, dx, dict(net.grads)


def close(ours, theirs, dtype, size=None):
    """`size` is what an error is measured against: the largest value, if not given."""
    assert ours.shape == theirs.shape
    size = np.abs(theirs).max() if size is None else size
    assert (np.abs(ours - theirs) / np.maximum(1e-3, size)).max() < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_network_equals_pytorch(name, dtype):
    y, dx, grads = walk(name, dtype)
    assert y.dtype == dx.dtype == dtype
    close(y if y.size <= 100 else summary({"y": y}), GOLDEN[f"{name}/y"], dtype)
    close(summary({"dx": dx}), GOLDEN[f"{name}/dx"], dtype)
    theirs = GOLDEN[f"{name}/grads"]
    lengths = theirs[0] * np.sqrt([grad.size for grad in grads.values()])
    close(summary(grads), theirs, dtype, size=lengths)
