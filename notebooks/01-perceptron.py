# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1 · The perceptron
#
# A line between two kinds of points, and a rule that finds it by making mistakes.
#
# ## What you will do
#
# - Follow one update of the perceptron with pencil-and-paper numbers, and see the line move.
# - Let it learn, watch every boundary on the way, and count the updates against the theorem that limits them.
# - See where it ends, which of the many solutions it takes, and the four points at which it never ends.
#
# ## What you need
#
# The inner product of two vectors, and that $w_0 + w_1 x_1 + w_2 x_2 = 0$ is a line in the plane. An hour with the
# exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics.models import Perceptron
from nnbasics.models.boundaries import animate, draw
from nnbasics.testing import exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# McCulloch and Pitts (1943) made a neuron out of a sum and a threshold. Rosenblatt's **perceptron** (1958) learns its
# weights. For a point with coordinates $x_1, \dots, x_d$, and with $x_0 = 1$ put in front so that $w_0$ can be a bias,
#
# $$S = w_0 x_0 + w_1 x_1 + \dots + w_d x_d = w \cdot x, \qquad
# y = \begin{cases} +1 & S > 0 \\ -1 & \text{otherwise.} \end{cases}$$
#
# It learns from the points that it gets wrong, one at a time: if $x$ has the label $y$ and another answer was given,
#
# $$w := w + \gamma \, y \, x .$$
#
# $\gamma$ is the learning rate. **Convergence theorem** (Novikoff, 1962): if some hyperplane through 0 keeps all points
# on their sides with a margin $m$, and no $x$ is longer than $R$, then from $w = 0$ this ends after at most $(R/m)^2$
# updates. If no hyperplane separates them, it never ends.
#
# The seminar's slide says that the perceptron uses a sigmoid. Rosenblatt's has a step; the sigmoid came later, with
# backpropagation, for a step has no slope to learn from ([lecture 3](03-backpropagation.ipynb)).

# %% [markdown]
# ## The code
#
# ### One update, by hand
#
# The workshop's example: $w = (0, -1, 1)$, so the boundary is $x_2 - x_1 = 0$. The point $(2, 3)$ has the label $-1$,
# and $\gamma = 0.1$. What is its score?

# %%
perceptron = Perceptron(2, lr=0.1)
perceptron.weight = np.array([0, -1, 1])
point, label = np.array([2, 3]), -1

print("S =", perceptron.score([point]).item(), " answer:", perceptron.predict([point]).item(), " label:", label)

# %% [markdown]
# Wrong, so $w := w + \gamma y x = (0, -1, 1) + 0.1 \cdot (-1) \cdot (1, 2, 3)$.

# %%
before = perceptron.weight
perceptron.update(point, label)

print("w =", perceptron.weight.round(12))
assert np.allclose(perceptron.weight, [-0.1, -1.2, 0.7])

# %%
print(perceptron.equation(), "   that is   7 x2 - 12 x1 - 1 = 0")
print("S =", perceptron.score([point]).item(), " answer:", perceptron.predict([point]).item())
assert np.allclose(10 * perceptron.weight, [-1, -12, 7])

# %% [markdown]
# The score fell from 1 to −0.4, by $\gamma |x|^2 = 0.1 \cdot (1 + 4 + 9) = 1.4$. It always moves by just that, in the
# right direction, since $(w + \gamma y x) \cdot x = w \cdot x + \gamma y |x|^2$.

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(5, 4.4))
x1 = np.array([-1, 5])
for w, style, name in [(before, "--", "before"), (perceptron.weight, "-", "after")]:
    axes.plot(x1, -(w[0] + w[1] * x1) / w[2], style, color="black", label=f"{name}: w = {w.round(3).tolist()}")
axes.plot(*point, "o", color="tab:blue", markersize=9)
axes.annotate("(2, 3), label −1", point, (0.55, 3), va="center", ha="center")
axes.set(xlim=(-1, 5), ylim=(-1, 5), xlabel="$x_1$", ylabel="$x_2$", title="One update: the line passes over the point")
axes.set_aspect("equal")
axes.legend(loc="lower right")
show(
    figure,
    "The boundary before and after the update. Above the line the answer is +1, below it −1. The point was above and "
    "should not have been; the line has turned until it was below.",
)

# %% [markdown]
# ### Which way do the weights go?
#
# The workshop asks it of $x = (1, -5, 5)$. With the label $-1$ the score should fall: $w_1$ rises, because $x_1$ is
# negative, and $w_2$ falls. With the label $+1$ everything is the other way round, **the bias too**: the slide prints
# $w_0 := w_0 + \gamma \cdot (-1) \cdot 1$ there, beside $w_1$ and $w_2$ with $(+1)$. There is one label in
# $w := w + \gamma y x$, the same for every component.

# %%
for y in (-1, +1):
    perceptron.weight = -y * np.array([0, -1, 1])  # wrong about the point, whichever its label
    start = perceptron.weight
    perceptron.update([-5, 5], y)
    print(f"label {y:+d}: w changes by", (perceptron.weight - start).round(12))
    assert np.allclose(perceptron.weight - start, 0.1 * y * np.array([1, -5, 5]))

# %% [markdown]
# ### Learning
#
# `fit` shows the points again and again, in order, until none is wrong, and returns the **walk**: every boundary on the
# way, and the point that caused each update. Here are 60 points on either side of a line that the perceptron
# is not told, with a gap along it.

# %%
rng = np.random.default_rng(4)
X = rng.uniform(-1, 1, (90, 2))
distance = (X @ [1, 2] - 0.2) / np.sqrt(5)
X, y = X[abs(distance) > 0.06][:60], np.sign(distance[abs(distance) > 0.06][:60]).astype(int)

perceptron = Perceptron(2, lr=0.1)
perceptron.weight = np.zeros(3)
walk = perceptron.fit(X, y)
print(walk)
print("boundary:", perceptron.equation())

# %% [markdown]
# How long may that take at most? The line that the points were made with shows a margin that is possible; the widest
# would give the best bound, this one a bound all the same.

# %%
with_one = np.column_stack([np.ones(len(X)), X])
R = np.linalg.norm(with_one, axis=1).max()
line = np.array([-0.2, 1, 2]) / np.linalg.norm([-0.2, 1, 2])
m = (y * (with_one @ line)).min()

print(f"R = {R:.3f}, m = {m:.4f}: at most (R/m)^2 = {(R / m) ** 2:.0f} updates; it took {len(walk.points)}")
assert len(walk.points) <= (R / m) ** 2

# %% [markdown]
# ## The picture
#
# All boundaries of that walk at once, the first faint, the last black:

# %% tags=["figure"]
show(
    draw(walk, X, y),
    "Every boundary of the walk. Early ones are thrown about by single points; the later it gets, the fewer points are "
    "left that can move the line.",
)

# %% [markdown]
# The same walk update by update, with a ring around the point that was wrong. (Press play.)

# %% tags=["figure"]
few = Perceptron(2, lr=0.5, rng=3)
short = few.fit(X[:16], y[:16])
show(
    animate(short, X[:16], y[:16]),
    "The perceptron learns 16 of the points; the ring is around the point that moved the line.",
)

# %% [markdown]
# ### Many solutions
#
# Whoever stops as soon as nothing is wrong stops anywhere in the gap. Where, depends on the start and on the order of
# the points. The theorem promises *a* line, not the one in the middle.

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(5, 5))
for label, colour in ((1, "tab:red"), (-1, "tab:blue")):
    axes.plot(*X[y == label].T, "o", color=colour, label=f"{label:+d}")
for seed in range(12):
    one, order = Perceptron(2, lr=0.1, rng=seed), np.random.default_rng(seed).permutation(len(X))
    assert one.fit(X[order], y[order]).converged
    w = one.weight
    axes.plot([-1.2, 1.2], [-(w[0] + w[1] * end) / w[2] for end in (-1.2, 1.2)], color="black", linewidth=1)
axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), xlabel="$x_1$", ylabel="$x_2$", title="Twelve starts, twelve lines")
axes.set_aspect("equal")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
show(figure, "Twelve perceptrons, each with other first weights and another order: all are right, no two agree.")

# %% [markdown]
# ### What the learning rate does
#
# From $w = 0$: nothing at all. Twice the rate makes every weight twice as long, and $w \cdot x > 0$ does not care. From
# other first weights it decides how many updates it takes to outweigh them. Move the slider.

# %% tags=["figure"]


def learned(lr):
    perceptron = Perceptron(2, lr=lr)
    perceptron.weight = np.array([0, 3, -1])  # far off
    return draw(perceptron.fit(X, y), X, y)


interactive(
    learned, "The walk from w = (0, 3, −1), which is far off: a small rate turns the line slowly.", lr=(0.02, 1.0, 0.1)
)

# %% [markdown]
# ### Where it never ends
#
# OR and AND are learned in a moment. XOR asks for $+1$ at $(0, 1)$ and $(1, 0)$ and for $-1$ at the other two corners,
# and no line does that (Minsky and Papert, 1969). The perceptron cannot know it: it would go on for ever. Ours notices
# when an epoch begins with the very weights of an earlier one, says so, and stops.

# %%
import warnings

corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
walks = {}
for name, labels in {"OR": [-1, 1, 1, 1], "AND": [-1, -1, -1, 1], "XOR": [-1, 1, 1, -1]}.items():
    perceptron = Perceptron(2, lr=0.5)
    perceptron.weight = np.array([0.3, 0.9, -0.4])
    with warnings.catch_warnings(record=True):  # the walk says it as well
        warnings.simplefilter("always")
        walks[name] = perceptron.fit(corners, labels)
    print(f"{name:4}", walks[name], end="\n\n")
assert walks["OR"] and walks["AND"] and not walks["XOR"]

# %% [markdown]
# These are the four lines of XOR that come round again and again, one for each corner of an epoch.

# %% tags=["figure"]
xor = np.array([-1, 1, 1, -1])
figure, panels = plt.subplots(1, 4, figsize=(10, 2.9), sharey=True)
grid = np.stack(np.meshgrid(np.linspace(-0.5, 1.5, 201), np.linspace(-0.5, 1.5, 201)), axis=-1)
for axes, w in zip(panels, walks["XOR"].weights[-4:], strict=True):
    perceptron.weight = w
    answers = perceptron.predict(grid.reshape(-1, 2)).reshape(201, 201)
    axes.contourf(*np.moveaxis(grid, -1, 0), answers, levels=[-2, 0, 2], colors=["#d6e6f2", "#f7dcdc"])
    for label, colour in ((1, "tab:red"), (-1, "tab:blue")):
        axes.plot(*corners[xor == label].T, "o", color=colour, markersize=8)
    wrong = perceptron.predict(corners) != xor
    axes.plot(*corners[wrong].T, "o", markersize=17, markerfacecolor="none", markeredgecolor="black")
    axes.set(xlabel="$x_1$", xticks=[0, 1], yticks=[0, 1], title=f"{wrong.sum()} wrong")
    axes.set_aspect("equal")
panels[0].set_ylabel("$x_2$")
show(
    figure,
    "XOR. The shade is the perceptron's answer, the colour of a corner its label, a ring marks what is wrong. Each "
    "update puts one corner right and others wrong; after the fourth panel the first comes back.",
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("01-perceptron/score").check(...)

# %%
exercise("01-perceptron/update").check([..., ..., ...])


# %%
def update(w, x, y, g):
    return ...


exercise("01-perceptron/rule").check(update)

# %%
exercise("01-perceptron/bound").check(...)

# %%
exercise("01-perceptron/xor").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 2](02-xor-and-the-mlp.ipynb): two layers of perceptrons do XOR; and how could the first one learn?
# - In the library: [`nnbasics/models/perceptron.py`](../nnbasics/models/perceptron.py), the rule in ten lines.
# - Rosenblatt, *The perceptron* (1958); Novikoff, *On convergence proofs on perceptrons* (1962); Minsky and Papert,
#   *Perceptrons* (1969).
