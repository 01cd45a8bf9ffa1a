# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3 · Backpropagation by hand
#
# How much does each weight have to do with the error? The chain rule, once, with numbers.
#
# ## What you will do
#
# - Calculate $\partial E/\partial w_{35}$ and $\partial E/\partial w_{13}$ of a small network on paper, factor by
#   factor.
# - Have the code that trains the network print the same factors, and draw them.
# - Check every number with a difference quotient, the one witness that knows no calculus, and find a slip on the slide.
#
# ## What you need
#
# [Lecture 2](02-xor-and-the-mlp.ipynb). The chain rule, $\frac{d}{dx} f(g(x)) = f'(g(x))\, g'(x)$, and a pencil.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import SGD, Linear, SquaredErrorLoss
from nnbasics.models import MLP, Trace
from nnbasics.testing import check_gradients, exercise
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# Neurons are numbered from the inputs on: $i_1, i_2$, then the hidden $h_3, h_4$, then the outputs $o_5, o_6$. The
# weight
# $w_{ij}$ leads from neuron $i$ to neuron $j$. Every neuron adds up what comes in, $in = \sum w \cdot out$, and puts
# out
# $\sigma(in)$ with the sigmoid $\sigma(x) = 1/(1 + e^{-ax})$, here $a = 1$. With targets $t_5, t_6$ the error is
#
# $$E = \tfrac12 (t_5 - o_5)^2 + \tfrac12 (t_6 - o_6)^2 .$$
#
# How much does $w_{35}$ influence it? By the chain rule,
#
# $$\frac{\partial E}{\partial w_{35}} = \frac{\partial E}{\partial o_5} \cdot \frac{\partial o_5}{\partial in_5} \cdot
# \frac{\partial in_5}{\partial w_{35}} = (o_5 - t_5) \cdot o_5 (1 - o_5) \cdot h_3 ,$$
#
# since $\sigma' = \sigma (1 - \sigma)$. All of it has been calculated already, on the way forward. A weight further
# from the outputs reaches them by **more paths**, and these add up:
#
# $$\frac{\partial E}{\partial w_{13}} = \bigl[ (o_5 - t_5)\, o_5 (1 - o_5)\, w_{35} +
# (o_6 - t_6)\, o_6 (1 - o_6)\, w_{36} \bigr] \cdot h_3 (1 - h_3) \cdot i_1 .$$
#
# Then every weight takes a step downhill, $w := w - r\, \partial E/\partial w$, with the learning rate $r$.
#
# **Erratum.** The slide prints $(o_5 - t_5)$ in both paths. The second one runs through $o_6$; we shall see what the
# difference quotient says.

# %% [markdown]
# ## The code
#
# ### Forward, with a pencil
#
# Two inputs, two hidden neurons, two outputs, and weights to calculate with:

# %%
i1, i2 = 0.05, 0.10
t5, t6 = 0.01, 0.99
w13, w14, w23, w24, b_h = 0.15, 0.25, 0.20, 0.30, 0.35
w35, w36, w45, w46, b_o = 0.40, 0.50, 0.45, 0.55, 0.60


def sigma(x):
    return 1 / (1 + np.exp(-x))


h3 = sigma(w13 * i1 + w23 * i2 + b_h)
h4 = sigma(w14 * i1 + w24 * i2 + b_h)
o5 = sigma(w35 * h3 + w45 * h4 + b_o)
o6 = sigma(w36 * h3 + w46 * h4 + b_o)
E = (t5 - o5) ** 2 / 2 + (t6 - o6) ** 2 / 2

print(f"h3 = {h3:.6f}   h4 = {h4:.6f}   o5 = {o5:.6f}   o6 = {o6:.6f}   E = {E:.6f}")

# %% [markdown]
# ### Backward: the weight w35
#
# Three factors. None of them needs anything new.

# %%
dE_do5 = o5 - t5
do5_din5 = o5 * (1 - o5)
din5_dw35 = h3
dE_dw35 = dE_do5 * do5_din5 * din5_dw35

print(f"dE/dw35 = {dE_do5:.6f} * {do5_din5:.6f} * {din5_dw35:.6f} = {dE_dw35:.9f}")

# %% [markdown]
# Now the network of the library, with these weights. A **trace** walks it forward and back with the code that trains
# it, and prints the chain of any weight. The last number is what `backward` left in the layer's `grads`.

# %%
net = MLP((2, 2, 2))
net.params["fc1.weight"], net.params["fc1.bias"] = np.array([[w13, w23], [w14, w24]]), np.array([b_h, b_h])
net.params["fc2.weight"], net.params["fc2.bias"] = np.array([[w35, w45], [w36, w46]]), np.array([b_o, b_o])
trace = Trace(net, x=[i1, i2], target=[t5, t6])

print(trace.weight(3, 5))
print(trace.weight(3, 5).step(lr=0.5))
assert np.isclose(trace.weight(3, 5).backward, dE_dw35, rtol=1e-12)
assert np.isclose(trace.error, E, rtol=1e-12)

# %% [markdown]
# ### The weight w13, and the slip on the slide
#
# Two paths lead from $w_{13}$ to the error. Both formulas, and then the witness: move $w_{13}$ a little to either
# side and look how far $E$ moves.

# %%
behind = h3 * (1 - h3) * i1
right = ((o5 - t5) * o5 * (1 - o5) * w35 + (o6 - t6) * o6 * (1 - o6) * w36) * behind
printed = ((o5 - t5) * o5 * (1 - o5) * w35 + (o5 - t5) * o6 * (1 - o6) * w36) * behind


def error(w13=w13, w35=w35):
    h3 = sigma(w13 * i1 + w23 * i2 + b_h)
    o5, o6 = sigma(w35 * h3 + w45 * h4 + b_o), sigma(w36 * h3 + w46 * h4 + b_o)
    return (t5 - o5) ** 2 / 2 + (t6 - o6) ** 2 / 2


h = 1e-5
quotient = (error(w13 + h) - error(w13 - h)) / (2 * h)

print(f"with (o6 - t6)          {right:.9f}")
print(f"as the slide prints it  {printed:.9f}")
print(f"difference quotient     {quotient:.9f}")
assert np.isclose(right, 0.000438568, atol=1e-9) and np.isclose(printed, 0.00145333, atol=1e-8)
assert np.isclose(quotient, right, rtol=1e-6)

# %%
print(trace.weight(1, 3))
print(trace.weight(1, 3).step(lr=0.5))
assert np.isclose(trace.weight(1, 3).backward, right, rtol=1e-12)

# %% [markdown]
# ## The picture
#
# The network with its outputs in the neurons, and on each edge the weight and, below, $\partial E / \partial w$. In red
# the weight $w_{35}$: one path.

# %% tags=["figure"]
show(trace.draw(highlight=(3, 5)), "The trace of w35. E sees it only through o5.")

# %% [markdown]
# And $w_{13}$: from $h_3$ on it takes every way there is. One of its two paths pushes the error up, the other down
# ($o_5$ is too large, $o_6$ too small), so what is left is small.

# %% tags=["figure"]
show(trace.draw(highlight=(1, 3)), "The trace of w13. Its two paths part at h3, by w35 and w36.")

# %% [markdown]
# ### The slope is a tangent
#
# $E$ as a function of $w_{35}$ alone, all other weights as they are. The derivative is the slope of the tangent; a
# step against it goes downhill, and how far is the learning rate's business. Move the slider: far from 0 the sigmoid
# is flat, the tangent lies down, and nothing is learned any more.

# %% tags=["figure"]


def tangent(w35):
    o5 = sigma(w35 * h3 + w45 * h4 + b_o)
    slope = (o5 - t5) * o5 * (1 - o5) * h3
    ws = np.linspace(-12, 8, 300)
    figure, axes = plt.subplots()
    axes.plot(ws, [error(w35=w) for w in ws], label="E")
    near = np.array([w35 - 4, w35 + 4])
    axes.plot(near, error(w35=w35) + slope * (near - w35), "--", label=f"slope {slope:.4f}")
    axes.plot(w35, error(w35=w35), "o", color="black")
    axes.set(xlabel="$w_{35}$", ylabel="E", xlim=(-12, 8), ylim=(0, 0.6), title=f"dE/dw35 at w35 = {w35:g}")
    axes.legend(loc="upper left")
    return figure


interactive(
    tangent,
    "The error over w35, and its tangent. To the left lies the minimum, where o5 meets t5.",
    w35=(-10.0, 8.0, 0.4),
)

# %% [markdown]
# ### All weights at once
#
# Nobody calculates weights one by one. What two weights share is calculated once: the errors at the outputs go back
# through the network layer by layer, as the values went forward. `net.backward` does it, in as many steps as `forward`.

# %%
loss = SquaredErrorLoss()
loss.forward(net.forward(np.array([[i1, i2]])), np.array([[t5, t6]]))
net.backward(loss.backward())
for name, grad in net.grads.items():
    print(f"{name:12}", grad.round(6).tolist())

# %% [markdown]
# The seminar says that the cost is big at shallow layers, and the formula for $w_{13}$ looks like it. In a network of
# $L$ hidden layers with $n$ neurons each a weight of the first layer has $n^{L-1}$ paths to one output. But no one
# walks them one by one: each edge is passed once on the way back.

# %%
print("hidden layers of 10   paths of one early weight   edges passed by backward")
for layers in (1, 2, 4, 8):
    net_of = MLP((2, *[10] * layers, 1), rng="zeros")
    print(f"{layers:19}   {10 ** (layers - 1):27,}   {net_of.counts().weights:24,}")

# %% [markdown]
# ### The witness, and how far to trust it
#
# $(E(w+h) - E(w-h))/2h$ should meet the derivative for small $h$. For very small $h$ it gets worse again: the two
# errors agree in nearly all their digits, and their difference is rounding. Between the two slopes lies what can be
# had.

# %% tags=["figure"]
hs = np.logspace(-12, 0, 61)
centred = [abs((error(w13 + h) - error(w13 - h)) / (2 * h) / right - 1) for h in hs]
one_sided = [abs((error(w13 + h) - error(w13)) / h / right - 1) for h in hs]

figure, axes = plt.subplots()
axes.loglog(hs, one_sided, ".-", label="(E(w + h) − E(w)) / h")
axes.loglog(hs, centred, ".-", label="(E(w + h) − E(w − h)) / 2h")
axes.set(xlabel="h", ylabel="relative error", title="Difference quotients of dE/dw13, against the formula")
axes.legend()
show(
    figure,
    "From the right the quotients come nearer, in proportion to h, or to h² if both sides are taken; from about 1e-5 "
    "on rounding takes over. A gradient that is wrong stays far above all of this.",
)
assert min(centred) < 1e-8

# %% [markdown]
# `check_gradients` does it for every parameter of any layer or network, with an eye on such things:

# %%
check_gradients(net, np.array([[i1, i2]]))

# %% [markdown]
# ### Learning
#
# One step, and then ten thousand. The network learns to say 0.01 and 0.99.

# %% tags=["figure"]
optimizer, x, target = SGD(lr=0.5), np.array([[i1, i2]]), np.array([[t5, t6]])
errors = []
for _ in range(10_000):
    errors.append(loss.forward(net.forward(x), target))
    net.backward(loss.backward())
    optimizer.step(net.params, net.grads)

print(f"E = {errors[0]:.6f}, after one step {errors[1]:.6f}, after 10 000 {errors[-1]:.2e}")
print("outputs:", net.forward(x).round(4).tolist())
figure, axes = plt.subplots()
axes.loglog(np.arange(1, len(errors) + 1), errors)
axes.set(xlabel="step", ylabel="E", title="Gradient descent with r = 0.5")
show(figure, "The error over ten thousand steps, both axes logarithmic.")
assert errors[1] < errors[0] and errors[-1] < 1e-4

# %% [markdown]
# ### The workshop's toy example
#
# $f = w x + b$ with $w = -2$, $x = 5$, $b = 3$, so $f = -7$; it should become 3. $\partial f/\partial w = x = 5$,
# $\partial f/\partial b = 1$. The slide adds $0.1\, \partial f/\partial w$:

# %%
f = Linear(1, 1)
f.params["weight"], f.params["bias"] = np.array([[-2.0]]), np.array([3.0])
x = np.array([[5.0]])
print("f =", f.forward(x).item())
f.backward(np.ones((1, 1)))
print("df/dw =", f.grads["weight"].item(), "  df/db =", f.grads["bias"].item())
f.params["weight"] += 0.1 * f.grads["weight"]
f.params["bias"] += 0.1 * f.grads["bias"]
print("w =", f.params["weight"].item(), "  b =", f.params["bias"].item(), "  f =", f.forward(x).item())
assert np.isclose(f.params["weight"], -1.5) and np.isclose(f.params["bias"], 3.1) and np.isclose(f.forward(x), -4.4)

# %% [markdown]
# **Erratum.** That rule climbs $f$ and never asks where the target is. It happened to be the right way; at 3 it does
# not stop. With a loss, $L = \frac12 (f - 3)^2$, the factor $(f - 3)$ comes in: $w := w - r (f - 3)\, \partial
# f/\partial w$. Steps shrink as the target comes near.

# %% tags=["figure"]


def walk(step, rate, steps=12):
    w, b, values = -2.0, 3.0, [-7.0]
    for _ in range(steps):
        by = rate * step(values[-1])
        w, b = w + by * 5, b + by * 1
        values.append(w * 5 + b)
    return values


climbing = walk(lambda f: 1, rate=0.1)
descending = walk(lambda f: -(f - 3), rate=0.01)
figure, axes = plt.subplots()
axes.axhline(3, color="black", linestyle=":", label="target")
axes.plot(climbing, "o-", label="as printed: + 0.1 df/dw")
axes.plot(descending, "o-", label="with a loss: − 0.01 (f − 3) df/dw")
axes.set(xlabel="step", ylabel="f", title="The toy example")
axes.legend()
show(
    figure, "The printed rule passes the target between its third and fourth step and goes on; with the loss f arrives."
)
assert np.allclose(climbing[:3], [-7, -4.4, -1.8]) and climbing[4] > 3 > climbing[3]
assert np.isclose(descending[1], -4.4) and abs(descending[-1] - 3) < 0.3

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. For the first two the trace knows the answer; use it to check
# yourself, not to answer.

# %%
exercise("03-backpropagation/w45").check(...)

# %%
exercise("03-backpropagation/two-paths").check(...)


# %%
def gradient(x, t, W1, b1, W2, b2):
    return ...


exercise("03-backpropagation/gradient").check(gradient)


# %%
class SigmoidLayer:
    def forward(self, x):
        return ...

    def backward(self, dy):
        return ...


exercise("03-backpropagation/sigmoid-layer").check(SigmoidLayer)

# %%
exercise("03-backpropagation/toy").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 4](04-gradient-descent.ipynb): where do all these steps lead, and where do they get stuck?
# - Fifty layers and more with one famous mistake each, to find by eye and by the checker: `nnbasics.testing.zoo`.
# - In the library: [`nnbasics/models/trace.py`](../nnbasics/models/trace.py).
# - Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors* (1986).
