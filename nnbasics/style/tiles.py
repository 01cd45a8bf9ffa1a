"""A picture walked in one piece, or in tiles: the same numbers in bounded memory.

What the losses want of a picture are sums over positions: Gram matrices, and squared differences of features. A sum can
be taken tile by tile; but a gradient needs the whole Gram matrix first. So in tiles a picture is walked twice::

    first     every tile forward          its part of the sums
    second    every tile forward, back    dL/dx of its part of the sums; these add up

Around its own positions a tile has a halo, as wide as the deepest layer looks, so that the features at its own
positions are those of the whole picture, to the last bit: tiles begin where the convolutions' own small tiles do. The
sums over the halo are left to the neighbours. The gradient of a tile reaches into its halo, and is added there. Nothing
is blended, so there are no seams.
"""

import functools
from dataclasses import dataclass

import numpy as np

TWICE = 1.5  # what two walks forward and one back cost, where one and one cost 1
GRID = 4  # the positions that a convolution computes together, in each direction


def over(net, shape, content, style, dtype, guides, tile=None):
    """A network over a picture of `shape`: in one piece, or in tiles of at most tile x tile pixels if it is larger."""
    grid = cut(net, shape, {*content, *style, *guides}, tile)
    if grid.number == 1:
        return Whole(net, shape, content, style, dtype, guides)
    return Tiles(net, grid, shape, content, style, dtype, guides)


def cut(net, shape, names, tile=None):
    """The `Grid` with the least work whose tiles have at most tile x tile pixels; else the one with the smallest."""
    found = grids(shape, *looks(net, names))
    small = [grid for grid in found if tile is None or grid.pixels <= tile**2]
    return small[0] if small else min(found, key=lambda grid: grid.pixels)


class Whole:
    """A network walked over a picture in one piece.

    Parameters
    ----------
    net : Sequential
    shape : tuple of int
        (1, C, H, W) of the picture.
    content, style : iterables of str
        Layers whose features, and whose Gram matrices, are wanted.
    dtype : dtype
    guides : dict of str to ndarray (R, H, W)
        Layers of which Gram matrices of regions are wanted.
    """

    def __init__(self, net, shape, content, style, dtype, guides):
        self._plan = net.plan(shape, content, style, dtype, guides)
        self._pulls = {}

    def features(self, x):
        """{content layer: its features}, copies."""
        return {name: array.copy(order="K") for name, array in self._plan.forward(x).features.items()}

    def forward(self, x, compare):
        """{content layer: loss}, {style layer: Gram matrix}, {guided layer: Gram matrices of regions}.

        `compare(layer, features, where)` gives the loss of a content layer and its derivative by the features; they are
        of the positions `where`, a pair of slices.
        """
        outputs = self._plan.forward(x)
        everywhere = slice(None), slice(None)
        compared = {name: compare(name, array, everywhere) for name, array in outputs.features.items()}
        self._pulls = {name: slope for name, (_, slope) in compared.items()}
        return {name: loss for name, (loss, _) in compared.items()}, outputs.grams, outputs.guided

    def backward(self, grams, guided):
        """dL/dx, given dL/dG of the last walk forward."""
        return self._plan.backward(self._pulls, grams, guided)


@dataclass(frozen=True)
class Axis:
    """One side of a picture cut into tiles of one size, whose own parts lie between `edges`."""

    size: int
    starts: tuple
    edges: tuple

    @classmethod
    def cut(cls, side, parts, halo, step):
        """`side` pixels in so many parts, that begin at multiples of `step`, with a halo; None if they are too many."""
        if parts == 1:
            return cls(side, (0,), (0, side))
        size = -(-(side + 2 * halo * (parts - 1)) // parts)
        size += (side - size) % step
        while size < side:
            stride = (size - 2 * halo) // step * step
            if stride > 0 and (parts - 2) * stride < side - size <= (parts - 1) * stride:
                starts = (*(i * stride for i in range(parts - 1)), side - size)
                return cls(size, starts, (0, *(start + halo for start in starts[1:]), side))
            size += step
        return None


@dataclass(frozen=True)
class Grid:
    """Tiles of a picture: an axis for the rows, one for the columns."""

    rows: Axis
    columns: Axis

    @property
    def shape(self):
        return 1, 3, self.rows.size, self.columns.size

    @property
    def pixels(self):
        """Those of a tile."""
        return self.rows.size * self.columns.size

    @property
    def number(self):
        return len(self.rows.starts) * len(self.columns.starts)

    @property
    def work(self):
        """Pixels walked, halos and all, for one of the picture."""
        whole = self.rows.edges[-1] * self.columns.edges[-1]
        return self.number * self.pixels / whole


class Tiles:
    """A network walked over a picture in tiles: as `Whole`, in the memory of one tile; see the top of this file.

    Parameters
    ----------
    grid : Grid
        The tiles; the others as for `Whole`.
    """

    def __init__(self, net, grid, shape, content, style, dtype, guides):
        self._plan = net.plan(grid.shape, content, style, dtype, tuple(guides))
        self._tiles = _tiles(net, grid, shape, {*content, *style, *guides})
        self._guides = [
            {name: self._plan.guides(name, _placed(channels, tile, name)) for name, channels in guides.items()}
            for tile in self._tiles
        ]
        self._x = self._compare = None

    def features(self, x):
        """{content layer: its features}, put together."""
        found = {}
        for tile in self._tiles:
            outputs = self._plan.forward(x[tile.pixels], tile.windows)
            for name, array in outputs.features.items():
                window, place = tile.windows[name], tile.places[name]
                if name not in found:
                    _, channels, *_ = array.shape
                    height, width = tile.sizes[name]
                    found[name] = np.empty((1, height, width, channels), x.dtype).transpose(0, 3, 1, 2)
                found[name][(..., *place)] = array[(..., *window)]
        return found

    def forward(self, x, compare):
        """As `Whole.forward`."""
        self._x, self._compare = x, compare
        losses, grams, guided = {}, {}, {}
        for tile, guides in zip(self._tiles, self._guides, strict=True):
            outputs = self._plan.forward(x[tile.pixels], tile.windows, guides)
            compared = {name: self._compared(name, outputs, tile)[0] for name in outputs.features}
            for total, part in ((losses, compared), (grams, outputs.grams), (guided, outputs.guided)):
                for name, value in part.items():
                    total[name] = total[name] + value if name in total else value
        return losses, grams, guided

    def backward(self, grams, guided):
        """As `Whole.backward`."""
        gradient = np.zeros_like(self._x)
        for tile, guides in zip(self._tiles, self._guides, strict=True):
            outputs = self._plan.forward(self._x[tile.pixels], tile.windows, guides, sums=False)
            pulls = {name: self._pull(name, outputs, tile) for name in outputs.features}
            gradient[tile.pixels] += self._plan.backward(pulls, grams, guided)
        return gradient

    def _compared(self, name, outputs, tile):
        return self._compare(name, outputs.features[name][(..., *tile.windows[name])], tile.places[name])

    def _pull(self, name, outputs, tile):
        """The derivative of a content layer's loss by the tile's features: 0 in the halo."""
        _, slope = self._compared(name, outputs, tile)
        _, channels, height, width = outputs.features[name].shape
        pull = np.zeros((1, height, width, channels), slope.dtype).transpose(0, 3, 1, 2)
        pull[(..., *tile.windows[name])] = slope
        return pull


@dataclass(frozen=True)
class Tile:
    """A tile: its pixels, and for each layer its own positions, among those of the tile and of the picture."""

    pixels: tuple
    windows: dict
    places: dict
    sizes: dict  # of the picture's features
    inner: dict  # of the tile's features


def _tiles(net, grid, shape, names):
    """The tiles of a grid, row by row."""
    whole, inner = _shapes(net, names, shape), _shapes(net, names, grid.shape)
    steps = _steps(net, names)
    found = []
    for row in range(len(grid.rows.starts)):
        for column in range(len(grid.columns.starts)):
            axes = (grid.rows, row), (grid.columns, column)
            pixels = tuple(slice(axis.starts[i], axis.starts[i] + axis.size) for axis, i in axes)
            places = {name: _places(axes, steps[name], whole[name]) for name in names}
            windows = {
                name: tuple(
                    slice(place.start - pixel.start // steps[name], place.stop - pixel.start // steps[name])
                    for place, pixel in zip(places[name], pixels, strict=True)
                )
                for name in names
            }
            found.append(Tile((..., *pixels), windows, places, whole, inner))
    return found


def _places(axes, step, size):
    """Where a tile's own positions are in a layer of this size, as slices: the last tile has what is left."""
    edges = [(axis.edges[i], axis.edges[i + 1], axis.edges[-1]) for axis, i in axes]
    return tuple(
        slice(first // step, last // step if last < side else length)
        for (first, last, side), length in zip(edges, size, strict=True)
    )


def _placed(channels, tile, name):
    """The guidance channels of a tile: 0 in the halo."""
    found = np.zeros((len(channels), *tile.inner[name]), channels.dtype)
    found[(..., *tile.windows[name])] = channels[(..., *tile.places[name])]
    return found


def _shapes(net, names, shape):
    """{layer: (height, width)}."""
    found = {}
    for name in net.up_to(names):
        shape = net.layers[name].output_shape(shape)
        found[name] = tuple(shape[2:])
    return found


def _steps(net, names):
    """{layer: pixels from one position to the next}."""
    found, step = {}, 1
    for name in net.up_to(names):
        step *= getattr(net.layers[name], "stride", (1, 1))[0]
        found[name] = step
    return found


@functools.lru_cache(maxsize=64)
def grids(shape, halo, step, most=64):
    """All ways to cut a picture of `shape` into tiles, those with the least work first: the picture as a whole."""
    axes = [[Axis.cut(side, parts, halo, step) for parts in range(1, most + 1)] for side in shape[2:]]
    found = [Grid(rows, columns) for rows in axes[0] for columns in axes[1] if rows and columns]
    return sorted(found, key=lambda grid: grid.work)


def looks(net, names):
    """(halo, step): how far the deepest of the layers looks beyond its own pixels, and where tiles may begin."""
    before = after = 0
    step = 1
    for name in net.up_to(names):
        layer = net.layers[name]
        kernel, stride, pad = (
            getattr(layer, key, (n, n))[0] for key, n in (("kernel_size", 1), ("stride", 1), ("padding", 0))
        )
        before, after, step = before + pad * step, after + (kernel - 1 - pad) * step, step * stride
    halo = max(before, after - step + 1)
    return -(-halo // step) * step, GRID * step
