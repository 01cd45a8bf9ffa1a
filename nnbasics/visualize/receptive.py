"""Receptive fields: which pixels a value of a layer has seen."""

from typing import NamedTuple

from nnbasics.errors import UserError


class ReceptiveField(NamedTuple):
    """Position i of a layer sees the `size` pixels from start + i step on, for rows and columns alike pairs.

    Layer by layer, with kernel k, stride s and padding p: start := start - p step, size := size + (k - 1) step,
    step := s step.
    """

    start: tuple
    step: tuple
    size: tuple

    def patch(self, position, picture):
        """Slices of rows and columns of a picture (height, width) that a position (row, column) has seen."""
        corners = (start + at * step for start, at, step in zip(self.start, position, self.step, strict=True))
        return tuple(
            slice(max(corner, 0), min(corner + size, side))
            for corner, size, side in zip(corners, self.size, picture, strict=True)
        )


def receptive_field(net, layer):
    """The receptive field of a layer of a `Sequential`.

    Raises
    ------
    UserError
        Behind a layer that sees everything, such as a fully connected one.
    """
    start, step, size = [0, 0], [1, 1], [1, 1]
    for name in net.up_to([layer]):
        passed = net.layers[name]
        if hasattr(passed, "in_features") or hasattr(passed, "layers") or type(passed).__name__ == "Flatten":
            raise UserError(f"the receptive field of {layer} is not known: {name} is no layer of windows")
        for axis in range(2):
            kernel = getattr(passed, "kernel_size", (1, 1))[axis]
            start[axis] -= getattr(passed, "padding", (0, 0))[axis] * step[axis]
            size[axis] += (kernel - 1) * step[axis]
            step[axis] *= getattr(passed, "stride", (1, 1))[axis]
    return ReceptiveField(tuple(start), tuple(step), tuple(size))
