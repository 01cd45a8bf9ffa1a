"""Convolution: the lectures' numbers, and what is refused."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from nnbasics import Conv2d, Linear
from nnbasics.errors import UserError
from nnbasics.layers.convolution import windows


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 1, 1, 7),
        (6, 3, 2, 1, 3),  # (6 - 3 + 2) / 2 + 1 = 3.5, rounded down
        (5, 3, 2, 1, 3),
        (32, 5, 1, 0, 28),
        (227, 11, 4, 0, 55),
        (224, 3, 1, 1, 224),
    ],
)
def test_size_of_the_output(size, kernel, stride, padding, expected):
    conv = Conv2d(1, 2, kernel, stride, padding, rng=0)
    assert conv.output_shape((1, 1, size, size)) == (1, 2, expected, expected)
    assert conv.forward(np.zeros((1, 1, size, size), np.float32)).shape == (1, 2, expected, expected)


def test_six_filters_of_5x5x3():
    conv = Conv2d(3, 6, 5, rng=0)
    assert conv.params["weight"].shape == (6, 3, 5, 5)
    assert conv.output_shape((1, 3, 32, 32)) == (1, 6, 28, 28)


def test_parameters_and_multiply_adds():
    conv = Conv2d(3, 96, 11, 4)  # AlexNet's first
    assert conv.num_parameters() == 96 * (11 * 11 * 3 + 1)
    assert conv.multiply_adds((1, 3, 227, 227)) == 55 * 55 * 96 * 11 * 11 * 3
    assert Conv2d(3, 96, 11, 4, bias=False).num_parameters() == 96 * 11 * 11 * 3


def test_four_units_on_seven_inputs_share_three_weights():
    conv = Conv2d(1, 1, (1, 3), stride=(1, 2), padding=(0, 1), bias=False)
    assert conv.output_shape((1, 1, 1, 7)) == (1, 1, 1, 4)
    assert conv.num_parameters() == 3 and Linear(7, 4, bias=False).num_parameters() == 28


def test_a_filter_scores_a_shape():
    curve = np.zeros((7, 7), np.float32)
    for row, column in [(0, 5), (1, 4), (2, 3), (3, 3), (4, 3), (5, 3)]:
        curve[row, column] = 30
    picture = np.zeros((1, 1, 20, 20), np.float32)
    picture[0, 0, 2:9, 10:17] = curve
    conv = Conv2d(1, 1, 7, rng="zeros")
    conv.params["weight"][0, 0] = curve
    scores = conv.forward(picture)[0, 0]
    assert np.unravel_index(scores.argmax(), scores.shape) == (2, 10)
    assert scores[2, 10] == 6 * 30 * 30 and scores[10:, :8].max() == 0


def test_it_is_the_cross_correlation(rng):
    x, weight = rng.standard_normal((9, 8)), rng.standard_normal((3, 4))
    conv = Conv2d(1, 1, (3, 4), bias=False)
    conv.params["weight"] = weight[None, None]
    np.testing.assert_allclose(conv.forward(x[None, None])[0, 0], correlate2d(x, weight, "valid"), rtol=1e-12)


def test_a_dilated_filter_is_one_with_holes(rng):
    x, weight = rng.standard_normal((11, 10)), rng.standard_normal((3, 2))
    conv = Conv2d(1, 1, (3, 2), bias=False, dilation=(2, 3))
    conv.params["weight"] = weight[None, None]
    holes = np.zeros((5, 4))
    holes[::2, ::3] = weight
    np.testing.assert_allclose(conv.forward(x[None, None])[0, 0], correlate2d(x, holes, "valid"), rtol=1e-12)


def test_groups_are_convolutions_side_by_side(rng):
    """AlexNet's second layer, smaller: two groups, each seeing its half of the channels, in half of the parameters."""
    conv = Conv2d(6, 8, 5, padding=2, groups=2, rng=0)
    assert conv.params["weight"].shape == (8, 3, 5, 5)
    assert conv.num_parameters() == 8 * (3 * 25 + 1)
    assert conv.multiply_adds((1, 6, 9, 9)) == 8 * 81 * 3 * 25
    x = rng.standard_normal((2, 6, 9, 9))
    halves = []
    for half in (0, 1):
        alone = Conv2d(3, 4, 5, padding=2)
        alone.params = {key: value[4 * half : 4 * half + 4] for key, value in conv.params.items()}
        halves.append(alone.forward(x[:, 3 * half : 3 * half + 3]))
    np.testing.assert_allclose(conv.forward(x), np.concatenate(halves, axis=1), rtol=1e-12, atol=1e-12)


def test_backward_is_the_adjoint_of_forward(rng):
    """<conv(x), dy> = <x, dx> for every x and dy."""
    conv = Conv2d(3, 4, (3, 2), (2, 1), (1, 0), bias=False, rng=1)
    x = rng.standard_normal((2, 3, 7, 6))
    dy = rng.standard_normal(conv.output_shape(x.shape))
    np.testing.assert_allclose(np.vdot(conv.forward(x), dy), np.vdot(x, conv.backward(dy)), rtol=1e-12)


def test_first_weights_keep_the_size_of_what_passes(rng):
    conv = Conv2d(64, 64, 3, padding=1, rng=0)
    x = rng.standard_normal((1, 64, 32, 32))
    inner = conv.forward(x)[:, :, 1:-1, 1:-1]
    assert 0.9 < np.mean(np.maximum(inner, 0) ** 2) / np.mean(x**2) < 1.1
    assert np.all(conv.params["bias"] == 0)
    np.testing.assert_array_equal(conv.params["weight"], Conv2d(64, 64, 3, rng=0).params["weight"])
    assert not np.array_equal(Conv2d(2, 2, 3).params["weight"], Conv2d(2, 2, 3).params["weight"])


def test_a_frozen_layer_keeps_only_a_shape(rng):
    conv = Conv2d(3, 4, 3, rng=0).freeze()
    conv.forward(rng.standard_normal((1, 3, 8, 8)))
    assert conv._memory == {"x_shape": (1, 3, 8, 8), "x": None}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Conv2d(3, 4, 0), "kernel_size=0: an int or a pair of ints of at least 1"),
        (lambda: Conv2d(3, 4, (3, 3, 3)), r"kernel_size=\(3, 3, 3\)"),
        (lambda: Conv2d(3, 4, 3, stride=0), "stride=0"),
        (lambda: Conv2d(3, 4, 3, padding=-1), "padding=-1"),
        (lambda: Conv2d(3, 4, 2.5), "kernel_size=2.5"),
        (lambda: Conv2d(0, 4, 3), "in_channels=0"),
        (lambda: Conv2d(3, 4, 3, dilation=0), "dilation=0"),
        (lambda: Conv2d(3, 4, 3, groups=0), "groups=0"),
        (lambda: Conv2d(3, 4, 3, groups=2), "groups=2 must divide in_channels=3 and out_channels=4"),
        (lambda: Conv2d(4, 3, 3, groups=2), "groups=2 must divide in_channels=4 and out_channels=3"),
    ],
)
def test_settings_that_mean_nothing(make, words):
    with pytest.raises(UserError, match=words):
        make()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 8, 8), r"x has shape \(3, 8, 8\); \(N, C, H, W\) was expected"),
        ((1, 8, 8, 3), "8 channels; 3 were expected"),
        ((1, 3, 8, 2), r"W = 2 \+ 2 \* 1 of padding = 4, less than the kernel's 5"),
    ],
)
def test_inputs_that_do_not_fit(shape, words):
    with pytest.raises(UserError, match=words) as refusal:
        Conv2d(3, 4, 5, padding=1, rng=0).forward(np.zeros(shape, np.float32))
    assert "Conv2d(3, 4, kernel_size=5, padding=1)" in str(refusal.value)


def test_its_repr_makes_it_again():
    for text in (
        "Conv2d(3, 4, kernel_size=3)",
        "Conv2d(3, 4, kernel_size=(3, 5), stride=2, padding=1, bias=False)",
        "Conv2d(4, 6, kernel_size=3, dilation=(1, 2), groups=2)",
    ):
        assert repr(eval(text)) == text


def test_the_arithmetic_says_when_it_does_not_divide():
    assert str(windows(7, 3)) == "(7 - 3 + 2 * 0) / 1 + 1 = 5"
    assert windows(7, 3, 2).divides
    slide = windows(6, 3, 2, 1)
    assert (slide.size, slide.quotient, slide.unseen, slide.divides) == (3, 3.5, 1, False)
    assert "= 3.5, which is not whole: 3 fit, and the last value of the padded input no window sees" in str(slide)
    assert str(windows(6, 3, 2, (0, 1))) == "(6 - 3 + 0 + 1) / 2 + 1 = 3"
    assert "the last 2 values" in str(windows(8, 3, 3))


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_arithmetic_counts_windows(size, kernel, stride):
    """Against laying them out one by one."""
    for padding in range(3):
        places = range(0, size + 2 * padding - kernel + 1, stride)
        if not places:
            with pytest.raises(UserError, match="does not fit"):
                windows(size, kernel, stride, padding)
            continue
        found = windows(size, kernel, stride, padding)
        assert found.size == len(places)
        assert found.unseen == size + 2 * padding - (places[-1] + kernel)
        assert found.divides == (found.quotient == found.size)
