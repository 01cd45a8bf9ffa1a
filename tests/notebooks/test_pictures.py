"""A figure has to be there, to show something, and to say what."""

import base64
import io

import nbformat.v4 as nb
import pytest
from PIL import Image

from notebooks.making.lecture import Fault, Lecture
from notebooks.making.pictures import check_pictures


def png(*pixels):
    file = io.BytesIO()
    picture = Image.new("RGB", (len(pixels), 1))
    picture.putdata(pixels)
    picture.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


DRAWN = png((0, 0, 0), (255, 255, 255))
CAPTION = {"image/png": {"alt": "What it shows."}}
GOOD = nb.new_output("display_data", {"image/png": DRAWN}, metadata=CAPTION)
HTML = nb.new_output("display_data", {"text/html": "<figure><img src='x'><figcaption hidden>A.</figcaption></figure>"})


def notebook(*outputs, tags=("figure",)):
    return nb.new_notebook(cells=[nb.new_code_cell("draw()", outputs=list(outputs), metadata={"tags": list(tags)})])


@pytest.fixture
def lecture(tmp_path):
    path = tmp_path / "01-a.py"
    path.write_text("# %%\ndraw()\n", encoding="utf-8")
    return Lecture(path)


@pytest.mark.parametrize("output", [GOOD, HTML])
def test_good_ones(output, lecture):
    assert check_pictures(lecture, notebook(nb.new_output("stream", text="said"), output)) == 1


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ([], "shows no picture"),
        ([nb.new_output("stream", text="said")], "shows no picture"),
        ([nb.new_output("display_data", {"text/plain": "<Figure>"})], "shows no picture"),
        ([nb.new_output("display_data", {"text/html": "<table></table>"})], "shows no picture"),
        ([nb.new_output("display_data", {"image/png": png((9, 9, 9), (9, 9, 9))}, metadata=CAPTION)], "one colour"),
        ([nb.new_output("display_data", {"image/png": DRAWN})], "no caption"),
        ([nb.new_output("display_data", {"text/html": "<img src='x'>"})], "no caption"),
        ([GOOD, nb.new_output("display_data", {"image/png": DRAWN})], "no caption"),
    ],
)
def test_bad_ones(outputs, says, lecture):
    with pytest.raises(Fault, match=rf"01-a\.py:2 is tagged as a figure and .*{says}"):
        check_pictures(lecture, notebook(*outputs))


def test_a_lecture_without_any(lecture):
    with pytest.raises(Fault, match="there is no picture"):
        check_pictures(lecture, notebook(GOOD, tags=()))
