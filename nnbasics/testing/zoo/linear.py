"""Wrong linear layers: matrices the wrong way round, sums along the wrong axis, a bias that nobody teaches."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class Linear:
    def __init__(self, inputs, outputs):
        self.params = {"weight": values(outputs, inputs, seed=1), "bias": values(outputs, seed=2)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["weight"].T + self.params["bias"]

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy.sum(axis=0)
        return dy @ self.params["weight"]


@specimen("transposed", "Which index of weight belongs to the outputs?", 4, 4, x=values(3, 4))
class LinearTheOtherWayBack(Linear):
    """Backward is forward reversed, so .T stays where it was. With a square weight even the shapes agree."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy.sum(axis=0)
        return dy @ self.params["weight"].T


@specimen("transposed", "Write down dL/dw_ij for one i and one j.", 4, 4, x=values(3, 4))
class LinearGradientTransposed(Linear):
    """x.T @ dy is right in libraries that keep the weight as (in, out). This one does not."""

    def backward(self, dy):
        self.grads["weight"] = self.x.T @ dy
        self.grads["bias"] = dy.sum(axis=0)
        return dy @ self.params["weight"]


@specimen("axis", "How many times is bias[0] used in one forward?", 5, 4, x=values(4, 5))
class LinearBiasAcross(Linear):
    """Four examples, four outputs: the sum has the right shape along either axis."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy.sum(axis=1)
        return dy @ self.params["weight"]


@specimen("axis", "What does broadcasting do to the bias, and what undoes it?", 5, 3, x=values(4, 5))
class LinearBiasNotSummed(Linear):
    """db = dy: the bias is added, so its gradient passes unchanged. bias -= rate * db then broadcasts, with an error
    message about shapes far away from here."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy
        return dy @ self.params["weight"]


@specimen("axis", "Print the shapes of bias and of its gradient.", 5, 3, x=values(4, 5))
class LinearBiasWithAxesKept(Linear):
    """keepdims=True is what one always wants, until an optimiser keeps a velocity of shape (1, 3) for a bias of
    (3,)."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy.sum(axis=0, keepdims=True)
        return dy @ self.params["weight"]


@specimen("missing", "Which parameters does this layer have?", 5, 3, x=values(4, 5))
class LinearBiasForgotten(Linear):
    """All tests were made with bias zero. It stayed zero."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        return dy @ self.params["weight"]


@specimen("count", "Where is the mean over the batch taken: in the loss, here, or in both?", 5, 3, x=values(4, 5))
class LinearMeanAgain(Linear):
    """ "Divide by the batch size" stands in the notes, and the loss has done it already."""

    def backward(self, dy):
        n = len(dy)
        self.grads["weight"] = dy.T @ self.x / n
        self.grads["bias"] = dy.sum(axis=0) / n
        return dy @ self.params["weight"]


@specimen("stepped", "What does forward give for the same x after a backward?", 5, 3, x=values(4, 5))
class LinearThatTakesTheStep(Linear):
    """Every weight has its gradient in backward, so why carry it anywhere? Then somebody wanted Adam, and somebody else
    a second loss on the same y."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.params["weight"] -= 0.01 * self.grads["weight"]
        self.params["bias"] -= 0.01 * self.grads["bias"]
        return dx


@specimen("accumulated", "Call backward twice.", 5, 3, x=values(4, 5))
class LinearThatRemembers(Linear):
    """Gradients of all uses are added up, said the lecture on shared weights. Who sets them back to zero?"""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.grads = {"weight": np.zeros((outputs, inputs)), "bias": np.zeros(outputs)}

    def backward(self, dy):
        self.grads["weight"] += dy.T @ self.x
        self.grads["bias"] += dy.sum(axis=0)
        return dy @ self.params["weight"]


@specimen("extra", "Of which function is this the gradient?", 5, 3, x=values(4, 5))
class LinearWithDecayInside(Linear):
    """Weight decay is one line, and here every layer gets it for free."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x + 0.01 * self.params["weight"]
        self.grads["bias"] = dy.sum(axis=0)
        return dy @ self.params["weight"]


@specimen("float32", "In which dtype does the sum end up?", 5, 3, x=values(4, 5))
class LinearThroughFloat32(Linear):
    """A buffer allocated once, in the dtype that the graphics card liked."""

    def backward(self, dy):
        self.grads["weight"] = dy.T @ self.x
        self.grads["bias"] = dy.sum(axis=0)
        dx = np.zeros(self.x.shape, np.float32)
        dx += dy @ self.params["weight"]
        return dx


@specimen("missing", "Which array does forward read?", 5, 3, x=values(4, 5))
class LinearWithItsOwnCopy(Linear):
    """The transposed weight is wanted in every forward, so it is made once. The optimiser improves the other one."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.transposed = self.params["weight"].T.copy()

    def forward(self, x):
        self.x = x
        return x @ self.transposed + self.params["bias"]
