"""Moving pictures: what goes out comes in again, and what comes from outside is checked."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

from nnbasics.data import moving
from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError


def film(frames=5, height=24, width=33):
    """A white square on blue that moves to the right."""
    clip = np.zeros((frames, height, width, 3), np.float32)
    clip[..., 2] = 0.8
    for number in range(frames):
        clip[number, 8:16, 4 + 3 * number : 12 + 3 * number] = 1
    return clip


@pytest.mark.parametrize("kind, tolerance", [("gif", 0.02), ("webp", 0.1), ("mp4", 0.2)])
def test_what_is_written_is_read_again(tmp_path, kind, tolerance):
    clip = film()
    moving.write(tmp_path / f"film.{kind}", clip, fps=10)
    found = moving.read(tmp_path / f"film.{kind}")
    frames = list(found)
    width = 32 if kind == "mp4" else 33  # an MP4 has an even number of columns
    assert len(frames) == found.count == 5
    assert found.fps == pytest.approx(10)
    for frame, expected in zip(frames, clip, strict=True):
        assert frame.shape == (24, width, 3) and frame.dtype == np.float32
        assert np.abs(frame - expected[:, :width]).mean() < tolerance
    assert os.listdir(tmp_path) == [f"film.{kind}"]


def test_a_folder_is_read_by_number(tmp_path):
    for number in (10, 2, 1):
        pictures.write(tmp_path / f"f{number}.png", np.full((4, 4, 3), number / 10))
    (tmp_path / "notes.txt").write_text("no frame")
    found = moving.read(tmp_path)
    assert found.count == 3
    assert [round(float(frame.mean()), 1) for frame in found] == [0.1, 0.2, 1.0]


def test_reading_twice_gives_the_same(tmp_path):
    moving.write(tmp_path / "film.gif", film(), fps=10)
    found = moving.read(tmp_path / "film.gif")
    np.testing.assert_array_equal(list(found), list(found))


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_after_an_error_nothing_has_changed(tmp_path, kind):
    out = tmp_path / f"film.{kind}"
    out.write_bytes(b"what the user had")

    def frames():
        yield film()[0]
        raise PictureError("the second frame is missing")

    with pytest.raises(PictureError, match="second frame"):
        moving.write(out, frames(), fps=10, overwrite=True)
    assert out.read_bytes() == b"what the user had"
    assert os.listdir(tmp_path) == [out.name]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: path.mkdir(), "no pictures in it"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"GIF89a" + bytes(20)), "GIF"),
        (lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(2000)), "damaged"),
        (lambda path: path.write_bytes(b"RIFF\x10\0\0\0AVI " + os.urandom(500)), "damaged"),
        (lambda path: path.write_text("#EXTM3U\nfile:///etc/passwd\n"), "is not a picture"),
        (lambda path: Image.new("RGB", (8, 8)).save(path, "GIF"), "is one picture"),
        (lambda path: None, "does not exist"),
        pytest.param(
            lambda path: os.mkfifo(path), "pipe", marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
        ),
    ],
)
def test_what_is_no_moving_picture_is_one_error(tmp_path, make, words):
    make(tmp_path / "clip")
    with pytest.raises(PictureError, match=words):
        list(moving.read(tmp_path / "clip"))


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_cut_short(tmp_path, kind):
    moving.write(tmp_path / f"film.{kind}", film(20), fps=10)
    whole = (tmp_path / f"film.{kind}").read_bytes()
    for part in (0.1, 0.5, 0.9):
        (tmp_path / "cut").write_bytes(whole[: int(part * len(whole))])
        try:
            frames = list(moving.read(tmp_path / "cut"))
        except PictureError as problem:
            assert "\n" not in str(problem)
        else:
            assert all(np.isfinite(frame).all() for frame in frames)


def test_frames_of_another_size(tmp_path):
    for number, side in enumerate((8, 8, 9)):
        pictures.write(tmp_path / f"{number}.png", np.zeros((side, 8, 3)))
    with pytest.raises(PictureError, match="frame 3 is 8 x 9 pixels, the first 8 x 8"):
        list(moving.read(tmp_path))


def test_without_ffmpeg_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PictureError, match=r"nnbasics\[video\]"):
        moving.check_writable(tmp_path / "film.mp4")
    moving.check_writable(tmp_path / "film.gif")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(PictureError, match=r"must end in one of .gif, .webp, .mp4"):
        moving.write(tmp_path / "film.mpg", film(), 10)


def test_nothing_is_overwritten_unasked(tmp_path):
    moving.write(tmp_path / "film.gif", film(), 10)
    with pytest.raises(PictureError, match="exists already"):
        moving.write(tmp_path / "film.gif", film(), 10)


def test_no_frames(tmp_path):
    for kind in ("gif", "mp4"):
        with pytest.raises(PictureError, match="no frames"):
            moving.write(tmp_path / f"film.{kind}", [], 10)
