"""The contract that every layer keeps: `y = forward(x)`, then `dx = backward(dy)`.

A layer is a function with a memory: `forward` keeps what the backward rule will need, `backward` turns dL/dy into dL/dx
by the chain rule and leaves dL/dparameter in `grads`. Nothing else is going on in a neural network.
"""

import copy
from abc import ABC, abstractmethod

import numpy as np

from nnbasics.errors import UserError


def pair(value, name, least=1):
    """An int or a pair of ints as (rows, columns); `name` and `least` are for the message when it is neither."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, (int, np.integer)) and v >= least for v in both):
        raise UserError(f"{name}={value!r}: an int or a pair of ints of at least {least} was expected")
    return int(both[0]), int(both[1])


def whole(value, name, least=1):
    """An int of at least `least`; `name` is for the message when it is none."""
    if not isinstance(value, (int, np.integer)) or value < least:
        raise UserError(f"{name}={value!r}: an int of at least {least} was expected")
    return int(value)


def short(both):
    """A pair as people write it: 3 for (3, 3)."""
    return both[0] if both[0] == both[1] else both


def in_memory_order(values, axes):
    """A copy whose memory runs through the axes in this order.

    What comes after a layer is fast if dx lies as x does, so layers that change the shape keep `memory_order(x)`.
    """
    return np.array(values.transpose(axes), order="C").transpose(np.argsort(axes))


def memory_order(x):
    """The axes of x from the one whose neighbours lie furthest apart to the one whose neighbours are side by side."""
    return sorted(range(x.ndim), key=lambda axis: -x.strides[axis])


def he(shape, fan_in, rng):
    """First weights: normal with variance 2 / fan_in, so that ReLU layers keep the size of what passes through.

    Parameters
    ----------
    shape : tuple of int
    fan_in : int
        How many inputs each output adds up.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the random numbers come from. "zeros" draws none, for weights that will be loaded.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015.
    """
    if isinstance(rng, str) and rng == "zeros":
        return np.zeros(shape, np.float32)
    draw = np.random.default_rng(rng).standard_normal(shape, dtype=np.float32)
    return np.multiply(draw, np.float32(np.sqrt(2 / fan_in)), out=draw)


class Layer(ABC):
    """What all layers share: parameters, their gradients, two switches, and the memory between forward and backward.

    A layer of your own needs two methods::

        class Square(Layer):
            def forward(self, x):
                return self.keep(x * x, x=x)

            def backward(self, dy):
                return 2 * self.kept(dy)["x"] * dy

    Attributes
    ----------
    params : dict of str to ndarray
        What is learned: "weight", "bias"; empty for a layer with nothing to learn.
    grads : dict of str to ndarray
        dL/dparameter under the same keys, *set* (not added to) by `backward`.
    training : bool
        Dropout, batch normalisation and stochastic depth act differently in training and in use.
    frozen : bool
        Nobody wants parameter gradients: `forward` then keeps only what backward-to-input needs.
    name : str
        The layer's name in its network ("conv1_1"), for messages.
    """

    training = True
    frozen = False
    name = ""
    _memory = None
    _y_shape = None
    _y_dtype = None

    def __init__(self):
        self.params = {}
        self.grads = {}

    @abstractmethod
    def forward(self, x):
        """Return y for the input x, and keep what `backward` needs."""

    @abstractmethod
    def backward(self, dy):
        """Return dL/dx for the x of the last `forward`, given dy = dL/dy; set `grads`."""

    def __call__(self, x):
        return self.forward(x)

    def __repr__(self):
        return f"{type(self).__name__}({self.extra_repr()})"

    def extra_repr(self):
        """The constructor's arguments, as they are shown in the layer's repr."""
        return ""

    def keep(self, y, /, **memory):
        """Remember y's shape and dtype and what the backward rule needs; return y."""
        self._y_shape, self._y_dtype = y.shape, y.dtype
        self._memory = memory
        return y

    def kept(self, dy):
        """Return what `keep` remembered, once dy is known to be a gradient for the last y.

        dy itself is there too, as "dy" and in the dtype of y.
        """
        if not isinstance(dy, np.ndarray):
            raise UserError(f"{self.label}: dy is a {type(dy).__name__}; an array of y's shape was expected")
        if self._memory is None:
            raise UserError(f"{self.label}: backward before forward: dy has shape {dy.shape}, and there is no y yet")
        if dy.shape != self._y_shape:
            raise UserError(f"{self.label}: dy has shape {dy.shape}, but the last y had shape {self._y_shape}")
        return {**self._memory, "dy": dy.astype(self._y_dtype, copy=False)}

    def forget(self):
        """Drop what the last `forward` kept, so that its memory can be used again."""
        self._memory = self._y_shape = self._y_dtype = None

    def left_out(self, dtype):
        """Set the gradients of a layer that the last walk went around: they are 0."""
        self.grads.clear()
        if not self.frozen:
            self.grads.update({key: np.zeros(param.shape, dtype) for key, param in self.params.items()})

    def sharing(self):
        """A copy with the same parameters and a memory of its own, so that two walks do not disturb each other."""
        twin = copy.copy(self)
        twin.grads = {}
        twin.forget()
        return twin

    @property
    def label(self):
        """How messages call this layer: its name in the network, if it has one, and its class with arguments."""
        return f"{self.name} {self!r}".strip()

    def branches(self):
        """The decisions the last `forward` took where the rule has a kink, as a list of arrays: ReLU's mask, an argmax.

        While they stay the same the layer is smooth; where one changes, a difference quotient means nothing. Gradient
        checks look here. Smooth layers have none.
        """
        return []

    def output_shape(self, x_shape):
        """The shape of y for an input of this shape, without computing it."""
        return tuple(x_shape)

    def multiply_adds(self, x_shape):
        """How many multiplications with an addition `forward` takes for an input of this shape; biases are not counted.

        Only layers with weights count, as papers count them: pooling and activations are 0.
        """
        return 0

    def num_parameters(self):
        """How many numbers are learned."""
        return sum(int(np.prod(param.shape)) for param in self.params.values())

    def check_x(self, x, *, ndim=None, channels=None):
        """Refuse an input of the wrong type or shape with a message that names the layer and both shapes."""
        if not isinstance(x, np.ndarray) or x.dtype not in (np.float32, np.float64):
            kind = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
            raise UserError(f"{self.label}: x is {kind}; a float32 or float64 array was expected: x.astype(np.float32)")
        if ndim is not None and x.ndim != ndim:
            expected = {2: "(N, features)", 4: "(N, C, H, W)"}.get(ndim, f"{ndim} axes")
            raise UserError(f"{self.label}: x has shape {x.shape}; {expected} was expected")
        if channels is not None and x.shape[1] != channels:
            raise UserError(f"{self.label}: x has shape {x.shape}, so {x.shape[1]} channels; {channels} were expected")

    def param(self, key, dtype):
        """The parameter `key` in the dtype of the computation (no copy when it has it already)."""
        return self.params[key].astype(dtype, copy=False)

    def train(self, mode=True):
        """Switch to training (or, with False, to use) and return the layer."""
        self.training = mode
        return self

    def eval(self):
        """Switch to use: dropout passes everything, batch normalisation takes its running statistics."""
        return self.train(False)

    def freeze(self):
        """Give up parameter gradients, and the memory they would need; return the layer."""
        self.frozen = True
        return self

    def unfreeze(self):
        """Want parameter gradients again; return the layer."""
        self.frozen = False
        return self
