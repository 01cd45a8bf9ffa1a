"""Learning rates over the epochs: PyTorch's, where it has the same schedule, and what they are at both ends."""

import math

import numpy as np
import pytest

from nnbasics import SGD, Linear, SquaredErrorLoss
from nnbasics.errors import SettingsError
from nnbasics.schedules import cosine, steps
from nnbasics.training import fit


def test_cosine_is_half_a_wave():
    rate = cosine(0.2, epochs=10)
    assert rate(0) == 0.2 and rate(5) == pytest.approx(0.1) and rate(10) == pytest.approx(0) and rate(11) == rate(10)
    # torch.optim.lr_scheduler.CosineAnnealingLR(SGD(lr=0.2), T_max=10), epochs 1, 2, 3
    np.testing.assert_allclose([rate(1), rate(2), rate(3)], [0.195105652, 0.180901699, 0.158778525], rtol=1e-8)


def test_cosine_warms_up():
    rate = cosine(0.2, epochs=10, warmup=2)
    assert [rate(0), rate(0.5), rate(1)] == pytest.approx([0, 0.05, 0.1])
    assert rate(2) == 0.2 and rate(6) == pytest.approx(0.1) and rate(10) == pytest.approx(0)


def test_steps():
    rate = steps(0.1, at=(32, 48))
    assert [rate(0), rate(31.9), rate(32), rate(47.9), rate(48), rate(64)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: cosine(0, 10),
        lambda: cosine(0.1, 0),
        lambda: cosine(0.1, 5, warmup=5),
        lambda: cosine(math.nan, 5),
        lambda: steps(0.1, (3, 2)),
        lambda: steps(0.1, (3,), factor=0),
    ],
)
def test_refused(make):
    with pytest.raises(SettingsError, match="lr > 0"):
        make()


def test_fit_asks_before_every_step(rng):
    x, asked = rng.standard_normal((10, 1)), []
    optimizer = SGD(7.0)

    def schedule(done):
        asked.append(done)
        return 0.01

    net = Linear(1, 1, rng=0)
    fit(net, x, x, loss=SquaredErrorLoss(), optimizer=optimizer, epochs=2, batch_size=4, schedule=schedule)
    assert asked == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    assert optimizer.lr == 0.01
