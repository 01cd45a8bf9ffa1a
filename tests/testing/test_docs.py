"""docs/testing.md prints real reports and real lists: what stands there is what comes out."""

import contextlib
import io
import re
from collections import Counter
from pathlib import Path

import numpy as np

from nnbasics import Linear, Sequential, Tanh
from nnbasics.testing import check_gradients
from nnbasics.testing.causes import FAMILIES
from nnbasics.testing.contract import POINTS
from nnbasics.testing.report import BANDS
from nnbasics.testing.zoo import ZOO
from tests.conformance.scope import OUT_OF_SCOPE
from tests.conformance.test_onnx import CASES, IN_SCOPE

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


def report():
    """What the first block of code on the page prints."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/testing.md", "exec"), {})
    return printed.getvalue()


def points():
    return "\n".join(f"- {point.says}" for point in POINTS)


def families():
    counts = Counter(specimen.family for specimen in ZOO.values())
    return ", ".join(f"{FAMILIES[family]} ({count})" for family, count in counts.most_common())


def out_of_scope():
    reasons = dict.fromkeys(OUT_OF_SCOPE.values())
    return "\n".join(
        f"- {reason}: {', '.join(f'`{name}`' for name, why in OUT_OF_SCOPE.items() if why == reason)}"
        for reason in reasons
    )


def test_report_is_what_comes_out():
    assert re.search(r"```text\n(.*?)```", PAGE, re.DOTALL).group(1) == report()


def test_lists_and_counts():
    flowing = " ".join(PAGE.split())
    for part in (
        points(),
        families(),
        out_of_scope(),
        f"{len(ZOO)} wrong layers",
        f"{len(IN_SCOPE)} of {len(CASES)} cases",
    ):
        assert " ".join(part.split()) in flowing


def test_bands():
    for _, words in BANDS:
        assert words in PAGE


def test_all_of_its_code_runs():
    """Block after block, as a reader would type them; what is a test there is run as one."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
            exec(compile(block, f"docs/testing.md, block {number + 1}", "exec"), names)
    assert "class ConvThatOverwrites:" in printed.getvalue() and "= where += belongs" in printed.getvalue()
    (mark,) = names["test_contract"].pytestmark
    assert len(mark.args[1]) > 20
    for case in mark.args[1]:
        names["test_contract"](*case.values)


def test_all_that_can_be_checked():
    """Each row of the table, on things of that kind."""

    class Cost:
        def forward(self, prediction, target):
            self.off = prediction - target
            return np.sum(self.off**2)

        def backward(self):
            return 2 * self.off

    net = Sequential({"one": Linear(5, 4, rng=0), "two": Tanh(), "three": Linear(4, 2, rng=1)}).freeze()
    x = np.random.default_rng(0).standard_normal((3, 5))
    names = {
        "check_gradients": check_gradients,
        "layer": Linear(5, 2, rng=0),
        "loss": Cost(),
        "forward": np.tanh,
        "backward": lambda x, dy: dy / np.cosh(x) ** 2,
        "cost": lambda prediction, target: np.sum((prediction - target) ** 2),
        "slope": lambda prediction, target: 2 * (prediction - target),
        "affine": lambda x, w, b: (x @ w + b, (x, w)),
        "affine_backward": lambda dy, cache: (dy @ cache[1].T, cache[0].T @ dy, dy.sum(axis=0)),
        "objective": lambda x: (np.sum(x**2), 2 * x),
        "net": net,
        "names": ["one", "three"],
        "x": x,
        "prediction": x,
        "target": x[::-1],
        "w": np.ones((5, 2)),
        "b": np.zeros(2),
    }
    rows = re.findall(r"^\|.*?`(check_gradients\(.*?\))`", PAGE, re.MULTILINE)
    assert len(rows) == 7
    for row in rows:
        assert eval(row, names), row
