"""The command line: what is made, what is said, and how it ends."""

import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

import nnbasics
from nnbasics.cli import main
from nnbasics.data import picture as pictures
from nnbasics.style import memory
from nnbasics.style.settings import Settings, flag, shown

SMALL = ["--size", "64", "--iterations", "4"]


def command(*words, **kwargs):
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nnbasics", *map(str, words)], capture_output=True, text=True, timeout=300, **kwargs
    )


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """A small run with everything: its folder and what the command said."""
    folder = tmp_path_factory.mktemp("painted")
    done = command("style", "cat", "starry_night", "-o", "out.png", "--save-every", "2", *SMALL, cwd=folder)
    return folder, done


def refused(capsys, *words):
    """The one line that the command line ends with, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1 and "Traceback" not in said.err
    return said.err


def test_a_picture_is_painted(painted):
    folder, done = painted
    assert done.returncode == 0, done.stderr
    image = pictures.read(folder / "out.png")
    assert image.shape == (43, 64, 3)
    assert "out.png" in done.stdout and "64 x 43" in done.stdout
    content = pictures.resize(pictures.read("cat"), 64)
    assert 0.003 < np.abs(image - content).mean() < 0.3


def test_nothing_but_the_pictures_is_left(painted):
    assert sorted(os.listdir(painted[0])) == ["out-0002.png", "out.png"]


def test_progress_without_a_terminal_is_a_few_plain_lines_with_falling_losses(painted):
    err = painted[1].stderr
    assert "\r" not in err and len(err.splitlines()) < 20
    losses = [float(line.split("loss ")[1].split()[0]) for line in err.splitlines() if "  loss " in line]
    assert len(losses) >= 4 and losses[-1] < 0.5 * losses[0]
    for name in ("cat", "starry_night"):
        height, width, _ = pictures.read(name).shape
        assert f"{name} ({width} x {height})" in err
    assert "64 x 43" in err and " left" in err


def test_the_picture_carries_what_it_takes_to_make_it_again(painted):
    assert pictures.metadata(painted[0] / "out-0002.png")["iterations_done"] == 2
    made = pictures.metadata(painted[0] / "out.png")
    assert made["version"] == nnbasics.__version__
    assert made["settings"]["size"] == 64 and made["settings"]["iterations"] == 4
    assert made["weights"]["name"] == "vgg19-normalised" and len(made["weights"]["sha256"]) == 64
    assert made["content"]["name"] == "cat.jpg" and len(made["style"]["sha256"]) == 64
    assert made["iterations_done"] == 4


def test_an_existing_picture_is_kept_unless_told_otherwise(tmp_path, capsys):
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    said = refused(capsys, "style", "cat", "starry_night", "-o", out, *SMALL)
    assert "--overwrite" in said and out.read_bytes() == b"mine"
    assert (
        main(["style", "cat", "starry_night", "-o", str(out), "--overwrite", "--size", "64", "--iterations", "0"]) == 0
    )
    assert pictures.read(out).shape == (43, 64, 3)


def test_several_styles_each_with_its_mask(tmp_path, capsys):
    mask = np.zeros((20, 30), np.uint8)
    mask[:, :15] = 255
    Image.fromarray(mask).save(tmp_path / "left.png")
    out = str(tmp_path / "out.png")
    words = ["--mask", str(tmp_path / "left.png"), "--mask", "rest", "--blend", "2,1", "--color", "keep"]
    assert main(["style", "cat", "auvers", "great_wave", "-o", out, *words, *SMALL]) == 0
    said = capsys.readouterr().err
    assert "in the style of auvers (" in said and ") and great_wave (" in said
    made = pictures.metadata(out)
    assert [style["name"] for style in made["style"]] == ["auvers.jpg", "great_wave.jpg"]
    assert made["mask"][0]["name"] == "left.png" and made["mask"][1] == "rest"
    said = refused(capsys, "style", "cat", "auvers", "-o", tmp_path / "left.png", "--overwrite", *words[:2], *SMALL)
    assert "left.png' is read as well" in said


def test_a_picture_on_the_way_that_exists_is_kept_too(tmp_path, capsys):
    (tmp_path / "out-0002.png").write_bytes(b"mine")
    said = refused(capsys, "style", "cat", "starry_night", "-o", tmp_path / "out.png", "--save-every", "2", *SMALL)
    assert "out-0002.png" in said and (tmp_path / "out-0002.png").read_bytes() == b"mine"


def test_the_content_itself_is_not_written_over(tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    said = refused(
        capsys, "style", tmp_path / "photo.png", "auvers", "-o", tmp_path / "photo.png", "--overwrite", *SMALL
    )
    assert "choose another name" in said and (tmp_path / "photo.png").read_bytes() == before
    clip = tmp_path / "photo.gif"
    Image.new("RGB", (64, 64)).save(clip)
    before = clip.read_bytes()
    words = ["-o", tmp_path / "out.png", "--animate", clip, "--overwrite"]
    assert "photo.gif' is read as well" in refused(capsys, "style", clip, "auvers", *words, *SMALL)
    assert clip.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "a.webp", "--animate", "./a.webp"],
        ["-o", "a.png", "--checkpoint", "a.png"],
        ["-o", "a.png", "--checkpoint", "b.csv", "--trace", "b.csv"],
        ["-o", "a.webp", "--save-every", "2", "--animate", "a-0002.webp"],
    ],
)
def test_one_name_for_two_things_is_refused_before_the_work(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    assert "would be written twice" in refused(capsys, "style", "cat", "auvers", *words, *SMALL)
    assert os.listdir(tmp_path) == []


WRONG_WORDS = [
    (["stile"], "'style'"),
    (["style", "cat"], "required"),
    (["style", "cat", "starry_night", "-o", "{out}", "--sise", "4"], "'--size'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--siz", "64"], "'--size'"),
    (["style", "cat", "starry_night", "auverz", "-o", "{out}"], "auvers"),
    (["style", "cat", "starry_nigt", "-o", "{out}"], "starry_night"),
    (["style", "nowhere/cat.jpg", "starry_night", "-o", "{out}"], "nowhere"),
    (["style", "cat", "starry_night", "-o", "{folder}/none/out.png"], "none"),
    (["style", "cat", "starry_night", "-o", "{folder}"], "must end in"),
    (["style", "cat", "starry_night", "-o", "{folder}/out.pgn"], ".png"),
    (["style", "cat", "starry_night", "-o", "{out}", "--optimizer", "lbgfs"], "'lbfgs'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--pooling", "averge"], "'average'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--content-layers", "relu4_22"], "relu4_2"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-layers", "conv9_1:1,relu1_1"], "conv"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-layers", "relu1_1:-1"], "relu1_1"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-weight", "-3"], "--style-weight"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-weight", "nan"], "finite"),
    (["style", "cat", "starry_night", "-o", "{out}", "--content-weight", "inf"], "finite"),
    (["style", "cat", "starry_night", "-o", "{out}", "--tv-weight", "much"], "'much'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--content-weight", "0", "--style-weight", "0"], "weight 0"),
    (["style", "cat", "starry_night", "auvers", "-o", "{out}", "--blend", "1"], "--blend: 1 weights for 2 styles"),
    (["style", "cat", "starry_night", "-o", "{out}", "--blend", "0"], "above 0"),
    (["style", "cat", "starry_night", "auvers", "-o", "{out}", "--mask", "none.png"], "--mask: 1 masks for 2 styles"),
    (["style", "cat", "starry_night", "-o", "{out}", "--mask", "none.png"], "--mask: 'none.png'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-mask", "rest"], "--style-mask: 'rest'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--color", "kep"], "'keep'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--style-scale", "0"], "above 0"),
    (["style", "cat", "starry_night", "-o", "{out}", "--convention", "jonson"], "'johnson'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--preset", "fasst"], "--preset: 'fasst' is unknown"),
    (["style", "cat", "starry_night", "-o", "{out}", "--size", "0"], "16"),
    (["style", "cat", "starry_night", "-o", "{out}", "--size", "big"], "'big'"),
    (["style", "cat", "starry_night", "-o", "{out}", "--iterations", "-1"], "--iterations"),
    (["style", "cat", "starry_night", "-o", "{out}", "--iterations", "1.5"], "whole number"),
    (["style", "cat", "starry_night", "-o", "{out}", "--learning-rate", "0"], "above 0"),
    (["style", "cat", "starry_night", "-o", "{out}", "--seed", "-1"], "--seed"),
    (["style", "cat", "starry_night", "-o", "{out}", "--save-every", "x"], "--save-every"),
    (["style", "cat", "starry_night", "-o", "{out}", "--init", "nois"], "noise"),
    (["style", "cat", "starry_night", "-o", "{out}", "--weights", "vgg19-normalized"], "vgg19-normalised"),
    (["style", "cat", "starry_night", "-o", "{out}", "--weights", "none.safetensors"], "none.safetensors"),
    (["style", "cat", "starry_night", "-o", "{out}", "--size", "20", "--style-layers", "relu5_1"], "at size 20"),
]


@pytest.mark.parametrize(("words", "hint"), WRONG_WORDS, ids=[" ".join(words[1:])[:60] for words, _ in WRONG_WORDS])
def test_wrong_words_are_one_clear_line_and_leave_nothing(tmp_path, capsys, words, hint):
    places = {"out": tmp_path / "out.png", "folder": tmp_path}
    said = refused(capsys, *[word.format(**places) for word in words])
    assert hint in said
    assert os.listdir(tmp_path) == []


def picture_file(tmp_path, kind):
    path = tmp_path / "in.png"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is not a picture")
    elif kind == "truncated":
        Image.effect_noise((100, 100), 50).save(path)
        path.write_bytes(path.read_bytes()[:4000])
    elif kind == "folder":
        path.mkdir()
    elif kind == "bomb":  # a header that promises 30,000 x 30,000 pixels
        header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
        body = b"IDAT" + zlib.compress(bytes(1000))
        chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, body, b"IEND")]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    else:
        Image.new("L", kind).save(path)
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "folder", "bomb", (10, 10), (10, 1), (1, 5000)])
@pytest.mark.parametrize("role", ["content", "style"])
def test_pictures_that_cannot_be_used_are_one_clear_line(tmp_path, capsys, kind, role):
    bad = picture_file(tmp_path, kind)
    pair = [bad, "auvers"] if role == "content" else ["cat", bad]
    said = refused(capsys, "style", *pair, "-o", tmp_path / "out.png", *SMALL)
    assert "in.png" in said or role in said
    assert not (tmp_path / "out.png").exists()


def test_a_folder_that_is_not_writable_is_one_clear_line(capsys):
    """A folder in which nobody, root included, can make a file."""
    folder = "/proc" if os.path.isdir("/proc") else "/dev/fd"
    assert f"{folder}/out.png" in refused(capsys, "style", "cat", "auvers", "-o", f"{folder}/out.png", *SMALL)


def test_memory_that_will_not_suffice_is_foreseen_with_what_would(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 200e6)
    said = refused(capsys, "style", "cat", "auvers", "-o", tmp_path / "out.png", "--size", "4096")
    assert 128 < int(said.split("a size of ")[1].split()[0]) < 1024
    assert "--memory: 'much'" in refused(capsys, "style", "cat", "auvers", "-o", tmp_path / "o.png", "--memory", "much")


def test_before_it_starts_it_says_its_memory_and_after_a_step_its_time(painted):
    err = painted[1].stderr
    assert re.search(r"about \d+ MB of memory\nstep 0/4", err)
    assert re.search(r"a step takes [\d.e-]+ s: about \d+ s", err)


@pytest.mark.parametrize(("steps", "short"), [("2", True), ("3", True), ("4", False)])
def test_it_says_which_steps_are_on_smaller_pictures_and_where_none_is_left(tmp_path, capsys, steps, short):
    layers = ["--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1"]
    words = ["--size", "48", "--pyramid", "32:1,40:2", "--iterations", steps, *layers]
    assert main(["style", "cat", "auvers", "-o", str(tmp_path / "out.png"), *words]) == 0
    said = capsys.readouterr().err
    assert "of them first 1 at 32 pixels, 2 at 40 pixels" in said
    assert ("none is left for 48: --iterations above 3" in said) == short


def test_a_walk_that_runs_away_keeps_the_last_good_picture(tmp_path, capsys):
    out = tmp_path / "out.png"
    words = ["--optimizer", "gradient-descent", "--learning-rate", "1e6", "--size", "48", "--iterations", "40"]
    code = main(["style", "cat", "auvers", "-o", str(out), *words])
    said = capsys.readouterr().err
    assert code == 2
    assert "not finite" in said and "learning_rate" in said and "last good picture" in said
    assert "smaller learning rate may help" not in said  # the optimiser's own advice, given once
    assert np.isfinite(pictures.read(out)).all()


def test_an_error_has_no_traceback_and_exit_code_2_in_a_process_of_its_own(tmp_path):
    done = command("style", "missing.jpg", "auvers", "-o", tmp_path / "out.png")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("nnbasics: ") and done.stderr.count("\n") == 1


def test_ctrl_c_saves_what_there_is_and_says_how_to_go_on(tmp_path):
    words = ["style", "cat", "starry_night", "-o", "out.png", "--size", "64", "--iterations", "100000", "--seed", "3"]
    words += ["--pyramid", "32:3"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "nnbasics", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("step 0/"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 130, said
    assert "Traceback" not in said and "--init out.png" in said and "--iterations" in said
    assert pictures.read(tmp_path / "out.png").shape == (43, 64, 3)
    assert os.listdir(tmp_path) == ["out.png"]
    again = said.strip().splitlines()[-1].split()
    assert "--pyramid" not in again and "--size" in again
    again[again.index("--iterations") + 1] = "1"
    assert command(*again[1:], cwd=tmp_path).returncode == 0


def test_version_and_help(capsys):
    for word in ("--version", "--help"):
        with pytest.raises(SystemExit) as ended:
            main([word])
        assert ended.value.code == 0
    said = capsys.readouterr().out
    assert nnbasics.__version__ in said and "style" in said and "weights" in said


def test_every_setting_has_its_flag_with_help_and_default(capsys):
    with pytest.raises(SystemExit):
        main(["style", "--help"])
    said = "".join(capsys.readouterr().out.split())  # help is wrapped anywhere
    for item in fields(Settings):
        assert flag(item.name) in said
        assert item.default is None or f"(default:{shown(item.default)})" in said


def test_weights_are_mounted(capsys):
    assert main(["weights", "list"]) == 0
    assert "vgg19-normalised" in capsys.readouterr().out


def test_the_demo_writes_three_pictures(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "demo"), *SMALL]) == 0
    said = capsys.readouterr().out
    for name in ("cat-starry_night.png", "contact-sheet.png", "loss.png"):
        assert str(tmp_path / "demo" / name) in said
        assert pictures.read(tmp_path / "demo" / name).size > 0
