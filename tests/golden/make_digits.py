"""Writes nnbasics/data/sets/digits.npz, the digits that are shipped, from scikit-learn's copy of them.

Run it with scikit-learn installed, from the top folder: python -m tests.golden.make_digits
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main():
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    assert np.array_equal(images, digits.images)
    path = Path(__file__).parents[2] / "nnbasics" / "data" / "sets" / "digits.npz"
    np.savez_compressed(path, images=images, labels=digits.target.astype(np.uint8))


if __name__ == "__main__":
    main()
