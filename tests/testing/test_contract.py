"""check_layer on classes that are not ours: it must accept a good one, and name each point that a bad one breaks."""

import numpy as np
import pytest

from nnbasics import ReLU, SquaredErrorLoss
from nnbasics.errors import UserError
from nnbasics.testing import ContractError, check_layer, parametrize_with_checks
from nnbasics.testing.contract import POINTS

X = np.random.default_rng(1).standard_normal((4, 5))


class Scale:
    """A good layer by somebody who has never heard of ours: y = gain x."""

    def __init__(self):
        self.params = {"gain": np.full(5, 2.0, np.float32)}
        self.grads = {}
        self.training = True
        self.frozen = False
        self.x = None

    def forward(self, x):
        self.x = x
        return x * self.params["gain"].astype(x.dtype)

    def backward(self, dy):
        if self.x is None:
            raise ValueError("Scale: backward before forward")
        if dy.shape != self.x.shape:
            raise ValueError(f"Scale: dy has shape {dy.shape}, y had {self.x.shape}")
        dy = dy.astype(self.x.dtype)
        if not self.frozen:
            self.grads["gain"] = (dy * self.x).sum(axis=0)
        return dy * self.params["gain"].astype(self.x.dtype)


def test_a_good_layer_passes():
    assert check_layer(Scale(), X) is None
    check_layer(ReLU(), X)
    check_layer(SquaredErrorLoss(), X, X[::-1])


class GlobalDropout(Scale):
    """Draws from NumPy's global generator, as the first dropout of most people does."""

    def forward(self, x):
        self.mask = np.random.rand(*x.shape) < 0.5 if self.training else np.ones(x.shape, bool)  # noqa: NPY002
        return super().forward(x * self.mask)

    def backward(self, dy):
        return super().backward(dy) * self.mask


@pytest.mark.parametrize("seed", range(3))
def test_drawing_from_the_global_generator_is_no_fault(seed):
    np.random.seed(seed)  # noqa: NPY002
    check_layer(GlobalDropout(), X)


@parametrize_with_checks([(Scale(), X), (SquaredErrorLoss(), X, X[::-1])])
def test_as_a_student_would_write_it(check):
    check()


def broken(layer, x=X):
    """What check_layer says: {name of the point: message}."""
    with pytest.raises(ContractError) as caught:
        check_layer(layer, x)
    names = {point.says: point.name for point in POINTS}
    return {names[says]: told for says, told in caught.value.failures}


class Upcasts(Scale):
    def forward(self, x):
        return super().forward(x) * np.ones(5)


class WritesIntoX(Scale):
    def forward(self, x):
        x += 0.0 * x + 1e-9
        return super().forward(x)


class WritesIntoDy(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        dy[...] = 0
        return dx


class TrainsItself(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.params["gain"] -= 0.1 * self.params["gain"]
        return dx


class Accumulates(Scale):
    def backward(self, dy):
        before = self.grads.get("gain", 0)
        dx = super().backward(dy)
        self.grads["gain"] = self.grads["gain"] + before
        return dx


class AnswersBeforeForward(Scale):
    def backward(self, dy):
        if self.x is None:
            return dy
        return super().backward(dy)


class FailsByAccident(Scale):
    def backward(self, dy):
        if self.x is None:
            return self.x.shape
        return super().backward(dy)


class Stretches(Scale):
    def backward(self, dy):
        if self.x is not None:
            dy = np.broadcast_to(dy, self.x.shape) if dy.ndim <= 2 and dy.shape[-1] in (1, 5) else dy
        return super().backward(dy)


class WantsContiguous(Scale):
    def forward(self, x):
        if not x.flags.c_contiguous:
            raise ValueError("Scale: array is not C-contiguous")
        return super().forward(x)


class ReadsMemory(Scale):
    def backward(self, dy):
        return super().backward(np.asarray(dy).ravel(order="K").reshape(dy.shape))


class NeedsRows(Scale):
    def forward(self, x):
        return super().forward(x.reshape(len(x), -1))


class MixesRows(Scale):
    def forward(self, x):
        return super().forward(x - x.mean(axis=0))

    def backward(self, dy):
        dx = super().backward(dy)
        return dx - dx.mean(axis=0)


class DrawsInUse(Scale):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self.mask = (self.rng.random(x.shape) > 0.5).astype(x.dtype)
        return super().forward(x * self.mask)

    def backward(self, dy):
        return super().backward(dy) * self.mask.astype(self.x.dtype)


class OtherWhenFrozen(Scale):
    def backward(self, dy):
        return super().backward(dy) * (2 if self.frozen else 1)


class ForgetsItsGradient(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads.clear()
        return dx


class ReturnsNothing(Scale):
    def forward(self, x):
        super().forward(x)


class ReusesItsBuffer(Scale):
    def __init__(self):
        super().__init__()
        self.buffer = {}

    def forward(self, x):
        y = super().forward(x)
        kept = self.buffer.setdefault((y.shape, y.dtype), np.empty_like(y))
        kept[...] = y
        return kept


class WrongGradient(Scale):
    def backward(self, dy):
        return -super().backward(dy)


@pytest.mark.parametrize(
    ("layer", "point", "says"),
    [
        (Upcasts, "dtypes", "x is float32, and y is float64"),
        (WritesIntoX, "untouched", "forward changed x"),
        (WritesIntoDy, "untouched", "backward changed dy"),
        (TrainsItself, "untouched", "changed gain"),
        (Accumulates, "twice", "twice the gradient for gain"),
        (AnswersBeforeForward, "before_forward", "before any forward"),
        (FailsByAccident, "before_forward", "by accident, with AttributeError"),
        (Stretches, "wrong_dy", "stretched it in silence"),
        (WantsContiguous, "memory", "in Fortran's order"),
        (ReadsMemory, "memory", "dy in Fortran's order gives another"),
        (NeedsRows, "empty_batch", "cannot reshape"),
        (MixesRows, "rows", "another first row of x changes the other rows"),
        (DrawsInUse, "modes", "two forwards over the same x differ"),
        (OtherWhenFrozen, "frozen", "the frozen layer gives another dx"),
        (ForgetsItsGradient, "gradients_named", "params has ['gain'], grads has []"),
        (ReturnsNothing, "shapes", "forward returned None"),
        (ReusesItsBuffer, "results_stay", "the y returned before was overwritten"),
        (WrongGradient, "gradient", "wrong sign"),
    ],
)
def test_a_broken_point_is_named(layer, point, says):
    found = broken(layer())
    assert says in found[point], found
    assert "Do: " in found[point] or point == "gradient"


def test_every_point_can_fail():
    """No point is there for show: each is broken by one of the layers above or below."""
    layers = [
        one for one in globals().values() if isinstance(one, type) and issubclass(one, Scale) and one is not Scale
    ]
    found = {name for layer in layers if layer is not GlobalDropout for name in broken(layer())}
    assert found | {"last_forward", "wrong_target"} == {point.name for point in POINTS}


def test_what_an_earlier_forward_left_behind():
    class Stale(Scale):
        def forward(self, x):
            y = super().forward(x)
            self.first = getattr(self, "first", x)
            return y

        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["gain"] = (dy * self.first).sum(axis=0).astype(dx.dtype)
            return dx

    assert "last_forward" in broken(Stale())


def test_a_target_that_does_not_fit():
    class Loss:
        def forward(self, prediction, target):
            self.off = prediction - np.resize(target, prediction.shape).astype(prediction.dtype)
            return 0.5 * float((self.off**2).sum())

        def backward(self):
            return self.off.copy()

    with pytest.raises(ContractError, match="was compared with a target of shape"):
        check_layer(Loss(), X, X[::-1])


class Embedding:
    """A good layer of whole numbers: they have no gradient, and its backward returns none."""

    def __init__(self):
        self.params = {"weight": np.arange(15, dtype=np.float32).reshape(5, 3) ** 2}
        self.grads = {}
        self.indices = None

    def forward(self, indices):
        if indices.dtype.kind not in "iu":
            raise ValueError(f"Embedding: whole numbers were expected, not {indices.dtype}")
        self.indices = indices.copy()
        return self.params["weight"][indices]

    def backward(self, dy):
        if self.indices is None:
            raise ValueError("Embedding: backward before forward")
        if dy.shape != (*self.indices.shape, 3):
            raise ValueError(f"Embedding: dy has shape {dy.shape}, y had {(*self.indices.shape, 3)}")
        self.grads["weight"] = np.zeros_like(self.params["weight"])
        self.collect(self.grads["weight"], dy)

    def collect(self, gradient, dy):
        np.add.at(gradient, self.indices, dy)


class EmbeddingThatOverwrites(Embedding):
    def collect(self, gradient, dy):
        gradient[self.indices] = dy


class EmbeddingInSingle(Embedding):
    def forward(self, indices):
        return super().forward(indices).astype(np.float32)


class EmbeddingOfTheFirst(Embedding):
    def forward(self, indices):
        first = self.indices
        y = super().forward(indices)
        self.indices = self.indices if first is None else np.resize(first, indices.shape)
        return y


class EmbeddingWithNeighbours(Embedding):
    def forward(self, indices):
        super().forward(indices)
        return self.params["weight"][np.maximum(indices, indices[:1])]


INDICES = [np.array([[0, 2], [2, 1], [4, 0]]), np.array([3, 3, 0, 1], np.uint8), np.array([2, 2])]


@pytest.mark.parametrize("indices", INDICES)
def test_a_layer_of_whole_numbers(indices):
    check_layer(Embedding(), indices)


@pytest.mark.parametrize(
    ("layer", "point", "says"),
    [
        (EmbeddingThatOverwrites, "gradient", "= where += belongs"),
        (EmbeddingInSingle, "dtypes", "the parameters are float64, and y is float32"),
        (EmbeddingOfTheFirst, "last_forward", "has seen other inputs before"),
        (EmbeddingWithNeighbours, "rows", "another first row of x changes the other rows"),
    ],
)
def test_a_broken_layer_of_whole_numbers(layer, point, says):
    found = broken(layer(), INDICES[0])
    assert says in found[point], found


def test_all_that_is_wrong_is_listed():
    class Both(WritesIntoDy, Upcasts):
        pass

    with pytest.raises(AssertionError) as caught:
        check_layer(Both(), X)
    message = str(caught.value)
    assert message.startswith("Both does not keep") and "\n1. " in message and "\n2. " in message
    assert {"dtypes", "untouched"} <= set(broken(Both()))


def test_without_shapes_nothing_else_is_asked():
    class Tuple(Scale):
        def backward(self, dy):
            return super().backward(dy), None

    found = broken(Tuple())
    assert list(found) == ["shapes"] and "a tuple" in found["shapes"] and "cannot be asked" in found["shapes"]


def test_the_layer_is_left_as_it_was():
    layer = Scale()
    check_layer(layer, X)
    assert layer.x is None and layer.grads == {}


@pytest.mark.parametrize("thing", [Scale, 3])
def test_what_is_no_layer_is_refused(thing):
    with pytest.raises(UserError, match="cannot be checked"):
        check_layer(thing, X)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (None, "array of object"),
        ("abc", "real numbers"),
        (X * np.nan, "not finite"),
        ([[1], [2, 3]], "different lengths"),
    ],
)
def test_an_x_that_is_none_is_refused(x, says):
    with pytest.raises(UserError, match=says):
        check_layer(Scale(), x)
