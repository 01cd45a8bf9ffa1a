# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 17 · Style transfer
#
# A photograph painted like a painting, by the backward pass of a network whose weights nobody touches.
#
# ## What you will do
#
# - Write the two losses of the seminar, content and style, and see what each of them knows of a picture.
# - Derive both gradients on the page, write them in code, and have them measured.
# - Put them together in twenty lines, and compare with the library's objective.
# - Walk from white noise to a picture: with the slide's own plain descent, then with L-BFGS.
#
# ## What you need
#
# Backpropagation ([lecture 3](03-backpropagation.ipynb)) and VGG-19 ([lecture 16](16-vgg-19.ipynb)), whose trained
# weights come with this library.

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np

from nnbasics import LBFGS, SGD
from nnbasics.data import picture
from nnbasics.models import vgg19
from nnbasics.optimizers import descend, safe_learning_rate
from nnbasics.style import Objective
from nnbasics.testing import check_gradients, exercise
from nnbasics.visualize import content_reconstructions, interactive, show, style_reconstructions

plt.style.use("nnbasics.visualize.lecture")
net = vgg19()


def load(name, longest):
    """A picture as the network takes it: (1, 3, H, W), RGB from 0 to 1."""
    return np.ascontiguousarray(picture.resize(picture.read(name), longest).transpose(2, 0, 1)[None])


def image(x):
    """And back, for the eye: (H, W, 3)."""
    return np.clip(x[0].transpose(1, 2, 0), 0, 1)


content, style = load("cat", 112), load("starry_night", 112)

# %% [markdown]
# ## The lecture's statement
#
# $p$ is the photograph, $a$ the painting, $x$ the picture to be made. Layer $l$ has $N_l$ filters, whose maps have
# $M_l$ positions; written as rows they make a matrix $F^l$ of $N_l \times M_l$ numbers, of $x$. $P^l$ are those of the
# photograph.
#
# $$L_{content} = \frac12 \sum_{ij} (F^l_{ij} - P^l_{ij})^2, \qquad l = \text{conv4\_2}.$$
#
# The **style** is in the inner products of the maps, the Gram matrix $G^l = F^l (F^l)^T$; $A^l$ is that of the
# painting.
#
# $$E_l = \frac{1}{4 N_l^2 M_l^2} \sum_{ij} (G^l_{ij} - A^l_{ij})^2, \qquad L_{style} = \sum_l w_l E_l, \qquad
# L = \alpha L_{content} + \beta L_{style} .$$
#
# Their derivatives, with 0 wherever $F^l_{ij} < 0$:
#
# $$\frac{\partial L_{content}}{\partial F^l} = F^l - P^l, \qquad
# \frac{\partial E_l}{\partial F^l} = \frac{1}{N_l^2 M_l^2} \left( (F^l)^T (G^l - A^l) \right)^T .$$
#
# And then $x := x - \lambda\, \partial L / \partial x$, beginning with white noise. "**Not learning weights, learning
# x!**" Two slips: the slide takes $A$ from the *content* image, and calls $\alpha$ and $\beta$ *learning rates*. We
# shall see what that would mean. (The workshop takes the content from conv4_1; it makes little difference.)

# %% tags=["figure"]
figure, panels = plt.subplots(1, 2, figsize=(8, 2.9))
for axes, x, title in zip(panels, (content, style), ("p, the content", "a, the style"), strict=True):
    axes.imshow(image(x), interpolation="antialiased")
    axes.set_title(title)
    axes.axis("off")
show(figure, "Chelsea the cat, photographed by Stéfan van der Walt, and The Starry Night by Vincent van Gogh.")

# %% [markdown]
# ## The code
#
# ### Features as a matrix

# %%
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"


def matrix(features):
    """(1, N, H, W) as F, (N, M)."""
    return features.reshape(features.shape[1], -1)


P = net.activations(content, [*STYLE_LAYERS, CONTENT_LAYER])
for name in sorted(P):
    N, M = matrix(P[name]).shape
    print(f"{name}: N = {N:3} filters, M = {M:5} positions, F has {N * M:7,} numbers, G {N * N:7,}")

# %% [markdown]
# ### What the Gram matrix knows
#
# $G_{ij} = \sum_k F_{ik} F_{jk}$: do filter $i$ and filter $j$ answer in the same places? It is symmetric, and no
# eigenvalue is negative. *Which* places is summed away: shuffle them and $G$ stays the same.

# %%
F = matrix(P["relu2_1"])
G = F @ F.T
by_definition = sum(F[3, k] * F[5, k] for k in range(F.shape[1]))
shuffled = F[:, np.random.default_rng(0).permutation(F.shape[1])]
print(f"G[3, 5] = {G[3, 5]:.2f}, by the sum {by_definition:.2f}")
print(f"largest change of G when all positions are shuffled: {abs(shuffled @ shuffled.T - G).max() / G.max():.1e}")
assert np.isclose(G[3, 5], by_definition, rtol=1e-3) and np.array_equal(G, G.T)
assert np.allclose(shuffled @ shuffled.T, G, rtol=1e-3) and not np.allclose(shuffled, F)

# %% [markdown]
# "They have thought the style information is hidden in correlation, but I can't understand", says the seminar. Look at
# it: two paintings and a photograph, $G$ per position.

# %% tags=["figure"]
figure, panels = plt.subplots(2, 3, figsize=(8, 5), height_ratios=(1, 1.3))
for column, name in enumerate(("starry_night", "auvers", "cat")):
    x = load(name, 112)
    F = matrix(net.activations(x, ["relu2_1"])["relu2_1"])[:48]
    panels[0, column].imshow(image(x), interpolation="antialiased")
    panels[1, column].imshow(np.sqrt(abs(F @ F.T) / F.shape[1]), cmap="magma", vmin=0, vmax=3)
    panels[0, column].set_title(name.replace("_", " "))
for axes in panels.ravel():
    axes.axis("off")
show(
    figure,
    "Gram matrices of the first 48 filters of relu2_1. Each bright spot is a pair of filters that answer together: "
    "many in the busy village, few in the soft photograph. Nothing here says where in the picture anything was.",
)

# %% [markdown]
# ### The two gradients on the page
#
# **Content.** $\partial / \partial F_{ij}$ of $\tfrac12 (F_{ij} - P_{ij})^2$ is $F_{ij} - P_{ij}$: what was ½ and
# square cancels.
#
# **Style.** $E$ depends on $F$ through $G$. First $\partial E / \partial G_{ij} = \frac{2}{4 N^2 M^2} (G - A)_{ij}$.
# Then
# $F_{ab}$ sits in row $a$ of $G$ and in column $a$: $\partial G_{ij} / \partial F_{ab} = \delta_{ia} F_{jb} +
# \delta_{ja} F_{ib}$. With both, since $G - A$ is symmetric,
#
# $$\frac{\partial E}{\partial F_{ab}} = \frac{1}{2 N^2 M^2} \cdot 2 \sum_j (G - A)_{aj} F_{jb}
# = \frac{1}{N^2 M^2} \big( (G - A) F \big)_{ab},$$
#
# which is the slide's $((F)^T (G - A))^T$. Two filters, three positions, in whole numbers:

# %%
F = np.array([[1.0, 2, 0], [0, 1, 3]])
A = np.array([[4.0, 0], [0, 6]])


def style_loss(F, A):
    """E and dE/dF."""
    N, M = F.shape
    G = F @ F.T
    return np.sum((G - A) ** 2) / (4 * N**2 * M**2), (G - A) @ F / (N**2 * M**2)


def content_loss(F, P):
    """L_content and its derivative by F."""
    return np.sum((F - P) ** 2) / 2, F - P


E, dF = style_loss(F, A)
print("G =", (F @ F.T).tolist(), "  G - A =", (F @ F.T - A).tolist())
print(f"E = 25/144 = {E:.4f}    36 dE/dF =", (36 * dF).tolist())
assert np.isclose(E, 25 / 144) and np.allclose(36 * dF, [[1, 4, 6], [2, 8, 12]])
assert np.allclose(dF, (F.T @ (F @ F.T - A)).T / 36)  # as the slide writes it

# %%
random = np.random.default_rng(0)
for loss, target in ((style_loss, A), (content_loss, random.standard_normal((2, 3)))):
    report = check_gradients(lambda F, loss=loss, target=target: loss(F, target), random.standard_normal((2, 3)))
    print(loss.__name__, "-", report.verdict)
    assert report

# %% [markdown]
# ### The zero where $F < 0$
#
# After the ReLU no $F$ is negative. The slide's $F$ is before it, as its names conv4_2 say, and its second line is
# nothing but the ReLU's backward: what was negative passes no gradient. So one may push the gradient in behind the ReLU
# and leave the zero to the layer, or in front of it and put the zero in by hand.

# %%
behind = net.activations(content, ["conv2_1", "relu2_1"])
_, dF = style_loss(matrix(behind["relu2_1"]), matrix(P["relu2_1"]) @ matrix(P["relu2_1"]).T * 1.5)
dF = dF.reshape(behind["relu2_1"].shape).astype(np.float32)
by_the_layer = net.backward({"relu2_1": dF})
before = net.activations(content, ["conv2_1"])
by_hand = net.backward({"conv2_1": np.where(before["conv2_1"] > 0, dF, 0)})
print("largest difference in the picture's gradient:", abs(by_the_layer - by_hand).max(), "of", abs(by_hand).max())
assert np.allclose(by_the_layer, by_hand, rtol=1e-4, atol=1e-6 * abs(by_hand).max())

# %% [markdown]
# ### All of it
#
# One walk forward with taps at six layers, one walk back in which each tap puts its gradient in. That is the whole
# method; the network does the rest.


# %%
class Gatys:
    """loss, gradient = objective(x), as on the slides."""

    def __init__(self, content, style, alpha, beta, layers=STYLE_LAYERS, content_layer=CONTENT_LAYER):
        of_content = net.activations(content, [*layers, content_layer])
        of_style = net.activations(style, layers)
        self.content_layer, self.P = content_layer, matrix(of_content[content_layer]).copy()
        self.A = {}
        for name in layers:
            F, M = matrix(of_style[name]), matrix(of_content[name]).shape[1]
            self.A[name] = F @ F.T * (M / F.shape[1])
        self.alpha, self.beta, self.w = alpha, beta, 1 / len(layers)

    def __call__(self, x):
        taps = net.activations(x, [*self.A, self.content_layer])
        value, dF = content_loss(matrix(taps[self.content_layer]), self.P)
        loss, gradients = self.alpha * value, {self.content_layer: self.alpha * dF}
        for name, A in self.A.items():
            value, dF = style_loss(matrix(taps[name]), A)
            loss += self.beta * self.w * value
            gradients[name] = self.beta * self.w * dF
        gradients = {name: dF.reshape(taps[name].shape).astype(x.dtype) for name, dF in gradients.items()}
        return float(loss), net.backward(gradients)


# %% [markdown]
# The factor at $A$: the two pictures differ in size, and a Gram matrix is a sum over positions; it is counted per
# position. $\beta$ has to be large, since $E$ has been divided by $N^2 M^2$ and the content's sum by nothing: here 10
# for each of the content's numbers.
#
# Is it right? The library's `Objective` was written and tested apart from this, and may say so; then the difference
# quotient, in float64 and on a picture of 16 by 24 pixels, where it costs little.

# %%
alpha, beta = 1.0, 10.0 * P[CONTENT_LAYER].size
noise = 0.5 + 0.2 * (np.random.default_rng(1).random(content.shape, np.float32) - np.float32(0.5))
ours, library = (
    Gatys(content, style, alpha, beta),
    Objective(
        net, content, style, content_weight=alpha, style_weight=beta, content_layers={CONTENT_LAYER: 1},
        style_layers=dict.fromkeys(STYLE_LAYERS, 0.2),
    ),
)  # fmt: skip
(loss, gradient), (library_loss, library_gradient) = ours(noise), library(noise)
gap = np.linalg.norm(gradient - library_gradient) / np.linalg.norm(gradient)
print(f"loss {loss:.6g}, library {library_loss:.6g}; the gradients differ by {gap:.1e} of their length")
assert np.isclose(loss, library_loss, rtol=1e-3) and gap < 1e-2

# %%
p, a = (load(name, 24).astype(np.float64) for name in ("cat", "starry_night"))
start = np.random.default_rng(2).random(p.shape)
report = check_gradients(Gatys(p, a, alpha, 1e4, ("relu1_1", "relu2_1"), "relu2_2"), start, coordinates=8)
assert report
report

# %%
deep, direction = Gatys(p, a, alpha, 1e4), np.random.default_rng(3).standard_normal(p.shape)
h = 1e-6
quotient = (deep(start + h * direction)[0] - deep(start - h * direction)[0]) / (2 * h)
slope = float(np.vdot(deep(start)[1], direction))
print(f"all six layers, along a random direction: quotient {quotient:.8g}, gradient {slope:.8g}")
assert np.isclose(quotient, slope, rtol=1e-5)

# %% [markdown]
# ### If the slips were not slips
#
# With $A$ from the content image, as the slide has it, the photograph itself is perfect: every term is 0, and the
# painting appears nowhere. And $\alpha, \beta$ as learning rates: multiply both by 10 and the best picture is the same,
# so they act like a rate that far; but $\beta / \alpha$ decides *which* picture is best, and no rate does.

# %%
as_printed = Gatys(content, content, alpha, beta)
print("A from the content image: the photograph has the loss", as_printed(content)[0])
print(f"A from the style image:   the photograph has the loss {ours(content)[0]:.4g}")
ten_times = Gatys(content, style, 10 * alpha, 10 * beta)(noise)
other = Gatys(content, style, alpha, beta / 1000)(noise)[1]


def cosine(u, v):
    return float(np.vdot(u, v) / np.linalg.norm(u) / np.linalg.norm(v))


turned = cosine(ten_times[1], gradient)
print(f"both times 10: loss times {ten_times[0] / loss:.4f}, cosine of the directions {turned:.6f}")
print(f"beta / 1000: cosine of the directions {cosine(other, gradient):.4f}")
assert as_printed(content)[0] < 1e-6 * ours(content)[0]
assert np.isclose(ten_times[0], 10 * loss, rtol=1e-4) and turned > 0.9999 > 0.9 > cosine(other, gradient)

# %% [markdown]
# ## The picture
#
# ### The slide's descent, as written
#
# $x := x - \lambda\,\partial L / \partial x$. What is $\lambda$? Too large, and the loss explodes; the largest safe one
# is 1 over the largest curvature, which can be measured with a few gradients. For comparison, from the same noise,
# L-BFGS, which learns the curvature on the way.

# %%
STEPS = 40
rate = safe_learning_rate(ours, noise) / 4  # the curvature grows on the way
plain = list(itertools.islice(descend(ours, noise, SGD(rate)), STEPS + 1))
quick = list(itertools.islice(descend(ours, noise, LBFGS(history=20)), STEPS + 1))
print(f"lambda = {rate:.3g}")
for name, walk in (("plain descent", plain), ("L-BFGS", quick)):
    print(f"{name:14} from {walk[0].loss:.4g} to {walk[-1].loss:.4g}, {walk[-1].evaluations} gradients")
losses = [step.loss for step in plain]
falls = np.mean(np.diff(losses) < 0)
print(f"plain descent went down in {falls:.0%} of its steps")
assert falls > 0.6
assert quick[-1].loss < 0.7 * plain[-1].loss < 0.7 * 0.9 * plain[0].loss

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.semilogy([step.loss for step in plain], label=f"plain descent, λ = {rate:.2g}")
axes.semilogy([step.loss for step in quick], label="L-BFGS")
axes.set(xlabel="step", ylabel="L", title="From white noise")
axes.legend()
show(
    figure,
    "The loss at every step, on a logarithmic scale. The seminar's rule works, slowly; L-BFGS is "
    "far ahead after a few steps.",
)

# %% tags=["figure"]
shown = [(0, plain), (20, plain), (40, plain), (5, quick), (20, quick), (40, quick)]
figure, panels = plt.subplots(2, 3, figsize=(9, 4.6))
for axes, (number, walk) in zip(panels.ravel(), shown, strict=True):
    axes.imshow(image(walk[min(number, len(walk) - 1)].x), interpolation="antialiased")
    axes.set_title(f"{'plain' if walk is plain else 'L-BFGS'}, step {number}")
    axes.axis("off")
show(
    figure,
    "From white noise to picture. Above, the slide's descent: it works, and would need hundreds of steps. Below, "
    "L-BFGS in as many. Not one weight has moved.",
)

# %% [markdown]
# ### What each depth keeps
#
# The last deck shows two rows of pictures, (a) to (e): found again from the **content** of one layer alone, conv1_2 to
# conv5_2, and from the **style** of the first layer, of the first two, ... of all five. The library has both in a
# function; 64 pixels are enough to see it.

# %% tags=["figure"]
contents = content_reconstructions(net, "cat", size=64, iterations=15)
styles = style_reconstructions(net, "starry_night", size=64, iterations=15)
figure, panels = plt.subplots(2, 5, figsize=(10, 3.7))
for row, pictures in zip(panels, (contents, styles), strict=True):
    for axes, (caption, found), letter in zip(row, pictures, "abcde", strict=True):
        axes.imshow(found, interpolation="antialiased")
        axes.set_title(f"({letter}) {caption}", fontsize=8)
        axes.axis("off")
show(
    figure,
    "Above: content. From the first layers the photograph comes back pixel by pixel, from the last ones what is where. "
    "Below: style. The first layer gives grain and colours, with every further one larger brush strokes come back, "
    "and none of them in its place.",
)

# %% [markdown]
# ### More style, or more content
#
# The quotient $\beta / \alpha$ is the one setting that everybody moves. Here at 64 pixels, 18 steps from the
# photograph: a few seconds for every move of the slider.

# %% tags=["figure"]


def painted(style_per_content, painting):
    p, a = load("cat", 64), load(painting, 64)
    size = net.activations(p, [CONTENT_LAYER])[CONTENT_LAYER].size
    objective = Gatys(p, a, 1.0, 10.0**style_per_content * size)
    *_, last = itertools.islice(descend(objective, p, LBFGS(20)), 19)
    figure, axes = plt.subplots(figsize=(4.5, 3.2))
    axes.imshow(image(last.x), interpolation="antialiased")
    axes.set_title(f"β / α = 10^{style_per_content:.1f} for each number of the content", fontsize=9)
    axes.axis("off")
    return figure


interactive(
    painted,
    "The cat after 18 steps from the photograph. With less style it stays a photograph, with more the painting takes "
    "over.",
    style_per_content=(-1.0, 4.0, 0.5),
    painting=["starry_night", "great_wave", "composition_viii", "auvers"],
)

# %% [markdown]
# ### Not learning weights
#
# The network was frozen: it has no gradient for any weight, and has kept nothing that one would need.

# %%
assert net.frozen and not net.grads
print(f"{net.num_parameters():,} weights, none of them with a gradient; {noise.size:,} numbers of x were learned")

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.


# %%
def gram(F):
    return ...


exercise("17-style-transfer/gram").check(gram)

# %%
exercise("17-style-transfer/loss").check(...)


# %%
def gradient_of_style(F, A):
    return ...


exercise("17-style-transfer/gradient").check(gradient_of_style)

# %%
exercise("17-style-transfer/place").check(...)

# %%
exercise("17-style-transfer/weights").check(...)

# %% [markdown]
# ## Where next
#
# - Your own photograph: `nnbasics style photo.jpg starry_night -o painted.png`, and what can be set, in
#   [the settings](../docs/settings.md); what comes out, in [the gallery](../docs/gallery.md).
# - In the library: [`nnbasics/style/objective.py`](../nnbasics/style/objective.py), the same with several styles, masks
#   and other people's constants; [`nnbasics/optimizers.py`](../nnbasics/optimizers.py), L-BFGS by hand.
# - Back to the beginning: [Lecture 1](01-perceptron.ipynb).
# - Gatys, Ecker, Bethge, *A neural algorithm of artistic style* (2015) and *Image style transfer using convolutional
#   neural networks* (2016); Johnson, Alahi, Fei-Fei, *Perceptual losses for real-time style transfer* (2016), where a
#   network learns to do it in one go.
