"""The contract of a layer as a suite of points that anybody's class can be held against.

Nothing is asked of the class but its methods: `forward(x)`, `backward(dy)`, and `params`, `grads`, `training`, `frozen`
where they mean something. A loss has `forward(prediction, target)` and `backward()`.
"""

import contextlib
import copy
import textwrap
import warnings

import numpy as np

from nnbasics.errors import UserError
from nnbasics.testing.gradients import check_gradients
from nnbasics.testing.parameters import duplicate, is_frozen, listed, parameters, with_dtype
from nnbasics.testing.randomness import Randomness
from nnbasics.testing.signatures import needed, title
from nnbasics.testing.subject import doubles, movable

POINTS = []
ACCIDENTS = (AttributeError, TypeError, LookupError, NameError, ArithmeticError)


class ContractError(AssertionError):
    """A layer does not keep some points of the contract.

    Attributes
    ----------
    failures : list of (str, str)
        The point, and what was found with what to do about it.
    """

    def __init__(self, name, failures, total):
        self.failures = failures
        lines = [f"{name} does not keep {len(failures)} of {total} points of the contract:"]
        for number, (point, told) in enumerate(failures, 1):
            lines += ["", f"{number}. {point}", textwrap.indent(told, "   ")]
        super().__init__("\n".join(lines))


class Broken(Exception):
    """One point does not hold: what was seen, and what to do."""

    def __init__(self, seen, todo=""):
        super().__init__(f"{seen}\nDo: {todo}" if todo else seen)


def check_layer(layer, x, *more):
    """Hold a layer, a loss or a network against the contract; raise with everything that it does not keep.

    Shapes, dtypes, arrays of the caller left alone, backward twice the same, backward before forward and dy of a wrong
    shape refused in words, memory of any layout, an empty batch, rows that do not see each other, training and use,
    frozen and not, and the gradient itself. The layer that is given is left as it was.

    Parameters
    ----------
    layer : object
        With `forward` and `backward`; it should not have seen any input yet.
    x : ndarray
        An input, the first axis the batch, of two rows or more. Whole numbers stay what they are for a layer that takes
        nothing else, such as an embedding; its backward may return None, since they have no gradient.
    *more
        Further inputs of forward: the target of a loss.

    Raises
    ------
    ContractError
        An `AssertionError` whose message lists every point that does not hold, with what to do.
    UserError
        If `layer` has no forward and backward.

    Examples
    --------
    >>> check_layer(ReLU(), np.random.default_rng(0).standard_normal((4, 5)))
    """
    points = applicable(layer, x)
    failures = []
    for point in points:
        told = point.told(layer, x, *more)
        if told is not None:
            failures.append((point.says, told))
        if failures and point.test is shapes:
            failures[0] = (point.says, f"{told}\nWithout arrays of the right shape the other points cannot be asked.")
            break
    if failures:
        raise ContractError(title(layer), failures, len(points))


def parametrize_with_checks(cases):
    """A pytest decorator: one test for each case and each point of the contract.

    Parameters
    ----------
    cases : list of tuple
        (layer, x), or (loss, prediction, target).

    Examples
    --------
    ::

        @parametrize_with_checks([(MyReLU(), x), (MyConv(3, 8, 3), pictures)])
        def test_contract(check):
            check()
    """
    import pytest

    tests = []
    for case in cases:
        for point in applicable(*case[:2]):
            name = " ".join(title(case[0]).split())
            tests.append(pytest.param(Check(point, case), id=f"{name}-{point.name}"))
    return pytest.mark.parametrize("check", tests)


class Check:
    """One point for one case; calling it raises a `ContractError` if the point does not hold."""

    def __init__(self, point, case):
        self.point = point
        self.case = case

    def __call__(self):
        told = self.point.told(*self.case)
        if told is not None:
            raise ContractError(title(self.case[0]), [(self.point.says, told)], 1)

    def __repr__(self):
        return f"Check({title(self.case[0])}, {self.point.name})"


class Point:
    """One point of the contract: a function that raises `Broken`, what it says, and for whom it is."""

    def __init__(self, test, says, applies):
        self.test = test
        self.name = test.__name__
        self.says = says
        self.applies = applies

    def told(self, layer, x, *more):
        """What is broken, in words; None if the point holds."""
        bench = Bench(layer, x, *more)
        try:
            with np.errstate(all="ignore"):
                self.test(bench)
        except Broken as broken:
            return str(broken)
        except Exception as error:
            return f"it stops with {type(error).__name__}: {error}"
        finally:
            bench.world.rewind()
        return None


def point(says, applies=lambda layer, x: True):
    """Register a function as a point of the contract."""

    def register(test):
        POINTS.append(Point(test, says, applies))
        return test

    return register


def applicable(layer, x):
    """The points that concern this layer."""
    if isinstance(layer, type) or not (hasattr(layer, "forward") and hasattr(layer, "backward")):
        kind = f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"
        raise UserError(f"{kind} cannot be checked; give an object with forward and backward: check_layer(ReLU(), x)")
    return [point for point in POINTS if point.applies(layer, doubles([x])[0])]


class Bench:
    """Where a layer is put for one point: fresh copies of it, the input, and one dy that fits."""

    def __init__(self, layer, x, *more):
        self.layer = layer
        self.world = Randomness(None)
        self.x = movable(lambda *values: duplicate(layer).forward(*values), [x, *more])[0]
        self.indices = self.x.dtype.kind in "iu"
        self.seen = self.x.shape
        self.more = more
        self.loss = is_loss(layer)

    def new(self):
        """A copy that has seen nothing, and draws the random numbers that every such copy draws."""
        self.world.rewind()
        fresh = copy.deepcopy(self.layer)
        if hasattr(fresh, "forget"):
            fresh.forget()
        return fresh

    def forward(self, layer, x, *more):
        self.seen = x.shape
        y = layer.forward(x, *(more or self.more))
        return y if isinstance(y, np.ndarray) else np.asarray(y)

    def backward(self, layer, dy):
        dx = layer.backward() if self.loss else layer.backward(dy)
        if dx is None and self.indices:
            return np.zeros(self.seen)
        if not isinstance(dx, np.ndarray):
            raise Broken(f"backward returned a {type(dx).__name__}.", "its last line is `return dx`, an array.")
        return dx

    def other(self, x, shift=0.0):
        """Another x of the same shape: values nearer to zero, or for indices the same ones the other way up."""
        return x.max() + x.min() - x if self.indices else x * 0.5 + shift

    def dy(self, y):
        """An upstream gradient for y, the same for every y of one shape."""
        return np.random.default_rng(1).uniform(-1, 1, y.shape).astype(y.dtype)

    def walk(self, layer, x, dy=None):
        """Forward and backward: y, dx and the gradients of the parameters, all copies; NumPy draws alike each time."""
        self.world.rewind()
        y = self.forward(layer, x)
        dx = self.backward(layer, self.dy(y) if dy is None else dy)
        return {"y": y.copy(), "dx": dx.copy(), **grads(layer)}


def is_loss(layer):
    """Whether backward takes nothing: the output is the loss itself."""
    return not needed(layer.backward) and len(needed(layer.forward)) > 1


def grads(layer):
    """Copies of a layer's gradients by key."""
    found = listed(getattr(layer, "grads", {}))
    return {key: np.array(value) for key, value in found.items() if value is not None}


def _layer(layer, x):
    return not is_loss(layer)


def _with_batch(layer, x):
    return not is_loss(layer) and x.ndim >= 2 and len(x) >= 2


def _with_modes(layer, x):
    return hasattr(layer, "training")


def _with_frozen(layer, x):
    return hasattr(layer, "frozen")


def _with_parameters(layer, x):
    return bool(parameters(layer))


@point("forward gives an array of finite numbers, and backward one of the shape of x")
def shapes(bench):
    layer = bench.new()
    y = layer.forward(bench.x, *bench.more)
    if y is None:
        raise Broken("forward returned None.", "its last line is `return y`.")
    if bench.loss and np.ndim(y) > 0:
        raise Broken(f"the loss is an array of shape {np.shape(y)}.", "return one number: the sum or the mean.")
    if not bench.loss and not isinstance(y, np.ndarray):
        raise Broken(f"forward returned a {type(y).__name__}.", "return one array, and keep the rest in the layer.")
    if not np.isfinite(y).all():
        raise Broken(f"forward gives {np.sum(~np.isfinite(y))} values that are NaN or infinite.", "divide by no zero.")
    dx = bench.backward(layer, bench.dy(np.asarray(y)))
    if dx.shape != bench.x.shape:
        raise Broken(f"dx has shape {dx.shape}, and x has {bench.x.shape}.", "dL/dx has one value for each of x's.")


@point("every parameter has a gradient under its key, of its shape", _with_parameters)
def gradients_named(bench):
    layer = bench.new()
    bench.walk(layer, bench.x)
    found = grads(layer)
    wanted = {key: value for key, value in parameters(layer).items() if key in found or not is_frozen(layer, key)}
    if set(wanted) != set(found):
        raise Broken(
            f"params has {sorted(wanted)}, grads has {sorted(found)}.", "set self.grads[key] for every key of params."
        )
    for key, value in wanted.items():
        if found[key].shape != value.shape:
            raise Broken(
                f"grads[{key!r}] has shape {found[key].shape}, the parameter {value.shape}.",
                "sum over the axes that the parameter does not have.",
            )


@point("float32 in gives float32 out, float64 in gives float64 out")
def dtypes(bench):
    for dtype in (np.float32, np.float64):
        layer = with_dtype(bench.new(), dtype, (bench.x, *bench.more)) if bench.indices else bench.new()
        y = bench.forward(layer, bench.x if bench.indices else bench.x.astype(dtype))
        dx = bench.backward(layer, bench.dy(y).astype(dtype))
        out = grads(layer)
        out |= {} if bench.indices else {"dx": dx}
        out |= {} if bench.loss else {"y": y}
        wrong = {name: array.dtype.name for name, array in out.items() if array.dtype != dtype}
        if wrong:
            raise Broken(
                f"{'the parameters are' if bench.indices else 'x is'} {dtype.__name__}, "
                f"and {', '.join(f'{name} is {has}' for name, has in wrong.items())}.",
                "make buffers with x.dtype, take parameters in x's dtype, and beware of np.float64 constants and ints.",
            )


@point("x, dy and the parameters are not written to")
def untouched(bench):
    layer = bench.new()
    x = bench.x.copy()
    before = {key: value.copy() for key, value in parameters(layer).items()}
    y = bench.forward(layer, x)
    _same_still("forward", x, bench.x, "x", "work on a new array: np.maximum(x, 0), not x[x < 0] = 0.")
    dy = bench.dy(y)
    bench.backward(layer, dy)
    _same_still("backward", x, bench.x, "x", "what forward kept of x is the caller's array: read it only.")
    _same_still("backward", dy, bench.dy(y), "dy", "make a new array: dy * mask, not dy *= mask or dy[...] = 0.")
    for key, value in before.items():
        _same_still(
            "a walk", parameters(layer)[key], value, key, "updates are the optimiser's business, not backward's."
        )


def _same_still(who, now, was, name, todo):
    if not np.array_equal(now, was):
        raise Broken(f"{who} changed {name}.", todo)


@point("what was returned stays as it is while the layer goes on")
def results_stay(bench):
    layer = bench.new()
    y = bench.forward(layer, bench.x)
    dx = bench.backward(layer, bench.dy(y))
    was = y.copy(), dx.copy()
    again = bench.forward(layer, bench.other(bench.x[::-1]))
    bench.backward(layer, 2 * bench.dy(again))
    for name, now, before in zip(("y", "dx"), (y, dx), was, strict=True):
        if not np.array_equal(now, before):
            raise Broken(
                f"the {name} returned before was overwritten by the next call.",
                "return a new array each time, or a copy of the buffer.",
            )


@point("backward twice gives the same twice, gradients set and not added to")
def twice(bench):
    layer = bench.new()
    first = bench.walk(layer, bench.x)
    dx = bench.backward(layer, bench.dy(first["y"]))
    second = {"dx": dx, **grads(layer)}
    for name, value in second.items():
        if not np.allclose(value, first[name], 1e-12, 1e-12):
            added = np.allclose(value, 2 * first[name], 1e-9, 1e-9)
            raise Broken(
                f"the second backward gives {'twice the' if added else 'another'} gradient for {name}.",
                "write grads[key] = ..., not +=; start buffers from zeros in backward, not in __init__."
                if added
                else "backward reads what forward kept and leaves it as it is.",
            )


@point("backward belongs to the last forward, whatever came before")
def last_forward(bench):
    used, fresh = bench.new(), bench.new()
    other = bench.other(bench.x, 0.0 if bench.loss else -0.1)
    bench.walk(used, other)
    if _with_batch(used, bench.x):
        bench.walk(used, other[:1].repeat(len(other) + 1, axis=0))
    _rewind(used, fresh)
    _expect_alike(bench.walk(used, bench.x), bench.walk(fresh, bench.x), "a layer that has seen other inputs before")


def _rewind(used, fresh):
    """Give the used layer the random numbers and running statistics of the fresh one, all that may differ rightly."""
    rngs = zip(Randomness(used).generators.values(), Randomness(fresh).generators.values(), strict=False)
    for one, other in rngs:
        if isinstance(one, np.random.Generator):
            one.bit_generator.state = other.bit_generator.state
    for one, other in zip(_statistics(used), _statistics(fresh), strict=False):
        vars(one[0])[one[1]] = copy.deepcopy(vars(other[0])[other[1]])


def _statistics(layer):
    """(object, attribute) of every running statistic in a layer or the layers in it."""
    inner = listed(getattr(layer, "layers", {})).values()
    own = [(layer, key) for key in getattr(layer, "__dict__", {}) if key.startswith("running")]
    return own + [one for part in inner for one in _statistics(part)]


def _expect_alike(found, expected, who, tolerance=1e-9):
    # A gradient that cancels to zero (a bias before batch normalisation) is rounding of the size of what cancelled.
    rounding = 1e-12 * max((np.abs(value).max(initial=0) for value in expected.values()), default=0)
    for name, value in expected.items():
        if name not in found:
            raise Broken(f"{who}: there is no gradient for {name}.", "grads has every key of params after backward.")
        absolute = max(tolerance * np.abs(value).max(initial=0), rounding)
        if found[name].shape != value.shape or not np.allclose(found[name], value, tolerance, absolute):
            off = np.abs(found[name] - value).max() if found[name].shape == value.shape else "another shape"
            raise Broken(
                f"{who} gives another {name} (difference {off:.2g})."
                if not isinstance(off, str)
                else f"{who} gives {name} of shape {found[name].shape}, and {value.shape} was expected.",
                "nothing may depend on what the layer saw before, or on how an array lies in memory.",
            )


@point("backward before forward is refused in words that name the layer")
def before_forward(bench):
    y = bench.forward(bench.new(), bench.x)
    layer = bench.new()
    try:
        bench.backward(layer, bench.dy(y))
    except Broken:
        raise
    except Exception as error:
        _expect_names(error, layer, ())
        return
    raise Broken(
        "backward gave an answer before any forward (or the layer that was given had been used already).",
        f"`if self.x is None: raise ValueError('{type(layer).__name__}: backward before forward')`.",
    )


@point("dy of a wrong shape is refused in words that name the layer and both shapes", _layer)
def wrong_dy(bench):
    y = bench.forward(bench.new(), bench.x)
    wrong = {(*y.shape[:-1], y.shape[-1] + 1), (1, *y.shape), y.shape[1:], tuple(1 for _ in y.shape)} - {y.shape}
    for shape in sorted(wrong, key=len):
        layer = bench.new()
        bench.forward(layer, bench.x)
        try:
            bench.backward(layer, np.ones(shape))
        except Broken:
            raise
        except Exception as error:
            _expect_names(error, layer, (shape, y.shape))
            continue
        raise Broken(
            f"dy of shape {shape} was taken, and y has shape {y.shape}: NumPy stretched it in silence.",
            f"`if dy.shape != self.y_shape: raise ValueError(f'{type(layer).__name__}: dy has shape {{dy.shape}}, "
            "y had {self.y_shape}')`.",
        )


def _expect_names(error, layer, shapes):
    said = str(error)
    names = _names(layer)
    missing = [] if any(name in said for name in names) else [f"the name {type(layer).__name__}"]
    missing += [f"the shape {shape}" for shape in shapes if str(shape) not in said]
    if missing or isinstance(error, ACCIDENTS):
        parts = [f"the name {type(layer).__name__}", *(f"the shape {shape}" for shape in shapes)]
        raise Broken(
            f"it is refused, but by accident, with {type(error).__name__}: {said}",
            f"raise a ValueError of your own with {', '.join(parts)} in it.",
        )


def _names(layer):
    """What a message may call a layer: its class, one that it is made from, or its name; or those of a layer in it."""
    inner = listed(getattr(layer, "layers", {})).values()
    classes = {one.__name__ for one in type(layer).__mro__[:-1]}
    return (classes | {getattr(layer, "name", "")} - {""}).union(*map(_names, inner))


@point("a target that does not fit the prediction is refused with both shapes", lambda layer, x: is_loss(layer))
def wrong_target(bench):
    target = np.asarray(bench.more[0])
    if target.ndim == 0 or len(target) < 2:
        return
    layer = bench.new()
    try:
        layer.forward(bench.x, target[:-1])
    except Exception as error:
        _expect_names(error, layer, (bench.x.shape, target[:-1].shape))
        return
    raise Broken(
        f"a prediction of shape {bench.x.shape} was compared with a target of shape {target[:-1].shape}.",
        "compare the shapes in forward, and raise a ValueError with both.",
    )


@point("x and dy may lie in memory in any way, and be read-only")
def memory(bench):
    expected = bench.walk(bench.new(), bench.x)
    y = expected["y"]
    for words, lay in LAYOUTS.items():
        for who in ("x",) if bench.loss else ("x", "dy"):
            x = lay(bench.x) if who == "x" else bench.x
            dy = lay(bench.dy(y)) if who == "dy" else None
            try:
                found = bench.walk(bench.new(), x, dy)
            except Broken:
                raise
            except Exception as error:
                raise Broken(
                    f"{who} {words}: it stops with {type(error).__name__}: {error}",
                    "no assumptions about strides: np.ascontiguousarray where code needs it; reshape, not .shape = .",
                ) from error
            _expect_alike(found, expected, f"{who} {words}")


def _every_second(array):
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]) if array.ndim else (), 7, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS = {
    "in Fortran's order": np.asfortranarray,
    "with channels last in memory": lambda a: np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1) if a.ndim > 1 else a,
    "walked backwards": lambda a: np.flip(np.flip(a).copy()),
    "every second value of a wider array": _every_second,
    "read-only": _read_only,
}


@point("a batch of no rows passes, forward and back", lambda layer, x: x.ndim >= 2)
def empty_batch(bench):
    with_rows = bench.forward(bench.new(), bench.x)
    layer = bench.new()
    more = [v[:0] if isinstance(v, np.ndarray) and v.shape[:1] == bench.x.shape[:1] else v for v in bench.more]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if bench.loss:
            with contextlib.suppress(UserError, ValueError):  # a loss may say that nothing has no mean
                loss = bench.forward(layer, bench.x[:0], *more)
                if not np.isfinite(loss):
                    raise Broken(f"the loss of no rows is {loss}.", "return 0, or refuse it with a ValueError.")
            return
        try:
            y = bench.forward(layer, bench.x[:0])
        except Exception as error:
            raise Broken(
                f"forward stops with {type(error).__name__}: {error}",
                "spell the sizes of a reshape out, since -1 cannot be found out; and no rows have no mean.",
            ) from None
        if y.shape != (0, *with_rows.shape[1:]):
            raise Broken(
                f"x of shape {bench.x[:0].shape} gives y of shape {y.shape}; {(0, *with_rows.shape[1:])} was expected.",
                "reshape with the sizes spelled out: -1 cannot be found out when there are no values.",
            )
        dx = bench.backward(layer, np.zeros(y.shape))
    if dx.shape != bench.x[:0].shape:
        raise Broken(f"dx has shape {dx.shape}; {bench.x[:0].shape} was expected.", "as x, with no rows.")
    for key, value in grads(layer).items():
        if value.any():
            raise Broken(
                f"no rows give a gradient for {key} that is not zero: {value.ravel()[:3]}.", "an empty sum is 0."
            )


@point(
    "rows of a batch do not see each other (in training, unless their statistics are the layer's business)", _with_batch
)
def rows(bench):
    for training in _modes(bench.layer):
        if training and _statistics(bench.layer):
            continue
        changed = bench.x.copy()
        changed[0] = bench.other(bench.x, 0.25)[0]
        pair = [_set_mode(bench.new(), training) for _ in range(2)]
        ys = [bench.walk(layer, x)["y"] for layer, x in zip(pair, (bench.x, changed), strict=True)]
        if len(ys[0]) != len(bench.x):
            raise Broken(
                f"{len(bench.x)} rows of x give {len(ys[0])} rows of y.", "the first axis is the batch, in and out."
            )
        if not np.allclose(ys[0][1:], ys[1][1:], 1e-10, 1e-12):
            raise Broken("another first row of x changes the other rows of y.", "reduce over the features, not axis 0.")
        dy = bench.dy(ys[0])
        dy[1:] = 0
        if np.any(bench.backward(pair[0], dy)[1:]):
            raise Broken("dy of the first row gives a dx to the others.", "reduce over the features, not axis 0.")
    layer = _set_mode(bench.new(), False) if _with_modes(bench.layer, bench.x) else bench.new()
    whole = bench.forward(layer, bench.x)
    for i in range(len(bench.x)):
        if not np.allclose(bench.forward(layer, bench.x[i : i + 1])[0], whole[i], 1e-9, 1e-9 * np.abs(whole).max()):
            raise Broken(f"row {i} alone gives another y than in its batch.", "reduce over the features, not axis 0.")


def _modes(layer):
    return (True, False) if hasattr(layer, "training") else (None,)


def _set_mode(layer, training):
    if training is None:
        return layer
    switch = getattr(layer, "train", None)
    if callable(switch):
        switch(training)
    else:
        layer.training = training
    return layer


@point("it works in training and in use, and in use the same x gives the same y", _with_modes)
def modes(bench):
    for training in (True, False):
        layer = _set_mode(bench.new(), training)
        if bool(layer.training) != training:
            raise Broken(f"training is {layer.training} after it was set to {training}.", "keep it as an attribute.")
        walked = bench.walk(layer, bench.x)
        if not training and not np.array_equal(bench.forward(layer, bench.x), walked["y"]):
            raise Broken(
                "in use, two forwards over the same x differ.", "draw nothing and update nothing unless self.training."
            )


@point("frozen it gives the same y and dx", _with_frozen)
def frozen(bench):
    for training in _modes(bench.layer):
        free, held = (_set_mode(bench.new(), training) for _ in range(2))
        held.frozen = True
        expected = bench.walk(free, bench.x)
        found = bench.walk(held, bench.x)
        _expect_alike(found, {"y": expected["y"], "dx": expected["dx"]}, "the frozen layer")
        held.frozen = False
        _rewind(held, bench.new())
        _expect_alike(bench.walk(held, bench.x), expected, "the layer, frozen and released,")


@point("backward is the derivative of forward")
def gradient(bench):
    for training in _modes(bench.layer):
        report = check_gradients(_set_mode(bench.new(), training), bench.x, *bench.more)
        if not report:
            mode = "" if training is None else "In training:\n" if training else "In use (eval):\n"
            raise Broken(f"{mode}{report}")
