"""Every kind of picture comes out right: against closed forms, and arrays we wrote ourselves."""

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from handmade import png, profile, tiff
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, TiffImagePlugin

from nnbasics.data import picture
from nnbasics.errors import PictureError

UNIT = np.float32(1) / np.float32(255)


def small_rgb(height=5, width=7):
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


# ------------------------------------------------------------------------------------------------ kinds of pictures


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.ppm", "a.PNG"])
def test_rgb_comes_out_as_it_is(tmp_path, name):
    array = small_rgb()
    found = picture.read(saved(tmp_path, Image.fromarray(array), name))
    assert found.dtype == np.float32 and found.flags.c_contiguous and found.flags.writeable
    np.testing.assert_array_equal(found, array.astype(np.float32) / 255)


@pytest.mark.parametrize("name, options", [("a.webp", {"lossless": True}), ("a.gif", {})])
def test_lossless_webp_and_few_coloured_gif(tmp_path, name, options):
    array = np.zeros((6, 8, 3), np.uint8)
    array[:3] = 255, 0, 0
    array[3:, 4:] = 0, 0, 255
    found = picture.read(saved(tmp_path, Image.fromarray(array), name, **options))
    np.testing.assert_array_equal(found, array / np.float32(255))


def test_jpeg_of_one_colour(tmp_path):
    image = Image.new("RGB", (32, 24), (200, 100, 50))
    found = picture.read(saved(tmp_path, image, "a.jpg", quality=95))
    np.testing.assert_allclose(found, np.broadcast_to(np.array([200, 100, 50]) / 255, (24, 32, 3)), atol=2 / 255)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.pgm"])
def test_grey_is_the_same_in_all_channels(tmp_path, name):
    found = picture.read(saved(tmp_path, Image.new("L", (9, 8), 77), name))
    np.testing.assert_array_equal(found, np.full((8, 9, 3), np.float32(77) / 255))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.pbm"])
def test_one_bit(tmp_path, name):
    bits = np.random.default_rng(3).integers(0, 2, (5, 11)).astype(bool)
    found = picture.read(saved(tmp_path, Image.fromarray(bits), name))
    np.testing.assert_array_equal(found, np.repeat(bits[..., None], 3, axis=2).astype(np.float32))


def test_palette(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 150, 100])
    image.putdata([0, 1])
    found = picture.read(saved(tmp_path, image, "a.png"))
    np.testing.assert_array_equal(found, np.array([[[10, 20, 30], [200, 150, 100]]], np.float32) / 255)


# --------------------------------------------------------------------------------------------- transparency: on white


@pytest.mark.parametrize("name, options", [("a.png", {}), ("a.tif", {}), ("a.webp", {"lossless": True, "exact": True})])
def test_alpha_lies_on_white(tmp_path, name, options):
    image = Image.new("RGBA", (3, 2), (255, 0, 51, 102))  # 102/255 = 0.4
    found = picture.read(saved(tmp_path, image, name, **options))
    expected = 0.4 * np.array([1, 0, 0.2]) + 0.6
    np.testing.assert_allclose(found, np.broadcast_to(expected, (2, 3, 3)), atol=1e-6)


def test_opaque_alpha_changes_nothing_and_clear_is_white(tmp_path):
    array = np.dstack([small_rgb(), np.full((5, 7), 255, np.uint8)])
    array[0, :, 3] = 0
    found = picture.read(saved(tmp_path, Image.fromarray(array), "a.png"))
    np.testing.assert_array_equal(found[1:], array[1:, :, :3].astype(np.float32) / 255)
    np.testing.assert_array_equal(found[0], 1)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_grey_with_alpha(tmp_path, name):
    found = picture.read(saved(tmp_path, Image.new("LA", (3, 2), (51, 102)), name))
    np.testing.assert_allclose(found, 0.4 * 0.2 + 0.6, atol=1e-6)


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_palette_with_transparency(tmp_path, transparency):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 150, 100])
    image.putdata([0, 1])
    found = picture.read(saved(tmp_path, image, "a.png", transparency=transparency))
    np.testing.assert_array_equal(found[0, 0], np.array([10, 20, 30], np.float32) / 255)
    np.testing.assert_array_equal(found[0, 1], 1)


def test_transparent_colour_of_rgb_and_grey_png(tmp_path):
    image = Image.fromarray(np.array([[[1, 2, 3], [9, 8, 7]]], np.uint8))
    found = picture.read(saved(tmp_path, image, "a.png", transparency=(1, 2, 3)))
    np.testing.assert_array_equal(found[0], np.array([[255, 255, 255], [9, 8, 7]], np.float32) / 255)
    image = Image.fromarray(np.array([[5, 6]], np.uint8))
    found = picture.read(saved(tmp_path, image, "b.png", transparency=5))
    np.testing.assert_array_equal(found[0], np.array([[255] * 3, [6] * 3], np.float32) / 255)


# ----------------------------------------------------------------------------------------------------- 16 bits, floats


def test_16_bit_grey_png_and_tiff(tmp_path):
    values = np.array([[0, 1, 256], [32768, 65534, 65535]], np.uint16)
    expected = np.repeat((values / 65535)[..., None], 3, axis=2)
    for name in ("a.png", "a.tif"):
        found = picture.read(saved(tmp_path, Image.fromarray(values), name))
        np.testing.assert_allclose(found, expected, atol=1e-7)


def test_16_bit_grey_pgm(tmp_path):
    values = np.array([[0, 1, 256], [32768, 65534, 65535]], np.uint16)
    (tmp_path / "a.pgm").write_bytes(b"P5 3 2 65535\n" + values.astype(">u2").tobytes())
    np.testing.assert_allclose(picture.read(tmp_path / "a.pgm")[..., 0], values / 65535, atol=1e-7)


def test_16_bit_grey_png_with_transparent_value(tmp_path):
    row = np.array([300, 40000], ">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 0, [row], [(b"tRNS", struct.pack(">H", 300))]))
    np.testing.assert_allclose(picture.read(tmp_path / "a.png")[0, :, 0], [1, 40000 / 65535], atol=1e-7)


def test_16_bit_grey_png_with_alpha(tmp_path):
    row = np.array([65535, 65535, 0, 26214], ">u2").tobytes()  # white opaque; black at 0.4
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 4, [row]))
    np.testing.assert_allclose(picture.read(tmp_path / "a.png")[0, :, 0], [1, 0.6], atol=UNIT)


def test_16_bit_rgb_png_is_right_to_8_bits(tmp_path):
    values = np.array([[0, 65535, 32896], [257 * 200, 257 * 100, 257 * 3]], ">u2")
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 2, [values.tobytes()]))
    np.testing.assert_allclose(picture.read(tmp_path / "a.png")[0], values / 65535, atol=UNIT)


def test_16_bit_rgb_png_with_transparent_colour(tmp_path):
    values = np.array([[1000, 2000, 3000], [60000, 50000, 40000]], ">u2")
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 2, [values.tobytes()], [(b"tRNS", values[0].tobytes())]))
    found = picture.read(tmp_path / "a.png")
    np.testing.assert_array_equal(found[0, 0], 1)
    np.testing.assert_allclose(found[0, 1], values[1] / 65535, atol=UNIT)


def test_16_bit_rgba_png(tmp_path):
    values = np.array([65535, 0, 13107, 26214], ">u2")
    (tmp_path / "a.png").write_bytes(png(1, 1, 16, 6, [values.tobytes()]))
    np.testing.assert_allclose(picture.read(tmp_path / "a.png")[0, 0], [1, 0.6, 0.68], atol=UNIT)


def test_16_bit_rgb_tiff_is_right_to_8_bits(tmp_path):
    values = np.array([[[0, 65535, 32896], [51400, 25700, 771]]], "<u2")
    (tmp_path / "a.tif").write_bytes(tiff(values, 16, 2))
    np.testing.assert_allclose(picture.read(tmp_path / "a.tif"), values / 65535, atol=UNIT)


def test_tiff_where_white_is_zero(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(np.array([[0, 51, 255]], np.uint8), 8, 0))
    np.testing.assert_allclose(picture.read(tmp_path / "a.tif")[0, :, 0], [1, 0.8, 0], atol=1e-6)
    (tmp_path / "b.tif").write_bytes(tiff(np.array([[0, 13107, 65535]], "<u2"), 16, 0))
    np.testing.assert_allclose(picture.read(tmp_path / "b.tif")[0, :, 0], [1, 0.8, 0], atol=1e-6)


def test_float_tiff(tmp_path):
    values = np.array([[0, 0.25, 1]], np.float32)
    found = picture.read(saved(tmp_path, Image.fromarray(values), "a.tif"))
    np.testing.assert_array_equal(found, np.repeat(values[..., None], 3, axis=2))


@pytest.mark.parametrize(
    "values, message", [([[0, 200]], "divide it by 255"), ([[np.nan, 0]], "NaN"), ([[-3, 0.5]], "-3")]
)
def test_float_tiff_out_of_range(tmp_path, values, message):
    path = saved(tmp_path, Image.fromarray(np.array(values, np.float32)), "a.tif")
    with pytest.raises(PictureError, match=message):
        picture.read(path)


def test_32_bit_integer_tiff_says_what_to_do(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[1, 2]], np.int32)), "a.tif")
    with pytest.raises(PictureError, match="8 or 16 bits"):
        picture.read(path)


# ------------------------------------------------------------------------------------------------ CMYK, other colours


@pytest.mark.parametrize(
    "ink, rgb",
    [
        ((0, 0, 0, 0), (1, 1, 1)),
        ((255, 0, 0, 0), (0, 1, 1)),
        ((0, 255, 0, 0), (1, 0, 1)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 51, 102, 0), (1, 0.8, 0.6)),
        ((102, 0, 0, 51), (0.48, 0.8, 0.8)),
    ],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk(tmp_path, name, ink, rgb):
    # Pillow writes CMYK JPEGs as Adobe does: inverted, with an Adobe marker.
    path = saved(tmp_path, Image.new("CMYK", (16, 16), ink), name)
    if name == "a.jpg":
        assert b"Adobe" in path.read_bytes()
    np.testing.assert_allclose(picture.read(path), np.broadcast_to(rgb, (16, 16, 3)), atol=2 / 255)


def test_ycbcr_tiff(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (16, 16), (200, 100, 50)).convert("YCbCr"), "a.tif", compression="jpeg")
    np.testing.assert_allclose(picture.read(path)[8, 8], np.array([200, 100, 50]) / 255, atol=3 / 255)


def test_cielab_says_what_to_do(tmp_path):
    path = saved(tmp_path, Image.new("LAB", (4, 4)), "a.tif")
    with pytest.raises(PictureError, match="save it in RGB"):
        picture.read(path)


def srgb_curve(linear):
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_colour_profile_is_converted_to_srgb(tmp_path, name):
    options = {"lossless": True} if name == "a.webp" else {"quality": 100} if name == "a.jpg" else {}
    image = Image.new("RGB", (16, 16), (102, 102, 102))
    path = saved(tmp_path, image, name, icc_profile=profile(b"RGB ", 1.0), **options)
    np.testing.assert_allclose(picture.read(path), srgb_curve(0.4), atol=1.5 / 255)


def test_profile_with_red_and_blue_swapped(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (4, 4), (255, 0, 0)), "a.png", icc_profile=profile(b"RGB ", 2.2, swap=True))
    np.testing.assert_allclose(picture.read(path)[0, 0], [0, 0, 1], atol=3 / 255)


def test_profile_and_alpha_together(tmp_path):
    image = Image.new("RGBA", (4, 4), (102, 102, 102, 102))
    path = saved(tmp_path, image, "a.png", icc_profile=profile(b"RGB ", 1.0))
    np.testing.assert_allclose(picture.read(path), 0.4 * srgb_curve(0.4) + 0.6, atol=1.5 / 255)


@pytest.mark.parametrize("mode, colour", [("L", 102), ("LA", (102, 255))])
def test_grey_profile(tmp_path, mode, colour):
    path = saved(tmp_path, Image.new(mode, (4, 4), colour), "a.png", icc_profile=profile(b"GRAY", 1.0))
    np.testing.assert_allclose(picture.read(path), srgb_curve(0.4), atol=1.5 / 255)


@pytest.mark.parametrize("broken", [b"nonsense", b"", profile(b"GRAY", 1.0), profile(b"RGB ", 1.0)[:200]])
def test_profile_that_makes_no_sense_changes_nothing(tmp_path, broken):
    path = saved(tmp_path, Image.new("RGB", (4, 4), (102, 51, 0)), "a.png", icc_profile=broken)
    np.testing.assert_allclose(picture.read(path)[0, 0], [0.4, 0.2, 0], atol=1e-6)


# ---------------------------------------------------------------------------------------------- orientation, frames

UPRIGHT = {  # what a picture stored like this has to be turned into (the EXIF specification's eight cases)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.jpg"])
def test_exif_orientation(tmp_path, name, orientation):
    array = np.kron(small_rgb(2, 3) // 64 * 64, np.ones((16, 16, 1), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if name == "a.webp" else {"quality": 100, "subsampling": 0} if name == "a.jpg" else {}
    path = saved(tmp_path, Image.fromarray(array), name, exif=exif, **options)
    expected = UPRIGHT[orientation](array).astype(np.float32) / 255
    found = picture.read(path)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=4 / 255 if name == "a.jpg" else 0)


def test_orientation_of_16_bit_grey(tmp_path):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 10000
    exif = Image.Exif()
    exif[0x0112] = 6
    found = picture.read(saved(tmp_path, Image.fromarray(values), "a.png", exif=exif))
    np.testing.assert_allclose(found[..., 0], np.rot90(values, -1) / 65535, atol=1e-7)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_senseless_orientation_is_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    array = small_rgb()
    found = picture.read(saved(tmp_path, Image.fromarray(array), "a.png", exif=exif))
    np.testing.assert_array_equal(found, array.astype(np.float32) / 255)


def test_broken_exif_is_ignored(tmp_path):
    array = small_rgb()
    path = saved(tmp_path, Image.fromarray(array), "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage")
    np.testing.assert_array_equal(picture.read(path), array.astype(np.float32) / 255)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_first_frame_of_an_animation(tmp_path, name):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    options = {"lossless": True} if name == "a.webp" else {}
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(picture.read(path), np.broadcast_to([1, 0, 0], (6, 8, 3)))


# -------------------------------------------------------------------------------------------------- images and arrays


def test_pillow_image_stays_as_it_was_and_open(tmp_path):
    array = small_rgb()
    exif = Image.Exif()
    exif[0x0112] = 3
    path = saved(tmp_path, Image.fromarray(array), "a.png", exif=exif)
    with Image.open(path) as image:
        found = picture.read(image)
        np.testing.assert_array_equal(np.asarray(image), array)
    np.testing.assert_array_equal(found, array[::-1, ::-1].astype(np.float32) / 255)
    memory = Image.fromarray(array)
    np.testing.assert_array_equal(picture.read(memory), array.astype(np.float32) / 255)


@pytest.mark.parametrize(
    "dtype, white", [(bool, 1), (np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)]
)
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_arrays(dtype, white, shape, rng):
    array = rng.random(shape) > 0.5 if dtype is bool else (rng.random(shape) * white).astype(dtype)
    original = array.copy()
    found = picture.read(array)
    unit = array.astype(np.float64) / white
    if len(shape) == 2:
        unit = np.repeat(unit[..., None], 3, axis=2)
    elif shape[2] == 4:
        unit = unit[..., :3] * unit[..., 3:] + (1 - unit[..., 3:])
    np.testing.assert_allclose(found, unit, atol=1e-6)
    assert found.dtype == np.float32 and found.shape == (4, 5, 3)
    assert not np.shares_memory(found, array)
    np.testing.assert_array_equal(array, original)


def test_arrays_with_strange_strides_and_rounding(rng):
    array = rng.random((3, 6, 8)).transpose(1, 2, 0)[::-1, ::2]
    found = picture.read(array)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array.astype(np.float32))
    assert picture.read(np.full((2, 2), 1 + 1e-6)).max() == 1


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((3, 8, 9), np.float32), "transpose"),
        (np.zeros((8, 9, 2)), r"\(8, 9, 2\)"),
        (np.zeros((1, 3, 8, 9)), r"\(1, 3, 8, 9\)"),
        (np.zeros(5), r"\(5,\)"),
        (np.zeros((0, 4, 3)), "no pixels"),
        (np.zeros((4, 4, 3), int), "int64"),
        (np.zeros((4, 4, 3), complex), "complex"),
        (np.array([["a"]]), "type"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), np.inf), "infinite"),
        (np.full((4, 4), 254.0), "divide it by 255"),
        (np.linspace(-1, 1, 16).reshape(4, 4), "-1"),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(PictureError, match=message):
        picture.read(array)


@pytest.mark.parametrize("source", [None, 3, b"a.png", [[0.0]], object()])
def test_other_things_are_no_pictures(source):
    with pytest.raises(PictureError, match="a path, a Pillow image or an array"):
        picture.read(source)


# ------------------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    "size, longest, expected",
    [
        ((300, 451), 512, (341, 512)),
        ((451, 300), 512, (512, 341)),
        ((5000, 1), 64, (64, 1)),
        ((1, 5000), 5000, (1, 5000)),
        ((2, 4), 3, (2, 3)),  # 1.5 goes up
        ((7, 7), 1, (1, 1)),
    ],
)
def test_target_size(size, longest, expected):
    assert picture.target_size(*size, longest) == expected
    assert picture.resize(np.zeros((*size, 3), np.float32), longest).shape == (*expected, 3)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 4000))
def test_target_size_keeps_the_aspect(height, width, longest):
    found = picture.target_size(height, width, longest)
    assert max(found) == longest and min(found) >= 1
    exact = min(height, width) * longest / max(height, width)
    assert abs(min(found) - exact) <= 0.5 or exact < 1


def test_resize_of_one_colour_is_that_colour():
    for size in ((3, 5), (64, 48)):
        found = picture.resize_to(np.full((17, 31, 3), [0.2, 0.7, 1.0], np.float32), *size)
        np.testing.assert_allclose(found, np.broadcast_to([0.2, 0.7, 1.0], (*size, 3)), atol=1e-6)


def test_resize_is_not_quantised_and_keeps_a_ramp():
    ramp = np.repeat(np.linspace(0.4, 0.41, 64, dtype=np.float32)[None, :, None], 3, axis=2).repeat(64, axis=0)
    found = picture.resize(ramp, 256)
    expected = 0.4 + 0.01 * ((np.arange(256) + 0.5) / 4 - 0.5) / 63
    inside = slice(16, -16)
    np.testing.assert_allclose(found[128, inside, 0], expected[inside], atol=2e-5)
    assert len(np.unique(found[128, :, 0])) > 200


def test_shrinking_does_not_alias():
    board = np.indices((128, 128)).sum(axis=0) % 2
    found = picture.resize(np.repeat(board[..., None], 3, axis=2).astype(np.float32), 16)
    np.testing.assert_allclose(found[3:-3, 3:-3], 0.5, atol=0.02)


def test_resize_stays_in_the_range_and_copies():
    edge = np.zeros((16, 16, 3), np.float32)
    edge[:, 8:] = 1
    found = picture.resize(edge, 61)
    assert found.min() == 0 and found.max() == 1
    same = picture.resize(edge, 16)
    np.testing.assert_array_equal(same, edge)
    assert not np.shares_memory(same, edge)


def test_sizes_that_cannot_be():
    with pytest.raises(PictureError, match="longest side"):
        picture.resize(np.zeros((4, 4, 3)), 0)
    with pytest.raises(PictureError, match=r"\(H, W, 3\)"):
        picture.resize(np.zeros((4, 4)), 8)
    with pytest.raises(PictureError, match=r"cat.png is 10 x 20 pixels.*at least 32"):
        picture.check_size(np.zeros((20, 10, 3)), 32, "cat.png")
    picture.check_size(np.zeros((32, 32, 3)), 32)


# ----------------------------------------------------------------------------------------------------------- writing


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    st.sampled_from([".png", ".tif", ".tiff"]),
)
def test_round_trip_is_exact(tmp_path_factory, array, suffix):
    path = tmp_path_factory.getbasetemp() / f"round{suffix}"
    picture.write(path, picture.read(array), overwrite=True)
    np.testing.assert_array_equal(picture.read(path), picture.read(array))


@given(hnp.arrays(np.float64, (2, 3, 3), elements=st.floats(-2, 3)))
def test_written_bytes_are_rounded_half_up_and_clipped(tmp_path_factory, array):
    path = tmp_path_factory.getbasetemp() / "floats.png"
    picture.write(path, array, overwrite=True)
    expected = np.clip(np.floor(array * 255 + 0.5), 0, 255)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), expected)


def test_halves_go_up(tmp_path):
    halves = (np.arange(0, 255).reshape(5, 17, 3) + 0.5) / 255
    exact = np.floor(halves * 255 + 0.5)
    picture.write(tmp_path / "a.png", halves)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), exact)


@pytest.mark.parametrize(
    "suffix, kind", [(".jpg", "JPEG"), (".JPEG", "JPEG"), (".webp", "WEBP"), (".tif", "TIFF"), (".png", "PNG")]
)
def test_kind_follows_the_suffix(tmp_path, suffix, kind):
    smooth = np.linspace(0, 1, 32 * 32 * 3).reshape(32, 32, 3)
    path = tmp_path / f"a{suffix}"
    picture.write(path, smooth)
    with Image.open(path) as image:
        assert image.format == kind
    np.testing.assert_allclose(picture.read(path), smooth, atol=8 / 255)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_metadata_comes_back(tmp_path, suffix):
    settings = {
        "size": 512,
        "content": "Stéfan's cat 猫",
        "weights": {"conv1_1": 0.2},
        "none": None,
        "long": "x" * 20000,
    }
    path = tmp_path / f"a{suffix}"
    picture.write(path, np.zeros((4, 4, 3)), metadata=settings)
    assert picture.metadata(path) == settings


def test_metadata_of_numpy_and_paths_is_plain(tmp_path):
    given_ = {"lr": np.float32(0.5), "n": np.int64(3), "list": np.arange(3), "path": tmp_path}
    picture.write(tmp_path / "a.png", np.zeros((4, 4, 3)), metadata=given_)
    assert picture.metadata(tmp_path / "a.png") == {"lr": 0.5, "n": 3, "list": [0, 1, 2], "path": str(tmp_path)}


def test_metadata_is_an_itxt_chunk(tmp_path):
    picture.write(tmp_path / "a.png", np.zeros((4, 4, 3)), metadata={"a": 1})
    assert b'iTXtnnbasics\0\0\0\0\0{"a": 1}' in (tmp_path / "a.png").read_bytes()


def test_no_metadata_is_empty(tmp_path):
    picture.write(tmp_path / "a.png", np.zeros((4, 4, 3)))
    assert picture.metadata(tmp_path / "a.png") == {}
    assert picture.metadata("cat") == {}
    exif = Image.Exif()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
    assert picture.metadata(saved(tmp_path, Image.new("RGB", (4, 4)), "b.jpg", exif=exif)) == {}


def test_metadata_that_is_too_much_or_not_json(tmp_path):
    black = np.zeros((4, 4, 3))
    with pytest.raises(PictureError, match="not JSON"):
        picture.write(tmp_path / "a.png", black, metadata={"a": object()})
    with pytest.raises(PictureError, match="more than"):
        picture.write(tmp_path / "a.png", black, metadata={"a": "x" * 2_000_000})
    with pytest.raises(PictureError, match="write a PNG"):
        picture.write(tmp_path / "a.jpg", black, metadata={"a": "x" * 70_000})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000, "1" * 10_000, '"x"'])
def test_metadata_of_others_under_our_name(tmp_path, text):
    chunk = b"nnbasics\0" + text.encode()
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 0, [b"\0"], [(b"tEXt", chunk)]))
    with pytest.raises(PictureError, match="settings that cannot be read"):
        picture.metadata(tmp_path / "a.png")


def test_metadata_is_bounded(tmp_path):
    text = b'nnbasics\0{"a": "' + b"x" * 1_000_000 + b'"}'
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 0, [b"\0"], [(b"tEXt", text)]))
    with pytest.raises(PictureError, match="more than 1,000,000"):
        picture.metadata(tmp_path / "a.png")


def test_existing_file_is_kept_unless_told(tmp_path):
    path = tmp_path / "a.png"
    picture.write(path, np.zeros((4, 4, 3)))
    before = path.read_bytes()
    for attempt in (lambda: picture.write(path, np.ones((4, 4, 3))), lambda: picture.check_writable(path)):
        with pytest.raises(PictureError, match=r"exists already.*--overwrite"):
            attempt()
    assert path.read_bytes() == before
    picture.check_writable(path, overwrite=True)
    assert path.read_bytes() == before
    picture.write(path, np.ones((4, 4, 3)), overwrite=True)
    np.testing.assert_array_equal(picture.read(path), 1)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    "name, message",
    [
        ("a.pgn", "did you mean .png"),
        ("a.jgp", "did you mean .jpg"),
        ("a", "must end in one of .png, .jpg"),
        ("a.gif", "which kind of file to write$"),
        ("a.bmp", "which kind of file to write$"),
        ("none/a.png", "folder .*none' does not exist"),
        ("folder.png", "is a folder"),
        ("file/a.png", "file"),
        ("x" * 300 + ".png", "too long"),
        ("a\0b.png", "cannot be written"),
        ("loop.png", "cannot be written"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, name, message):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("a file")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    before = sorted(os.listdir(tmp_path))
    for attempt in (picture.check_writable, lambda path: picture.write(path, np.zeros((4, 4, 3)))):
        with pytest.raises(PictureError, match=message):
            attempt(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == before


def test_check_leaves_nothing_behind(tmp_path):
    picture.check_writable(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(PictureError, match="Permission denied"):
        picture.check_writable(tmp_path / "a.png")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which nobody can make a file")
def test_folder_that_only_looks_writable():
    with pytest.raises(PictureError, match=r"proc/a\.png' cannot be written"):
        picture.check_writable("/proc/a.png")


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    picture.write(path, np.zeros((4, 4, 3)))

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PictureError, match="No space left"):
        picture.write(path, np.ones((4, 4, 3)), overwrite=True)
    assert os.listdir(tmp_path) == ["a.png"]
    assert picture.read(path).max() == 0


def test_symbolic_link_is_followed(tmp_path):
    (tmp_path / "latest.png").symlink_to("real.png")
    picture.write(tmp_path / "latest.png", np.zeros((4, 4, 3)))
    assert (tmp_path / "latest.png").is_symlink() and (tmp_path / "real.png").is_file()


def test_new_file_has_the_usual_rights(tmp_path):
    (tmp_path / "other").write_text("")
    picture.write(tmp_path / "a.png", np.zeros((4, 4, 3)))
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    "array, message",
    [
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.zeros((4, 4)), r"\(H, W, 3\)"),
        (np.zeros((4, 4, 3), int), "int64"),
        (np.zeros((0, 4, 3)), r"\(H, W, 3\)"),
    ],
)
def test_pictures_that_cannot_be_written(tmp_path, array, message):
    with pytest.raises(PictureError, match=message):
        picture.write(tmp_path / "a.png", array)
    assert list(tmp_path.iterdir()) == []


def test_sides_that_a_format_cannot_hold(tmp_path):
    with pytest.raises(PictureError, match="16,383"):
        picture.write(tmp_path / "a.webp", np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(PictureError, match="65,500"):
        picture.write(tmp_path / "a.jpg", np.zeros((65_501, 1, 3), np.uint8))


def test_pillow_is_imported_only_when_a_picture_is_touched():
    code = "import sys, nnbasics.data.picture; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_tiff_helper_agrees_with_pillow():
    """The oracle of the TIFF tests is itself checked against Pillow's reader."""
    array = small_rgb()
    with Image.open(io.BytesIO(tiff(array, 8, 2))) as image:
        assert image.tag_v2[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] == 2
        np.testing.assert_array_equal(np.asarray(image), array)
