"""A run that is kept: gone on with to the last bit, whenever it was killed; and checkpoints that are refused."""

import functools
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from nnbasics import checkpoints
from nnbasics.cli import main
from nnbasics.data import picture as pictures
from nnbasics.errors import CheckpointError, SettingsError
from nnbasics.style import Run, Settings, ingredients, stylize
from nnbasics.style.checkpoint import Every, Keeper, Keeping

QUICK = {"size": 32, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingredients, "network", functools.cache(ingredients.network))
        yield


@pytest.fixture
def kept(tmp_path):
    """A checkpoint of four steps."""
    stylize("cat", "auvers", iterations=4, checkpoint=tmp_path / "c", **QUICK)
    return tmp_path / "c"


WAYS = [
    {"optimizer": "lbfgs"},
    {"optimizer": "lbfgs", "history": 3, "init": "noise"},
    {"optimizer": "adam"},
    {"optimizer": "gradient-descent", "init": "noise"},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_ten_and_ten_steps_are_twenty(tmp_path, way):
    straight = stylize("cat", "auvers", iterations=20, **QUICK, **way)
    stylize("cat", "auvers", iterations=10, checkpoint=tmp_path / "c", **QUICK, **way)
    both = stylize("cat", "auvers", iterations=20, checkpoint=tmp_path / "c", resume=True, **QUICK, **way)
    np.testing.assert_array_equal(both.image, straight.image)
    assert both.losses == straight.losses
    assert both.metadata == straight.metadata


def test_the_walk_of_another_versions_coordinates_is_not_gone_on_with(kept):
    facts, arrays = checkpoints.read(kept, "style")
    for other in ({**facts, "coordinates": [1.0, 0.5]}, {k: v for k, v in facts.items() if k != "coordinates"}):
        checkpoints.write(kept, "style", other, arrays)
        with pytest.raises(CheckpointError, match="a version of nnbasics that walks in other coordinates"):
            stylize("cat", "auvers", iterations=6, checkpoint=kept, resume=True, **QUICK)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_step_can_be_gone_on_from(tmp_path, way):
    """Also the start, where no optimiser has learned anything, and the steps where a short history rolls over."""
    straight = stylize("cat", "auvers", iterations=6, **QUICK, **way)
    for steps in range(7):
        path = tmp_path / f"c{steps}"
        stylize("cat", "auvers", iterations=steps, checkpoint=path, **QUICK, **way)
        both = stylize("cat", "auvers", iterations=6, checkpoint=path, resume=True, **QUICK, **way)
        np.testing.assert_array_equal(both.image, straight.image)


def test_a_run_that_is_through_is_not_begun_again(kept):
    before = kept.read_bytes()
    done = stylize("cat", "auvers", iterations=4, checkpoint=kept, resume=True, **QUICK)
    np.testing.assert_array_equal(done.image, stylize("cat", "auvers", iterations=4, **QUICK).image)
    assert len(done.losses) == 5 and kept.read_bytes() == before


def test_the_start_is_in_the_checkpoint_whatever_became_of_its_file(tmp_path):
    """The picture that a run began from may be the very one that it writes: only its hash is compared."""
    start = np.random.default_rng(0).integers(0, 256, (21, 32, 3), np.uint8)
    Image.fromarray(start).save(tmp_path / "start.png")
    given = {"init": str(tmp_path / "start.png"), "checkpoint": tmp_path / "c", **QUICK}
    stylize("cat", "auvers", iterations=2, **given)
    assert len(stylize("cat", "auvers", iterations=3, resume=True, **given).losses) == 4
    Image.fromarray(255 - start).save(tmp_path / "start.png")
    with pytest.raises(CheckpointError, match="'init' was 'sha256"):
        stylize("cat", "auvers", iterations=3, resume=True, **given)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"size": 40}, "size"),
        ({"style_weight": "2x"}, "style_weight"),
        ({"style_layers": "relu1_1,relu2_1:0.5"}, "style_layers relu2_1"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"learning_rate": 0.5}, "learning_rate"),
        ({"history": 4}, "history"),
        ({"init": "noise"}, "init"),
        ({"seed": 3}, "seed"),
        ({"pooling": "average"}, "pooling"),
    ],
)
def test_another_setting_is_refused_by_name(kept, change, name):
    with pytest.raises(CheckpointError, match=f"of another run: '{name}' was .* and is .* now"):
        stylize("cat", "auvers", iterations=9, checkpoint=kept, resume=True, **{**QUICK, **change})


def test_other_pictures_and_other_weights_are_refused_by_name(kept, monkeypatch):
    for pair, name in ((("coffee", "auvers"), "content"), (("cat", "great_wave"), "style")):
        with pytest.raises(CheckpointError, match=f"'{name}' was 'sha256 .* and is 'sha256"):
            stylize(*pair, iterations=9, checkpoint=kept, resume=True, **QUICK)
    net, weights = ingredients.network("vgg19-normalised", "max")
    monkeypatch.setattr(ingredients, "network", lambda *_: (net, {**weights, "sha256": "0" * 64}))
    with pytest.raises(CheckpointError, match="'weights' was 'sha256"):
        stylize("cat", "auvers", iterations=9, checkpoint=kept, resume=True, **QUICK)


def test_the_same_picture_in_another_place_is_the_same(kept, tmp_path):
    from nnbasics.data import samples

    (tmp_path / "moved.jpg").write_bytes(samples.path("cat").read_bytes())
    assert (
        len(stylize(tmp_path / "moved.jpg", "auvers", iterations=5, checkpoint=kept, resume=True, **QUICK).losses) == 6
    )


def test_fewer_steps_than_were_taken_are_refused(kept):
    with pytest.raises(CheckpointError, match="has 4 steps already"):
        stylize("cat", "auvers", iterations=3, checkpoint=kept, resume=True, **QUICK)


def test_nothing_is_overwritten_and_nothing_is_begun_by_mistake(kept, tmp_path):
    before = kept.read_bytes()
    with pytest.raises(SettingsError, match="exists already"):
        stylize("cat", "auvers", iterations=3, checkpoint=kept, **QUICK)
    assert kept.read_bytes() == before
    with pytest.raises(CheckpointError, match="does not exist"):
        stylize("cat", "auvers", iterations=3, checkpoint=tmp_path / "none", resume=True, **QUICK)
    with pytest.raises(SettingsError, match="from which file"):
        stylize("cat", "auvers", iterations=3, resume=True, **QUICK)
    with pytest.raises(CheckpointError, match="folder"):
        stylize("cat", "auvers", iterations=3, checkpoint=tmp_path / "no" / "c", **QUICK)


def rewritten(path, change):
    """The checkpoint with something else in it, and a digest that is right."""
    facts, arrays = checkpoints.read(path, "style")
    change(facts, arrays)
    checkpoints.write(path, "style", facts, arrays)


HOSTILE = {
    "no rows": lambda f, a: a.pop("rows"),
    "rows of another width": lambda f, a: a.update(rows=a["rows"][:, :3].copy()),
    "no identity": lambda f, a: f.pop("identity"),
    "identity of another kind": lambda f, a: f.update(identity=[1]),
    "a name to a terminal": lambda f, a: f["identity"].update({"\x1b[2J": 1}),
    "a long value": lambda f, a: f["identity"].update(size="9" * 9000),
    "another step": lambda f, a: a.update(iteration=3),
    "negative steps": lambda f, a: a.update(iteration=-4),
    "no picture": lambda f, a: a.pop("x"),
    "no start": lambda f, a: a.pop("start"),
    "no optimiser": lambda f, a: [a.pop(name) for name in list(a) if name.startswith("optimizer/")],
    "another optimiser": lambda f, a: [a.pop("optimizer/order"), a.update({"optimizer/steps": 4})],
    "a larger picture": lambda f, a: a.update(x=np.zeros((1, 3, 400, 32), np.float32)),
    "float64": lambda f, a: a.update(x=a["x"].astype(np.float64)),
    "flat": lambda f, a: a.update(gradient=a["gradient"].ravel()),
    "short pairs": lambda f, a: a.update({"optimizer/s": a["optimizer/s"][:, :5].copy()}),
    "few pairs": lambda f, a: a.update({"optimizer/y": a["optimizer/y"][:1]}),
    "pairs out of range": lambda f, a: a.update({"optimizer/order": np.array([0, 1, 99])}),
    "pairs of the wrong kind": lambda f, a: a.update({"optimizer/s": a["optimizer/s"].astype(np.float16)}),
    "an array for a number": lambda f, a: a.update(loss=np.zeros(3)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_checkpoint_from_outside_is_hostile_until_checked(kept, change):
    rewritten(kept, change)
    with pytest.raises(CheckpointError) as refused:
        stylize("cat", "auvers", iterations=9, checkpoint=kept, resume=True, **QUICK)
    said = str(refused.value)
    assert said.startswith(str(kept)) and said.isprintable() and len(said) < 500


def test_the_file_is_as_large_as_what_lbfgs_remembers(kept):
    """Start, picture and gradient, those before, and two for each of three pairs; not all of the history's room."""
    picture = 21 * 32 * 3 * 4
    assert 11 * picture < kept.stat().st_size < 11 * picture + 55_000  # with the products of the pairs


@pytest.mark.parametrize(
    ("text", "steps", "seconds"),
    [("50", 50, np.inf), (7, 7, np.inf), ("30s", np.inf, 30), ("0.5m", np.inf, 30), ("2h", np.inf, 7200)],
)
def test_intervals(text, steps, seconds):
    assert (Every(text).steps, Every(text).seconds) == (steps, seconds)


@pytest.mark.parametrize("text", ["", "x", "0", "-3", "1.5", "infs", "nans", "3d", "s", None])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(SettingsError, match=r"checkpoint_every.*30s"):
        Keeping(None, every=text)


def test_it_is_written_at_once_then_at_intervals_and_at_the_end(tmp_path):
    run = Run("cat", "auvers", Settings(iterations=7, **QUICK))
    keeper = Keeper(run, tmp_path / "c", Every(3))
    seen = []
    for state in run:
        keeper(state)
        seen.append(int(checkpoints.read(tmp_path / "c", "style")[1]["iteration"]))
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6]
    keeper.write()
    assert checkpoints.read(tmp_path / "c", "style")[1]["iteration"] == 7


def test_writing_that_takes_long_is_done_less_often(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    real = checkpoints.write
    monkeypatch.setattr(checkpoints, "write", lambda *args: (real(*args), clock.__setitem__(0, clock[0] + 5.0)))
    run = Run("cat", "auvers", Settings(iterations=60, **QUICK))
    keeper = Keeper(run, tmp_path / "c", Every("auto"))
    written = []
    for state in run:
        clock[0] += 4.0
        before = clock[0]
        keeper(state)
        written += [state.iteration] * (clock[0] > before)
    assert written == [0, 25, 50]  # 5 s of 100


def words(folder, iterations, *more):
    files = ["-o", folder / "out.png", "--checkpoint", folder / "c", "--trace", folder / "t.csv"]
    return [str(word) for word in ("style", "cat", "auvers", *files, "--size", 48, "--iterations", iterations, *more)]


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_killed_at_random_instants_nothing_but_the_last_interval_is_lost(tmp_path, kills):
    """SIGKILL again and again, also while the file is written; at the end the picture is that of a run in peace."""
    chance = random.Random(kills)
    begun = done = 0
    for _ in range(kills):
        more = ["--checkpoint-every", "1"] + ["--resume"] * (tmp_path / "c").exists()
        process = subprocess.Popen(
            [sys.executable, "-m", "nnbasics", *words(tmp_path, 1000, *more)], stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not ((tmp_path / "c").exists() and steps(tmp_path) > begun):
            time.sleep(0.02)
        time.sleep(chance.random() * 0.4)
        traced = len((tmp_path / "t.csv").read_text().splitlines()) - 2
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        done = steps(tmp_path)
        assert done > begun and done >= traced - 1
        begun = done
    assert set(os.listdir(tmp_path)) <= {"c", ".c.new", "t.csv"}
    assert main(words(tmp_path, done + 3, "--resume")) == 0
    straight = stylize("cat", "auvers", size=48, iterations=done + 3)
    np.testing.assert_array_equal(
        pictures.read(tmp_path / "out.png"), np.floor(straight.image * 255 + 0.5) / np.float32(255)
    )
    rows = (tmp_path / "t.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[3]) for row in rows] == straight.losses
    assert sorted(os.listdir(tmp_path)) == ["c", "out.png", "t.csv"]


def steps(folder):
    return int(checkpoints.read(folder / "c", "style")[1]["iteration"])


def test_ctrl_c_says_how_to_go_on_and_that_goes_on(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "nnbasics", *words(tmp_path, 100_000)], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("step 0/"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 130, said
    again = said.strip().splitlines()[-1].split()
    assert "--resume" in again and steps(tmp_path) > 0
    again[again.index("--iterations") + 1] = str(steps(tmp_path) + 1)
    assert main(again[1:]) == 0


def test_wrong_flags_are_one_clear_line(kept, tmp_path, capsys):
    for more, says in (
        (["--resume"], "--resume: from which file"),
        (["--checkpoint", kept], "--checkpoint: .* exists already"),
        (["--checkpoint", kept, "--resume"], "'content_layers relu2_1' was 1.0"),
        (["--checkpoint", tmp_path / "d", "--checkpoint-every", "often"], "--checkpoint-every: 'often'"),
        (["--trace", tmp_path / "t.txt"], r"\.csv or \.jsonl"),
        (["--trace", kept.with_name("c.csv")], "exists already"),
    ):
        kept.with_name("c.csv").write_text("mine")
        with pytest.raises(SystemExit) as ended:
            main(["style", "cat", "auvers", "-o", str(tmp_path / "out.png"), "--size", "32", *map(str, more)])
        said = capsys.readouterr().err
        assert ended.value.code == 2 and said.count("\n") == 1
        assert re.search(says, said), said
    assert kept.with_name("c.csv").read_text() == "mine"
