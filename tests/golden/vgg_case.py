"""The picture, the loss and the summary of features that vgg19.npz is about; nothing here needs torch."""

import numpy as np

SHAPE = (1, 3, 45, 37)
TAPS = ("relu1_1", "pool2", "conv4_2", "relu5_4", "pool5")


def summary(y):
    """The mean, the root mean square, and 16 values spread over y."""
    y = np.ascontiguousarray(y, np.float64).ravel()
    return np.concatenate([[y.mean(), np.sqrt(np.mean(y**2))], y[np.linspace(0, y.size - 1, 16).astype(int)]])


def upstream(shapes):
    """The weights of the loss, {tap: array}."""
    rng = np.random.default_rng(19)
    return {tap: rng.standard_normal(shapes[tap], np.float32) for tap in TAPS}


def picture():
    """Something smooth with edges in it, in [0, 1]."""
    row, column = np.mgrid[: SHAPE[2], : SHAPE[3]]
    waves = [np.sin(row / (3 + c)) * np.cos(column / (5 - c)) + (row + c * column > 50) for c in range(3)]
    return (np.stack(waves)[None] / 3 + 1 / 3).astype(np.float32)
