"""A lecture: text in jupytext's percent format, and what can be asked of it before anything is executed."""

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext

HEADINGS = (
    "What you will do",
    "What you need",
    "The lecture's statement",
    "The code",
    "The picture",
    "Check yourself",
    "Where next",
)


class Fault(Exception):
    """A lecture breaks a rule; the message says where, what was expected, and what to do."""


@dataclass(frozen=True)
class Budget:
    """What a lecture may cost: CPU seconds of its kernel (half a minute on two cores), and memory at its peak."""

    seconds: float = 60
    gigabytes: float = 1.5


@dataclass(frozen=True)
class Lecture:
    """`notebooks/NN-title.py`."""

    path: Path

    @property
    def name(self):
        return self.path.stem

    @property
    def target(self):
        return self.path.with_suffix(".ipynb")

    def read(self):
        """The notebook, not executed yet, as a student's Jupyter should see it."""
        notebook = jupytext.read(self.path)
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number}"
            cell.source = cell.source.strip("\n")  # the formatter's empty lines before a function
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        return notebook

    def line(self, notebook, place):
        """The line of the text where a code cell begins."""
        text, at = self.path.read_text(encoding="utf-8"), 0
        for cell in notebook.cells[: place + 1]:
            if cell.cell_type == "code":
                at = text.find(cell.source, at + 1)
        return text.count("\n", 0, max(at, 0)) + 1


def lectures(folder, wanted=()):
    """The lectures of a folder in order; only those whose name begins with one of `wanted`, if any is given."""
    found = [Lecture(path) for path in sorted(folder.glob("[0-9][0-9]-*.py"))]
    for beginning in wanted:
        if not any(lecture.name.startswith(beginning) for lecture in found):
            names = ", ".join(lecture.name for lecture in found)
            raise Fault(f"no lecture's name begins with {beginning!r}; there are {names}")
    return [lecture for lecture in found if not wanted or lecture.name.startswith(tuple(wanted))]


def headings(notebook):
    """(level, words) of every heading in the notebook's markdown."""
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = "\n".join(re.sub(r"```.*?```", "", source, flags=re.DOTALL) for source in cells)
    return [(len(marks), words.strip()) for marks, words in re.findall(r"^(#+) (.*)$", text, flags=re.MULTILINE)]


def check_headings(notebook):
    """One title, then the same headings in the same order as in every lecture."""
    found = headings(notebook)
    if not found or found[0][0] != 1 or [level for level, _ in found].count(1) != 1:
        raise Fault("the first heading, and no other, should be the title: # 1 · The perceptron")
    sections = [words for level, words in found if level == 2]
    for place, expected in enumerate(HEADINGS):
        there = sections[place] if place < len(sections) else None
        if there == expected:
            continue
        if expected not in sections:
            raise Fault(f"the heading '## {expected}' is missing")
        if there in HEADINGS:
            raise Fault(f"the heading '## {there}' stands where '## {expected}' belongs")
        break
    extra = [words for words in sections if words not in HEADINGS] or sections[len(HEADINGS) :]
    if extra:
        raise Fault(f"'## {extra[0]}' is no heading that every lecture has; make it a sub-heading, ###")


def budget(notebook):
    """The lecture's budget; more memory has to be asked for in its header, with the reason."""
    asked = notebook.metadata.get("budget")
    if asked is None:
        return Budget()
    if set(asked) != {"gigabytes", "reason"} or not isinstance(asked["gigabytes"], int | float) or not asked["reason"]:
        raise Fault("the header's budget should be {gigabytes: a number, reason: why the lecture needs so much}")
    return Budget(gigabytes=asked["gigabytes"])
