"""A picture made again from what it carries: the same bits, or what is missing."""

import os

import numpy as np
import pytest
from PIL import Image

from nnbasics.cli import main
from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.style import stylize

QUICK = {"size": 32, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1", "iterations": 3}


def file(path, seed, size=(30, 40)):
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)
    return path


def again(*words):
    return main(["remake", *map(str, words)])


def refused(capsys, *words):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        again(*words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1
    return said


def same(a, b):
    return np.array_equal(pictures.read(a), pictures.read(b))


@pytest.mark.parametrize(
    "way", [{}, {"init": "noise", "seed": 7, "optimizer": "adam"}, {"pooling": "average"}], ids=str
)
def test_shipped_pictures_by_name_alone(tmp_path, monkeypatch, capsys, way):
    stylize("cat", "auvers", **{**QUICK, **way}).save(tmp_path / "out.png")
    monkeypatch.chdir(tmp_path)
    assert again("out.png") == 0
    assert same("out.png", "out-again.png") and "the same pixels as out.png" in capsys.readouterr().out
    assert "--mask is given, and out.png was made without" in refused(capsys, "out.png", "--mask", "m.png")
    assert "out.png' is read as well" in refused(capsys, "out.png", "-o", "out.png", "--overwrite")
    then, now = pictures.metadata("out.png"), pictures.metadata("out-again.png")
    assert then == now


def test_files_are_found_here_and_beside_the_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("photos")
    content, style = file(tmp_path / "photos" / "a.png", 1), file(tmp_path / "b.png", 2)
    stylize("photos/a.png", str(style), **QUICK).save("out.png")
    assert pictures.metadata("out.png")["content"]["name"] == "photos/a.png"
    assert pictures.metadata("out.png")["style"]["name"] == "b.png"  # nothing of the folders of this machine
    assert again("out.png") == 0 and same("out.png", "out-again.png")
    os.makedirs("elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert again("../out.png", "-o", "third.png") == 0 and same("../out.png", "third.png")
    os.rename(content, "moved.png")
    assert again("../out.png", "-o", "fourth.png", "--content", "moved.png") == 0


def test_several_styles_and_masks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    style, mask = file(tmp_path / "b.png", 2), file(tmp_path / "m.png", 3)
    styles = ["auvers", "b.png", "great_wave"]
    masks = {"mask": ["m.png", "rest", "none"], "style_mask": ["none", "m.png", "none"], "blend": "1,2,0.5"}
    stylize("cat", styles, color="keep", **masks, **QUICK).save("out.png")
    assert again("out.png") == 0 and same("out.png", "out-again.png")
    assert pictures.metadata("out.png") == pictures.metadata("out-again.png")
    mask.rename("n.png")
    style.rename("c.png")
    assert "the style picture 'b.png' is not here" in refused(capsys, "out.png", "--overwrite")
    words = ["--overwrite", "--style", samples.path("auvers"), "--style", "c.png"]
    assert "--style is given for 2, and the picture was made with 3" in refused(capsys, "out.png", *words)
    words += ["--style", samples.path("great_wave")]
    assert "the mask picture 'm.png' is not here: say where it is, --mask FILE" in refused(capsys, "out.png", *words)
    words += ["--mask", "n.png", "--mask", "rest", "--mask", "none"]
    assert "--style-mask FILE" in refused(capsys, "out.png", *words)
    words += ["--style-mask", "none", "--style-mask", "n.png", "--style-mask", "none"]
    assert again("out.png", *words) == 0 and same("out.png", "out-again.png")


def test_what_is_missing_or_changed_is_named(tmp_path, capsys):
    content, style, start = (file(tmp_path / name, i) for i, name in enumerate(("a.png", "b.png", "c.png")))
    out = tmp_path / "out.png"
    stylize(str(content), style, init=str(start), **QUICK).save(out)
    for path, role in ((content, "content"), (style, "style"), (start, "init")):
        kept = path.read_bytes()
        path.unlink()
        said = refused(capsys, out)
        assert f"the {role} picture '{path.name}' is not here" in said and f"--{role} FILE" in said
        file(path, 9)
        assert f"the {role} picture {path} has changed" in refused(capsys, out)
        assert "is not the" in refused(capsys, out, f"--{role}", path)
        assert "does not exist" in refused(capsys, out, f"--{role}", tmp_path / "none.png")
        path.write_bytes(kept)
    assert again(out) == 0 and same(out, tmp_path / "out-again.png")


def test_an_array_is_known_by_its_pixels(tmp_path, capsys):
    path = file(tmp_path / "a.png", 4)
    stylize(pictures.read(path), "auvers", **QUICK).save(tmp_path / "out.png")
    assert "given as an array" in refused(capsys, tmp_path / "out.png")
    assert again(tmp_path / "out.png", "--content", path) == 0
    assert "is not the content" in refused(capsys, tmp_path / "out.png", "--content", file(tmp_path / "b.png", 5))


def test_an_interrupted_picture_is_made_as_far_as_it_was(tmp_path):
    def stop(state):
        if state.iteration == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        stylize("cat", "auvers", stop, **{**QUICK, "iterations": 50}).save(tmp_path / "out.png")
    assert again(tmp_path / "out.png") == 0 and same(tmp_path / "out.png", tmp_path / "out-again.png")


def test_a_jpeg_is_made_again_as_well_as_it_can_be_compared(tmp_path, capsys):
    stylize("cat", "auvers", **QUICK).save(tmp_path / "out.jpg")
    assert again(tmp_path / "out.jpg", "-o", tmp_path / "new.png") == 0
    assert "levels of 255" in capsys.readouterr().out


def test_nothing_is_overwritten(tmp_path, capsys):
    stylize("cat", "auvers", **QUICK).save(tmp_path / "out.png")
    before = (tmp_path / "out.png").read_bytes()
    assert "exists already" in refused(capsys, tmp_path / "out.png", "-o", tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == before


def carrying(path, **made):
    pictures.write(path, np.zeros((20, 20, 3)), metadata=made, overwrite=True)
    return path


def test_pictures_that_carry_nothing_or_nonsense_are_refused(tmp_path, capsys):
    result = stylize("cat", "auvers", **QUICK)
    made = result.metadata
    out = tmp_path / "out.png"
    Image.new("RGB", (20, 20)).save(out)
    assert "does not carry" in refused(capsys, out)
    assert "does not exist" in refused(capsys, tmp_path / "none.png")
    for change, says in (
        ({"program": "another"}, "does not carry"),
        ({"settings": [1]}, "does not carry"),
        ({"content": None}, "not whole"),
        ({"content": {"name": "cat.jpg"}}, "not whole"),
        ({"content": {"name": 3, "sha256": "x"}}, "not whole"),
        ({"content": {"name": "../../../etc/passwd", "sha256": "x"}}, "'passwd' is not here"),
        ({"content": {"name": "/etc/passwd", "sha256": "x"}}, "'passwd' is not here"),
        ({"content": {"name": "cat.jpg", "sha256": "x"}}, "has changed"),
        ({"weights": {"name": "vgg19-normalised", "sha256": "x"}}, "other weights"),
        ({"weights": 3}, "not whole"),
        ({"settings": {**made["settings"], "weights": "gone.pth"}}, "say where the weights are: --weights FILE"),
        ({"mask": ["/etc/passwd"]}, "not whole"),
        ({"style": 3}, "not whole"),
        ({"iterations_done": "many"}, "iterations"),
        ({"settings": {**made["settings"], "size": -1}}, "size: -1"),
        (
            {"settings": {**made["settings"], "brush": 1}, "version": "99"},
            "made by version '99'",
        ),
        ({"settings": {**made["settings"], "init": {"a": 1}}}, "init"),
    ):
        said = refused(capsys, carrying(out, **{**made, **change}))
        assert says in said, said
    assert os.listdir(tmp_path) == ["out.png"]
    assert samples.path("cat").exists()
