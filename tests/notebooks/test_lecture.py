"""What is asked of a lecture's text; and that all of ours are as they should be."""

import re
from pathlib import Path

import pytest

from notebooks.making.lecture import HEADINGS, Budget, Fault, Lecture, budget, check_headings, lectures
from tests.notebooks.texts import write

TOP = Path(__file__).parents[2]
OURS = lectures(TOP / "notebooks")


def changed(*changes):
    """The headings with some of them replaced, or taken out for None."""
    new = {old: fresh for old, fresh in changes}
    return [new.get(heading, heading) for heading in HEADINGS if new.get(heading, heading) is not None]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"headings": changed(("The picture", None))}, "'## The picture' is missing"),
        ({"headings": changed(("The picture", "Pictures"))}, "'## The picture' is missing"),
        ({"headings": changed(("What you need", "Where next"), ("Where next", "What you need"))}, "stands where"),
        ({"headings": [*HEADINGS, "Appendix"]}, "'## Appendix' is no heading that every lecture has"),
        ({"headings": [*HEADINGS[:3], "Proof", *HEADINGS[3:]]}, "'## Proof' is no heading"),
        ({"headings": [*HEADINGS, "Where next"]}, "'## Where next' is no heading"),
        ({"title": "## No title"}, "should be the title"),
        ({"headings": ["x\n# # Second title", *HEADINGS]}, "should be the title"),
    ],
)
def test_headings_that_are_wrong(parts, says, tmp_path):
    with pytest.raises(Fault, match=says):
        check_headings(Lecture(write(tmp_path, **parts)).read())


def test_sub_headings_are_free_and_code_is_no_heading(tmp_path):
    code = "# %% [markdown]\n# ### A sub-heading\n#\n# ```python\n# ## a comment\n# ```\n"
    check_headings(Lecture(write(tmp_path, code=code)).read())


def test_budget(tmp_path):
    assert budget(Lecture(write(tmp_path)).read()) == Budget(60, 1.5)
    asked = "budget: {gigabytes: 2.5, reason: a large network}"
    assert budget(Lecture(write(tmp_path, budget=asked)).read()) == Budget(60, 2.5)


@pytest.mark.parametrize(
    "asked", ["{gigabytes: 2.5}", "{gigabytes: 2.5, reason: ''}", "{gigabytes: much, reason: x}", "{seconds: 99}"]
)
def test_a_budget_without_a_reason_or_number(asked, tmp_path):
    with pytest.raises(Fault, match="header's budget should be"):
        budget(Lecture(write(tmp_path, budget=f"budget: {asked}")).read())


def test_the_line_of_a_cell(tmp_path):
    lecture = Lecture(write(tmp_path, code="# %%\nx = 1\n\n# %%\nx = 1\n"))
    notebook = lecture.read()
    places = [place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    lines = lecture.path.read_text(encoding="utf-8").splitlines()
    found = [lecture.line(notebook, place) for place in places]
    assert len(found) == 2 and found[0] < found[1]
    assert [lines[line - 1] for line in found] == ["x = 1", "x = 1"]


def test_which_lectures(tmp_path):
    for name in ("10-b", "02-a", "notes"):
        write(tmp_path, name)
    assert [lecture.name for lecture in lectures(tmp_path)] == ["02-a", "10-b"]
    assert [lecture.name for lecture in lectures(tmp_path, ["10"])] == ["10-b"]
    with pytest.raises(Fault, match=r"begins with '03'; there are 02-a, 10-b"):
        lectures(tmp_path, ["03"])


@pytest.mark.parametrize("lecture", OURS, ids=lambda lecture: lecture.name)
def test_our_lectures(lecture):
    notebook = lecture.read()
    check_headings(notebook)
    budget(notebook)
    assert any("figure" in cell.metadata.get("tags", []) for cell in notebook.cells)


@pytest.mark.parametrize("lecture", OURS, ids=lambda lecture: lecture.name)
def test_where_our_lectures_lead(lecture):
    """Links to other lectures have their names, and links into the library a file at their end."""
    names = {other.name[:2]: other.name for other in OURS}
    text = lecture.path.read_text(encoding="utf-8")
    for name in re.findall(r"\]\((\d\d-[^)]*)\.ipynb\)", text):
        assert names.get(name[:2], name) == name
    for path in re.findall(r"\]\((\.\./[^)#]*)", text):
        assert (lecture.path.parent / path).exists(), path


def test_the_course_lists_all_lectures_in_order():
    page = (TOP / "docs" / "course.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ") and line[2:4].isdigit()]
    assert [number.strip() for number, _ in rows] == [lecture.name[:2] for lecture in OURS]
