"""`nnbasics grid CONTENT STYLE -o SHEET`: two settings on two axes, a picture for every pair of their values."""

import json
import signal
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from nnbasics.data import picture as pictures
from nnbasics.data.output import check_apart
from nnbasics.errors import PictureError, SettingsError, nearest
from nnbasics.style import plan, progress
from nnbasics.style.command import add_settings, flags, given, sources
from nnbasics.style.ingredients import Ingredients
from nnbasics.style.presets import PRESETS
from nnbasics.style.run import Run, follow
from nnbasics.style.settings import STYLE_LAYERS, Settings
from nnbasics.style.sheet import grid_sheet

DESCRIPTION = """A sheet of pictures, two settings on two axes. Without --rows and --columns it is the paper's figure:
more and deeper style layers from above, more of the content to the right."""
SMALL = {"size": 256, "iterations": 100}  # where nothing else is asked for
LAYERS = STYLE_LAYERS.split(",")
ROWS = "style_layers=" + ";".join(",".join(LAYERS[:depth]) for depth in range(1, len(LAYERS) + 1))
COLUMNS = "style_weight=10x,3x,1x,0.3x"
DECIDES = ("version", "settings", "weights", "content", "style", "mask", "style_mask", "init")


@dataclass(frozen=True)
class Axis:
    """A setting, or `preset`, and its values as texts."""

    name: str
    values: tuple

    @classmethod
    def of(cls, text, where):
        """Read NAME=VALUE,VALUE,... or, where values have commas, NAME=VALUE;VALUE;..."""
        name, _, values = text.partition("=")
        name = name.strip().replace("-", "_")
        known = ["preset", *(item.name for item in fields(Settings))]
        if name not in known:
            raise SettingsError(f"{where}: there is no setting {name!r}; {nearest(name, known)}")
        values = tuple(value.strip() for value in values.split(";" if ";" in values else ",") if value.strip())
        if not values:
            raise SettingsError(f"{where}: {text!r} has no values; {name}=VALUE,VALUE,... was expected")
        return cls(name, values)

    @property
    def title(self):
        return self.name.replace("_", " ")

    @property
    def labels(self):
        """What stands beside the pictures: layers one below the other."""
        return [value.replace(",", "\n") for value in self.values]


class Steps(NamedTuple):
    """What the progress bar is shown: steps of all pictures together."""

    iteration: int
    loss: float
    note: str


def register(subparsers):
    """Add `grid` to an argparse parser's `subparsers`."""
    parser = subparsers.add_parser(
        "grid", help="a sheet of pictures, two settings on two axes", description=DESCRIPTION
    )
    parser.add_argument("content", metavar="CONTENT", help="the picture to paint")
    parser.add_argument("style", metavar="STYLE", nargs="+", help="the picture to paint it like, or several")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the sheet to write: png, jpg, webp, tif")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--rows",
        metavar="SETTING=VALUE,...",
        default=ROWS,
        help="from above; values that have commas are parted by ; (default: deeper and deeper style layers)",
    )
    parser.add_argument(
        "--columns", metavar="SETTING=VALUE,...", default=COLUMNS, help="from the left (default: %(default)s)"
    )
    parser.add_argument("--cells", metavar="FOLDER", help="keep the pictures there, and use those that are there")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Paint all pictures and write the sheet; return the exit code."""
    began = time.perf_counter()
    rows, columns = Axis.of(arguments.rows, "--rows"), Axis.of(arguments.columns, "--columns")
    if rows.name == columns.name:
        raise SettingsError(f"--columns: {columns.name} is on the rows already; choose another setting")
    with flags():
        base = given(arguments)
        pairs = [[{**base, rows.name: row, columns.name: column} for column in columns.values] for row in rows.values]
        settings = [[_settings(pair) for pair in line] for line in pairs]
    pictures.check_writable(arguments.output, arguments.overwrite)
    check_apart([arguments.output], [arguments.content, *sources(arguments)])
    cells = _Cells(arguments, settings)
    cells.check()
    images = cells.paint()
    if images is None:
        where = f"; what is finished is in {cells.folder}, and the same command goes on" if cells.folder else ""
        print(f"\nnnbasics: stopped{where}", file=sys.stderr)
        return 128 + signal.SIGINT
    sheet = grid_sheet(images, rows.labels, columns.labels, rows.title, columns.title)
    pictures.write(arguments.output, sheet, overwrite=arguments.overwrite)
    took = progress.duration(time.perf_counter() - began)
    print(f"{arguments.output}  {len(rows.values)} x {len(columns.values)} pictures, {took}")
    return 0


def _settings(values):
    """The settings of one picture; small, if neither they nor a preset say otherwise."""
    preset = PRESETS.get(values.get("preset"), {})
    return Settings.of(**{**{name: value for name, value in SMALL.items() if name not in preset}, **values})


class _Cells:
    """The pictures of a grid: from their folder, where they are there already, or painted."""

    def __init__(self, arguments, settings):
        self.content, self.styles, self.settings = arguments.content, arguments.style, settings
        self.folder = None if arguments.cells is None else Path(arguments.cells)

    def check(self):
        """Refuse before any work what would be refused at the last picture."""
        with flags():
            for settings in (one for line in self.settings for one in line):
                ingredients = Ingredients(self.content, self.styles, settings)
                ingredients.masks(ingredients.shapes(settings.size))
                plan.fitted(ingredients, settings)
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise PictureError(f"--cells: the folder {self.folder} cannot be made: {problem.strerror}") from None

    def paint(self):
        """Lists of pictures, row by row; None after Ctrl-C."""
        done, images = 0, []
        with progress.shown(sum(one.iterations for line in self.settings for one in line)) as show:
            for row, line in enumerate(self.settings, 1):
                images.append([])
                for column, settings in enumerate(line, 1):
                    image = self._picture(settings, f"{row}-{column}.png", _after(done, show))
                    if image is None:
                        return None
                    images[-1].append(image)
                    done += settings.iterations
        return images

    def _picture(self, settings, name, show):
        run = Run(self.content, self.styles, settings)
        path = self.folder and self.folder / name
        if path and path.exists():
            if _carried(pictures.metadata(path)) != _carried(json.loads(json.dumps(run.metadata()))):
                raise PictureError(f"--cells: {path} was made with other settings; choose another folder")
            return pictures.read(path)
        if follow(run, [show]):
            return None
        if path:
            run.result.save(path, overwrite=False)
        return run.result.image


def _after(done, show):
    """`show` for one of the pictures, when so many steps were taken for those before."""
    return lambda state: show(Steps(done + state.iteration, state.loss, state.note))


def _carried(metadata):
    """What of a picture's metadata decides how it looks."""
    return {name: metadata.get(name) for name in DECIDES}
