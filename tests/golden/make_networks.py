"""Writes networks.npz: what PyTorch's functions say, in float64, about every case of `network_cases`.

Run it with torch installed, from the top folder: python -m tests.golden.make_networks

Of each network there are y (its summary, if it is large) and the summaries of dL/dx and of the gradient of every
parameter. L is <y, dy>, and for GoogLeNet the loss of its three heads.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from nnbasics.models.state import state
from tests.golden.network_cases import CASES, LABEL, PLAN, made, picture, summary, upstream
from tests.parity import twins

TWINS = {
    "lenet5": twins.lenet5,
    "simple": twins.simple_cnn,
    "all-convolutional": twins.all_convolutional,
    "alexnet, the paper's": twins.alex_paper,
    "alexnet, torchvision's": twins.alex_torchvision,
    "resnet18 A": twins.resnet((2, 2, 2, 2), shortcut="A"),
    "resnet34 B": twins.resnet((3, 4, 6, 3)),
    "resnet50 A": twins.resnet((3, 4, 6, 3), True, shortcut="A"),
    "resnet50 B, torchvision's": twins.resnet((3, 4, 6, 3), True, stride_in=2),
    "resnet20": twins.resnet((3, 3, 3), shortcut="A", imagenet=False),
    "plain20": twins.resnet((3, 3, 3), shortcut="none", imagenet=False),
    "stochastic20 in use": twins.resnet((3, 3, 3), shortcut="A", imagenet=False, survival=0.5),
    "fractalnet": twins.fractalnet(2, 4),
    "fractalnet, ways dropped": twins.fractalnet(2, 3, PLAN),
}


def walk(name):
    """y, dx and {parameter: gradient}."""
    net, x = made(name), torch.tensor(picture(name), requires_grad=True)
    theirs = twins.Twin(state(net), net.training)
    if name == "googlenet":
        heads = []
        y = twins.googlenet(theirs, x, heads)
        losses = [F.cross_entropy(scores, torch.tensor([LABEL])) for scores in (y, *heads)]
        (losses[0] + 0.3 * (losses[1] + losses[2])).backward()
    else:
        y = TWINS[name](theirs, x)
        y.backward(torch.tensor(upstream(name, tuple(y.shape))))
    grads = {key: theirs.p[key].grad for key in net.params}
    zeros = {key: np.zeros(net.params[key].shape) for key, grad in grads.items() if grad is None}
    return y.detach().numpy(), x.grad.numpy(), {key: zeros.get(key, grad) for key, grad in grads.items()}


def main():
    found = {}
    for name in CASES:
        y, dx, grads = walk(name)
        found[f"{name}/y"] = y if y.size <= 100 else summary({"y": y})
        found[f"{name}/dx"] = summary({"dx": dx})
        found[f"{name}/grads"] = summary({key: np.asarray(grad) for key, grad in grads.items()})
        print(f"{name}: y from {y.min():.2f} to {y.max():.2f}, {len(grads)} gradients")
    np.savez_compressed(Path(__file__).with_name("networks.npz"), **found)


if __name__ == "__main__":
    main()
