"""What the benchmarks race is the same work on both sides."""

import numpy as np
import pytest

from benchmarks import contenders, quality

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def test_the_closures_agree():
    loss, gradient = contenders.our_closure(48)()
    for mode in ("channels_last", "nchw"):
        theirs, of_theirs = contenders.torch_closure(48, mode=mode)()
        assert abs(loss / theirs - 1) < 1e-4
        assert np.linalg.norm(gradient - of_theirs.numpy()) < 1e-2 * np.linalg.norm(gradient)


@pytest.mark.parametrize("name", contenders.PICTURE)
def test_the_networks_have_the_same_parameters_and_cost(name):
    from nnbasics import models

    ours = models.resnet(20, rng=0) if name == "resnet20" else getattr(models, name)(rng=0)
    theirs = {
        "lenet5": contenders._torch_lenet5,
        "two_stage_cnn": contenders._torch_two_stage,
        "resnet20": contenders._torch_resnet20,
    }[name]()
    shapes = sorted(tuple(parameter.shape) for parameter in theirs.parameters())
    assert shapes == sorted(parameter.shape for parameter in ours.params.values())
    x, _ = contenders._labelled(name, 2)
    assert tuple(theirs(torch.from_numpy(x)).shape) == ours.forward(x).shape


@pytest.mark.parametrize(("init", "size"), [("content", 64), ("noise", 128)])
def test_walkers_take_turns(init, size):
    """For real, where both walk on and note what they pass; from noise ours begins smaller, which it does not note."""
    curves, ends = quality.race(size, init, 50)
    for who, rows in curves.items():
        assert (np.diff(rows[:, :2], axis=0) > 0).all() and rows[-1, 2] < rows[0, 2] and ends[who]["loss"] > 0
    if init == "content":
        np.testing.assert_allclose(curves["ours"][0, 2], curves["torch"][0, 2], rtol=1e-3)
