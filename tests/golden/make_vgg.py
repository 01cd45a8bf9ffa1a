"""Writes vgg19.npz: PyTorch's float64 features of VGG-19 on the weights that the project ships, and a gradient.

Run it with torch installed, from the top folder: python -m tests.golden.make_vgg

Of each layer's features there are the mean, the root mean square and 16 values spread over them; of dL/dx everything,
for L = the sum over all taps of <features, their weights>, the weights drawn from the seed.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from nnbasics.weights import load
from tests.golden.vgg_case import TAPS, picture, summary, upstream

STAGES = (2, 2, 4, 4, 4)
POOLINGS = {"max": F.max_pool2d, "average": F.avg_pool2d}


def walk(x, weights, pooling):
    """Every layer's output by name."""
    x = F.conv2d(x, weights["preprocess.weight"], weights["preprocess.bias"])
    found = {"preprocess": x}
    for stage, convolutions in enumerate(STAGES, 1):
        for i in range(1, convolutions + 1):
            name = f"{stage}_{i}"
            x = F.conv2d(x, weights[f"conv{name}.weight"], weights[f"conv{name}.bias"], padding=1)
            found[f"conv{name}"] = x
            x = found[f"relu{name}"] = x.relu()
        x = found[f"pool{stage}"] = POOLINGS[pooling](x, 2)
    return found


def main():
    weights = {key: torch.tensor(value, dtype=torch.float64) for key, value in load("vgg19-normalised").items()}
    found = {"x": picture()}
    for pooling in POOLINGS:
        x = torch.tensor(picture(), dtype=torch.float64, requires_grad=True)
        layers = walk(x, weights, pooling)
        dy = upstream({name: tuple(y.shape) for name, y in layers.items()})
        sum((layers[tap] * torch.tensor(dy[tap])).sum() for tap in TAPS).backward()
        found |= {f"{pooling}/{name}": summary(y.detach().numpy()) for name, y in layers.items()}
        found[f"{pooling}/dx"] = x.grad.numpy()
    np.savez_compressed(Path(__file__).with_name("vgg19.npz"), **found)


if __name__ == "__main__":
    main()
