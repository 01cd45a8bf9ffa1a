"""Wrong normalisation: a mean and a variance are functions of x, too."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class BatchNorm:
    """Over the batch, one mean and variance for each feature; training only."""

    def __init__(self, features):
        self.params = {"weight": values(features, seed=1), "bias": values(features, seed=2)}
        self.grads = {}

    def forward(self, x):
        self.scale = 1 / np.sqrt(x.var(axis=0) + 1e-5)
        self.xhat = (x - x.mean(axis=0)) * self.scale
        return self.params["weight"] * self.xhat + self.params["bias"]

    def backward(self, dy):
        self.grads["weight"] = (dy * self.xhat).sum(axis=0)
        self.grads["bias"] = dy.sum(axis=0)
        return self.input_gradient(dy * self.params["weight"])

    def input_gradient(self, dxhat):
        return self.scale * (dxhat - dxhat.mean(axis=0) - self.xhat * (dxhat * self.xhat).mean(axis=0))


@specimen("coupling", "If all x of a feature grow by 1, what does y do? What does dx say?", 5, x=values(5, 5))
class BatchNormWithConstants(BatchNorm):
    """Subtract, divide; backward: multiply by one over the deviation. At test time, with running statistics, it is
    right."""

    def input_gradient(self, dxhat):
        return self.scale * dxhat


@specimen("coupling", "If all x of a feature are doubled, what does y do? What does dx say?", 5, x=values(5, 5))
class BatchNormWithConstantVariance(BatchNorm):
    """The mean was thought of. The variance moves as well."""

    def input_gradient(self, dxhat):
        return self.scale * (dxhat - dxhat.mean(axis=0))


@specimen("axis", "One weight for each feature, or one for each example?", 5, x=values(5, 5))
class BatchNormAcross(BatchNorm):
    """Five examples, five features, one axis confused."""

    def backward(self, dy):
        self.grads["weight"] = (dy * self.xhat).sum(axis=1)
        self.grads["bias"] = dy.sum(axis=1)
        return self.input_gradient(dy * self.params["weight"])
