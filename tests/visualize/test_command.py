"""nnbasics dream and invert: what they write, and what they refuse before any work."""

import numpy as np
import pytest

from nnbasics.cli import main
from nnbasics.data import picture as pictures
from nnbasics.models import vgg19
from nnbasics.visualize import dream, invert


def refused(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.err.count("\n") == 1
    return said.err


def test_dream_is_the_functions(tmp_path, capsys):
    out = tmp_path / "dream.png"
    assert main(["dream", "cat", "-o", str(out), "--size", "64", "--steps", "2", "--layer", "relu2_2"]) == 0
    expected = dream(vgg19(), "cat", "relu2_2", size=64, steps=2)
    np.testing.assert_allclose(pictures.read(out), expected, atol=0.5 / 255 + 1e-6)
    assert "64 x 43 pixels" in capsys.readouterr().out


def test_invert_one_layer_is_the_functions(tmp_path):
    out = tmp_path / "inverted.png"
    words = ["--size", "48", "--iterations", "3", "--layers", "relu2_1", "--tv-weight", "0.5"]
    assert main(["invert", "cat", "-o", str(out), *words]) == 0
    expected = invert(vgg19(), "cat", "relu2_1", size=48, iterations=3, tv_weight=0.5, alpha_weight=0)
    np.testing.assert_allclose(pictures.read(out), expected, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("style", [[], ["--style"]])
def test_a_row_of_pictures_has_the_given_one_first(tmp_path, style):
    out = tmp_path / "row.png"
    words = [*style, "--size", "48", "--iterations", "1", "--layers", "relu1_1,relu2_1"]
    assert main(["invert", "cat", "-o", str(out), *words]) == 0
    height, width = pictures.read(out).shape[:2]
    assert width > 3 * 300 and height < 300


@pytest.mark.parametrize(
    "words, said",
    [
        (["dream", "cat", "--octaves", "0"], "--octaves: '0'"),
        (["dream", "cat", "--step-size", "big"], "--step-size"),
        (["dream", "cat", "--layer", "relu9_9"], "relu9_9"),
        (["dream", "cat", "--channel", "64", "--layer", "relu1_1"], "numbered from 0 to 63"),
        (["dream", "nowhere.jpg"], "nowhere.jpg"),
        (["invert", "cat", "--layers", "relu1"], "did you mean"),
        (["invert", "cat", "--style", "--tv-weight", "1"], "--tv-weight is of content"),
        (["invert", "cat", "--weights", "vgg"], "vgg"),
    ],
)
def test_bad_words_are_one_line(tmp_path, capsys, words, said):
    out = tmp_path / "out.png"
    assert said in refused(capsys, *words, "-o", out)
    assert not out.exists()


@pytest.mark.parametrize("command", ["dream", "invert"])
def test_nothing_is_overwritten_unasked(tmp_path, capsys, command):
    out = tmp_path / "out.png"
    pictures.write(out, np.zeros((40, 40, 3)))
    before = out.read_bytes()
    assert "exists already" in refused(capsys, command, "cat", "-o", out)
    assert "is the picture that is read" in refused(capsys, command, out, "-o", out, "--overwrite")
    assert out.read_bytes() == before
