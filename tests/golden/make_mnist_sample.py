"""Writes nnbasics/data/sets/mnist.npz.xz, the few digits of MNIST that are shipped: the first of both of its parts.

Run it from the top folder: python -m tests.golden.make_mnist_sample
"""

import io
import lzma
from pathlib import Path

import numpy as np

from nnbasics.data import mnist

COUNTS = {"train": 400, "test": 200}


def main():
    arrays = {}
    for part, count in COUNTS.items():
        x, labels = mnist.load(part)
        arrays[f"{part}_images"] = np.rint(255 * x[:count, 0]).astype(np.uint8)
        arrays[f"{part}_labels"] = labels[:count].astype(np.uint8)
    npz = io.BytesIO()
    np.savez(npz, **arrays)
    path = Path(__file__).parents[2] / "nnbasics" / "data" / "sets" / "mnist.npz.xz"
    path.write_bytes(lzma.compress(npz.getvalue(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
