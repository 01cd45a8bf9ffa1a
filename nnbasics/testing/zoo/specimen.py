"""What a specimen of the zoo is: a right class, a class made from it that is wrong in one method, and a story."""

import inspect
import textwrap
from dataclasses import dataclass

import numpy as np

from nnbasics.testing.gradients import check_gradients

ZOO = {}


@dataclass(frozen=True)
class Specimen:
    """One wrong layer.

    Attributes
    ----------
    name : str
        The name of the wrong class.
    family : str
        Which mistake it is, a key of `nnbasics.testing.causes.FAMILIES`. It gives the answer away.
    hint : str
        Where to look.
    wrong, right : type
        The class, and the one that it should have been.
    arguments : tuple
        What both are made with.
    inputs : tuple
        An input that shows the mistake; for losses the target too.
    """

    name: str
    family: str
    hint: str
    wrong: type
    right: type
    arguments: tuple
    inputs: tuple

    @property
    def story(self):
        """How somebody came to write it."""
        return inspect.cleandoc(self.wrong.__doc__)

    @property
    def code(self):
        """The wrong class as its author would have written it."""
        return f"class {self.name}:\n" + "\n".join(_source(self.wrong, method) for method in _methods(self.wrong))

    @property
    def answer(self):
        """The methods that were wrong, as they should be."""
        changed = [method for method in _methods(self.wrong) if method in vars(self.wrong)]
        return "\n".join(_source(self.right, method) for method in changed)

    def layer(self):
        """A new instance of the wrong class."""
        return self.wrong(*self.arguments)

    def report(self):
        """What the checker says about it."""
        return check_gradients(self.layer(), *self.inputs)

    def __str__(self):
        return f"{textwrap.fill(' '.join(self.story.split()), 100)}\n\n{self.code}"


def specimen(family, hint, *arguments, x, more=()):
    """Enter a wrong class into the zoo; its base class is the right one, its docstring the story."""

    def enter(wrong):
        ZOO[wrong.__name__] = Specimen(wrong.__name__, family, hint, wrong, wrong.__mro__[1], arguments, (x, *more))
        return wrong

    return enter


def values(*shape, seed=0):
    """Numbers of both signs, none of them near zero."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def _methods(cls):
    known = ("__init__", "forward", "backward")
    helpers = {name for one in cls.__mro__[:-1] for name, it in vars(one).items() if inspect.isfunction(it)} - {*known}
    return [name for name in (*known, *sorted(helpers)) if inspect.isfunction(getattr(cls, name, None))]


def _source(cls, method):
    return inspect.getsource(getattr(cls, method)).rstrip() + "\n"
