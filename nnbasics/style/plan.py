"""The plan of a run, made before it starts: its memory at the peak, and how it fits into what there is.

What the network takes is computed from the shapes of its maps; how many pictures an optimiser has in its hands at once
was counted. When that does not fit, there are two ways: fewer steps that L-BFGS remembers, and tiles. Each costs time,
and the plan takes the cheapest that fits; Adam, which remembers two pictures, where nothing else does.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from nnbasics.errors import SettingsError, UserError
from nnbasics.optimizers import LBFGS, descend
from nnbasics.style import memory
from nnbasics.style.ingredients import shortest_side
from nnbasics.style.pyramid import stages
from nnbasics.style.settings import InvalidSetting
from nnbasics.style.tiles import TWICE, cut

# Steps remembered: how many times the evaluations, roughly.
HISTORIES = {50: 1.0, 30: 1.1, 20: 1.3, 10: 1.5, 5: 1.8, 3: 2.2}
ADAM = 3.2  # the same for Adam
TILES = (2048, 1536, 1280, 1024, 896, 768, 640, 512, 448, 384)  # pixels a side
PICTURES = {"lbfgs": 11, "adam": 9, "gradient-descent": 7}  # alive at once, beside the history
KERNELS = 16e6  # what the kernels need to turn round in
SPARE = 0.02  # of an allowance, for what a plan does not see: it is kept to
SETTLED = ("optimizer", "history", "tile", "pyramid")  # the settings that a plan settles where they are left open
WHOLE = 0  # the setting `tile` of a run in one piece


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Attributes
    ----------
    bytes : float
        Of the process, at its peak.
    tiles : Grid
    work : float
        Evaluations' work, where that in one piece is 1.
    note : str
        What was done to make it fit; usually empty.
    """

    bytes: float
    tiles: object
    work: float
    note: str = ""

    def __str__(self):
        words = f"about {memory.shown(self.bytes)} of memory"
        if self.tiles.number > 1:
            _, _, height, width = self.tiles.shape
            words += f", in {self.tiles.number} tiles of {width} x {height} pixels: {self.work:.1f} times the work"
        return words + (f"; {self.note}" if self.note else "")


def fitted(ingredients, settings):
    """The settings with all that was left open settled, and the `Plan`.

    Raises
    ------
    SettingsError
        If the run does not fit in any way that the settings allow, with the largest size that does.
    """
    _warm_up(ingredients.net, settings)
    base, free = memory.resident(), memory.available()
    room = min(math.inf if free is None else free, _allowed(settings, base))
    shapes = ingredients.shapes(settings.size)
    ways = [way for way in _ways(ingredients.net, shapes, settings) if way.bytes <= room]
    if not ways:
        raise _refusal(ingredients, settings, base, room)
    way = min(ways, key=lambda way: way.cost)
    plan = Plan(max(memory.peak(), base + way.bytes), way.tiles, way.work, way.note(settings))
    return way.settled(settings), plan


@dataclass(frozen=True)
class _Way:
    """A way to run: optimiser, history and tile, the bytes on top of what the process has, and its cost in time."""

    optimizer: str
    history: int
    tile: int
    tiles: object
    bytes: float
    cost: float

    @property
    def work(self):
        return 1.0 if self.tiles.number == 1 else TWICE * self.tiles.work

    def settled(self, settings):
        pyramid = stages(settings) if settings.pyramid is None else settings.pyramid
        return replace(settings, optimizer=self.optimizer, history=self.history, tile=self.tile, pyramid=pyramid)

    def note(self, settings):
        return "; ".join(filter(None, [self._about_tiles(settings.tile), self._about_walk(settings)]))

    def _about_tiles(self, side):
        if not side or self.tiles.pixels <= side**2:
            return ""
        instead = "in one piece" if self.tiles.number == 1 else "in the smallest there are"
        return f"tiles of {side} x {side} pixels are too small for what these layers look at: walked {instead}"

    def _about_walk(self, settings):
        if settings.optimizer is None and self.optimizer != "lbfgs":
            return "with adam, since there is no memory for lbfgs"
        if settings.history is None and self.history != max(HISTORIES):
            return f"lbfgs remembers {self.history} steps instead of {max(HISTORIES)}, to fit into the memory"
        return ""


def _ways(net, shapes, settings):
    """Every way that the settings allow."""
    histories = HISTORIES if settings.history is None else {settings.history: 1.0}
    walks = [("lbfgs", history, cost) for history, cost in histories.items()]
    if settings.history is None:
        walks.append(("adam", max(histories), ADAM))
    if settings.optimizer is not None:
        walks = [walk for walk in walks if walk[0] == settings.optimizer] or [(settings.optimizer, max(histories), 1.0)]
    sides = [WHOLE, *TILES] if settings.tile is None else [settings.tile]
    for side in sides:
        tiles, network = _network(net, shapes, settings, side)
        if side and tiles.number == 1 and settings.tile is None:
            continue
        for optimizer, history, cost in walks:
            work = 1.0 if tiles.number == 1 else TWICE * tiles.work
            pairs = 2 * min(history + 1, settings.iterations) if optimizer == "lbfgs" else 0
            pictures = 4 * math.prod(shapes[0]) * (PICTURES[optimizer] + pairs)
            starts_there = isinstance(settings.init, str) and settings.init == "content"
            given = 4 * sum(map(math.prod, shapes if starts_there else [shapes[0], *shapes]))
            size = max(network[0] + pictures, network[1]) + given + KERNELS
            yield _Way(optimizer, history, side, tiles, size, cost * work)


def _network(net, shapes, settings, side):
    """The tiles, and the bytes that the network takes over the picture, and over the largest of the styles."""
    content, style = settings.content_layers, settings.style_layers
    guided = tuple(style) if settings.mask else ()
    tile = side or None
    tiles = cut(net, shapes[0], {*content, *style}, tile)
    plan = net.plan(tiles.shape, content, style, "float32", guided)
    whole = net.plan(shapes[0], content, (), "float32")
    targets = sum(4 * math.prod(whole.shapes[name]) for name in content)
    pulls = sum(4 * math.prod(plan.shapes[name]) for name in content) * (1 if tiles.number == 1 else 2)
    of_styles = []
    for shape in shapes[1:]:
        inner = cut(net, shape, style, tile).shape
        of_styles.append(net.plan(inner, (), style, "float32", guided if settings.style_mask else ()).nbytes)
    return tiles, (plan.nbytes + targets + pulls, max(of_styles))


def _refusal(ingredients, settings, base, room):
    """Why not, and what would fit."""
    least = min(way.bytes for way in _ways(ingredients.net, ingredients.shapes(settings.size), settings))
    size = _largest(ingredients, settings, room)
    hint = f"a size of {size} would fit" if size else ""
    _, _, height, width = ingredients.shapes(settings.size)[0]
    if settings.memory is not None and room == _allowed(settings, base):
        enough = f"{math.ceil((base + least) / (1 - SPARE) / 1e8) / 10:.1f}GB is enough"
        problem = f"{memory.shown(settings.memory)} is not enough for {width} x {height} pixels"
        return InvalidSetting("memory", f"{problem}; {' and '.join(filter(None, [enough, hint]))}")
    return SettingsError(
        f"not enough memory: {width} x {height} pixels need {memory.shown(least)} more than there is now, and "
        f"{memory.shown(max(room, 0))} are free; {hint or 'close other programs'}"
    )


def _allowed(settings, base):
    """What the process may take beyond the `base` that it has."""
    return math.inf if settings.memory is None else (1 - SPARE) * settings.memory - base


def _largest(ingredients, settings, room):
    """The largest size, a multiple of 16, that fits in some way; 0 if none does."""
    low, high = 0, settings.size // 16
    while high - low > 1:
        middle = (low + high) // 2
        try:
            ways = list(_ways(ingredients.net, ingredients.shapes(16 * middle), settings))
        except UserError:  # too small for the layers
            ways = []
        low, high = (middle, high) if any(way.bytes <= room for way in ways) else (low, middle)
    return 16 * low


def _warm_up(net, settings):
    """Load (once in a machine's life: compile) what evaluations need, so that it is in the figures from the start."""
    side = shortest_side(net, [*settings.content_layers, *settings.style_layers])
    plan = net.plan((1, 3, side, side), settings.content_layers, settings.style_layers)
    outputs = plan.forward(np.zeros(plan.shape, np.float32))
    plan.backward(outputs.features, outputs.grams)
    descent = descend(lambda x: (float(x @ x), 2 * x), np.ones(8, np.float32), LBFGS(2))
    list(itertools.islice(descent, 3))
