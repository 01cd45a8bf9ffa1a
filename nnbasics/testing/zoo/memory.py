"""Right formulas, wrong manners: what a layer keeps, forgets, and writes into."""

import numpy as np

from nnbasics.testing.zoo.activations import ReLU, Sigmoid, Square
from nnbasics.testing.zoo.specimen import specimen, values


class Residual:
    """y = x + tanh(x): a shortcut past a branch."""

    def forward(self, x):
        self.branch = np.tanh(x)
        return x + self.branch

    def backward(self, dy):
        return dy + dy * (1 - self.branch**2)


@specimen("stale", "Run two batches.", x=values(4, 5))
class SquareOfTheFirstBatch(Square):
    """The cache is made once, because allocating is slow. In the notebook there was one batch only."""

    x = None

    def forward(self, x):
        if self.x is None:
            self.x = x.copy()
        return x**2


@specimen("stale", "Call backward again.", x=values(4, 5))
class SquareThatForgets(Square):
    """What is used up can be freed. The second backward, for the second loss, found nothing."""

    def backward(self, dy):
        dx = 2 * self.x * dy
        self.x = None
        return dx


@specimen("mutated", "Who else holds this dy?", x=values(4, 5))
class ReLUInPlaceOnDy(ReLU):
    """One array saved, in a book that thousands learned from. Beside a shortcut the other branch gets the
    masked dy."""

    def backward(self, dy):
        dy[~self.mask] = 0
        return dy


@specimen("mutated", "Whose array is x?", x=values(4, 5))
class ReLUInPlaceOnX(ReLU):
    """inplace=True, as in PyTorch, without PyTorch's bookkeeping: the layer before had kept that array, its
    output."""

    def forward(self, x):
        self.mask = x > 0
        x[~self.mask] = 0
        return x


@specimen("mutated", "What is self.y after the first backward?", x=values(4, 5))
class SigmoidThatSpoilsItsCache(Sigmoid):
    """*= needs no new array. It needs an old one, and that one is still wanted."""

    def backward(self, dy):
        dx = self.y
        dx *= (1 - dx) * dy
        return dx


@specimen("overlap", "How many ways lead from x to y?", x=values(4, 5))
class ResidualWithoutItsShortcut(Residual):
    """The branch has its backward, and the shortcut has no parameters, so what should it need one for?"""

    def backward(self, dy):
        return dy * (1 - self.branch**2)


@specimen("clipped", "Is backward(1000 dy) a thousand times backward(dy)?", x=values(4, 5))
class SquareWithASafetyBelt(Square):
    """Gradients had exploded once, and somebody put the clipping where it could not be forgotten."""

    def backward(self, dy):
        return np.clip(2 * self.x * dy, -1, 1)


@specimen("random", "Run forward twice on the same x.", x=values(4, 5))
class NoiseOfItsOwn(ReLU):
    """Noise against overfitting, from a new generator each time, so that nothing can be repeated, nor checked."""

    def forward(self, x):
        x = x + 0.1 * np.random.default_rng().standard_normal(x.shape)
        return super().forward(x)
