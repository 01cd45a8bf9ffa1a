"""A network at a glance: what comes out of each layer, what it learns, what it costs."""

import html
from typing import NamedTuple

from nnbasics.errors import UserError
from nnbasics.layers.base import whole


class Row(NamedTuple):
    """A layer: its place ("block2_1.body.conv1"), how deep it lies, its class, what comes out, and what it takes."""

    name: str
    level: int
    kind: str
    output_shape: tuple
    parameters: int
    multiply_adds: int


class Summary:
    """A network as a table: shapes, parameters and multiply-adds of each layer, for an input of one shape.

    Nothing is computed, and with ``rng="zeros"`` the memory of the weights is not even touched. Printed it is plain
    text, in a notebook a table; `draw` makes boxes and arrows of it.

    Parameters
    ----------
    net : Container
    x_shape : tuple of int, optional
        (N, C, H, W); one picture of the size that the network was made for, if not given.
    levels : int
        How deep to look into layers made of layers: 1 shows a block of layers as one row.

    Attributes
    ----------
    rows : list of Row
    parameters, multiply_adds : int
        Of the whole network.

    Raises
    ------
    UserError
        If the network does not say what it was made for, or cannot take such an input.

    Examples
    --------
    >>> print(simple_cnn().summary())
    layer    kind       output    parameters  multiply-adds
    conv     Conv2d     12x32x32         336        331,776
    relu     ReLU       12x32x32           0              0
    pool     MaxPool2d  12x16x16           0              0
    flatten  Flatten    3072               0              0
    fc       Linear     10            30,730         30,720
    total               10            31,066        362,496
    """

    def __init__(self, net, x_shape=None, levels=1):
        if x_shape is None and net.input_shape is None:
            raise UserError(f"{net.label}: what is its input? Give a shape: summary((1, 3, 32, 32))")
        self.net, self.levels = net, whole(levels, "levels")
        self.x_shape = tuple(x_shape or (1, *net.input_shape))
        self.rows = list(_rows(net, self.x_shape, self.levels))
        self.output_shape = net.output_shape(self.x_shape)
        self.parameters, self.multiply_adds = net.num_parameters(), net.multiply_adds(self.x_shape)

    HEAD = ("layer", "kind", "output", "parameters", "multiply-adds")

    def cells(self):
        """The rows of the table as text, the total last."""
        for row in self.rows:
            name = "  " * row.level + row.name.rpartition(".")[2]
            yield name, row.kind, size(row.output_shape), f"{row.parameters:,}", f"{row.multiply_adds:,}"
        yield "total", "", size(self.output_shape), f"{self.parameters:,}", f"{self.multiply_adds:,}"

    def __str__(self):
        table = [self.HEAD, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for cells in table:
            words = [cell.ljust(width) for cell, width in zip(cells[:3], widths, strict=False)]
            numbers = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
            lines.append("  ".join([*words, *numbers]))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            words = [
                f'<{tag} style="text-align: left; white-space: pre">{html.escape(cell)}</{tag}>' for cell in cells[:3]
            ]
            words += [f'<{tag} style="text-align: right">{html.escape(cell)}</{tag}>' for cell in cells[3:]]
            return f"<tr>{''.join(words)}</tr>"

        *body, total = self.cells()
        head, foot = line(self.HEAD, "th"), line(total, "th")
        rows = "".join(line(cells, "td") for cells in body)
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>"

    def draw(self, levels=None):
        """The network as boxes and arrows, from top to bottom: a matplotlib Figure.

        Layers that leave the shape as it is (activations, normalisation, dropout) stand in the box of the layer before.

        Parameters
        ----------
        levels : int, optional
            How deep to look into layers made of layers; as the table, if not given.
        """
        from nnbasics.layers.drawing import draw

        return draw(self.net, self.x_shape, self.levels if levels is None else whole(levels, "levels"))


def size(shape):
    """A shape without its batch, as people write it: 64x224x224."""
    return "x".join(map(str, shape[1:]))


def _rows(net, x_shape, levels, prefix="", level=0):
    for name, shape in net.input_shapes(x_shape).items():
        layer = net.layers[name]
        out, kind = layer.output_shape(shape), type(layer).__name__
        yield Row(prefix + name, level, kind, out, layer.num_parameters(), layer.multiply_adds(shape))
        if levels > 1 and hasattr(layer, "input_shapes"):
            yield from _rows(layer, shape, levels - 1, f"{prefix}{name}.", level + 1)
