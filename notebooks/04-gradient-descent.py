# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4 · Gradient descent
#
# Straight down, at right angles to the contour lines; and what lies at the end, which need not be a minimum.
#
# ## What you will do
#
# - See that the gradient stands at right angles to the contour line, and why no direction falls faster.
# - Find out how large a learning rate may be, and what a narrow valley does to it.
# - Walk into a saddle point on purpose, look around, and leave it again.
#
# ## What you need
#
# [Lecture 3](03-backpropagation.ipynb) for where gradients come from. Partial derivatives; what an eigenvalue is.

# %%
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from nnbasics import LBFGS, SGD, Adam, Identity, SquaredErrorLoss, Tanh
from nnbasics.models import MLP
from nnbasics.optimizers import Diverged, descend, safe_learning_rate
from nnbasics.testing import exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# Gradient descent, $w := w - r\, \nabla E$, moves in a direction *orthogonal to the contour line*. For a small step
# $(a, b)$ from $(x_1, y_1)$ Taylor's series says
#
# $$f(x_1 + a, y_1 + b) \simeq f(x_1, y_1) + \frac{\partial f}{\partial x} a + \frac{\partial f}{\partial y} b .$$
#
# (The slide prints $f(x_1, y_2)$ on the right; with $a = b = 0$ both sides must be the same, so it is $y_1$.) Along the
# contour line $f$ does not change, so $f_x a + f_y b = 0$, which $(a, b) = (f_y, -f_x)$ does:
#
# $$\Bigl\langle (f_x, f_y),\ (f_y, -f_x) \Bigr\rangle = f_x f_y - f_y f_x = 0 .$$
#
# So the gradient stands at right angles to the contour. *If we follow it until it is 0, we can find a minimum point*,
# says the slide, and warns that it may be a saddle, which it does not want to discuss. We do, below.

# %% [markdown]
# ## The code
#
# ### At right angles
#
# The error of one neuron with two weights, for three inputs, as lecture 3 calculates it. For every point of the plane
# of weights there is a value and a gradient.

# %%
inputs = np.array([[1.0, 0.5], [-0.5, 1.0], [1.5, -1.0]])
targets = np.array([[0.9], [0.2], [0.6]])


def E(w):
    """The error of a neuron with weights w, and its gradient."""
    net, loss = MLP((2, 1), rng="zeros"), SquaredErrorLoss()
    net.params["fc1.weight"] = np.array([w], float)
    error = loss.forward(net.forward(inputs), targets)
    net.backward(loss.backward())
    return error, net.grads["fc1.weight"][0]


for w in ([2, 1], [-1, 0.5], [0, -2]):
    f_x, f_y = E(w)[1]
    along = np.array([f_y, -f_x])
    h = 1e-3 / np.hypot(f_x, f_y)  # both steps equally long
    up, beside = E(w + h * np.array([f_x, f_y]))[0] - E(w)[0], E(w + h * along)[0] - E(w)[0]
    print(
        f"w = {w!s:11} gradient ({f_x:+.4f}, {f_y:+.4f})   <gradient, along> = {f_x * f_y - f_y * f_x:.0f}", end="   "
    )
    print(f"a step up {up:+.1e}, along {beside:+.1e}")
    assert np.dot([f_x, f_y], along) == 0 and abs(beside) < 1e-2 * up

# %% [markdown]
# A step of the same length changes the error a hundred times less along the contour than up the gradient.


# %% tags=["figure"]
def contours(axes, function, x, y, levels=14):
    """Contour lines of a function of two numbers, with both axes on the same scale: else no angle is right."""
    xs, ys = np.linspace(*x, 121), np.linspace(*y, 121)
    values = np.array([[function(np.array([a, b]))[0] for a in xs] for b in ys])
    axes.contour(xs, ys, values, levels=levels, cmap="viridis", linewidths=1)
    axes.set(xlim=x, ylim=y)
    axes.set_aspect("equal")
    axes.grid(False)


def path(function, start, optimizer, steps):
    """The points of a walk downhill, the start first."""
    return np.array([step.x for step in islice(descend(function, np.array(start, float), optimizer), steps + 1)])


figure, axes = plt.subplots(figsize=(6, 5))
contours(axes, E, (-2, 4), (-3, 3), levels=np.linspace(0.1, 1, 22) ** 2 * 0.9)
for start in ([-1.5, 2.5], [-1.5, -2.5], [3.6, 1.6], [0.5, -2.8]):
    walk = path(E, start, SGD(lr=0.5), 300)
    axes.plot(*walk.T, color="black", linewidth=1.2)
    for place in (0, 10, 30):
        gradient = E(walk[place])[1]
        uphill = gradient / np.linalg.norm(gradient)
        axes.plot(
            *np.stack([walk[place] - 0.35 * uphill[::-1] * [1, -1], walk[place] + 0.35 * uphill[::-1] * [1, -1]]).T,
            color="tab:blue",
        )
        axes.annotate(
            "", walk[place] - 0.7 * uphill, walk[place], arrowprops={"color": "tab:red", "width": 1, "headwidth": 6}
        )
axes.set(xlabel="$w_1$", ylabel="$w_2$", title="Downhill (red) is at right angles to the contour (blue)")
show(
    figure,
    "The error of a neuron over its two weights, and four walks downhill. Wherever one looks, the step (red) crosses "
    "the contour line (its direction in blue) at a right angle.",
)

# %% [markdown]
# Why is that the *fastest* way down? Of all steps $(a, b)$ of length 1, $f_x a + f_y b$ is smallest where $(a, b)$
# points against the gradient: an inner product is the product of the lengths times the cosine of the angle between.

# %%
w = np.array([2.0, 1.0])
angles = np.radians(np.arange(0, 360, 15))
falls = [E(w + 1e-4 * np.array([np.cos(a), np.sin(a)]))[0] - E(w)[0] for a in angles]
f_x, f_y = E(w)[1]
print(f"fastest of 24 directions: {np.degrees(angles[np.argmin(falls)]):.0f}°;", end=" ")
print(f"against the gradient: {np.degrees(np.arctan2(-f_y, -f_x)) % 360:.1f}°")

# %% [markdown]
# ## The picture
#
# ### How long may a step be?
#
# Take a bowl, $f = \frac12 (x^2 + \kappa y^2)$. A step multiplies $x$ by $1 - r$ and $y$ by $1 - r\kappa$. While $|1
# - r\kappa| < 1$, that is $r < 2/\kappa$, it comes nearer; beyond, it is thrown out, further with every step. The
# steepest direction decides what is allowed, and the flattest how long it takes. Move the slider.

# %% tags=["figure"]
kappa = 10


def bowl(x):
    curvatures = np.array([1, kappa])
    return 0.5 * float(curvatures @ x**2), curvatures * x


def walked(rate):
    walk = path(bowl, [3.6, 1.2], SGD(lr=rate), 25)
    figure, axes = plt.subplots(figsize=(7, 3.9))
    contours(axes, bowl, (-4, 4), (-2, 2), levels=10)
    axes.plot(*walk.T, "o-", color="black", markersize=3, linewidth=1)
    nearer = "comes nearer" if rate < 2 / kappa else "is thrown out"
    axes.set(xlabel="x", ylabel="y", title=f"rate {rate:g}, the limit is {2 / kappa:g}: it {nearer}")
    return figure


interactive(
    walked,
    "25 steps in a bowl that is ten times as steep across as along. It zigzags across the valley while it hardly moves "
    "along it.",
    rate=(0.01, 0.21, 0.18),
)

# %% [markdown]
# Too long a step is noticed: the walk ends with an error that says so. And the largest curvature can be found without
# knowing the formula, from a few gradients.

# %%
try:
    with np.errstate(over="ignore"):
        path(bowl, [3.6, 1.2], SGD(lr=0.5), 5000)
except Diverged as error:
    print("Diverged:", error)
rate = safe_learning_rate(bowl, np.array([3.6, 1.2]))
print(f"safe_learning_rate: {rate:.4f}, one over the largest curvature, which is {kappa}")
assert np.isclose(rate, 1 / kappa, rtol=1e-3)

# %% [markdown]
# ### Narrow valleys
#
# Now a valley that is fifty times as steep across as along. What is done about the zigzag: **momentum** keeps a
# velocity, in which sideways steps cancel; **Adam** scales every coordinate by the size of its own gradients;
# **L-BFGS** learns the curvature from the steps it has taken.


# %% tags=["figure"]
def valley(x):
    curvatures = np.array([1, 50])
    return 0.5 * float(curvatures @ x**2), curvatures * x


optimizers = {
    "descent": SGD(lr=2 / 51),  # the best rate there is: as far from 2/50 as from 0
    "momentum": SGD(lr=0.03, momentum=0.75),
    "Adam": Adam(lr=0.3),
    "L-BFGS": LBFGS(),
}
figure, axes = plt.subplots(figsize=(7, 4.2))
contours(axes, valley, (-4, 4), (-2, 2), levels=10)
print("steps until f < 1e-6:")
for name, optimizer in optimizers.items():
    losses, walk = [], []
    for step in islice(descend(valley, np.array([3.6, 1.2]), optimizer), 500):
        losses.append(step.loss)
        walk.append(step.x)
    print(f"  {name:10}", int(np.argmax(np.array(losses) < 1e-6)))
    axes.plot(*np.array(walk).T, ".-", label=name, linewidth=1.2)
    assert losses[-1] < 1e-6
axes.set(xlabel="x", ylabel="y", title="Four ways down the same valley")
axes.legend(loc="lower left", ncols=4)
show(
    figure,
    (
        "The valley again. Momentum swings through, Adam goes at the same speed in both directions, L-BFGS guesses the "
        "bottom."
    ),
)

# %% [markdown]
# ### A saddle
#
# $f = \frac12 (x^2 - y^2)$ has the gradient 0 at the origin, and it is no minimum: along $x$ a valley, along $y$ a
# ridge. Who starts exactly on the line $y = 0$ walks into it and stays. A start beside the line slows down, waits,
# and leaves.


# %% tags=["figure"]
def saddle(x):
    return 0.5 * float(x[0] ** 2 - x[1] ** 2), np.array([x[0], -x[1]])


figure, axes = plt.subplots(figsize=(6.8, 5))
contours(axes, saddle, (-2, 2), (-2, 2), levels=21)
for y in (0, 1e-6, -1e-3, 0.05):
    walk = path(saddle, [1.8, y], SGD(lr=0.1), 400 if y == 0 else int(np.log(2 / abs(y)) / np.log(1.1)))
    axes.plot(*walk.T, ".-", markersize=4, linewidth=1, label=f"y = {y:g}: {len(walk) - 1} steps")
    assert (np.abs(walk[-1]).max() < 1e-9) == (y == 0)
axes.plot(0, 0, "o", color="black")
axes.legend(title="start at x = 1.8 and", loc="upper left", bbox_to_anchor=(1, 1))
axes.set(xlabel="x", ylabel="y", title="Four walks past a saddle")
show(
    figure,
    "Exactly on the line the walk ends in the saddle, at a gradient of 0. A millionth beside it, it leaves, after a "
    "long wait: nearly all of its steps lie close to the black point.",
)

# %% [markdown]
# How to tell them apart where the gradient is 0? By the second derivatives. The eigenvalues of their matrix, the
# **Hessian**, are the curvatures: all above 0 a minimum, all below a maximum, of both kinds a saddle. With a zero among
# them it does not say.


# %%
def hessian(function, x, h=1e-4):
    """The second derivatives, by differences of gradients."""
    rows = [(function(x + h * e)[1] - function(x - h * e)[1]) / (2 * h) for e in np.eye(len(x))]
    return (np.array(rows) + np.array(rows).T) / 2


print("bowl at 0:  ", np.linalg.eigvalsh(hessian(bowl, np.zeros(2))).round(6))
print("saddle at 0:", np.linalg.eigvalsh(hessian(saddle, np.zeros(2))).round(6))

# %% [markdown]
# ### Saddles in networks
#
# The smallest network with a hidden neuron, without bends and biases: $o = w_2 w_1 x$ with $x = 1$ and the target 1.
# Its error $E = \frac12 (1 - w_1 w_2)^2$ has a saddle where both weights are 0. That is **why no one starts a network
# at zero**: neither weight can tell which way to go as long as the other is nothing.


# %% tags=["figure"]
def two_weights(w):
    net, loss = MLP((1, 1, 1), activation=Identity, rng="zeros"), SquaredErrorLoss()
    net.params["fc1.weight"], net.params["fc2.weight"] = w[:1, None], w[1:, None]
    error = loss.forward(net.forward(np.ones((1, 1))), np.ones((1, 1)))
    net.backward(loss.backward())
    return error, np.array([net.grads["fc1.weight"].item(), net.grads["fc2.weight"].item()])


_, gradient = two_weights(np.zeros(2))
print("gradient at 0:  ", gradient)
print("curvatures at 0:", np.linalg.eigvalsh(hessian(two_weights, np.zeros(2))).round(6))
assert not gradient.any()
figure, axes = plt.subplots(figsize=(6.4, 5))
contours(axes, two_weights, (-2.2, 2.2), (-2.2, 2.2), levels=np.linspace(0, 1, 9) ** 2 * 6)
for start in ([-1.5, 1.5], [-1.5, 1.45], [-1.45, 1.5], [0.1, 0.02], [2, -0.5]):
    axes.plot(*path(two_weights, start, SGD(lr=0.05), 400).T, ".-", markersize=4, linewidth=1, label=str(start))
branch = np.linspace(0.4, 2.2, 50)
axes.plot(branch, 1 / branch, ":", -branch, -1 / branch, ":", color="black")
axes.plot(0, 0, "o", color="black")
axes.legend(title="start", loc="upper left", bbox_to_anchor=(1, 1))
axes.set(xlabel="$w_1$", ylabel="$w_2$", title="E = ½ (1 − w1 w2)²")
show(
    figure,
    "The error of a chain of two weights. It is 0 on the two dotted curves. The start with w1 = −w2 walks straight "
    "into the saddle at 0; its two neighbours turn off, to opposite sides.",
)

# %% [markdown]
# ### Walking into one on purpose
#
# Two hidden neurons that begin **alike** get the same gradient at every step, so they stay alike for ever: two
# neurons do the work of one. Here the network is $o = \tanh(w_1 x) + \tanh(w_2 x)$ and should become
# $\tanh(\frac12 x) + \tanh(3 x)$. Only its first layer learns, so that its error can be drawn.

# %%
x = np.linspace(-2, 2, 17)[:, None]
target = np.tanh(0.5 * x) + np.tanh(3 * x)


def two_neurons(w):
    net, loss = MLP((1, 2, 1), activation=Tanh, output=Identity, rng="zeros"), SquaredErrorLoss()
    net.params["fc1.weight"], net.params["fc2.weight"] = w[:, None], np.ones((1, 2))
    error = loss.forward(net.forward(x), target)
    net.backward(loss.backward())
    return error, net.grads["fc1.weight"][:, 0]


into = path(two_neurons, [2.4, 2.4], SGD(lr=0.1), 150)
end = into[-1]
curvatures, directions = np.linalg.eigh(hessian(two_neurons, end))

print("w:", end, " error:", round(two_neurons(end)[0], 4), f" gradient: {np.abs(two_neurons(end)[1]).max():.0e}")
for curvature, direction in zip(curvatures, directions.T, strict=True):
    print(f"curvature {curvature:+.3f} along", direction.round(3))
assert end[0] == end[1] and np.abs(two_neurons(end)[1]).max() < 1e-9 and curvatures[0] < -0.1 < 0.1 < curvatures[1]

# %% [markdown]
# The gradient is 0, the error is not, and one curvature is negative: a saddle. Descent cannot see the way out, for the
# slope along it is 0. The Hessian can: the eigenvector of the negative curvature says that the two should **part**. A
# thousandth of a step along it is enough.

# %% tags=["figure"]
out = path(two_neurons, end + 1e-3 * directions[:, 0], SGD(lr=0.1), 600)
print("then: w =", out[-1].round(4), f" error: {two_neurons(out[-1])[0]:.1e}")
assert np.allclose(sorted(out[-1]), [0.5, 3], atol=0.05)

figure, (axes, right) = plt.subplots(1, 2, figsize=(9.6, 4.4))
contours(axes, two_neurons, (-0.3, 4), (-0.3, 4), levels=np.linspace(0, 1, 16) ** 2 * 3)
axes.plot(*into.T, ".-", color="tab:blue", label="both alike")
axes.plot(*out.T, ".-", color="tab:red", label="after a push of 0.001")
axes.plot(*end, "o", color="black", label="saddle")
axes.plot([0.5, 3], [3, 0.5], "*", color="tab:green", markersize=12, label="minima")
axes.set(xlabel="$w_1$", ylabel="$w_2$", title="The error over both weights")
axes.legend(loc="upper right")
right.semilogy([two_neurons(w)[0] for w in into], color="tab:blue")
right.semilogy(np.arange(len(out)) + len(into) - 1, [two_neurons(w)[0] for w in out], color="tab:red")
right.set(xlabel="step", ylabel="E", title="Into the saddle and out of it")
show(
    figure,
    "Left: from two equal neurons descent walks along the diagonal into the saddle; after a push it finds one of the "
    "two minima. Right: the error on the way, with the plateau at the saddle.",
)

# %% [markdown]
# So the slide's caution is right: a gradient of 0 is no minimum yet. In practice one starts at random, which is never
# exactly on a ridge; but near one, and training then shows such a plateau before it falls.
#
# The picture shows one thing more. The slide says that descent is bad at non-convex functions, and that the sigmoid is
# one. But whatever the activation, exchanging two hidden neurons changes nothing: every minimum has a twin, and between
# the two lies a hill. The error of a network with a hidden layer is never convex.

# %%
here, twin = np.array([0.5, 3.0]), np.array([3.0, 0.5])
for name, w in {"a minimum": here, "its twin": twin, "half-way": (here + twin) / 2}.items():
    print(f"{name:9} E = {two_neurons(w)[0]:.4f}")
assert two_neurons(here)[0] == two_neurons(twin)[0] < 1e-12 < two_neurons((here + twin) / 2)[0]

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell.

# %%
exercise("04-gradient-descent/contour").check([..., ...])

# %%
exercise("04-gradient-descent/largest-rate").check(...)


# %%
def my_descend(gradient, x, lr, steps):
    return ...


exercise("04-gradient-descent/descend").check(my_descend)

# %%
exercise("04-gradient-descent/which-point").check(...)

# %%
exercise("04-gradient-descent/escape").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 5](05-sigmoid-and-relu.ipynb): the sigmoid's slope, and why gradients vanish.
# - In the library: [`nnbasics/optimizers.py`](../nnbasics/optimizers.py); the same loop paints pictures in lecture 17.
# - Nocedal and Wright, *Numerical Optimization* (2006), chapters 2 and 3.
