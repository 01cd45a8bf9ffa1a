"""Fully connected layers, and the step from maps to vectors before them."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, he, in_memory_order, memory_order, whole


class Linear(Layer):
    """A fully connected layer: every output is a weighted sum of every input.

    ::

        y       = x weight^T + bias           y_k = sum over j of weight_kj x_j + bias_k
        dx      = dy weight
        dweight = dy^T x                      summed over the batch
        dbias   = dy                          summed over the batch

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from; see `he`.

    Notes
    -----
    Shapes: x (N, in_features), weight (out_features, in_features), bias (out_features,), y (N, out_features). As in
    PyTorch, x may have any number of axes before the last.

    Raises
    ------
    UserError
        If the last axis of x is not in_features long.
    """

    def __init__(self, in_features, out_features, bias=True, rng=None):
        super().__init__()
        self.in_features = whole(in_features, "in_features")
        self.out_features = whole(out_features, "out_features")
        self.params["weight"] = he((self.out_features, self.in_features), self.in_features, rng)
        if bias:
            self.params["bias"] = np.zeros(self.out_features, np.float32)

    def forward(self, x):
        self.check_x(x)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            hint = "; put a Flatten() before it" if x.ndim == 4 else ""
            raise UserError(f"{self.label}: x has shape {x.shape}; (N, {self.in_features}) was expected{hint}")
        y = _product(x.reshape(-1, self.in_features), self.param("weight", x.dtype).T)
        if "bias" in self.params:
            y += self.param("bias", x.dtype)
        return self.keep(y.reshape(self.output_shape(x.shape)), x=None if self.frozen else x)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, x = kept["dy"], kept["x"]
        rows = dy.reshape(-1, self.out_features)
        self.grads.clear()
        if x is not None:
            self.grads["weight"] = _product(rows.T, x.reshape(-1, self.in_features))
            if "bias" in self.params:
                self.grads["bias"] = rows.sum(axis=0)
        dx = _product(rows, self.param("weight", dy.dtype))
        return dx.reshape(*dy.shape[:-1], self.in_features)

    def output_shape(self, x_shape):
        return (*x_shape[:-1], self.out_features)

    def multiply_adds(self, x_shape):
        return int(np.prod(x_shape[:-1])) * self.in_features * self.out_features

    def extra_repr(self):
        return f"{self.in_features}, {self.out_features}" + ("" if "bias" in self.params else ", bias=False")


def _product(a, b):
    return choose.product(a, b).product(a, b)


class Flatten(Layer):
    """Maps become vectors: (N, C, H, W) to (N, C H W). A 32x32x3 picture stretches to 3072. Backwards the reverse.

    Parameters
    ----------
    axis : int
        Where to cut: the axes before it become rows, it and the others columns.
    """

    def __init__(self, axis=1):
        super().__init__()
        self.axis = int(axis)

    def forward(self, x):
        self.check_x(x)
        if x.ndim == 0 or not -x.ndim <= self.axis <= x.ndim:
            raise UserError(f"{self.label}: x has shape {x.shape}, and no axis {self.axis}")
        return self.keep(x.reshape(self.output_shape(x.shape)), x_shape=x.shape, axes=memory_order(x))

    def backward(self, dy):
        kept = self.kept(dy)
        return in_memory_order(kept["dy"].reshape(kept["x_shape"]), kept["axes"])

    def output_shape(self, x_shape):
        rows, columns = x_shape[: self.axis], x_shape[self.axis :]
        return (int(np.prod(rows)), int(np.prod(columns)))

    def extra_repr(self):
        return "" if self.axis == 1 else f"axis={self.axis}"
