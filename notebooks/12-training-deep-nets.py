# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 12 · Training deep nets
#
# More layers can do all that fewer can, and yet learn worse. Shortcuts mend that, and chance helps.
#
# ## What you will do
#
# - Train a plain and a residual network of the same depth, here and now, and see one of them hardly learn.
# - Follow the gradient back through both.
# - Switch detours off at random: stochastic depth, and FractalNet's drop-path.
# - Read curves of longer trainings on Fashion-MNIST, and see what held and what did not at this size.
#
# ## What you need
#
# The networks of [lecture 11](11-architectures.ipynb), and the vanishing gradient of
# [lecture 5](05-sigmoid-and-relu.ipynb).

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from nnbasics import SGD, Conv2d, CrossEntropyLoss, DropPaths, FractalBlock, Residual, StochasticDepth
from nnbasics.data import digits
from nnbasics.models import resnet
from nnbasics.testing import exercise
from nnbasics.training import fit
from nnbasics.visualize import interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# 1. "Stack many plain layers may even increase the training error." Not the test error alone, which would be learning
#    by heart: the network does not even learn its own examples.
# 2. **Residual network**: $y = F(x, \{W_i\}) + x$. The layers learn a correction. Where the shape changes, $x$ is
#    padded with zeros (A) or projected, $W_s x$ (B).
# 3. **Stochastic depth**: in every mini-batch each block is left out at random, with survival
#    $p_l = 1 - \frac{l}{L}(1 - p_L)$, from 1 at the input to $p_L = 0.5$ at the end.
# 4. **FractalNet**: $f_{C+1}(z) = [(f_C \circ f_C)(z)] \oplus [\mathrm{conv}(z)]$ with $\oplus$ the mean; **drop-path**
#    drops inputs of joins (local), or all but one column (global).
#
# ## The code
#
# A residual block hands the gradient back by two ways, one of which no layer stands in:
# $\frac{\partial L}{\partial x} = F'(\mathrm{d}y) + \mathrm{d}y$.

# %%
rng = np.random.default_rng(0)
x, dy = rng.standard_normal((2, 1, 3, 4, 4))
body = Conv2d(3, 3, 3, padding=1, rng=1)
block = Residual(body)
block.forward(x)
dx = block.backward(dy)
body.forward(x)
assert np.allclose(dx, body.backward(dy) + dy)
print("dL/dx of the block less dL/dx of its body is dy itself:", np.allclose(dx - body.backward(dy), dy))

# %% [markdown]
# Now a small race: 26 layers with weights, plain and residual, with the same first weights, on the digits of the
# workshop. Both have batch normalisation, so the plain network is no straw man.

# %%
pictures, labels = digits.load()
train, test = slice(0, 1200), slice(1200, None)
nets, histories = {}, {}
for name, shortcut in (("plain", "none"), ("residual", "A")):
    nets[name] = resnet(26, shortcut=shortcut, in_channels=1, width=8, rng=0)
    histories[name] = fit(
        nets[name],
        pictures[train],
        labels[train],
        loss=CrossEntropyLoss(),
        optimizer=SGD(0.05, momentum=0.9),
        epochs=4,
        batch_size=64,
        validation=(pictures[test], labels[test]),
        seed=0,
        progress=False,
    )
    print(f"{name:8} {histories[name]}")
assert nets["plain"].num_parameters() == nets["residual"].num_parameters()
assert histories["residual"].loss[-1] < histories["plain"].loss[-1]

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(7, 3.6))
for name, history in histories.items():
    axes.plot(range(1, 5), history.loss, marker="o", label=f"{name}, 26 layers")
axes.set(xlabel="epoch", ylabel="training loss", title="The same layers, with and without shortcuts")
axes.set_xticks(range(1, 5))
axes.legend()
show(
    figure,
    "The loss on the training examples, epoch by epoch. The residual network learns the digits; the plain one, of as "
    "many layers and parameters, is far behind.",
)

# %% [markdown]
# Where does the plain one fail? Look at fresh networks, before any training. How far do the gradients of nearly the
# same pictures agree? Through many plain layers they have less and less to do with each other: a step that is good for
# one picture says little about its neighbour.


# %% tags=["figure"]
def likeness(depth, shortcut, seeds=2):
    """The cosine between the gradients at a picture and at nearly the same picture, averaged over a few networks."""
    found = []
    for seed in range(seeds):
        net = resnet(depth, shortcut=shortcut, in_channels=1, width=8, rng=seed)
        x = pictures[:24].astype(np.float64)
        near = x + 0.03 * np.random.default_rng(seed).standard_normal(x.shape)
        gradients = []
        for batch in (x, near):
            loss = CrossEntropyLoss()
            loss.forward(net.forward(batch), labels[:24])
            gradients.append(net.backward(loss.backward()).ravel())
        a, b = gradients
        found.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return np.mean(found)


depths = (8, 14, 20, 32)
curves = {name: [likeness(d, s) for d in depths] for name, s in (("plain", "none"), ("residual", "A"))}
figure, axes = plt.subplots(figsize=(7, 3.6))
for name, values in curves.items():
    axes.plot(depths, values, marker="o", label=name)
axes.set(xlabel="layers with weights", ylabel="cosine", ylim=(-0.15, 1), title="Do near pictures have near gradients?")
axes.legend()
show(
    figure,
    "The cosine between the gradients at a picture and at one that differs by a little noise, in untrained networks. "
    "With depth it falls for both; for plain networks it is soon about 0, and their gradient says nothing about the "
    "neighbourhood.",
)

# %% [markdown]
# ### Stochastic depth
#
# A detour is open with probability $p_l$. In training it is there or not, for a whole mini-batch, and a closed one is
# not even computed; in use it counts $p_l$ times: the expectation.

# %%
net = resnet(56, survival=0.5, rng="zeros")
survival = [layer.survival for layer in net.layers.values() if isinstance(layer, StochasticDepth)]
print(
    f"{len(survival)} blocks, p from {survival[0]:.3f} to {survival[-1]:.3f}; on average {sum(survival):.1f} are open"
)
assert len(survival) == 27 and survival[-1] == 0.5
assert np.allclose(survival, 1 - np.arange(1, 28) / 27 * 0.5)


# %% tags=["figure"]
def depth_drawn(p_last):
    """The survival of 27 blocks, and how deep the network is in 2000 mini-batches."""
    p = 1 - np.arange(1, 28) / 27 * (1 - p_last)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    left.bar(range(1, 28), p)
    left.set(xlabel="block l", ylabel="$p_l$", ylim=(0, 1.02), title="linear decay")
    opened = (np.random.default_rng(0).random((2000, 27)) < p).sum(axis=1)
    right.hist(opened, bins=np.arange(-0.5, 28.5))
    right.axvline(p.sum(), color="black", linewidth=1)
    right.set(xlabel="open blocks", ylabel="mini-batches", xlim=(0, 28), title=f"{p.sum():.1f} of 27 on average")
    return figure


interactive(
    depth_drawn,
    "Left the survival of each block of a 56-layer network, right how many blocks are open in 2000 mini-batches. With "
    "0.5 at the end about a quarter of the work is saved.",
    p_last=(0.0, 1.0, 0.5),
)

# %% [markdown]
# ### FractalNet and drop-path
#
# A join takes the mean of its open inputs. Here a block of three columns, with what each draw leaves open.


# %%
def waves(columns):
    return [[Conv2d(1, 1, 1, rng=0) for _ in range(2**c)] for c in range(columns)]


paths = DropPaths(p=0.3, local=0.5, rng=2)
block = FractalBlock(*waves(3), drop_paths=paths)
for _ in range(6):
    block.forward(np.ones((1, 1, 1, 1)))
    block.backward(np.ones((1, 1, 1, 1)))
    walked = sorted({key.partition(".")[0] for key, grad in block.grads.items() if grad.any()})
    print("global" if paths.column else "local ", walked)

# %% [markdown]
# ## The picture
#
# Longer trainings, three times each with other first weights and another order: lines are means, bands go from worst
# to best. They were computed beforehand by `python -m experiments.deep`, which you can run again: rates and seeds
# are there. First the depth, on 4000 pictures of Fashion-MNIST at half size, twenty epochs.

# %% tags=["figure"]
trained = json.loads(Path("../experiments/results/deep.json").read_text())


def runs(comparison, name, key):
    """The values of every seed, (seeds, looks), or (seeds,) for a single number."""
    return np.array([run[key] for run in trained[comparison][name].values()])


def curve(axes, comparison, name, key, label):
    epochs, values = runs(comparison, name, "epoch")[0], runs(comparison, name, key)
    (line,) = axes.plot(epochs, values.mean(axis=0), label=label)
    axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xlabel="epoch", ylabel=key.replace("_", " "))
    axes.legend(fontsize=8)


figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
for axes, kind, title in ((left, "plain", "plain"), (right, "resnet", "residual")):
    for depth in (8, 44):
        curve(axes, "depth", f"{kind}{depth}", "training_loss", f"{title}, {depth} layers")
    axes.set(title=title, ylim=(0, 2.3))
show(
    figure,
    "The training loss of plain and residual networks of 8 and 44 layers on Fashion-MNIST. The deep plain network is "
    "worse than the shallow one on its own training examples, whatever the seed; with shortcuts it is the other way "
    "round.",
)
ends = {name: runs("depth", name, "training_loss")[:, -1] for name in ("plain8", "plain44", "resnet8", "resnet44")}
assert ends["plain44"].min() > ends["plain8"].max() and ends["resnet44"].max() < ends["resnet8"].min()

# %% [markdown]
# Then chance, where it could help: 1000 pictures are soon learned by heart, and there are 120 epochs for it.

# %% tags=["figure"]
figure, axes = plt.subplots(2, 2, figsize=(9.5, 6.4), sharex=True)
pairs = (("resnet44", "stochastic44"), ("fractal", "droppath"))
labels = (("residual, 44 layers", "with stochastic depth"), ("FractalNet", "with drop-path"))
for row, key in zip(axes, ("test_loss", "test_accuracy"), strict=True):
    for place, names, words in zip(row, pairs, labels, strict=True):
        for name, label in zip(names, words, strict=True):
            curve(place, "chance", name, key, label)
        place.set(ylim=(0.4, 1.6) if key == "test_loss" else (0.5, 0.9))
for place, title in zip(axes[0], ("stochastic depth", "drop-path"), strict=True):
    place.set(title=title, xlabel="")
show(
    figure,
    "Test loss and test accuracy after learning from 1000 pictures, each curve the mean of three seeds. Without chance "
    "the loss rises soon, as the network learns its examples by heart and is sure of its mistakes; stochastic depth "
    "delays that, drop-path keeps the loss at about half to the end. The bands of the accuracies overlap.",
)

# %%
print("mean (from the worst seed to the best), at the end")
for comparison, nets in trained.items():
    print(f"\n{comparison:13}  parameters   {'training loss':25}   {'test loss':25}   test accuracy")
    for name in nets:
        cells = []
        for key, best in (("training_loss", min), ("test_loss", min), ("test_accuracy", max)):
            end = runs(comparison, name, key)[:, -1]
            worst = max if best is min else min
            cells.append(f"{end.mean():.4f} ({worst(end):.4f} to {best(end):.4f})")
        print(f"{name:13} {runs(comparison, name, 'parameters')[0]:11,}   " + "   ".join(cells))
print()
for name in ("fractal", "droppath"):
    alone = runs("chance", name, "columns")
    print(f"{name}: its columns alone, from 1 to 3:", [f"{value:.1%}" for value in alone.mean(axis=0)])
assert runs("chance", "droppath", "columns").min() > 1.3 * runs("chance", "fractal", "columns").max()
for plain, chance in pairs:
    assert (runs("chance", chance, "test_loss")[:, -1] < runs("chance", plain, "test_loss")[:, -1]).all()

# %% [markdown]
# What three seeds say. The plain network of 44 layers learns its own examples worse than that of 8, and the residual
# one better, every time; on the test set the residual networks of 8 and 44 layers are equally good, as 4000 pictures do
# not need 44. With chance a network is less sure of its mistakes: with either kind the test loss is smaller for every
# seed, with drop-path about half. It does not name more pictures right for that: 80.7% against 79.9% with stochastic
# depth, 79.6% against 80.3% with drop-path, which is less than seeds differ by, and nothing is claimed. What the papers
# report is of 50,000 pictures and hundreds of epochs.
#
# And every column of a FractalNet trained with drop-path is a network that works alone; without it, a column alone is
# worth much less, and the longer ones little more than guessing.
#
# At last one at its real size: ResNet-20 on CIFAR-10, 45,000 photographs of 32x32 to learn from and six epochs, by
# `python -m experiments.cifar10 resnet20`.

# %% tags=["figure"]
report = json.loads(Path("../experiments/results/resnet20-cifar10.json").read_text())
history = report["history"]
figure, axes = plt.subplots(figsize=(7, 3.6))
epochs = range(1, report["epochs"] + 1)
axes.plot(epochs, history["accuracy"], marker="o", label="in training, moved and mirrored")
axes.plot(epochs, history["validation_accuracy"], marker="o", label="5000 held out, as they are")
axes.set(xlabel="epoch", ylabel="accuracy", title="ResNet-20 on CIFAR-10")
axes.legend()
show(
    figure,
    f"The accuracy of a ResNet-20 on CIFAR-10, epoch by epoch, while its rate falls to 0; after the last it names "
    f"{report['test_accuracy']:.1%} of the 10,000 test photographs. He's, after 182 epochs, names 91.25%.",
)

# %% [markdown]
# ## Check yourself

# %%
exercise("12-training-deep-nets/survival").check(...)

# %%
exercise("12-training-deep-nets/expected-depth").check(...)

# %%
exercise("12-training-deep-nets/degradation").check(...)


# %%
def residual_backward(dy, weight):
    """dL/dx of y = x weight^T + x, for dy of shape (N, D) and weight (D, D)."""
    return ...


exercise("12-training-deep-nets/shortcut").check(residual_backward)

# %% [markdown]
# ## Where next
#
# [Lecture 13](13-features-and-filters.ipynb) looks into a network that has been trained. The layers are in
# [`residual.py`](../nnbasics/layers/residual.py) and [`fractal.py`](../nnbasics/layers/fractal.py), the trainings in
# [`experiments/deep.py`](../experiments/deep.py).
#
# He, Zhang, Ren, Sun, *Deep residual learning* (2015) · Huang, Sun, Liu, Sedra, Weinberger, *Deep networks with
# stochastic depth* (2016) · Larsson, Maire, Shakhnarovich, *FractalNet* (2016) · Balduzzi et al., *The shattered
# gradients problem* (2017).
