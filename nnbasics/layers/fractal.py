"""A fractal of layers: short and long ways between the same two points, joined by the mean, dropped at random."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.containers import Container


class DropPaths:
    """Which ways of the fractal blocks of one network are open, drawn anew for each mini-batch in training.

    With probability `local` every join of every block drops each of its inputs with probability p, but never all of
    them. Otherwise one column is drawn for the whole network, and nothing else is open.

    Parameters
    ----------
    p : float in 0 ... 1
    local : float in 0 ... 1
        1 for local sampling alone, 0 for global sampling alone.
    rng : None, int or numpy.random.Generator
    """

    def __init__(self, p=0.15, local=0.5, rng=None):
        for name, value in (("p", p), ("local", local)):
            if not 0 <= value <= 1:
                raise UserError(f"DropPaths: {name}={value!r} is not a probability; it must lie in 0 ... 1")
        self.p, self.local = float(p), float(local)
        self.rng = np.random.default_rng(rng)
        self.column = None

    def next_batch(self, columns):
        """Draw for a new mini-batch whether all blocks follow one column of so many, and which."""
        self.column = None if self.rng.random() < self.local else 1 + int(self.rng.integers(columns))

    def open(self, inputs):
        """Which of a join's inputs, numbers of columns, are open; none if the column of the mini-batch is not here."""
        if self.column is not None:
            return [column for column in inputs if column == self.column]
        kept = [column for column, draw in zip(inputs, self.rng.random(len(inputs)), strict=True) if draw >= self.p]
        return kept or [inputs[self.rng.integers(len(inputs))]]


class FractalBlock(Container):
    """FractalNet's block: columns of 1, 2, 4, ... layers side by side, joined wherever they end together.

    ::

        f_1(z)     = conv(z)
        f_{C+1}(z) = (f_C o f_C)(z) join conv(z)        join: the mean of its open inputs

    Joins that follow each other are one: column c has 2^(c - 1) layers, and after each of them a join with all longer
    columns, whose result goes into all of these. The last join is of all columns. Backwards, each open input of a join
    gets dy / (how many are open); what no open way needs is not computed, and its parameters have the gradient 0.

    Parameters
    ----------
    *columns : list of Layer
        The shortest first: 1, 2, 4, ... layers. "column2_1" is the first layer of the second column.
    drop_paths : DropPaths, optional
        What is dropped in training; the blocks of a network share it. Nothing, if not given.
    leads : bool
        Whether this block is the network's first, where a new mini-batch begins for `drop_paths`.

    Notes
    -----
    All layers of a block give the same shape; only the first of a column may change it.

    Raises
    ------
    UserError
        If the columns have not 1, 2, 4, ... layers.

    References
    ----------
    Larsson, Maire, Shakhnarovich, "FractalNet: ultra-deep neural networks without residuals", 2016.
    """

    def __init__(self, *columns, drop_paths=None, leads=True):
        lengths = [len(column) for column in columns]
        if not lengths or lengths != [2**c for c in range(len(lengths))]:
            raise UserError(f"FractalBlock: columns of {lengths} layers; 1, 2, 4, ... were expected")
        numbered = enumerate(columns, 1)
        super().__init__({_name(c, i): layer for c, column in numbered for i, layer in enumerate(column, 1)})
        self.columns = len(columns)
        self.drop_paths, self.leads = drop_paths, leads

    def forward(self, x):
        joined, walk = {0: x}, self._open_ways()
        for end, inputs in walk.items():
            outputs = [self._layer(c, end).forward(joined[end - self._span(c)]) for c in inputs]
            if len({y.shape for y in outputs}) > 1:
                shapes = ", ".join(
                    f"{_name(c, end // self._span(c))} {y.shape}" for c, y in zip(inputs, outputs, strict=True)
                )
                raise UserError(f"{self.label}: these outputs cannot be joined: {shapes}")
            joined[end] = sum(outputs[1:], start=outputs[0])
            if len(outputs) > 1:
                joined[end] = joined[end] / len(outputs)
        return self.keep(joined[self._depth], walk=walk)

    def backward(self, dy):
        kept = self.kept(dy)
        walk, flows = kept["walk"], {self._depth: kept["dy"]}
        self.left_out(kept["dy"].dtype)
        for end, inputs in reversed(walk.items()):
            flow = flows.pop(end)
            flow = flow / len(inputs) if len(inputs) > 1 else flow
            for c in inputs:
                start, dx = end - self._span(c), self._layer(c, end).backward(flow)
                flows[start] = flows[start] + dx if start in flows else dx
        return flows[0]

    def column(self, number):
        """The layers of one column, from 1 (a single layer) to `columns` (the deepest)."""
        if number not in range(1, self.columns + 1):
            raise UserError(f"{self.label}: there is no column {number!r}; they go from 1 to {self.columns}")
        return [self.layers[_name(number, i)] for i in range(1, 2 ** (number - 1) + 1)]

    def output_shape(self, x_shape):
        for layer in self.column(self.columns):
            x_shape = layer.output_shape(x_shape)
        return tuple(x_shape)

    def input_shapes(self, x_shape):
        found = {}
        for number in range(1, self.columns + 1):
            shape = tuple(x_shape)
            for layer in self.column(number):
                found[layer.name] = shape
                shape = layer.output_shape(shape)
        return found

    @property
    def _depth(self):
        """How many layers the longest column has: joins are numbered by its layers, 1 to this."""
        return 2 ** (self.columns - 1)

    def _span(self, column):
        """How many of the longest column's layers one layer of this column lies beside."""
        return 2 ** (self.columns - column)

    def _layer(self, column, end):
        return self.layers[_name(column, end // self._span(column))]

    def _open_ways(self):
        """{join: its open inputs} in the order of computing, for the joins that the last one needs."""
        ends = range(1, self._depth + 1)
        joins = {end: [c for c in range(1, self.columns + 1) if end % self._span(c) == 0] for end in ends}
        if self.training and self.drop_paths is not None:
            if self.leads:
                self.drop_paths.next_batch(self.columns)
            joins = {end: self.drop_paths.open(inputs) for end, inputs in joins.items()}
        needed = {self._depth}
        for end in reversed(joins):
            if end in needed:
                needed |= {end - self._span(c) for c in joins[end]}
        return {end: inputs for end, inputs in joins.items() if end in needed}


def _name(column, number):
    return f"column{column}_{number}"
