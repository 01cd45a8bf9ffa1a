"""The README does what it says: its Python runs, its commands run (at a small size), its links lead somewhere."""

import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from nnbasics.cli import parser
from nnbasics.data import samples

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
SMALLER = ["--size", "64", "--iterations", "2"]
PAINTS = {"style": SMALLER, "video": SMALLER, "invert": SMALLER, "dream": ["--size", "64", "--steps", "1"]}


def blocks(language, page=README):
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def commands(page=README):
    lines = [line.split("#")[0].strip() for block in blocks("sh", page) for line in block.splitlines()]
    return [line for line in lines if line]


def run(arguments, folder):
    result = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.strip().splitlines()[-1])
def test_its_python_runs(code, tmp_path):
    code = code.replace("size=256, iterations=100", "size=64, iterations=2")
    run([sys.executable, "-W", "error", "-c", code], tmp_path)


@pytest.mark.parametrize("command", [c for c in commands() if c.split()[1] in PAINTS])
def test_its_commands_run(command, tmp_path):
    words = shlex.split(command)
    (tmp_path / "frames").mkdir()
    theirs = {"photo.jpg": "cat", "painting.jpg": "starry_night", "frames/1.jpg": "cat", "frames/2.jpg": "cat"}
    for name, sample in theirs.items():
        shutil.copy(samples.path(sample), tmp_path / name)
    run([sys.executable, "-m", *words, *PAINTS[words[1]]], tmp_path)
    made = [name for flag, name in pairwise(words) if flag in ("-o", "--animate", "--checkpoint")]
    assert made
    assert all((tmp_path / name).stat().st_size > 1000 for name in made)


def test_the_gallery_has_a_command_for_every_picture():
    """Each is understood; running one at a small size is `test_its_commands_run`."""
    page = (TOP / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = commands(page)
    assert len(shown) == len(re.findall(r"!\[", page)) >= 4
    for command in shown:
        arguments = parser().parse_args(shlex.split(command)[1:])
        assert {arguments.content, *arguments.style} <= set(samples.names())


def test_it_names_no_other_command():
    known = {
        "make demo",
        "make test",
        "make lab",
        "pip install .",
        "nnbasics weights fetch resnet50",
        "nnbasics classify cat",
    }
    assert {c for c in commands() if c.split()[1] not in PAINTS} == known


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("target", "does"), [("demo", "-m nnbasics demo"), ("test", "-m pytest"), ("lab", "lab --notebook-dir notebooks")]
)
def test_its_targets_set_up_and_run(target, does):
    plan = run(["make", "--no-print-directory", "--dry-run", "--always-make", target], TOP)
    assert "-m venv .venv" in plan
    assert "pip install" in plan
    assert does in plan.rstrip().splitlines()[-1]


def test_the_demo_makes_its_three_pictures(tmp_path):
    shown = run([sys.executable, "-m", "nnbasics", "demo", "-o", str(tmp_path / "demo"), *SMALLER], tmp_path)
    made = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert made == ["cat-starry_night.png", "contact-sheet.png", "loss.png"]
    assert all(name in shown for name in made)


@pytest.mark.slow
def test_pip_install_brings_pictures_weights_and_the_command(tmp_path):
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")], TOP)
    python = tmp_path / "venv" / "bin" / "python"
    shutil.copytree(TOP, tmp_path / "clone", ignore=shutil.ignore_patterns(".venv", ".git", "weights", "__pycache__"))
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(tmp_path / "clone")], tmp_path)
    nnbasics = tmp_path / "venv" / "bin" / "nnbasics"
    assert "vgg19-normalised" in run([nnbasics, "weights", "list"], tmp_path)
    code = "from nnbasics.data import picture; print(picture.read('cat').shape)"
    assert run([python, "-c", code], tmp_path).strip() == "(300, 451, 3)"


def test_its_links_lead_somewhere():
    pages = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(TOP)}: {target}")
    assert not broken
