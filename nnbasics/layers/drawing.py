"""A network drawn: boxes from top to bottom, side by side where x goes several ways, and arrows between them."""

from dataclasses import dataclass
from itertools import pairwise

from nnbasics.layers.containers import Parallel, Sequential
from nnbasics.layers.fractal import FractalBlock
from nnbasics.layers.summary import size

COLOURS = {  # by the class of the first layer in a box
    "Conv2d": "#cfe3f5",
    "Linear": "#f7d9c4",
    "MaxPool2d": "#dcecd2",
    "AvgPool2d": "#dcecd2",
    "GlobalAvgPool2d": "#dcecd2",
}
OTHER = "#eeeeee"
WIDTH, HEIGHT, GAP = 2.3, 0.34, 0.2  # inches: of a box, and between boxes


@dataclass
class Box:
    """A layer, and those behind it that keep the shape."""

    label: str
    colour: str
    width: float = WIDTH
    height: float = HEIGHT

    def put(self, axes, x, top):
        """Draw with the middle at x; return where arrows go in and come out."""
        from matplotlib.patches import FancyBboxPatch

        corner = (x - self.width / 2 + 0.05, top - self.height)
        style = "round,pad=0,rounding_size=0.06"
        axes.add_patch(
            FancyBboxPatch(corner, self.width - 0.1, self.height, boxstyle=style, fc=self.colour, ec="#666666")
        )
        axes.text(x, top - self.height / 2, self.label, ha="center", va="center", fontsize=7)
        return (x, top), (x, top - self.height)


class Chain:
    """Drawings one below the other."""

    def __init__(self, parts):
        self.parts = parts
        self.width = max((part.width for part in parts), default=WIDTH)
        self.height = sum(part.height for part in parts) + GAP * max(len(parts) - 1, 0)

    def put(self, axes, x, top):
        if not self.parts:
            return (x, top), (x, top)
        ends = []
        for part in self.parts:
            ends.append(part.put(axes, x, top))
            top -= part.height + GAP
        for (_, start), (end, _) in pairwise(ends):
            _arrow(axes, start, end)
        return ends[0][0], ends[-1][1]


class Sides:
    """Drawings side by side, between a point where x comes in and the box that joins them, or only lines that meet."""

    def __init__(self, parts, join=""):
        self.parts = parts
        self.join = Box(join, "#fff3c9", 0.9 if len(join) < 8 else WIDTH, 0.24) if join else None
        self.width = sum(part.width for part in parts)
        self.height = max(part.height for part in parts) + (3 * GAP + self.join.height if join else 2 * GAP)

    def put(self, axes, x, top):
        left, bottom = x - self.width / 2, top - self.height + (self.join.height if self.join else 0)
        meeting = (x, bottom + 0.6 * GAP if self.join else bottom)
        for part in self.parts:
            middle = left + part.width / 2
            start, end = part.put(axes, middle, top - GAP)
            _line(axes, (x, top), (middle, top))
            (_arrow if start != end else _line)(axes, (middle, top), start)
            _line(axes, end, (middle, meeting[1]))
            _line(axes, (middle, meeting[1]), meeting)
            left += part.width
        if self.join is None:
            return (x, top), meeting
        inlet, outlet = self.join.put(axes, x, bottom)
        _arrow(axes, meeting, inlet)
        return (x, top), outlet


def draw(net, x_shape, levels):
    """The drawing of a network for inputs of this shape, looking `levels` deep into layers made of layers."""
    from matplotlib.figure import Figure

    drawing = Chain([Box(f"input  {size(x_shape)}", "white"), _chain(net, x_shape, levels)])
    figure = Figure(figsize=(max(drawing.width, 2.6) + 0.2, drawing.height + 0.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-drawing.width / 2 - 0.1, drawing.width / 2 + 0.1), ylim=(-drawing.height - 0.1, 0.1))
    axes.axis("off")
    drawing.put(axes, 0, 0)
    return figure


def _chain(net, x_shape, levels):
    """The layers of a chain; those that keep the shape and have nothing inside join the box before."""
    parts = []
    for name, shape in net.input_shapes(x_shape).items():
        layer = net.layers[name]
        out = layer.output_shape(shape)
        inner = levels > 1 and _inside(layer, shape, levels - 1)
        quiet = tuple(out) == tuple(shape) and not hasattr(layer, "layers") and type(layer).__name__ not in COLOURS
        if inner:
            parts.append(inner)
        elif quiet and parts and isinstance(parts[-1], Box):
            parts[-1].label = _joined(parts[-1].label, name)
        else:
            parts.append(Box(f"{name}  {size(out)}", COLOURS.get(type(layer).__name__, OTHER)))
    return Chain(parts)


def _joined(label, name):
    names, _, shape = label.rpartition("  ")
    return f"{names} {name}  {shape}"


def _inside(layer, shape, levels):
    """The drawing of a layer made of layers, or None if it is none."""
    if isinstance(layer, Sequential):
        return _chain(layer, shape, levels)
    if isinstance(layer, FractalBlock):
        return Sides(_fractal(layer, 1, 0), f"{layer.name} mean  {size(layer.output_shape(shape))}")
    if isinstance(layer, Parallel):
        parts = [
            _inside(branch, shape, levels) or Chain([] if _nothing(branch) else [_box(name, branch, shape)])
            for name, branch in layer.layers.items()
        ]
        return Sides(
            parts, {"sum": "+", "mean": "mean", "concatenate": f"stack  {size(layer.output_shape(shape))}"}[layer.join]
        )
    return None


def _fractal(block, first, index):
    """What the columns from `first` on bring to a join, as drawings; `index` is the layer of that column, from 0."""
    box = Box(block.column(first)[index].name, COLOURS["Conv2d"], 1.1)
    if first == block.columns:
        return [box]
    before, last = (_fractal(block, first + 1, 2 * index + half) for half in (0, 1))
    joined = Sides(before, "mean") if len(before) > 1 else before[0]
    return [box, Chain([joined, Sides(last) if len(last) > 1 else last[0]])]


def _nothing(layer):
    return type(layer).__name__ == "Identity"


def _box(name, layer, shape):
    return Box(f"{name}  {size(layer.output_shape(shape))}", COLOURS.get(type(layer).__name__, OTHER))


def _line(axes, start, end):
    axes.plot(*zip(start, end, strict=True), color="#666666", linewidth=0.8)


def _arrow(axes, start, end):
    axes.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "-|>", "color": "#666666", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
    )
