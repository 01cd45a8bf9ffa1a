# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 7 · Convolution
#
# One small filter, slid over the whole picture: few weights, the same everywhere, and a score for a shape.
#
# ## What you will do
#
# - Count weights: 28 if everything is connected with everything, 4 each if units look at a part, 3 if they share.
# - Slide a filter by its definition, in one dimension and in two, and see what "flipped" means.
# - Let a filter look for a curve in the drawing of a mouse.
# - Do the arithmetic of padding and stride, and find the slide on which it does not divide.
# - Turn a convolution into a product of matrices, and walk back through it.
#
# ## What you need
#
# The inner product, and the chain rule as in [lecture 3](03-backpropagation.ipynb). An hour and a half with the
# exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from nnbasics import Conv2d, Linear, ReLU
from nnbasics.data import picture
from nnbasics.layers.convolution import windows
from nnbasics.layers.filtering import convolve, correlate
from nnbasics.testing import check_gradients, exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# A fully connected unit looks at the whole picture with weights of its own. A **convolutional** one looks at a window
# of $F \times F$ pixels, through all $D$ channels, and every window is looked at with the same weights, the **filter**:
#
# $$y_{k,i,j} = b_k + \sum_{c,u,v} w_{k,c,u,v} \; x_{c,\, iS+u-P,\, jS+v-P}$$
#
# The stride $S$ is how far the filter moves, the padding $P$ how many zeros are put around the picture. Of $W$ pixels
# in a row it makes
#
# $$W_2 = \frac{W - F + 2P}{S} + 1,$$
#
# and $K$ filters make $K$ **maps**. Three ideas are in it, says the workshop: local receptive fields, shared weights,
# and (in [lecture 8](08-pooling.ipynb)) subsampling.
#
# Mathematicians call something else convolution: $s[t] = \sum_a x[a]\, w[t-a]$, in which $w$ runs backwards. Networks
# compute the sum without the minus, the **cross-correlation**, and keep the name.
#
# ## The code
#
# ### 28 weights, 4, or 3
#
# Seven inputs, four units.

# %%
full = Linear(7, 4, bias=False)
local = windows(7, kernel_size=4)  # each unit looks at 4 neighbours
shared = Conv2d(1, 1, kernel_size=(1, 3), stride=(1, 2), padding=(0, 1), bias=False)
units = shared.output_shape((1, 1, 1, 7))[-1]

print("fully connected:", full.num_parameters(), "weights")
print("local:          ", local.size, "units with 4 weights each")
print("shared:         ", units, "units with the same", shared.num_parameters())
assert (full.num_parameters(), local.size, units, shared.num_parameters()) == (28, 4, 4, 3)

# %% tags=["figure"]
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.2))
spans = {
    "fully connected: 28 weights": [range(7)] * 4,
    "local: 4 weights a unit": [range(unit, unit + 4) for unit in range(4)],
    "shared: 3 weights in all": [range(2 * unit - 1, 2 * unit + 2) for unit in range(4)],
}
for one, (title, looks) in zip(axes, spans.items(), strict=True):
    for unit, inputs in enumerate(looks):
        for place, i in enumerate(inputs):
            if 0 <= i < 7:
                colour = f"C{place}" if title.startswith("shared") else f"C{unit}"
                one.plot([i, 1.5 * unit + 0.75], [0, 1], color=colour, linewidth=1.4)
    one.plot(range(7), np.zeros(7), "o", color="black", markersize=8)
    one.plot(1.5 * np.arange(4) + 0.75, np.ones(4), "s", color="black", markersize=9)
    one.set(title=title, ylim=(-0.15, 1.15), xticks=[], yticks=[])
    one.grid(False)
    one.spines[:].set_visible(False)
show(
    figure,
    "Seven inputs (dots) and four units (squares). Left and middle, a colour is a unit with weights of its own. Right, "
    "a colour is one weight: all units use the same three. (The outermost would meet padding, and are not drawn.)",
)

# %% [markdown]
# A shared filter is a fully connected layer with most of its weights 0 and the others tied together. So everything that
# was said of those, backpropagation included, holds here.

# %%
rng = np.random.default_rng(0)
x, w = rng.integers(-3, 4, 7).astype(float), np.array([1.0, 2, -1])
tied = np.array([np.concatenate([np.zeros(i), w, np.zeros(4 - i)]) for i in range(5)])
print(tied)
print("as a matrix:", tied @ x, "  as a filter:", correlate(x, w))
assert np.allclose(tied @ x, correlate(x, w))

# %% [markdown]
# ### One dimension, by definition
#
# $s[t] = \sum_a x[a]\, w[t - a]$: first with the sum written out, then by the library. The correlation does not run
# backwards; it is the convolution with the kernel **flipped**.

# %%
x, w = np.array([0.0, 1, 3, 0, 0, 2, 0]), np.array([1.0, 2, -1])
s = [sum(x[a] * w[t - a] for a in range(len(x)) if 0 <= t - a < len(w)) for t in range(len(x) + len(w) - 1)]

print("by definition:", np.array(s))
print("convolve:     ", convolve(x, w))
print("correlate:    ", correlate(x, w, "full"))
assert np.allclose(convolve(x, w), s)
assert np.allclose(correlate(x, w, "full"), convolve(x, w[::-1]))

# %% tags=["figure"]
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3))
bottoms = {1: np.zeros(9), -1: np.zeros(9)}
for a in np.flatnonzero(x):
    copy = np.zeros(9)
    copy[a : a + 3] = x[a] * w
    for sign, bottom in bottoms.items():
        part = np.where(np.sign(copy) == sign, copy, 0)
        axes[0].bar(range(9), part, bottom=bottom, color=f"C{a % 6}", label=f"x[{a}] w" if sign > 0 else None)
        bottom += part
axes[0].plot(range(9), s, "ko", markersize=5, label="s")
axes[0].set(title="Each x[a] lays down a copy of w", xlabel="t", ylim=(-3.5, 6.5))
axes[0].legend()
for name, values, place in (("convolution", convolve(x, w), -0.2), ("correlation", correlate(x, w, "full"), 0.2)):
    axes[1].bar(np.arange(9) + place, values, 0.4, label=name)
axes[1].set(title="Flipped, and not", xlabel="t")
axes[1].legend()
show(
    figure,
    "Left: the convolution as a sum of copies of w = (1, 2, -1), one for each x[a] that is not 0, as high as that is. "
    "Right: beside the correlation, in which the copies are (-1, 2, 1).",
)

# %% [markdown]
# ### Two dimensions
#
# The seminar is right that nothing is different but the number of indices. On Deep Learning 2's slide,
# $G[i, j] = \sum_{u,v=-k}^{k} H[u, v]\, F[i-u, j-v]$, the two letters have changed places: $-k \dots k$ are the places
# of the kernel, so it is $F[u, v]\, H[i-u, j-v]$. As printed, only the corner of the picture would ever be seen.

# %%
k, H, F = 1, rng.standard_normal((6, 7)), rng.standard_normal((3, 3))


def at(array, i, j):
    return array[i, j] if 0 <= i < array.shape[0] and 0 <= j < array.shape[1] else 0.0


places = [(u, v) for u in range(-k, k + 1) for v in range(-k, k + 1)]
right = [[sum(at(F, u + k, v + k) * at(H, i - u, j - v) for u, v in places) for j in range(7)] for i in range(6)]
printed = [[sum(at(H, u, v) * at(F, i - u + k, j - v + k) for u, v in places) for j in range(7)] for i in range(6)]

same = convolve(H, F)[k:-k, k:-k]
print("largest difference:", np.abs(same - right).max(), "  as printed:", np.abs(same - printed).max().round(2))
assert np.allclose(same, right) and not np.allclose(same, printed)

# %% [markdown]
# `Conv2d` is the correlation, plus a bias:

# %%
conv = Conv2d(1, 1, 3)
conv.params["weight"] = F[None, None]
assert np.allclose(conv.forward(H[None, None])[0, 0], correlate(H, F))
assert np.allclose(conv.forward(H[None, None])[0, 0], convolve(H, F[::-1, ::-1], "valid"))

# %% [markdown]
# ### A filter scores a shape
#
# What does a filter do? Its output is an inner product: the more the window looks like the filter, the larger. The
# seminar takes a filter that is a curve, and a picture of a mouse.

# %%
rows, columns = np.mgrid[:44, :70].astype(float)


def drawn(curve, width=0.8):
    """A line through points (row, column), as ink from 0 to 1."""
    steps = np.linspace(0, 1, 400)
    points = np.array([curve(t) for t in steps])
    distance = np.min(np.hypot(rows[..., None] - points[:, 0], columns[..., None] - points[:, 1]), axis=-1)
    return np.clip(1.5 * width - distance, 0, 1)


def arc(row, column, height, width, start=0, end=360):
    """A part of an ellipse, in degrees from the right, downwards."""

    def curve(t):
        angle = np.radians(start + t * (end - start))
        return row + height * np.sin(angle), column + width * np.cos(angle)

    return curve


parts = [
    arc(36, 31, 26, 20, 180, 300),  # the back
    lambda t: (13.5 + 19.5 * t**2, 41 + 26 * t - t**2),  # the head, down to the nose
    arc(34, 65, 1, 1),  # the nose
    lambda t: (36, 11 + 53 * t),  # the belly
    arc(13, 47, 5, 5),  # an ear
    arc(24, 56, 0.7, 0.7),  # an eye
    lambda t: (35 + 3 * np.sin(6 * t), 11 - 10 * t),  # the tail
    arc(38, 24, 2, 4, 0, 180),  # feet
    arc(38, 50, 2, 4, 0, 180),
]
mouse = 50 * np.max([drawn(part) for part in parts], axis=0)

curve = np.zeros((7, 7))  # bent like the lower left of a back
for row, column in [(0, 6), (0, 5), (1, 4), (2, 3), (3, 2), (4, 2), (5, 1), (6, 1)]:
    curve[row, column] = 30

detector = Conv2d(1, 1, 7, bias=False)
detector.params["weight"] = curve[None, None]
scores = detector.forward(mouse[None, None])[0, 0]

place = tuple(map(int, np.unravel_index(scores.argmax(), scores.shape)))
print(f"best: {scores.max():.0f} at {place}; on the belly {scores[33, 25]:.0f}; median {np.median(scores):.0f}")
assert scores[place] > 3 * scores[33, 25] and np.median(scores) < scores.max() / 20

# %% tags=["figure"]


def under_the_filter(row, column):
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.6), width_ratios=[1.6, 0.8, 0.8, 1.6])
    window = mouse[row : row + 7, column : column + 7]
    pictures = [mouse, curve, window * curve, scores]
    titles = [f"window at ({row}, {column})", "the filter", f"products, sum {np.sum(window * curve):.0f}", "all scores"]
    for one, image, title in zip(axes, pictures, titles, strict=True):
        one.imshow(image, cmap="gray_r" if image is not scores else "viridis")
        one.set(title=title, xticks=[], yticks=[])
        one.grid(False)
    axes[0].add_patch(Rectangle((column - 0.5, row - 0.5), 7, 7, fill=False, edgecolor="C1", linewidth=2))
    axes[3].plot(column, row, "s", color="C1", markersize=7, fillstyle="none", markeredgewidth=2)
    return figure


interactive(
    under_the_filter,
    "The filter on the mouse's back, where it scores best. Move the window: on the belly or an empty place the "
    "products are nearly all 0. Dark is a large number on the left; on the right, yellow is.",
    row=(0, 37, place[0]),
    column=(0, 63, place[1]),
)

# %% [markdown]
# Each score goes into the map at the place of its window: the map says **where** the shape is, and that the ear has
# one, too. A ReLU behind it keeps what is above a threshold, here a half of the best.

# %%
detector = Conv2d(1, 1, 7)
detector.params["weight"], detector.params["bias"] = curve[None, None], np.array([-scores.max() / 2])
found = ReLU().forward(detector.forward(mouse[None, None]))
print(f"{np.count_nonzero(found)} of {found.size} places are left")
assert 0 < np.count_nonzero(found) < found.size / 20

# %% [markdown]
# ### Sizes
#
# $W_2 = (W - F + 2P)/S + 1$, as a function that also says when it does not divide. First the slides' sizes: 7x7 with a
# filter of 3x3.

# %%
for stride, padding, expected in [(1, 0, 5), (2, 0, 3), (1, 1, 7)]:
    arithmetic = windows(7, 3, stride, padding)
    print(f"stride {stride}, padding {padding}:  {arithmetic}")
    assert arithmetic.size == expected and arithmetic.divides

print("Deep Learning 2:     ", windows(5, 3, stride=2, padding=1))
print("VGG keeps its size:  ", windows(224, 3, padding=1))
assert windows(5, 3, stride=2, padding=1).size == 3 and windows(224, 3, padding=1).size == 224

# %% [markdown]
# The seminar's slide has a 6x6x3 input, two filters of 3x3x3 with stride 2 and $P = 1$, and prints
# $(6 - 3 + 2 \cdot 1)/2 + 1 = 3$.

# %%
print(windows(6, 3, stride=2, padding=1))
print(windows(6, 3, stride=2, padding=(0, 1)))
assert windows(6, 3, stride=2, padding=1).quotient == 3.5
assert windows(6, 3, stride=2, padding=(0, 1)).quotient == 3

two = Conv2d(3, 2, kernel_size=3, stride=2)
print("output:", two.forward(np.zeros((1, 3, 6 + 1, 6 + 1))).shape)
assert two.output_shape((1, 3, 7, 7)) == (1, 2, 3, 3)

# %% [markdown]
# It is 3.5. The slide's picture is padded on one side only, "(6+1)x(6+1)x3", and then it is 3, with two maps since
# there are two filters. Layers round down and say nothing; what no window sees is lost.

# %% tags=["figure"]


def strip(size, kernel_size, stride, padding):
    kernel_size = min(kernel_size, size + 2 * padding)
    arithmetic = windows(size, kernel_size, stride, padding)
    total = size + 2 * padding
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.28 * arithmetic.size))
    for i in range(total):
        pad, unseen = not padding <= i < padding + size, i >= total - arithmetic.unseen
        colour = "#f4b6a6" if unseen else "#dddddd" if pad else "#9ecae1"
        axes.add_patch(Rectangle((i, 0), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
        axes.text(i + 0.5, 0.5, "0" if pad else "x", ha="center", va="center", fontsize=9)
    for i in range(arithmetic.size):
        axes.plot([i * stride + 0.08, i * stride + kernel_size - 0.08], [-0.5 - 0.45 * i] * 2, linewidth=5, color="C0")
        axes.text(i * stride + kernel_size + 0.15, -0.5 - 0.45 * i, f"y[{i}]", va="center", fontsize=8)
    axes.set(xlim=(-0.2, total + 1.2), ylim=(-0.7 - 0.45 * arithmetic.size, 1.1), xticks=[], yticks=[])
    axes.set_title(f"W = {size}, F = {kernel_size}, S = {stride}, P = {padding}:  {arithmetic.formula} = "
                   f"{float(arithmetic.quotient):g}, so {arithmetic.size}")  # fmt: skip
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure


interactive(
    strip,
    "One row of the slide's example, padded on both sides: three windows fit, and the last zero (red) is seen by none.",
    size=(3, 12, 6),
    kernel_size=(1, 7, 3),
    stride=(1, 4, 2),
    padding=(0, 3, 1),
)

# %% [markdown]
# ### Depth
#
# A filter goes through all channels. A picture of 32x32x3 and six filters of 5x5x3 make 28x28x6; each number of that is
# an inner product of 75 values and a bias.

# %%
six = Conv2d(3, 6, kernel_size=5, rng=0)
six.params["bias"] = rng.standard_normal(6)
x = rng.standard_normal((1, 3, 32, 32))
y = six.forward(x)
chunk, filter4 = x[0, :, 10:15, 20:25], six.params["weight"][4]

print(x.shape[1:], "->", y.shape[1:], "  values of a filter:", filter4.size, "  parameters:", six.num_parameters())
assert y.shape == (1, 6, 28, 28) and filter4.size == 75
assert np.isclose(y[0, 4, 10, 20], np.sum(filter4 * chunk) + six.params["bias"][4])
print("as a fully connected layer:", f"{x.size * y.size:,} weights")

# %% [markdown]
# Deep Learning 2's first network for CIFAR keeps its 32x32 by padding: twelve filters of 3x3, 32x32x12, and a ReLU that
# changes no size and has nothing to learn. [Lecture 8](08-pooling.ipynb) goes on from there.

# %%
twelve = Conv2d(3, 12, kernel_size=3, padding=1)
print(twelve.output_shape((1, 3, 32, 32))[1:], ReLU().output_shape((1, 12, 32, 32))[1:], ReLU().num_parameters())
assert twelve.output_shape((1, 3, 32, 32)) == (1, 12, 32, 32)

# %% [markdown]
# ### im2col: a convolution is a product of matrices
#
# How does one compute it fast? Write every window in a row of a matrix; then all scores are one product of matrices,
# and those are what processors do best.

# %%
x = np.array([[1.0, 2, 0, 3], [0, 4, 1, 2], [5, 0, 2, 1], [3, 1, 0, 6]])
w = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
matrix = np.array([x[i : i + 3, j : j + 3].ravel() for i in range(2) for j in range(2)])

print(matrix.astype(int))
print("@", w.ravel().astype(int), "=", matrix @ w.ravel())
conv = Conv2d(1, 1, 3, bias=False)
conv.params["weight"] = w[None, None]
assert np.allclose((matrix @ w.ravel()).reshape(2, 2), conv.forward(x[None, None])[0, 0])

# %% tags=["figure"]


def table(axes, values, left, top, colours=None, numbers="{:.0f}"):
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if colours is None else colours[i][j]
        axes.add_patch(Rectangle((left + j, -top - i - 1), 1, 1, facecolor=colour, edgecolor="gray", linewidth=0.8))
        axes.text(left + j + 0.5, -top - i - 0.5, numbers.format(value), ha="center", va="center", fontsize=8.5)


shades = ["#c6dbef", "#fdd0a2", "#c7e9c0", "#dadaeb"]
figure, axes = plt.subplots(figsize=(10, 4))
table(axes, x, 0, 2.5)
for number, (i, j) in enumerate(np.ndindex(2, 2)):
    inset = 0.06 + 0.09 * number
    axes.add_patch(
        Rectangle(
            (j + inset, -2.5 - i - 3 + inset), 3 - 2 * inset, 3 - 2 * inset,
            fill=False, edgecolor=f"C{number}", linewidth=2,
        )
    )  # fmt: skip
table(axes, matrix, 6, 2.5, [[shades[number]] * 9 for number in range(4)])
table(axes, w.reshape(9, 1), 16.4, 0)
table(axes, (matrix @ w.ravel())[:, None], 19, 2.5, [[shade] for shade in shades])
names = {(2, 7.2): "the picture and its windows", (10.5, 7.2): "one window a row", (16.9, 9.6): "w", (19.5, 7.2): "y"}
for (left, top), name in names.items():
    axes.text(left, -top, name, ha="center", fontsize=10)
for sign, left in (("→", 5), ("@", 15.7), ("=", 18.2)):
    axes.text(left, -4.5, sign, ha="center", va="center", fontsize=14)
axes.set(xlim=(-0.3, 20.3), ylim=(-9.9, 0.2), xticks=[], yticks=[])
axes.set_aspect("equal")
axes.grid(False)
axes.spines[:].set_visible(False)
show(
    figure,
    "im2col. The four windows of a 4x4 picture become the rows of a 4x9 matrix; times the filter as a column it gives "
    "the four scores. Each pixel is copied up to nine times, which is the price.",
)

# %% [markdown]
# ### Back through it
#
# A weight took part in every window, so its gradient is a sum over all positions:
#
# $$\frac{\partial L}{\partial w_i} = \sum_j \frac{\partial L}{\partial y_j} \frac{\partial y_j}{\partial w_i}
# = \sum_j \frac{\partial L}{\partial y_j}\, x_{i+j},$$
#
# which is again a correlation, of $x$ with $\partial L / \partial y$. And the way to the picture,
# $\partial L/\partial x_i = \sum_j \partial L/\partial y_j\, w_{i-j}$, is a **convolution proper**, the flipped one.

# %%
x, w = rng.standard_normal((8, 9)), rng.standard_normal((3, 3))
conv = Conv2d(1, 1, 3, bias=False)
conv.params["weight"] = w[None, None]
y = conv.forward(x[None, None])
dy = rng.standard_normal(y.shape)
dx = conv.backward(dy)

by_sum = np.zeros((3, 3))
for (i, j), gradient in np.ndenumerate(dy[0, 0]):
    by_sum += gradient * x[i : i + 3, j : j + 3]  # dy_ij/dw is the window itself

assert np.allclose(conv.grads["weight"][0, 0], by_sum)
assert np.allclose(conv.grads["weight"][0, 0], correlate(x, dy[0, 0]))
assert np.allclose(dx[0, 0], convolve(dy[0, 0], w))
print(check_gradients(conv, x[None, None]).verdict)

# %% [markdown]
# ## The picture
#
# Filters that people made, long before filters were learned.

# %% tags=["figure"]
photograph = picture.resize(picture.read("astronaut"), 192).mean(axis=-1)
famous = {
    "mean of 5x5": np.full((5, 5), 1 / 25),
    "vertical edges": np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "horizontal edges": np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "Laplace: spots": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "sharper": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}
figure, axes = plt.subplots(2, 3, figsize=(9, 6.2))
axes[0, 0].imshow(photograph, cmap="gray", vmin=0, vmax=1)
axes[0, 0].set_title("the photograph")
for one, (name, kernel) in zip(axes.flat[1:], famous.items(), strict=True):
    mapped = correlate(photograph, kernel)
    light = abs(kernel.sum()) > 0.5  # a filter that sums to 1 makes a picture, one that sums to 0 a map around 0
    one.imshow(mapped, cmap="gray", vmin=0 if light else -0.8, vmax=1 if light else 0.8)
    one.set_title(name)
for one in axes.flat:
    one.set(xticks=[], yticks=[])
    one.grid(False)
show(
    figure,
    "A photograph and five maps of it. Filters that sum to 1 make pictures; those that sum to 0 answer only where "
    "something changes (grey is 0, white and black the two directions).",
)

# %% [markdown]
# In a network nobody chooses them. [Lecture 9](09-reading-digits.ipynb) shows what is learned, and
# [lecture 13](13-features-and-filters.ipynb) what VGG-19 has learned.
#
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("07-convolution/size").check(...)

# %%
exercise("07-convolution/weights").check(...)

# %%
exercise("07-convolution/slide").check([[..., ...], [..., ...]])


# %%
def correlate2d(x, w):
    return ...


exercise("07-convolution/correlate").check(correlate2d)

# %%
exercise("07-convolution/backward").check([..., ...])

# %% [markdown]
# ## Where next
#
# - [Lecture 8](08-pooling.ipynb): maps are made smaller, and read.
# - In the library: [`nnbasics/layers/convolution.py`](../nnbasics/layers/convolution.py), the rule and its gradients;
#   [`nnbasics/layers/filtering.py`](../nnbasics/layers/filtering.py), by definition;
#   [`nnbasics/kernels/im2col.py`](../nnbasics/kernels/im2col.py), as a product of matrices.
# - Hubel and Wiesel, *Receptive fields, binocular interaction and functional architecture in the cat's visual cortex*
#   (1962); LeCun and Bengio, *Convolutional networks for images, speech, and time-series* (1995).
