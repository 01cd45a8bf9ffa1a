"""Writes objective.npz: Gatys' loss and gradient by PyTorch in float64, on the weights that the project ships.

Run it with torch installed, from the top folder: python -m tests.golden.make_objective

Two cases. "odd" has a content of 97x131 and a style of 83x113. "clear" is small, and of many pictures the one in which
no ReLU and no max-pool decides between values closer than float32 can tell apart: there a float32 gradient must agree.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from nnbasics.weights import load

HERE = Path(__file__).parent
STAGES = (2, 2, 4, 4, 4)
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = "relu4_2"
ALPHA, BETA = 1.0, 1e4


def features(x, weights, pooling=F.max_pool2d, margin=None):
    """The features up to relu5_1; `margin` collects how close each decision was."""
    found = {}
    x = F.conv2d(x, weights["preprocess.weight"], weights["preprocess.bias"])
    for stage, convolutions in enumerate(STAGES, 1):
        for i in range(1, convolutions + 1):
            name = f"{stage}_{i}"
            x = F.conv2d(x, weights[f"conv{name}.weight"], weights[f"conv{name}.bias"], padding=1)
            if margin is not None:
                margin.append(x.abs().min())
            x = found[f"relu{name}"] = x.relu()
            if name == "5_1":
                return found
        if margin is not None:
            windows = F.unfold(x.transpose(0, 1), 2, stride=2)
            first, second = windows.topk(2, dim=1).values.unbind(1)
            margin.append((first - second)[first > 0].min())
        x = pooling(x, 2)
    return found


def gram(f):
    flat = f.reshape(f.shape[1], -1)
    return flat @ flat.T


def paper(f, p, a):
    n, m = f[CONTENT].shape[1], f[CONTENT][0, 0].numel()
    loss = ALPHA * 0.5 * ((f[CONTENT] - p[CONTENT]) ** 2).sum()
    for name in STYLE:
        n, m = f[name].shape[1], f[name][0, 0].numel()
        target = gram(a[name]) / a[name][0, 0].numel() * m
        loss = loss + BETA * 0.2 / (4 * n**2 * m**2) * ((gram(f[name]) - target) ** 2).sum()
    return loss


def johnson(f, p, a):
    loss = ALPHA * F.mse_loss(f[CONTENT], p[CONTENT])
    for name in STYLE:
        loss = loss + BETA * 0.2 * F.mse_loss(gram(f[name]) / f[name].numel(), gram(a[name]) / a[name].numel())
    return loss


def gatys_notebook(f, p, a):
    loss = ALPHA * F.mse_loss(f[CONTENT], p[CONTENT])
    for name in STYLE:
        per_position = [gram(g[name]) / g[name][0, 0].numel() for g in (f, a)]
        loss = loss + BETA * 0.2 * 1e3 / f[name].shape[1] ** 2 * F.mse_loss(*per_position)
    return loss


def keras(f, p, a):
    loss = ALPHA * ((f[CONTENT] - p[CONTENT]) ** 2).sum()
    size = f["relu1_1"][0, 0].numel()
    for name in STYLE:
        difference = gram(f[name]) - gram(a[name]) * f[name].numel() / a[name].numel()
        loss = loss + BETA * 0.2 * (difference**2).sum() / (4 * 3**2 * size**2)
    return loss


RULES = {"paper": paper, "johnson": johnson, "gatys-notebook": gatys_notebook, "anish": johnson, "keras": keras}


def picture(rng, height, width):
    """A smooth random picture of 8 bit values: noise at several scales."""
    field = sum(
        F.interpolate(torch.from_numpy(rng.random((1, 3, cells, cells + 1))), (height, width), mode="bicubic") / cells
        for cells in (2, 4, 9, 20)
    )
    low, high = field.min(), field.max()
    return ((field - low) / (high - low) * 255).round().to(torch.uint8)


def tensor(bits):
    return bits.to(torch.float64) / 255


def find_clear(weights, height=24, width=33, tries=400):
    best = (0.0, None)
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        x = picture(rng, height, width)
        margin = []
        with torch.no_grad():
            features(tensor(x), weights, margin=margin)
        best = max(best, (float(min(margin)), seed))
    margin, seed = best
    print(f"clear: seed {seed}, closest decision {margin:.1e}")
    rng = np.random.default_rng(seed)
    return picture(rng, height, width), picture(rng, height, width), picture(rng, height - 3, width + 8)


def main():
    loaded = load("vgg19-normalised")
    weights = {key: torch.from_numpy(np.array(value, np.float64)) for key, value in loaded.items()}
    rng = np.random.default_rng(0)
    cases = {
        "odd": (picture(rng, 97, 131), picture(rng, 97, 131), picture(rng, 83, 113)),
        "clear": find_clear(weights),
    }
    out = {}
    for case, bits in cases.items():
        x, content, style = (tensor(b) for b in bits)
        out.update({f"{case}/{role}": b.numpy() for role, b in zip(("x", "content", "style"), bits, strict=True)})
        for pooling, kernel in (("max", F.max_pool2d), ("average", F.avg_pool2d)):
            with torch.no_grad():
                p, a = (features(t, weights, kernel) for t in (content, style))
            for convention, rule in RULES.items():
                if (case == "odd" or pooling == "average") and convention != "paper":
                    continue
                x.requires_grad_(True)
                loss = rule(features(x, weights, kernel), p, a)
                (gradient,) = torch.autograd.grad(loss, x)
                key = f"{case}/{pooling}/{convention}"
                out[f"{key}/loss"] = np.array(loss.item())
                out[f"{key}/norm"] = np.array(gradient.norm().item())
                step = 4 if case == "odd" else 1
                out[f"{key}/gradient"] = gradient.numpy()[..., ::step, ::step]
    np.savez_compressed(HERE / "objective.npz", **out)
    print(f"objective.npz: {(HERE / 'objective.npz').stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
