"""Lectures made up for the tests."""

import textwrap

from notebooks.making.lecture import HEADINGS

PICTURE = """
# %% tags=["figure"]
import matplotlib.pyplot as plt
from nnbasics.visualize import show
figure, axes = plt.subplots(figsize=(2, 2))
axes.plot([0, 1])
show(figure, "A line.")
"""


def text(code=PICTURE, headings=HEADINGS, title="# 1 · A title", budget=""):
    """A lecture with this code under its third heading."""
    header = f"# ---\n# jupyter:\n{textwrap.indent(budget, '#   ')}\n# ---\n" if budget else ""
    blocks = [f"# %% [markdown]\n# {title}\n"]
    for place, heading in enumerate(headings):
        blocks += [f"# %% [markdown]\n# ## {heading}\n", code if place == 3 else ""]
    return header + "\n".join(blocks)


def write(folder, name="01-made-up", **parts):
    path = folder / f"{name}.py"
    path.write_text(text(**parts), encoding="utf-8")
    return path
