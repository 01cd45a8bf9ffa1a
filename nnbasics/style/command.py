"""`nnbasics style CONTENT STYLE -o OUT`: the words of the command line turned into a run."""

import os
import shlex
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.errors import PictureError, SettingsError
from nnbasics.style import progress
from nnbasics.style.interrupt import gently
from nnbasics.style.run import Run
from nnbasics.style.settings import GROUPS, InvalidSetting, Settings, Whole, flag, shown

DESCRIPTION = """Paint the content of one picture in the style of another. CONTENT and STYLE are files, or names of
shipped pictures: {names}."""


def register(subparsers):
    """Add `style` to an argparse parser's `subparsers`; its flags are the fields of `Settings`."""
    parser = subparsers.add_parser(
        "style", help="paint a picture in the style of another", description=DESCRIPTION.format(names=_names())
    )
    parser.add_argument("content", metavar="CONTENT", help="the picture to paint")
    parser.add_argument("style", metavar="STYLE", help="the picture to paint it like")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="the picture to write: png, jpg, webp, tif"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--save-every", metavar="N", default=0, help="also write OUT-0050.png, ... on the way, every N steps"
    )
    groups = {name: parser.add_argument_group(title) for name, title in GROUPS.items()}
    for item in fields(Settings):
        kind, text = item.metadata["kind"], item.metadata["help"]
        if item.default is not None:
            text += f" (default: {shown(item.default)})"
        groups[item.metadata["group"]].add_argument(flag(item.name), metavar=kind.metavar, help=text)
    parser.set_defaults(run=run)


def run(arguments):
    """Paint, and return the exit code."""
    began = time.perf_counter()
    settings = _settings(arguments)
    every = _checked(arguments.save_every, "--save-every")
    output = Path(arguments.output)
    stages = _stages(output, settings.iterations, every)
    _check_outputs(arguments, [output, *stages.values()])
    walk = Run(arguments.content, arguments.style, settings)
    _say(_opening(arguments, walk))
    try:
        with progress.shown(settings.iterations) as show, gently() as asked_to_stop:
            for state in walk:
                show(state)
                if state.iteration in stages:
                    pictures.write(stages[state.iteration], state.image, overwrite=arguments.overwrite)
                if asked_to_stop() and state.iteration < settings.iterations:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        return _interrupted(arguments, walk)
    walk.result.save(output, overwrite=arguments.overwrite)
    if walk.stopped:
        _say(f"nnbasics: {walk.stopped}" + (f". {output} has the last good picture" if walk.diverged else ""))
    height, width = walk.shape[2:]
    took = progress.duration(time.perf_counter() - began)
    print(f"{output}  {width} x {height} pixels, {walk.iteration} steps, loss {walk.losses[-1]:.4g}, {took}")
    return 2 if walk.diverged else 0


def _settings(arguments):
    """The settings whose flags were given; a wrong value is reported under its flag."""
    given = {item.name: getattr(arguments, item.name) for item in fields(Settings)}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except InvalidSetting as problem:
        raise SettingsError(f"{flag(problem.name)}: {problem.problem}") from None


def _checked(value, name):
    try:
        return Whole(0, 1_000_000, "steps")(value)
    except ValueError as problem:
        raise SettingsError(f"{name}: {problem}") from None


def _stages(output, iterations, every):
    """{iteration: file} of the pictures on the way."""
    if not every:
        return {}
    digits = max(4, len(str(iterations)))
    return {i: output.with_name(f"{output.stem}-{i:0{digits}}{output.suffix}") for i in range(every, iterations, every)}


def _check_outputs(arguments, paths):
    """Refuse, before any work, what could not be written after it."""
    for path in paths:
        pictures.check_writable(path, arguments.overwrite)
        for source in (arguments.content, arguments.style):
            if path.exists() and os.path.exists(source) and path.samefile(source):
                raise PictureError(f"{path} is a picture that is read: choose another name to write to")


def _opening(arguments, walk):
    """What will be done, before it is."""
    settings = walk.settings
    height, width = walk.shape[2:]
    sizes = [f"{size[1]} x {size[0]}" for size in (walk.content_size, walk.style_size)]
    start = settings.init if isinstance(settings.init, str) else "a picture"
    return (
        f"{arguments.content} ({sizes[0]}) in the style of {arguments.style} ({sizes[1]}): {width} x {height} pixels\n"
        f"{settings.iterations} steps of {settings.optimizer} from {start}, style weight {walk.style_weight:.4g}"
    )


def _interrupted(arguments, walk):
    """Save what there is and say how to go on."""
    result = walk.result
    result.save(arguments.output, overwrite=arguments.overwrite)
    left = walk.settings.iterations - walk.iteration
    again = ["nnbasics", "style", arguments.content, arguments.style, "-o", arguments.output, "--overwrite"]
    for item in fields(Settings):
        given = getattr(arguments, item.name)
        if given is not None and item.name not in ("init", "iterations", "seed"):
            again += [flag(item.name), given]
    again += ["--init", arguments.output, "--iterations", str(left)]
    _say(
        f"\nnnbasics: stopped after {walk.iteration} of {walk.settings.iterations} steps; the picture so far is in "
        f"{arguments.output}. To go on:\n  {shlex.join(again)}"
    )
    return 128 + signal.SIGINT


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _names():
    return ", ".join(samples.names())
