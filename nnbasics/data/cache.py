"""Data sets downloaded once: what is made of them is kept in the user's cache, and checked each time it is read."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnbasics.errors import UserError, WeightsError

FOLDER_VARIABLE = "NNBASICS_DATA"


@dataclass(frozen=True)
class DataSet:
    """A data set: where it comes from, what it must be, and how it is read.

    Attributes
    ----------
    title : str
    file : str
        Its name in the cache, an .npz.
    source : dict
        What `nnbasics.weights.downloads.download` takes.
    sha256 : str
        Of the arrays, see `digest`.
    parse : callable
        ``parse(archive, advance)`` makes the arrays by name, calling ``advance(fraction)`` from 0.8 to 1.
    local : callable, optional
        Makes the arrays by name from files that are here already, or returns None.
    elsewhere : str
        What to do where the client of the source does not exist.
    """

    title: str
    file: str
    source: dict
    sha256: str
    parse: Callable
    local: Callable = lambda: None
    elsewhere: str = ""

    def arrays(self, progress=None):
        """The arrays by name: from the cache, or downloaded and kept.

        Raises
        ------
        UserError
            If they cannot be downloaded or kept; the message says why.
        """
        path = folder() / self.file
        return self._kept(path) or self._made(path, progress)

    def _kept(self, path):
        """The arrays of the cache, or None if there are none, or others than there should be."""
        try:
            with open(path, "rb") as opened, np.load(opened) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None
        return arrays if digest(arrays) == self.sha256 else None

    def _made(self, path, progress):
        """Download, read, check, and keep."""
        from tqdm import tqdm

        from nnbasics.weights import downloads
        from nnbasics.weights.files import writing

        disable = None if progress is None else not progress
        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with (
                tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch,
                tqdm(total=100, desc=self.title, disable=disable, bar_format=form) as bar,
            ):

                def advance(fraction):
                    bar.update(max(0, 100 * fraction - bar.n))

                arrays = self.local()
                if arrays is None:
                    arrays = self.parse(downloads.download(self.source, Path(scratch), advance), advance)
                if digest(arrays) != self.sha256:
                    raise UserError(f"{self.title}: what was found is not what it should be: refused")
                with writing(path) as file:
                    np.savez_compressed(file, **arrays)
                advance(1)
        except WeightsError as error:
            raise UserError(f"{self.title}: {error}{self.elsewhere and '; '}{self.elsewhere}") from None
        except OSError as error:
            raise UserError(
                f"{self.title} cannot be kept in {path.parent}: {error.strerror or error}; {FOLDER_VARIABLE}=FOLDER "
                "names another"
            ) from None
        return arrays

    def part(self, name, parts, progress=None):
        """Images (N, C, H, W), float32 from 0 to 1, and labels (N,), int64, of one of the `parts`."""
        if name not in parts:
            raise UserError(f"{self.title} has no part {name!r}; choose from {', '.join(parts)}")
        arrays = self.arrays(progress)
        images, labels = arrays[f"{name}_images"], arrays[f"{name}_labels"]
        images = images[:, None] if images.ndim == 3 else images
        return np.divide(images, np.float32(255), dtype=np.float32), labels.astype(np.int64)


def folder():
    """Where data sets are kept: `NNBASICS_DATA`, or the user's cache."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("nnbasics", appauthor=False) / "data"


def digest(arrays):
    """One sha256 over names, shapes and bytes of all arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].shape} {arrays[name].dtype}\n".encode())
        found.update(np.ascontiguousarray(arrays[name]))
    return found.hexdigest()
