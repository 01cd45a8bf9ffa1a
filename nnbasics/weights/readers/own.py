"""Safetensors files: ours, or anybody's."""

import re

from nnbasics.weights import tensors
from nnbasics.weights.readers import Foreign


def read(path, file, size):
    """All tensors, in the order a person would count the layers (the file has them by size and alphabet)."""
    found, metadata = tensors.read(path)
    kind = "safetensors, ours" if metadata.get("format") == tensors.FORMAT else "safetensors"
    return Foreign(kind, {name: found[name] for name in sorted(found, key=counted)})


def counted(name):
    """A key that sorts layer 2 before layer 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]
