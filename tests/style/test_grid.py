"""The grid: what is on the axes, what is painted, what is kept, and what is refused."""

import os

import numpy as np
import pytest

from nnbasics.cli import main
from nnbasics.data import picture as pictures
from nnbasics.errors import SettingsError
from nnbasics.style import stylize
from nnbasics.style.grid import COLUMNS, ROWS, SMALL, Axis, _settings
from nnbasics.style.settings import Settings
from nnbasics.style.sheet import CELL, grid_sheet

QUICK = ["--size", "32", "--iterations", "2", "--content-layers", "relu2_1", "--style-layers", "relu1_1"]


def grid(*words):
    return main(["grid", "cat", "auvers", *map(str, words)])


def test_axes_are_read():
    assert Axis.of("style-weight=10x, 1x", "--rows") == Axis("style_weight", ("10x", "1x"))
    layers = Axis.of("style_layers=relu1_1;relu1_1:1,relu2_1:0.5", "--rows")
    assert layers.values == ("relu1_1", "relu1_1:1,relu2_1:0.5")
    assert layers.labels == ["relu1_1", "relu1_1:1\nrelu2_1:0.5"] and layers.title == "style layers"


@pytest.mark.parametrize(
    ("text", "message"),
    [("wheight=1,2", "--rows: there is no setting 'wheight'.*weights"), ("size=", "no values"), ("size", "no values")],
)
def test_axes_that_cannot_be(text, message):
    with pytest.raises(SettingsError, match=message):
        Axis.of(text, "--rows")


def test_the_default_axes_are_the_papers_figure():
    rows, columns = Axis.of(ROWS, ""), Axis.of(COLUMNS, "")
    assert [len(Settings(style_layers=value).style_layers) for value in rows.values] == [1, 2, 3, 4, 5]
    assert Settings(style_layers=rows.values[-1]) == Settings()
    weights = [float(Settings(style_weight=value).style_weight[:-1]) for value in columns.values]
    assert weights == sorted(weights, reverse=True) and 1.0 in weights


def test_a_sheet_has_every_picture_in_its_place_and_labels_outside():
    colours = [[(0.2 * row, 0.3 * column, 1.0) for column in range(3)] for row in range(2)]
    painted = [[np.broadcast_to(colour, (40, 60, 3)) for colour in line] for line in colours]
    sheet = grid_sheet(painted, ["a", "b\nc"], ["x", "y", "z"], "rows", "columns")
    assert sheet.dtype == np.uint8 and sheet.ndim == 3
    is_blue = sheet[..., 2] == 255
    where = np.array(
        [
            [np.argwhere(is_blue & (np.abs(sheet / 255 - colour) < 0.01).all(axis=2)).mean(axis=0) for colour in line]
            for line in colours
        ]
    )
    assert (np.diff(where[:, 0, 0]) > 0).all() and np.allclose(where[0, :, 0], where[0, 0, 0], atol=1)
    assert (np.diff(where[0, :, 1]) > CELL).all() and np.allclose(where[:, 2, 1], where[0, 2, 1], atol=1)
    assert (sheet[:20] < 128).any() and (sheet[:, :60] < 128).any()  # titles


def test_every_pair_is_painted_as_it_would_be_alone(tmp_path, capsys):
    out, cells = tmp_path / "sheet.png", tmp_path / "cells"
    words = ["--rows", "pooling=max,average", "--columns", "style-weight=1x,3x", "--cells", cells, *QUICK]
    assert grid("-o", out, *words) == 0
    said = capsys.readouterr()
    assert "2 x 2 pictures" in said.out and "step 8/8" in said.err
    assert sorted(os.listdir(cells)) == ["1-1.png", "1-2.png", "2-1.png", "2-2.png"]
    settings = {"size": 32, "iterations": 2, "content_layers": "relu2_1", "style_layers": "relu1_1"}
    alone = stylize("cat", "auvers", pooling="average", style_weight="3x", **settings)
    np.testing.assert_allclose(pictures.read(cells / "2-2.png"), alone.image, atol=0.51 / 255)
    assert min(pictures.read(out).shape[:2]) > 2 * 200
    first = (cells / "1-1.png").stat().st_mtime_ns
    (cells / "2-1.png").unlink()
    before = pictures.read(out)
    assert grid("-o", out, "--overwrite", *words) == 0  # one is painted, three are there
    assert (cells / "1-1.png").stat().st_mtime_ns == first
    np.testing.assert_allclose(pictures.read(out), before, atol=1.01 / 255)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--rows", "size=32", "--columns", "size=64"], "--columns: size is on the rows already"),
        (["--rows", "style_weight=1x,-3", "--columns", "tv_weight=0"], "--style-weight: '-3'"),
        (["--rows", "style_layers=relu1_1,relu1_11", "--columns", "tv_weight=0"], "--style-layers: no layer"),
        (["--rows", "preset=fast,fasst", "--columns", "tv_weight=0"], "did you mean 'fast'"),
        (["--cells", "{folder}/file"], "cannot be made"),
        (
            ["--rows", "mask=none,sky.png", "--columns", "tv_weight=0", "--cells", "{folder}/cells"],
            "--mask: 'sky.png' does not exist",
        ),
        (["--rows", "memory=4GB,1MB", "--columns", "tv_weight=0"], "--memory: 1 MB is not enough"),
    ],
)
def test_what_cannot_be_is_refused_before_any_picture(tmp_path, capsys, words, hint):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        grid("-o", tmp_path / "out.png", *[word.format(folder=tmp_path) for word in words], "--iterations", "1")
    said = capsys.readouterr()
    assert ended.value.code == 2 and hint in said.err and said.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["file"]


def test_pictures_of_another_grid_are_not_touched(tmp_path, capsys):
    words = ["-o", tmp_path / "a.png", "--rows", "pooling=max", "--columns", "style_weight=1x", *QUICK]
    assert grid(*words, "--cells", tmp_path / "cells") == 0
    kept = (tmp_path / "cells" / "1-1.png").read_bytes()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        grid(*words, "--overwrite", "--cells", tmp_path / "cells", "--seed", "1")
    assert "was made with other settings; choose another folder" in capsys.readouterr().err
    assert (tmp_path / "cells" / "1-1.png").read_bytes() == kept


def test_a_preset_may_be_larger_or_take_longer():
    assert _settings({"preset": "best"}) == Settings.of("best")
    assert _settings({"preset": "fast", "size": "64"}) == Settings.of("fast", size=64)
    assert _settings({"preset": "strong"}) == Settings.of("strong", **SMALL)


def test_a_picture_that_is_read_is_not_written_over(tmp_path, capsys):
    photograph = tmp_path / "mine.png"
    pictures.write(photograph, pictures.resize(pictures.read("cat"), 32))
    before = photograph.read_bytes()
    with pytest.raises(SystemExit):
        main(["grid", "cat", str(photograph), "-o", str(photograph), "--overwrite", *QUICK])
    assert "mine.png' is read as well" in capsys.readouterr().err and photograph.read_bytes() == before
