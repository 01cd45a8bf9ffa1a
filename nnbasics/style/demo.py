"""`nnbasics demo`: the cat in the style of The Starry Night, with a contact sheet and the loss curve."""

import sys
import time
from pathlib import Path

from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError
from nnbasics.style import progress
from nnbasics.style.run import Run
from nnbasics.style.settings import Settings
from nnbasics.style.sheet import contact_sheet, loss_curve

CONTENT, STYLE = "cat", "starry_night"
STAGES = 5  # pictures on the way that the sheet shows, denser at the start, where most happens


def register(subparsers):
    """Add `demo` to an argparse parser's `subparsers`."""
    parser = subparsers.add_parser("demo", help="paint the cat in the style of The Starry Night")
    parser.add_argument("-o", "--output", metavar="FOLDER", default="demo", help="where to (default: %(default)s)")
    parser.add_argument("--size", metavar="N", default=None, help="pixels of the longest side")
    parser.add_argument("--iterations", metavar="N", default=None, help="steps to take")
    parser.set_defaults(run=run)


def run(arguments):
    """Paint, write the three pictures and say where they are."""
    began = time.perf_counter()
    given = {name: value for name in ("size", "iterations") if (value := getattr(arguments, name)) is not None}
    settings = Settings(**given)
    folder = _folder(arguments.output)
    walk = Run(CONTENT, STYLE, settings)
    height, width = walk.shape[2:]
    print(f"Painting the cat in the style of The Starry Night, {width} x {height} pixels", file=sys.stderr)
    stages = {round(settings.iterations * (part / STAGES) ** 2) for part in range(STAGES)}
    panels = [("content", pictures.read(CONTENT)), ("style", pictures.read(STYLE))]
    with progress.shown(settings.iterations) as show:
        for state in walk:
            show(state)
            if state.iteration in stages:
                panels.append((f"after {state.iteration} steps" if state.iteration else "start", state.image))
    result = walk.result
    panels.append((f"result: {walk.iteration} steps", result.image))
    files = [folder / name for name in (f"{CONTENT}-{STYLE}.png", "contact-sheet.png", "loss.png")]
    result.save(files[0])
    pictures.write(files[1], contact_sheet(panels), overwrite=True)
    loss_curve(files[2], result.losses, "The loss of the cat in the style of The Starry Night")
    print(f"Done in {progress.duration(time.perf_counter() - began)}:")
    for file, what in zip(files, ("the picture", "how it came about", "the loss"), strict=True):
        print(f"  {file}  {what}")


def _folder(name):
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise PictureError(f"the folder {name!r} cannot be made: {problem.strerror}; choose another with -o") from None
    return folder
