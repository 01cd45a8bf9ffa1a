"""What is measured, ours and PyTorch's. Each process imports only its own side."""

from pathlib import Path

import numpy as np

STYLE = [f"relu{block}_1" for block in range(1, 6)]
CONTENT = "relu4_2"
WEIGHTS = Path(__file__).parent.parent / "weights" / "vgg19-normalised.safetensors"
PLAN = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512)


def make(side, what, *settings):
    """A function without arguments that does it once."""
    if side == "idea":
        from benchmarks import ideas

        return ideas.make(what, *settings)
    return {"ours": OURS, "torch": TORCH, "sklearn": SKLEARN}[side][what](*settings)


def pictures(size):
    rng = np.random.default_rng(1)
    return [rng.random((1, 3, int(size), int(size)), np.float32) for _ in range(3)]


# ---- the closure of style transfer: loss and gradient to the picture -----------------------------------------------


def our_closure(size, threads="2"):
    from nnbasics.kernels.threads import set_num_threads
    from nnbasics.models import vgg19
    from nnbasics.style import Objective

    set_num_threads(int(threads))
    x, content, style = pictures(size)
    objective = Objective(
        vgg19(),
        content,
        style,
        content_weight=1,
        style_weight=1e4,
        content_layers={CONTENT: 1},
        style_layers=dict.fromkeys(STYLE, 1),
    )
    return lambda: objective(x)


def torch_closure(size, threads="2", mode="channels_last"):
    import torch

    torch.set_num_threads(int(threads))
    x, content, style = (torch.from_numpy(picture) for picture in pictures(size))
    loss = torch_loss(content, style, dict.fromkeys(STYLE, 1e4), mode)

    def closure():
        variable = x.clone().requires_grad_(True)
        value = loss(variable)
        (gradient,) = torch.autograd.grad(value, variable)
        return float(value.detach()), gradient

    return closure


def torch_loss(content, style, style_layers, mode="channels_last"):
    """The same loss for autograd: weights without gradients, ReLU in place, Gram matrices without a copy of the map.

    Parameters
    ----------
    content, style : Tensor, (1, 3, H, W)
    style_layers : dict of str to float
        beta times each layer's weight; alpha is 1.
    mode : str
        Memory order, or bf16: channels-last with autocast.
    """
    import torch
    from safetensors.numpy import load_file
    from torch.nn import functional as F

    layout = torch.contiguous_format if mode == "nchw" else torch.channels_last
    arrays = load_file(WEIGHTS)
    names = [f"conv{block}_{number}" for block, number in _numbers()]
    weights = [
        [torch.from_numpy(arrays[f"{name}.{key}"]).float() for key in ("weight", "bias")]
        for name in ["preprocess", *names]
    ]
    weights = [(weight.contiguous(memory_format=layout), bias) for weight, bias in weights]
    del arrays

    def features(x):
        x = F.conv2d(x, *weights[0]).contiguous(memory_format=layout)
        found, number = {}, 0
        for step in PLAN:
            if step == "pool":
                x = F.max_pool2d(x, 2)
                continue
            name = names[number].replace("conv", "relu")
            number += 1
            x = F.relu_(F.conv2d(x, *weights[number], padding=1))
            if name in style_layers or name == CONTENT:
                found[name] = x
        return found

    def gram(f):
        if mode == "nchw":
            flat = f.reshape(f.shape[1], -1)
            return flat @ flat.T
        flat = f.permute(0, 2, 3, 1).reshape(-1, f.shape[1])
        return flat.T @ flat

    autocast = torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16")
    with torch.no_grad(), autocast:
        target = features(content)
        sizes = {name: f.shape[2] * f.shape[3] for name, f in target.items()}
        target = target[CONTENT].clone()
        grams = {}
        for name, f in features(style).items():
            if name in style_layers:
                grams[name] = gram(f) * (sizes[name] / (f.shape[2] * f.shape[3]))

    def loss(x):
        with autocast:
            found = features(x)
            total = 0.5 * ((found[CONTENT] - target) ** 2).sum()
            for name, weight in style_layers.items():
                factor = weight / (4 * found[name].shape[1] ** 2 * sizes[name] ** 2)
                total = total + factor * ((gram(found[name]) - grams[name]) ** 2).sum()
        return total

    return loss


def _numbers():
    for block, layers in enumerate((2, 2, 4, 4, 1), 1):
        for number in range(1, layers + 1):
            yield block, number


# ---- one convolution, forward and gradient to its input --------------------------------------------------------------


def our_layer(channels, filters, size):
    from nnbasics import Conv2d

    conv = Conv2d(int(channels), int(filters), 3, padding=1, rng=0).freeze()
    x = _map(channels, size)
    dy = _map(filters, size)

    def both():
        conv.forward(x)
        return conv.backward(dy)

    return both


def torch_layer(channels, filters, size, mode="channels_last"):
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(2)
    layout = torch.contiguous_format if mode == "nchw" else torch.channels_last
    x, dy = (torch.from_numpy(_map(c, size)).contiguous(memory_format=layout) for c in (channels, filters))
    weight = np.random.default_rng(0).standard_normal((int(filters), int(channels), 3, 3), np.float32)
    weight = torch.from_numpy(weight).contiguous(memory_format=layout)
    bias = torch.zeros(int(filters))
    x.requires_grad_(True)
    return lambda: torch.autograd.grad(F.conv2d(x, weight, bias, padding=1), x, dy)


def _map(channels, size):
    """(1, C, size, size), channels-last in memory."""
    pixels = np.random.default_rng(0).standard_normal((1, int(size), int(size), int(channels)), np.float32)
    return pixels.transpose(0, 3, 1, 2)


# ---- a training step: LeNet-5, the lecture's network of two stages, ResNet-20 ----------------------------------------

PICTURE = {"lenet5": (1, 28, 28), "two_stage_cnn": (1, 28, 28), "resnet20": (3, 32, 32)}


def our_training(name, batch, threads="2"):
    from nnbasics import SGD, CrossEntropyLoss, models
    from nnbasics.kernels.threads import set_num_threads

    set_num_threads(int(threads))
    net = models.resnet(20, rng=0) if name == "resnet20" else getattr(models, name)(rng=0)
    loss, optimizer = CrossEntropyLoss(), SGD(lr=0.01)
    x, labels = _labelled(name, batch)

    def step():
        loss.forward(net.forward(x), labels)
        net.backward(loss.backward())
        optimizer.step(net.params, net.grads)

    return step


def torch_training(name, batch, threads="2", mode="nchw"):
    import torch
    from torch import nn

    torch.set_num_threads(int(threads))
    layout = torch.contiguous_format if mode == "nchw" else torch.channels_last
    net = {"lenet5": _torch_lenet5, "two_stage_cnn": _torch_two_stage, "resnet20": _torch_resnet20}[name]()
    net = net.to(memory_format=layout)
    optimizer, loss = torch.optim.SGD(net.parameters(), lr=0.01), nn.CrossEntropyLoss()
    x, labels = (torch.from_numpy(a) for a in _labelled(name, batch))
    x = x.contiguous(memory_format=layout)

    def step():
        optimizer.zero_grad()
        loss(net(x), labels).backward()
        optimizer.step()

    return step


def _torch_lenet5():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def _torch_two_stage():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(192, 10),
    )  # fmt: skip


def _torch_resnet20():
    """With shortcuts that take every second pixel and add maps of zeros, option A, as CIFAR's have."""
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, channels, out, stride):
            super().__init__()
            self.stride, self.more = stride, out - channels
            self.body = nn.Sequential(
                nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip

        def forward(self, x):
            shortcut = x[:, :, :: self.stride, :: self.stride]
            if self.more:
                shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.more))
            return F.relu(self.body(x) + shortcut)

    layers, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for out in (16, 32, 64):
        for block in range(3):
            layers.append(Block(channels, out, 2 if out > 16 and block == 0 else 1))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def _labelled(name, batch):
    rng = np.random.default_rng(0)
    return rng.random((int(batch), *PICTURE[name]), np.float32), rng.integers(0, 10, int(batch))


# ---- t-SNE of the digits: returns (divergence, map) ------------------------------------------------------------------


def digits():
    from nnbasics.data import digits

    return digits.load()[0].reshape(-1, 64)


def our_tsne():
    from nnbasics.visualize import TSNE

    x = digits()

    def draw():
        tsne = TSNE(perplexity=30)
        page = tsne.fit_transform(x, progress=False)
        return tsne.kl_divergence_, page

    return draw


def sklearn_tsne(method):
    from sklearn.manifold import TSNE

    x = digits()

    def draw():
        tsne = TSNE(perplexity=30, method=method, init="pca", random_state=0, n_jobs=2)
        page = tsne.fit_transform(x)
        return tsne.kl_divergence_, page

    return draw


OURS = {"closure": our_closure, "layer": our_layer, "training": our_training, "tsne": our_tsne}
TORCH = {"closure": torch_closure, "layer": torch_layer, "training": torch_training}
SKLEARN = {"tsne": sklearn_tsne}
