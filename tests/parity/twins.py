"""Networks written in PyTorch's functions, as their papers read: what ours are compared with.

A twin is told a network's arrays by name and nothing else of it.
"""

import torch
import torch.nn.functional as F


class Twin:
    """PyTorch's functions with a network's arrays: `state(net)`, or others by the same names."""

    def __init__(self, arrays, training):
        self.p = {key: torch.tensor(array, dtype=torch.float64) for key, array in arrays.items()}
        for key, array in self.p.items():
            array.requires_grad_(not key.rpartition(".")[2].startswith("running"))
        self.training = training

    def conv(self, x, name, stride=1, padding=0, groups=1):
        return F.conv2d(x, self.p[f"{name}.weight"], self.p.get(f"{name}.bias"), stride, padding, groups=groups)

    def linear(self, x, name):
        return F.linear(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"])

    def norm(self, x, name):
        statistics = self.p[f"{name}.running_mean"].clone(), self.p[f"{name}.running_var"].clone()
        return F.batch_norm(x, *statistics, self.p[f"{name}.weight"], self.p[f"{name}.bias"], self.training)


def lenet5(t, x):
    x = F.avg_pool2d(torch.tanh(t.conv(x, "conv1", padding=2)), 2)
    x = F.avg_pool2d(torch.tanh(t.conv(x, "conv2")), 2).flatten(1)
    return t.linear(torch.tanh(t.linear(torch.tanh(t.linear(x, "fc3")), "fc4")), "fc5")


def simple_cnn(t, x):
    return t.linear(F.max_pool2d(F.relu(t.conv(x, "conv", padding=1)), 2).flatten(1), "fc")


def all_convolutional(t, x):
    for i, (stride, padding) in enumerate([(1, 1), (1, 1), (2, 1)] * 2 + [(1, 0)] * 3, 1):
        x = F.relu(t.conv(x, f"conv{i}", stride, padding))
    return x.mean((2, 3))


def alex_paper(t, x):
    x = F.local_response_norm(F.relu(t.conv(x, "conv1", 4)), 5, 5e-4, 0.75, 2.0)
    x = F.max_pool2d(x, 3, 2)
    x = F.local_response_norm(F.relu(t.conv(x, "conv2", padding=2, groups=2)), 5, 5e-4, 0.75, 2.0)
    x = F.relu(t.conv(F.max_pool2d(x, 3, 2), "conv3", padding=1))
    x = F.relu(t.conv(x, "conv4", padding=1, groups=2))
    return F.max_pool2d(F.relu(t.conv(x, "conv5", padding=1, groups=2)), 3, 2)


def alex_torchvision(t, x):
    x = F.max_pool2d(F.relu(t.conv(x, "conv1", 4, 2)), 3, 2)
    x = F.max_pool2d(F.relu(t.conv(x, "conv2", padding=2)), 3, 2)
    for i in (3, 4, 5):
        x = F.relu(t.conv(x, f"conv{i}", padding=1))
    return F.max_pool2d(x, 3, 2)


def vgg(kernels, lrn=False):
    def twin(t, x):
        for block, sizes in enumerate(kernels, 1):
            for number, kernel in enumerate(sizes, 1):
                x = F.relu(t.conv(x, f"conv{block}_{number}", padding=kernel // 2))
            if lrn and block == 1:
                x = F.local_response_norm(x, 5, 5e-4, 0.75, 2.0)
            x = F.max_pool2d(x, 2)
        return x

    return twin


def resnet(blocks, bottleneck=False, shortcut="B", imagenet=True, stride_in=1, survival=None):
    """He's paper, table 1 and section 4.2, as it reads."""

    def twin(t, x):
        x = F.relu(t.norm(t.conv(x, "conv1", 2 if imagenet else 1, 3 if imagenet else 1), "bn1"))
        x = F.max_pool2d(x, 3, 2, 1) if imagenet else x
        done = 0
        for stage, count in enumerate(blocks, 2):
            for block in range(1, count + 1):
                done += 1
                stride = 2 if stage > 2 and block == 1 else 1
                name = f"block{stage}_{block}"
                body = f"{name}.body." if shortcut != "none" else f"{name}."
                y, last = x, 3 if bottleneck else 2
                for i in range(1, last + 1):
                    padding = int(not bottleneck or i == 2)
                    y = t.norm(t.conv(y, f"{body}conv{i}", stride if i == stride_in else 1, padding), f"{body}bn{i}")
                    y = F.relu(y) if i < last else y
                if survival:
                    y = y * (1 - done / sum(blocks) * (1 - survival))
                x = F.relu(y + around(t, x, y, name, stride, shortcut) if shortcut != "none" else y)
        return t.linear(x.mean((2, 3)), "fc")

    return twin


def around(t, x, y, name, stride, shortcut):
    if x.shape == y.shape:
        return x
    if shortcut == "B":
        return t.norm(t.conv(x, f"{name}.shortcut.conv", stride), f"{name}.shortcut.bn")
    empty = torch.zeros(y.shape[0], y.shape[1] - x.shape[1], *y.shape[2:], dtype=x.dtype)
    return torch.cat([x[:, :, ::stride, ::stride], empty], 1)


def fractalnet(blocks, columns, plan=None):
    """The recursion of Larsson's section 3: what f_C brings to a join, by column.

    `plan` has the columns that are open at each join of a block, for joins 1 to 2^(C - 1); all are, if not given.
    """

    def unit(t, x, name):
        return F.relu(t.norm(t.conv(x, f"{name}.conv", padding=1), f"{name}.bn"))

    def join(brought, end):
        return torch.stack([y for column, y in brought.items() if plan is None or column in plan[end - 1]]).mean(0)

    def fractal(t, x, block, first, index):
        here = {first: unit(t, x, f"block{block}.column{first}_{index + 1}")}
        if first == columns:
            return here
        middle = join(fractal(t, x, block, first + 1, 2 * index), (2 * index + 1) * 2 ** (columns - first - 1))
        return here | fractal(t, middle, block, first + 1, 2 * index + 1)

    def twin(t, x):
        for block in range(1, blocks + 1):
            x = F.max_pool2d(join(fractal(t, x, block, 1, 0), 2 ** (columns - 1)), 2)
        return t.linear(x.flatten(1), "fc")

    return twin


def googlenet(t, x, heads=None):
    def module(x, name):
        def path(where, *names):
            y = F.max_pool2d(x, 3, 1, 1) if where == "pool" else x
            for conv in names:
                weight = t.p[f"inception{name}.{where}.{conv}.weight"]
                y = F.relu(t.conv(y, f"inception{name}.{where}.{conv}", padding=weight.shape[2] // 2))
            return y

        reduced = [path(size, "conv_reduce", "conv") for size in ("3x3", "5x5")]
        return torch.cat([path("1x1", "conv"), *reduced, path("pool", "conv")], 1)

    x = F.max_pool2d(F.relu(t.conv(x, "conv1", 2, 3)), 3, 2, ceil_mode=True)
    x = F.relu(t.conv(F.local_response_norm(x, 5, 5e-4, 0.75, 1.0), "conv_reduce2"))
    x = F.local_response_norm(F.relu(t.conv(x, "conv2", padding=1)), 5, 5e-4, 0.75, 1.0)
    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name in "3a 3b | 4a 4b 4c 4d 4e | 5a 5b".split():
        x = F.max_pool2d(x, 3, 2, ceil_mode=True) if name == "|" else module(x, name)
        if heads is not None and name in ("4a", "4d"):
            aux = "aux1" if name == "4a" else "aux2"
            y = F.relu(t.conv(F.avg_pool2d(x, 5, 3), f"{aux}.head.conv")).flatten(1)
            heads.append(t.linear(F.relu(t.linear(y, f"{aux}.head.fc1")), f"{aux}.head.fc2"))
    return t.linear(x.mean((2, 3)), "fc")
