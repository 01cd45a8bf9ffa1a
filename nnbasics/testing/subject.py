"""Whatever is checked, seen in one way: arrays with names go in, y comes out, and gradients by those names come back.

A layer, a loss, a network, a pair of functions or one function that returns value and gradient: the checker works on a
float64 copy of any of them, and never learns which it was.
"""

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np

from nnbasics.errors import UserError
from nnbasics.testing.parameters import (
    attributes,
    duplicate,
    gradient_names,
    is_float,
    listed,
    numbers,
    parameters,
    with_dtype,
)
from nnbasics.testing.randomness import Randomness
from nnbasics.testing.signatures import needed, places, takes_nothing, title


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

    def __init__(self, thing, forward, backward, inputs, names=None):
        self.thing = thing
        self.forward, self.backward = forward, backward
        self.given = list(inputs)
        self._check_count()
        self.names = names or _input_names(forward, len(inputs))
        self.arrays = {name: value for name, value in zip(self.names, inputs, strict=True) if is_float(value)}
        self.inputs = list(self.arrays)
        self.randomness = Randomness(thing)
        self.y_dtype = self.y_ndim = self._parts = None
        self.touched_x = False

    @property
    def title(self):
        return title(self.thing)

    @property
    def x(self):
        """The first input, whether it can be moved or not."""
        return np.asarray(self.given[0])

    @property
    def is_loss(self):
        """Whether the output is the loss itself, so that backward takes no dy: dL/dL = 1."""
        return self._takes_inputs

    @property
    def _takes_inputs(self):
        """Whether backward takes what forward took and no dy, as the gradient of a loss does."""
        wanted = needed(self.backward)
        if self.y_ndim != 0 or len(wanted) != len(self.given):
            return False
        return len(wanted) > 1 or wanted == self.names

    def unlisted(self):
        """What the object has before its first forward, and what is no parameter with a gradient: forgotten ones?"""
        return []

    def run(self):
        """y as a float64 array of its own, for the arrays as they are now; a drawn mask is drawn the same each time."""
        self.randomness.rewind()
        given = [copy.deepcopy(value) if isinstance(value, np.ndarray | dict | list) else value for value in self.given]
        with np.errstate(all="ignore"):
            y = self._forward(*given)
        self.touched_x |= any(
            isinstance(now, np.ndarray) and not np.array_equal(now, was, equal_nan=now.dtype.kind == "f")
            for now, was in zip(given, self.given, strict=True)
        )
        y = self._joined(y)
        if y.dtype.kind not in "fiub":
            raise UserError(f"{self.title}: forward returned an array of {y.dtype}; numbers were expected")
        self.y_dtype, self.y_ndim = y.dtype, y.ndim
        return y.astype(np.float64)

    def _joined(self, y):
        """y as one array; several with names, such as a network's activations, are laid end to end."""
        self._parts = {name: np.shape(part) for name, part in y.items()} if isinstance(y, Mapping) else None
        if self._parts:
            return np.concatenate([np.ravel(part) for part in y.values()])
        if y is None or isinstance(y, tuple | Mapping):
            what = "None" if y is None else f"a {type(y).__name__} of {len(y)}"
            raise UserError(f"{self.title}: forward returned {what}; its last line should be `return y`, one array")
        return np.asarray(y)

    def _cut(self, dy):
        """dy as backward wants it: as the array that y was, or under the names that it had."""
        if not self._parts:
            return dy
        ends = np.cumsum([math.prod(shape) for shape in self._parts.values()])
        pieces = zip(self._parts.items(), np.split(dy, ends[:-1]), strict=True)
        return {name: piece.reshape(shape) for (name, shape), piece in pieces}

    def back(self, dy):
        """Copies of the gradients, by the names of `arrays`; None where there is none. `dy` may be spoiled."""
        with np.errstate(all="ignore"):
            returned = self._backward(self._cut(dy))
        several = returned if isinstance(returned, tuple) else [returned]
        self.returned = type(several[0]).__name__ if several else "empty tuple"
        names = self.names if len(several) > len(self.inputs) else self.inputs
        found = dict(zip(names, map(numbers, several), strict=False))
        return {name: found.get(name) for name in self.arrays}

    def _backward(self, dy):
        if self._takes_inputs:
            return self.backward(*self.given)
        wanted = needed(self.backward)
        if len(wanted) > 1:
            raise UserError(
                f"{self.title}: backward takes {len(wanted)} arguments ({', '.join(wanted)}), and it should take dy "
                "alone; two functions can take the place of the object: check_gradients((forward, backward), x)"
            )
        return self.backward() if self.is_loss else self.backward(dy)

    def _check_count(self):
        wanted = needed(self.forward)
        if len(wanted) > len(self.given):
            names = ", ".join(wanted)
            raise UserError(
                f"{self.title}: forward takes {len(wanted)} arguments ({names}), and it was given {len(self.given)}; "
                f"they go behind what is checked: check_gradients(..., {names})"
            )

    def branches(self):
        """The decisions of the last run, or None where nobody says."""
        return None

    def derivative(self):
        """What backward gives for x in place of dy, if it is a function of one argument; else None."""
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

    def try_with(self, **arrays):
        """As `call_with`, for values that nobody asked for: None where forward refuses them."""
        try:
            return self.call_with(**arrays)
        except Exception:  # it need not be defined there
            return None


class MethodSubject(Subject):
    """An object with `forward` and `backward`: a layer, a network, a loss."""

    def __init__(self, layer, inputs, gradient_names):
        super().__init__(layer, layer.forward, layer.backward, inputs, ["x"] if len(inputs) == 1 else None)
        self._attributes = list(attributes(layer))
        self._gradient_names = gradient_names
        self._forward = layer.forward
        known = parameters(layer) | {name: getattr(layer, name) for name in gradient_names}
        for key, value in known.items():
            self.arrays[key if key not in self.inputs else f"params.{key}"] = value

    def unlisted(self):
        if not hasattr(self.thing, "params"):
            known = {*self._gradient_names, *self._gradient_names.values()}
            return [name for name in self._attributes if name not in known]
        others = {key: value for key, value in listed(self.thing.params).items() if not is_float(value)}
        if not others and not isinstance(self.thing.params, Mapping | Sequence):
            others = {"params": self.thing.params}
        return [f"{key} ({_kind(value)})" for key, value in others.items()]

    @property
    def is_loss(self):
        alone = takes_nothing(self.backward) or (self.y_ndim == 0 and not needed(self.backward))
        return alone or super().is_loss

    def back(self, dy):
        if self.accumulates:
            for gradient in self._gradients().values():
                gradient[...] = 0
        gradients = super().back(dy)
        found = self._gradients()
        for name in self.arrays:
            if name not in self.inputs:
                gradients[name] = numbers(found.get(name.removeprefix("params.")))
        return gradients

    def _gradients(self):
        """What backward left, by the parameters' names."""
        by_name = {name: getattr(self.thing, other, None) for name, other in self._gradient_names.items()}
        return listed(getattr(self.thing, "grads", {})) | by_name

    def branches(self):
        decide = getattr(self.thing, "branches", None)
        return None if decide is None else [np.array(decision) for decision in decide()]


class PairSubject(Subject):
    """(forward, backward): `forward(x) -> y`, `backward(x, dy) -> dx` or `backward(dy) -> dx`.

    With a cache in between (`forward(x, w) -> (y, cache)`, `backward(dy, cache) -> (dx, dw)`) it works too, and for a
    loss and its gradient: `loss(prediction, target)`, `gradient(prediction, target)`.
    """

    def __init__(self, pair, inputs):
        super().__init__(pair, *pair, inputs)
        self._cache = None

    def _forward(self, *inputs):
        y = self.forward(*inputs)
        self._last = inputs
        self._cache = None
        if isinstance(y, tuple) and len(y) == 2:
            y, self._cache = y
        return y

    def _backward(self, dy):
        if self._takes_inputs:
            return self.backward(*self._last)
        if self._cache is not None:
            return self.backward(dy, self._cache)
        wanted = needed(self.backward)
        if len(wanted) <= 1:
            return self.backward(dy)
        if len(wanted) != len(self._last) + 1:
            raise UserError(
                f"{self.title}: backward takes {len(wanted)} arguments; it should take the inputs and dy "
                f"({len(self._last) + 1} in all), or dy alone"
            )
        dy_first = wanted[0].startswith(("dy", "dout", "grad", "upstream"))
        return self.backward(dy, *self._last) if dy_first else self.backward(*self._last, dy)

    def derivative(self):
        if self._cache is not None or len(needed(self.backward)) != 1:
            return None
        try:
            found = numbers(self.backward(np.array(self.x)))
        except Exception:  # it was written for dy
            return None
        return found if found is not None and found.shape == self.x.shape else None


class FunctionSubject(Subject):
    """One function that returns its value and its gradient: `loss, gradient = objective(x)`."""

    is_loss = True

    def __init__(self, function, inputs):
        super().__init__(function, function, None, inputs)

    def _forward(self, *inputs):
        both = self.forward(*inputs)
        if not isinstance(both, tuple) or len(both) != 2:
            hint = "two functions are written in brackets: check_gradients((forward, backward), x)"
            if hasattr(self.thing, "backward"):
                hint = "a layer's first method is called forward; or write check_gradients((layer, layer.backward), x)"
            raise UserError(
                f"{self.title}: it is called as one function that returns (value, gradient), and did not; {hint}"
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
        return PairSubject(tuple(thing), movable(thing[0], inputs))
    if hasattr(thing, "forward") and hasattr(thing, "backward"):
        inputs = movable(lambda *values: duplicate(thing).forward(*values), inputs)
        names = gradient_names(thing, inputs)
        return MethodSubject(with_dtype(thing, np.float64, inputs, names), inputs, names)
    if callable(thing):
        if inputs and callable(inputs[0]):
            raise UserError("two functions go together in brackets: check_gradients((forward, backward), x)")
        return FunctionSubject(thing, doubles(inputs))
    raise UserError(
        f"a {type(thing).__name__} cannot be checked; give a layer, a loss, a network (anything with forward and "
        f"backward), or two functions in brackets: (forward, backward)"
    )


def movable(forward, inputs):
    """The inputs in float64; but whole numbers stay what they are for a forward that takes nothing else: indices."""
    in_doubles = doubles(inputs)
    x = np.asarray(inputs[0])
    indices = [x.copy(), *in_doubles[1:]]
    if x.dtype.kind in "iu" and not _takes(forward, in_doubles) and _takes(forward, indices):
        return indices
    return in_doubles


def _takes(forward, inputs):
    try:
        with np.errstate(all="ignore"):
            forward(*inputs)
    except Exception:  # it may say so in any words
        return False
    return True


def doubles(inputs):
    """The inputs as the checks take them: x, and what else has real numbers, as float64 arrays of their own."""
    return [_double(i, value) for i, value in enumerate(inputs)]


def _double(position, value):
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        raise UserError("x is made of lists of different lengths; an array of real numbers was expected") from None
    if position == 0 and array.dtype.kind not in "fiub":
        raise UserError(f"x is an array of {array.dtype}; real numbers were expected")
    if position == 0 or array.dtype.kind == "f":
        array = np.array(array, np.float64)
        if position == 0 and not np.isfinite(array).all():
            raise UserError("x has values that are not finite; a gradient there means nothing")
        return array
    return np.array(array) if array.dtype.kind in "iub" and np.ndim(value) else value


def _kind(value):
    """What something is that cannot be moved by a little in place, and what would do instead."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}: floats can be moved by a little"
    if isinstance(value, int | float | np.number):
        return "a number: np.array(...) of it can be moved in place"
    return f"a {type(value).__name__}: an array was expected"


def _input_names(forward, count):
    """What forward calls its first arguments."""
    names = places(forward)[:count]
    return names if len(names) == count else ["x", *(f"input {i + 1}" for i in range(1, count))]
