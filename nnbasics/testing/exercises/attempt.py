"""What an exercise of a lecture is, and what a student does with it: answer, ask for a hint, look at the solution."""

import html
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


class Wrong(Exception):
    """An answer is wrong; the message is what a teacher would say about it."""


class Unanswered(Exception):
    """There is still a `...` in the answer."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lecture.

    Attributes
    ----------
    name : str
        "01-perceptron/update": the lecture's file, and a word.
    question : str
        In a few sentences; `code` may stand between backticks, here and below, and choices on lines of their own.
    mark : callable
        Takes an answer; raises `Wrong` with a sentence about it, or `Unanswered`. `marking` has makers of these.
    hints : list of str
        Two or three, each of which tells more than the one before.
    answer : object
        The solution: a value, or a function or class whose source is shown.
    why : str
        The reasoning that leads to it.
    wrong : list of (object, str)
        Wrong answers that students give, each with some words of what `mark` says about it.
    """

    name: str
    question: str
    mark: Callable
    hints: list
    answer: object
    why: str
    wrong: list = field(default_factory=list)


class Attempt:
    """A student at an exercise."""

    def __init__(self, exercise):
        self.exercise = exercise
        self.hints_given = 0

    def check(self, answer=...):
        """Have an answer marked; a wrong one is explained, and brings the next hint."""
        try:
            if answer is ...:
                raise Unanswered
            self.exercise.mark(answer)
        except Unanswered:
            return self._remark("open", self.exercise.question, "Not answered yet: put your answer where the `...` is.")
        except Wrong as wrong:
            return self._remark("wrong", f"Not yet. {wrong}", self._next_hint())
        return self._remark("right", "Right.", self.exercise.why)

    def hint(self):
        """The next hint; after the last one, the last again."""
        return self._remark("hint", self._next_hint())

    def solution(self):
        """The answer, and the reasoning that leads to it."""
        return self._remark("solution", "The solution:", self.exercise.why, code=shown(self.exercise.answer))

    def __repr__(self):
        return str(self._asked())

    def _repr_html_(self):
        return self._asked()._repr_html_()

    def _asked(self):
        return self._remark("open", self.exercise.question, "Go on with `check(answer)`, `hint()` or `solution()`.")

    def _next_hint(self):
        hints = self.exercise.hints
        self.hints_given = min(self.hints_given + 1, len(hints))
        end = "" if self.hints_given < len(hints) else " (That was the last hint; `solution()` shows the answer.)"
        return f"Hint {self.hints_given} of {len(hints)}: {hints[self.hints_given - 1]}{end}"

    def _remark(self, state, *paragraphs, code=""):
        return Remark(self.exercise.name, state, paragraphs, code)


COLOURS = {"open": "#7f8c8d", "wrong": "#c0392b", "right": "#2a7f3f", "hint": "#b9770e", "solution": "#2c6fbb"}


@dataclass(frozen=True)
class Remark:
    """What the marker says: "open", "wrong", "right", "hint" or "solution", and its words; true if "right"."""

    name: str
    state: str
    paragraphs: tuple
    code: str = ""

    def __bool__(self):
        return self.state == "right"

    def __repr__(self):
        return str(self)

    def __str__(self):
        head, *rest = (f"{self.name}: {self.paragraphs[0]}", *self.paragraphs[1:])
        blocks = [_filled(head, ""), textwrap.indent(self.code, "    "), *(_filled(text, "  ") for text in rest)]
        return "\n".join(block for block in blocks if block)

    def _repr_html_(self):
        head, *rest = (_html(paragraph) for paragraph in self.paragraphs)
        code = f"<pre>{html.escape(self.code)}</pre>" if self.code else ""
        body = "".join(f"<p>{paragraph}</p>" for paragraph in rest)
        return (
            f'<div style="border-left: 4px solid {COLOURS[self.state]}; padding-left: 1em">'
            f"<p><small>{html.escape(self.name)}</small><br><b>{head}</b></p>{code}{body}</div>"
        )


def shown(answer):
    """An answer as a student would type it."""
    if inspect.isfunction(answer) or inspect.isclass(answer):
        return textwrap.dedent(inspect.getsource(answer)).rstrip()
    if isinstance(answer, np.ndarray):
        return repr(answer.tolist())
    return repr(answer)


def _filled(text, indent):
    lines = [textwrap.fill(line, 100, initial_indent=indent, subsequent_indent=indent) for line in text.split("\n")]
    return "\n".join(lines)


def _html(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text)).replace("\n", "<br>")
