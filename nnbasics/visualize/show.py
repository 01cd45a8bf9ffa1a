"""A figure in a notebook, with its caption under it, and with sliders where somebody is there to move them."""

import base64
import html
import io
import os
import re
import sys
import uuid

from nnbasics.errors import SettingsError


def show(figure, caption):
    """Show a figure, or an animation, with a caption below, which is also what a screen reader says in its place.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or matplotlib.animation.Animation
    caption : str
        What is to be seen, in a sentence or two.

    Notes
    -----
    Where there is no notebook the caption is printed.
    """
    _show(figure, caption, uuid.uuid4().hex)


def interactive(draw, caption, **controls):
    """Show what `draw` returns, with a slider for each of its arguments; without anybody to move them, a still figure.

    Parameters
    ----------
    draw : callable
        Returns a figure, from the arguments named in `controls`.
    caption : str
        As for `show`.
    **controls
        ``slope=(0.1, 5, 1.0)`` is a slider from 0.1 to 5 that starts at 1, in whole steps if all three are whole;
        ``activation=["tanh", "relu"]`` is a choice that starts at the first.

    Examples
    --------
    >>> interactive(lambda slope: plotted(Sigmoid(slope)), "The sigmoid.", slope=(0.1, 5, 1.0))
    """
    start = {name: _start(name, control) for name, control in controls.items()}
    display_id = uuid.uuid4().hex
    widgets = _widgets()
    if widgets is not None:
        _show_controls(widgets, draw, caption, controls, start, display_id)
    _show(draw(**start), caption, display_id)


def _show(figure, caption, display_id):
    if _shell() is None:
        print(f"[figure: {caption}]")
        return
    from IPython.display import display

    bundle, metadata = _bundle(figure, caption)
    display(bundle, metadata=metadata, raw=True, display_id=display_id)
    display({"text/markdown": f"<small>{caption}</small>", "text/plain": caption}, raw=True)


def _show_controls(widgets, draw, caption, controls, start, display_id):
    from IPython.display import display

    made = {name: _control(widgets, name, control, start[name]) for name, control in controls.items()}

    def redraw(_):
        bundle, metadata = _bundle(draw(**{name: control.value for name, control in made.items()}), caption)
        display(bundle, metadata=metadata, raw=True, display_id=display_id, update=True)

    for control in made.values():
        control.observe(redraw, names="value")
    display(widgets.VBox(list(made.values())))


def _bundle(figure, caption):
    """What a notebook keeps of a picture, by MIME type, and what it should know about it."""
    if hasattr(figure, "to_jshtml"):
        hidden = f"<figcaption hidden>{html.escape(caption)}</figcaption>"  # it stands below, too
        return {"text/html": f"<figure>{_player(figure)}{hidden}</figure>", "text/plain": "[animation]"}, {}
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * figure.dpi)  # twice the points it takes, for fine screens
    _forget(figure)
    width, height = (figure.get_size_inches() * figure.dpi).round().astype(int).tolist()
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "[figure]"}
    return data, {"image/png": {"alt": caption, "width": width, "height": height}}


def _player(animation):
    """Matplotlib's player, with a first frame where scripts do not run, and without a style sheet from elsewhere."""
    text = re.sub(r"<link [^>]*>", "", animation.to_jshtml(), count=1)
    first = re.search(r'frames\[0\] = ("data:[^"]*")', text).group(1).replace("\\\n", "")
    return text.replace("<img ", f"<img src={first} ", 1)


def _forget(figure):
    """Let pyplot not show it a second time at the end of the cell."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


def _shell():
    """The running IPython, if this is one."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _widgets():
    """ipywidgets, if it is there and a person too: when notebooks are built nobody moves a slider."""
    if _shell() is None or "NNBASICS_STILL" in os.environ:
        return None
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets


def _start(name, control):
    if isinstance(control, list) and control:
        return control[0]
    if isinstance(control, tuple) and len(control) == 3 and control[0] <= control[2] <= control[1]:
        return control[2]
    raise SettingsError(f"{name}={control!r}; (lowest, highest, start) or a list of choices was expected")


def _control(widgets, name, control, start):
    settings = {"description": name.replace("_", " "), "value": start}
    if isinstance(control, list):
        return widgets.Dropdown(options=control, **settings)
    low, high, _ = control
    if all(isinstance(number, int) for number in control):
        return widgets.IntSlider(min=low, max=high, continuous_update=False, **settings)
    return widgets.FloatSlider(min=low, max=high, step=(high - low) / 100, continuous_update=False, **settings)
