"""The settings page's pictures: python -m benchmarks.settings [NAME ...] paints and writes docs/settings/NAME.webp.

Every sheet changes one setting and leaves the rest as it is, at 176 pixels, where a picture takes seconds.
"""

import sys
from pathlib import Path

import numpy as np

from nnbasics.style import stylize
from nnbasics.style.sheet import contact_sheet

FOLDER = Path(__file__).parent.parent / "docs" / "settings"
BASE = {"size": 176, "iterations": 60}
CAT = ("cat", "starry_night")
CHINA = ("china", "great_wave")
CELL = 176
MIDDLE = 0.6  # of a picture, where its strokes are to be seen
QUALITY = 72
LIMIT = 30_000  # bytes of a sheet


def circle(softness):
    """A mask: a circle in the middle, its edge as wide as `softness` of its radius."""
    y, x = np.indices((128, 192))
    distance = np.hypot(y - 62, x - 95) / 45
    return np.clip((1 - distance) / max(softness, 1e-6) + 0.5, 0, 1).astype(np.float32)


def half(above):
    """A mask: the upper half, or the lower."""
    return np.repeat(np.float32([[above], [not above]]), 64, axis=0).repeat(192, axis=1)


def of(name, *values, pair=CAT, **others):
    """A sheet of one setting's values."""
    return [(str(value), pair, {name: value, **others}) for value in values]


TIMES = {"fast": {"preset": "fast"}, "the defaults": {}, "best": {"preset": "best"}}
NOISE = {"init": "noise", "style_weight": "0.2x"}
SHEETS = {
    "preset": of("preset", "sketchy", "strong", "faithful", "photo"),
    "style_weight": of("style_weight", "0.1x", "0.3x", "1x", "5x"),
    "color": of("color", "style", "keep", "match-histogram", "match-pca", pair=CHINA),
    "mask": [
        ("a style here", CAT, {"mask": circle(0.05)}),
        ("soft edge", CAT, {"mask": circle(0.8)}),
        ("rest", ("cat", ["starry_night", "great_wave"]), {"mask": [circle(0.3), "rest"]}),
        ("the mask", CAT, None),
    ],
    "style_mask": [
        ("the whole painting", CAT, {}),
        ("its upper half", CAT, {"style_mask": half(above=True)}),
        ("its lower half", CAT, {"style_mask": half(above=False)}),
    ],
    "convention": of("convention", "johnson", "anish", "gatys-notebook", "keras", pair=CHINA),
    "style_scale": of("style_scale", 0.5, 1.0, 1.5, 2.0),
    "blend": [
        (blend, ("cat", ["starry_night", "composition_viii"]), {"blend": blend})
        for blend in ("1,0", "0.7,0.3", "0.3,0.7", "0,1")
    ],
    "style_layers": of("style_layers", "relu1_1", "relu1_1,relu2_1", "relu3_1", "relu4_1,relu5_1"),
    "content_layers": of("content_layers", "relu2_2", "relu4_2", "relu5_2", "relu2_2:0.5,relu4_2"),
    "pooling": of("pooling", "max", "average", "l2"),
    "tv_weight": of("tv_weight", 0, 300, 1000, 10000),
    "balance": of("balance", "none", "gradient", pair=CHINA),
    "init": [
        ("content", CHINA, {}),
        ("noise", CHINA, {"init": "noise"}),
        ("noise, 0.2x", CHINA, NOISE),
    ],
    "seed": of("seed", 0, 1, 2, pair=CHINA, **NOISE),
    "size": of("size", 128, 256, 512),
    "iterations": of("iterations", 5, 20, 60, 200),
    "optimizer": [
        ("lbfgs", CAT, {}),
        ("adam", CAT, {"optimizer": "adam"}),
        ("adam, 0.005", CAT, {"optimizer": "adam", "learning_rate": 0.005}),
        ("gradient-descent", CAT, {"optimizer": "gradient-descent"}),
    ],
    "pyramid": [
        ("none", CHINA, {"size": 352, "pyramid": "none", **NOISE}),
        ("smaller sizes first", CHINA, {"size": 352, **NOISE}),
    ],
}


def paint(name):
    """Paint the pictures of a sheet and write it; return its size in bytes."""
    panels = []
    for caption, (content, style), settings in SHEETS[name]:
        if settings is None:
            image = np.repeat(circle(0.3)[..., None], 3, axis=2)
        else:
            image = stylize(content, style, progress=False, **{**BASE, **settings}).image
        panels.append((caption, image))
        print(f"{name}: {caption}", flush=True)
    path = FOLDER / f"{name}.webp"
    write(path, contact_sheet(panels, 4, CELL))
    return path.stat().st_size


def paint_times():
    """The middle of a picture as the defaults leave it, between the presets for less time and for more."""
    panels = []
    for caption, settings in TIMES.items():
        image = stylize(*CAT, progress=False, **settings).image
        top, left = (round((1 - MIDDLE) / 2 * side) for side in image.shape[:2])
        panels.append((caption, image[top:-top, left:-left]))
        print(f"time: {caption}", flush=True)
    path = FOLDER / "time.webp"
    write(path, contact_sheet(panels, 3, 300))
    return path.stat().st_size


def write(path, sheet):
    """As WebP, of the best quality that keeps it small."""
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    for quality in range(QUALITY, 20, -6):
        Image.fromarray(sheet).save(path, quality=quality, method=6)
        if path.stat().st_size < LIMIT:
            return


def main(names):
    for name in names or [*SHEETS, "time"]:
        size = paint_times() if name == "time" else paint(name)
        print(f"{FOLDER.name}/{name}.webp: {size:,} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
