"""The pictures shipped with the library: photographs to paint, and paintings in the public domain to paint them like.

Wherever a picture is read, the bare name of one of these will do: ``nnbasics style cat starry_night -o out.png``.
Their sources and licences are in ``pictures/credits.json``, and for people in ``docs/credits.md``.
"""

import difflib
import json
import os
from pathlib import Path

from nnbasics.errors import PictureError

_FOLDER = Path(__file__).with_name("pictures")


def _table() -> dict[str, dict]:
    return json.loads((_FOLDER / "credits.json").read_text(encoding="utf-8"))


def names() -> list[str]:
    """Names of the shipped pictures, photographs first, then paintings."""
    return list(_table())


def path(name: str) -> Path:
    """The file of the shipped picture `name`.

    Raises
    ------
    PictureError
        For a name that is not shipped; the message gives the nearest ones.
    """
    known = names()
    if name not in known:
        raise PictureError(f"no shipped picture is called {name!r}. {_suggestion(name, known)}")
    return _FOLDER / f"{name}.jpg"


def credits(name: str) -> dict:
    """Where the shipped picture `name` comes from.

    Returns
    -------
    dict
        ``kind`` (photograph or painting), ``title``, ``author``, ``year``, ``package`` and ``file`` it was taken from
        with ``file_sha256``, ``licence``, ``credit`` (the line to print under it), ``changes`` made to it, ``width``,
        ``height`` and ``sha256`` of the shipped file.
    """
    path(name)  # the error of an unknown name
    return _table()[name]


def resolve(word: str) -> Path:
    """What somebody means who writes `word` where a picture is expected: a file, or the name of a shipped picture.

    A file of that name comes first. A bare word (no folder, no suffix) that is neither is an error that lists the
    shipped pictures; anything else is returned as a path, whose problems are reported on reading it.
    """
    bare = bool(word) and os.path.basename(word) == word and not os.path.splitext(word)[1]
    if not bare or (os.path.lexists(word) and not os.path.isdir(word)):
        return Path(word)
    if word in names():
        return path(word)
    if os.path.isdir(word):
        return Path(word)
    shown = repr(word if len(word) <= 100 else word[:100] + "...")
    raise PictureError(f"no picture {shown}: neither a file here nor a shipped picture. {_suggestion(word, names())}")


def _suggestion(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word.lower().replace("-", "_"), known, n=3, cutoff=0.6)
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{guess}Shipped are: {', '.join(known)}"
