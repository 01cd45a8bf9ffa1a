"""What need not be executed again, and what belongs to the student and is kept."""

import contextlib
import hashlib
import json
import platform
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from notebooks.making.execute import ROOT

MADE_FROM = [
    "nnbasics/**/*.py",
    "nnbasics/**/*.mplstyle",
    "nnbasics/data/**/*.*z",
    "weights/manifest.json",
    "notebooks/making/*.py",
]


def fingerprint(lecture):
    """A hash of all that the executed notebook depends on: its text, the library, the weights, Python."""
    digest = hashlib.sha256(platform.python_version().encode())
    library = sorted(path for pattern in MADE_FROM for path in ROOT.glob(pattern))
    for path in [lecture.path, *library]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def sources_of(notebook):
    """A hash of the cells, without what they put out."""
    cells = [[cell["cell_type"], cell["source"]] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def is_current(lecture):
    """Whether the notebook that is there came from this text and this library."""
    notebook = _there(lecture.target)
    return notebook is not None and _ours(notebook).get("fingerprint") == fingerprint(lecture)


def save(lecture, notebook):
    """Write the notebook; return where the one that was there has gone, if somebody had worked in it."""
    notebook.metadata.nnbasics = {"fingerprint": fingerprint(lecture), "cells": sources_of(notebook)}
    moved = None
    if lecture.target.exists():
        there = _there(lecture.target)
        if there is None or _ours(there).get("cells") != sources_of(there):
            moved = lecture.target.replace(_free(lecture.target))
    text = nbformat.writes(notebook)
    part = lecture.target.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(lecture.target)
    trust(lecture.target)
    return moved


def trust(path):
    """Sign a notebook for this user, whose machine has made it: Jupyter then lets its animations play."""
    notary = NotebookNotary()
    with contextlib.closing(notary.store):
        notary.sign(nbformat.read(path, as_version=4))


def _there(path):
    """The notebook in a file; None if there is none, or the file holds something else."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception:  # nbformat stumbles over what is no notebook in many ways
        return None


def _ours(notebook):
    return notebook.metadata.get("nnbasics", {})


def _free(path):
    """A name beside `path` that is not taken: 01-perceptron.mine.ipynb, 01-perceptron.mine-2.ipynb."""
    candidates = (path.with_suffix(f".mine{'' if n == 1 else f'-{n}'}.ipynb") for n in range(1, 10**6))
    return next(candidate for candidate in candidates if not Path(candidate).exists())
