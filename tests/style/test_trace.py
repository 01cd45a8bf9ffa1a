"""The trace: the objective's own numbers, in a file as it goes."""

import csv
import functools
import itertools
import json

import pytest

from nnbasics.errors import SettingsError
from nnbasics.style import Run, Settings, ingredients, stylize, trace
from nnbasics.style.bounds import outside

QUICK = {"size": 32, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1", "tv_weight": 3.0}


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingredients, "network", functools.cache(ingredients.network))
        yield


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gradient-descent"])
def test_every_row_is_the_objective_at_the_picture_of_that_step(optimizer):
    run = Run("cat", "auvers", Settings(iterations=6, optimizer=optimizer, init="noise", **QUICK))
    for state in run:
        x = run.walk.picture()
        terms = run.objective.terms(x)
        row = state.row
        assert row.iteration == state.iteration and row.total == state.loss
        assert row.content == pytest.approx(terms["content relu2_1"], rel=1e-5)
        assert row.style == pytest.approx(terms["style relu1_1"] + terms["style relu2_1"], rel=1e-5)
        assert row.tv == pytest.approx(terms["tv"], rel=1e-5)
        price = 0.0 if optimizer == "gradient-descent" else run.walk.price * outside(x)[0]
        assert row.outside == pytest.approx(price, rel=1e-4, abs=1e-6)
        assert row.total == pytest.approx(row.content + row.style + row.tv + row.outside, rel=1e-12)
    assert [row.iteration for row in run.rows] == list(range(7))
    assert all(b.evaluations > a.evaluations and b.seconds >= a.seconds for a, b in itertools.pairwise(run.rows))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "T.CSV"])
def test_a_file_has_the_same_numbers_line_by_line_as_they_come(tmp_path, name):
    path, seen = tmp_path / name, []
    result = stylize("cat", "auvers", lambda state: seen.append(len(path.read_text().splitlines())), iterations=3,
                     trace=path, **QUICK)  # fmt: skip
    lines = path.read_text().splitlines()
    if name.lower().endswith("csv"):
        assert lines[0] == "iteration,evaluations,seconds,total,content,style,tv,outside,size"
        assert seen == [2, 3, 4, 5]
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(lines)]
    else:
        assert seen == [1, 2, 3, 4]
        rows = [json.loads(line) for line in lines]
    assert [row["total"] for row in rows] == result.losses
    assert [row["iteration"] for row in rows] == [0, 1, 2, 3]
    assert list(rows[0]) == list(trace.Row._fields)


def test_a_run_that_goes_on_has_one_trace(tmp_path):
    given = {"checkpoint": tmp_path / "c", "trace": tmp_path / "t.csv", **QUICK}
    stylize("cat", "auvers", iterations=3, **given)
    first = (tmp_path / "t.csv").read_text()
    result = stylize("cat", "auvers", iterations=5, resume=True, **given)
    whole = (tmp_path / "t.csv").read_text()
    assert whole.startswith(first)
    rows = list(csv.DictReader(whole.splitlines()))
    assert [float(row["total"]) for row in rows] == result.losses
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_places_that_cannot_be_are_refused_before_any_work(tmp_path):
    for name, says in (("t.txt", "must end in"), ("no/t.csv", "does not exist"), (".csv", "must end in")):
        with pytest.raises(SettingsError, match=says):
            stylize("cat", "auvers", trace=tmp_path / name, **QUICK)
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(SettingsError, match="folder"):
        stylize("cat", "auvers", trace=tmp_path / "t.csv", **QUICK)
