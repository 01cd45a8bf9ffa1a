"""Painted videos: steadier than frames on their own, gone on with bit for bit, and animations of the walk."""

import os
import shutil
import weakref

import numpy as np
import pytest

from nnbasics.cli import main
from nnbasics.data import moving
from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError, SettingsError
from nnbasics.style import stylize, video
from nnbasics.style.remake import prepared
from nnbasics.style.settings import Settings
from nnbasics.style.video import Steady, _following, flicker, paint

SETTINGS = Settings(size=96, iterations=10)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A folder of three frames: a camera that pans over a photograph, with some noise, as cameras have."""
    folder = tmp_path_factory.mktemp("clip")
    photograph, rng = pictures.resize(pictures.read("china"), 160), np.random.default_rng(0)
    for number in range(3):
        frame = photograph[10 : 10 + 64, 20 + 4 * number : 20 + 4 * number + 96]
        pictures.write(folder / f"{number}.png", np.clip(frame + 0.01 * rng.standard_normal(frame.shape), 0, 1))
    return folder


@pytest.fixture(scope="module")
def painted(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("painted") / "out"
    return paint(clip, "starry_night", folder, SETTINGS)


def test_paint_stays_where_it_is(clip, painted):
    frames = list(moving.read(clip))
    ours = flicker(frames, [pictures.read(file) for file in painted])
    alone = flicker(frames, [stylize(frame, "starry_night", size=96, iterations=10).image for frame in frames])
    assert ours < 0.7 * alone


def test_the_first_frame_is_a_picture_like_any_other(clip, painted):
    first = next(iter(moving.read(clip)))
    expected = stylize(first, "starry_night", size=96, iterations=10).image
    np.testing.assert_allclose(pictures.read(painted[0]), expected, atol=0.5 / 255 + 1e-6)


def test_going_on_gives_the_same_frames(clip, painted, tmp_path):
    folder = tmp_path / "out"

    def stop(number, count):
        assert count == 3
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint(clip, "starry_night", folder, SETTINGS, on_frame=stop)
    assert sorted(os.listdir(folder)) == ["00001.png", "00002.png"]
    again = paint(clip, "starry_night", folder, SETTINGS, resume=True)
    for file, expected in zip(again, painted, strict=True):
        np.testing.assert_array_equal(pictures.read(file), pictures.read(expected))


def test_smaller_sizes_come_before_the_first_frame_alone(clip, tmp_path):
    settings = Settings(size=64, iterations=5, pyramid={32: 2})
    first, second, _ = paint(clip, "starry_night", tmp_path / "out", settings)
    made = [pictures.metadata(file)["settings"] for file in (first, second)]
    assert [each["pyramid"] for each in made] == [{"32": 2}, {}] and [each["iterations"] for each in made] == [5, 2]
    second.unlink()
    paint(clip, "starry_night", tmp_path / "out", settings, resume=True)


def test_a_run_is_gone_before_the_next_begins(clip, tmp_path, monkeypatch):
    alive = weakref.WeakSet()

    class Noted(video.Run):
        def __init__(self, *given):
            assert not alive
            super().__init__(*given)
            alive.add(self)

    monkeypatch.setattr(video, "Run", Noted)
    assert len(paint(clip, "starry_night", tmp_path / "out", Settings(size=48, iterations=1))) == 3


def test_what_is_there_is_not_mixed_with_something_else(clip, painted, tmp_path):
    folder = painted[0].parent
    with pytest.raises(PictureError, match="not empty"):
        paint(clip, "starry_night", folder, SETTINGS)
    with pytest.raises(SettingsError, match="size"):
        paint(clip, "starry_night", folder, Settings(size=80, iterations=10), resume=True)
    with pytest.raises(SettingsError, match="another style"):
        paint(clip, "great_wave", folder, SETTINGS, resume=True)
    with pytest.raises(SettingsError, match="another steadiness"):
        paint(clip, "starry_night", folder, SETTINGS, steadiness=2, resume=True)
    frames = list(moving.read(clip))
    other = tmp_path / "other"
    other.mkdir()
    for number, frame in enumerate([frames[0], frames[1][:, ::-1], frames[2]]):
        pictures.write(other / f"{number}.png", frame)
    with pytest.raises(SettingsError, match=r"00002.png was painted with another content"):
        paint(other, "starry_night", folder, SETTINGS, resume=True)


def test_a_frame_alone_is_not_made_again(painted):
    with pytest.raises(PictureError, match=r"00002.png is frame 2 of a moving picture.*nnbasics video"):
        prepared(painted[1])


@pytest.mark.parametrize("color", ["style", "keep"])
def test_nothing_is_to_pay_where_nothing_moves(color):
    """Held to the last picture as the walk has it: with colours kept, its brightness."""
    frame, last = (pictures.resize(pictures.read(name), 48) for name in ("china", "flower"))
    last = pictures.resize_to(last, *frame.shape[:2])
    run = _following(frame, frame, last, "auvers", Settings(size=48, iterations=1, color=color), 1.0, None)
    assert run.walk.objective.evaluate(run.walk.start)[0]["steady"] < 1e-6 * run.walk.price
    np.testing.assert_allclose(run.walk.objective.w, run.walk.start, atol=1e-6)


def test_steady_agrees_with_its_gradient(rng):
    class Bowl:
        shape = (1, 3, 5, 4)

        def evaluate(self, x):
            return {"content a": float(np.sum(x**3))}, 3 * x**2

    w, x, way = rng.standard_normal((3, 1, 3, 5, 4))
    steady = Steady(Bowl(), w, rng.random((5, 4)), 2.5)
    loss = lambda x: sum(steady.evaluate(x)[0].values())  # noqa: E731
    h = 1e-6
    slope = (loss(x + h * way) - loss(x - h * way)) / (2 * h)
    assert np.vdot(steady.evaluate(x)[1], way) == pytest.approx(slope, rel=1e-6)
    assert steady.evaluate(w)[0]["steady"] == 0


def test_the_command_makes_a_film(clip, tmp_path, capsys):
    out = tmp_path / "film.gif"
    assert main(["video", str(clip), "starry_night", "-o", str(out), "--size", "48", "--iterations", "2"]) == 0
    said = capsys.readouterr()
    assert "3 frames" in said.out and "frame 3 of 3" in said.err
    assert said.err.count("48 x 32 pixels a frame: about") == 1
    assert moving.read(out).count == 3
    assert os.listdir(tmp_path) == ["film.gif"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["-o", "film.avi"], "must end in one of"),
        (["-o", "film.gif", "--steadiness", "-1"], "--steadiness"),
        (["-o", "film.gif", "--size", "small"], "--size"),
        (["-o", "frames", "--mask", "sky.png"], "--mask: 'sky.png' does not exist"),
        (["-o", "none/frames"], "cannot be written"),
    ],
)
def test_bad_words_are_one_line(clip, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["video", str(clip), "starry_night", *words])
    error = capsys.readouterr().err.removeprefix("frame 1 of 3\n")
    assert ended.value.code == 2 and said in error and error.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_the_clip_is_not_painted_over(clip, tmp_path, capsys):
    frames = tmp_path / "film-frames"
    shutil.copytree(clip, frames)
    before = {file.name: file.read_bytes() for file in frames.iterdir()}
    for out in (frames, tmp_path / "film.gif"):
        with pytest.raises(SystemExit):
            main(["video", str(frames), "starry_night", "-o", str(out), "--resume", "--overwrite"])
        assert "film-frames' is read as well" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in frames.iterdir()} == before and len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_the_walk_as_a_moving_picture(tmp_path, kind):
    out, film = tmp_path / "out.png", tmp_path / f"walk.{kind}"
    words = ["style", "cat", "starry_night", "-o", str(out), "--size", "64", "--iterations", "6"]
    assert main([*words, "--animate", str(film)]) == 0
    frames = list(moving.read(film))
    content = pictures.resize(pictures.read("cat"), 64)
    height, width = frames[0].shape[:2]
    assert np.abs(frames[0] - content[:height, :width]).mean() < 0.05
    assert np.abs(frames[-1] - pictures.read(out)[:height, :width]).mean() < 0.05


def test_an_animation_that_exists_is_kept(tmp_path, capsys):
    film = tmp_path / "walk.gif"
    film.write_bytes(b"mine")
    with pytest.raises(SystemExit):
        main(["style", "cat", "starry_night", "-o", str(tmp_path / "out.png"), "--animate", str(film)])
    assert "exists already" in capsys.readouterr().err
    assert film.read_bytes() == b"mine" and not (tmp_path / "out.png").exists()
