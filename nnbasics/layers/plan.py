"""A plan: one network, one input shape, the outputs that are wanted, walked forward and back many times.

Style transfer evaluates the same network on the same size hundreds of times and wants two kinds of outputs: features F
of some layers, and the Gram matrices G = F F^T of others. A plan knows this beforehand.
"""

from dataclasses import dataclass

import numpy as np

from nnbasics.errors import UserError


@dataclass
class Outputs:
    """What a walk forward found, by layer name: features (N, C, H, W), Gram matrices (C, C) and their positions H W."""

    features: dict
    grams: dict
    positions: dict


class Plan:
    """A frozen network prepared for inputs of one shape.

    Parameters
    ----------
    net : Sequential
        Its parameters are shared, not copied; its own memory of forward and backward is left alone.
    shape : tuple of int
        (N, C, H, W) of the inputs.
    features, grams : iterables of str
        The layers whose features, and whose Gram matrices (then N is 1), are wanted.
    dtype : "float32" or "float64"
        What the inputs will be.
    """

    def __init__(self, net, shape, features=(), grams=(), dtype="float32"):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.features = tuple(features)
        self.grams = tuple(grams)
        if self.grams and self.shape[0] != 1:
            raise UserError(f"a plan with Gram matrices takes one picture at a time, and its shape is {self.shape}")
        names = {*self.features, *self.grams}
        self.layers = {name: net.layers[name].sharing().freeze() for name in net.up_to(names)}

    def forward(self, x):
        """Walk forward; return the features and Gram matrices as `Outputs`."""
        if x.shape != self.shape or x.dtype != self.dtype:
            raise UserError(f"this plan is for {self.dtype} of shape {self.shape}, and x is {x.dtype} of {x.shape}")
        outputs = Outputs({}, {}, {})
        self._flat = {}
        for name, layer in self.layers.items():
            x = layer.forward(x)
            if name in self.features:
                outputs.features[name] = x
            if name in self.grams:
                flat = x.reshape(x.shape[1], -1)
                self._flat[name] = flat
                outputs.grams[name] = flat @ flat.T
                outputs.positions[name] = flat.shape[1]
        return outputs

    def backward(self, features=None, grams=None):
        """Return dL/dx, given dL/dF for some features and dL/dG (symmetric) for some Gram matrices.

        A Gram matrix G = F F^T passes its gradient on as dL/dF = (dL/dG + dL/dG^T) F.
        """
        features = features or {}
        grams = grams or {}
        flow = None
        for name, layer in reversed(self.layers.items()):
            here = [features[name]] if name in features else []
            if name in grams:
                d_gram = grams[name] + grams[name].T
                here.append((d_gram @ self._flat[name]).reshape(layer._y_shape))
            for gradient in here:
                flow = gradient if flow is None else flow + gradient
            if flow is not None:
                flow = layer.backward(flow)
        return flow
