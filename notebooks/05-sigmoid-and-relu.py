# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5 · Sigmoid, vanishing gradient, ReLU
#
# Between two layers stands a bend. Which one decides how much of the gradient arrives at the first layer.
#
# ## What you will do
#
# - Take the sigmoid apart: value, slope, curvature, and what its parameter $a$ does to each.
# - Meet the other activations of the lectures, each with its derivative.
# - Watch a gradient vanish on its way through eight layers, and see where it goes.
# - Train the same small network with sigmoid, tanh and ReLU, and measure the gap that the seminar points at.
#
# ## What you need
#
# The chain rule as in [lecture 3](03-backpropagation.ipynb): on its way back a gradient is multiplied by the slope of
# every activation it passes.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import (
    ELU,
    SGD,
    CrossEntropyLoss,
    Identity,
    LeakyReLU,
    Maxout,
    ReLU,
    Sequential,
    Sigmoid,
    Step,
    Tanh,
)
from nnbasics.data import digits
from nnbasics.models import MLP
from nnbasics.optimizers import Diverged
from nnbasics.testing import exercise
from nnbasics.training import fit
from nnbasics.visualize import activation_curves, interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# $$\sigma(x) = \frac{1}{1 + e^{-ax}}, \qquad \sigma' = a\,\sigma(1 - \sigma), \qquad
# \sigma'' = a^2 \sigma (1 - \sigma)(1 - 2\sigma) .$$
#
# 1. $\sigma''$ is positive left of 0 and negative right of it: the sigmoid is **neither convex nor concave**.
# 2. $\sigma' \le a/4$, so $n$ layers shrink a gradient to $(a/4)^n$ of what it was, or less: it **vanishes**.
# 3. $\mathrm{ReLU}(x) = \max(x, 0)$ is convex, its slope is 0 or 1, and it is **safe** from that. "Notice the gap
#    between tanh and ReLU", says the slide beside two training curves.
#
# We shall find 1 and 2 as stated. 3 needs a footnote or two.
#
# ## The code
#
# ### The sigmoid
#
# The slide's derivation in numbers: the quotient rule gives $a e^{-ax} / (1 + e^{-ax})^2$. Split the square, and one
# factor is $\sigma$, the other $e^{-ax} / (1 + e^{-ax}) = 1 - \sigma$.

# %%
a, x = 2.0, np.linspace(-2, 2, 5)
sigma = 1 / (1 + np.exp(-a * x))
quotient_rule = a * np.exp(-a * x) / (1 + np.exp(-a * x)) ** 2
layer = Sigmoid(a)

print("x                ", x)
print("sigma            ", sigma.round(4))
print("quotient rule    ", quotient_rule.round(4))
print("a sigma (1-sigma)", (a * sigma * (1 - sigma)).round(4))
print("the layer        ", layer.derivative(x).round(4))
assert np.allclose(layer.forward(x), sigma)
assert np.allclose(layer.derivative(x), quotient_rule) and np.allclose(quotient_rule, a * sigma * (1 - sigma))

# %% [markdown]
# And once more for the second derivative, with the difference quotient of the first as a witness:

# %%
h = 1e-5
witness = (layer.derivative(x + h) - layer.derivative(x - h)) / (2 * h)
by_formula = a**2 * sigma * (1 - sigma) * (1 - 2 * sigma)
print("formula ", by_formula.round(6))
print("layer   ", layer.second_derivative(x).round(6))
print("quotient", witness.round(6))
assert np.allclose(layer.second_derivative(x), by_formula) and np.allclose(witness, by_formula, atol=1e-8)
assert (by_formula[:2] > 0).all() and (by_formula[3:] < 0).all()  # convex on the left, concave on the right

# %% [markdown]
# The slope is steepest at 0, where $\sigma = \tfrac12$ and $\sigma' = a \cdot \tfrac12 \cdot \tfrac12 = a/4$.

# %%
fine = np.linspace(-4, 4, 8001)
for a in (0.5, 1.0, 2.0, 4.0):
    slope = Sigmoid(a).derivative(fine)
    print(f"a = {a:3}: steepest {slope.max():.4f} at x = {abs(fine[slope.argmax()]):.3f}, a/4 = {a / 4}")
    assert np.isclose(slope.max(), a / 4) and slope.argmax() == 4000

# %% tags=["figure"]
interactive(
    lambda slope: activation_curves(Sigmoid(slope)),
    "The sigmoid, its slope and its curvature. With a larger slope a it comes nearer to a step: the derivative gets "
    "higher and narrower, and further out there is less and less of it.",
    slope=(0.2, 5.0, 1.0),
)

# %% [markdown]
# ### The others
#
# The workshop's table: identity, binary step, logistic, tanh, ReLU, leaky ReLU with 0.01. The last deck adds a leaky
# ReLU with 0.1, maxout and ELU. For a table the derivatives are written out once more, and compared:

# %%
x = np.array([-2.0, -0.5, 0.5, 2.0])
e = np.exp
table = [
    (Identity(), x, np.ones(4)),
    (Step(), [0, 0, 1, 1], np.zeros(4)),  # and at 0 there is no derivative
    (Sigmoid(), 1 / (1 + e(-x)), e(-x) / (1 + e(-x)) ** 2),
    (Tanh(), (e(x) - e(-x)) / (e(x) + e(-x)), 1 - np.tanh(x) ** 2),
    (ReLU(), [0, 0, 0.5, 2], [0, 0, 1, 1]),
    (LeakyReLU(0.01), [-0.02, -0.005, 0.5, 2], [0.01, 0.01, 1, 1]),
    (LeakyReLU(0.1), np.maximum(0.1 * x, x), [0.1, 0.1, 1, 1]),
    (ELU(), [e(-2) - 1, e(-0.5) - 1, 0.5, 2], [e(-2), e(-0.5), 1, 1]),
]
for layer, value, slope in table:
    print(f"{layer!r:30} {layer.forward(x).round(3)!s:30} slope {layer.derivative(x).round(3)}")
    assert np.allclose(layer.forward(x), value) and np.allclose(layer.derivative(x), slope)

# %% [markdown]
# tanh is a sigmoid, stretched and moved down, $\tanh x = 2 \sigma_{a=2}(x) - 1$: its slope reaches 1, not ¼.
# Maxout takes the largest of several linear functions, $\max(w_1^T x + b_1, w_2^T x + b_2)$, and learns its bends;
# softmax looks at all scores at once, and has [a lecture of its own](06-softmax-and-cross-entropy.ipynb).

# %% tags=["figure"]
assert np.allclose(np.tanh(fine), 2 * Sigmoid(2).forward(fine) - 1)
everything = [Identity(), Step(), Sigmoid(), Tanh(), ReLU(), LeakyReLU(0.1), ELU(), Maxout(3)]
show(
    activation_curves(*everything, low=-4, high=4),
    "Value and derivative of eight activations. The step's derivative is 0 wherever it exists, so nothing can be "
    "learned through it. Those of sigmoid and tanh go to 0 on both sides; ReLU's is 0 on one side only.",
)

# %% [markdown]
# ### Convex or not
#
# Convex means: the middle of a chord is never below the curve. Try a thousand chords each.

# %%
rng = np.random.default_rng(0)
u, v = 3 * rng.standard_normal((2, 1000))
for layer in (Sigmoid(), Tanh(), ReLU(), LeakyReLU(0.1), ELU(1.0)):
    below = layer.forward((u + v) / 2) <= (layer.forward(u) + layer.forward(v)) / 2 + 1e-12
    print(f"{layer!r:30} {below.mean():.0%} of the chords lie on or above it")
    assert below.all() == (not isinstance(layer, Sigmoid | Tanh))

# %% [markdown]
# So ReLU is convex, as the slide says. "Good at gradient descent" does not follow from that: descent walks over the
# *loss as a function of the weights*, and that is not convex for any network with hidden neurons, whatever the
# activation. Exchange two hidden neurons with all their weights, and the network computes the same; were the loss
# convex, the network half-way between these two would be at least as good, though both its neurons are now alike.

# %%
net = MLP((1, 2, 1), ReLU, output=Identity)
net.params["fc1.weight"], net.params["fc1.bias"] = np.array([[1.0], [-1.0]]), np.zeros(2)
net.params["fc2.weight"], net.params["fc2.bias"] = np.array([[1.0, 1.0]]), np.zeros(1)  # |x| = ReLU(x) + ReLU(-x)
points = np.linspace(-1, 1, 9)[:, None]
half_way = MLP((1, 2, 1), ReLU, output=Identity)
for key, weight in net.params.items():
    exchanged = weight[:, ::-1] if key == "fc2.weight" else weight[::-1] if key.startswith("fc1") else weight
    half_way.params[key] = (weight + exchanged) / 2


def half_squares(net):
    return np.sum((net.forward(points) - abs(points)) ** 2) / 2


print("the network and its twin:", half_squares(net), " half-way between them:", half_squares(half_way))
assert half_squares(net) == 0 < half_squares(half_way)

# %% [markdown]
# ### The gradient vanishes
#
# First without weights: a chain of $n$ sigmoids. At its best, with every input at 0, each lets $a/4$ pass.

# %%
print("     n    sigmoid a=1   bound (1/4)^n    sigmoid a=2    bound (1/2)^n    ReLU at 1")
for n in (1, 3, 10, 20):
    passed = {}
    for a in (1.0, 2.0):
        start = np.array([[0.3]])
        chain = Sequential(*[Sigmoid(a) for _ in range(n)])
        chain.forward(start)
        passed[a] = chain.backward(np.ones((1, 1))).item()
        assert 0 < passed[a] <= (a / 4) ** n
    relus = Sequential(*[ReLU() for _ in range(n)])
    relus.forward(np.ones((1, 1)))
    straight = relus.backward(np.ones((1, 1))).item()
    assert straight == 1
    print(f"{n:6}    {passed[1]:.3e}     {0.25**n:.3e}        {passed[2]:.3e}      {0.5**n:.3e}        {straight:g}")

# %% [markdown]
# After 10 sigmoids a millionth is left at best. With $a = 4$ the bound is 1, and nothing is won, for the slope is 1
# only at 0 itself. With weights in between there is another factor for every layer; large weights push the inputs
# outwards, where the slope is smaller yet. So let us measure a network: 8 hidden layers of 32 neurons, fresh from the
# start, on the workshop's digits.

# %%
x, labels = digits.load()
x, labels = x.reshape(-1, 64)[:1500], labels[:1500]
middle = x - x.mean()  # ink 0 to 1, the mean taken off


def gradients(activation, depth=8):
    """The size of dE/dW for the weights of every layer, root of the mean square."""
    net = MLP((64, *[32] * depth, 10), activation, output=Identity, rng=0)
    loss = CrossEntropyLoss()
    loss.forward(net.forward(middle), labels)
    net.backward(loss.backward())
    return [np.sqrt(np.mean(net.grads[f"fc{number}.weight"] ** 2)) for number in range(1, depth + 2)]


sizes = {activation.__name__: gradients(activation) for activation in (Sigmoid, Tanh, ReLU)}
for name, size in sizes.items():
    print(f"{name:8} first layer {size[0]:.1e}, last layer {size[-1]:.1e}: {size[0] / size[-1]:.1e} of it arrives")
assert sizes["Sigmoid"][0] / sizes["Sigmoid"][-1] < 1e-4 < 1e-2 < sizes["ReLU"][0] / sizes["ReLU"][-1]

# %% tags=["figure"]


def by_layer(activation, slope, depth):
    made = {"sigmoid": lambda: Sigmoid(slope), "tanh": Tanh, "relu": ReLU, "leaky relu": lambda: LeakyReLU(slope / 10)}
    figure, axes = plt.subplots(figsize=(6, 3.4))
    names = [activation] if activation != "all" else ["sigmoid", "tanh", "relu"]
    for name in names:
        axes.semilogy(range(1, depth + 2), gradients(made[name], depth), "o-", label=name)
    axes.set(xlabel="layer", ylabel="size of its gradient", title=f"{depth} hidden layers, before any training")
    axes.set(ylim=(1e-9, 1))
    axes.legend(loc="lower right")
    return figure


interactive(
    by_layer,
    "How large the gradient is at the weights of each layer, on a logarithmic scale. Read from right to left: on the "
    "way back through sigmoids every layer costs a factor of about 3, through tanh or ReLU hardly anything.",
    activation=["all", "sigmoid", "tanh", "relu", "leaky relu"],
    slope=(0.5, 8.0, 1.0),
    depth=(1, 16, 8),
)

# %% [markdown]
# Tanh does about as well as ReLU here. Its slope at 0 is 1, and these inputs and first weights keep it near 0. Nothing
# keeps it there for ever, and not every input is so tame.
#
# ## The picture
#
# ### The gap, measured
#
# The seminar's slide shows a network that learns several times as fast with ReLU as with tanh; Krizhevsky,
# Sutskever and Hinton (2012) report six times, for four convolutional layers on CIFAR-10. Ours is smaller: 4 hidden
# layers of 32 neurons and 1500 digits, plain descent in mini-batches. The training error is the share of digits that
# it gets wrong while it learns. First with the pixels as the workshop prints them, whole numbers from 0 to 16, and one
# learning rate for all.

# %%
EPOCHS, STARTS = 25, 5


def errors(inputs, activation, lr, seed=0, depth=4):
    """The training error after every epoch."""
    net = MLP((64, *[32] * depth, 10), activation, output=Identity, rng=seed)
    try:
        history = fit(net, inputs, labels, loss=CrossEntropyLoss(), optimizer=SGD(lr), epochs=EPOCHS, seed=seed)
    except Diverged:
        return np.ones(EPOCHS)
    return 1 - np.array(history.accuracy)


def epochs_to(curves, level=0.05):
    """In which epoch the error first was below the level, the median of several runs; infinite for never."""
    return np.median([np.argmax(curve < level) + 1 if (curve < level).any() else np.inf for curve in curves])


ink = 16 * x
kinds = (Sigmoid, Tanh, ReLU)
same_rate = {kind: [errors(ink, kind, lr=0.01, seed=seed) for seed in range(STARTS)] for kind in kinds}
for kind, found in same_rate.items():
    print(f"{kind.__name__:8} below 5% in epoch {epochs_to(found):g}, at the end {np.mean(found, axis=0)[-1]:.1%}")
assert epochs_to(same_rate[Tanh]) >= 1.5 * epochs_to(same_rate[ReLU])

# %% [markdown]
# There is the gap. Is it fair, though, to give all the same learning rate? Let each have the rate with which it
# learns fastest, out of six. And then the same with the pixels between 0 and 1 and their mean taken off.

# %%
rates = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def at_its_best(inputs, kind):
    """The rate with the smallest mean error over the epochs, and the runs with it."""
    rate = min(rates, key=lambda lr: errors(inputs, kind, lr).mean())
    return rate, [errors(inputs, kind, rate, seed) for seed in range(STARTS)]


best = {
    (name, kind): at_its_best(inputs, kind) for name, inputs in (("ink", ink), ("middle", middle)) for kind in kinds
}
for (name, kind), (rate, found) in best.items():
    print(f"{name:6} {kind.__name__:8} rate {rate:4}: below 5% in epoch {epochs_to(found):g}")
assert epochs_to(best["middle", Tanh][1]) <= epochs_to(best["middle", ReLU][1]) + 1 < epochs_to(best["ink", Sigmoid][1])

# %% tags=["figure"]
figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True)
settings = {
    "pixels 0 to 16, all at rate 0.01": {kind: (0.01, same_rate[kind]) for kind in kinds},
    "pixels 0 to 16, each at its best": {kind: best["ink", kind] for kind in kinds},
    "pixels centred, each at its best": {kind: best["middle", kind] for kind in kinds},
}
for axes, (title, found) in zip(panels, settings.items(), strict=True):
    for colour, (kind, (rate, curves)) in enumerate(found.items()):
        label = f"{kind.__name__.lower()}, rate {rate}"
        epochs = range(1, EPOCHS + 1)
        axes.plot(epochs, np.transpose(curves), color=f"C{colour}", linewidth=0.6, alpha=0.5)
        axes.plot(epochs, np.median(curves, axis=0), color=f"C{colour}", linewidth=2.2, label=label)
    axes.set(title=title, xlabel="epoch", ylim=(0, 1))
    axes.title.set_fontsize(10)
    axes.legend()
panels[0].set_ylabel("training error")
show(
    figure,
    "Training errors of the same network with three activations: five starts each, and their median. "
    "Left: the gap between tanh and ReLU. In the middle it is small, on the right gone. The gap to the sigmoid is "
    "always there.",
)

# %% [markdown]
# So there is a gap, and it is not a law. Look at the slopes at the start, in the first hidden layer:

# %%
for name, inputs in (("pixels 0 to 16", ink), ("pixels centred", middle)):
    net = MLP((64, *[32] * 4, 10), Tanh, output=Identity, rng=0)
    slopes = Tanh().derivative(net.activations(inputs, ["fc1"])["fc1"])
    print(f"{name}: the slope of tanh is below 0.01 for {np.mean(slopes < 0.01):.0%}, on average {slopes.mean():.2f}")

# %% [markdown]
# Numbers up to 16 drive tanh far out, where it is flat: such a neuron passes next to nothing back. ReLU does not care:
# $\mathrm{ReLU}(cx) = c\,\mathrm{ReLU}(x)$ for every $c > 0$, so it has no "far out" on its right side. Centred inputs,
# first weights of the right size, and later batch normalisation keep tanh in its middle; ReLU needs less of that care.
# And it is cheap: a comparison, where tanh takes an exponential.
#
# ### The price
#
# The slope is 0 *or* 1. A neuron that is negative for every example gets no gradient from any of them, and stays as it
# is: it is dead. A step that was too long can do that. Here it is done on purpose, to all 32 neurons of a first layer.

# %%
for kind in (ReLU, lambda: LeakyReLU(0.1), ELU):
    net = MLP((64, 32, 10), kind, output=Identity, rng=0)
    net.params["fc1.bias"] -= 4
    before = net.params["fc1.weight"].copy()
    history = fit(net, middle, labels, loss=CrossEntropyLoss(), optimizer=SGD(0.2), epochs=10)
    moved = np.abs(net.params["fc1.weight"] - before).max()
    print(f"{kind()!r:30} first layer's weights moved by {moved:.2f}, training error {1 - history.accuracy[-1]:.1%}")
    assert (moved == 0) == (kind is ReLU)

# %% [markdown]
# The ReLUs are gone for good, and all that is left to learn is how frequent each digit is. A leaky ReLU passes a tenth
# on that side, and ELU something as well: they go on learning.
#
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("05-sigmoid-and-relu/steepest").check(...)

# %%
exercise("05-sigmoid-and-relu/layers").check(...)


# %%
def second(x, a):
    return ...


exercise("05-sigmoid-and-relu/second").check(second)


# %%
class Leaky:
    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        return ...

    def backward(self, dy):
        return ...


exercise("05-sigmoid-and-relu/leaky").check(Leaky)

# %%
exercise("05-sigmoid-and-relu/dead").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 6](06-softmax-and-cross-entropy.ipynb): an activation for the last layer, and a loss
#   that undoes its slope.
# - In the library: [`nnbasics/layers/activation.py`](../nnbasics/layers/activation.py), each rule in a few lines;
#   [`nnbasics/visualize/activations.py`](../nnbasics/visualize/activations.py) draws them.
# - Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen* (1991), and Glorot and Bengio, *Understanding the
#   difficulty of training deep feedforward neural networks* (2010), on vanishing gradients; Krizhevsky, Sutskever,
#   Hinton, *ImageNet classification with deep convolutional neural networks* (2012), for the gap; He and others,
#   *Delving deep into rectifiers* (2015), for first weights of the right size.
