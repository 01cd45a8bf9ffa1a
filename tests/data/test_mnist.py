"""The digits of MNIST that are shipped: the first of both parts, as everybody knows them, and credited."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nnbasics.data import mnist
from nnbasics.errors import UserError

TOP = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("part", "count", "first"),
    [("train", 400, [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]), ("test", 200, [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])],
)
def test_the_first_of_both_parts(part, count, first):
    x, labels = mnist.sample(part)
    assert x.shape == (count, 1, 28, 28) and x.dtype == np.float32 and (x.min(), x.max()) == (0, 1)
    assert labels.dtype == np.int64 and labels[:10].tolist() == first and set(labels) == set(range(10))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["train", "test"])
def test_they_are_what_is_downloaded(part):
    for few, all_of_them in zip(mnist.sample(part), mnist.load(part), strict=True):
        np.testing.assert_array_equal(few, all_of_them[: len(few)])


def test_there_are_two_parts():
    with pytest.raises(UserError, match="no part 'tests'; did you mean 'test'"):
        mnist.sample("tests")


def test_the_credits_name_the_file():
    sha256 = hashlib.sha256((TOP / "nnbasics" / "data" / "sets" / "mnist.npz.xz").read_bytes()).hexdigest()
    text = (TOP / "docs" / "credits.md").read_text(encoding="utf-8")
    assert sha256 in text and "CC BY-SA 3.0" in text
