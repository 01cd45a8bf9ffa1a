"""Learning rates that change on the way: large steps to get there, small ones to settle.

A schedule is a function of the epochs done so far, 2.5 in the middle of the third. `fit` asks it before every step, so
that training gone on with later has the rates it would have had.
"""

import math
from itertools import pairwise

from nnbasics.errors import SettingsError


def cosine(lr, epochs, warmup=0.0):
    """From lr down to 0 in half a wave: slowly at first and at the end, fast between.

    ::

        rate(e) = lr/2 (1 + cos(pi (e - warmup) / (epochs - warmup)))

    Parameters
    ----------
    lr : float
    epochs : int
        Where 0 is reached.
    warmup : float
        In so many epochs at the beginning it rises from 0 in a straight line.

    References
    ----------
    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """
    if not (lr > 0 and 0 <= warmup < epochs):
        raise SettingsError(f"cosine: lr={lr}, epochs={epochs}, warmup={warmup}; lr > 0 and 0 <= warmup < epochs")

    def rate(done):
        if done < warmup:
            return lr * done / warmup
        return lr * (1 + math.cos(math.pi * min((done - warmup) / (epochs - warmup), 1))) / 2

    return rate


def steps(lr, at, factor=0.1):
    """lr, multiplied by `factor` at each of the epochs `at`: how ResNet and VGG were trained.

    Parameters
    ----------
    lr : float
    at : sequence of number
        Rising: (32, 48).
    factor : float
    """
    at = tuple(at)
    if not (lr > 0 and factor > 0 and all(a < b for a, b in pairwise(at))):
        raise SettingsError(f"steps: lr={lr}, at={at}, factor={factor}; lr > 0, factor > 0, and rising epochs")
    return lambda done: lr * factor ** sum(done >= epoch for epoch in at)
