"""Activations as curves: the value, and the derivative that the gradient is multiplied by on its way back."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.activation import Activation, Maxout, Softmax

POINTS = 801
OTHERS = (-5.0, -1.0, 1.0)  # scores that a softmax compares x with: the workshop's
ACROSS = 4  # panels in a row
LINES = {"y": "-", "dy/dx": "--", "d²y/dx²": ":"}


def activation_curves(*layers, low=-5.0, high=5.0):
    """Draw value and derivative of activations over x, a panel for each; of `Sigmoid` the second derivative as well.

    `Maxout(p)` is drawn as it is used, as the largest of p straight lines, and `Softmax` as the probability of a class
    whose score is x, where three others have -5, -1 and 1.

    Parameters
    ----------
    *layers : Activation or Softmax
    low, high : float
        Where x begins and ends.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UserError
        For no layer, or one that is no activation.

    Examples
    --------
    >>> activation_curves(Sigmoid(), Tanh(), ReLU()).savefig("activations.png")
    """
    from matplotlib.figure import Figure

    if not layers:
        raise UserError("activation_curves: at least one activation was expected: activation_curves(ReLU())")
    t = np.linspace(low, high, POINTS)
    rows, columns = -(-len(layers) // ACROSS), min(len(layers), ACROSS)
    figure = Figure(figsize=(max(3.2 * columns, 4.8), 3 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, layer in zip(panels, layers, strict=False):
        for name, curve in curves(layer, t).items():
            axes.plot(*_torn(layer, t, curve), LINES[name], label=name)
        axes.set(title=repr(layer), xlabel="x")
        axes.legend()
    for axes in panels[len(layers) :]:
        axes.remove()
    return figure


def curves(layer, t):
    """{"y": value, "dy/dx": derivative, ...} of an activation at the points t (T,)."""
    x, speed = _inputs(layer, t)
    if isinstance(layer, Softmax):
        along = Softmax(axis=1)  # whatever its axis: x has the classes on the second
        return {"y": along.forward(x)[:, -1], "dy/dx": along.derivative(x)[:, -1, -1]}
    found = {"y": layer.sharing().forward(x)[:, 0], "dy/dx": (layer.derivative(x) * speed).sum(axis=1)}
    if hasattr(layer, "second_derivative"):
        found["d²y/dx²"] = layer.second_derivative(x)[:, 0]
    return found


def _inputs(layer, t):
    """What the layer gets at each point (T, width), and how fast each of these numbers moves with t (width,)."""
    if isinstance(layer, Softmax):
        return np.column_stack([np.broadcast_to(OTHERS, (len(t), len(OTHERS))), t]), None
    if isinstance(layer, Maxout):  # tangents of a parabola: each is the largest somewhere
        touch = np.linspace(t[0], t[-1], layer.pieces + 2)[1:-1]
        half = (t[-1] - t[0]) / 2
        return t[:, None] * touch / half - touch**2 / (2 * half), touch / half
    if isinstance(layer, Activation):
        return t[:, None], np.ones(1)
    raise UserError(f"activation_curves: {layer!r} is no activation")


def _torn(layer, t, curve):
    """t and curve with a gap where the curve jumps, so that no upright line is drawn there."""
    twin = layer.sharing()
    twin.forward(_inputs(layer, t)[0])
    jumps = np.zeros(len(t) - 1, bool)
    for decision in twin.branches():
        jumps |= (np.diff(decision.reshape(len(t), -1), axis=0) != 0).any(axis=1)
    jumps &= abs(np.diff(curve)) > 3 * (t[1] - t[0])
    places = np.flatnonzero(jumps) + 1
    return np.insert(t, places, np.nan), np.insert(curve, places, np.nan)
