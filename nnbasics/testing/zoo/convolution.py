"""Wrong convolutions: overlaps, kernels turned round, and the edge of the picture."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class Conv:
    """3x3, stride 1, padding 1, from the definition: loops over the places, products over everything else."""

    def __init__(self, c_in, c_out):
        self.params = {"weight": values(c_out, c_in, 3, 3, seed=1), "bias": values(c_out, seed=2)}
        self.grads = {}

    def forward(self, x):
        n, _, height, width = x.shape
        self.x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        y = np.empty((n, len(self.params["weight"]), height, width), x.dtype)
        for i in range(height):
            for j in range(width):
                window = self.x[:, :, i : i + 3, j : j + 3]
                y[:, :, i, j] = np.einsum("ncij,ocij->no", window, self.params["weight"])
        return y + self.params["bias"][:, None, None]

    def backward(self, dy):
        self.grads["weight"] = self.weight_gradient(dy)
        self.grads["bias"] = dy.sum(axis=(0, 2, 3))
        return self.input_gradient(dy)

    def weight_gradient(self, dy):
        dweight = np.zeros_like(self.params["weight"])
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                window = self.x[:, :, i : i + 3, j : j + 3]
                dweight += np.einsum("no,ncij->ocij", dy[:, :, i, j], window)
        return dweight

    def input_gradient(self, dy):
        dx = np.zeros_like(self.x)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] += np.einsum("no,ocij->ncij", dy[:, :, i, j], self.params["weight"])
        return dx[:, :, 1:-1, 1:-1]


PICTURE = values(2, 3, 4, 5)


@specimen("overlap", "How many windows see the pixel in the middle?", 3, 2, x=PICTURE)
class ConvThatOverwrites(Conv):
    """col2im, the transpose of im2col. An assignment puts every patch back where it came from."""

    def input_gradient(self, dy):
        dx = np.zeros_like(self.x)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] = np.einsum("no,ocij->ncij", dy[:, :, i, j], self.params["weight"])
        return dx[:, :, 1:-1, 1:-1]


@specimen("overlap", "How many examples had a say in dweight?", 3, 2, x=PICTURE)
class ConvOfTheLastExample(Conv):
    """A loop over the batch, because that is easier to think about. Training worked, as with a batch of one."""

    def weight_gradient(self, dy):
        for n in range(len(dy)):
            dweight = np.zeros_like(self.params["weight"])
            for i in range(dy.shape[2]):
                for j in range(dy.shape[3]):
                    window = self.x[n, :, i : i + 3, j : j + 3]
                    dweight += dy[n, :, i, j][:, None, None, None] * window
        return dweight


@specimen("flipped", "With a kernel that only looks up, which pixel does dy[i, j] go to?", 3, 2, x=PICTURE)
class ConvTurnedRoundTwice(Conv):
    """ "The backward pass is a convolution with the flipped kernel". With dy padded and gathered it is. Here dy is
    spread, which flips already."""

    def input_gradient(self, dy):
        dx = np.zeros_like(self.x)
        flipped = self.params["weight"][:, :, ::-1, ::-1]
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] += np.einsum("no,ocij->ncij", dy[:, :, i, j], flipped)
        return dx[:, :, 1:-1, 1:-1]


@specimen("flipped", "dweight[0, 0, 0, 0]: which pixels did it meet?", 3, 2, x=PICTURE)
class ConvWithTheGradientTurned(Conv):
    """The textbook's convolution flips the kernel, so its gradient is flipped. The layer's forward does not flip."""

    def weight_gradient(self, dy):
        return super().weight_gradient(dy)[:, :, ::-1, ::-1]


@specimen("transposed", "weight[o, c]: over which of the two does backward sum?", 3, 3, x=PICTURE)
class ConvWithChannelsSwapped(Conv):
    """Three channels in, three channels out, and an einsum whose letters nobody checked."""

    def input_gradient(self, dy):
        dx = np.zeros_like(self.x)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] += np.einsum("nc,ocij->noij", dy[:, :, i, j], self.params["weight"])
        return dx[:, :, 1:-1, 1:-1]


@specimen("misplaced", "Where does the picture lie in the padded picture?", 3, 2, x=PICTURE)
class ConvCutAtTheCorner(Conv):
    """The padding is cut off at the end, all of it. The shapes are right."""

    def input_gradient(self, dy):
        dx = np.zeros_like(self.x)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                dx[:, :, i : i + 3, j : j + 3] += np.einsum("no,ocij->ncij", dy[:, :, i, j], self.params["weight"])
        return dx[:, :, :-2, :-2]


@specimen("axis", "Which axes does the bias not have?", 3, 2, x=PICTURE)
class ConvBiasOverTheWrongAxes(Conv):
    """Two examples and two channels; the sum over channels and places has two values as well."""

    def backward(self, dy):
        self.grads["weight"] = self.weight_gradient(dy)
        self.grads["bias"] = dy.sum(axis=(1, 2, 3))
        return self.input_gradient(dy)
