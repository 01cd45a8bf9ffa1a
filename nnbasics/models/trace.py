"""Backpropagation on paper: for any weight of a small network, the chain of factors its gradient is made of.

The network is walked once by its own `forward` and `backward`, the code that trains it. The factors on the page are
taken from what its layers computed, multiplied anew, and compared with what `backward` left in `grads`.
"""

from dataclasses import dataclass

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.activation import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Step, Tanh
from nnbasics.layers.linear import Linear
from nnbasics.losses import SquaredErrorLoss

ELEMENTWISE = (Sigmoid, Tanh, ReLU, LeakyReLU, ELU, Step, Identity)


@dataclass(frozen=True)
class Neuron:
    """A node of the drawing: i1, h3, o5.

    Its `out` is f(in); `slope` is f'(in), computed by the activation's own backward rule.
    """

    number: int
    kind: str
    column: int
    place: int
    out: float
    slope: float = 1.0
    activation: object = None

    @property
    def name(self):
        return f"{self.kind}{self.number}"


@dataclass(frozen=True)
class Chain:
    """dE/dw (or dE/db) as a product of factors.

    Attributes
    ----------
    name : str
        "w35", "b5".
    symbols, numbers : str
        The factors by name, and with their values.
    value : float
        Their product.
    backward : float
        What the layer's own backward left in `grads`.
    weight : float
        The weight itself.
    """

    name: str
    symbols: str
    numbers: str
    value: float
    backward: float
    weight: float

    def __str__(self):
        left = f"dE/d{self.name}"
        margin = " " * len(left)
        return (
            f"{left} = {self.symbols}\n"
            f"{margin} = {self.numbers}\n"
            f"{margin} = {self.value:.9g}     backward: {self.backward:.9g}"
        )

    def step(self, lr):
        """The line of gradient descent, w := w - r dE/dw, with numbers."""
        rule = f"{self.name} := {self.name} - r dE/d{self.name}"
        return f"{rule} = {self.weight:.6g} - {lr:g} * {_number(self.value)} = {self.weight - lr * self.value:.9g}"


class Trace:
    """One walk of a small fully connected network, forward and back, with everything it computed.

    Neurons are numbered as on the board, inputs first: i1 i2, then h3 h4, then o5 o6; w35 leads from 3 to 5. With
    E = 1/2 sum (t - o)^2 and sigmoids,

    ::

        dE/dw35 = (o5 - t5) * o5 (1 - o5) * h3
        dE/dw13 = [(o5 - t5) * o5 (1 - o5) * w35 + (o6 - t6) * o6 (1 - o6) * w36] * h3 (1 - h3) * i1

    A weight further from the outputs reaches them by more paths, and its gradient is the sum over all of them; what
    they have in common stands before the bracket only once. That is all that backpropagation is.

    Parameters
    ----------
    net : Sequential
        `Linear` layers, each followed by at most one activation that acts on every value by itself: an `MLP`, say.
    x : array_like, (features,)
        One input.
    target : array_like, (outputs,)
        What should come out.

    Attributes
    ----------
    error : float
        E, by `SquaredErrorLoss`.
    neurons : dict of int to Neuron

    Examples
    --------
    >>> trace = Trace(MLP((2, 2, 2), rng=0), x=[0.05, 0.1], target=[0.01, 0.99])
    >>> print(trace.weight(3, 5))
    >>> print(trace.weight(1, 3).step(lr=0.5))
    >>> trace.draw(highlight=(1, 3)).savefig("w13.png")
    """

    MOST_NEURONS = 60

    def __init__(self, net, x, target):
        self._columns = _columns(net)
        x = _vector(x, self._columns[0][0].in_features, "x")
        self._target = _vector(target, self._columns[-1][0].out_features, "target")
        total = x.size + sum(linear.out_features for linear, _ in self._columns)
        if total > self.MOST_NEURONS:
            raise UserError(f"Trace: {total} neurons; a trace is for networks of at most {self.MOST_NEURONS}")
        if any(linear.frozen for linear, _ in self._columns):
            raise UserError("Trace: a frozen layer has no gradients to compare with; net.unfreeze() first")
        loss = SquaredErrorLoss()
        self.error = loss.forward(net.forward(x[None]), self._target[None])
        net.backward(loss.backward())
        self._grads = [_copied(linear.grads) for linear, _ in self._columns]
        self._params = [_copied(linear.params) for linear, _ in self._columns]
        self._make_neurons(x)

    def weight(self, i, j):
        """The `Chain` of dE/dw_ij, for the weight that leads from neuron i to neuron j."""
        source, goal, name = self._connection(i, j)
        symbols, numbers, value = self._sensitivity(goal)
        return Chain(
            name,
            f"{symbols} * {source.name}",
            f"{numbers} * {_number(source.out)}",
            value * source.out,
            float(self._grads[source.column]["weight"][goal.place, source.place]),
            self._weight(source, goal),
        )

    def bias(self, j):
        """The `Chain` of dE/db_j: that of a weight whose input is always 1."""
        goal = self._neuron(j)
        if goal.column == 0 or "bias" not in self._grads[goal.column - 1]:
            raise UserError(f"Trace: {goal.name} has no bias")
        backward, bias = (of[goal.column - 1]["bias"][goal.place] for of in (self._grads, self._params))
        return Chain(f"b{j}", *self._sensitivity(goal), float(backward), float(bias))

    def weights(self):
        """All chains, one for each weight, in the order of the numbers."""
        return [self.weight(i.number, j.number) for i in self.neurons.values() for j in self._next(i)]

    def __str__(self):
        rows = [f"E = {self.error:.9g}"]
        rows += [f"{n.name} = {n.out:.9g}" for n in self.neurons.values()]
        return "\n\n".join(["\n".join(rows), *map(str, self.weights())])

    def draw(self, highlight=None):
        """The network with the outputs in its neurons, and each weight with its gradient on its edge.

        Parameters
        ----------
        highlight : pair of int, optional
            (i, j): shows the weight w_ij and all paths by which it reaches the outputs in colour.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        columns = 1 + max(n.column for n in self.neurons.values())
        tallest = max(len(self._in_column(c)) for c in range(columns))
        figure = Figure(figsize=(max(3.2, 1.5 * tallest) * columns, 1.2 + 1.7 * tallest), layout="constrained")
        axes = figure.subplots()
        lit = self._paths(*highlight) if highlight else set()
        for source in self.neurons.values():
            for goal in self._next(source):
                self._draw_edge(axes, source, goal, (source.number, goal.number) in lit)
        for neuron in self.neurons.values():
            x, y = self._position(neuron)
            axes.plot(x, y, "o", markersize=44, color="white", markeredgecolor="black", zorder=3)
            axes.text(x, y, f"{neuron.name}\n{neuron.out:.4g}", ha="center", va="center", fontsize=9, zorder=4)
        for neuron, target in zip(self._in_column(columns - 1), self._target, strict=True):
            x, y = self._position(neuron)
            axes.text(x + 0.22, y, f"t{neuron.number} = {target:.4g}", va="center", fontsize=9)
        title = f"E = {self.error:.6g};  on each edge its weight and, below, dE/dw"
        axes.set_title(title + ("\n" + str(self.weight(*highlight)).split("\n")[0] if highlight else ""), fontsize=10)
        axes.set(xlim=(-0.3, columns - 0.4), ylim=(-tallest / 2, tallest / 2))
        axes.axis("off")
        return figure

    def _make_neurons(self, x):
        """Neurons from what the layers computed, numbered from 1."""
        self.neurons = {}
        columns = [("i", x, np.ones_like(x), None)]
        for number, (linear, activation) in enumerate(self._columns, 1):
            total = linear.sharing().forward(columns[-1][1][None])
            twin = activation.sharing()
            out = twin.forward(total)
            slope = twin.backward(np.ones_like(out))
            columns.append(("o" if number == len(self._columns) else "h", out[0], slope[0], activation))
        for column, (kind, outs, slopes, activation) in enumerate(columns):
            for place, (out, slope) in enumerate(zip(outs, slopes, strict=True)):
                number = len(self.neurons) + 1
                self.neurons[number] = Neuron(number, kind, column, place, float(out), float(slope), activation)

    def _sensitivity(self, neuron):
        """dE/din of a neuron, as symbols, as numbers, and its value."""
        if neuron.kind == "o":
            target = float(self._target[neuron.place])
            symbols, numbers = f"({neuron.name} - t{neuron.number})", f"({neuron.out:.6g} - {_number(target)})"
            value = neuron.out - target
        else:
            parts = [(self._sensitivity(k), *self._link(neuron, k)) for k in self._next(neuron)]
            symbols = _sum([f"{s} * {name}" for (s, _, _), name, _ in parts])
            numbers = _sum([f"{n} * {_number(w)}" for (_, n, _), _, w in parts])
            value = sum(v * w for (_, _, v), _, w in parts)
        symbol, number = _slope(neuron)
        return symbols + symbol, numbers + number, value * neuron.slope

    def _link(self, source, goal):
        """Name and value of the weight between two neurons."""
        return _weight_name(source.number, goal.number), self._weight(source, goal)

    def _weight(self, source, goal):
        return float(self._params[source.column]["weight"][goal.place, source.place])

    def _connection(self, i, j):
        source, goal = self._neuron(i), self._neuron(j)
        if goal.column != source.column + 1:
            choices = ", ".join(_weight_name(i, k.number) for k in self._next(source)) or "nothing"
            raise UserError(f"Trace: no weight leads from {source.name} to {goal.name}; from {source.name}: {choices}")
        return source, goal, _weight_name(i, j)

    def _neuron(self, number):
        if number not in self.neurons:
            raise UserError(f"Trace: there is no neuron {number!r}; they are 1 to {len(self.neurons)}")
        return self.neurons[number]

    def _in_column(self, column):
        return [n for n in self.neurons.values() if n.column == column]

    def _next(self, neuron):
        return self._in_column(neuron.column + 1)

    def _paths(self, i, j):
        """Pairs of numbers: the edge (i, j) and all edges after it."""
        _, goal, _ = self._connection(i, j)
        edges, front = {(i, j)}, [goal]
        while front:
            edges |= {(n.number, k.number) for n in front for k in self._next(n)}
            front = self._next(front[0])
        return edges

    def _position(self, neuron):
        return neuron.column, (len(self._in_column(neuron.column)) - 1) / 2 - neuron.place

    def _draw_edge(self, axes, source, goal, lit):
        (x1, y1), (x2, y2) = self._position(source), self._position(goal)
        colour = "tab:red" if lit else "0.6"
        axes.plot([x1, x2], [y1, y2], color=colour, linewidth=2 if lit else 1, zorder=1)
        chain = self.weight(source.number, goal.number)
        # Edges to different neurons carry their numbers at different places, so that those of crossing edges part.
        along = 0.25 + 0.45 * goal.place / max(len(self._in_column(goal.column)) - 1, 1)
        axes.text(
            x1 + along * (x2 - x1),
            y1 + along * (y2 - y1),
            f"{chain.name} = {chain.weight:.4g}\n{chain.value:.3g}",
            ha="center",
            va="center",
            fontsize=8,
            color="tab:red" if lit else "black",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=2,
        )


def _columns(net):
    """The network as pairs of Linear and activation."""
    columns = []
    for layer in getattr(net, "layers", {}).values():
        if isinstance(layer, Linear):
            columns.append((layer, Identity()))
        elif columns and isinstance(layer, ELEMENTWISE) and type(columns[-1][1]) is Identity:
            columns[-1] = (columns[-1][0], layer)
        else:
            raise UserError(f"Trace: {layer.label} cannot be traced; Linear layers with an activation after each can")
    if not columns:
        raise UserError("Trace: a network of Linear layers was expected, an MLP for example")
    return columns


def _copied(arrays):
    return {key: array.copy() for key, array in arrays.items()}


def _vector(values, size, name):
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise UserError(f"Trace: {name} has shape {vector.shape}; one of shape ({size},) was expected")
    return vector


def _slope(neuron):
    """The factor f'(in) with the sign of multiplication before it, by name and with numbers; nothing if it is 1."""
    layer, name, out = neuron.activation, neuron.name, _number(neuron.out)
    if isinstance(layer, Sigmoid):
        a = "" if layer.slope == 1 else f"{_number(layer.slope)} * "
        return f" * {a}{name} (1 - {name})", f" * {a}{out} (1 - {out})"
    if isinstance(layer, Tanh):
        return f" * (1 - {name}^2)", f" * (1 - {out}^2)"
    if isinstance(layer, Identity):
        return "", ""
    return f" * f'(in{neuron.number})", f" * {_number(neuron.slope)}"


def _sum(terms):
    return f"[{' + '.join(terms)}]" if len(terms) > 1 else terms[0]


def _number(value):
    return f"{value:.6g}" if value >= 0 else f"({value:.6g})"


def _weight_name(i, j):
    return f"w{i}{j}" if max(i, j) < 10 else f"w{i},{j}"
