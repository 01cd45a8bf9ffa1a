"""Markers: functions that take an answer and say what is wrong with it, as a teacher would.

Each maker returns one. A marker knows the right answer, and by name the famous wrong ones.
"""

import copy
import math
import traceback

import numpy as np

from nnbasics.testing.exercises.attempt import Unanswered, Wrong
from nnbasics.testing.gradients import check_gradients


def number(right, mistakes=(), tolerance=1e-2):
    """One number is asked for.

    Parameters
    ----------
    right : float
    mistakes : list of (float, str)
        Famous wrong numbers, and what to say about each. A wrong sign, half, double and one over it are known without.
    tolerance : float
        How far the answer may be from `right`, as a part of it.
    """

    def mark(answer):
        value = as_number(answer)
        if near(value, right, tolerance):
            return
        for famous, sentence in mistakes:
            if near(value, famous, min(tolerance, 1e-3)):
                raise Wrong(sentence)
        raise Wrong(about_number(value, right, tolerance))

    return mark


def about_number(value, right, tolerance):
    """What can be said about any wrong number."""
    for factor, sentence in [
        (-1, "The size is right, the sign is not."),
        (2, "This is twice as much as it should be."),
        (0.5, "This is half of what it should be."),
        (100, "This is 100 times as much as it should be: a percentage was not asked for."),
    ]:
        if right and near(value, factor * right, tolerance):
            return sentence
    if right and near(value * right, 1, tolerance):
        return "This is one over the right number: something is upside down."
    if right and near(value, right, 10 * tolerance):
        return f"{value:g} is near, but not near enough: something was rounded too early, or a small term is missing."
    return f"{value:g} is too {'large' if value > right else 'small'}."


def whole(right, mistakes=()):
    """A whole number is asked for, a count or a size; `mistakes` as in `number`."""

    def mark(answer):
        value = as_number(answer)
        if value == right:
            return
        for famous, sentence in mistakes:
            if value == famous:
                raise Wrong(sentence)
        if value != round(value):
            raise Wrong(f"{value:g} is not a whole number, and the answer is one.")
        if abs(value - right) == 1:
            raise Wrong(f"{value:g} is off by one: were the ends counted right?")
        raise Wrong(f"{value:g} is too {'large' if value > right else 'small'}.")

    return mark


def array(right, mistakes=(), tolerance=1e-2):
    """An array or a list of numbers is asked for.

    Parameters
    ----------
    right : array_like
    mistakes : list of (array_like, str)
        Famous wrong arrays, and what to say about each. A wrong sign, a transposed matrix, a common factor and a list
        turned round are known without.
    tolerance : float
        How far each number may be off, as a part of the largest.
    """
    right = np.asarray(right, float)

    def mark(answer):
        value = as_array(answer)
        if same(value, right, tolerance):
            return
        for famous, sentence in mistakes:
            if same(value, famous, min(tolerance, 1e-3)):
                raise Wrong(sentence)
        raise Wrong(about_array(value, right, tolerance))

    return mark


def about_array(value, right, tolerance):
    """What can be said about any wrong array."""
    if value.ndim == right.ndim == 2 and same(value.T, right, tolerance):
        return "The numbers are right, and transposed: rows stand where columns should."
    if value.shape != right.shape:
        return f"The shape is {value.shape}; {right.shape} was expected."
    if same(-value, right, tolerance):
        return "The sizes are right, every sign is wrong."
    if right.ndim == 1 and same(value[::-1], right, tolerance):
        return "The numbers are right, in the reverse order."
    overlap = np.vdot(value, right)
    if overlap and same(value * (overlap / np.vdot(value, value)), right, tolerance):
        return f"Every number is {np.vdot(value, value) / overlap:.3g} times what it should be."
    good = np.abs(value - right) <= tolerance * (np.abs(right).max() or 1.0)
    first = tuple(map(int, np.argwhere(~good)[0]))
    place = f"[{', '.join(map(str, first))}]"
    return f"{good.sum()} of {good.size} numbers are right; the first that is not stands at {place}: {value[first]:g}."


def choice(right, sentences):
    """One letter of several is asked for.

    Parameters
    ----------
    right : str
    sentences : dict of str to str
        For every wrong letter, why it is wrong.
    """
    letters = sorted([right, *sentences])

    def mark(answer):
        letter = str(answer).strip().strip("()").lower()
        if letter not in letters:
            raise Wrong(f"Choose one of {', '.join(map(repr, letters))}.")
        if letter != right:
            raise Wrong(sentences[letter])

    return mark


def function(oracle, cases, mistakes=(), tolerance=1e-6):
    """A function is asked for, which is called on cases and compared with another.

    Parameters
    ----------
    oracle : callable
        Gives what is right.
    cases : list of tuple
        Arguments, the simplest first: the first case that is wrong is shown.
    mistakes : list of (callable, str)
        Wrong functions that students write, and what to say about an answer that does the same in every case.
    tolerance : float
    """

    def mark(answer):
        if not callable(answer):
            raise Wrong(f"A function was expected; this is of type {type(answer).__name__}.")
        used = copy.deepcopy(cases)
        given = [as_array(call(answer, *case)) for case in used]
        expected = [np.asarray(oracle(*case), float) for case in cases]
        wrong = [i for i in range(len(cases)) if not same(given[i], expected[i], tolerance)]
        if not wrong:
            if not _unchanged(used, cases):
                raise Wrong(
                    "The numbers are right, but the function writes to an array that it was given, as `w += ...` does. "
                    "Make a new one: `w + ...`."
                )
            return
        for famous, sentence in mistakes:
            if all(same(value, famous(*case), tolerance) for value, case in zip(given, cases, strict=True)):
                raise Wrong(sentence)
        first = wrong[0]
        arguments = ", ".join(brief(argument) for argument in cases[first])
        raise Wrong(
            f"For ({arguments}) your function gives {brief(given[first])}, and {brief(expected[first])} was expected."
        )

    return mark


def _unchanged(used, cases):
    """Whether the arrays among the arguments are as they were."""
    pairs = [pair for case in zip(used, cases, strict=True) for pair in zip(*case, strict=True)]
    return all(np.array_equal(a, b) for a, b in pairs if isinstance(b, np.ndarray))


def layer(make, *inputs, oracle=None):
    """A class with forward and backward is asked for.

    Parameters
    ----------
    make : callable
        Takes the class and returns a layer, ready to be checked: ``lambda cls: cls(3, 2)``.
    *inputs
        What forward takes: x, or prediction and target.
    oracle : callable, optional
        Takes the layer and the inputs, and gives what forward should.

    Notes
    -----
    forward is compared with the oracle, backward with the slopes of forward by `check_gradients`, whose guess at the
    cause is what the student is told.
    """

    def mark(answer):
        one = call(make, answer)
        y = as_array(call(one.forward, *inputs))
        expected = y if oracle is None else np.asarray(oracle(one, *inputs), float)
        if not same(y, expected, 1e-6):
            raise Wrong(f"forward is not right yet: it gives {brief(y)}, and {brief(expected)} was expected.")
        call(one.backward, np.ones_like(y)) if y.ndim else call(one.backward)
        if any(gradient is ... for gradient in getattr(one, "grads", {}).values()):
            raise Unanswered
        report = check_gradients(call(make, answer), *inputs)
        if not report:
            guess = report.guess
            raise Wrong(f"{report.verdict} " + (f"It looks like {guess.title}: {guess.hint}" if guess else ""))

    return mark


def call(function, *arguments):
    """What a student's code returns; its accidents become `Wrong`, and what is not written yet `Unanswered`."""
    try:
        value = function(*arguments)
    except Exception as error:
        if "ellipsis" in str(error).lower():
            raise Unanswered from None
        line = traceback.extract_tb(error.__traceback__)[-1].line
        where = f" in the line `{line}`" if line else ""
        raise Wrong(f"Your code stops with {type(error).__name__}{where}: {error}") from None
    if unfinished(value):
        raise Unanswered
    if value is None:
        raise Wrong("Your function returns None: is the `return` missing?")
    return value


def unfinished(answer):
    """Whether there is still a `...` in an answer, or in a part of it."""
    return answer is ... or (isinstance(answer, list | tuple) and any(map(unfinished, answer)))


def as_number(answer):
    """A finite float, or `Wrong` says why it is none."""
    value = as_array(answer)
    if value.size != 1:
        raise Wrong(f"One number was expected; this has the shape {value.shape}.")
    return value.item()


def as_array(answer):
    """Finite numbers in an array, or `Wrong` says why not."""
    if unfinished(answer):
        raise Unanswered
    try:
        value = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise Wrong(f"Numbers were expected; `{str(answer)[:60]}` is something else.") from None
    if not np.isfinite(value).all():
        raise Wrong("There is a NaN or an infinity in it.")
    return value


def near(value, right, tolerance):
    """Whether they differ by no more than a part of the right one, or by no more than the tolerance if that is 0."""
    return math.isclose(value, right, rel_tol=tolerance, abs_tol=0 if right else tolerance)


def same(value, right, tolerance):
    """Whether two arrays have the same shape, and numbers that differ by no more than a part of the largest."""
    value, right = np.asarray(value, float), np.asarray(right, float)
    if value.shape != right.shape:
        return False
    size = np.abs(right).max(initial=0.0) or 1.0
    return bool(np.all(np.abs(value - right) <= tolerance * size))


def brief(value):
    """A value in one line."""
    if callable(value):
        return getattr(value, "__name__", "a function")
    if np.ndim(value) == 0:
        return f"{float(value):.6g}"
    text = np.array2string(np.asarray(value), precision=4, suppress_small=True, threshold=12, separator=", ")
    return " ".join(text.split())
