# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 13 · Features and filters
#
# What has a network learned to look for? Look at its filters, at its maps, and back through it at the picture.
#
# ## What you will do
#
# - Draw the filters of a first layer, and the maps that they make of a photograph.
# - Work out how much of the picture a value deep inside has seen.
# - Walk the network backwards from one activation, in three ways that differ in one line.
# - Collect what filters of four depths like best: edges, textures, parts, things.
#
# ## What you need
#
# Convolution and pooling ([lecture 7](07-convolution.ipynb), [lecture 8](08-pooling.ipynb)), and the backward rules of
# both and of ReLU.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import Conv2d, MaxPool2d, ReLU
from nnbasics.data import picture, samples
from nnbasics.models import vgg19
from nnbasics.testing import exercise
from nnbasics.visualize import (
    as_picture,
    deconvnet,
    dream,
    filter_grid,
    interactive,
    map_grid,
    receptive_field,
    show,
    top_patches,
)

plt.style.use("nnbasics.visualize.lecture")
net = vgg19()
cat = picture.resize(picture.read("cat"), 224)
x = np.ascontiguousarray(cat.transpose(2, 0, 1)[None])

# %% [markdown]
# ## The lecture's statement
#
# There is a **hierarchy of features**: a first layer sees edges and colours, the next ones corners and textures, later
# ones parts of things, the last ones things. Nobody put that in; it was learned.
#
# **Deconvnet** (Zeiler, Fergus, 2013) shows it. Take one activation of one filter, set all others to 0, and undo the
# network from there down to the picture: pooling by its *switches* (which of the four was the maximum), ReLU by a ReLU,
# convolution by its transpose. "Try to figure this by yourself", says the slide: we shall.
#
# ## The code
#
# ### Filters
#
# Those of the first layer act on colours, so they can be drawn as colours. VGG-19's have 3x3 pixels; the network that
# the slide shows, AlexNet, has 96 of 11x11. These weights take blue, green, red; the 1x1 convolution "preprocess"
# before them turns our red, green, blue into that, so the filter that meets the picture is the product of both.

# %% tags=["figure"]
weight, colours = (net.layers[name].params["weight"].astype(np.float32) for name in ("conv1_1", "preprocess"))
weight = np.einsum("kbij,bc->kcij", weight, colours[:, :, 0, 0])
figure, axes = plt.subplots(figsize=(4.6, 4.6))
axes.imshow(filter_grid(weight))
axes.set(title=f"conv1_1: {weight.shape[0]} filters over 3 colours", xticks=[], yticks=[])
show(
    figure,
    "The 64 filters of VGG-19's first layer. Grey is 0. Most are edges in some direction, or a change of colour.",
)

# %% [markdown]
# Filters further in act on 64 or more maps and have no colours of their own. What can be drawn is what they do.
#
# ### Maps

# %% tags=["figure"]


def maps(layer):
    features = net.activations(x, [layer])[layer]
    figure, axes = plt.subplots(figsize=(9, 3.2))
    axes.imshow(map_grid(features, columns=8, most=16), cmap="gray")
    height, width = features.shape[2:]
    axes.set(title=f"{layer}: the first 16 of {features.shape[1]} maps of {height}x{width}", xticks=[], yticks=[])
    return figure


interactive(
    maps,
    "Feature maps of the cat. In the first block each is the picture with something stressed; in the last ones few "
    "places are bright.",
    layer=["relu1_1", "relu2_2", "relu3_3", "relu4_3", "relu5_2"],
)

# %% [markdown]
# How many values of a map are 0? The deeper, the more: a filter of a deep layer waits for something rare.

# %%
layers = ["relu1_1", "relu2_2", "relu3_3", "relu4_3", "relu5_3"]
for layer, features in net.activations(x, layers).items():
    print(f"{layer}: {np.mean(features == 0):.0%} of the values are 0")

# %% [markdown]
# ### Receptive fields
#
# A value of conv1_1 has seen 3x3 pixels, one of conv1_2 5x5: each convolution adds two, times the stride so far. With
# the start and the step of the field kept as well, position $(i, j)$ can be found again in the picture.

# %%
field = {"start": 0, "step": 1, "size": 1}
for name, layer in net.layers.items():
    if isinstance(layer, Conv2d | MaxPool2d):
        kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
        field["start"] -= padding * field["step"]
        field["size"] += (kernel - 1) * field["step"]
        field["step"] *= stride
    if name in ("conv1_1", "conv1_2", "pool1", "conv3_1", "conv5_4", "pool5"):
        print(f"{name:8} sees {field['size']}x{field['size']} pixels, every {field['step']}")
        assert receptive_field(net, name).size == (field["size"], field["size"])

# %% [markdown]
# Pool5 sees 268 pixels, more than the 224 of the pictures it was trained on.
#
# ### Walking back
#
# Here is the whole of it, for a walk that ends at relu2_1. The three ways differ in what a ReLU does to the signal on
# its way down. The *gradient* lets it pass where the ReLU was open on the way up; the *deconvnet* where the signal
# itself is positive; *guided* where both are so.

# %%


def walk_back(layer, rule):
    y = net.activations(x, [layer])[layer]
    signal = np.where(y == y.max(), y, 0).astype(y.dtype)  # the loudest activation alone
    for name in reversed(net.up_to([layer])):
        open_above = net.layers[name].backward(signal)  # a ReLU's mask, a pooling's switches, a transposed convolution
        if isinstance(net.layers[name], ReLU) and rule == "deconvnet":
            signal = np.maximum(signal, 0)
        elif isinstance(net.layers[name], ReLU) and rule == "guided":
            signal = np.maximum(open_above, 0)
        else:
            signal = open_above
    return signal


for rule in ("deconvnet", "gradient", "guided"):
    by_hand, ours = walk_back("relu2_1", rule), deconvnet(net, x, "relu2_1", rule=rule)
    print(f"{rule:10} largest difference {np.abs(by_hand - ours).max():.1e}")
    assert np.allclose(by_hand, ours)

# %% tags=["figure"]
depths = ["relu3_4", "relu4_4", "relu5_4"]
figure, axes = plt.subplots(3, 4, figsize=(10, 5.4))
for row, layer in zip(axes, depths, strict=True):
    row[0].imshow(cat)
    row[0].set_ylabel(layer)
    for one, rule in zip(row[1:], ("deconvnet", "gradient", "guided"), strict=True):
        one.imshow(as_picture(3 * deconvnet(net, x, layer, rule=rule)))
        one.set_title(rule if layer == depths[0] else "")
for one in axes.flat:
    one.set(xticks=[], yticks=[])
show(
    figure,
    "What made the loudest activation of three layers speak, by three rules: the eye, each time. Guided is the "
    "clearest picture, the gradient the only one that is a derivative.",
)

# %% [markdown]
# ## The picture
#
# ### The hierarchy
#
# For one filter of each of four depths: the pieces of the shipped pictures that it likes best, and under each what in
# the piece it was. With a million pictures in place of eleven these would be purer; the slide's are.

# %%
pictures = [picture.resize(picture.read(name), 224) for name in samples.names()]
inputs = [np.ascontiguousarray(image.transpose(2, 0, 1)[None]) for image in pictures]
chosen = {"relu1_2": 10, "relu2_2": 33, "relu3_3": 90, "relu4_3": 136}
best = {layer: top_patches(net, inputs, layer, channel, most=6, rule="guided") for layer, channel in chosen.items()}
for layer, patches in best.items():
    loudness = [one[0] for one in patches]
    assert loudness == sorted(loudness, reverse=True)
    print(f"{layer} filter {chosen[layer]}: {' '.join(f'{value:.1f}' for value in loudness)}")

# %% tags=["figure"]
figure, axes = plt.subplots(2 * len(best), 6, figsize=(7, 9.4))
for depth, (layer, patches) in enumerate(best.items()):
    for place, (_, piece, projected) in enumerate(patches):
        axes[2 * depth, place].imshow(piece)
        axes[2 * depth + 1, place].imshow(projected)
    axes[2 * depth, 0].set_ylabel(f"{layer}\nfilter {chosen[layer]}")
for one in axes.flat:
    one.set(xticks=[], yticks=[])
show(
    figure,
    "Four filters, the six pieces that each likes best, and what it saw in them: a bright dot, an upright line, "
    "something that radiates, something round. Each looks at more pixels than the one before.",
)

# %% [markdown]
# ### What would it like best of all?
#
# Not among our pictures: of all pictures. Start from grey noise and go up the activation of one filter, as DeepDream
# does ([lecture 15](15-inversion-and-deepdream.ipynb)).

# %%
noise = 0.5 + 0.05 * np.random.default_rng(0).standard_normal((72, 72, 3)).astype(np.float32)
liked = {
    layer: [dream(net, noise, layer, channel=channel, steps=24, octaves=2, progress=False) for channel in (3, 20, 45)]
    for layer in ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
}

# %% tags=["figure"]
figure, axes = plt.subplots(3, 4, figsize=(7.2, 5.6))
for column, (layer, images) in zip(axes.T, liked.items(), strict=True):
    for one, image in zip(column, images, strict=True):
        one.imshow(image)
        one.set(xticks=[], yticks=[])
    column[0].set_title(layer)
show(figure, "Pictures that make one filter each as loud as it gets: colours and edges, textures, then shapes.")

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("13-features-and-filters/field").check(...)

# %%
exercise("13-features-and-filters/unpool").check([[..., ..., ..., ...], [..., ..., ..., ...]])


# %%
def guided(dy, x):
    return ...


exercise("13-features-and-filters/guided").check(guided)

# %%
exercise("13-features-and-filters/which").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 14](14-t-sne.ipynb): what is near what, in the eyes of a network.
# - In the library: [`nnbasics/visualize/deconvnet.py`](../nnbasics/visualize/deconvnet.py),
#   [`nnbasics/visualize/receptive.py`](../nnbasics/visualize/receptive.py).
# - Zeiler, Fergus, *Visualizing and understanding convolutional networks* (2013); Simonyan, Vedaldi, Zisserman, *Deep
#   inside convolutional networks* (2013); Springenberg and others, *Striving for simplicity* (2014).
