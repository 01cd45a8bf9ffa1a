"""Pooling: the lectures' numbers, ties, kinks, and what is refused."""

import numpy as np
import pytest

from nnbasics import AvgPool2d, FractionalMaxPool2d, GlobalAvgPool2d, LPPool2d, MaxPool2d
from nnbasics.errors import UserError

SQUARE = np.array([[1, 3], [2, 4]], np.float32)[None, None]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(MaxPool2d(2), 4), (AvgPool2d(2), 2.5), (LPPool2d(2, 2), 30**0.5), (LPPool2d(1, 2), 10), (GlobalAvgPool2d(), 2.5)],
)
def test_two_by_two(layer, expected):
    np.testing.assert_allclose(layer.forward(SQUARE), [[[[expected]]]], rtol=1e-6)


def test_224_becomes_112_with_a_quarter_of_the_values_and_the_same_depth():
    shape = MaxPool2d(2).output_shape((1, 64, 224, 224))
    assert shape == (1, 64, 112, 112) and np.prod(shape) * 4 == 64 * 224 * 224


def test_the_first_of_equal_values_gets_the_gradient():
    pool = MaxPool2d(2)
    pool.forward(np.ones((1, 1, 2, 2), np.float32))
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 1, 1), np.float32))[0, 0], [[1, 0], [0, 0]])


def test_nan_wins_and_takes_the_gradient():
    x = np.array([[1, np.nan], [9, 2]], np.float32)[None, None]
    pool = MaxPool2d(2)
    assert np.isnan(pool.forward(x)).all()
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 1, 1), np.float32))[0, 0], [[0, 1], [0, 0]])


def test_padding_never_wins():
    pool = MaxPool2d(3, 1, 1)
    np.testing.assert_array_equal(pool.forward(np.full((1, 1, 3, 3), -5.0)), np.full((1, 1, 3, 3), -5.0))


def test_a_window_of_minus_infinity_has_its_gradient_inside_x():
    pool = MaxPool2d(2, 2, 1)
    pool.forward(np.full((1, 1, 2, 2), -np.inf))
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 2, 2)))[0, 0], np.ones((2, 2)))


def test_the_argmax_takes_a_byte(rng):
    pool = MaxPool2d(2)
    pool.forward(rng.standard_normal((1, 3, 8, 8)))
    assert pool.branches()[0].dtype == np.uint8 and pool.branches()[0].shape == (1, 3, 4, 4)


def test_average_keeps_only_a_shape(rng):
    pool = AvgPool2d(2)
    pool.forward(rng.standard_normal((1, 3, 8, 8)))
    assert pool._memory == {"x_shape": (1, 3, 8, 8)}


def test_p_norm_of_zeros_has_no_gradient():
    pool = LPPool2d(2, 2)
    assert pool.forward(np.zeros((1, 1, 2, 2))).item() == 0
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 1, 1))), np.zeros((1, 1, 2, 2)))


def test_p_norm_goes_from_the_sum_to_the_maximum(rng):
    x = np.abs(rng.standard_normal((1, 2, 4, 4)))
    np.testing.assert_allclose(LPPool2d(1, 2).forward(x), 4 * AvgPool2d(2).forward(x))
    np.testing.assert_allclose(LPPool2d(200, 2).forward(x), MaxPool2d(2).forward(x), rtol=0.01)


def test_p_norm_with_padding(rng):
    x = rng.standard_normal((1, 1, 3, 3))
    np.testing.assert_allclose(LPPool2d(2, 3, 1, padding=1).forward(x)[0, 0, 1, 1], np.sqrt(np.sum(x**2)))


def test_padding_up_to_the_kernel_as_onnx_has_it():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    y = MaxPool2d(3, 1, 2).forward(x)
    assert y.shape == (1, 1, 5, 5) and y[0, 0, 0, 0] == 0 and y[0, 0, 4, 4] == 8
    assert AvgPool2d(3, 1, 2, count_include_pad=False).forward(x)[0, 0, 0, 1] == 0.5


def test_with_ceil_mode_one_window_may_reach_over_all_of_x():
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    pool = MaxPool2d(5, 4, ceil_mode=True)
    assert pool.forward(x).item() == 3
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 1, 1)))[0, 0], [[0, 0], [0, 1]])
    assert AvgPool2d(5, 4, ceil_mode=True).forward(x).item() == 1.5
    assert LPPool2d(1, 5, 4, ceil_mode=True).forward(x).item() == 6
    with pytest.raises(UserError, match="the window does not fit"):
        MaxPool2d(5, 3, ceil_mode=True).forward(x)


def test_fractional_windows_cover_the_map_in_uneven_steps():
    x = np.arange(81.0).reshape(1, 1, 9, 9)
    pool = FractionalMaxPool2d(2, output_ratio=0.7, rng=3)
    y = pool.forward(x)
    assert y.shape == (1, 1, 6, 6) and y[0, 0, -1, -1] == 80
    steps = np.diff(y[0, 0, 0])
    assert set(steps) == {1, 2}
    assert not np.array_equal(y, pool.forward(x)), "the next walk draws anew"
    pool.eval()
    np.testing.assert_array_equal(pool.forward(x), pool.forward(x))


def test_overlapping_fractional_windows_add_up():
    pool = FractionalMaxPool2d(3, output_size=4, rng=0)
    x = np.zeros((1, 1, 6, 6))
    x[0, 0, 3, 3] = 1
    y = pool.forward(x)
    dx = pool.backward(np.ones_like(y))
    assert dx[0, 0, 3, 3] == y.sum() > 1 and dx.sum() == 16


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MaxPool2d(2, padding=2), "padding 2 with kernel_size 2: windows at the rim would see nothing"),
        (lambda: AvgPool2d((2, 3), padding=(1, 3)), r"padding \(1, 3\) with kernel_size \(2, 3\)"),
        (lambda: LPPool2d(0, 2), "norm_type=0"),
        (lambda: FractionalMaxPool2d(2), "give one of output_size and output_ratio"),
        (lambda: FractionalMaxPool2d(2, output_ratio=1.5), "between 0 and 1"),
        (lambda: MaxPool2d(3).forward(np.zeros((1, 1, 2, 5))), r"H = 2 \+ 2 \* 0 of padding = 2, less than .* 3"),
        (lambda: FractionalMaxPool2d(2, 5).forward(np.zeros((1, 1, 5, 5))), "5 windows of 2 need 6 values in a row"),
        (lambda: GlobalAvgPool2d().forward(np.zeros((1, 2, 0, 3))), "nothing to take the mean of"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()


def test_their_reprs_make_them_again():
    for text in (
        "MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)",
        "AvgPool2d(kernel_size=(2, 3), count_include_pad=False)",
        "LPPool2d(2, kernel_size=2)",
        "FractionalMaxPool2d(2, output_size=(3, 4))",
    ):
        assert repr(eval(text)) == text
