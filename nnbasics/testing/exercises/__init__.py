"""The exercises of the lectures: what is asked, who marks it, hints, and the solution; one file a lecture.

>>> from nnbasics.testing import exercise
>>> exercise("01-perceptron/update").check(...)
>>> exercise("01-perceptron/update").hint()
>>> exercise("01-perceptron/update").solution()

A lecture's file holds a list EXERCISES; it is loaded when one of its exercises is asked for.
"""

import importlib
import pkgutil

from nnbasics.errors import UserError, nearest
from nnbasics.testing.exercises.attempt import Attempt

_BEGUN = {}


def exercise(name):
    """A student's attempt at an exercise: `check(answer)`, `hint()` and `solution()`.

    The same name gives the same attempt again, so that hints go on where they were.

    Parameters
    ----------
    name : str
        The lecture and the exercise, "01-perceptron/update".
    """
    if name not in _BEGUN:
        number = str(name)[:2]
        if number not in lectures():
            raise UserError(f"exercise {name!r}: there is no lecture {number!r}; {nearest(number, lectures())}")
        known = {entry.name: entry for entry in of_lecture(number)}
        if name not in known:
            raise UserError(f"there is no exercise {name!r}; {nearest(name, known)}")
        _BEGUN[name] = Attempt(known[name])
    return _BEGUN[name]


def lectures():
    """The numbers of the lectures that have exercises: "01", "02", ..."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name.removeprefix("lecture") for name in names if name.startswith("lecture")]


def of_lecture(number):
    """All exercises of a lecture."""
    return importlib.import_module(f"{__name__}.lecture{number}").EXERCISES
