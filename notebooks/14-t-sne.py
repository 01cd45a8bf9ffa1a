# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 14 · t-SNE
#
# Points in hundreds of dimensions, drawn on a page so that neighbours stay neighbours.
#
# ## What you will do
#
# - Turn distances into neighbourhoods, and find the width at which a point has as many neighbours as you ask for.
# - Follow the gradient of the divergence as forces that pull and push, and check it by differences.
# - Draw the 1797 digits, see what the perplexity does, and what may not be read off such a map.
# - Draw pieces of paintings and photographs by their CNN codes: what a network takes for similar.
#
# ## What you need
#
# The Gaussian, the logarithm, gradient descent with momentum ([lecture 4](04-gradient-descent.ipynb)), and for
# comparison PCA ([lecture 10](10-least-squares-and-eigenfaces.ipynb)).

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics.data import digits, picture
from nnbasics.linalg import PCA
from nnbasics.models import vgg19
from nnbasics.testing import exercise
from nnbasics.visualize import TSNE, interactive, show
from nnbasics.visualize.tsne import divergence, joint_probabilities

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# t-distributed stochastic neighbour embedding (van der Maaten, Hinton, 2008) reduces dimensions without a matrix: it
# moves points about on the page until the page has the neighbourhoods of the data. With the CNN code of an image as its
# feature vector, two images should be drawn near each other if their codes are near.
#
# Near in the data means likely to be picked under a Gaussian around each point,
#
# $$p_{j|i} = \frac{e^{-b_i |x_i - x_j|^2}}{\sum_{k \ne i} e^{-b_i |x_i - x_k|^2}}, \qquad
# p_{ij} = \frac{p_{j|i} + p_{i|j}}{2n},$$
#
# near on the page means likely under Student's $t$ with one degree of freedom,
#
# $$q_{ij} = \frac{w_{ij}}{\sum_{k \ne l} w_{kl}}, \qquad w_{ij} = \frac{1}{1 + |y_i - y_j|^2},$$
#
# and the page is made to agree with the data by going down the Kullback-Leibler divergence
#
# $$C = \sum_{i \ne j} p_{ij} \log \frac{p_{ij}}{q_{ij}}, \qquad
# \frac{\partial C}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij}) \, w_{ij} \, (y_i - y_j).$$
#
# ## The code
#
# ### How wide is a neighbourhood?
#
# Each point gets a width of its own, so that the *perplexity* $2^{H}$ of its distribution, with $H$ the entropy in
# bits, is the same for all: a point in a crowd looks less far than a lonely one. A distribution that is even over $k$
# points has perplexity $k$, so it counts neighbours.

# %%
for p in ([1 / 4] * 4, [0.97, 0.01, 0.01, 0.01], [0.5, 0.5, 0, 0]):
    p = np.array(p)
    H = -np.sum(p[p > 0] * np.log2(p[p > 0]))
    print(f"p = {p}: H = {H:.3f} bits, perplexity {2**H:.3f}")

# %% [markdown]
# Three far points and three near ones, and a loner. The width adapts: the loner's reaches out to the others.

# %%
X = np.array([[0, 0], [1, 0], [0, 1], [4, 4], [4.2, 4], [4, 4.3], [9, 0.0]])
p = joint_probabilities(X, perplexity=2)
print((100 * p).round(1), "% of all pairs")
assert np.isclose(p.sum(), 1) and np.allclose(p, p.T)

# %% [markdown]
# ### Why a long tail?
#
# In ten dimensions a point can have eleven neighbours all equally far from each other; on the page it can have two. So
# something must be drawn too far away. Under Student's $t$ that is cheap: at the distance where the Gaussian's
# probability is gone, $w = 1/(1 + d^2)$ still has some.

# %% tags=["figure"]
d = np.linspace(0, 5, 200)
figure, axes = plt.subplots(figsize=(5.4, 3.2))
axes.plot(d, np.exp(-(d**2)), label="Gaussian, $e^{-d^2}$")
axes.plot(d, 1 / (1 + d**2), label="Student's t, $1/(1+d^2)$")
axes.set(xlabel="distance $d$", ylabel="similarity", title="Where the Gaussian is 0, t is not")
axes.legend()
show(figure, "Two ways to turn distance into similarity. At distance 3 the Gaussian has 0.0001, Student's t has 0.1.")

# %% [markdown]
# ### Forces
#
# $p_{ij} - q_{ij}$ is positive for a pair that is too far apart on the page: it pulls. Negative, it pushes. By hand,
# for the seven points, with the page as it is at some moment, and against differences of $C$:

# %%
rng = np.random.default_rng(0)
Y = rng.standard_normal((7, 2))


def gradient(p, Y):
    way = Y[:, None] - Y  # y_i - y_j
    w = 1 / (1 + np.sum(way**2, axis=2))
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    return 4 * np.sum(((p - q) * w)[:, :, None] * way, axis=1)


h = 1e-6
numeric = np.zeros_like(Y)
for place in np.ndindex(Y.shape):
    up, down = Y.copy(), Y.copy()
    up[place] += h
    down[place] -= h
    numeric[place] = (divergence(p, up) - divergence(p, down)) / (2 * h)
print("largest difference:", np.abs(gradient(p, Y) - numeric).max())
assert np.allclose(gradient(p, Y), numeric, atol=1e-8)

# %% tags=["figure"]
pull = -gradient(p, Y)
figure, axes = plt.subplots(figsize=(4.6, 4.2))
colours = ["tab:blue"] * 3 + ["tab:orange"] * 3 + ["black"]
axes.scatter(*Y.T, c=colours, s=60, zorder=3)
axes.quiver(*Y.T, *pull.T, angles="xy", scale_units="xy", scale=0.12, width=0.006, color="grey")
axes.set(title="Where each point wants to go", xticks=[], yticks=[])
axes.set_aspect("equal")
axes.margins(0.25)
show(figure, "Minus the gradient at a page of random points: the blue ones pull each other, so do the orange ones.")

# %% [markdown]
# `TSNE` does that with momentum, a gain for each coordinate, and all $p$ exaggerated twelvefold for the first 250
# steps, in which clusters form while they can still pass through each other. Every step costs $n^2$ pairs, so the sum
# over pairs is a compiled kernel, [`kernels/neighbours.py`](../nnbasics/kernels/neighbours.py); its slow twin is in
# `reference.py`.
#
# ## The picture
#
# All 1797 digits of 8x8 pixels, that is points in 64 dimensions. First the two best directions of PCA, then t-SNE.

# %%
x, labels = digits.load()
x = x.reshape(-1, 64)
pages = []
tsne = TSNE(perplexity=30)
y = tsne.fit_transform(x, callback=lambda step, y: pages.append(y))
print(f"C = {tsne.kl_divergence_:.3f} after {len(pages)} steps")


def neighbours_of_the_same_kind(y, labels):
    """The share of points whose nearest neighbour on the page is the same digit."""
    squared = np.sum((y[:, None] - y) ** 2, axis=2)
    np.fill_diagonal(squared, np.inf)
    return np.mean(labels[squared.argmin(axis=1)] == labels)


flat = PCA(2).fit(x).transform(x)
print(f"nearest neighbour is the same digit: PCA {neighbours_of_the_same_kind(flat, labels):.0%}, ", end="")
print(f"t-SNE {neighbours_of_the_same_kind(y, labels):.1%}")
assert neighbours_of_the_same_kind(y, labels) > 0.97

# %% tags=["figure"]


def draw(axes, y, labels, title):
    axes.scatter(*y.T, c=labels, cmap="tab10", s=4, vmin=-0.5, vmax=9.5)
    for digit in np.unique(labels):
        axes.annotate(str(digit), np.median(y[labels == digit], axis=0), weight="bold", size=13, ha="center")
    axes.set(title=title, xticks=[], yticks=[])


figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
draw(left, flat, labels, "PCA")
draw(right, y, labels, "t-SNE")
show(
    figure, "The digits by PCA, where most lie on top of each other, and by t-SNE, where each has a cluster of its own."
)

# %% [markdown]
# How it came about, from a small blob: under exaggeration the clusters gather, then they spread out.

# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(10, 2.7))
for one, step in zip(axes, (20, 100, 250, 1000), strict=True):
    one.scatter(*pages[step - 1].T, c=labels, cmap="tab10", s=2)
    one.set(title=f"step {step}", xticks=[], yticks=[])
show(figure, "The page after 20, 100, 250 and 1000 steps; each is drawn at its own scale.")

# %% [markdown]
# ### What may not be read off
#
# The size of a cluster means nothing, for widths were adapted to crowds. Distances between clusters mean little. And
# clusters may be there that are not in the data: here is a single Gaussian cloud of 300 points in 20 dimensions, which
# has no structure at all. Choose a perplexity.

# %% tags=["figure"]
cloud = np.random.default_rng(1).standard_normal((300, 20))


def map_of_the_cloud(perplexity):
    figure, axes = plt.subplots(figsize=(4, 3.6))
    axes.scatter(*TSNE(perplexity=perplexity, max_iter=500).fit_transform(cloud, progress=False).T, s=6)
    axes.set(title=f"one cloud, perplexity {perplexity}", xticks=[], yticks=[])
    return figure


interactive(
    map_of_the_cloud,
    "A cloud without structure. With 3 neighbours there seem to be clumps and strings; with 30 and more it is a cloud.",
    perplexity=[3, 5, 10, 30, 90],
)

# %% [markdown]
# ### CNN codes
#
# Now points are pieces of 64x64 pixels from the shipped pictures, and what is compared is either their pixels or what
# VGG-19 makes of them: the means of its 512 filters of relu4_1 over each piece.

# %%
names = ["cat", "coffee", "china", "starry_night", "great_wave", "composition_viii", "auvers"]
net = vgg19()
pieces, origin = [], []
for number, name in enumerate(names):
    image = picture.resize(picture.read(name), 320)
    for top in range(0, image.shape[0] - 63, 48):
        for left in range(0, image.shape[1] - 63, 48):
            pieces.append(image[top : top + 64, left : left + 64])
            origin.append(number)
pieces, origin = np.stack(pieces), np.array(origin)
codes = []
for start in range(0, len(pieces), 16):
    inputs = pieces[start : start + 16].transpose(0, 3, 1, 2)
    codes.append(net.activations(np.ascontiguousarray(inputs), ["relu4_1"])["relu4_1"].mean(axis=(2, 3)))
codes = np.concatenate(codes)
print(f"{len(pieces)} pieces, {pieces[0].size} pixel values or {codes.shape[1]} code values each")

by_pixels = TSNE(perplexity=12, max_iter=700).fit_transform(pieces.reshape(len(pieces), -1), progress=False)
by_codes = TSNE(perplexity=12, max_iter=700).fit_transform(codes, progress=False)
share = [neighbours_of_the_same_kind(page, origin) for page in (by_pixels, by_codes)]
print(f"nearest neighbour from the same picture: by pixels {share[0]:.0%}, by codes {share[1]:.0%}")
assert share[1] > share[0]

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(8.5, 8.5))
low, high = by_codes.min(axis=0), by_codes.max(axis=0)
for piece, (across, up) in zip(pieces, (by_codes - low) / (high - low), strict=True):
    axes.imshow(piece, extent=(across - 0.018, across + 0.018, up - 0.018, up + 0.018), interpolation="bilinear")
axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=[], yticks=[], title="Pieces of pictures by their CNN codes")
axes.set_aspect("equal")
show(
    figure,
    "Seven pictures cut up and drawn by their codes: fur by fur, brush strokes by brush strokes, circles and lines by "
    "their like. Nobody told the network which piece came from where.",
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("14-t-sne/perplexity").check(...)

# %%
exercise("14-t-sne/tail").check(...)


# %%
def joint(conditional):
    return ...


exercise("14-t-sne/joint").check(joint)


# %%
def page(y):
    return ...


exercise("14-t-sne/page").check(page)

# %%
exercise("14-t-sne/reading").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 15](15-inversion-and-deepdream.ipynb): from codes back to pictures.
# - In the library: [`nnbasics/visualize/tsne.py`](../nnbasics/visualize/tsne.py), the rule;
#   [`nnbasics/kernels/neighbours.py`](../nnbasics/kernels/neighbours.py), the forces.
# - Van der Maaten, Hinton, *Visualizing data using t-SNE* (2008); Wattenberg, Viegas, Johnson, *How to use t-SNE
#   effectively* (2016).
