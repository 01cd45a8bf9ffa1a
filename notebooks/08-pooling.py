# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 8 · Pooling and the fully connected layer
#
# Maps become smaller, and a little less certain about where things are; then all of them are read at once.
#
# ## What you will do
#
# - Pool by the maximum, the mean and the root of the squares, forwards and backwards.
# - Measure what pooling forgives: a digit that moves by a pixel.
# - Shrink by less than a half with windows drawn at random, and by a stride without any pooling.
# - Let neighbours hold each other down (local response normalisation), and switch values off (dropout).
# - Put a first whole network together, and count.
#
# ## What you need
#
# [Lecture 7](07-convolution.ipynb). An hour with the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from nnbasics import AvgPool2d, Dropout, Flatten, FractionalMaxPool2d, Linear, LocalResponseNorm, LPPool2d, MaxPool2d
from nnbasics.data import mnist, picture
from nnbasics.layers.convolution import windows
from nnbasics.models import all_cnn, simple_cnn
from nnbasics.testing import exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# A **pooling layer** makes every map smaller, each for itself. A window of $F \times F$ moves by $S$ (2 and 2, mostly,
# so that windows do not overlap), and of each one number is left:
#
# $$\text{max: } y = \max_{p} x_p \qquad \text{average: } y = \frac{1}{F^2} \sum_p x_p \qquad
# \text{L}_2\text{: } y = \Big( \sum_p x_p^2 \Big)^{1/2}$$
#
# There is nothing to learn in it, and the depth stays. Of $W$ values in a row $W_2 = (W - F)/S + 1$ are left; two by
# two, that is a quarter of the values, **75% fewer**. Not necessary, says the seminar, but recommended.
#
# The **fully connected layer** at the end stretches all maps into one vector $x$ and makes the scores of the classes
# from it, $s = W x + b$: each score is an inner product of $x$ with a row of weights.
#
# ## The code
#
# ### Three ways to say it in one number

# %%
x = np.array([[1.0, 3, 2, 0], [5, 7, 4, 2], [0, 1, 8, 6], [3, 4, 0, 2]])
poolings = {"max": MaxPool2d(2), "average": AvgPool2d(2), "L2": LPPool2d(2, kernel_size=2)}
pooled = {name: layer.forward(x[None, None])[0, 0] for name, layer in poolings.items()}
for name, y in pooled.items():
    print(f"{name:8}", y.round(3).tolist())

assert np.array_equal(pooled["max"], [[7, 4], [4, 8]])
assert np.array_equal(pooled["average"], [[4, 2], [2, 4]])
assert np.allclose(pooled["L2"] ** 2, [[1 + 9 + 25 + 49, 4 + 16 + 4], [1 + 9 + 16, 64 + 36 + 4]])

# %% tags=["figure"]
shades = ["#c6dbef", "#fdd0a2", "#c7e9c0", "#dadaeb"]


def table(axes, values, title, window=1):
    for (i, j), value in np.ndenumerate(values):
        colour = shades[2 * (i // window) + j // window]
        axes.add_patch(Rectangle((j, -i - 1), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
        axes.text(j + 0.5, -i - 0.5, f"{value:.3g}", ha="center", va="center")
    axes.set(xlim=(-0.1, 4.1), ylim=(-4.1, 0.1), xticks=[], yticks=[], title=title)
    axes.set_aspect("equal")
    axes.grid(False)
    axes.spines[:].set_visible(False)


figure, axes = plt.subplots(1, 4, figsize=(9, 2.5))
table(axes[0], x, "x", window=2)
for one, (name, y) in zip(axes[1:], pooled.items(), strict=True):
    table(one, y, name)
show(figure, "Pooling 2x2 with stride 2: each window of x (one colour) becomes one number, by three rules.")

# %% [markdown]
# ### Sizes
#
# The seminar's: 224 to 112. The formula on its VGG slide is printed with $F_{conv}$, which is 3 and would give 111.5;
# the numbers put in are those of $F_{pool} = 2$.

# %%
print(windows(224, 2, stride=2))
print("with F_conv:", windows(224, 3, stride=2))
assert windows(224, 2, stride=2).quotient == 112 and windows(224, 3, stride=2).quotient == 111.5

maps = np.zeros((1, 64, 224, 224), np.float32)
for layer in (MaxPool2d(2), AvgPool2d(2)):
    y = layer.forward(maps)
    print(
        maps.shape[1:], "->", y.shape[1:], f" {1 - y.size / maps.size:.0%} fewer, {layer.num_parameters()} parameters"
    )
    assert y.shape == (1, 64, 112, 112) and 1 - y.size / maps.size == 0.75

# %% [markdown]
# ### Backwards
#
# The maximum hands its gradient to the one value that won, and the others get nothing: they could change a little, and
# $y$ would not. The mean hands an equal share to each; L2 to each in proportion to what it was.

# %%
for name, layer in poolings.items():
    dx = layer.backward(np.full((1, 1, 2, 2), 1.0))[0, 0]
    print(f"{name}:\n{dx.round(2)}")
assert np.array_equal(MaxPool2d(4).forward(x[None, None]), [[[[8]]]])

# %% [markdown]
# ### What pooling forgives
#
# A digit is the same digit one pixel to the right. Pooled values change less than pixels do. How much less, measured on
# two hundred digits of MNIST: the share of the picture's size by which it changes.

# %%
digits, _ = mnist.sample("test")
moved = np.roll(digits, 1, axis=3)


def change(a, b):
    return float(
        np.mean(np.linalg.norm((a - b).reshape(len(a), -1), axis=1) / np.linalg.norm(a.reshape(len(a), -1), axis=1))
    )


found = {"pixels": change(digits, moved)}
for name, layer in {"max 2x2": MaxPool2d(2), "max 4x4": MaxPool2d(4), "average 4x4": AvgPool2d(4)}.items():
    found[name] = change(layer.forward(digits), layer.forward(moved))
for name, part in found.items():
    print(f"{name:12} {part:.0%}")
assert found["max 4x4"] < found["max 2x2"] < found["pixels"]

# %% tags=["figure"]


def pooled_photograph(pooling, size):
    layer = {"max": MaxPool2d, "average": AvgPool2d, "L2": lambda size: LPPool2d(2, size)}[pooling](size)
    photograph = picture.resize(picture.read("cat"), 192).transpose(2, 0, 1)[None]
    y = layer.forward(np.ascontiguousarray(photograph))[0].transpose(1, 2, 0)
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.1))
    for one, image in zip(axes, (photograph[0].transpose(1, 2, 0), y / max(1, y.max())), strict=True):
        one.imshow(image)
        one.set(title=f"{image.shape[1]}x{image.shape[0]}", xticks=[], yticks=[])
        one.grid(False)
    return figure


interactive(
    pooled_photograph,
    "The cat and its pooled maps. The maximum keeps what is bright and makes it larger; the "
    "mean blurs. Choose the pooling, and the size of the windows.",
    pooling=["max", "average", "L2"],
    size=(1, 12, 4),
)

# %% [markdown]
# ### By less than a half
#
# A quarter of the values is a lot to lose, again and again. Graham's **fractional pooling** takes windows of 1 and of 2
# at random places, so that a map shrinks by any factor between 1 and 2. In Deep Learning 2's words: randomised 1x1,
# 1x2, 2x1, 2x2 pooling. (This layer has overlapping windows of 2x2, which begin 1 or 2 apart.)

# %%
layer = FractionalMaxPool2d(2, output_ratio=0.7, rng=3)
row = np.broadcast_to(np.arange(20.0), (1, 1, 20, 20))
ends = [layer.forward(row)[0, 0, 0] for _ in range(3)]  # the maximum of a window tells where it ends
for one in ends:
    print("20 values to", one.size, "; windows end at", one.astype(int))
    assert one.size == 14 and set(np.diff(one)) <= {1, 2}

# %% tags=["figure"]
photograph = picture.resize(picture.read("cat"), 192).transpose(2, 0, 1)[None]
figure, axes = plt.subplots(1, 4, figsize=(10, 2.2))
image, layer = np.ascontiguousarray(photograph), FractionalMaxPool2d(2, output_ratio=1 / np.sqrt(2), rng=0)
for one in axes:
    one.imshow(image[0].transpose(1, 2, 0))
    one.set(title=f"{image.shape[3]}x{image.shape[2]}", xticks=[], yticks=[])
    one.grid(False)
    image = layer.forward(image)
show(
    figure,
    "Fractional pooling three times, each time by the square root of 2: half the values. A little crooked, since "
    "windows lie at random, and each time differently, which is a kind of augmentation.",
)

# %% [markdown]
# Or without pooling: a convolution with stride 2 makes maps smaller as well, and learns how. The **all-convolutional
# net** has nothing else.

# %%
net, shape = all_cnn(rng="zeros"), (1, 3, 32, 32)
for name, layer in net.layers.items():
    before, shape = shape, layer.output_shape(shape)
    if before != shape:
        print(f"{name:8} {'x'.join(map(str, before[1:])):>9} -> {'x'.join(map(str, shape[1:]))}")
assert shape == (1, 10)

# %% [markdown]
# ### Neighbours hold each other down
#
# AlexNet had one more layer that nothing is learned in, **local response normalisation**: a value is divided by a
# measure of its neighbours in depth, at the same place,
#
# $$y_c = x_c \Big/ \Big(k + \frac{\alpha}{n} \sum_{c'} x_{c'}^2 \Big)^{\beta},$$
#
# over the $n$ channels around $c$. Where one filter is loud the others beside it become quiet; who is alone stands
# out all the more. VGG's table has it in column A-LRN, and found that it does not help; it is rare today.

# %% tags=["figure"]
loud = np.full(24, 1.0)
loud[6], loud[16:19] = 6, (5, 6, 5)
norm = LocalResponseNorm(5, alpha=0.5, beta=0.75, k=1.0)
quiet = norm.forward(loud.reshape(1, 24, 1, 1)).ravel()
figure, axes = plt.subplots(figsize=(8, 2.8))
axes.bar(np.arange(24) - 0.2, loud, 0.4, label="x")
axes.bar(np.arange(24) + 0.2, quiet, 0.4, label="y")
axes.set(title="Local response normalisation at one place", xlabel="channel")
axes.legend()
show(
    figure,
    "24 channels at one place. The neighbours of a loud one are pressed down, and three loud ones in a row press each "
    "other down; channels far from them change little.",
)

# %% [markdown]
# ### Dropout
#
# In training every value is switched off with probability $p$, so that none can rely on another; those that stay are
# divided by $1 - p$, so that the mean is kept and nothing is to be done in use.

# %%
x = np.arange(1.0, 9)[None]
dropout = Dropout(0.5, rng=1)
for _ in range(3):
    print("training:", dropout.forward(x)[0])
print("the mean of 20000:", np.mean([dropout.forward(x)[0] for _ in range(20000)], axis=0).round(1))
print("in use:  ", dropout.eval().forward(x)[0])
assert np.array_equal(dropout.forward(x), x)

# %% tags=["figure"]


def dropped(p):
    layer, some = Dropout(p, rng=5), np.ascontiguousarray(digits[:1])
    figure, axes = plt.subplots(1, 5, figsize=(9, 2.1))
    for number, one in enumerate(axes):
        one.imshow(
            some[0, 0] if number == 0 else layer.forward(some)[0, 0], cmap="gray_r", vmin=0, vmax=1 / (1.001 - p)
        )
        one.set(title="x" if number == 0 else f"y, draw {number}", xticks=[], yticks=[])
        one.grid(False)
    return figure


interactive(
    dropped,
    "A seven with half of its pixels dropped, four times. What is left is twice as dark. People and networks still "
    "read it; move p to find out until when.",
    p=(0.0, 0.95, 0.5),
)

# %% [markdown]
# ### Fully connected
#
# A picture of 32x32x3 stretches to 3072 numbers, and ten scores are ten inner products with them.

# %%
flat, full = Flatten(), Linear(3072, 10, rng=0)
x = np.random.default_rng(0).standard_normal((1, 3, 32, 32))
scores = full.forward(flat.forward(x))
print(x.shape, "->", flat.forward(x).shape, "->", scores.shape)
assert flat.forward(x).shape == (1, 3072)
assert np.isclose(scores[0, 7], np.dot(full.params["weight"][7], x.ravel()))

# %% [markdown]
# Backwards nothing happens in `Flatten` but that the gradient gets the old shape again. "Making method is not only
# one", says the seminar: the mean of every map (`GlobalAvgPool2d`) makes a vector too, whatever the size of the
# picture.
#
# ## The picture
#
# ### A whole network
#
# Deep Learning 2's first one: input, convolution, ReLU, pooling, fully connected.

# %%
net, shape = simple_cnn(rng=0), (1, 3, 32, 32)
sizes, counts = [shape[1:]], [0]
for name, layer in net.layers.items():
    shape = layer.output_shape(shape)
    if name != "flatten":
        sizes.append(shape[1:])
        counts.append(layer.num_parameters())
        print(f"{name:5} {'x'.join(map(str, shape[1:])):9} {layer.num_parameters():6,} parameters")
assert sizes == [(3, 32, 32), (12, 32, 32), (12, 32, 32), (12, 16, 16), (10,)]
assert counts == [0, 336, 0, 0, 30_730] and net.num_parameters() == 31_066

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(9.5, 3.2))
left, names = 0.0, ["input", "conv", "ReLU", "pool", "FC"]
for name, size, count in zip(names, sizes, counts, strict=True):
    depth, side = size[0], size[1] if len(size) > 1 else 3
    sheets = depth if len(size) > 1 else 1
    for sheet in range(sheets):
        offset = 0.9 * (sheets - 1 - sheet)
        height = 32 if len(size) == 1 else side
        axes.add_patch(
            Rectangle(
                (left + offset, -height / 2 + offset), side, height,
                facecolor="#dceaf5", edgecolor="C0", linewidth=0.8,
            )
        )  # fmt: skip
    text = "x".join(map(str, (*size[1:], size[0]))) + (f"\n{count:,} weights and biases" if count else "")
    axes.text(left + side / 2 + 0.45 * sheets, -19, f"{name}\n{text}", ha="center", va="top", fontsize=9)
    left += side + 0.9 * sheets + 14
axes.set(xlim=(-2, left - 6), ylim=(-32, 28), xticks=[], yticks=[])
axes.set_aspect("equal")
axes.grid(False)
axes.spines[:].set_visible(False)
show(
    figure,
    "The lecture's first network for CIFAR-10. The convolution has 336 parameters, the fully connected layer 30,730, "
    "99% of all: in small networks, what is to be learned sits at the end.",
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("08-pooling/size").check(...)

# %%
exercise("08-pooling/winner").check([[..., ...], [..., ...]])


# %%
def max_pool(x):
    return ...


exercise("08-pooling/max").check(max_pool)

# %%
exercise("08-pooling/dropout").check(...)

# %%
exercise("08-pooling/connected").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 9](09-reading-digits.ipynb): all of it at work on handwritten digits.
# - In the library: [`nnbasics/layers/pooling.py`](../nnbasics/layers/pooling.py),
#   [`nnbasics/layers/normalization.py`](../nnbasics/layers/normalization.py) and
#   [`nnbasics/layers/regularization.py`](../nnbasics/layers/regularization.py).
# - Graham, *Fractional max-pooling* (2014); Springenberg and others, *Striving for simplicity: the all convolutional
#   net* (2014); Srivastava and others, *Dropout* (2014); Krizhevsky, Sutskever and Hinton, *ImageNet classification
#   with deep convolutional neural networks* (2012).
