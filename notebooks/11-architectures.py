# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 11 · Architectures
#
# From LeNet-5 to FractalNet: the networks of the lecture, each built from the same few layers, and counted.
#
# ## What you will do
#
# - Read a network as a table: what comes out of each layer, what it learns, what it costs.
# - Compute the published counts: 60 million parameters, 19.6 billion multiply-adds, depth 40.
# - See what each network changed: groups, 3x3 filters only, branches side by side, shortcuts, a fractal.
#
# ## What you need
#
# Convolution and pooling, and their sizes: $W_2 = (W - F + 2P)/S + 1$.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import Conv2d, Linear, Sequential
from nnbasics.layers.convolution import windows
from nnbasics.models import alexnet, fractalnet, googlenet, lenet5, resnet, simple_cnn, vgg
from nnbasics.models.fractalnet import column
from nnbasics.models.googlenet import inception
from nnbasics.testing import exercise
from nnbasics.visualize import show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# | network | year | what was new | the lecture's number |
# |---|---|---|---|
# | LeNet-5 | 1998 | convolution, pooling, fully connected: the pattern of all that follow | |
# | AlexNet | 2012 | ReLU, dropout, two GPUs | 7 hidden layers, 650,000 units, 60,000,000 parameters |
# | VGG | 2014 | 3x3 filters and nothing else, deeper | 133 to 144 million parameters; VGG-19: 19.6 billion operations |
# | GoogLeNet | 2014 | filters of several sizes side by side, 1x1 before them | |
# | ResNet | 2015 | $y = F(x) + x$ | 34 layers: 3.6 billion operations |
# | FractalNet | 2016 | $f_{C+1} = (f_C \circ f_C) \oplus \mathrm{conv}$ | depth $B \cdot 2^{C-1} = 40$ |
#
# ## The code
#
# The lecture's example for CIFAR-10 is the smallest: input, convolution, ReLU, pooling, fully connected. Every network
# here can say what it is; `rng="zeros"` draws no weights, so that even the largest is there at once.

# %%
summary = simple_cnn(rng="zeros").summary()
sizes = [row.output_shape[1:] for row in summary.rows]
assert sizes == [(12, 32, 32), (12, 32, 32), (12, 16, 16), (3072,), (10,)]
summary

# %% [markdown]
# A convolution of $K$ filters $F \times F \times C$ learns $K (F^2 C + 1)$ numbers and takes one multiply-add for every
# weight at every position; a fully connected layer uses each weight once. So convolutions cost, and fully connected
# layers weigh. LeNet-5, where it began:

# %%
lenet5(rng="zeros").summary()

# %% [markdown]
# ### AlexNet
#
# The first layer has 96 filters of 11x11x3 with stride 4. A slide says that the picture has 277 × 277 pixels. It should
# say 227, which gives the 55 × 55 maps of the paper; 277 would not even divide.

# %%
print("227:", windows(227, 11, stride=4))
print("277:", windows(277, 11, stride=4))
assert windows(227, 11, stride=4).size == 55 and windows(227, 11, stride=4).divides

net = alexnet(rng="zeros")
units = sum(int(np.prod(row.output_shape)) for row in net.summary().rows if row.kind in ("Conv2d", "Linear"))
print(f"{net.num_parameters():,} parameters, {units:,} units")
assert round(net.num_parameters() / 1e7) == 6 and abs(units - 650_000) < 10_000
net.summary()

# %% [markdown]
# More than nine tenths of the parameters are in three fully connected layers, and nine tenths of the work is in five
# convolutions.

# %%
rows = net.summary().rows
heavy = sum(row.parameters for row in rows if row.kind == "Linear") / net.num_parameters()
work = sum(row.multiply_adds for row in rows if row.kind == "Conv2d") / net.summary().multiply_adds
print(f"fully connected: {heavy:.0%} of the parameters; convolutions: {work:.0%} of the work")
assert heavy > 0.9 and work > 0.9

# %% [markdown]
# ### VGG: the lecture's table, computed

# %%
printed = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}
for name, millions in printed.items():
    net = vgg(name, rng="zeros")
    layers = sum(isinstance(layer, Conv2d | Linear) for layer in net.layers.values())
    summary = net.summary()
    print(
        f"{name:6} {layers} layers   {summary.parameters / 1e6:6.1f} million parameters (printed: {millions})   "
        f"{summary.multiply_adds / 1e9:5.2f} billion multiply-adds"
    )
    assert round(summary.parameters / 1e6) == millions
assert round(vgg("E", rng="zeros").summary().multiply_adds / 1e9, 1) == 19.6

# %% [markdown]
# ### ResNet
#
# Thirty-four layers, with shortcuts that cost nothing (option A: every second pixel, and maps of zeros) or with
# projections (option B: a 1x1 convolution). Nearly twice as deep as VGG-19, for less than a fifth of its work.

# %%
for option in ("none", "A", "B"):
    summary = resnet(34, shortcut=option, rng="zeros").summary()
    print(
        f"34 layers, shortcut {option:4}: {summary.parameters:,} parameters, {summary.multiply_adds / 1e9:.2f} billion"
    )
plain, option_a = (resnet(34, shortcut=option, rng="zeros").summary() for option in ("none", "A"))
assert round(option_a.multiply_adds / 1e9, 1) == round(plain.multiply_adds / 1e9, 1) == 3.6
assert plain.parameters == option_a.parameters
resnet(34, rng="zeros").summary()

# %% [markdown]
# ### FractalNet
#
# With $B = 5$ blocks and $C = 4$ columns the longest way has $5 \cdot 2^3 = 40$ convolutions, the shortest 5.

# %%
net = fractalnet(5, 4, rng="zeros")
depths = {c: sum(isinstance(u, Sequential) for u in column(net, c).layers.values()) for c in (1, 2, 3, 4)}
print(depths)
assert depths == {1: 5, 2: 10, 3: 20, 4: 40}

# %% [markdown]
# ## The picture
#
# All of them in one: what they weigh and what they cost.

# %% tags=["figure"]
networks = {
    "AlexNet": alexnet(rng="zeros"),
    "VGG A": vgg("A", rng="zeros"),
    "VGG D (16)": vgg("D", rng="zeros"),
    "VGG E (19)": vgg("E", rng="zeros"),
    "GoogLeNet": googlenet(auxiliary=False, rng="zeros"),
    **{f"ResNet-{depth}": resnet(depth, rng="zeros") for depth in (18, 34, 50, 101, 152)},
}
places = {"ResNet-34": (-8, 9), "ResNet-50": (7, -10), "ResNet-18": (7, -10), "GoogLeNet": (-10, 9)}
figure, axes = plt.subplots(figsize=(8, 4.6))
for name, net in networks.items():
    summary = net.summary()
    colour = f"C{['A', 'V', 'G', 'R'].index(name[0])}"
    axes.scatter(summary.parameters / 1e6, summary.multiply_adds / 1e9, color=colour, s=45, zorder=3)
    place = (summary.parameters / 1e6, summary.multiply_adds / 1e9)
    axes.annotate(name, place, places.get(name, (6, 4)), textcoords="offset points")
axes.set(
    xlabel="million parameters",
    ylabel="billion multiply-adds for a picture",
    title="Depth without weight: VGG against what came after",
    xlim=(0, 170),
    ylim=(0, 22),
)
show(
    figure,
    "Parameters and work of the ImageNet networks. AlexNet is heavy and cheap, VGG heavy and costly; GoogLeNet and the "
    "residual networks have no large fully connected layers, and are light.",
)

# %% [markdown]
# ### Side by side: GoogLeNet
#
# An inception module looks at x through filters of three sizes at once. The 1x1 convolutions before the large filters
# make it affordable: how much, is an exercise.

# %% tags=["figure"]
module = Sequential({"inception3a": inception(192, 64, 96, 128, 16, 32, 32, rng="zeros")})
summary = module.summary((1, 192, 28, 28), levels=3)
print(f"{summary.parameters:,} parameters, {summary.multiply_adds / 1e6:.0f} million multiply-adds (printed: 128)")
assert round(summary.multiply_adds / 1e6) == 128
show(
    summary.draw(),
    "The inception module 3a, drawn from the network itself: four ways from the 192 maps below to a stack of 256.",
)

# %% [markdown]
# ### Around: ResNet

# %% tags=["figure"]
show(
    resnet(8, rng="zeros").summary(levels=4).draw(),
    "A residual network of eight layers for CIFAR-10. Every block adds to what went around it; where the size halves, "
    "the shortcut takes every second pixel and pads with empty maps (option A).",
)

# %% [markdown]
# ### Both: FractalNet

# %% tags=["figure"]
show(
    fractalnet(1, 4, rng="zeros").summary(levels=2).draw(),
    "One block of FractalNet with four columns. Every way from top to bottom is a network of its own, of one to eight "
    "convolutions.",
)

# %% [markdown]
# ## Check yourself

# %%
exercise("11-architectures/vgg-two-small").check(...)

# %%
exercise("11-architectures/one-by-one").check(...)

# %%
exercise("11-architectures/fractal-depth").check(...)

# %%
exercise("11-architectures/where").check(...)

# %% [markdown]
# ## Where next
#
# [Lecture 12](12-training-deep-nets.ipynb) trains such networks: why deep plain ones learn worse, and what shortcuts,
# stochastic depth and drop-path do about it. The networks are in [`nnbasics/models`](../nnbasics/models); a ResNet-50
# with its published weights names your photographs: `nnbasics weights fetch resnet50`, `nnbasics classify photo.jpg`.
#
# Krizhevsky, Sutskever, Hinton, *ImageNet classification with deep convolutional neural networks* (2012) · Simonyan,
# Zisserman, *Very deep convolutional networks* (2014) · Szegedy et al., *Going deeper with convolutions* (2014) · He,
# Zhang, Ren, Sun, *Deep residual learning* (2015) · Larsson, Maire, Shakhnarovich, *FractalNet* (2016).
