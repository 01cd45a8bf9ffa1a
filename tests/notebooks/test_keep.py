"""What has not changed is not executed again, and what a student wrote is not lost."""

import contextlib

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from notebooks.making.keep import is_current, save
from notebooks.making.lecture import Lecture
from tests.notebooks.texts import write


@pytest.fixture
def lecture(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return Lecture(write(tmp_path))


def names(lecture):
    return sorted(path.name for path in lecture.path.parent.glob("*.ipynb"))


def is_signed(notebook):
    notary = NotebookNotary()
    with contextlib.closing(notary.store):
        return notary.check_signature(notebook)


def test_current_until_the_text_changes(lecture):
    assert not is_current(lecture)
    save(lecture, lecture.read())
    assert is_current(lecture)
    write(lecture.path.parent, code="# %%\n1 + 1\n")
    assert not is_current(lecture)


def test_current_until_the_library_changes(lecture, monkeypatch, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "nnbasics").mkdir()
    (root / "nnbasics" / "a.py").write_text("x = 1\n")
    monkeypatch.setattr("notebooks.making.keep.ROOT", root)
    save(lecture, lecture.read())
    assert is_current(lecture)
    (root / "nnbasics" / "a.py").write_text("x = 2\n")
    assert not is_current(lecture)


def test_our_own_is_replaced(lecture):
    save(lecture, lecture.read())
    assert save(lecture, lecture.read()) is None
    assert names(lecture) == ["01-made-up.ipynb"]


def test_jupyter_trusts_it_on_this_machine(lecture):
    save(lecture, lecture.read())
    notebook = nbformat.read(lecture.target, as_version=4)
    assert is_signed(notebook)
    notebook.cells[-1].source += "somebody else's"
    assert not is_signed(notebook)


def test_outputs_are_not_work(lecture):
    save(lecture, lecture.read())
    notebook = nbformat.read(lecture.target, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="run again")]
    nbformat.write(notebook, lecture.target)
    assert save(lecture, lecture.read()) is None


def test_a_students_answers_are_kept(lecture):
    for number, expected in enumerate(["01-made-up.mine.ipynb", "01-made-up.mine-2.ipynb"]):
        save(lecture, lecture.read())
        notebook = nbformat.read(lecture.target, as_version=4)
        notebook.cells[-1].source += f"\nmy answer {number}"
        nbformat.write(notebook, lecture.target)
        assert save(lecture, lecture.read()).name == expected
        kept = nbformat.read(lecture.target.with_name(expected), as_version=4)
        assert kept.cells[-1].source.endswith(f"my answer {number}")
    assert len(names(lecture)) == 3


@pytest.mark.parametrize("content", ["", "not a notebook", '{"cells": []}', "[]"])
def test_what_is_not_a_notebook_of_ours_is_kept(content, lecture):
    lecture.target.write_text(content)
    assert not is_current(lecture)
    assert save(lecture, lecture.read()).read_text() == content
    assert is_current(lecture)
