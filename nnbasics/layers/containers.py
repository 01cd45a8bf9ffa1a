"""Layers made of layers: a chain that can be tapped anywhere."""

import copy
import textwrap
from collections.abc import Mapping, MutableMapping

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.kernels import choose
from nnbasics.layers.activation import Identity
from nnbasics.layers.base import Layer
from nnbasics.layers.plan import Plan


class Joined(MutableMapping):
    """The parameters (or gradients) of several layers seen as one dict, under "layer.key".

    It holds no arrays of its own: reading and writing go to the layer, so an optimiser that updates `net.params` trains
    the layers, and a layer whose weight is replaced shows the new one here.
    """

    def __init__(self, layers, attribute):
        self._layers = layers
        self._attribute = attribute

    def _find(self, key):
        layer, _, rest = key.partition(".")
        if layer not in self._layers:
            raise KeyError(key)
        return getattr(self._layers[layer], self._attribute), rest

    def __getitem__(self, key):
        owner, rest = self._find(key)
        return owner[rest]

    def __setitem__(self, key, value):
        owner, rest = self._find(key)
        owner[rest] = value

    def __delitem__(self, key):
        owner, rest = self._find(key)
        del owner[rest]

    def __iter__(self):
        for name, layer in self._layers.items():
            for key in getattr(layer, self._attribute):
                yield f"{name}.{key}"

    def __len__(self):
        return sum(len(getattr(layer, self._attribute)) for layer in self._layers.values())

    def __repr__(self):
        return repr(dict(self))


class Container(Layer):
    """A layer made of named layers: its switches and parameters are theirs.

    Attributes
    ----------
    input_shape : tuple of int or None
        (C, H, W) of the pictures that a network was made for, if it was made for some; see `summary`.
    """

    input_shape = None

    def __init__(self, layers):
        self._own(layers)
        places = {}
        for name, layer in self.layers.items():
            if not isinstance(name, str) or not name or "." in name:
                raise UserError(f"{type(self).__name__}: {name!r} cannot name a layer; use a word without dots")
            if not isinstance(layer, Layer):
                raise UserError(f"{type(self).__name__}: {name!r} is a {type(layer).__name__}, not a layer")
            if id(layer) in places:
                raise UserError(
                    f"{type(self).__name__}: {places[id(layer)]!r} and {name!r} are the same layer, which remembers "
                    "one forward only; use layer.sharing() to have its parameters in two places"
                )
            places[id(layer)] = name
            layer.name = name

    def _own(self, layers):
        self.layers = dict(layers)
        self.params = Joined(self.layers, "params")
        self.grads = Joined(self.layers, "grads")

    @property
    def training(self):
        return any(layer.training for layer in self.layers.values())

    @training.setter
    def training(self, mode):
        for layer in self.layers.values():
            layer.training = mode

    @property
    def frozen(self):
        return all(layer.frozen for layer in self.layers.values())

    @frozen.setter
    def frozen(self, mode):
        for layer in self.layers.values():
            layer.frozen = mode

    def sharing(self):
        twin = copy.copy(self)
        twin._own({name: layer.sharing() for name, layer in self.layers.items()})
        twin.forget()
        return twin

    def branches(self):
        return [decision for layer in self.layers.values() for decision in layer.branches()]

    def forget(self):
        super().forget()
        for layer in self.layers.values():
            layer.forget()

    def left_out(self, dtype):
        for layer in self.layers.values():
            layer.left_out(dtype)

    def input_shapes(self, x_shape):
        """The shape of what each of the layers is given, by name, for an x of this shape."""
        return dict.fromkeys(self.layers, tuple(x_shape))

    def multiply_adds(self, x_shape):
        return sum(self.layers[name].multiply_adds(shape) for name, shape in self.input_shapes(x_shape).items())

    def summary(self, x_shape=None, levels=1):
        """A table of shapes, parameters and multiply-adds, layer by layer, that can draw itself; see `Summary`.

        Parameters
        ----------
        x_shape : tuple of int, optional
            Of the input, (N, C, H, W); a single picture of the size that the network was made for, if not given.
        levels : int
            How deep to look into layers made of layers.
        """
        from nnbasics.layers.summary import Summary

        return Summary(self, x_shape, levels)

    def __repr__(self):
        rows = "".join(f"{name}: {layer!r}\n" for name, layer in self.layers.items())
        return f"{type(self).__name__}(\n{textwrap.indent(rows, '  ')})"

    @property
    def label(self):
        return f"{self.name} {type(self).__name__} of {len(self.layers)} layers".strip()


class Sequential(Container):
    """A chain of layers, y = f_n( ... f_2(f_1(x))), whose inner outputs can be read and pushed.

    Backward is the chain rule, last layer first: dL/dx = f_1'( ... f_n'(dy)). `activations` and a `backward` that takes
    gradients at several layers are all that style transfer, inversion and DeepDream need: there the picture is what is
    learned.

    Parameters
    ----------
    *layers : Layer, or one dict of str to Layer
        Layers in order, named "0", "1", ... as PyTorch does, or a dict that names them.

    Examples
    --------
    >>> net = Sequential({"conv": Conv2d(3, 8, 3), "relu": ReLU(), "pool": MaxPool2d(2)})
    >>> features = net.activations(x, ["relu"])
    >>> dx = net.backward({"relu": features["relu"]})
    """

    def __init__(self, *layers):
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            super().__init__(layers[0])
        else:
            super().__init__({str(i): layer for i, layer in enumerate(layers)})
        self._walked = ()

    def forget(self):
        super().forget()
        self._walked = ()

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, name):
        return self.layers[self._known(name)]

    def output_shape(self, x_shape):
        for layer in self.layers.values():
            x_shape = layer.output_shape(x_shape)
        return tuple(x_shape)

    def input_shapes(self, x_shape):
        found = {}
        for name, layer in self.layers.items():
            found[name] = tuple(x_shape)
            x_shape = layer.output_shape(x_shape)
        return found

    def forward(self, x):
        self._walked = tuple(self.layers)
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.keep(x)

    def activations(self, x, names):
        """Return {name: output of that layer}, walking no further than the deepest of `names`.

        Parameters
        ----------
        x : ndarray, (N, C, H, W)
        names : iterable of str
            Layer names; one string stands for itself.

        Raises
        ------
        UserError
            If a name is not a layer of this network; the message has the nearest one.
        """
        names = {names} if isinstance(names, str) else set(names)
        walk = self.up_to(names)
        found = {}
        self.forget()
        self._walked = walk
        for name in walk:
            x = self.layers[name].forward(x)
            if name in names:
                found[name] = x
        return found

    def backward(self, dy):
        """Return dL/dx for gradients at the last layer or at several taps.

        Parameters
        ----------
        dy : ndarray, or dict of str to ndarray
            dL/dy for the last layer, or {layer name: dL/d(its output)}: what flows back is their sum.
        """
        if not self.layers:
            return self.kept(dy)["dy"]
        taps = dy if isinstance(dy, Mapping) else {next(reversed(self.layers)): dy}
        walk = self.up_to(taps)
        if not self._walked:
            raise UserError(f"{self.label}: backward before forward; call forward or activations first")
        if len(walk) > len(self._walked):
            raise UserError(
                f"{self.label}: a gradient at {walk[-1]}, but the last walk forward stopped at {self._walked[-1]}"
            )
        flow = None
        for name in reversed(walk):
            if name in taps:
                flow = taps[name] if flow is None else self._joined(name, flow, taps[name])
            flow = self.layers[name].backward(flow)
        return flow

    def _joined(self, name, flow, dy):
        """What flows back into a tapped layer: the gradient from deeper down and its own."""
        if dy.shape != flow.shape:
            raise UserError(
                f"{self.layers[name].label}: dy has shape {dy.shape}, but the last y had shape {flow.shape}"
            )
        return flow + dy

    def up_to(self, names):
        """The names of the layers from the first to the deepest of `names`."""
        deepest = {self._known(name) for name in names}
        if not deepest:
            raise UserError(f"{self.label}: no layer was named; choose from {', '.join(self.layers)}")
        order = list(self.layers)
        return tuple(order[: 1 + max(order.index(name) for name in deepest)])

    def _known(self, name):
        if name in self.layers:
            return name
        raise UserError(f"{self.label}: no layer is called {name!r}; {nearest(name, self.layers)}")

    def plan(self, shape, features=(), grams=(), dtype="float32", guides=None):
        """Prepare many walks over inputs of one shape, as style transfer takes them; see `Plan`."""
        return Plan(self, shape, features, grams, dtype, guides)


class Parallel(Container):
    """Branches side by side on the same x, whose outputs are joined: GoogLeNet's inception, FractalNet's columns.

    ::

        y  = join(f_1(x), ..., f_n(x))
        dx = f_1'(dy_1) + ... + f_n'(dy_n)      since x went into each of them

    Parameters
    ----------
    *branches : Layer, or one dict of str to Layer
        Named "0", "1", ..., or as the dict has it.
    join : "concatenate", "sum" or "mean"
        Stack the channels (axis 1; dy is cut up again), add up (dy goes to each), or take the mean (dy / n does).

    Raises
    ------
    UserError
        If the outputs do not fit together.
    """

    JOINS = ("concatenate", "sum", "mean")

    def __init__(self, *branches, join="concatenate"):
        if len(branches) == 1 and isinstance(branches[0], Mapping):
            super().__init__(branches[0])
        else:
            super().__init__({str(i): branch for i, branch in enumerate(branches)})
        if join not in self.JOINS:
            raise UserError(f"Parallel: no join is called {join!r}; {nearest(join, self.JOINS)}")
        if not self.layers:
            raise UserError("Parallel: it needs at least one branch")
        self.join = join

    def forward(self, x):
        outputs = [branch.forward(x) for branch in self.layers.values()]
        self._joined_shape([y.shape for y in outputs])
        channels = [y.shape[1] for y in outputs] if self.join == "concatenate" else None
        if self.join == "concatenate":
            y = np.concatenate(outputs, axis=1)
        else:
            y = choose.elementwise().total(outputs)
            y = y / len(outputs) if self.join == "mean" else y
        return self.keep(y, channels=channels)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, n = kept["dy"], len(self.layers)
        if self.join == "concatenate":
            pieces = np.split(dy, np.cumsum(kept["channels"])[:-1], axis=1)
        else:
            pieces = [dy / n if self.join == "mean" else dy] * n
        dxs = [branch.backward(piece) for branch, piece in zip(self.layers.values(), pieces, strict=True)]
        return choose.elementwise().total(dxs)

    def output_shape(self, x_shape):
        return self._joined_shape([branch.output_shape(x_shape) for branch in self.layers.values()])

    def _joined_shape(self, shapes):
        """The shape of y for the branches' shapes, which must agree (but for the channels, if these are stacked)."""
        axis = 1 if self.join == "concatenate" else None
        rests = {tuple(size for i, size in enumerate(shape) if i != axis) for shape in shapes}
        if len(rests) > 1:
            branches = ", ".join(f"{name} {shape}" for name, shape in zip(self.layers, shapes, strict=True))
            raise UserError(f"{self.label}: these outputs cannot be joined by {self.join}: {branches}")
        if axis is None:
            return tuple(shapes[0])
        return (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])


class Residual(Parallel):
    """A detour: y = body(x) + shortcut(x), so that dx = body'(dy) + dy reaches the first layer however deep it lies.

    Parameters
    ----------
    body : Layer
    shortcut : Layer, optional
        `Identity` if not given; a 1x1 convolution where the body changes the shape.

    References
    ----------
    He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015.
    """

    def __init__(self, body, shortcut=None):
        super().__init__({"body": body, "shortcut": shortcut or Identity()}, join="sum")
