"""Colours: closed forms, NumPy's and SciPy's statistics of what comes out, and what must not change."""

import colorsys

import numpy as np
import pytest
from scipy.stats import ks_2samp, rankdata

from nnbasics.style import color


@pytest.fixture
def style(rng):
    """Correlated colours far from the border, so that nothing is cut off."""
    mix = np.array([[0.10, 0.02, 0.0], [0.03, 0.06, 0.01], [0.0, 0.02, 0.05]])
    return np.clip(rng.standard_normal((40, 50, 3)) @ mix.T * 0.5 + [0.4, 0.5, 0.6], 0, 1)


@pytest.fixture
def content(rng):
    mix = np.array([[0.05, 0.04, 0.0], [0.0, 0.05, 0.03], [0.02, 0.0, 0.08]])
    return np.clip(rng.standard_normal((30, 60, 3)) @ mix.T * 0.5 + [0.6, 0.45, 0.5], 0, 1)


def test_luminance_and_chroma_are_pythons_yiq():
    rgb = np.array([[[0.2, 0.5, 0.7]]])
    np.testing.assert_allclose((rgb @ color.YIQ.T)[0, 0], colorsys.rgb_to_yiq(0.2, 0.5, 0.7), atol=0.004)
    assert color.luminance(rgb)[0, 0] == pytest.approx(0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.7)


def test_recolored_has_the_luminance_of_one_and_the_chroma_of_the_other(style, content):
    picture = style[:30, :50]
    content = content[:, :50]
    found = color.recolored(picture, content)
    np.testing.assert_allclose(color.luminance(found), color.luminance(picture), atol=1e-3)
    np.testing.assert_allclose((found @ color.YIQ.T)[..., 1:], (content @ color.YIQ.T)[..., 1:], atol=1e-3)
    np.testing.assert_allclose(color.recolored(content, content), content, atol=1e-3)
    assert color.recolored(np.ones_like(content), content).max() == 1


def test_matched_luminances_have_the_contents_mean_and_spread(style, content):
    found = color.match_luminance(style, content)
    assert np.ptp(found, axis=2).max() == 0
    like = color.luminance(content)
    assert found.mean() == pytest.approx(like.mean()) and found.std() == pytest.approx(like.std())
    flat = color.match_luminance(np.full((5, 5, 3), 0.3), content)
    np.testing.assert_allclose(flat, like.mean())


def test_matched_colours_have_the_contents_mean_and_covariance(style, content):
    found = color.match_pca(style, content)
    assert found.shape == style.shape
    np.testing.assert_allclose(found.mean(axis=(0, 1)), content.mean(axis=(0, 1)), atol=1e-9)
    np.testing.assert_allclose(np.cov(found.reshape(-1, 3).T), np.cov(content.reshape(-1, 3).T), rtol=1e-2, atol=1e-6)
    np.testing.assert_allclose(color.match_pca(content, content), content, atol=1e-9)


@pytest.mark.parametrize("kind", ["grey", "flat"])
def test_colours_of_a_picture_that_has_none_can_be_matched(kind, style, content):
    plain = np.repeat(style[..., :1], 3, axis=2) if kind == "grey" else np.full_like(style, 0.4)
    found = color.match_pca(plain, content)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.mean(axis=(0, 1)), content.mean(axis=(0, 1)), atol=1e-9)
    np.testing.assert_allclose(color.match_pca(content, plain).mean(axis=(0, 1)), plain.mean(axis=(0, 1)), atol=1e-9)
    assert np.isfinite(color.match_histogram(plain, content)).all()


def test_matched_histograms_are_the_contents_and_the_order_stays(style, content):
    found = color.match_histogram(style, content)
    for channel in range(3):
        ours, theirs, before = (picture[..., channel].ravel() for picture in (found, content, style))
        assert ks_2samp(ours, theirs).statistic < 2 / 1800
        np.testing.assert_array_equal(rankdata(ours), rankdata(before))
    np.testing.assert_allclose(color.match_histogram(content, content), content, atol=1e-12)


def test_histograms_of_few_levels_match_too():
    style, content = np.zeros((4, 4, 3)), np.zeros((4, 4, 3))
    style[:2], content[:2] = 1, 0.25
    content[2:] = 0.75
    np.testing.assert_allclose(np.unique(color.match_histogram(style, content)), [0.25, 0.75])


@pytest.mark.parametrize("match", [color.match_pca, color.match_histogram, color.match_luminance])
def test_weights_choose_the_pixels_whose_colours_count(match, style, content):
    """A style's half matched to a content's half is as if the pictures ended there."""
    left, right = np.zeros((2, *style.shape[:2])), np.zeros(content.shape[:2])
    left[0][:, :25], right[:, 30:] = 1, 1
    found = match(style, content, left[0], right)
    alone = match(style[:, :25], content[:, 30:])
    np.testing.assert_allclose(found[:, :25], alone, atol=1e-9)


@pytest.mark.parametrize("match", [match for match in color.MATCHES.values() if match])
def test_float32_stays_float32_within_range(match, rng):
    style, content = rng.random((2, 20, 20, 3)).astype(np.float32)
    found = match(style, content)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
