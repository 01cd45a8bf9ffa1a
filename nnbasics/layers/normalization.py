"""Normalisation: values brought back to a size that the next layer works well with."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, whole


class LocalResponseNorm(Layer):
    """Local response normalisation: neighbours in depth hold each other down, as AlexNet has it.

    ::

        y_c  = x_c / d_c^beta      d_c = k + alpha / size * (sum of x^2 over the `size` channels around c)
        dx_c = dy_c / d_c^beta - 2 alpha beta / size * x_c * (sum over the same neighbours of dy x / d^(beta + 1))

    The neighbours of c are c - size // 2 ... c + (size - 1) // 2, as far as they exist.

    Parameters
    ----------
    size : int
    alpha, beta, k : float
        alpha is divided by size, as in PyTorch; Krizhevsky's alpha is not, so his 1e-4 with size 5 is 5e-4 here.

    References
    ----------
    Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012, 3.3.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = whole(size, "size")
        self.alpha, self.beta, self.k = float(alpha), float(beta), float(k)

    def forward(self, x):
        self.check_x(x)
        if x.ndim < 2:
            raise UserError(f"{self.label}: x has shape {x.shape}; (N, C, ...) was expected")
        d = self.k + self.alpha / self.size * self._neighbours(x * x, self.size // 2, (self.size - 1) // 2)
        return self.keep(x * d**-self.beta, x=x, d=d)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, x, d = kept["dy"], kept["x"], kept["d"]
        # Who has c as a neighbour lies on c's other side: the window of the sum is mirrored.
        back = self._neighbours(dy * x * d ** (-self.beta - 1), (self.size - 1) // 2, self.size // 2)
        return dy * d**-self.beta - 2 * self.alpha * self.beta / self.size * x * back

    def _neighbours(self, values, before, after):
        """The sum over `before` channels before and `after` channels after each channel, itself included."""
        rim = [(0, 0)] * values.ndim
        rim[1] = (before, after)
        return sliding_window_view(np.pad(values, rim), self.size, axis=1).sum(axis=-1)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha:g}, beta={self.beta:g}, k={self.k:g}"


class BatchNorm2d(Layer):
    """Batch normalisation: every channel gets mean 0 and variance 1 over the batch, then a learned size and place.

    ::

        xhat = (x - mean) / sqrt(var + eps)         mean, var of each channel over N, H, W
        y    = weight xhat + bias
        dbias = sum dy        dweight = sum dy xhat
        dx   = weight / sqrt(var + eps) * (dy - mean(dy) - xhat mean(dy xhat))

    In training mean and var are the batch's (var divided by the count), so x moves them too: these are the two means in
    dx. In use they are the running ones, constants, and dx = weight / sqrt(var + eps) * dy.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
    momentum : float
        running := (1 - momentum) running + momentum batch's, with var there divided by the count less one.

    Attributes
    ----------
    running_mean, running_var : ndarray, (C,)

    Notes
    -----
    Shapes: x (N, C, H, W), weight and bias (C,), y as x.

    References
    ----------
    Ioffe, Szegedy, "Batch normalization", 2015.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features = whole(num_features, "num_features")
        self.eps, self.momentum = float(eps), float(momentum)
        self.params["weight"] = np.ones(self.num_features, np.float32)
        self.params["bias"] = np.zeros(self.num_features, np.float32)
        self.running_mean = np.zeros(self.num_features)
        self.running_var = np.ones(self.num_features)

    def forward(self, x):
        self.check_x(x, ndim=4, channels=self.num_features)
        if self.training and x.size:
            mean, var = self._of_batch(x)
        else:
            mean, var = self.running_mean, self.running_var
        scale = 1 / np.sqrt(var + self.eps)
        y = choose.normalization().line(x, mean, self.params["weight"] * scale, self.params["bias"])
        needed = self.training or not self.frozen
        memory = {"x": x if needed else None, "mean": mean, "scale": scale}
        return self.keep(y, **memory, training=self.training, frozen=self.frozen)

    def _of_batch(self, x):
        count = x.size // self.num_features
        if count < 2:
            raise UserError(
                f"{self.label}: x has shape {x.shape}, one value for each channel, which has no variance; "
                "train with more examples, or call eval() to take the running statistics"
            )
        mean, var = choose.normalization().moments(x)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var * count / (count - 1)
        return mean, var

    def backward(self, dy):
        kept = self.kept(dy)
        dy, x, mean, scale = (kept[key] for key in ("dy", "x", "mean", "scale"))
        kernels, zero = choose.normalization(), np.zeros(self.num_features)
        self.grads.clear()
        if x is not None:
            dbias, with_x = kernels.sums(dy, x, zero, mean)
            dweight = with_x * scale
        if not kept["frozen"]:
            self.grads.update(weight=dweight.astype(dy.dtype), bias=dbias.astype(dy.dtype))
        factor = self.params["weight"] * scale
        if not kept["training"] or not dy.size:
            return kernels.line(dy, zero, factor, zero)
        count = dy.size // self.num_features
        return kernels.plane(dy, x, mean, factor, dbias / count, dweight * scale / count)

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps:g}, momentum={self.momentum:g}"
