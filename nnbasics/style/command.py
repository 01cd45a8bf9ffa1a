"""`nnbasics style CONTENT STYLE [STYLE ...] -o OUT`: the words of the command line turned into a run."""

import contextlib
import shlex
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path

from nnbasics.data import moving, samples
from nnbasics.data import picture as pictures
from nnbasics.data.output import check_apart
from nnbasics.errors import SettingsError
from nnbasics.style import animation, progress
from nnbasics.style import trace as traces
from nnbasics.style.checkpoint import AUTO, Keeping
from nnbasics.style.presets import PRESETS
from nnbasics.style.run import Run, follow
from nnbasics.style.settings import GROUPS, InvalidSetting, Settings, Whole, flag, shown
from nnbasics.version import __version__

DESCRIPTION = """Paint the content of one picture in the style of another, or of several. CONTENT and STYLE are files,
or names of shipped pictures: {names}."""


def register(subparsers):
    """Add `style` to an argparse parser's `subparsers`; its flags are the fields of `Settings`."""
    parser = subparsers.add_parser(
        "style", help="paint a picture in the style of another", description=DESCRIPTION.format(names=_names())
    )
    parser.add_argument("content", metavar="CONTENT", help="the picture to paint")
    parser.add_argument("style", metavar="STYLE", nargs="+", help="the picture to paint it like, or several")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="the picture to write: png, jpg, webp, tif"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--save-every", metavar="N", default=0, help="also write OUT-0050.png, ... on the way, every N steps"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="keep what it takes to go on in FILE, as the run goes")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint; --iterations is the total, as ever"
    )
    parser.add_argument(
        "--checkpoint-every",
        metavar="N|30s|5m",
        default=AUTO,
        help="steps, or a time (default: 30s, or more where writing takes long)",
    )
    parser.add_argument("--trace", metavar="FILE", help="write the losses of every step to FILE, .csv or .jsonl")
    parser.add_argument("--animate", metavar="FILE", help="write the walk as a moving picture: gif, webp, mp4")
    add_settings(parser)
    parser.set_defaults(run=run)


def add_settings(parser):
    """Add the flags of all settings, and of the presets."""
    parser.add_argument(
        "--preset",
        metavar="|".join(PRESETS),
        help="settings that go together; what is given beside it counts more",
    )
    groups = {name: parser.add_argument_group(title) for name, title in GROUPS.items()}
    for item in fields(Settings):
        kind, text = item.metadata["kind"], item.metadata["help"]
        if item.default is not None:
            text += f" (default: {shown(item.default)})"
        action = "append" if getattr(kind, "repeated", False) else "store"
        groups[item.metadata["group"]].add_argument(flag(item.name), metavar=kind.metavar, help=text, action=action)


def given(arguments):
    """{name: value} of the settings whose flags were given, and of the preset."""
    values = {name: getattr(arguments, name) for name in ["preset", *(item.name for item in fields(Settings))]}
    return {name: value for name, value in values.items() if value is not None}


def run(arguments):
    """Paint, and return the exit code."""
    began = time.perf_counter()
    settings = settings_of(arguments)
    every = _checked(arguments.save_every, "--save-every")
    output = Path(arguments.output)
    with flags():
        keeping = Keeping(arguments.checkpoint, arguments.resume, arguments.checkpoint_every)
    stages = _stages(output, settings.iterations, every, keeping.iteration)
    for path in (output, *stages.values()):
        pictures.check_writable(path, arguments.overwrite)
    if arguments.animate:
        moving.check_writable(arguments.animate, arguments.overwrite)
    if arguments.trace:
        traces.check(arguments.trace, arguments.overwrite, arguments.resume)
    beside = arguments.animate, arguments.trace, arguments.checkpoint
    check_apart([output, *stages.values(), *beside], [arguments.content, *sources(arguments)])

    def announce(planned):
        keeping.check(planned)
        _say(_opening(arguments, planned, keeping))

    with flags():
        transfer = Run(arguments.content, arguments.style, keeping.settled(settings), announce)

    def save_stage(state):
        if state.iteration in stages:
            metadata = transfer.metadata()
            pictures.write(stages[state.iteration], state.image, metadata=metadata, overwrite=arguments.overwrite)

    stopped = True
    with contextlib.suppress(KeyboardInterrupt), keeping.of(transfer) as keep:
        with (
            traces.writing(arguments.trace, transfer.rows) as note,
            animation.writing(arguments.animate, settings.iterations, arguments.overwrite) as film,
            progress.shown(settings.iterations, transfer.iteration) as show,
        ):
            stopped = follow(transfer, [show, note, keep, save_stage, film])
    if stopped:
        return _interrupted(arguments, transfer)
    transfer.result.save(output, overwrite=arguments.overwrite)
    if transfer.stopped:
        _say(f"nnbasics: {transfer.stopped}" + (f". {output} has the last good picture" if transfer.diverged else ""))
    height, width = transfer.shape[2:]
    took = progress.duration(time.perf_counter() - began)
    print(f"{output}  {width} x {height} pixels, {transfer.iteration} steps, loss {transfer.losses[-1]:.4g}, {took}")
    return 2 if transfer.diverged else 0


def settings_of(arguments):
    """The settings whose flags were given."""
    with flags():
        return Settings.of(**given(arguments))


@contextlib.contextmanager
def flags():
    """A wrong value is reported under its flag."""
    try:
        yield
    except InvalidSetting as problem:
        raise SettingsError(f"{flag(problem.name)}: {problem.problem}") from None


def _checked(value, name):
    try:
        return Whole(0, 1_000_000, "steps")(value)
    except ValueError as problem:
        raise SettingsError(f"{name}: {problem}") from None


def _stages(output, iterations, every, done):
    """{iteration: file} of the pictures on the way that are still to come."""
    if not every:
        return {}
    digits = max(4, len(str(iterations)))
    numbers = range(every * (done // every + 1), iterations, every)
    return {i: output.with_name(f"{output.stem}-{i:0{digits}}{output.suffix}") for i in numbers}


def sources(arguments):
    """The words beside the content that may be files, which must not be written over; a picture to go on from may."""
    return [*arguments.style, *(arguments.mask or ()), *(arguments.style_mask or ())]


def _opening(arguments, transfer, keeping):
    """What will be done, before it is."""
    settings = transfer.settings
    height, width = transfer.shape[2:]
    names = [arguments.content, *arguments.style]
    sizes = transfer.ingredients.given
    content, *styles = [f"{name} ({w} x {h})" for name, (h, w) in zip(names, sizes, strict=True)]
    start = settings.init if isinstance(settings.init, str) else "a picture"
    if keeping.saved:
        start += f", going on after {keeping.iteration}"
        if keeping.saved.version != __version__:
            _say(f"nnbasics: {keeping.path} is of another version; the last bits of the picture may differ")
    return (
        f"{content} in the style of {' and '.join(styles)}: {width} x {height} pixels\n"
        f"{settings.iterations} steps of {settings.optimizer} from {start}, "
        f"style weight {shown(settings.style_weight)}\n"
        f"{_small_first(settings)}{transfer.plan}"
    )


def _small_first(settings):
    """A line about the steps on smaller pictures, if there are any."""
    if not settings.pyramid:
        return ""
    line = "of them first " + ", ".join(f"{steps} at {size} pixels" for size, steps in settings.pyramid.items())
    few = sum(settings.pyramid.values())
    if settings.iterations <= few:
        line += f"; none is left for {settings.size}: --iterations above {few}, or --pyramid none, would have some"
    return line + "\n"


def _interrupted(arguments, transfer):
    """Save what there is and say how to go on."""
    result = transfer.result
    result.save(arguments.output, overwrite=arguments.overwrite)
    _say(
        f"\nnnbasics: stopped after {transfer.iteration} of {transfer.settings.iterations} steps; "
        f"the picture so far is in {arguments.output}. To go on:\n  {shlex.join(_again(arguments, transfer))}"
    )
    return 128 + signal.SIGINT


def _again(arguments, transfer):
    """The words that go on: from the checkpoint, bit for bit, or else from the picture."""
    words = ["nnbasics", "style", arguments.content, *arguments.style, "-o", arguments.output, "--overwrite"]
    values = given(arguments)
    if arguments.checkpoint:
        kept = ("checkpoint", "checkpoint_every", "trace", "save_every")
        values |= {name: getattr(arguments, name) for name in kept if getattr(arguments, name)}
        words.append("--resume")
    else:
        values |= {"init": arguments.output, "iterations": str(transfer.settings.iterations - transfer.iteration)}
        for name in ("seed", "pyramid"):  # a picture that is gone on with has its fine detail already
            values.pop(name, None)
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag(name), one]
    return words


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _names():
    return ", ".join(samples.names())
