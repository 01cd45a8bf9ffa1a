"""Readers of foreign files: each takes an open file and gives named arrays, executing nothing that is in the file."""

from typing import NamedTuple

from nnbasics.errors import WeightsError
from nnbasics.weights.files import reading, sha256


class Foreign(NamedTuple):
    """What a file holds: its format in words, its arrays by name in the order of the file, and how pictures come in."""

    format: str
    tensors: dict
    preprocessing: object = None


def read(path):
    """Recognise a file by its content and read it: a `Foreign`, and the sha256 of the file."""
    with reading(path) as (file, size):
        digest = sha256(file)
        file.seek(0)
        start = file.read(16)
        try:
            return _by_content(path, file, size, start), digest
        except WeightsError as error:
            raise WeightsError(f"{path} {error}") from None


def _by_content(path, file, size, start):
    from nnbasics.weights.readers import pytorch

    return pytorch.read(file, size)
