"""docs/testing.md prints real reports and real lists: what stands there is what comes out."""

import contextlib
import io
import re
from collections import Counter
from pathlib import Path

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


def test_the_zoo_is_used_as_the_page_says():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(blocks[-1], "docs/testing.md", "exec"), {})
    assert "class ConvThatOverwrites:" in printed.getvalue() and "= where += belongs" in printed.getvalue()
