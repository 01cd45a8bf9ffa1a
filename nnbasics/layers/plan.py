"""A plan: one network, one input shape, the outputs that are wanted, walked forward and back many times.

Style transfer evaluates the same network on the same size hundreds of times and wants two kinds of outputs: features F
of some layers, and the Gram matrices G = F F^T of others. A plan knows this beforehand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import UserError

PICTURES = 4  # of the input's size that come and go in a walk


@dataclass
class Outputs:
    """What a walk forward found, by layer name.

    Features (N, C, H, W); Gram matrices (C, C) and their positions H W; Gram matrices of regions (R, C, C).
    """

    features: dict
    grams: dict
    positions: dict
    guided: dict


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
    guides : dict of str to ndarray (R, H, W), optional
        Layers of which Gram matrices of R regions are wanted (then N is 1), with how much each position counts; or
        their names alone, when each `forward` will be given guides of its own.

    Notes
    -----
    A NaN or an infinity in one pixel makes NaN, in each fused 3x3 convolution, of all 4x4 outputs of the tile that it
    lies in, where the layer by itself keeps it to the 3x3 that see it. It never becomes a number.
    """

    def __init__(self, net, shape, features=(), grams=(), dtype="float32", guides=None):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.features = tuple(features)
        self.grams = tuple(grams)
        if (self.grams or guides) and self.shape[0] != 1:
            raise UserError(f"a plan with Gram matrices takes one picture at a time, and its shape is {self.shape}")
        guides = guides or {}
        names = {*self.features, *self.grams, *guides}
        self.layers = {name: net.layers[name].sharing().freeze() for name in net.up_to(names)}
        from nnbasics.layers import fused  # not before it is needed: its kernels load Numba

        tapped = {*self.features, *guides}
        pieces = fused.runs(self.layers, self.shape, self.dtype, tapped, self.grams)
        self._steps = [
            _Single(piece, self.layers[piece], piece in tapped, piece in self.grams)
            if isinstance(piece, str)
            else fused.Run(piece, last=piece is pieces[-1])
            for piece in pieces
        ]
        self.shapes = self._shapes()
        self._guided = tuple(guides)
        self._guides = {}
        if isinstance(guides, Mapping):
            self._guides = {name: self.guides(name, channels) for name, channels in guides.items()}
        self._guided_features = {}

    def guides(self, name, channels):
        """Guidance channels (R, H, W) of a layer, made ready for `forward`."""
        from nnbasics.layers import guided

        return guided.Guides(channels, self.shapes[name], self.dtype)

    def _shapes(self):
        """{layer: shape of its output}."""
        found, shape = {}, self.shape
        for name, layer in self.layers.items():
            found[name] = shape = layer.output_shape(shape)
        return found

    @property
    def nbytes(self):
        """The memory that walks forward and back take at their peak, foretold; none is taken before the first."""
        size = self.dtype.itemsize
        steps = sum(
            step.nbytes if not isinstance(step, _Single) else 2 * size * math.prod(self.shapes[step.name])
            for step in self._steps
        )
        guided = [size * math.prod(self.shapes[name]) for name in self._guided]
        guided = sum(guided) + max(guided, default=0)  # dL/dF of every layer, and the positions of one in a region
        return steps + guided + PICTURES * size * math.prod(self.shape)

    def forward(self, x, windows=None, guides=None, sums=True):
        """Walk forward; return the features and Gram matrices as `Outputs`.

        The features are the plan's own memory: they are good until the next `forward`, and within their window.

        Parameters
        ----------
        x : ndarray
        windows : dict of str to pair of slice, optional
            For each layer with a Gram matrix the rows and columns that count in it; the others are left out, here and
            in `backward`.
        guides : dict, optional
            What the method `guides` made, by layer, instead of those that the plan was made with.
        sums : bool
            Whether Gram matrices are wanted, or only a walk back.
        """
        if x.shape != self.shape or x.dtype != self.dtype:
            raise UserError(f"this plan is for {self.dtype} of shape {self.shape}, and x is {x.dtype} of {x.shape}")
        outputs = Outputs({}, {}, {}, {})
        sums_on_the_way = sums and windows is None
        for step in self._steps:
            x = step.forward(x, outputs, sums_on_the_way)
        if windows is not None:
            for step in self._steps:
                step.restrict(windows, outputs, sums)
        self._guides = self._guides if guides is None else guides
        self._guided_features = {name: outputs.features[name] for name in self._guides}
        for name, of_layer in self._guides.items():
            if sums:
                outputs.guided[name] = of_layer.grams(outputs.features[name])
        for name in self._guided:
            if name not in self.features:
                del outputs.features[name]
        return outputs

    def backward(self, features=None, grams=None, guided=None):
        """Return dL/dx, given dL/dF for some features and dL/dG for some Gram matrices; once a `forward`.

        A Gram matrix G = F F^T passes its gradient on as dL/dF = (dL/dG + dL/dG^T) F.
        """
        features = dict(features or {})
        for name, d_grams in (guided or {}).items():
            dy = self._guides[name].backward(self._guided_features[name], d_grams)
            features[name] = dy + features[name] if name in features else dy
        flow = None
        for step in reversed(self._steps):
            flow = step.backward(flow, features, grams or {})
        return flow


class _Single:
    """A layer that is walked as it is."""

    def __init__(self, name, layer, wants_features, wants_gram):
        self.name, self.layer = name, layer
        self.wants_features, self.wants_gram = wants_features, wants_gram
        self._features = None

    def forward(self, x, outputs, sums):
        y = self.layer.forward(x)
        if self.wants_features:
            outputs.features[self.name] = y
        if self.wants_gram:
            self._features = y
            if sums:
                self._sum(outputs)
        return y

    def restrict(self, windows, outputs, sums):
        """Leave out of the Gram matrix what is not in the window."""
        if self.wants_gram:
            within = (..., *windows[self.name])
            whole, self._features = self._features, np.zeros_like(self._features)
            self._features[within] = whole[within]
            if sums:
                self._sum(outputs)

    def _sum(self, outputs):
        flat = self._features.reshape(self._features.shape[1], -1)
        outputs.grams[self.name] = flat @ flat.T
        outputs.positions[self.name] = flat.shape[1]

    def backward(self, flow, features, grams):
        here = [gradient for gradient in (flow, features.get(self.name)) if gradient is not None]
        if self.name in grams:
            d_gram = grams[self.name] + grams[self.name].T
            shape = self._features.shape
            here.append((d_gram @ self._features.reshape(shape[1], -1)).reshape(shape))
        return self.layer.backward(sum(here[1:], start=here[0])) if here else None
