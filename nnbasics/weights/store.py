"""Weights found, checked and loaded, by name or by path."""

import os
from pathlib import Path

from nnbasics.errors import WeightsError, nearest
from nnbasics.weights import registry
from nnbasics.weights import tensors as own
from nnbasics.weights.files import reading, sha256


class Weights(dict):
    """Arrays by name ("conv1_1.weight"), with `name`, `path`, `sha256` of the file and its `metadata`."""

    def __init__(self, tensors, name, path, sha256, metadata):
        super().__init__(tensors)
        self.name, self.path, self.sha256, self.metadata = name, path, sha256, metadata


def load(name_or_path="vgg19-normalised", dtype="float32"):
    """Weights by name or from a file of ours, checked before use.

    Parameters
    ----------
    name_or_path : str or path
        A known name (`nnbasics weights list`) or the path of a safetensors file.
    dtype : str or None
        What the arrays are to be, float32 if not said; None keeps what the file has.

    Returns
    -------
    Weights
        A dict of fresh arrays by name: `conv1_1.weight` (out, in, kH, kW), `conv1_1.bias` (out,), ...; `preprocess` is
        a 1x1 convolution from RGB in [0, 1] to what the network was trained on.

    Raises
    ------
    WeightsError
        If there is no such file, or it is damaged, of another hash than the known one, or holds values that are not
        finite.
    """
    name, path = find(name_or_path)
    digest = verify(name_or_path, contents=False)
    tensors, metadata = own.read(path, dtype)
    return Weights(tensors, name, path, digest, metadata)


def save(path, tensors, metadata=(), overwrite=True):
    """Write arrays by name to a safetensors file, with a dict of strings; nothing is ever half-written.

    The same arrays and strings always make the same bytes, and a digest in the header tells `load` of any change.

    Returns
    -------
    str
        The sha256 of the file.
    """
    return own.write(path, tensors, metadata, overwrite)


def verify(name_or_path, contents=True):
    """The sha256 of a file of weights, after checking it against the registry (a name) and its own digest.

    Raises
    ------
    WeightsError
        If the file is not there or not what it should be, in a sentence that says what to do.
    """
    name, path = find(name_or_path)
    with reading(path) as (file, size):
        entry = registry.entries().get(name)
        if entry and size != entry.size:
            raise WeightsError(f"{path} has {size:,} bytes instead of {entry.size:,}; {entry.remedy}")
        if not entry:
            own.check(path, file, size)  # before a digest is made of what may be a long file of something else
        digest = sha256(file)
    if entry and digest != entry.sha256:
        raise WeightsError(f"{path} has changed: its sha256 is {digest} instead of {entry.sha256}; {entry.remedy}")
    if contents:
        own.read(path)
    return digest


def find(name_or_path):
    """Name and path of weights; the name of a file that the registry does not know is None."""
    if isinstance(name_or_path, os.PathLike):
        return None, Path(name_or_path)
    if not isinstance(name_or_path, str):
        raise WeightsError(f"weights are given by name or by path, not as a {type(name_or_path).__name__}")
    if name_or_path in registry.entries():
        entry = registry.entry(name_or_path)
        if not os.path.lexists(entry.path):
            raise WeightsError(f"{name_or_path} is not there: {entry.path} does not exist; {entry.remedy}")
        return entry.name, entry.path
    if os.path.lexists(name_or_path) or os.path.basename(name_or_path) != name_or_path or "." in name_or_path:
        return None, Path(name_or_path)
    raise WeightsError(f"no weights are called {name_or_path!r}; {nearest(name_or_path, registry.entries())}")
