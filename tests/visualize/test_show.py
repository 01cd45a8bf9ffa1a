"""Figures in a notebook, with and without somebody to move a slider."""

import base64
import io
import sys

import pytest
from matplotlib.figure import Figure
from PIL import Image

from nnbasics.errors import SettingsError
from nnbasics.visualize import interactive, show


def drawn(slope=1.0):
    figure = Figure(figsize=(3, 2), dpi=100)
    figure.subplots().plot([0, 1], [0, slope])
    return figure


class Front:
    """Stands for a notebook: keeps what is displayed."""

    def __init__(self):
        self.shown = []

    def display(self, *things, metadata=None, raw=False, display_id=None, update=False):
        self.shown.append((things[0], metadata, display_id, update))


@pytest.fixture
def front(monkeypatch):
    import IPython.display

    one = Front()
    monkeypatch.setattr(IPython, "get_ipython", lambda: one)
    monkeypatch.setattr(IPython.display, "display", one.display)
    return one


def test_in_a_notebook(front):
    show(drawn(), "A <b>line</b>.")
    (bundle, metadata, _, update), (caption, *_) = front.shown
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size == (600, 400) and not update  # twice as fine as it is wide
    assert metadata == {"image/png": {"alt": "A <b>line</b>.", "width": 300, "height": 200}}
    assert "A <b>line</b>." in caption["text/markdown"]


def test_without_a_notebook(capsys, monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    show(drawn(), "A line.")
    interactive(drawn, "A line.", slope=(0.1, 5, 1.0))
    assert capsys.readouterr().out == "[figure: A line.]\n" * 2


def test_an_animation(front):
    from matplotlib.animation import FuncAnimation

    figure = drawn()
    show(FuncAnimation(figure, lambda i: figure.axes[0].lines, frames=2), "Moves, & more.")
    html = front.shown[0][0]["text/html"]
    assert "<figcaption hidden>Moves, &amp; more.</figcaption>" in html
    assert html.count("data:image/png;base64") == 3  # two frames, and the first where no script runs
    assert "https:" not in html


def test_sliders_redraw_the_same_picture(front):
    seen = []

    def draw(slope, count, kind):
        seen.append((slope, count, kind))
        return drawn(slope)

    interactive(draw, "A line.", slope=(0.5, 2.5, 1.0), count=(1, 9, 3), kind=["tanh", "relu"])
    (box, *_), (first, _, display_id, _), _ = front.shown
    slope, count, kind = box.children
    assert [type(control).__name__ for control in box.children] == ["FloatSlider", "IntSlider", "Dropdown"]
    assert (slope.min, slope.max, slope.value, count.value, kind.value) == (0.5, 2.5, 1.0, 3, "tanh")
    slope.value = 2.0
    kind.value = "relu"
    assert seen == [(1.0, 3, "tanh"), (2.0, 3, "tanh"), (2.0, 3, "relu")]
    redrawn, metadata, same_id, update = front.shown[-1]
    assert update and same_id == display_id and redrawn["image/png"] != first["image/png"]
    assert metadata["image/png"]["alt"] == "A line."


@pytest.mark.parametrize("reason", ["nobody there", "no ipywidgets"])
def test_a_still_figure(front, monkeypatch, reason):
    if reason == "nobody there":
        monkeypatch.setenv("NNBASICS_STILL", "1")
    else:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    interactive(drawn, "A line.", slope=(0.1, 5, 1.0))
    assert [next(iter(bundle)) for bundle, *_ in front.shown] == ["image/png", "text/markdown"]


@pytest.mark.parametrize("control", [(0, 1), (0, 1, 2), [], 3, "abc"])
def test_controls_that_are_none(front, control):
    with pytest.raises(SettingsError, match="lowest, highest, start"):
        interactive(drawn, "A line.", slope=control)
