"""The walk downhill: the optimiser that the settings name, in its coordinates, with a state to go on from."""

import math

import numpy as np

from nnbasics.errors import SettingsError
from nnbasics.optimizers import LBFGS, SGD, Adam, Step, evaluated, going_on, safe_learning_rate
from nnbasics.style.bounds import outside
from nnbasics.style.cosine import Cosine, Pixels
from nnbasics.style.pyramid import carried

ADAM_LEARNING_RATE = 0.02
PARTS = ("content", "style", "tv", "outside")  # the sums that a loss consists of
_STEP = ("x", "gradient", "loss", "iteration", "evaluations")


class Walk:
    """Steps from a start to lower and lower values of an objective.

    Parameters
    ----------
    objective : Objective
    start : ndarray, (1, 3, H, W)
    settings : Settings
        Optimizer, learning rate and history count here.
    price : float
        Of the squares of values below 0 and above 1, which the saved picture cannot have.
    before : Walk, optional
        One on a smaller picture that this one goes on from: its counts and what its optimiser knows.

    Attributes
    ----------
    step : Step or None
        Where the walk is, in its coordinates; None before the first.
    parts : tuple of float
        The loss there as content, style, tv and outside.
    """

    def __init__(self, objective, start, settings, price, before=None):
        self.objective, self.start = objective, start
        self.step = self.parts = None
        self._settings = settings
        self.price = price
        self._coordinates = self._coordinates_of(start)
        self._optimizer = None
        self._counts = 0, 0
        if before is not None:
            self._counts = before.step.iteration, before.step.evaluations
            gain = price / before.price if before.price else 1.0
            self._optimizer = carried(before._optimizer, before._coordinates, self._coordinates, gain)
        self._tried = {}  # loss -> its parts, since the last step

    def _coordinates_of(self, start):
        return Cosine(start) if self._settings.optimizer == "lbfgs" else Pixels(start)

    def __iter__(self):
        """Walk on: an iterator of `Step`; first the one where the walk is, or begins."""
        if self._optimizer is None:
            self._optimizer = self._begin()
        function = self._coordinates.within(self._evaluate)
        first = self.step or self._first(function)
        for step in going_on(function, first, self._optimizer):
            if step is not self.step:
                self.step, self.parts = step, self._tried[step.loss]
                self._tried.clear()
            yield step

    def _first(self, function):
        """The step at the start."""
        x, (iteration, evaluations) = self._coordinates.origin, self._counts
        return evaluated(function, x, Step(x, math.inf, x, iteration - 1, evaluations))

    def _begin(self, learning_rate=None):
        """The optimiser; a learning rate that nobody has set is measured."""
        settings = self._settings
        learning_rate = learning_rate or settings.learning_rate
        if settings.optimizer == "lbfgs":
            return LBFGS(settings.history)
        if settings.optimizer == "adam":
            return Adam(learning_rate or ADAM_LEARNING_RATE)
        # The lecture's x := x - lambda dL/dx, as written.
        return SGD(learning_rate or safe_learning_rate(self._evaluate, self.start))

    @property
    def learning_rate(self):
        """That of adam and gradient-descent, once the walk has begun."""
        return getattr(self._optimizer, "lr", None)

    def picture(self, step=None):
        """The picture at a step, (1, 3, H, W): the present one, if not said; before the first, the start."""
        step = step or self.step
        return self.start if step is None else self._coordinates.picture(step.x)

    def _evaluate(self, x):
        """Loss and gradient; where they overflow the walk sees it, and nobody needs NumPy's warnings."""
        with np.errstate(over="ignore", invalid="ignore"):
            terms, gradient = self.objective.evaluate(x)
            if self._settings.optimizer != "gradient-descent":
                excess, slope = outside(x)
                terms["outside"] = self.price * excess
                slope *= x.dtype.type(self.price)
                gradient = np.add(slope, gradient, out=slope)
        loss = math.fsum(terms.values()) if all(map(math.isfinite, terms.values())) else math.nan
        self._tried[loss] = tuple(
            math.fsum(value for name, value in terms.items() if name.split()[0] == part) for part in PARTS
        )
        return loss, gradient

    def state(self):
        """What it takes to go on bit for bit: arrays and numbers by name, not copied. The walk must have begun."""
        state = {"start": self.start} | {name: getattr(self.step, name) for name in _STEP}
        if self.learning_rate is not None:
            state["learning_rate"] = self.learning_rate
        return state | {f"optimizer/{k}": value for k, value in self._optimizer.state_dict(copy=False).items()}

    def load_state(self, state):
        """Go on from what `state` returned.

        Raises
        ------
        SettingsError
            If it does not fit this walk, or not together.
        """
        _check(state, self.start)
        self.start = state["start"]
        self._coordinates = self._coordinates_of(self.start)
        self._optimizer = self._begin(float(state.get("learning_rate", 0.0)))
        own = {name.partition("/")[2]: value for name, value in state.items() if name.startswith("optimizer/")}
        self._optimizer.load_state_dict(own)
        x, gradient, loss, iteration, evaluations = (state[name] for name in _STEP)
        self.step = Step(x, float(loss), gradient, int(iteration), int(evaluations))


def _check(state, like):
    """Refuse a state that lacks something, or has arrays that are not of a picture like this one."""
    flat = [f"optimizer/{name}" for name in ("x", "gradient", "s", "y")]
    for name in ("start", *_STEP, "optimizer/steps" if "optimizer/steps" in state else "optimizer/order"):
        if name not in state:
            raise SettingsError(f"there is no {name}")
    for name, value in state.items():
        if name in flat:
            fits = value.shape[-1:] == (like.size,) and value.dtype == like.dtype
        elif name in ("start", "x", "gradient") or name.count("/") == 2:
            fits = value.shape == like.shape and value.dtype == like.dtype
        else:
            fits = value.ndim == 0 or name in ("optimizer/order", "optimizer/sy", "optimizer/yy")
        if not fits:
            raise SettingsError(f"{name} is {value.dtype} of shape {value.shape}, for a picture of shape {like.shape}")
    if not (0 <= state["iteration"] < 2**53 and 0 <= state["evaluations"] < 2**53):
        raise SettingsError("its counts make no sense")
