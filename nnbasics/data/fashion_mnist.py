"""Fashion-MNIST: MNIST's sizes, with ten kinds of clothes in place of digits, and harder to learn.

It comes in a package of Debian, also of Ubuntu; elsewhere its four files can be put into a folder.
"""

import gzip
import io
import tarfile
import zlib
from pathlib import Path

import numpy as np

from nnbasics.data import cache
from nnbasics.data.cache import DataSet
from nnbasics.errors import UserError

CLASSES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
PARTS = {  # images and labels, and where the numbers begin in each
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where the package puts them
SOURCE = {
    "client": "apt-get",
    "package": "dataset-fashion-mnist",
    "version": "0.0~git20200523.55506a9-1",
    "archive": "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
    "archive_size": 30_900_652,
    "archive_sha256": "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
}


def load(part, progress=None):
    """The pictures of clothes to learn from, or those to be tested on.

    The first call takes the files of the installed Debian package `dataset-fashion-mnist`, or those in the folder
    `fashion-mnist` of the cache, or has apt-get download the package (31 MB; nothing is installed). Later calls find
    them in the cache, in the folder that the environment variable NNBASICS_DATA names if it is set.

    Parameters
    ----------
    part : "train" or "test"
    progress : bool, optional
        Whether a bar is shown while they are made; if not said, on a terminal.

    Returns
    -------
    x : ndarray, (N, 1, 28, 28) float32
        From 0, the ground, to 1. N is 60,000 or 10,000.
    labels : ndarray, (N,) int64
        0 to 9: the places of the names in `CLASSES`.

    Raises
    ------
    UserError
        If they cannot be downloaded or kept; the message says what to do.

    Notes
    -----
    Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017; MIT licence.
    """
    return SET.part(part, PARTS, progress)


def _parse(archive, advance):
    """The arrays from a Debian package: an `ar` archive, one of whose members is a tar of the files."""
    with tarfile.open(fileobj=io.BytesIO(_member(archive.read_bytes(), "data.tar.xz")), mode="r:xz") as tar:
        members = {Path(member.name).name: member for member in tar.getmembers()}
        return _arrays(lambda name: tar.extractfile(members[name]).read())


def _member(package, wanted):
    """A member of an `ar` archive: behind 8 letters, each with a header of 60 bytes, beginning at an even place."""
    place = 8
    while place < len(package):
        name = package[place : place + 16].decode("ascii").rstrip(" /")
        size = int(package[place + 48 : place + 58])
        if name == wanted:
            return package[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    raise UserError(f"Fashion-MNIST: there is no {wanted} in the package")


def _local():
    """The arrays from files that are here already, or None."""
    for folder in (cache.folder() / "fashion-mnist", INSTALLED):
        if all((folder / name).is_file() for names in PARTS.values() for name in names):
            try:
                return _arrays(lambda name, folder=folder: (folder / name).read_bytes())
            except (OSError, EOFError, ValueError, zlib.error) as error:
                raise UserError(f"Fashion-MNIST: the files in {folder} cannot be read: {error}") from None
    return None


def _arrays(read):
    """Images (N, 28, 28) and labels (N,) of both parts, as bytes; `read` gives the content of a file by name."""
    arrays = {}
    for part, (images, labels) in PARTS.items():
        arrays[f"{part}_images"] = np.frombuffer(gzip.decompress(read(images)), np.uint8, offset=16).reshape(-1, 28, 28)
        arrays[f"{part}_labels"] = np.frombuffer(gzip.decompress(read(labels)), np.uint8, offset=8)
    return arrays


SHA256 = "1eaca785525974ee416c6373d6cc39c32bac89318916afb8f37facf6395b07fa"  # of the arrays
_FILES = ", ".join(name for names in PARTS.values() for name in names)
_ELSEWHERE = f"or put {_FILES} into the folder fashion-mnist of {cache.FOLDER_VARIABLE}"
SET = DataSet("Fashion-MNIST", "fashion_mnist.npz", SOURCE, SHA256, _parse, _local, _ELSEWHERE)
