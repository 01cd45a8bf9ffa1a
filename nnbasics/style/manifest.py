"""What a finished picture carries: enough to make it again, and to see that the ingredients are the same."""

import hashlib
import os
from dataclasses import asdict

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.data.files import check_regular_file
from nnbasics.version import __version__


def made(settings, **facts):
    """The metadata of a picture made with these settings: plain values that JSON can hold."""
    values = asdict(settings)
    del values["memory"]  # another machine has its own
    for name in ("init", "weights"):
        values[name] = _word(values[name])
    for name in ("mask", "style_mask"):
        values[name] = values[name] and [_word(value) for value in values[name]]
    return {"program": "nnbasics", "version": __version__, "settings": values, **facts}


def picture(source):
    """Name and sha256 of a picture: of the file's bytes, or of the pixels of one that is no file.

    The name is without its folder, unless that is below the one we are in: a picture that is passed on should not tell
    how its maker's disk is laid out.
    """
    if isinstance(source, (str, os.PathLike)):
        path = samples.resolve(str(source))
        here = not path.is_absolute() and ".." not in path.parts
        return {"name": path.as_posix() if here else path.name, "sha256": _of_file(path)}
    return {"name": None, "sha256": _of_pixels(source)}


def is_picture(entry, source):
    """Whether a picture is the one that `picture` described."""
    if entry["name"] is None:
        return entry["sha256"] == _of_pixels(source)
    pictures.read(source)
    return entry["sha256"] == _of_file(samples.resolve(str(source)))


def _of_file(path):
    check_regular_file(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _of_pixels(source):
    return hashlib.sha256(np.ascontiguousarray(pictures.read(source)).tobytes()).hexdigest()


def _word(value):
    """A setting that may be a file or an array, as a text: a file's name without its folder."""
    return os.path.basename(os.fspath(value)) if isinstance(value, (str, os.PathLike)) else None
