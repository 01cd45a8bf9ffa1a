"""Four published programs beside ours: python -m benchmarks.programs paints docs/settings/programs.webp.

Each program's loss, start and walk are written here anew in PyTorch, as its source has them, with its defaults. Ours
has to find the same loss (tests/parity/test_conventions.py) and, walked as far, a picture that looks the same. Both
have the weights of the original VGG-19 as `nnbasics.weights.original` knows them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.contenders import PLAN
from benchmarks.settings import CHINA, FOLDER, write
from nnbasics.data import picture as pictures
from nnbasics.style import stylize
from nnbasics.style.sheet import contact_sheet
from nnbasics.weights import load
from nnbasics.weights.original import original

STYLE = [f"relu{block}_1" for block in range(1, 6)]
MEAN = torch.tensor([103.939, 116.779, 123.68]).reshape(3, 1, 1)  # blue, green, red
STEPS = 30
LONGER = 5  # times as many for their L-BFGS, which has neither a line search nor our coordinates
SIZE = 176


class Network:
    """The features of pictures as the original network takes them: BGR from 0 to white, less the mean."""

    def __init__(self):
        arrays = original(load())
        names = sorted(name[:-7] for name in arrays if name.startswith("conv") and name.endswith("weight"))
        self._layers = [[torch.from_numpy(arrays[f"{name}.{key}"]) for key in ("weight", "bias")] for name in names]
        self._names = [name.replace("conv", "relu") for name in names]

    def __call__(self, z):
        found, number = {}, 0
        for step in (*PLAN, 512):  # to relu5_2
            if step == "pool":
                z = F.max_pool2d(z, 2)
            else:
                z = F.relu(F.conv2d(z, *self._layers[number], padding=1))
                found[self._names[number]] = z
                number += 1
        return found


def johnson(z, found, content, style):
    """jcjohnson/neural-style, with the loss that its gradient of the total variation belongs to."""

    def gram(f):
        flat = f.reshape(f.shape[1], -1)
        return flat @ flat.T / f.numel()

    loss = 5 * F.mse_loss(found["relu4_2"], content["relu4_2"])
    for name in STYLE:
        loss = loss + 100 * F.mse_loss(gram(found[name]), gram(style[name]))
    steps = z[..., :-1, :-1] - z[..., :-1, 1:], z[..., :-1, :-1] - z[..., 1:, :-1]
    return loss + 1e-3 / 2 * sum((step**2).sum() for step in steps)


def gatys(z, found, content, style):
    """leongatys/PytorchNeuralStyleTransfer."""

    def gram(f):
        flat = f.reshape(f.shape[1], -1)
        return flat @ flat.T / flat.shape[1]

    loss = F.mse_loss(found["relu4_2"], content["relu4_2"])
    for name, n in zip(STYLE, (64, 128, 256, 512, 512), strict=True):
        loss = loss + 1e3 / n**2 * F.mse_loss(gram(found[name]), gram(style[name]))
    return loss


def anish(z, found, content, style):
    """anishathalye/neural-style."""

    def l2_loss(array):
        return (array**2).sum() / 2

    def gram(f):
        flat = f[0].permute(1, 2, 0).reshape(-1, f.shape[1])
        return flat.T @ flat / flat.numel()

    target = content["relu4_2"]
    loss = 5 * 2 * l2_loss(found["relu4_2"] - target) / target.numel()
    for name in STYLE:
        target = gram(style[name])
        loss = loss + 500 * 0.2 * 2 * l2_loss(gram(found[name]) - target) / target.numel()
    down, right = z[..., 1:, :] - z[..., :-1, :], z[..., :, 1:] - z[..., :, :-1]
    return loss + 100 * 2 * (l2_loss(down) / down.numel() + l2_loss(right) / right.numel())


def keras(z, found, content, style):
    """The neural style transfer of Keras' examples."""

    def gram(f):
        flat = f.reshape(f.shape[1], -1)
        return flat @ flat.T

    size = z.shape[2] * z.shape[3]
    loss = 2.5e-8 * ((found["relu5_2"] - content["relu5_2"]) ** 2).sum()
    for name in STYLE:
        loss = loss + 1e-6 / 5 * ((gram(found[name]) - gram(style[name])) ** 2).sum() / (4 * 3**2 * size**2)
    a, b = z[..., :-1, :-1] - z[..., 1:, :-1], z[..., :-1, :-1] - z[..., :-1, 1:]
    return loss + 1e-6 * ((a**2 + b**2) ** 1.25).sum()


def lbfgs(z, closure):
    torch.optim.LBFGS(
        [z], max_iter=LONGER * STEPS, max_eval=LONGER * STEPS, tolerance_grad=-1, tolerance_change=-1
    ).step(closure)


def stepping(optimizer, lr):
    def walk(z, closure):
        steps = optimizer([z], lr=lr)
        for _ in range(STEPS):
            steps.step(closure)

    return walk


@dataclass(frozen=True)
class Program:
    """A program's loss and walk, and the settings that are ours for it."""

    loss: Callable
    walk: Callable
    noise: float  # of its start, around the mean; 0: it starts from the content
    ours: dict
    white: float = 255.0

    def seen(self, picture):
        """(H, W, 3) in [0, 1] as its network takes it."""
        bgr = torch.from_numpy(picture[..., ::-1].transpose(2, 0, 1)[None].copy())
        return self.white * bgr - MEAN

    def objective(self, content, style):
        """z -> loss."""
        network = Network()
        with torch.no_grad():
            targets = [network(self.seen(each)) for each in (content, style)]
        return lambda z: self.loss(z, network(z), *targets)

    def paint(self, content, style):
        """The picture after STEPS steps."""
        loss = self.objective(content, style)
        z = self.seen(content)
        if self.noise:
            z = self.noise * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
        z.requires_grad_(True)

        def closure():
            z.grad = None
            value = loss(z)
            value.backward()
            return value

        self.walk(z, closure)
        bgr = ((z.detach() + MEAN) / self.white).clamp(0, 1)[0].numpy()
        return bgr[::-1].transpose(1, 2, 0)


FROM_NOISE = {"init": "noise"}
PROGRAMS = {
    "johnson": Program(johnson, lbfgs, 1e-3, FROM_NOISE, white=256.0),
    "gatys-notebook": Program(gatys, lbfgs, 0.0, {}),
    "anish": Program(
        anish, stepping(torch.optim.Adam, 10), 0.256, {"optimizer": "adam", "learning_rate": 10 / 255, **FROM_NOISE}
    ),
    "keras": Program(
        keras, stepping(torch.optim.SGD, 100), 0.0, {"optimizer": "gradient-descent", "learning_rate": 100 / 255**2}
    ),
}


def main():
    theirs, ours = [], []
    for name, program in PROGRAMS.items():
        result = stylize(*CHINA, size=SIZE, iterations=STEPS, convention=name, progress=False, **program.ours)
        content, style = (pictures.resize(pictures.read(each), SIZE) for each in CHINA)
        theirs.append((name, program.paint(content, style)))
        ours.append(("the same here", result.image))
        print(f"{name}: mean difference {np.abs(theirs[-1][1] - ours[-1][1]).mean():.3f}", flush=True)
    write(FOLDER / "programs.webp", contact_sheet(theirs + ours, 4, SIZE))


if __name__ == "__main__":
    main()
