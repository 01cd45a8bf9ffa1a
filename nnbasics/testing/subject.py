"""Whatever is checked, seen in one way: arrays with names go in, y comes out, and gradients by those names come back.

A layer, a loss, a network, a pair of functions or one function that returns value and gradient: the checker works on a
float64 copy of any of them, and never learns which it was.
"""

import copy
import inspect
import random
import types
from collections.abc import Mapping, Sequence

import numpy as np

from nnbasics.errors import UserError


class Subject:
    """A float64 copy of what the student wrote, with the arrays that can be moved a little.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What the output depends on: the input(s) and every parameter. Writing into them moves the copy.
    inputs : list of str
        Which of the arrays are inputs; the others are parameters.
    accumulates : bool
        Whether backward adds to the gradients that are there (known once it was seen): they are set to 0 before it.
    """

    accumulates = False

    def __init__(self, thing, inputs, names):
        self.thing = thing
        self.given = list(inputs)
        self.inputs = [name for name, value in zip(names, inputs, strict=True) if _is_float(value)]
        self.arrays = {name: value for name, value in zip(names, inputs, strict=True) if _is_float(value)}
        self.randomness = Randomness(thing)
        self.y_dtype = self.y_ndim = None
        self.touched_x = False

    @property
    def title(self):
        return _title(self.thing)

    def unlisted(self):
        """Names of arrays that the object has before its first forward, and that are no parameters: forgotten ones?"""
        return []

    def run(self):
        """y as a float64 array of its own, for the arrays as they are now; a drawn mask is drawn the same each time."""
        self.randomness.rewind()
        given = [np.array(value) if isinstance(value, np.ndarray) else value for value in self.given]
        with np.errstate(all="ignore"):
            y = self._forward(*given)
        self.touched_x |= any(
            isinstance(now, np.ndarray) and not np.array_equal(now, was, equal_nan=now.dtype.kind == "f")
            for now, was in zip(given, self.given, strict=True)
        )
        if y is None:
            raise UserError(f"{self.title}: forward returned None; its last line should be `return y`")
        y = np.asarray(y)
        if y.dtype.kind not in "fiub":
            raise UserError(f"{self.title}: forward returned an array of {y.dtype}; numbers were expected")
        self.y_dtype, self.y_ndim = y.dtype, y.ndim
        return y.astype(np.float64)

    def back(self, dy):
        """Copies of the gradients, by the names of `arrays`; None where there is none. `dy` may be spoiled."""
        with np.errstate(all="ignore"):
            returned = self._backward(dy)
        several = returned if isinstance(returned, tuple) else [returned]
        self.returned = type(several[0]).__name__ if several else "empty tuple"
        gradients = dict.fromkeys(self.arrays)
        gradients.update(zip(self.inputs, map(_copied, several), strict=False))
        return gradients

    def branches(self):
        """The decisions of the last run, or None where nobody says."""
        return None

    def with_one_row_more(self):
        """The same subject on a batch whose first row stands there twice."""
        twin = copy.copy(self)
        rows = len(self.given[0])
        longer = [
            np.concatenate([value, value[:1]])
            if isinstance(value, np.ndarray) and value.shape[:1] == (rows,)
            else value
            for value in self.given
        ]
        swap = {id(old): new for old, new in zip(self.given, longer, strict=True)}
        twin.given = longer
        twin.arrays = {name: swap.get(id(array), array) for name, array in self.arrays.items()}
        return twin

    def call_with(self, **arrays):
        """Write other values into some arrays and run."""
        for name, value in arrays.items():
            self.arrays[name][...] = value
        return self.run()


class MethodSubject(Subject):
    """An object with `forward` and `backward`: a layer, a network, a loss."""

    def __init__(self, layer, inputs):
        forward = _parameters(layer.forward)
        names = ["x"] if len(inputs) == 1 else _names(forward, len(inputs))
        super().__init__(layer, inputs, names)
        self._attributes = [key for key, value in getattr(layer, "__dict__", {}).items() if _is_float(value)]
        for key, value in parameters(layer).items():
            self.arrays[key if key not in self.inputs else f"params.{key}"] = value
        self._forward = layer.forward

    def unlisted(self):
        return self._attributes if not hasattr(self.thing, "params") else []

    @property
    def is_loss(self):
        """Whether the output is the loss itself, so that backward takes no dy: dL/dL = 1."""
        needed, possible = arity(self.thing.backward)
        return needed == 0 and (possible == 0 or self.y_ndim == 0)

    def _backward(self, dy):
        return self.thing.backward() if self.is_loss else self.thing.backward(dy)

    def back(self, dy):
        if self.accumulates:
            for gradient in listed(self.thing.grads).values():
                gradient[...] = 0
        gradients = super().back(dy)
        grads = listed(getattr(self.thing, "grads", {}))
        for name in self.arrays:
            if name not in self.inputs:
                gradients[name] = _copied(grads.get(name.removeprefix("params.")))
        return gradients

    def branches(self):
        decide = getattr(self.thing, "branches", None)
        return None if decide is None else [np.array(decision) for decision in decide()]


class PairSubject(Subject):
    """(forward, backward): `forward(x) -> y`, `backward(x, dy) -> dx` or `backward(dy) -> dx`.

    With a cache in between (`forward(x, w) -> (y, cache)`, `backward(dy, cache) -> (dx, dw)`) it works too.
    """

    is_loss = False

    def __init__(self, pair, inputs):
        super().__init__(pair, inputs, _names(_parameters(pair[0]), len(inputs)))
        self._cache = None

    def _forward(self, *inputs):
        y = self.thing[0](*inputs)
        self._last = inputs
        self._cache = None
        if isinstance(y, tuple) and len(y) == 2:
            y, self._cache = y
        return y

    def _backward(self, dy):
        backward = self.thing[1]
        if self._cache is not None:
            return backward(dy, self._cache)
        needed, _ = arity(backward)
        if needed <= 1:
            return backward(dy)
        if needed != len(self._last) + 1:
            raise UserError(
                f"{self.title}: backward takes {needed} arguments; it should take the inputs and dy "
                f"({len(self._last) + 1} in all), or dy alone"
            )
        first = next(iter(_parameters(backward)))
        dy_first = first.startswith(("dy", "dout", "grad", "upstream"))
        return backward(dy, *self._last) if dy_first else backward(*self._last, dy)


class FunctionSubject(Subject):
    """One function that returns its value and its gradient: `loss, gradient = objective(x)`."""

    is_loss = True

    def __init__(self, function, inputs):
        super().__init__(function, inputs, _names(_parameters(function), len(inputs)))

    def _forward(self, *inputs):
        both = self.thing(*inputs)
        if not isinstance(both, tuple) or len(both) != 2:
            raise UserError(
                f"{self.title}: one function was given, so it should return (value, gradient); "
                f"for two functions write check_gradients((forward, backward), x)"
            )
        self._gradient = both[1]
        return both[0]

    def _backward(self, dy):
        return self._gradient


def subject(thing, *inputs):
    """A `Subject` on a float64 copy of `thing`; the caller's object stays as it is.

    Raises
    ------
    UserError
        If `thing` is nothing that has a forward and a backward.
    """
    if isinstance(thing, type):
        raise UserError(f"{thing.__name__} is a class; give a layer made from it: {thing.__name__}(...)")
    if isinstance(thing, tuple | list) and len(thing) == 2 and all(callable(one) for one in thing):
        return PairSubject(tuple(thing), _doubles(inputs))
    if hasattr(thing, "forward") and hasattr(thing, "backward"):
        return MethodSubject(in_float64(thing, inputs), _doubles(inputs))
    if callable(thing):
        if inputs and callable(inputs[0]):
            raise UserError("two functions go together in brackets: check_gradients((forward, backward), x)")
        return FunctionSubject(thing, _doubles(inputs))
    raise UserError(
        f"a {type(thing).__name__} cannot be checked; give a layer, a loss, a network (anything with forward and "
        f"backward), or two functions in brackets: (forward, backward)"
    )


def in_float64(layer, inputs):
    """A deep copy whose parameters are float64, wherever in the object they are referred to."""
    layer = copy.deepcopy(layer)
    if not parameters(layer) and hasattr(layer, "params"):
        with np.errstate(all="ignore"):
            layer.forward(*_doubles(inputs))  # some layers make their parameters when they first see x
    originals = parameters(layer)
    memo = {id(value): value.astype(np.float64) for value in originals.values()}
    return copy.deepcopy(layer, memo)


def parameters(layer):
    """A layer's parameters that are arrays of real numbers, by key."""
    return {key: value for key, value in listed(getattr(layer, "params", {})).items() if _is_float(value)}


def is_frozen(layer, key):
    """Whether nobody wants the gradient of a parameter: the layer is frozen, or that in it to which the key belongs."""
    if getattr(layer, "frozen", False):
        return True
    name, _, rest = key.partition(".")
    inner = listed(getattr(layer, "layers", {})).get(name)
    return inner is not None and is_frozen(inner, rest)


def listed(collection):
    """A dict of whatever holds parameters: a mapping as it is, a list under its indices."""
    if isinstance(collection, Mapping):
        return {str(key): value for key, value in collection.items()}
    if isinstance(collection, Sequence):
        return {str(i): value for i, value in enumerate(collection)}
    return {}


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


def _doubles(inputs):
    return [_double(i, value) for i, value in enumerate(inputs)]


def _double(position, value):
    array = np.asarray(value)
    if position == 0 and array.dtype.kind not in "fiub":
        raise UserError(f"x is an array of {array.dtype}; real numbers were expected")
    if position == 0 or array.dtype.kind == "f":
        array = np.array(array, np.float64)
        if position == 0 and not np.isfinite(array).all():
            raise UserError("x has values that are not finite; a gradient there means nothing")
        return array
    return np.array(array) if array.dtype.kind in "iub" and np.ndim(value) else value


def _copied(gradient):
    """An array of its own, or None for what is no array of numbers."""
    try:
        array = np.array(gradient)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in "fiub" else None


def _is_float(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def _names(parameters, count):
    names = [name for name, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    if len(names) < count:
        names = ["x", *(f"input {i + 1}" for i in range(1, count))]
    return names


def arity(function):
    """How many positional arguments a function needs, and how many it can take."""
    ps = _parameters(function).values()
    places = [p for p in ps if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    possible = 99 if any(p.kind == p.VAR_POSITIONAL for p in ps) else len(places)
    return sum(p.default is p.empty for p in places), possible


def _title(thing):
    if isinstance(thing, tuple):
        return f"({', '.join(getattr(one, '__name__', type(one).__name__) for one in thing)})"
    if isinstance(thing, types.FunctionType):
        return thing.__name__
    label = getattr(thing, "label", None)
    if isinstance(label, str):
        return label
    own = repr(thing)
    return type(thing).__name__ if " at 0x" in own or len(own) > 80 or "\n" in own else own
