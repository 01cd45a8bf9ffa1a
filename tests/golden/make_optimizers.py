"""Writes optimizers.npz: where PyTorch's SGD and Adam stand after each of ten steps along given gradients.

Run it with torch installed, from the top folder: python -m tests.golden.make_optimizers
"""

from pathlib import Path

import numpy as np
import torch

STEPS = 10
CASES = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adam_betas": (torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4}),
}


def walk(kind, options, start, gradients):
    """The parameter after each step, float64."""
    parameter = torch.nn.Parameter(torch.tensor(start))
    optimizer = kind([parameter], **options)
    places = []
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        places.append(parameter.detach().numpy().copy())
    return np.array(places)


def main():
    rng = np.random.default_rng(0)
    start = rng.standard_normal((3, 4))
    gradients = rng.standard_normal((STEPS, 3, 4)) * 10.0 ** rng.integers(-6, 3, (STEPS, 3, 4))
    arrays = {name: walk(kind, options, start, gradients) for name, (kind, options) in CASES.items()}
    np.savez_compressed(Path(__file__).with_name("optimizers.npz"), start=start, gradients=gradients, **arrays)


if __name__ == "__main__":
    main()
