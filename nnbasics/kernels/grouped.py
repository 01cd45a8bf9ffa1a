"""Convolution in groups: the channels cut into groups, and each group of filters sees its own group alone."""

import numpy as np


class Grouped:
    """The conv2d, conv2d_dx and conv2d_dparams of other kernels, once for each group.

    Parameters
    ----------
    kernels : module
    groups : int
        How many; it divides C and K. weight is (K, C / groups, kH, kW).
    """

    def __init__(self, kernels, groups):
        self.kernels = kernels
        self.groups = groups

    def conv2d(self, x, weight, bias, *window):
        biases = [None] * self.groups if bias is None else np.split(bias, self.groups)
        parts = zip(self._cut(x), np.split(weight, self.groups), biases, strict=True)
        return np.concatenate([self.kernels.conv2d(*part, *window) for part in parts], axis=1)

    def conv2d_dx(self, dy, weight, x_shape, *window):
        shape = (x_shape[0], x_shape[1] // self.groups, *x_shape[2:])
        parts = zip(self._cut(dy), np.split(weight, self.groups), strict=True)
        return np.concatenate([self.kernels.conv2d_dx(*part, shape, *window) for part in parts], axis=1)

    def conv2d_dparams(self, dy, x, kernel_size, *window):
        parts = zip(self._cut(dy), self._cut(x), strict=True)
        found = [self.kernels.conv2d_dparams(*part, kernel_size, *window) for part in parts]
        dweights, dbiases = zip(*found, strict=True)
        return np.concatenate(dweights), np.concatenate(dbiases)

    def _cut(self, maps):
        return np.split(maps, self.groups, axis=1)
