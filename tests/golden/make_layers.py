"""Writes layers.npz: what PyTorch says, in float64, about every case of `layer_cases`.

Run it with torch installed, from the top folder: python -m tests.golden.make_layers
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tests.golden.layer_cases import CASES, drawn


def answers(case, layer, x, dy):
    """PyTorch's y, dx and parameter gradients."""
    given = {"x": x, **layer.params}
    leaves = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in given.items()}
    y = case.theirs(F, **leaves)
    y.backward(torch.tensor(dy, dtype=torch.float64))
    return {"y": y.detach().numpy(), **{f"d{key}": leaf.grad.numpy() for key, leaf in leaves.items()}}


def main():
    found = {}
    for seed, (name, case) in enumerate(CASES.items()):
        layer, x, dy = drawn(case, seed)
        given = {"x": x, "dy": dy, **layer.params}
        found |= {f"{name}/{key}": value for key, value in {**given, **answers(case, layer, x, dy)}.items()}
    np.savez_compressed(Path(__file__).with_name("layers.npz"), **found)


if __name__ == "__main__":
    main()
