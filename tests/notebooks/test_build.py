"""From text to executed notebooks, by the command."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks.making import build
from notebooks.making.execute import Cost
from notebooks.making.lecture import Fault, Lecture
from tests.notebooks.texts import PICTURE, write

TOP = Path(__file__).parents[2]
OFFLINE = """
# %%
import os
import subprocess
import sys
import urllib.request
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://example.org", timeout=5)
except OSError as error:
    print(error)
ask = "import urllib.request as u; u.urlopen('http://example.org', timeout=5)"
print("child:", subprocess.run([sys.executable, "-c", ask], capture_output=True).returncode)
print("threads:", os.environ["NUMBA_NUM_THREADS"], "folder:", os.path.basename(os.getcwd()))
"""
BROKEN = """
# %%
values = [1, 2]

# %%
# the third of two
values[2]
"""


def command(folder, *arguments):
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "NUMBA_NUM_THREADS")}
    return subprocess.run(
        [sys.executable, "-m", "notebooks", "--folder", str(folder), *arguments],
        cwd=TOP,
        env={**environment, "JUPYTER_DATA_DIR": str(folder / "jupyter")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lectures")
    write(folder, "01-good", code=PICTURE + OFFLINE)
    write(folder, "02-broken", code=PICTURE + BROKEN)
    write(folder, "03-out-of-order", headings=["The code"])
    return folder, command(folder)


def test_a_good_one(built):
    folder, result = built
    line = result.stdout.splitlines()[0]
    assert line.startswith("01-good") and "s of CPU" in line and "GB, 1 picture" in line
    notebook = nbformat.read(folder / "01-good.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    (picture,) = [c for c in notebook.cells if c.metadata.get("tags") == ["figure"]]
    assert picture.outputs[0].metadata["image/png"]["alt"] == "A line."
    assert picture.outputs[0].data["text/plain"] == "[figure]"
    assert picture.outputs[1].data["text/markdown"] == "<small>A line.</small>"
    assert len(picture.outputs) == 2  # pyplot does not show it again


def test_there_is_no_network_and_two_threads(built):
    folder, _ = built
    notebook = nbformat.read(folder / "01-good.ipynb", as_version=4)
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "a lecture runs without a network, and this one asks for example.org" in said
    assert "child: 1" in said
    assert f"threads: 2 folder: {folder.name}" in said


def test_a_broken_one_shows_its_cell(built):
    folder, result = built
    assert result.returncode == 2
    assert "2 of 3 lectures failed: 02-broken, 03-out-of-order" in result.stdout
    lines = (folder / "02-broken.py").read_text(encoding="utf-8").splitlines()
    place = lines.index("# the third of two") + 1
    assert f"the cell at 02-broken.py:{place} fails:" in result.stdout
    assert "    values[2]" in result.stdout and "IndexError: list index out of range" in result.stdout
    assert "Traceback" not in result.stderr
    assert not (folder / "02-broken.ipynb").exists()


def test_one_out_of_order_is_not_executed(built):
    _, result = built
    assert "the heading '## What you will do' is missing" in result.stdout


def test_what_is_unchanged_is_not_executed_again(built):
    folder, _ = built
    result = command(folder, "01")
    assert result.returncode == 0 and result.stdout.split() == ["01-good", "unchanged"]


def test_an_unknown_lecture(built):
    result = command(built[0], "17")
    assert result.returncode == 2 and "no lecture's name begins with '17'" in result.stderr


def test_without_what_it_needs():
    code = "import runpy, sys; sys.modules['jupytext'] = None; runpy.run_module('notebooks', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == 'notebooks: jupytext is not installed; pip install -e ".[notebooks]"\n'


class TestBudget:
    """With costs as we please, and nothing executed."""

    @pytest.fixture
    def lecture(self, tmp_path, monkeypatch):
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
        monkeypatch.setattr(build, "check_pictures", lambda lecture, notebook: 1)
        return Lecture(write(tmp_path))

    @staticmethod
    def costs(monkeypatch, *costs):
        left = list(costs)
        monkeypatch.setattr(build, "execute", lambda lecture, notebook: left.pop(0))
        return left

    def test_within_it(self, lecture, monkeypatch):
        self.costs(monkeypatch, Cost(59, 1.4))
        assert build.made(lecture) == " 59.0 s of CPU, 1.40 GB, 1 picture"

    def test_compilation_does_not_count(self, lecture, monkeypatch):
        left = self.costs(monkeypatch, Cost(200, 0.5), Cost(20, 0.5))
        assert "20.0 s" in build.made(lecture) and not left

    def test_too_long_twice(self, lecture, monkeypatch):
        self.costs(monkeypatch, Cost(200, 0.5), Cost(90, 0.5))
        with pytest.raises(Fault, match="needs 90 s of CPU, and 60 are allowed"):
            build.made(lecture)
        assert not lecture.target.exists()

    def test_too_much_memory(self, lecture, monkeypatch):
        self.costs(monkeypatch, Cost(5, 1.61))
        with pytest.raises(Fault, match=r"needs 1.61 GB of memory, and 1.5 are allowed"):
            build.made(lecture)

    def test_more_memory_may_be_asked_for(self, lecture, monkeypatch):
        self.costs(monkeypatch, Cost(5, 1.61))
        write(lecture.path.parent, budget="budget: {gigabytes: 2, reason: large}")
        build.made(lecture)

    def test_a_students_notebook_is_mentioned(self, lecture, monkeypatch):
        self.costs(monkeypatch, Cost(5, 1))
        lecture.target.write_text("mine")
        assert build.made(lecture).endswith("the one you had worked in is now 01-made-up.mine.ipynb")
