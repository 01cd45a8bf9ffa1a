# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2 · XOR and the multilayer perceptron
#
# One line is not enough. Two lines and somebody to look at both are.
#
# ## What you will do
#
# - Build XOR out of three perceptrons, by hand and by Rosenblatt's rule.
# - See what the hidden layer does to the plane: it moves the points until one line is enough.
# - Train a network that finds its own lines, and count what it has to learn.
#
# ## What you need
#
# [Lecture 1](01-perceptron.ipynb). A matrix times a vector.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from nnbasics import Adam, Identity, SquaredErrorLoss, Tanh
from nnbasics.models import MLP, Perceptron
from nnbasics.testing import exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
xor = np.array([-1, 1, 1, -1])

# %% [markdown]
# ## The lecture's statement
#
# Minsky and Papert proved in 1969 what a perceptron cannot do; XOR is the smallest example. The second generation puts
# perceptrons in **layers**: every neuron of a layer looks at all outputs of the layer before,
#
# $$h = f(W_1 x + b_1), \qquad y = f(W_2 h + b_2), \qquad \dots$$
#
# and $f$, the activation, bends. Several linear classifiers together solve non-linear problems. The price is on the
# same slide: *too many parameters*.

# %% [markdown]
# ## The code
#
# ### No single perceptron does it
#
# The exercise of lecture 1 proves it. As a plausibility check, 20 000 random lines:

# %%
weights = np.random.default_rng(0).standard_normal((20_000, 3))
answers = np.where(weights @ np.column_stack([np.ones(4), corners]).T > 0, 1, -1)
right = (answers == xor).sum(axis=1)

print("corners right:", {int(k): int((right == k).sum()) for k in np.unique(right)})
assert right.max() == 3

# %% [markdown]
# ### Three perceptrons do
#
# XOR is "OR, but not AND". OR and AND are separable, so Rosenblatt's rule learns them. Their two answers go into a
# third perceptron, and what it has to learn is separable, too. The rule learns all three, each with labels of its
# own.


# %%
def learned(X, labels):
    perceptron = Perceptron(2, lr=0.5)
    perceptron.weight = np.array([-0.2, 0.4, -0.4])
    assert perceptron.fit(X, labels).converged
    return perceptron


is_or = learned(corners, [-1, 1, 1, 1])
is_and = learned(corners, [-1, -1, -1, 1])
hidden = np.stack([is_or.predict(corners), is_and.predict(corners)], axis=1)
last = learned(hidden, xor)

print("   x       OR  AND   XOR")
for x, h, y in zip(corners.astype(int), hidden, last.predict(hidden), strict=True):
    print(tuple(x.tolist()), "  {:+d}   {:+d}    {:+d}".format(*h, y))
assert (last.predict(hidden) == xor).all()

# %% [markdown]
# ## The picture
#
# On the left the two lines in the plane; between them the answer is $+1$. On the right, what the last perceptron
# sees: the hidden layer has moved the four corners. $(0, 1)$ and $(1, 0)$ lie on the same place now, and **one line
# is enough**.

# %% tags=["figure"]
RED, BLUE = "tab:red", "tab:blue"


def shade(axes, answer, low, high):
    """The plane in two shades: where answer(points) is above 0, and where not."""
    ticks = np.linspace(low, high, 161)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    values = np.asarray(answer(grid.reshape(-1, 2))).reshape(161, 161)
    axes.contourf(ticks, ticks, values > 0, levels=[-0.5, 0.5, 1.5], colors=["#d6e6f2", "#f7dcdc"])
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_aspect("equal")
    axes.grid(False)


def both(X):
    return np.stack([is_or.predict(X), is_and.predict(X)], axis=1)


figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4))
shade(left, lambda X: last.predict(both(X)), -0.5, 1.5)
shade(right, last.predict, -2, 2)
for axes, points in ((left, corners), (right, hidden)):
    axes.plot(*points[xor == 1].T, "o", color=RED, markersize=10)
    axes.plot(*points[xor == -1].T, "o", color=BLUE, markersize=10)
for name, place in {"(0, 1) and (1, 0)": (1, -1), "(0, 0)": (-1, -1), "(1, 1)": (1, 1)}.items():
    right.annotate(name, place, (place[0], place[1] - 0.38), ha="center", fontsize=9)
left.set(title="the plane", xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1])
right.set(title="after the hidden layer", xlabel="OR", ylabel="AND", xticks=[-1, 1], yticks=[-1, 1])
show(
    figure,
    "XOR by three perceptrons. Left: the answer is +1 in the strip between the lines of OR and of AND. Right: the "
    "corners as the last perceptron sees them; red and blue are separable here.",
)

# %% [markdown]
# ### Why bend at all
#
# Without the step between them two layers are one: $W_2 (W_1 x + b_1) + b_2 = (W_2 W_1)\,x + (W_2 b_1 + b_2)$. So a
# network of linear layers draws one line, however deep it is. The best it can do on XOR is to say ½ everywhere.


# %%
def trained(net, x, target, steps=600, lr=0.1):
    """Walk downhill on E = ½ Σ (t − o)²; return E after each step."""
    loss, optimizer, errors = SquaredErrorLoss(), Adam(lr=lr), []
    for _ in range(steps):
        errors.append(loss.forward(net.forward(x), target))
        net.backward(loss.backward())
        optimizer.step(net.params, net.grads)
    return errors


target = (xor[:, None] + 1) / 2  # 0 and 1, which a sigmoid can say
linear = MLP((2, 8, 1), activation=Identity, rng=0)
errors = trained(linear, corners, target)

print("outputs:", linear.forward(corners).ravel().round(3), "  E =", round(errors[-1], 4))
W1, b1, W2, b2 = linear.params.values()
assert np.allclose(linear.forward(corners), corners @ (W2 @ W1).T + W2 @ b1 + b2)
assert np.allclose(linear.forward(corners), 0.5, atol=1e-3) and np.isclose(errors[-1], 0.5)

# %% [markdown]
# ### A network that finds its own lines
#
# Who tells the hidden perceptrons that they should be OR and AND? The data do not; Rosenblatt's rule has no label for
# them. With a **sigmoid** in place of the step everything is smooth, the error can be differentiated by every weight,
# and each weight can go downhill. How the derivative is found is [lecture 3](03-backpropagation.ipynb); here it is
# used.

# %%
net = MLP((2, 8, 1), rng=0)
errors = trained(net, corners, target)

for x, y in zip(corners.astype(int).tolist(), net.forward(corners).ravel(), strict=True):
    print(x, f"{y:.3f}")
print(f"E: {errors[0]:.3f} at first, {errors[-1]:.5f} after {len(errors)} steps")
assert ((net.forward(corners) > 0.5) == (target > 0.5)).all()

# %% tags=["figure"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8))
left.plot(trained(MLP((2, 8, 1), activation=Identity, rng=0), corners, target), label="without activation")
left.plot(errors, label="with sigmoids")
left.set(title="The error", xlabel="step", ylabel="E", ylim=(0, None))
left.legend()
ticks = np.linspace(-0.5, 1.5, 161)
grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
surface = net.forward(grid).reshape(161, 161)
image = right.contourf(ticks, ticks, surface, levels=np.linspace(0, 1, 21), cmap="RdBu_r", alpha=0.8)
right.contour(ticks, ticks, surface, levels=[0.5], colors="black")
for w, b in zip(net.params["fc1.weight"], net.params["fc1.bias"], strict=True):
    right.plot(ticks, -(b + w[0] * ticks) / w[1], ":", color="black", linewidth=1.5)
right.scatter(*corners.T, c=[RED if t else BLUE for t in target.ravel()], s=80, edgecolor="white", zorder=3)
right.set(
    title="The output", xticks=[0, 1], yticks=[0, 1], xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="$x_1$", ylabel="$x_2$"
)
right.set_aspect("equal")
right.grid(False)
figure.colorbar(image, ax=right, ticks=[0, 0.5, 1])
show(
    figure,
    "Left: without a bend the error stays at ½; with sigmoids it falls. Right: what the trained network says in the "
    "plane, with its boundary in black, and dotted the lines of those hidden neurons that cross this part of it.",
)

# %% [markdown]
# ### Two hidden neurons are enough, and find it only now and then
#
# Three perceptrons did XOR by hand, so two hidden neurons suffice. Whether descent *finds* their weights depends on
# where it starts. More neurons than needed make it likely that some begin near something useful. That is one reason
# why networks are larger than they would have to be.

# %%
solved = {}
for neurons in (1, 2, 3, 4, 8):
    ends = []
    for seed in range(25):
        one = MLP((2, neurons, 1), rng=seed)
        trained(one, corners, target, steps=300)
        ends.append(bool(((one.forward(corners) > 0.5) == (target > 0.5)).all()))
    solved[neurons] = sum(ends)
    print(f"{neurons} hidden: {sum(ends):2} of 25 starts end with all four corners right")
assert solved[1] == 0 < solved[2] < solved[8]

# %% [markdown]
# ### How many numbers are there to learn?
#
# A neuron has a weight for each number it sees, and a bias. Two networks of the slides:

# %%
for sizes in ((3, 4, 2), (3, 4, 4, 1)):
    counts = MLP(sizes).counts()
    products = " + ".join(f"{i}·{o}" for i, o in pairwise(sizes))
    print(f"{'-'.join(map(str, sizes)):8} {counts.neurons} neurons, {products} = {counts.weights} weights, ", end="")
    print(f"{counts.biases} biases")
assert MLP((3, 4, 2)).counts() == (6, 20, 6)
assert MLP((3, 4, 4, 1)).counts() == (9, 32, 9)

# %% [markdown]
# A colour picture of 32 × 32 pixels stretches to a vector of 32 · 32 · 3 = 3072. Ten outputs that look at all of it:

# %%
picture = np.zeros((32, 32, 3))
scores = MLP((picture.size, 10))
print(f"{picture.size} inputs, {scores.counts().weights} weights;", end=" ")
print(f"with a hidden layer as wide as the picture {MLP((3072, 3072, 10)).counts().weights:,}")
assert picture.size == 3072

# %% [markdown]
# That is the slide's *too many parameters*. A photograph of 1000 × 1000 would need a million weights for each neuron of
# the first layer. Convolution ([lecture 7](07-convolution.ipynb)) shares them.
#
# ### What more neurons buy
#
# A ring around a disc: no line, and no two lines, part them. Three lines make a triangle around the disc, and more
# round it off. Move the slider.

# %% tags=["figure"]
rng = np.random.default_rng(1)
angle, radius = rng.uniform(0, 2 * np.pi, 120), np.concatenate([rng.uniform(0, 0.9, 60), rng.uniform(1.3, 2, 60)])
X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
inside = (radius < 1)[:, None].astype(float)


def disc(neurons):
    net = MLP((2, neurons, 1), activation=Tanh, output=None, rng=2)
    trained(net, X, 2 * inside - 1, steps=250, lr=0.05)
    figure, axes = plt.subplots(figsize=(4.4, 4))
    shade(axes, lambda points: net.forward(points), -2.2, 2.2)
    axes.plot(*X[inside[:, 0] == 1].T, "o", color=RED, markersize=4)
    axes.plot(*X[inside[:, 0] == 0].T, "o", color=BLUE, markersize=4)
    wrong = int(((net.forward(X) > 0) != (inside > 0.5)).sum())
    axes.set(title=f"{neurons} hidden: {wrong} of 120 wrong", xlabel="$x_1$", ylabel="$x_2$")
    return figure


interactive(
    disc,
    "A disc in a ring. One or two hidden neurons make a line or a strip, three close a triangle, more round it.",
    neurons=(1, 12, 3),
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell.

# %%
exercise("02-xor-and-the-mlp/by-hand").check([..., ..., ...])

# %%
exercise("02-xor-and-the-mlp/parameters").check(...)

# %%
exercise("02-xor-and-the-mlp/no-bend").check(...)


# %%
def forward(x, W1, b1, W2, b2):
    return ...


exercise("02-xor-and-the-mlp/forward").check(forward)

# %%
exercise("02-xor-and-the-mlp/hidden-labels").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 3](03-backpropagation.ipynb): which way is downhill for a weight that is far from the output?
# - In the library: [`nnbasics/models/mlp.py`](../nnbasics/models/mlp.py).
# - Minsky and Papert, *Perceptrons* (1969); Rumelhart, Hinton and Williams, *Learning representations by
#   back-propagating errors* (1986).
