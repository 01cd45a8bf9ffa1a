"""Figures of a perceptron that learns: points in the plane, and the line between them that moves.

`draw` has all lines at once, `animate` one after another. matplotlib is loaded when they are called.
"""

import numpy as np

from nnbasics.errors import UserError

COLOURS = {1: "tab:red", -1: "tab:blue"}


def draw(walk, X, y):
    """The points, and every boundary of a `Walk` from faint (the first) to black (the last).

    Parameters
    ----------
    walk : Walk
        What `Perceptron.fit` returned for points in the plane.
    X, y : array_like
        The points (N, 2) and labels -1 or +1 it was given.

    Returns
    -------
    matplotlib.figure.Figure
        To be shown by a notebook, or `figure.savefig(path)`.
    """
    figure, axes = _plane(walk, X, y)
    last = len(walk.weights) - 1
    for number, weight in enumerate(walk.weights):
        age = number / max(last, 1)
        ends = _line(weight, axes)
        if ends is not None:
            axes.plot(*ends, color="black", alpha=0.08 + 0.92 * age**3, linewidth=1 + (number == last))
    axes.set_title(f"{last} updates: " + ("every point is right" if walk else f"{walk.wrong} points are wrong"))
    return figure


def animate(walk, X, y, interval=400):
    """The boundary after each update, with a ring around the point that caused it.

    Parameters
    ----------
    walk, X, y
        As for `draw`.
    interval : int
        Milliseconds between pictures.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        `animation.to_jshtml()` for a notebook, `animation.save("perceptron.gif", writer="pillow")` for a file.
    """
    from matplotlib.animation import FuncAnimation

    figure, axes = _plane(walk, X, y)
    X = np.asarray(X, float)
    (line,) = axes.plot([], [], color="black")
    (ring,) = axes.plot([], [], "o", markersize=16, markerfacecolor="none", markeredgecolor="black")

    def show(number):
        line.set_data(*(_line(walk.weights[number], axes) or ([], [])))
        cause = X[walk.points[number - 1]] if number else np.empty(2) * np.nan
        ring.set_data(*cause[:, None])
        axes.set_title(f"update {number} of {len(walk.points)}" if number else "the first boundary")
        return line, ring

    return FuncAnimation(figure, show, frames=len(walk.weights), interval=interval)


def _plane(walk, X, y):
    """A figure with the points, and room around them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    X, y = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or walk.weights.shape[1] != 3:
        raise UserError(f"X has shape {X.shape}; points in the plane, (N, 2), can be drawn")
    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for label, colour in COLOURS.items():
        axes.plot(*X[y == label].T, "o", color=colour, label=f"{label:+d}")
    middle, reach = (X.min(axis=0) + X.max(axis=0)) / 2, 0.65 * max(np.ptp(X, axis=0).max(), 1e-9)
    axes.set(xlim=middle[0] + [-reach, reach], ylim=middle[1] + [-reach, reach], xlabel="$x_1$", ylabel="$x_2$")
    axes.set_aspect("equal")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure, axes


def _line(weight, axes):
    """Two points of w0 + w1 x1 + w2 x2 = 0 beyond the rim of the axes, as xs and ys; None if there is no such line."""
    w0, normal = weight[0], weight[1:]
    if not normal.any():
        return None
    middle = np.array([np.mean(axes.get_xlim()), np.mean(axes.get_ylim())])
    foot = middle - (w0 + normal @ middle) / (normal @ normal) * normal
    along = np.array([-normal[1], normal[0]]) / np.linalg.norm(normal) * np.ptp(axes.get_xlim()) * 2
    return np.array([foot - along, foot + along]).T.tolist()
