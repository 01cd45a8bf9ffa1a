"""Gram matrices and the style's gradient against matrix products in float64."""

import numpy as np
import pytest

from nnbasics.kernels import gram
from nnbasics.kernels.microkernel import PANEL

SIZES = [(1, PANEL), (77, 2 * PANEL), (1000, 4 * PANEL)]


@pytest.mark.parametrize(("pixels", "channels"), SIZES)
def test_gram(pixels, channels, rng):
    f = rng.random((pixels, channels), np.float32)
    right = f.T.astype(float) @ f
    found = gram.gram(f)
    np.testing.assert_allclose(found, right, rtol=2e-6)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize(("pixels", "channels"), SIZES)
def test_times(pixels, channels, rng):
    f = rng.standard_normal((pixels, channels)).astype(np.float32)
    s = rng.standard_normal((channels, channels)).astype(np.float32)
    out = np.empty_like(f)
    gram.times(f, gram.packed(s), out)
    right = f.astype(float) @ s
    assert np.linalg.norm(out - right) < 1e-6 * np.linalg.norm(right)
    gram.times(f, gram.packed(s), f)
    np.testing.assert_array_equal(f, out)


def test_partial_sums_are_added_and_mirrored(rng):
    parts = rng.random((5, 2 * PANEL, 2 * PANEL), np.float32)
    parts += parts.transpose(0, 2, 1)
    right = parts.sum(axis=0)
    parts[:, PANEL:, :PANEL] = np.nan  # nobody computed these
    np.testing.assert_allclose(gram.sum_of_parts(parts), right, rtol=1e-6)
