"""Ways downhill: stochastic gradient descent, Adam, L-BFGS, and the one loop that walks them.

What is learned may be a network's parameters or a picture; an optimiser sees arrays and their gradients.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import SettingsError, UserError


class Diverged(UserError):
    """The loss or its gradient is no longer a finite number; the message says where."""


@dataclass(frozen=True)
class Step:
    """A point of the walk: x with its own loss and gradient, never those of a neighbour.

    Attributes
    ----------
    x, gradient : ndarray
    loss : float
    iteration : int
        0 at the start.
    evaluations : int
        How often the function has been called so far.
    note : str
        What was out of the ordinary in reaching this point ("restarted ..."), usually empty.
    """

    x: np.ndarray
    loss: float
    gradient: np.ndarray
    iteration: int = 0
    evaluations: int = 0
    note: str = ""


def descend(function, x, optimizer):
    """Walk downhill from x: an iterator of `Step`, the start first, without end unless no lower point can be found.

    Parameters
    ----------
    function : callable
        x -> (loss, gradient), with a gradient of the shape and dtype of x.
    x : ndarray
        Where to start. It is not written to.
    optimizer : Optimizer
        `SGD`, `Adam` or `LBFGS`.

    Raises
    ------
    Diverged
        If the loss or the gradient is not finite; the steps before it were good.

    Examples
    --------
    >>> for step in itertools.islice(descend(objective, x, LBFGS()), 201):
    ...     print(step.iteration, step.loss)
    """
    yield from going_on(function, evaluated(function, np.array(x), Step(x, math.inf, x, iteration=-1)), optimizer)


def going_on(function, step, optimizer):
    """Walk on from a `Step`, which comes first: with the state of the optimiser restored, as if never interrupted."""
    while step is not None:
        yield step
        step = optimizer.advance(function, step)


def evaluated(function, x, previous, note=""):
    """The step after `previous`, at x. The gradient is copied: the function may reuse its array."""
    loss, gradient = function(x)
    step = Step(x, float(loss), np.array(gradient), previous.iteration + 1, previous.evaluations + 1, note)
    if not is_finite(step):
        what = "loss is" if not math.isfinite(step.loss) else "gradient has values that are"
        raise Diverged(f"after {step.iteration} iterations the {what} not finite; a smaller learning rate may help")
    return step


def is_finite(step):
    """Whether loss and gradient are finite (one sum sees every NaN and infinity of the gradient)."""
    return math.isfinite(step.loss) and bool(np.isfinite(step.gradient.sum(dtype=np.float64)))


def safe_learning_rate(function, x, probes=10):
    """A learning rate with which x := x - lr dL/dx falls steadily: 1 / (largest curvature found at x).

    Descent with a fixed rate falls as long as lr < 2 / curvature. The curvature is the largest eigenvalue of the second
    derivative, found by power iteration on differences of gradients, (g(x + h v) - g(x)) / h.

    Parameters
    ----------
    function, x
        As for `descend`.
    probes : int
        How many gradients to spend on it.
    """
    start = evaluated(function, x, Step(x, math.inf, x, iteration=-1))
    h = 1e-3 * (np.linalg.norm(x) or math.sqrt(x.size))
    v, curvature = start.gradient, 0.0
    for _ in range(probes):
        norm = np.linalg.norm(v)
        if norm == 0:
            break
        probe = evaluated(function, (x + v * (h / norm)).astype(x.dtype), start)
        v = (probe.gradient - start.gradient) / h
        curvature = max(curvature, float(np.linalg.norm(v)))
    return 1 / curvature if curvature else 1.0


class Optimizer(ABC):
    """What `descend` asks of an optimiser, and a state that can be saved."""

    @abstractmethod
    def advance(self, function, step):
        """The next `Step` after `step`, or None if there is no lower point to be found."""

    @abstractmethod
    def state_dict(self, copy=True):
        """The state as a flat dict of arrays and numbers, enough to go on bit for bit.

        With `copy` False the arrays are the optimiser's own: for a look before its next step.
        """

    @abstractmethod
    def load_state_dict(self, state):
        """Go on from what `state_dict` returned; a state that does not fit together is refused."""


class FirstOrder(Optimizer):
    """An optimiser that takes one step for one gradient: `step(params, grads)`, in place.

    Parameters and gradients are dicts of arrays under the same keys, as `net.params` and `net.grads` are.
    """

    def __init__(self, lr):
        if not (math.isfinite(lr) and lr > 0):
            raise SettingsError(
                f"{type(self).__name__}: the learning rate lr is {lr}; a finite number above 0 was expected"
            )
        self.lr = lr
        self.steps = 0
        self.memory = {}  # name -> parameter's key -> array

    @abstractmethod
    def update(self, key, parameter, gradient):
        """Change one parameter in place."""

    def step(self, params, grads):
        """Take one step: change every parameter in place by its gradient."""
        self.steps += 1
        for key, parameter in params.items():
            gradient = grads[key]
            if gradient.shape != parameter.shape:
                raise UserError(f"{key}: the gradient has shape {gradient.shape}, the parameter {parameter.shape}")
            self.update(key, parameter, gradient)

    def advance(self, function, step):
        x = step.x.copy()
        self.step({"x": x}, {"x": step.gradient})
        return evaluated(function, x, step)

    def remember(self, name, key, like):
        """The array `name` that belongs to the parameter `key`, zeros at first."""
        arrays = self.memory.setdefault(name, {})
        if key not in arrays:
            arrays[key] = np.zeros_like(like)
        return arrays[key]

    def state_dict(self, copy=True):
        arrays = {f"{name}/{key}": a for name, of in self.memory.items() for key, a in of.items()}
        return {"steps": self.steps, **(_copied(arrays) if copy else arrays)}

    def load_state_dict(self, state):
        if np.ndim(state.get("steps", [])) != 0 or not 0 <= state["steps"] < 2**53:
            raise SettingsError(f"{type(self).__name__}: this state does not say after how many steps it was saved")
        self.steps = int(state["steps"])
        self.memory = {}
        for path, array in state.items():
            name, slash, key = path.partition("/")
            if slash:
                self.memory.setdefault(name, {})[key] = np.array(array)


class SGD(FirstOrder):
    """Gradient descent, x := x - lr dL/dx, with momentum if wanted.

    With momentum mu the step is along a velocity instead: v := mu v + dL/dx, x := x - lr v.

    Parameters
    ----------
    lr : float
        The learning rate lambda.
    momentum : float
        mu, at least 0 and below 1.
    """

    def __init__(self, lr, momentum=0.0):
        super().__init__(lr)
        if not 0 <= momentum < 1:
            raise SettingsError(f"SGD: momentum is {momentum}; at least 0 and below 1 was expected")
        self.momentum = momentum

    def update(self, key, parameter, gradient):
        if self.momentum:
            velocity = self.remember("velocity", key, parameter)
            velocity *= self.momentum
            velocity += gradient
            gradient = velocity
        parameter -= self.lr * gradient


class Adam(FirstOrder):
    """Adam: steps of about lr in every coordinate, whatever the size of the gradient.

    m := b1 m + (1 - b1) g and v := b2 v + (1 - b2) g^2 are running means, too small by 1 - b^t after t steps;
    x := x - lr m' / (sqrt(v') + eps) with both put right.

    Parameters
    ----------
    lr : float
    betas : pair of float
        b1 and b2, each at least 0 and below 1.
    eps : float
        Keeps the quotient finite where gradients vanish.

    Notes
    -----
    Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
    """

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(lr)
        if not all(0 <= beta < 1 for beta in betas):
            raise SettingsError(f"Adam: betas are {betas}; at least 0 and below 1 was expected of each")
        self.betas = betas
        self.eps = eps

    def update(self, key, parameter, gradient):
        b1, b2 = self.betas
        m = self.remember("m", key, parameter)
        v = self.remember("v", key, parameter)
        m += (1 - b1) * (gradient - m)
        v *= b2
        v += (1 - b2) * (gradient * gradient)
        spread = np.sqrt(v)
        spread /= math.sqrt(1 - b2**self.steps)
        spread += self.eps
        parameter -= (self.lr / (1 - b1**self.steps)) * (m / spread)


class LBFGS(Optimizer):
    """Limited-memory BFGS: Newton's direction, with the curvature learned from the last steps and gradients.

    A step s = x' - x that changed the gradient by y = g' - g tells the curvature along s. From the last `history` such
    pairs, in the columns of S and Y, and H_0 = c I with c = s.y / y.y of the latest, the inverse Hessian is

        H = c I + [S  cY] [ R^-T (D + c Y'Y) R^-1   -R^-T ] [ S' ]
                          [       -R^-1                0  ] [cY' ]

    with R the upper triangle of S'Y and D its diagonal. So a direction -H g costs two passes over S and Y, one for
    their products with g and one to combine them; everything between is small.

    A line search along it finds a point that satisfies Wolfe's conditions: the loss falls in proportion to the slope,
    and the slope has risen, so that s.y > 0. The first trial is nearly always such a point. The directions, lengths and
    tests do not change when the loss is multiplied by a constant: 1e12 and 1e-6 walk the same way.

    Where no lower point is found along -H g, the history is dropped and the search starts again along -g; the step's
    note says so. Where that fails too the walk ends.

    Parameters
    ----------
    history : int
        Pairs kept; 2 (history + 1) arrays of the size of x.
    first_step : float
        Length of the very first trial step relative to that of x.

    Notes
    -----
    Byrd, Nocedal, Schnabel, "Representations of quasi-Newton matrices and their use in limited memory methods", 1994,
    theorem 2.2; Nocedal, Wright, "Numerical Optimization", chapters 3 and 7.
    """

    ARMIJO = 1e-4  # the loss must fall by this part of what the slope at the start promises
    CURVATURE = 0.9  # and the slope must rise to this part of it
    TRIALS = 20  # points of one line search
    GROWTH = 3  # the first trial goes at most so many times as far as the last step
    LEAST_COSINE = 1e-5  # a pair with s.y below this part of |s| |y| is rounding, not curvature

    def __init__(self, history=50, first_step=1e-2):
        if not (isinstance(history, int) and history >= 1):
            raise SettingsError(f"LBFGS: history is {history}; a whole number of 1 or more was expected")
        self.history = history
        self.first_step = first_step
        self._last = None  # x and gradient of the point before, each flat
        self._length = None  # how far the last step went: the first trial after a restart
        self._rows = None  # S and Y: slot i in rows i and i + slots; one slot more than history, for the pair on trial
        self._order = []  # slots of the pairs, oldest first
        self._sy = self._yy = None  # S'Y and Y'Y by slot

    @property
    def _slots(self):
        return self.history + 1

    def advance(self, function, step):
        g = step.gradient.ravel()
        products = self._learn(step.x.ravel(), g)
        direction = -g
        note = ""
        if self._order:
            direction = self._newton(g, products)
            found = self._search(function, step, direction, min(1.0, self._reach(direction)))
            if found is not None:
                return found
            self._order = []
            note = "restarted: no lower point along the quasi-Newton direction, so the history was dropped"
            direction = -g
        norm = math.sqrt(_dot(g, g))
        if norm == 0:
            return None
        if self._length is None:
            size = math.sqrt(_dot(step.x.ravel(), step.x.ravel())) or math.sqrt(g.size)
            self._length = self.first_step * size
        return self._search(function, step, direction, self._length / norm, note)

    def _learn(self, x, g):
        """Take in the pair that leads to (x, g); return the products of S and Y with g, by slot."""
        from nnbasics.kernels.vectors import products

        if self._rows is None:
            self._make_room(x.size, x.dtype)
        slots = self._slots
        last, self._last = self._last, (x, g)
        if last is None:
            known = self._order + [slot + slots for slot in self._order]
            return np.split(products(self._rows, known, np.stack([g] * 3))[:, 2], 2) if known else None
        new = next(slot for slot in range(slots) if slot not in self._order)
        s, y = self._rows[new], self._rows[new + slots]
        np.subtract(x, last[0], out=s)
        np.subtract(g, last[1], out=y)
        which = [*self._order, new]
        k = len(which)
        found = products(self._rows, which + [slot + slots for slot in which], np.stack([s, y, g]))
        s_with, y_with = found[:k], found[k:]
        ss, sy, yy = s_with[-1, 0], s_with[-1, 1], y_with[-1, 1]
        self._length = math.sqrt(ss) or self._length
        if sy > self.LEAST_COSINE * math.sqrt(ss * yy):
            self._sy[which, new] = s_with[:, 1]
            self._sy[new, which] = y_with[:, 0]
            self._yy[which, new] = self._yy[new, which] = y_with[:, 1]
            self._order.append(new)
        else:
            s_with, y_with = s_with[:-1], y_with[:-1]
        dropped = len(self._order) - self.history
        if dropped > 0:
            self._order, s_with, y_with = self._order[dropped:], s_with[dropped:], y_with[dropped:]
        return s_with[:, 2], y_with[:, 2]

    def _newton(self, g, products):
        """-H g, by the compact form."""
        from nnbasics.kernels.vectors import combine

        s_g, y_g = products
        sy = self._sy[np.ix_(self._order, self._order)]
        yy = self._yy[np.ix_(self._order, self._order)]
        r, d = np.triu(sy), np.diag(sy)
        c = sy[-1, -1] / yy[-1, -1]
        p = np.linalg.solve(r, s_g)
        u = np.linalg.solve(r.T, d * p + c * (yy @ p) - c * y_g)
        direction = g * g.dtype.type(-c)
        which = self._order + [slot + self._slots for slot in self._order]
        combine(self._rows, which, np.concatenate([-u, c * p]), direction)
        return direction

    def _reach(self, direction):
        """The longest first trial: what was learned on the way here is not known to hold much further away."""
        norm = math.sqrt(_dot(direction, direction))
        return self.GROWTH * self._length / norm if self._length and norm else math.inf

    def _search(self, function, start, direction, t, note=""):
        """The next step along `direction`, first trial t, or None.

        Bisection for Wolfe's conditions: `low` has fallen enough but is still steep, beyond `high` it has risen again.
        """
        slope = _dot(start.gradient.ravel(), direction)
        if not slope < 0:
            return None
        low, low_t, low_slope = start, 0.0, slope
        high_t = math.inf
        evaluations = start.evaluations
        for _ in range(self.TRIALS):
            x = start.x + (direction * direction.dtype.type(t)).reshape(start.x.shape)
            loss, gradient = function(x)
            evaluations += 1
            trial = Step(x, float(loss), np.array(gradient), start.iteration + 1, evaluations, note)
            if not is_finite(trial):
                high_t, t = t, low_t + 0.1 * (t - low_t)
                continue
            trial_slope = _dot(trial.gradient.ravel(), direction)
            if trial.loss > start.loss + self.ARMIJO * t * slope or trial.loss >= start.loss:
                high_t = t
                t = _lowest(low_t, low.loss, low_slope, t, trial.loss)
            elif trial_slope < self.CURVATURE * slope:
                beyond = _zero(low_t, low_slope, t, trial_slope)
                low, low_t, low_slope = trial, t, trial_slope
                t = beyond if beyond < high_t else 0.5 * (low_t + high_t)
            else:
                return trial
            if not low_t < t < high_t or np.array_equal(x, start.x):
                break
        if low is start:
            return None
        return Step(low.x, low.loss, low.gradient, low.iteration, evaluations, note)

    def mapped(self, step, slope):
        """An `LBFGS` for other coordinates that knows the curvature this one has learned.

        Parameters
        ----------
        step, slope : callable
            A flat step, and a flat difference of gradients, in these coordinates -> the same in the others.
        """
        from nnbasics.kernels.vectors import products

        other = LBFGS(self.history, self.first_step)
        for slot, old in enumerate(self._order):
            s, y = step(self._rows[old]).ravel(), slope(self._rows[old + self._slots]).ravel()
            if other._rows is None:
                other._make_room(s.size, s.dtype)
            other._rows[slot], other._rows[slot + other._slots] = s, y
            other._order.append(slot)
            slots = [*other._order, *(each + other._slots for each in other._order)]
            s_with, y_with = np.split(products(other._rows, slots, np.stack([s, y, y])), 2)
            other._sy[other._order, slot], other._sy[slot, other._order] = s_with[:, 1], y_with[:, 0]
            other._yy[other._order, slot] = other._yy[slot, other._order] = y_with[:, 1]
        return other

    def _make_room(self, n, dtype):
        self._rows = np.zeros((2 * self._slots, n), dtype)
        self._sy = np.zeros((self._slots, self._slots))
        self._yy = np.zeros((self._slots, self._slots))

    def state_dict(self, copy=True):
        state = {"order": np.array(self._order, np.int64)}
        if self._length is not None:
            state["length"] = self._length
        if self._last is not None:
            used = 1 + max(self._order, default=-1)
            arrays = {"x": self._last[0], "gradient": self._last[1], "sy": self._sy, "yy": self._yy}
            arrays |= {"s": self._rows[:used], "y": self._rows[self._slots : self._slots + used]}
            state |= _copied(arrays) if copy else arrays
        return state

    def load_state_dict(self, state):
        self._check(state)
        self._order = [int(slot) for slot in state["order"]]
        self._length = float(state["length"]) if "length" in state else None
        self._last = self._rows = self._sy = self._yy = None
        if "x" in state:
            self._last = np.array(state["x"]), np.array(state["gradient"])
            self._sy, self._yy = np.array(state["sy"]), np.array(state["yy"])
            self._rows = np.zeros((2 * self._slots, self._last[0].size), self._last[0].dtype)
            used = len(state["s"])
            self._rows[:used], self._rows[self._slots : self._slots + used] = state["s"], state["y"]

    def _check(self, state):
        """Refuse a state that is of another history, or does not fit together."""
        order = [int(slot) for slot in np.ravel(state.get("order", [-1]))]
        used, n = 1 + max(order, default=-1), np.size(state.get("x", []))
        shapes = {"x": (n,), "gradient": (n,), "s": (used, n), "y": (used, n)}
        shapes |= dict.fromkeys(("sy", "yy"), (self._slots, self._slots))
        if "x" in state and np.shape(state.get("sy")) != shapes["sy"]:
            saved = len(np.atleast_1d(state.get("sy", 0))) - 1
            raise SettingsError(f"LBFGS: this state was saved with history {saved}, and history is {self.history} now")
        if (
            len(set(order)) != len(order)
            or not all(0 <= slot < self._slots for slot in order)
            or ("x" in state and any(np.shape(state.get(name)) != shape for name, shape in shapes.items()))
            or ("x" not in state and order)
            or np.ndim(state.get("length", 0.0)) != 0
        ):
            raise SettingsError("LBFGS: this state does not fit together; it is damaged, or not one of L-BFGS")


def _copied(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def _dot(a, b):
    from nnbasics.kernels.vectors import dot

    return dot(a, b)


def _lowest(low, low_loss, low_slope, high, high_loss):
    """The lowest point of the parabola through both ends with the slope at `low`, kept well inside the interval."""
    width = high - low
    bend = high_loss - low_loss - low_slope * width
    guess = -low_slope * width / (2 * bend) if bend > 0 else 0.5
    return low + width * min(max(guess, 0.05), 0.9)


def _zero(low, low_slope, t, slope):
    """Where the slope would vanish by the line through two of its values, from two to ten times as far as t."""
    rise = slope - low_slope
    guess = t - slope * (t - low) / rise if rise > 0 else math.inf
    return min(max(guess, 2 * t), 10 * t)
