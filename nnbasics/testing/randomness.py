"""Random numbers held still: a layer that draws must draw the same each time, or there is no slope to measure."""

import random
import types
from collections.abc import Mapping

import numpy as np


class Randomness:
    """Every random generator that `thing` can reach, and how to wind all of them back to where they are now."""

    def __init__(self, thing):
        self.generators = {}
        self._find(thing, set())
        self._states = {key: _state(generator) for key, generator in self.generators.items()}
        self._numpy = np.random.get_state()  # noqa: NPY002 - students' dropout draws from it
        self._python = random.getstate()

    def rewind(self):
        """Make the next draws those that followed the construction of this object."""
        for key, generator in self.generators.items():
            if isinstance(generator, np.random.Generator):
                generator.bit_generator.state = self._states[key]
            elif isinstance(generator, np.random.RandomState):
                generator.set_state(self._states[key])
            else:
                generator.setstate(self._states[key])
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)

    def now(self):
        """Where the generators are, in a form that can be compared."""
        return repr([_state(generator) for generator in self.generators.values()]), repr(np.random.get_state())  # noqa: NPY002

    def _find(self, thing, seen):
        if id(thing) in seen or isinstance(thing, np.ndarray | str | bytes | int | float | type | types.ModuleType):
            return
        seen.add(id(thing))
        if isinstance(thing, np.random.Generator | np.random.RandomState | random.Random):
            self.generators[id(thing)] = thing
            return
        for part in _parts(thing):
            self._find(part, seen)


def _state(generator):
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate()


def _parts(thing):
    if isinstance(thing, Mapping):
        return list(thing.values())
    if isinstance(thing, list | tuple | set):
        return list(thing)
    if isinstance(thing, types.FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or () if _filled(cell)]
        globals_used = [thing.__globals__[name] for name in thing.__code__.co_names if name in thing.__globals__]
        rngs = [value for value in globals_used if isinstance(value, np.random.Generator | np.random.RandomState)]
        return cells + rngs
    if isinstance(thing, types.MethodType):
        return [thing.__self__, thing.__func__]
    return list(getattr(thing, "__dict__", {}).values())


def _filled(cell):
    try:
        cell.cell_contents  # noqa: B018 - reading an empty cell raises
    except ValueError:
        return False
    return True
