"""`nnbasics remake PICTURE`: a finished picture made again from what it carries."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.data.output import check_apart
from nnbasics.errors import PictureError, UserError, WeightsError
from nnbasics.style import manifest, progress
from nnbasics.style.masks import word
from nnbasics.style.run import Run, follow
from nnbasics.style.settings import Settings, flag
from nnbasics.version import __version__

DESCRIPTION = """Make a picture again from the settings that it carries. The pictures it was made from are looked for
among the shipped ones, in this folder, and beside PICTURE; they must be the same files."""
LOSSLESS = (".png", ".tif", ".tiff")
SEVERAL = ("style", "mask", "style_mask")  # of which there may be more than one
ROLES = ("content", "init", "weights", *SEVERAL)


def register(subparsers):
    """Add `remake` to an argparse parser's `subparsers`."""
    parser = subparsers.add_parser("remake", help="make a picture again from what it carries", description=DESCRIPTION)
    parser.add_argument("picture", metavar="PICTURE", help="a picture that nnbasics made")
    parser.add_argument("-o", "--output", metavar="OUT", help="the picture to write (default: PICTURE-again.png)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    for role in ROLES:
        action, of_several = ("append", "; once for each, in their order") if role in SEVERAL else ("store", "")
        text = f"where the {role.replace('_', ' ')} is now{of_several}"
        parser.add_argument(flag(role), metavar="FILE", action=action, help=text)
    parser.set_defaults(run=run)


def run(arguments):
    """Make it again, and return the exit code."""
    began = time.perf_counter()
    path = Path(arguments.picture)
    output = Path(arguments.output) if arguments.output else path.with_name(f"{path.stem}-again.png")
    moved = {role: getattr(arguments, role) for role in ROLES}
    transfer = prepared(path, **moved)
    pictures.check_writable(output, arguments.overwrite)
    check_apart([output], [path, *transfer.ingredients.files])
    height, width = transfer.shape[2:]
    total = transfer.settings.iterations
    print(f"{path} again: {width} x {height} pixels, {total} steps", file=sys.stderr, flush=True)
    with progress.shown(total) as show:
        if follow(transfer, [show]):
            raise KeyboardInterrupt
    transfer.result.save(output, overwrite=arguments.overwrite)
    took = progress.duration(time.perf_counter() - began)
    print(f"{output}  {_compared(path, output)}, {took}")


def prepared(path, **moved):
    """The `Run` that makes a picture again.

    Parameters
    ----------
    path : str or path
        A picture that carries its settings.
    **moved
        Where `content`, `style`, `mask`, `style_mask`, `init` or `weights` are now, for those that would not be found;
        of styles and masks a list, if there are several.

    Raises
    ------
    UserError
        If the picture carries no settings, or an ingredient is missing or has changed; the message names it.

    Examples
    --------
    >>> run = prepared("painted.png", content="elsewhere/photo.jpg")
    >>> for state in run:
    ...     print(state.loss)
    >>> run.result.save("again.png")
    """
    made = pictures.metadata(path)
    settings = made.get("settings")
    if made.get("program") != "nnbasics" or not isinstance(settings, dict):
        raise PictureError(f"{path} does not carry the settings that it was made with")
    if "frame" in made:
        raise PictureError(
            f"{path} is frame {made['frame']!a} of a moving picture, painted with the one before in view: "
            "make them again together, nnbasics video"
        )
    for role, place in moved.items():
        if place is not None and role not in made:
            raise PictureError(f"{flag(role)} is given, and {path} was made without")
    try:
        roles = ["content", "style", *(role for role in ("mask", "style_mask", "init") if role in made)]
        found = {role: _all_found(role, made[role], path, moved.get(role)) for role in roles}
        settings = {**settings, **{role: found[role] for role in roles[2:]}}
        settings = {**settings, "iterations": made["iterations_done"]}
        settings = Settings.of(**{**settings, "weights": moved.get("weights") or settings["weights"]})
        sha256 = made["weights"]["sha256"]
    except (KeyError, TypeError):
        raise PictureError(f"{path} carries settings that are not whole: it cannot be made again") from None
    except UserError as problem:
        version = made.get("version")
        made_by = "" if version == __version__ else f"; it was made by version {version!a}, and this is {__version__}"
        raise PictureError(f"{problem}{made_by}") from None
    try:
        again = Run(found["content"], found["style"], settings)
    except WeightsError as problem:
        raise WeightsError(f"{problem}; say where the weights are: --weights FILE") from None
    if again.weights["sha256"] != sha256:
        raise PictureError(f"{path} was made with other weights, of sha256 {sha256!a}; say where they are: --weights")
    return again


def _all_found(role, entries, picture, moved):
    """Where the pictures of a role are: of one its place, of several a list."""
    one = isinstance(entries, dict)
    entries = [entries] if one else list(entries)
    places = [None] * len(entries) if moved is None else [moved] if isinstance(moved, (str, Path)) else list(moved)
    if len(places) != len(entries):
        raise PictureError(f"{flag(role)} is given for {len(places)}, and the picture was made with {len(entries)}")
    found = [word(e) or _found(role, e, picture, place) for e, place in zip(entries, places, strict=True)]
    return found[0] if one else found


def _found(role, entry, picture, moved):
    """Where a picture of this name and hash is: where it is said to be, here, beside the picture, or shipped."""
    if not isinstance(entry["sha256"], str):
        raise TypeError
    if moved is not None:
        if manifest.is_picture(entry, moved):
            return moved
        raise PictureError(f"{moved} is not the {role} picture that was used: its sha256 is another; {flag(role)} FILE")
    name = entry["name"]
    if name is None:
        raise PictureError(f"the {role} picture was given as an array: say which file it is, {flag(role)} FILE")
    name = os.path.normpath(name)
    if os.path.isabs(name) or name.startswith(".."):
        name = os.path.basename(name)
    places = [Path(name), Path(picture).parent / name, Path(picture).parent / os.path.basename(name)]
    if Path(name).stem in samples.names():
        places.append(samples.path(Path(name).stem))
    there = [place for place in places if place.is_file()]
    for place in there:
        if manifest.is_picture(entry, place):
            return str(place)
    if there:
        raise PictureError(
            f"the {role} picture {there[0]} has changed since: say where the old one is, {flag(role)} FILE"
        )
    raise PictureError(f"the {role} picture {name!r} is not here: say where it is, {flag(role)} FILE")


def _compared(old, new):
    """Whether two pictures are the same, in words."""
    then, now = (np.round(pictures.read(path) * 255) for path in (old, new))
    if old.suffix.lower() not in LOSSLESS or new.suffix.lower() not in LOSSLESS:
        return (
            f"within {np.abs(then - now).mean():.2g} levels of 255 of {old} on the average, as files that lose some are"
        )
    if then.shape != now.shape:
        return f"of another size than {old}"
    if (then == now).all():
        return f"the same pixels as {old}"
    return f"as {old} but for {np.abs(then - now).max():.0f} levels of 255 at most"
