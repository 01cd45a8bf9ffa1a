"""The multilayer perceptron: neurons in layers, each connected to all of the layer before."""

from collections import namedtuple

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.activation import Sigmoid
from nnbasics.layers.base import Layer, whole
from nnbasics.layers.containers import Sequential
from nnbasics.layers.linear import Linear

Counts = namedtuple("Counts", ["neurons", "weights", "biases"])


class MLP(Sequential):
    """Fully connected layers with an activation after each: fc1 act1 fc2 act2 ...

    ::

        h = f(W1 x + b1),   y = f(W2 h + b2), ...

    One hidden layer is enough for XOR, which no single perceptron can do: its neurons draw two lines, and the next
    neuron answers yes between them. Two hidden neurons can do it, but descent finds their lines only now and then (from
    10 of 25 starts, with what the example does); of eight some are always near.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, then the neurons of each layer: (3, 4, 2) has 3 inputs, 4 hidden neurons and 2 outputs.
    activation : callable
        Makes the activation of a layer: a class such as `Sigmoid` or `ReLU`, or ``lambda: Sigmoid(slope=2)``.
    output : callable, optional
        The same for the last layer, if it should have another; `Identity` for the scores that `CrossEntropyLoss` takes.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from; see `he`.

    Examples
    --------
    >>> net = MLP((2, 8, 1), rng=0)
    >>> loss, optimizer = SquaredErrorLoss(), Adam(lr=0.1)
    >>> x, target = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([[0], [1], [1], [0]], float)
    >>> for step in range(600):
    ...     loss.forward(net.forward(x), target)
    ...     net.backward(loss.backward())
    ...     optimizer.step(net.params, net.grads)
    """

    def __init__(self, sizes, activation=Sigmoid, output=None, rng=None):
        self.sizes = tuple(whole(size, "sizes") for size in sizes)
        if len(self.sizes) < 2:
            raise UserError(f"MLP: sizes={self.sizes}; the number of inputs and of neurons in at least one layer")
        rng = _shared(rng)
        layers = {}
        last = len(self.sizes) - 1
        for number, (inputs, outputs) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), 1):
            layers[f"fc{number}"] = Linear(inputs, outputs, rng=rng)
            layers[f"act{number}"] = _made(output if number == last and output is not None else activation)
        super().__init__(layers)

    def counts(self):
        """How many neurons, weights and biases there are; inputs are no neurons.

        >>> MLP((3, 4, 2)).counts()
        Counts(neurons=6, weights=20, biases=6)
        """
        layers = [layer for layer in self.layers.values() if isinstance(layer, Linear)]
        neurons = sum(layer.out_features for layer in layers)
        return Counts(
            neurons,
            sum(layer.params["weight"].size for layer in layers),
            sum(layer.params["bias"].size for layer in layers),
        )


def _shared(rng):
    """One generator for all layers: with the same seed in each, their weights would begin alike."""
    return rng if isinstance(rng, str) else np.random.default_rng(rng)


def _made(activation):
    layer = activation() if callable(activation) and not isinstance(activation, Layer) else None
    if not isinstance(layer, Layer):
        raise UserError(
            f"MLP: {activation!r} makes no layer; an activation class such as Sigmoid was expected, or a function that "
            "returns one: lambda: Sigmoid(slope=2)"
        )
    return layer
