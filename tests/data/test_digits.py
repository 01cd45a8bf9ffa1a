"""The shipped digits: what scikit-learn has, and credited."""

import hashlib
from pathlib import Path

import numpy as np

from nnbasics.data import digits

TOP = Path(__file__).parents[2]


def test_as_in_scikit_learn():
    x, labels = digits.load()
    assert x.shape == (1797, 1, 8, 8) and x.dtype == np.float32 and (x.min(), x.max()) == (0, 1)
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    with np.load(TOP / "tests" / "golden" / "pca.npz") as golden:
        np.testing.assert_array_equal(16 * x[:300].reshape(-1, 64), golden["digits/X"])


def test_the_credits_name_the_file():
    sha256 = hashlib.sha256((TOP / "nnbasics" / "data" / "sets" / "digits.npz").read_bytes()).hexdigest()
    text = (TOP / "docs" / "credits.md").read_text(encoding="utf-8")
    assert sha256 in text and "CC BY 4.0" in text
