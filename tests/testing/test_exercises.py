"""Every exercise of every lecture: the solution is accepted, each wrong answer refused with what the teacher says."""

import re
from pathlib import Path

import numpy as np
import pytest

from nnbasics.errors import UserError
from nnbasics.testing import exercise
from nnbasics.testing.exercises import lectures, of_lecture
from nnbasics.testing.exercises.attempt import Attempt, Exercise, Unanswered, Wrong
from nnbasics.testing.exercises.marking import array, choice, function, layer, number, whole

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ALL = [entry for number in lectures() for entry in of_lecture(number)]
WRONG = [
    pytest.param(entry, answer, says, id=f"{entry.name}-{i}")
    for entry in ALL
    for i, (answer, says) in enumerate(entry.wrong)
]


def asked_in(path):
    return re.findall(r"exercise\(\s*\"([^\"]+)\"", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.name)
class TestEveryExercise:
    def test_the_solution_is_right(self, entry):
        remark = Attempt(entry).check(entry.answer)
        assert remark.state == "right", remark
        assert entry.why in remark.paragraphs

    def test_three_points_are_not_answered_yet(self, entry):
        remark = Attempt(entry).check(...)
        assert remark.state == "open" and not remark
        assert "Not answered yet" in str(remark) and remark.paragraphs[0] == entry.question

    def test_two_or_three_hints_in_order(self, entry):
        attempt = Attempt(entry)
        assert 2 <= len(entry.hints) <= 3
        for place, hint in enumerate(entry.hints, 1):
            assert attempt.hint().paragraphs[0].startswith(f"Hint {place} of {len(entry.hints)}: {hint}")

    def test_wrong_answers_are_told(self, entry):
        assert len(entry.wrong) >= 2

    def test_it_is_in_its_notebook(self, entry):
        (path,) = NOTEBOOKS.glob(f"{entry.name.split('/')[0]}.py")
        assert entry.name in asked_in(path)

    def test_it_shows_in_a_notebook(self, entry):
        attempt = Attempt(entry)
        for shown in (attempt, attempt.hint(), attempt.solution(), attempt.check()):
            assert shown._repr_html_().startswith("<div") and str(shown).startswith(entry.name)


@pytest.mark.parametrize(("entry", "answer", "says"), WRONG)
def test_wrong_answers(entry, answer, says):
    remark = Attempt(entry).check(answer)
    assert remark.state == "wrong" and not remark
    assert says in remark.paragraphs[0], remark
    assert remark.paragraphs[1].startswith("Hint 1")


def test_names():
    names = [entry.name for entry in ALL]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"\d\d-[a-z0-9-]+/[a-z0-9-]+", name) for name in names)
    assert all(name.startswith(number) for number in lectures() for name in [e.name for e in of_lecture(number)])


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_what_a_notebook_asks_is_there(path):
    asked = asked_in(path)
    assert 3 <= len(asked) <= 8
    assert all(name.startswith(path.stem) and isinstance(exercise(name), Attempt) for name in asked)


def test_the_same_name_is_the_same_attempt():
    assert exercise("01-perceptron/score") is exercise("01-perceptron/score")


@pytest.mark.parametrize(
    ("name", "says"),
    [("01-perceptron/skore", "did you mean '01-perceptron/score'"), ("99-x/y", "no lecture '99'"), (7, "no lecture")],
)
def test_unknown_names(name, says):
    with pytest.raises(UserError, match=re.escape(says)):
        exercise(name)


def test_hints_come_one_by_one_with_wrong_answers():
    attempt = Attempt(Exercise("x/y", "?", number(1.0), ["first", "second"], 1.0, "because"))
    assert [attempt.check(5).paragraphs[1].split(": ")[1].split(" ")[0] for _ in range(3)] == [
        "first",
        "second",
        "second",
    ]
    assert "solution()" in str(attempt.hint())


def told(mark, answer):
    with pytest.raises(Wrong) as wrong:
        mark(answer)
    return str(wrong.value)


class TestNumber:
    mark = staticmethod(number(0.2, [(0.7, "That is something else.")]))

    @pytest.mark.parametrize("answer", [0.2, 0.2019, np.float32(0.2), np.array([[0.2]]), "0.2"])
    def test_right(self, answer):
        self.mark(answer)

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (-0.2, "sign"),
            (0.4, "twice"),
            (0.1, "half"),
            (5, "upside down"),
            (20, "percentage"),
            (0.21, "rounded too early"),
            (0.7, "something else"),
            (3, "too large"),
            (0.01, "too small"),
            (float("nan"), "NaN"),
            (float("inf"), "infinity"),
            (None, "NaN"),
            ("many", "Numbers were expected"),
            ([1, 2], "shape (2,)"),
        ],
    )
    def test_wrong(self, answer, says):
        assert says in told(self.mark, answer)

    def test_zero_has_no_relative_error(self):
        number(0)(0.001)
        assert "too large" in told(number(0), 0.1)


class TestWhole:
    @pytest.mark.parametrize(("answer", "says"), [(4, "off by one"), (5.5, "not a whole"), (9, "large"), (1, "small")])
    def test_wrong(self, answer, says):
        assert says in told(whole(5), answer)

    def test_right(self):
        whole(5)(5)
        whole(5)(np.int64(5))


class TestArray:
    matrix = ((1.0, 2, 3), (4, 5, 6))

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (np.transpose(matrix), "transposed"),
            (-np.array(matrix), "every sign"),
            (3 * np.array(matrix), "3 times"),
            ([[1, 2, 3], [4, 6, 6]], "5 of 6 numbers are right; the first that is not stands at [1, 1]"),
            ([1, 2, 3], "shape is (3,)"),
            ([[1, 2], [3]], "Numbers were expected"),
            (np.zeros((2, 3)), "0 of 6"),
        ],
    )
    def test_wrong(self, answer, says):
        assert says in told(array(self.matrix), answer)

    def test_reversed(self):
        assert "reverse order" in told(array([1, 2, 3]), [3, 2, 1])

    @pytest.mark.parametrize("answer", [[1, ...], [[1, 2], ...], ((1, ...), (3, 4))])
    def test_not_finished(self, answer):
        with pytest.raises(Unanswered):
            array([1, 2])(answer)


def test_choice():
    mark = choice("b", {"a": "No, for a reason."})
    mark("B")
    mark("(b)")
    assert told(mark, "a") == "No, for a reason."
    assert "Choose one of 'a', 'b'" in told(mark, 7)


class TestFunction:
    mark = staticmethod(function(np.square, [(2.0,), (np.array([1.0, -3]),)], [(lambda x: 2 * x, "That is double.")]))

    def test_right(self):
        self.mark(lambda x: x * x)

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (lambda x: 2 * x, "double"),
            (lambda x: x**3, "For (2) your function gives 8, and 4 was expected"),
            (abs, "For (2) your function gives 2"),
            (lambda x: x / None, "stops with TypeError in the line"),
            (lambda x: None, "returns None"),
            (lambda x: np.nan * x, "NaN"),
            (3, "A function was expected"),
        ],
    )
    def test_wrong(self, answer, says):
        assert says in told(self.mark, answer)

    def test_writing_to_arguments_is_told(self):
        def squared(x):
            x *= x
            return x

        assert "writes to an array" in told(self.mark, squared)

    @pytest.mark.parametrize("answer", [lambda x: ..., lambda x: x * ..., lambda x: (x, ...)])
    def test_not_written_yet(self, answer):
        with pytest.raises(Unanswered):
            self.mark(answer)


class Double:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class TestLayer:
    x = np.array([[1.0, -2, 3], [0.5, 1, 2]])
    mark = staticmethod(layer(lambda cls: cls(), x, oracle=lambda _, x: 2 * x))

    def test_right(self):
        self.mark(Double)

    def test_wrong_forward(self):
        class Triple(Double):
            def forward(self, x):
                return 3 * x

        assert "forward is not right yet" in told(self.mark, Triple)

    def test_wrong_backward_is_what_the_gradient_check_says(self):
        class Sign(Double):
            def backward(self, dy):
                return -2 * dy

        says = told(self.mark, Sign)
        assert "The gradient of Sign is WRONG: x." in says and "wrong sign" in says

    @pytest.mark.parametrize("method", ["forward", "backward"])
    def test_not_written_yet(self, method):
        unfinished = type("Unfinished", (Double,), {method: lambda self, x: ...})
        with pytest.raises(Unanswered):
            self.mark(unfinished)

    def test_a_gradient_not_written_yet(self):
        class Unfinished(Double):
            grads = {"weight": ...}  # noqa: RUF012

        with pytest.raises(Unanswered):
            self.mark(Unfinished)
