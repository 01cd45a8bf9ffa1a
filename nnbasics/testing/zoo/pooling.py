"""Wrong pooling: who gets dy, and how much of it."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class MaxPool:
    """2x2 windows, stride 2."""

    def forward(self, x):
        n, c, height, width = x.shape
        self.windows = x.reshape(n, c, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        self.windows = self.windows.reshape(n, c, height // 2, width // 2, 4)
        self.argmax = self.windows.argmax(axis=-1)
        return self.windows.max(axis=-1)

    def backward(self, dy):
        return self.put_back(dy[..., None] * (np.arange(4) == self.argmax[..., None]))

    def put_back(self, windows):
        n, c, height, width, _ = windows.shape
        windows = windows.reshape(n, c, height, width, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return windows.reshape(n, c, 2 * height, 2 * width)


class OverlappingMaxPool:
    """3x3 windows, stride 2, as in AlexNet."""

    def forward(self, x):
        self.x = x
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
        return windows.max(axis=(-1, -2))

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(dy.shape):
            window = self.x[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            row, column = np.unravel_index(window.argmax(), (3, 3))
            dx[n, c, 2 * i + row, 2 * j + column] += dy[n, c, i, j]
        return dx


class AvgPool:
    """2x2 windows, stride 2."""

    def forward(self, x):
        n, c, height, width = x.shape
        return x.reshape(n, c, height // 2, 2, width // 2, 2).mean(axis=(3, 5))

    def backward(self, dy):
        return dy.repeat(2, axis=2).repeat(2, axis=3) / 4


class GlobalAvgPool:
    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dy):
        height, width = self.shape[2:]
        return np.broadcast_to(dy[:, :, None, None] / (height * width), self.shape).copy()


@specimen("ties", "A window of four equal pixels: what is the sum of dx?", x=values(2, 3, 4, 6))
class MaxPoolThatPaysEveryTie(MaxPool):
    """x == max is a fine mask on random numbers. After ReLU, on a black corner of a picture, whole windows are
    equal."""

    def backward(self, dy):
        return self.put_back(dy[..., None] * (self.windows == self.windows.max(axis=-1, keepdims=True)))


@specimen("mask", "Which of the four pixels could have changed y?", x=values(2, 3, 4, 6))
class MaxPoolThatPaysEverybody(MaxPool):
    """Upsampling is the opposite of pooling. For the average it would have been right, but for a quarter."""

    def backward(self, dy):
        return dy.repeat(2, axis=2).repeat(2, axis=3)


@specimen("misplaced", "Where in its window was the largest value?", x=values(2, 3, 4, 6))
class MaxPoolToTheCorner(MaxPool):
    """One value comes from each window, and one value goes back into each window: dx[::2, ::2] = dy."""

    def backward(self, dy):
        return self.put_back(dy[..., None] * (np.arange(4) == 0))


@specimen("overlap", "Can one pixel be the largest in two windows?", x=values(1, 2, 7, 7))
class MaxPoolThatOverwrites(OverlappingMaxPool):
    """With windows of two and a stride of two the assignment was right. Then came AlexNet."""

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(dy.shape):
            window = self.x[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            row, column = np.unravel_index(window.argmax(), (3, 3))
            dx[n, c, 2 * i + row, 2 * j + column] = dy[n, c, i, j]
        return dx


@specimen("count", "Sum dx over one window.", x=values(2, 3, 4, 6))
class AvgPoolWithoutTheQuarter(AvgPool):
    """Every pixel of a window had the same part in it, so every pixel gets dy."""

    def backward(self, dy):
        return dy.repeat(2, axis=2).repeat(2, axis=3)


@specimen("count", "mean, or sum?", x=values(2, 3, 4, 5))
class GlobalAvgPoolThatSums(GlobalAvgPool):
    """Forward was changed from a sum to a mean. The loss went down more slowly; backward stayed."""

    def backward(self, dy):
        return np.broadcast_to(dy[:, :, None, None], self.shape).copy()
