"""What a finished picture carries: enough to make it again, and to see that the ingredients are the same."""

import hashlib
import os
from dataclasses import asdict

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.version import __version__


def made(settings, **facts):
    """The metadata of a picture made with these settings: plain values that JSON can hold."""
    values = asdict(settings)
    for name in ("init", "weights"):
        values[name] = _word(values[name])
    return {"program": "nnbasics", "version": __version__, "settings": values, **facts}


def picture(source):
    """Name and sha256 of a picture: of the file's bytes, or of the pixels of one that is no file."""
    if isinstance(source, (str, os.PathLike)):
        path = samples.resolve(str(source))
        return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    pixels = np.ascontiguousarray(pictures.read(source))
    return {"name": None, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}


def _word(value):
    """A setting that may be a file or an array, as a text: a file's name without its folder."""
    return os.path.basename(os.fspath(value)) if isinstance(value, (str, os.PathLike)) else None
