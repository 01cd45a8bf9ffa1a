# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 16 · VGG-19
#
# Nineteen layers with weights, one kind of convolution, one kind of pooling: the network that the style transfer uses.
#
# ## What you will do
#
# - Follow a picture's size through all layers with the seminar's two formulas.
# - Count: parameters of six configurations, multiplications of the largest, and where they all are.
# - Find out why two convolutions of 3x3 are better than one of 5x5.
# - Look at trained filters and at what they make of a photograph; classify it, if you have weights with a top.
#
# ## What you need
#
# Convolution and pooling ([lecture 7](07-convolution.ipynb)).

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import Conv2d, Linear, MaxPool2d, Sequential
from nnbasics.data import picture
from nnbasics.layers.convolution import windows
from nnbasics.models import vgg, vgg19
from nnbasics.testing import exercise
from nnbasics.visualize import filter_grid, interactive, map_grid, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# $F_{conv} = 3$ with $S = 1$ and padding 1; $F_{pool} = 2$ with $S = 2$. So
#
# $$\frac{224 - 3 + 2 \cdot 1}{1} + 1 = 224, \qquad \frac{224 - 2}{2} + 1 = 112 :$$
#
# convolutions keep the size, poolings halve it. The table of Simonyan and Zisserman (2014) has six such networks, A to
# E, of 11 to 19 layers with weights, and 133 to 144 million parameters; VGG-19 is E, and costs 19.6 billion
# multiply-adds.
#
# ## The code
#
# ### The two formulas
#
# The slide prints $F_{conv}$ in the second one, too. That would be 3, and 224 − 3 is not divisible by 2; the numbers
# put in are the right ones.

# %%
print("convolution:       ", windows(224, 3, stride=1, padding=1).size)
print("pooling, F_pool:   ", windows(224, 2, stride=2).size)
print("pooling as printed:", windows(224, 3, stride=2).quotient)
assert windows(224, 3, stride=1, padding=1).size == 224
assert windows(224, 2, stride=2).size == 112 and windows(224, 2, stride=2).divides
assert windows(224, 3, stride=2).quotient == 111.5

# %% [markdown]
# ### Layer by layer

# %%
net = vgg("E", rng="zeros")
shape, rows = (1, 3, 224, 224), []
for name, layer in net.layers.items():
    cost = layer.multiply_adds(shape)
    shape = layer.output_shape(shape)
    rows.append((name, shape[1:], layer.num_parameters(), cost))
    if layer.params or isinstance(layer, MaxPool2d):
        size = "x".join(map(str, shape[1:]))
        print(f"{name:8} {size:>12} {layer.num_parameters():>12,} parameters {cost / 1e6:>8,.0f} million multiply-adds")
sizes = {name: shape for name, shape, _, _ in rows}
assert sizes["conv1_2"] == (64, 224, 224) and sizes["pool1"] == (64, 112, 112)
assert sizes["pool5"] == (512, 7, 7) and sizes["fc8"] == (1000,)
assert sum(isinstance(layer, Conv2d | Linear) for layer in net.layers.values()) == 19

# %% [markdown]
# A convolution has $3 \cdot 3 \cdot D_{in} \cdot D_{out}$ weights and $D_{out}$ biases, wherever it stands; its cost is
# that times the positions. One by hand, conv4_2:

# %%
weights = 3 * 3 * 512 * 512
assert net.layers["conv4_2"].num_parameters() == weights + 512
assert net.layers["conv4_2"].multiply_adds((1, 512, 28, 28)) == weights * 28 * 28
print(f"conv4_2: {weights:,} + 512 parameters, {weights * 28 * 28:,} multiply-adds")

# %% [markdown]
# ### The table of six

# %%
million = {}
for configuration in ("A", "A-LRN", "B", "C", "D", "E"):
    one = vgg(configuration, rng="zeros")
    depth = sum(isinstance(layer, Conv2d | Linear) for layer in one.layers.values())
    million[configuration] = one.num_parameters() / 1e6
    billions = one.multiply_adds((1, 3, 224, 224)) / 1e9
    print(f"{configuration:6} {depth} layers, {million[configuration]:.1f} million parameters, {billions:.1f} billion")
assert [round(number) for number in million.values()] == [133, 133, 133, 134, 138, 144]
assert round(billions, 1) == 19.6
del one

# %% [markdown]
# A deck calls the 19.6 billion "FLOPs"; they are multiplications with an addition each, counted as one.
#
# Parameters and work are in different places:

# %% tags=["figure"]
named = [(name, parameters / 1e6, cost / 1e9) for name, _, parameters, cost in rows if parameters]
figure, panels = plt.subplots(2, 1, figsize=(8, 4.2), sharex=True)
for axes, values, title in zip(
    panels, zip(*[row[1:] for row in named], strict=True), ("million parameters", "billion multiply-adds"), strict=True
):
    axes.bar(range(len(named)), values, color=["C0" if name.startswith("conv") else "C1" for name, *_ in named])
    axes.set_title(title)
panels[1].set_xticks(range(len(named)), [name for name, *_ in named], rotation=60)
convolutions = [row for row in named if row[0].startswith("conv")]
part = sum(row[1] for row in convolutions) / sum(row[1] for row in named)
work = sum(row[2] for row in convolutions) / sum(row[2] for row in named)
print(f"convolutions: {part:.0%} of the parameters, {work:.1%} of the work")
show(
    figure,
    "Where VGG-19's parameters and its work are. fc6 alone has 103 of 144 million weights, since it looks at all of "
    "7x7x512 numbers at once; nearly all work is in the convolutions, which visit every position.",
)
assert part < 0.15 and work > 0.99

# %% [markdown]
# ### Why 3x3?
#
# Two convolutions of 3x3 see 5x5 pixels, three see 7x7. They need fewer weights than one large, and have a ReLU in
# between:

# %%
for layers in (1, 2, 3):
    stack = Sequential(*[Conv2d(512, 512, 3, padding=1, bias=False, rng="zeros") for _ in range(layers)])
    large = Conv2d(512, 512, 2 * layers + 1, bias=False, rng="zeros")
    few, many = stack.num_parameters(), large.num_parameters()
    print(
        f"{layers} of 3x3: {few / 1e6:.1f} million weights; one of {2 * layers + 1}x{2 * layers + 1}: {many / 1e6:.1f}"
    )
    assert few * (2 * layers + 1) ** 2 == many * 9 * layers
del net, stack, large

# %% [markdown]
# ## The picture
#
# ### Trained filters
#
# The weights that come with this library are the 16 convolutions, scaled so that every filter answers with 1 on
# average; that changes no answer of the network but the units. The first layer meets the colours through a 1x1
# convolution that says how the network was fed.

# %%
net = vgg19()
print([name for name in net.layers if name.startswith("conv")])
print("the top is there" if "prob" in net.layers else "without fully connected layers")

# %% tags=["figure"]
weight, colours = (net.layers[name].params["weight"].astype(np.float32) for name in ("conv1_1", "preprocess"))
figure, axes = plt.subplots(figsize=(4.4, 4.4))
axes.imshow(filter_grid(np.einsum("kbij,bc->kcij", weight, colours[:, :, 0, 0])))
axes.set_title("The 64 filters of conv1_1")
axes.axis("off")
show(figure, "Filters of 3x3 pixels in three colours: edges in all directions, spots, and changes of colour.")

# %% [markdown]
# ### Feature maps of a photograph

# %% tags=["figure"]
cat = picture.resize(picture.read("cat"), 160)
x = np.ascontiguousarray(cat.transpose(2, 0, 1)[None])


def maps(layer):
    features = net.activations(x, [layer])[layer]
    strongest = features[0].mean(axis=(1, 2)).argsort()[::-1][:12]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9), width_ratios=(1, 2.4))
    left.imshow(cat, interpolation="antialiased")
    right.imshow(map_grid(features[:, strongest], columns=6), cmap="gray")
    height, width = features.shape[2:]
    left.set_title("the picture")
    right.set_title(f"{layer}: 12 of {features.shape[1]} maps, {height}x{width}")
    for axes in (left, right):
        axes.axis("off")
    return figure


interactive(
    maps,
    "The twelve strongest maps of a layer. In the first block they are the picture with something stressed, edges and "
    "colours; further in they get coarser, and bright places are few: the filter waits for something particular.",
    layer=["relu2_2", "relu1_1", "relu1_2", "relu3_1", "relu3_4", "relu4_2", "relu5_1", "relu5_4"],
)

# %%
names = [f"relu{block}_1" for block in range(1, 6)]
taps = net.activations(x, names)
for name in names:
    _, depth, height, width = taps[name].shape
    share = np.mean(taps[name] > 0)
    print(f"{name}: {depth:3} maps of {height:3}x{width:3}, on average {taps[name].mean():.2f}, {share:.0%} above 0")
assert [taps[name].shape[1] for name in names] == [64, 128, 256, 512, 512]

# %% [markdown]
# ### What is it?
#
# The fully connected layers, 120 of the 144 million parameters, are not shipped. If you have a VGG-19 with its top
# (from torchvision, Keras or MatConvNet), `nnbasics weights convert FILE -o vgg19.safetensors` makes a file that this
# cell takes; put its name below. A class is a number from 0 to 999, in ImageNet's order; 281 to 285 are cats.

# %%
WEIGHTS = None  # "vgg19.safetensors"


def classify(net, name, best=5):
    """The numbers of the most probable classes, and their probabilities."""
    pixels = picture.resize_to(picture.read(name), 224, 224).transpose(2, 0, 1)[None]
    probabilities = net.forward(np.ascontiguousarray(pixels))[0]
    order = probabilities.argsort()[::-1][:best]
    return [(int(number), float(probabilities[number])) for number in order]


top = vgg19(WEIGHTS) if WEIGHTS else net
if "prob" in top.layers:
    for number, probability in classify(top, "cat"):
        print(f"class {number}: {probability:.1%}")
else:
    print("These weights end at pool5: they see, and name nothing.")

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("16-vgg-19/size").check(...)

# %%
exercise("16-vgg-19/parameters").check(...)


# %%
def pooled(width, height, poolings):
    return ...


exercise("16-vgg-19/pooled").check(pooled)

# %%
exercise("16-vgg-19/any-size").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 17](17-style-transfer.ipynb): the picture is what is learned.
# - In the library: [`nnbasics/models/vgg.py`](../nnbasics/models/vgg.py), all six in one table;
#   [the weights](../docs/weights.md), where they come from and how to convert others.
# - Simonyan, Zisserman, *Very deep convolutional networks for large-scale image recognition* (2014).
