"""Wrong activations: a mask that is missing, a derivative of something else, a chain that stops."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class LeakyReLU:
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dy):
        return np.where(self.x > 0, dy, 0.1 * dy)


class Sigmoid:
    def forward(self, x):
        self.x = x
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dy):
        return dy * self.y * (1 - self.y)


class Tanh:
    def forward(self, x):
        self.x = x
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


class Square:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))


class Dropout:
    def __init__(self, p):
        self.p = p
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self.mask = self.rng.random(x.shape) >= self.p
        return x * self.mask / (1 - self.p)

    def backward(self, dy):
        return dy * self.mask / (1 - self.p)


@specimen("mask", "Which elements of x can change y at all?", x=values(4, 5))
class ReLUWithoutMask(ReLU):
    """ReLU is the identity, its author thought, and the derivative of the identity is 1. Half of the time that is so,
    and the network even learns a little."""

    def backward(self, dy):
        return dy


@specimen("mask", "Put x = 3 into forward, and then dy = 1 into backward.", x=values(4, 5))
class ReLUUpsideDown(ReLU):
    """Written with np.where, read from the slide as "zero where x is positive". The loss stood still for two days."""

    def backward(self, dy):
        return np.where(self.mask, 0, dy)


@specimen("mask", "What is the slope on the left of zero?", x=values(4, 5))
class LeakyReLUThatDoesNotLeak(LeakyReLU):
    """The forward pass was changed from ReLU to leaky ReLU so that no unit dies. Units went on dying."""

    def backward(self, dy):
        return dy * (self.x > 0)


@specimen("mask", "Which branch of np.where is taken for x > 0, forward and backward?", x=values(4, 5))
class LeakyReLUSwapped(LeakyReLU):
    """np.where takes the condition, then the value where it is true. Or was it the other way round?"""

    def backward(self, dy):
        return np.where(self.x > 0, 0.1 * dy, dy)


@specimen("point", "The s in s (1 - s): is it what went in, or what came out?", x=values(4, 5))
class SigmoidOfTheInput(Sigmoid):
    """The slide says s' = s (1 - s), the layer had kept x, and so s became x."""

    def backward(self, dy):
        return dy * self.x * (1 - self.x)


@specimen("point", "1 - tanh(x)^2 has a tanh in it.", x=values(4, 5) / 2)
class TanhOfTheInput(Tanh):
    """For small x tanh(x) is nearly x, so the first tests, all with small numbers, passed."""

    def backward(self, dy):
        return dy * (1 - self.x**2)


@specimen("point", "Apply the formula to forward's own output: how many times was the sigmoid taken?", x=values(4, 5))
class SigmoidTwice(Sigmoid):
    """A helper `sigmoid_prime(z)` takes the sigmoid itself. It was called with y."""

    def backward(self, dy):
        s = 1 / (1 + np.exp(-self.y))
        return dy * s * (1 - s)


@specimen("chain", "What happens if dy is doubled?", x=values(4, 5))
class SigmoidAlone(Sigmoid):
    """The derivative of the sigmoid, exactly as in the table of derivatives. As the last layer of a network with loss
    sum(y) it even worked."""

    def backward(self, dy):
        return self.y * (1 - self.y)


@specimen("chain", "Walk a little in x: does y walk as far?", x=values(4, 5))
class TanhPassedOn(Tanh):
    """A stub, `return dy`, to be filled in tomorrow. The network trained, so nobody came back to it."""

    def backward(self, dy):
        return dy


@specimen("factor", "d(x^2)/dx, by heart.", x=values(4, 5))
class SquareWithoutTheTwo(Square):
    """In the loss there is a one half that eats the two. Here there is none."""

    def backward(self, dy):
        return self.x * dy


@specimen("coupling", "If x[0, 0] grows, what does y[0, 1] do?", x=values(4, 5))
class SoftmaxAsSigmoids(Softmax):
    """y (1 - y) is what one finds for "derivative of softmax" if one stops reading at i = j."""

    def backward(self, dy):
        return dy * self.y * (1 - self.y)


@specimen("axis", "Along which axis do the outputs of forward add up to 1?", x=values(4, 5))
class SoftmaxAcrossTheBatch(Softmax):
    """Formula right, axis left over from an earlier version for one example."""

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=0, keepdims=True))


@specimen("overflow", "What is np.exp(1000)?", x=values(4, 5))
class SoftmaxWithoutTheMax(Softmax):
    """The definition, typed in. It ran for a week, until the scores had grown; then every weight was NaN at once."""

    def forward(self, x):
        e = np.exp(x)
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y


@specimen("mask", "How many masks are drawn in one step of training?", 0.4, x=values(4, 5))
class DropoutDrawsAgain(Dropout):
    """Forward and backward are two functions, so each asks the generator for what it needs."""

    def backward(self, dy):
        mask = self.rng.random(dy.shape) >= self.p
        return dy * mask / (1 - self.p)


@specimen("factor", "Compare the last lines of forward and backward.", 0.4, x=values(4, 5))
class DropoutScaledOnce(Dropout):
    """The 1 / (1 - p) was added to forward on a Friday, so that nothing has to be done at test time."""

    def backward(self, dy):
        return dy * self.mask
