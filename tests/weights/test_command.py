"""`nnbasics weights ...` as it is typed."""

import os
import subprocess
import sys

import numpy as np
import pytest

from nnbasics import cli
from nnbasics.weights import load, registry
from tests.weights import tiny


@pytest.fixture
def run(capsys):
    """Run a command line; exit code, what it printed, what it complained."""

    def run(*words):
        try:
            code = cli.main(["weights", *map(str, words)])
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def file(tmp_path, known):
    np.savez(tmp_path / "vgg.npz", **tiny.torchvision(tiny.weights()))
    return tmp_path / "vgg.npz"


def test_list(run):
    code, out, _ = run("list")
    assert code == 0 and str(registry.folder()) in out
    assert "vgg19-normalised           float16   40.1 MB  here" in out


def test_list_says_how_to_get_what_is_not_here(run, tmp_path, monkeypatch):
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg19-normalised.safetensors").write_bytes(b"half")
    _, out, _ = run("list")
    assert "damaged; get it by: nnbasics weights fetch vgg19-normalised\n" in out
    assert "not here; get it by: nnbasics weights fetch vgg19-normalised-float32\n" in out


def test_verify(run, tmp_path, monkeypatch):
    code, out, _ = run("verify")
    assert code == 0 and out.startswith("right  30afaaac")
    code, out, err = run("verify", "vgg19-normalised", tmp_path / "none.safetensors")
    assert code == 2 and "WRONG" in out and err == "nnbasics: 1 of 2 cannot be used\n"
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    code, _, err = run("verify")
    assert code == 2 and "get some by: nnbasics weights fetch" in err


def test_fetch_what_is_here_already(run):
    code, out, _ = run("fetch")
    assert code == 0 and "is there already, and right" in out


def test_fetch_another_dtype_is_another_file(run, monkeypatch):
    asked = []
    monkeypatch.setattr("nnbasics.weights.command.fetch", lambda name, *rest, **more: asked.append(name))
    for words in (
        (),
        ("--dtype", "float32"),
        ("vgg19-normalised-float32",),
        ("vgg19-normalised-float32", "--dtype=float16"),
    ):
        assert run("fetch", *words)[0] == 0
    assert [name.removeprefix("vgg19-normalised") for name in asked] == ["", "-float32", "-float32", ""]


def test_fetch_an_unknown_name(run):
    assert run("fetch", "vgg19-normalized")[2] == (
        "nnbasics: no weights are called 'vgg19-normalized'; did you mean 'vgg19-normalised'?\n"
    )


def test_convert_says_what_it_found(run, file, tmp_path):
    code, out, err = run("convert", file, "-o", tmp_path / "out.safetensors")
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert (
        lines[0] == f"{file}: NumPy .npz, 38 tensors, {sum(array.size for array in tiny.weights().values()):,} values"
    )
    assert lines[1] == "tiny, by torchvision's names:"
    assert lines[2] == "  conv1_1    <- features.0  (4, 3, 3, 3)"
    assert lines[-2].startswith("preprocessing torchvision: RGB in [0, 1] minus (0.485, 0.456, 0.406) divided by")
    assert lines[-1].startswith(f"wrote {tmp_path / 'out.safetensors'}: float16, 0.0 MB, sha256 ")
    assert load(tmp_path / "out.safetensors").metadata["architecture"] == "tiny"


def test_convert_says_what_does_not_fit(run, tmp_path, known):
    values = tiny.torchvision(tiny.weights())
    values["features.12.weight"] = values["features.12.weight"][:, :4]
    del values["features.34.bias"]
    np.savez(tmp_path / "vgg.npz", **values, **{"extra.weight": np.zeros((3, 2)), "step": np.zeros(3)})
    code, out, err = run("convert", tmp_path / "vgg.npz", "-o", tmp_path / "out")
    assert code == 2 and not (tmp_path / "out").exists()
    assert "  conv3_2 should be (8, 8, 3, 3), and features.12 is (8, 4, 3, 3)\n" in out
    assert "  conv5_4 has no bias in features.34\n" in out
    assert "  left out: extra  (3, 2)\n  left out, as no layer's weight or bias: step\n" in out
    assert err == (
        f"nnbasics: {tmp_path / 'vgg.npz'} is no whole tiny: "
        "conv3_2 should be (8, 8, 3, 3), and features.12 is (8, 4, 3, 3), and 1 more\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--architecture", "vgg91"], "did you mean 'vgg19'?"),
        (["--preprocessing", "cafe"], "did you mean 'caffe'?"),
        (["--dtype", "float61"], "float16"),
    ],
)
def test_convert_unknown_words(run, file, tmp_path, words, says):
    code, _, err = run("convert", file, "-o", tmp_path / "out", *words)
    assert code == 2 and says in err and not (tmp_path / "out").exists()


def test_convert_keeps_what_is_there(run, file, tmp_path):
    (tmp_path / "out").write_text("precious")
    code, _, err = run("convert", file, "-o", tmp_path / "out")
    assert code == 2 and "exists already; choose another name or say --overwrite" in err
    assert (tmp_path / "out").read_text() == "precious"
    assert run("convert", file, "-o", tmp_path / "out", "--overwrite")[0] == 0


def test_values_too_large_for_float16(run, tmp_path, known):
    values = tiny.weights()
    values["conv2_1.bias"][0] = 1e5
    np.savez(tmp_path / "vgg.npz", **values)
    code, _, err = run("convert", tmp_path / "vgg.npz", "-o", tmp_path / "out")
    assert code == 2 and "has a value of 100000 in conv2_1.bias, too large for float16; say --dtype float32" in err
    assert run("convert", tmp_path / "vgg.npz", "-o", tmp_path / "out", "--dtype", "float32")[0] == 0


def test_values_that_are_not_numbers(run, tmp_path, known):
    values = tiny.torchvision(tiny.weights())
    values["classifier.3.weight"][3, 3] = np.nan
    np.savez(tmp_path / "vgg.npz", **values)
    code, _, err = run("convert", tmp_path / "vgg.npz", "-o", tmp_path / "out")
    assert code == 2 and f"{tmp_path / 'vgg.npz'} has values in classifier.3 (fc7.weight) that are NaN" in err


def test_in_a_shell(tmp_path):
    """Exit code 2, one line, no traceback."""
    (tmp_path / "page.pth").write_text("<html>404 not found</html>")
    command = [sys.executable, "-m", "nnbasics", "weights", "convert", "page.pth", "-o", "out"]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "nnbasics: page.pth is a web page, not weights: the download went wrong\n"
