# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 6 · Softmax and cross-entropy
#
# From scores to probabilities, and one number that says how wrong they are.
#
# ## What you will do
#
# - Redo the workshop's frog, bird, dog and cat: three ways from scores to shares, and find where its last digits
#   slipped.
# - Make softmax survive scores of 1000.
# - Derive the gradient of softmax and cross-entropy together, $p - y$, and have it measured.
# - See why this loss learns from bad mistakes where the squared error does not, and let it read digits.
#
# ## What you need
#
# The exponential and its inverse; the chain rule; the sigmoid of [lecture 5](05-sigmoid-and-relu.ipynb).

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics import Adam, CrossEntropyLoss, Linear, Sequential, Sigmoid, Softmax, SquaredErrorLoss
from nnbasics.data import digits
from nnbasics.testing import check_gradients, exercise
from nnbasics.training import evaluate, fit
from nnbasics.visualize import grid, interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# A network ends in one score $a_j$ for each class. **Softmax** makes probabilities of them, and the **cross-entropy**
# compares these with the truth $t$, which is 1 for the right class and 0 for the others:
#
# $$y_j = \frac{e^{a_j}}{\sum_i e^{a_i}}, \qquad H = - \sum_i t_i \log y_i .$$
#
# Of the sum only one term is left, $-\log$ of the probability of the right class. The gradient of both together is as
# simple as can be: $\partial H / \partial a = y - t$.
#
# ## The code
#
# ### The workshop's four animals
#
# Scores −5, −1, 1, 5 for frog, bird, dog, cat; the picture shows a cat. The slide has three columns.

# %%
names, scores = ("frog", "bird", "dog", "cat"), np.array([[-5.0, -1, 1, 5]])
sigmoid = Sigmoid().forward(scores)
normalised = sigmoid / sigmoid.sum()
softmax = Softmax().forward(scores)

print("       score   sigmoid   normalised   softmax")
for column, name in enumerate(names):
    row = (array[0, column] for array in (sigmoid, normalised, softmax))
    print("{:5} {:6g}   {:.5f}   {:.5f}      {:.5f}".format(name, scores[0, column], *row))
assert np.array_equal(sigmoid.round(5)[0], [0.00669, 0.26894, 0.73106, 0.99331])
assert np.array_equal(normalised.round(5)[0], [0.00335, 0.13447, 0.36553, 0.49665])
assert np.array_equal(softmax.round(5)[0], [0.00004, 0.00243, 0.01794, 0.97959])

# %% [markdown]
# Sigmoid and softmax are as printed. In the middle the slide has **.00334** for the frog and **.49666** for the cat,
# which are quotients of rounded numbers:

# %%
rounded = sigmoid.round(5)
print("unrounded ", (sigmoid / sigmoid.sum())[0])
print("rounded   ", (rounded / rounded.sum())[0], " and the slide cuts or rounds the 5 at the end")
assert np.allclose(rounded / rounded.sum(), [[0.003345, 0.13447, 0.36553, 0.496655]], atol=1e-9)
assert np.isclose(sigmoid.sum(), 2)  # for sigma(-x) = 1 - sigma(x)

# %% [markdown]
# The cross-entropy against $(0, 0, 0, 1)$ is printed as **0.020621**. That is $-\ln .97959$; rounded too early again.

# %%
truth = np.array([[0.0, 0, 0, 1]])
print("from the rounded .97959  ", -np.log(0.97959))
print("by the formula           ", -(truth * np.log(softmax)).sum())
print("CrossEntropyLoss         ", CrossEntropyLoss().forward(scores, [3]))
assert round(-np.log(0.97959), 6) == 0.020621
assert round(CrossEntropyLoss().forward(scores, [3]), 7) == 0.0206256
assert np.isclose(CrossEntropyLoss().forward(scores, [3]), -(truth * np.log(softmax)).sum())

# %% tags=["figure"]


def bars(cat, temperature):
    """Shares of the four animals when the cat has this score, and what the cross-entropy says to each score."""
    moved = np.array([[-5.0, -1, 1, cat]])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    ways = {
        "sigmoid, normalised": Sigmoid().forward(moved) / Sigmoid().forward(moved).sum(),
        "softmax": Softmax().forward(moved / temperature),
    }
    for number, (name, share) in enumerate(ways.items()):
        left.bar(np.arange(4) + 0.38 * number - 0.19, share[0], 0.36, label=name)
    left.set(xticks=range(4), xticklabels=names, ylim=(0, 1), ylabel="share", title=f"The cat's score is {cat:g}")
    left.legend(loc="upper left")
    loss = CrossEntropyLoss()
    value = loss.forward(moved / temperature, [3])
    right.bar(range(4), loss.backward()[0] / temperature, 0.5, color="C2")
    right.set(xticks=range(4), xticklabels=names, ylim=(-1.05, 1.05), ylabel="y − t", title=f"Loss {value:.3f}")
    right.axhline(0, color="black", linewidth=0.8)
    return figure


interactive(
    bars,
    "Left: softmax gives most to the largest score, normalised sigmoids share out more evenly. Right: the gradient, "
    "which descent subtracts: the cat's score goes up, the others down, each by its share. Lower the cat's score and "
    "see it grow. A temperature above 1 makes softmax less sure of itself.",
    cat=(-8.0, 8.0, 1.5),
    temperature=(0.25, 5.0, 1.0),
)

# %% [markdown]
# ### What changes nothing
#
# Add the same to every score, and numerator and denominator both get the factor $e^c$. So only differences count, and
# with two classes softmax *is* the sigmoid of the difference.

# %%
for c in (-3, 0.5, 100):
    assert np.allclose(Softmax().forward(scores + c), softmax)
x = np.linspace(-6, 6, 25)
two = Softmax().forward(np.column_stack([x, np.zeros(25)]))
assert np.allclose(two[:, 0], Sigmoid().forward(x))
print("softmax(a + c) = softmax(a), and softmax(x, 0) = (sigma(x), sigma(-x))")

# %% [markdown]
# ### Scores of 1000
#
# $e^{1000}$ is not a number a computer has; $e^{-1000}$ is 0 to it, and $\log 0$ is $-\infty$. As the formulas stand on
# the slide:

# %%
large = np.array([[1000.0, 990, -1000]])
with np.errstate(all="ignore"):
    naive = np.exp(large) / np.exp(large).sum()
    naive_loss = -np.log(naive)
print("as written: softmax", naive[0], " losses", naive_loss[0])
assert np.isnan(naive[0, 0])

# %% [markdown]
# Since a constant may be added, let it be minus the largest score: then the largest exponent is 0, and the sum is
# between 1 and the number of classes. The logarithm is never taken of a probability,
#
# $$-\log y_j = \log \sum_i e^{a_i - m} - (a_j - m), \qquad m = \max_i a_i .$$

# %%
shifted = large - large.max()
print("shifted: softmax", (np.exp(shifted) / np.exp(shifted).sum())[0].round(6))
print("the layer:      ", Softmax().forward(large)[0].round(6))
for label in range(3):
    loss = CrossEntropyLoss()
    print(f"right class {label}: loss {loss.forward(large, [label]):11.6g}, gradient {loss.backward()[0].round(5)}")
    assert np.isclose(loss.forward(large, [label]), np.log1p(np.exp(-10)) + 1000 - large[0, label])

# %% [markdown]
# A loss of 2000 is right: so sure, and so wrong. The gradient is still between −1 and 1.
#
# ### The gradient is $y - t$
#
# Softmax alone has a full matrix of derivatives, since every score moves every probability:
#
# $$\frac{\partial y_i}{\partial a_j} = y_i (\delta_{ij} - y_j) .$$
#
# Multiplied by $\partial H / \partial y_i = -t_i / y_i$ and added up over $i$, the $y_i$ cancels:
#
# $$\frac{\partial H}{\partial a_j} = -\sum_i \frac{t_i}{y_i}\, y_i (\delta_{ij} - y_j)
# = -t_j + y_j \sum_i t_i = y_j - t_j .$$

# %%
moderate = np.array([[-1.0, 0.5, 2.0, 1.0]])
y = Softmax().forward(moderate)
jacobian = Softmax().derivative(moderate)[0]
through_both = (-truth / y) @ jacobian
loss = CrossEntropyLoss()
loss.forward(moderate, [3])
print("y              ", y[0].round(4))
print("two steps      ", through_both[0].round(4))
print("y - t          ", (y - truth)[0].round(4))
print("CrossEntropyLoss", loss.backward()[0].round(4))
assert np.allclose(through_both, y - truth) and np.allclose(loss.backward(), y - truth)
assert np.allclose(jacobian.sum(axis=0), 0)  # what one class gains, the others lose

# %% [markdown]
# And measured, with a batch of three; the loss is the mean over the batch, so each row is divided by 3.

# %%
batch = np.random.default_rng(0).standard_normal((3, 4))
report = check_gradients(CrossEntropyLoss(), batch, np.array([0, 3, 2]))
assert report
report

# %% [markdown]
# ## The picture
#
# ### Why not the squared error?
#
# Sigmoid or softmax with the squared error works, too, but look at how much it learns from a bad mistake. Two
# classes; the right one has the score $x$, the other 0. The further left, the more wrong.

# %% tags=["figure"]
pairs = np.column_stack([x, np.zeros(25)])
right = np.tile([1.0, 0], (25, 1))
cross, squares, layer = CrossEntropyLoss(), SquaredErrorLoss(), Softmax()
cross.forward(pairs, np.zeros(25, int))
by_cross = 25 * cross.backward()[:, 0]
squares.forward(layer.forward(pairs), right)
by_squares = layer.backward(squares.backward())[:, 0]

figure, (left_axes, right_axes) = plt.subplots(1, 2, figsize=(9, 3.5))
left_axes.plot(x, -np.log(two[:, 0]), label="cross-entropy")
left_axes.plot(x, ((two - right) ** 2).sum(axis=1) / 2, "--", label="squared error")
left_axes.set(xlabel="score of the right class", title="Loss")
right_axes.plot(x, by_cross, label="cross-entropy: y − t")
right_axes.plot(x, by_squares, "--", label="squared error through softmax")
right_axes.set(xlabel="score of the right class", title="Its slope")
for axes in (left_axes, right_axes):
    axes.legend()
show(
    figure,
    "Far left, where the answer is surely wrong, the slope of the cross-entropy is −1, its largest; that of the "
    "squared error is 0 there, because the slope of the softmax is: it vanishes where it is needed most.",
)
assert by_cross[0] < -0.99 and abs(by_squares[0]) < 0.01

# %% [markdown]
# ### Reading digits with nothing else
#
# One linear layer and this loss: *softmax regression*. 64 pixels in, 10 scores out. With a single layer the loss is
# convex in the weights, so one may start anywhere, even at 0.

# %%
x, labels = digits.load()
x = x.reshape(-1, 64)
net = Sequential(Linear(64, 10, rng="zeros"))
before = CrossEntropyLoss().forward(net.forward(x), labels)
history = fit(
    net, x[:1300], labels[:1300], loss=CrossEntropyLoss(), optimizer=Adam(0.01), epochs=30,
    validation=(x[1300:], labels[1300:]),
)  # fmt: skip
_, accuracy = evaluate(net, x[1300:], labels[1300:], loss=CrossEntropyLoss())
print(f"a network that knows nothing gives every digit 1/10 and has the loss ln 10 = {before:.4f}")
print(f"{history}")
assert np.isclose(before, np.log(10)) and accuracy > 0.88

# %% tags=["figure"]
weights = net.params["0.weight"].reshape(10, 8, 8)
scale = np.abs(weights).max()
doubtful = Softmax().forward(net.forward(x[1300:]))
wrong = np.flatnonzero(doubtful.argmax(axis=1) != labels[1300:])
surest = wrong[doubtful[wrong].max(axis=1).argsort()[::-1]][:5]
figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 2.9), height_ratios=(1, 1.7))
top.imshow(grid(0.5 + 0.5 * weights / scale, columns=10, gap=1, background=0.5), cmap="RdBu_r", vmin=0, vmax=1)
top.set(title="The weights of each digit: red speaks for it, blue against it", xticks=[], yticks=[])
bottom.imshow(grid(1 - x[1300 + surest].reshape(-1, 8, 8), columns=5, gap=3), cmap="gray", vmin=0, vmax=1)
said = "; ".join(f"a {labels[1300 + i]} for a {doubtful[i].argmax()}, {doubtful[i].max():.0%}" for i in surest)
bottom.set(title=f"Surest: {said}", xticks=[], yticks=[])
for axes in (top, bottom):
    axes.axis("off")
    axes.title.set_fontsize(9)
show(
    figure,
    "Above: what softmax regression has learned to look for, 0 to 9. Below: digits it was never shown, of whose wrong "
    "answers it was surest. A probability from a softmax is an opinion, not a measurement.",
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("06-softmax-and-cross-entropy/gradient").check([..., ..., ...])

# %%
exercise("06-softmax-and-cross-entropy/nothing").check(...)


# %%
def softmax(a):
    return ...


exercise("06-softmax-and-cross-entropy/stable").check(softmax)


# %%
class CrossEntropy:
    def forward(self, scores, labels):
        return ...

    def backward(self):
        return ...


exercise("06-softmax-and-cross-entropy/loss").check(CrossEntropy)

# %% [markdown]
# ## Where next
#
# - [Lecture 7](07-convolution.ipynb): layers that know that pixels have neighbours.
# - In the library: [`nnbasics/losses.py`](../nnbasics/losses.py), and `Softmax` in
#   [`nnbasics/layers/activation.py`](../nnbasics/layers/activation.py).
# - Bridle, *Probabilistic interpretation of feedforward classification network outputs* (1990), where softmax has its
#   name from; Bishop, *Pattern Recognition and Machine Learning*, section 4.3.
