"""Every setting of a style transfer, once: its default, its range, its help. Flags, docs and checks come from here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from nnbasics.errors import SettingsError, nearest
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.memory import UNITS
from nnbasics.style.presets import PRESETS


class InvalidSetting(SettingsError):
    """A setting that cannot be: its name, and what is wrong with it."""

    def __init__(self, name, problem):
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True)
class Whole:
    """A whole number of `unit` from `low` to `high`."""

    low: int
    high: int
    unit: str = ""
    metavar = "N"

    def __call__(self, value):
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not (whole and self.low <= number <= self.high):
            unit = f" of {self.unit}" if self.unit else ""
            raise ValueError(f"{value!r} is not a whole number{unit} from {self.low:,} to {self.high:,}")
        return int(number)


@dataclass(frozen=True)
class Real:
    """A finite number that is at least 0, or above 0."""

    positive: bool = False
    metavar = "X"

    def __call__(self, value):
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or number < 0 or (self.positive and number == 0):
            raise ValueError(f"{value!r} is not a finite number {'above 0' if self.positive else 'of 0 or more'}")
        return number


@dataclass(frozen=True)
class Bytes:
    """A number of bytes: "4GB", "500M", 4e9."""

    metavar = "BYTES"

    def __call__(self, value):
        text = str(value).strip().lower().removesuffix("b").removesuffix("i")
        number, unit = (text[:-1], text[-1:]) if text[-1:] in tuple("kmgt") else (text, "")
        try:
            found = Real(positive=True)(number) * UNITS[unit]
        except ValueError:
            found = 0
        if isinstance(value, bool) or found < 1:
            raise ValueError(f"{value!r} is no amount of memory; 4GB or 800MB was expected")
        return found


@dataclass(frozen=True)
class Relative:
    """A weight as the formulas have it, or a text such as "2x": so many times the default."""

    metavar = "X|Nx"

    def __call__(self, value):
        text = value.strip().lower() if isinstance(value, str) else ""
        if text.endswith("x"):
            return f"{Real()(text[:-1]):g}x"
        try:
            return Real()(value)
        except ValueError as problem:
            raise ValueError(f"{problem}; or, as 2x, so many times the default") from None


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    names: tuple

    @property
    def metavar(self):
        return "|".join(self.names)

    def __call__(self, value):
        if value not in self.names:
            raise ValueError(f"{value!r} is unknown; {nearest(value, self.names)}")
        return value


@dataclass(frozen=True)
class Layers:
    """Layers and their weights: {"relu4_2": 1.0}, ["relu4_2"] or "relu4_2:1,relu5_2:0.5"."""

    metavar = "NAME[:X],..."

    def __call__(self, value):
        if isinstance(value, str):
            parts = [part.strip().partition(":") for part in value.split(",") if part.strip()]
            pairs = [(name.strip(), weight if colon else 1.0) for name, colon, weight in parts]
        elif isinstance(value, Mapping):
            pairs = list(value.items())
        elif isinstance(value, (list, tuple)):
            pairs = [(name, 1.0) for name in value]
        else:
            raise ValueError(f"{value!r} does not name layers; relu4_2 or relu1_1:0.5,relu2_1:1 was expected")
        if not pairs:
            raise ValueError("no layer is named; relu4_2 or relu1_1:0.5,relu2_1:1 was expected")
        weights = {}
        for name, weight in pairs:
            if name in weights:
                raise ValueError(f"{name} is named twice")
            try:
                weights[name] = Real()(weight)
            except ValueError as problem:
                raise ValueError(f"the weight of {name}: {problem}") from None
        return weights


@dataclass(frozen=True)
class Numbers:
    """Numbers of 0 or more that are not all 0: [0.7, 0.3] or "0.7,0.3"."""

    metavar = "X,X,..."

    def __call__(self, value):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple, np.ndarray)):
            parts = [parts]
        numbers = [Real()(part) for part in parts]
        if not any(numbers):
            raise ValueError(f"{value!r}: at least one number above 0 was expected")
        return numbers


@dataclass(frozen=True)
class Several:
    """One thing or a list of them; the flag is given once for each."""

    metavar: str
    repeated = True

    def __call__(self, value):
        return list(value) if isinstance(value, (list, tuple)) else [value]


@dataclass(frozen=True)
class Stages:
    """Sizes and the steps to take there: {128: 50, 256: 50}, "128:50,256:50", "none"."""

    metavar = "SIZE:STEPS,...|none"

    def __call__(self, value):
        if isinstance(value, str):
            pairs = [part.split(":") for part in value.split(",")] if value.strip().lower() != "none" else []
        else:
            pairs = list(value.items()) if isinstance(value, Mapping) else [[]]
        if not all(len(pair) == 2 for pair in pairs):
            raise ValueError(f"{value!r} names no sizes with steps; 128:50,256:50 or none was expected")
        stages = {Whole(16, 16384, "pixels")(size): Whole(1, 1_000_000, "steps")(steps) for size, steps in pairs}
        if list(stages) != sorted(stages) or len(stages) != len(pairs):
            raise ValueError(f"{value!r}: sizes from small to large were expected, each once")
        return stages


@dataclass(frozen=True)
class Given:
    """Whatever is given, as it is: the meaning is found out where it is used."""

    metavar: str

    def __call__(self, value):
        return value


def setting(default, kind, text, group="walk"):
    """A field of `Settings` with its kind, help and group; None as a default stands for "found out in the run"."""
    return field(default=default, metadata={"kind": kind, "help": text, "group": group})


GROUPS = {
    "picture": "the picture",
    "styles": "several styles, and where they go",
    "loss": "what is minimised",
    "walk": "how it is minimised",
}
OPTIMIZERS = ("lbfgs", "adam", "gradient-descent")
STYLE_LAYERS = "relu1_1:1,relu2_1:0.5,relu3_1:0.25,relu4_1:0.125,relu5_1:0.125"


@dataclass(frozen=True)
class Settings:
    """All settings of `stylize`, checked; texts as a shell passes them are understood.

    Raises
    ------
    InvalidSetting
        A SettingsError that knows the setting's name.
    """

    size: int = setting(512, Whole(16, 16384, "pixels"), "pixels of the longest side; the aspect is kept", "picture")
    style_scale: float = setting(
        1.0, Real(positive=True), "size of the style relative to that of the picture: smaller, finer strokes", "picture"
    )
    color: str = setting(
        "style",
        Choice(("style", "keep", "match-histogram", "match-pca")),
        "whose colours: the style's, the content's with brightness painted, or the style's moved to the content's",
        "picture",
    )
    init: object = setting(
        "content",
        Given("content|noise|PICTURE"),
        "where to start: content, noise, or a picture to go on from",
        "picture",
    )
    seed: int = setting(0, Whole(0, 2**63 - 1), "of the noise: the same seed, the same picture", "picture")
    blend: object = setting(
        None, Numbers(), "the weight of each style, relative to the others (default: equal)", "styles"
    )
    mask: object = setting(
        None, Several("FILE|rest|none"), "where a style goes: white here, black not; once for each style", "styles"
    )
    style_mask: object = setting(
        None, Several("FILE|rest|none"), "which part of a style picture is meant; once for each style", "styles"
    )
    content_weight: float = setting(1.0, Real(), "alpha, the weight of the content", "loss")
    style_weight: object = setting(
        "1x", Relative(), "beta, the weight of the style; 2x is twice the default, which suits every size", "loss"
    )
    content_layers: object = setting("relu4_2", Layers(), "layers, and their weights, of the content", "loss")
    style_layers: object = setting(STYLE_LAYERS, Layers(), "layers, and their weights, of the style", "loss")
    balance: str = setting(
        "none", Choice(("none", "gradient")), "gradient: at the start each style layer pulls as its weight says", "loss"
    )
    tv_weight: float = setting(0.0, Real(), "weight of the total variation, which smooths", "loss")
    convention: str = setting(
        "paper",
        Choice(tuple(CONVENTIONS)),
        "whose formulas and default weights: for settings published elsewhere",
        "loss",
    )
    pooling: str = setting(
        "max", Choice(("max", "average", "l2")), "pooling of the network; all three keep features as large", "loss"
    )
    weights: object = setting("vgg19-normalised", Given("NAME|FILE"), "weights of the network", "loss")
    iterations: int = setting(200, Whole(0, 1_000_000), "steps to take, in all")
    pyramid: object = setting(
        None,
        Stages(),
        "sizes to begin at, and how many steps to take there: 128:50,256:50; or none (default: halves, from noise)",
    )
    optimizer: str = setting(
        None, Choice(OPTIMIZERS), "the way downhill (default: lbfgs; adam where there is no memory for it)"
    )
    learning_rate: float = setting(
        None, Real(positive=True), "of adam (default 0.02) and gradient-descent (default: measured at the start)"
    )
    history: int = setting(
        None,
        Whole(1, 1000),
        "steps that lbfgs learns the curvature from (default: 50, or as many as there is memory for)",
    )
    memory: float = setting(
        None, Bytes(), "the most that the process may take, such as 4GB (default: what the machine has free)"
    )
    tile: int = setting(
        None,
        Whole(0, 16384, "pixels"),
        "walk the picture in tiles of at most N x N pixels; 0: as a whole (default: tiles where memory asks for them)",
    )

    def __post_init__(self):
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None and item.default is None:
                continue
            try:
                object.__setattr__(self, item.name, item.metadata["kind"](value))
            except ValueError as problem:
                raise InvalidSetting(item.name, problem) from None
        if self.pyramid and max(self.pyramid) >= self.size:
            raise InvalidSetting("pyramid", f"size {max(self.pyramid)} is not below that of the picture, {self.size}")
        if not any(self.loss_weights()):
            raise InvalidSetting("style_weight", "content, style and total variation all have weight 0: nothing to do")

    @classmethod
    def of(cls, preset=None, **values):
        """Settings from keywords; an unknown one is refused with the nearest right one.

        What is not given is as the preset has it, or else as the program did whose convention was asked for.
        """
        known = [item.name for item in fields(cls)]
        for name in values:
            if name not in known:
                raise SettingsError(f"there is no setting {name!r}; {nearest(name, ['preset', *known])}")
        chosen = {**_preset(preset), **values}
        if chosen.get("convention") in CONVENTIONS:
            chosen = {**CONVENTIONS[chosen["convention"]].defaults, **chosen}
        return cls(**chosen)

    def loss_weights(self):
        """What the three terms weigh, as far as being 0 or not is concerned."""
        style = self.style_weight
        return self.content_weight, float(style[:-1]) if isinstance(style, str) else style, self.tv_weight


def _preset(name):
    if name is None:
        return {}
    if name not in PRESETS:
        raise InvalidSetting("preset", f"{name!r} is unknown; {nearest(name, PRESETS)}")
    return PRESETS[name]


def flag(name):
    """The command line's spelling of a setting."""
    return "--" + name.replace("_", "-")


def shown(value):
    """A value as one would type it."""
    if value == {}:
        return "none"
    if isinstance(value, dict):
        return ",".join(name if weight == 1 else f"{name}:{weight:g}" for name, weight in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def table():
    """All settings as a Markdown table, for the docs."""
    rows = ["| setting | flag | default | what it is |", "|---|---|---|---|"]
    for item in fields(Settings):
        default = "" if item.default is None else f"`{shown(item.default)}`"
        rows.append(f"| `{item.name}` | `{flag(item.name)}` | {default} | {item.metadata['help']} |")
    return "\n".join(rows)
