"""`nnbasics dream` and `nnbasics invert`: the words of the command line turned into calls."""

import sys
import time
from pathlib import Path

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.errors import PictureError, SettingsError
from nnbasics.style.progress import duration
from nnbasics.style.settings import Layers, Real, Whole
from nnbasics.style.sheet import contact_sheet

SIDE = Whole(32, 16384, "pixels")
STEPS = Whole(1, 1_000_000, "steps")
WEIGHT, POSITIVE = Real(), Real(positive=True)
LAYERS = Layers()

DREAM = {  # flag: (kind, default, help)
    "--layer": (str, "relu4_3", "whose activations grow"),
    "--channel": (Whole(0, 1_000_000), None, "only this channel of the layer"),
    "--size": (SIDE, 512, "pixels of the longest side"),
    "--steps": (STEPS, 10, "steps in each octave"),
    "--step-size": (POSITIVE, None, "what a value changes by in a step, of 1 (default: 0.0059, the lecture's 1.5/255)"),
    "--jitter": (Whole(0, 10_000, "pixels"), 32, "the picture is rolled by up to so many pixels before a step"),
    "--octaves": (Whole(1, 100), 4, "sizes, from small to full"),
    "--octave-scale": (POSITIVE, 1.4, "ratio of one size to the one before"),
    "--seed": (Whole(0, 2**63 - 1), 0, "of the jitter: the same seed, the same dream"),
}
INVERT = {
    "--layers": (LAYERS, None, "one layer, or a row of them; with --style, used up to each (default: the lecture's)"),
    "--size": (SIDE, 224, "pixels of the longest side"),
    "--iterations": (STEPS, 200, "steps of L-BFGS for each picture"),
    "--seed": (Whole(0, 2**63 - 1), 0, "of the noise at the start"),
    "--alpha": (POSITIVE, None, "power of the norm that keeps values moderate (default: 6)"),
    "--alpha-weight": (WEIGHT, None, "its weight (default: 0)"),
    "--beta": (POSITIVE, None, "power of the total variation, which smooths (default: 2)"),
    "--tv-weight": (WEIGHT, None, "its weight (default: 0; 0.3 is a good one)"),
}
PRIOR = ("alpha", "alpha_weight", "beta", "tv_weight")


def register(subparsers):
    """Add `dream` and `invert` to an argparse parser's `subparsers`."""
    known = ", ".join(samples.names())
    about = f"PICTURE is a file, or the name of a shipped picture: {known}."
    dreams = subparsers.add_parser(
        "dream", help="dream on a picture", description=f"Give a picture more of what a layer sees in it. {about}"
    )
    _add(dreams, DREAM, run_dream)
    inversions = subparsers.add_parser(
        "invert",
        help="what each layer keeps of a picture",
        description="Find pictures that layers cannot tell from this one; with --style, pictures that have its style "
        f"and nothing of its content. {about}",
    )
    inversions.add_argument("--style", action="store_true", help="rebuild the style, on more and more layers")
    _add(inversions, INVERT, run_invert)


def _add(parser, flags, run):
    parser.add_argument("picture", metavar="PICTURE")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="the picture to write: png, jpg, webp, tif"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument("--weights", metavar="NAME|FILE", default="vgg19-normalised", help="(default: %(default)s)")
    for flag, (kind, default, text) in flags.items():
        shown = text if default is None else f"{text} (default: {default})"
        parser.add_argument(flag, metavar=getattr(kind, "metavar", "NAME"), help=shown)
    parser.set_defaults(run=run)


def run_dream(arguments):
    """Dream, write the picture, and return the exit code."""
    from nnbasics.visualize.dream import dream

    settings = _settings(arguments, DREAM)
    _prepare(arguments)
    began = time.perf_counter()
    image = dream(_network(arguments), arguments.picture, settings.pop("layer"), **settings)
    _save(arguments, image, began)


def run_invert(arguments):
    """Find the pictures, write them as one, and return the exit code."""
    from nnbasics.visualize.reconstructions import content_reconstructions, style_reconstructions

    settings = _settings(arguments, INVERT)
    _prepare(arguments)
    layers = settings.pop("layers", None)
    if layers:
        settings["layers"] = tuple(layers)
    if arguments.style and (given := [name for name in PRIOR if name in settings]):
        raise SettingsError(f"--{given[0].replace('_', '-')} is of content reconstructions; --style has none")
    began = time.perf_counter()
    rebuild = style_reconstructions if arguments.style else content_reconstructions
    found = rebuild(_network(arguments), arguments.picture, **settings)
    if len(found) == 1:
        _save(arguments, found[0][1], began)
    else:
        given = pictures.resize(pictures.read(arguments.picture), settings["size"])
        _save(arguments, contact_sheet([("the picture", given), *found], columns=len(found) + 1), began)


def _settings(arguments, flags):
    """{name: value} of the flags that were given or have a default; a wrong value is reported under its flag."""
    found = {}
    for flag, (kind, default, _) in flags.items():
        name = flag[2:].replace("-", "_")
        given = getattr(arguments, name)
        try:
            value = default if given is None else kind(given)
        except ValueError as problem:
            raise SettingsError(f"{flag}: {problem}") from None
        if value is not None:
            found[name] = value
    return found


def _prepare(arguments):
    """Refuse, before any work, what could not be written after it."""
    pictures.read(arguments.picture)
    output = Path(arguments.output)
    pictures.check_writable(output, arguments.overwrite)
    source = Path(arguments.picture)
    if output.exists() and source.exists() and output.samefile(source):
        raise PictureError(f"{output} is the picture that is read: choose another name to write to")


def _network(arguments):
    from nnbasics.models import vgg19

    return vgg19(arguments.weights)


def _save(arguments, image, began):
    pictures.write(arguments.output, image, overwrite=arguments.overwrite)
    height, width = image.shape[:2]
    took = duration(time.perf_counter() - began)
    print(f"{arguments.output}  {width} x {height} pixels, {took}", file=sys.stdout)
