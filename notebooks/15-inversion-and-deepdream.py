# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 15 · Inversion and DeepDream
#
# The network stays as it is, and the picture is what learns: to be told from another no more, or to be more of itself.
#
# ## What you will do
#
# - Write the loss of inversion with its two priors, and check its gradient.
# - Find a photograph again from features of five depths, and see what each layer has forgotten.
# - Take one step of DeepDream exactly as on the slide, then dream over several octaves.
#
# ## What you need
#
# A network with taps, forward and backward ([lecture 13](13-features-and-filters.ipynb)), and gradient descent.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics.data import picture
from nnbasics.models import vgg19
from nnbasics.style.variation import total_variation
from nnbasics.testing import exercise
from nnbasics.visualize import Inversion, dream, interactive, invert, show
from nnbasics.visualize.dream import excitement, step

plt.style.use("nnbasics.visualize.lecture")
net = vgg19()

# %% [markdown]
# ## The lecture's statement
#
# **Inversion** (Mahendran, Vedaldi, 2014). Let $\Phi(x)$ be the code of a picture, the features at some layer. Which
# picture has the code $\Phi_0$?
#
# $$x^* = \operatorname*{argmin}_x \; \|\Phi(x) - \Phi_0\|^2 + \lambda R(x)$$
#
# Many pictures have it, and most look like noise. $R$ asks for one that looks natural, by keeping values moderate and
# neighbours alike:
#
# $$R_\alpha(x) = \|x\|_\alpha^\alpha, \quad \alpha = 6, \qquad
# R_{TV}(x) = \sum_{i,j} \left( (x_{i+1,j} - x_{ij})^2 + (x_{i,j+1} - x_{ij})^2 \right)^{\beta/2}.$$
#
# **DeepDream** (Mordvintsev and others, 2015). If a neuron is activated, activate it further. There is no loss to write
# down: forward to a layer, set $dx = x$ there, backward to the picture, and go *up*.
#
# Both are the same walk, forward to a layer and back to the picture. So is style transfer
# ([lecture 17](17-style-transfer.ipynb)).
#
# ## The code
#
# ### Two priors
#
# Total variation of a tiny picture, by hand: with $\beta = 2$ it is a sum of squared steps to the right and down.

# %%
x = np.array([[0, 1, 1], [0, 1, 0.5]]).reshape(1, 1, 2, 3)
value, gradient = total_variation(x, power=1)  # power = beta / 2
right = (1 - 0) ** 2 + 0 + (1 - 0) ** 2 + (0.5 - 1) ** 2
down = 0 + 0 + (0.5 - 1) ** 2
print(f"R_TV = {value} = {right} to the right + {down} down")
assert value == right + down

# %% [markdown]
# A power of 6 is flat in the middle and steep at the edges: it minds a value that is far out, and hardly any other.

# %% tags=["figure"]


def prior(alpha):
    figure, axes = plt.subplots(figsize=(5, 3))
    t = np.linspace(-1.3, 1.3, 200)
    axes.plot(t, np.abs(t) ** alpha)
    axes.axvspan(-1, 1, alpha=0.1)
    axes.set(xlabel="value, grey at 0, black and white at ±1", ylabel=rf"$|x|^{{{alpha:g}}}$", ylim=(0, 3))
    return figure


interactive(
    prior, "The alpha-norm's price of one value; the shaded range is what a picture can show.", alpha=(1, 12, 6)
)

# %% [markdown]
# ### The loss and its gradient
#
# `Inversion` puts the three terms together, each divided by its size, so that weights mean the same at every layer and
# every picture size. Loss and gradient have to agree; in the direction of the gradient the slope is its length:

# %%
cat = picture.resize(picture.read("cat"), 128)
x0 = cat.transpose(2, 0, 1)[None].astype(np.float64)
rng = np.random.default_rng(0)
objective = Inversion(net, x0, "relu2_2", tv_weight=0.3)
x = rng.random(x0.shape)
loss, gradient = objective(x)
length = np.linalg.norm(gradient)
h = 1e-4
way = gradient / length
slope = (objective(x + h * way)[0] - objective(x - h * way)[0]) / (2 * h)
print(f"loss {loss:.4f}; slope by differences {slope:.8f}, length of the gradient {length:.8f}")
assert np.isclose(slope, length, rtol=1e-4)
assert objective(x0)[0] < objective(x)[0]

# %% [markdown]
# ### One step of DeepDream
#
# The slide's `make_step`, line by line: roll the picture by a random shift, forward, take the activations as the
# gradient there, backward, a step of a set mean size, roll back, clip. The seminar's network takes values of 0 to 255
# with a step of 1.5; ours 0 to 1, so 1.5/255.

# %%
see = excitement(net, (1, 3, *cat.shape[:2]), "relu4_3")
x = np.ascontiguousarray(cat.transpose(2, 0, 1)[None])
jitter = rng.integers(-32, 33, 2)

rolled = np.roll(np.roll(x, jitter[0], -2), jitter[1], -1)
activation = net.activations(rolled, ["relu4_3"])["relu4_3"]
g = net.backward({"relu4_3": activation})  # dx = x
rolled = rolled + 1.5 / 255 / np.abs(g).mean() * g
by_hand = np.clip(np.roll(np.roll(rolled, -jitter[0], -2), -jitter[1], -1), 0, 1)

ours, excited = step(see, x, 1.5 / 255, jitter)
print(f"1/2 |a|^2 = {excited:.4g}; the two steps differ by {np.abs(ours - by_hand).max():.1e}")
assert np.allclose(ours, by_hand, atol=2e-4)

# %%
values = []
x = np.ascontiguousarray(cat.transpose(2, 0, 1)[None])
for _ in range(20):
    x, value = step(see, x, 1.5 / 255, rng.integers(-32, 33, 2))
    values.append(value)
assert values[-1] > 2 * values[0]

# %% tags=["figure"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), width_ratios=[1, 1.4])
left.plot(values)
left.set(xlabel="step", ylabel="$\\frac{1}{2} |a|^2$ at relu4_3", title="It goes up")
right.imshow(x[0].transpose(1, 2, 0))
right.set(title="after 20 steps at one size", xticks=[], yticks=[])
show(figure, "Twenty steps up the activations of relu4_3. The patterns all have the size that this layer knows.")

# %% [markdown]
# ## The picture
#
# ### What each layer has forgotten
#
# From white noise, 60 steps of L-BFGS for each layer. (`nnbasics invert cat -o row.jpg` makes the row at full length.)

# %%
layers = ["relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"]
found = [invert(net, "cat", layer, size=96, iterations=60, progress=False) for layer in layers]
small = picture.resize(cat, 96)
errors = [np.abs(image - small).mean() for image in found]
print("mean error of a value:", {layer: round(float(error), 3) for layer, error in zip(layers, errors, strict=True)})
assert errors[0] < 0.05 < errors[-1]

# %% tags=["figure"]
figure, axes = plt.subplots(1, 6, figsize=(12, 1.8))
for one, image, title in zip(axes, [small, *found], ["the picture", *layers], strict=True):
    one.imshow(image)
    one.set(title=title, xticks=[], yticks=[])
show(
    figure,
    "The cat found again from five layers. The first ones are nearly exact; relu5_2 knows of eyes and a nose, "
    "less of where they are, and has lost colours and fur.",
)

# %% [markdown]
# ### Without a prior
#
# $\lambda = 0$ meets the code better, and the picture is worse: there is much in a picture that the layer cannot see.

# %%
with_prior = invert(net, "cat", "relu4_2", size=96, iterations=60, tv_weight=1.0, progress=False)
without = invert(net, "cat", "relu4_2", size=96, iterations=60, tv_weight=0, alpha_weight=0, progress=False)

# %% tags=["figure"]
figure, axes = plt.subplots(1, 3, figsize=(9, 2.4))
for one, image, title in zip(
    axes, [small, without, with_prior], ["the picture", "no prior", "total variation, weight 1"], strict=True
):
    one.imshow(image)
    one.set(title=title, xticks=[], yticks=[])
show(figure, "Inversion from relu4_2, without a prior and with total variation: the grain goes, the edges stay.")

# %% [markdown]
# ### Octaves
#
# A layer knows patterns of one size. So the picture is dreamed on when it is small, enlarged, and dreamed on again:
# what was a pattern of 30 pixels becomes one of 60 with patterns in it. Which layer says what there is to see.

# %%
dreams = {
    layer: dream(net, "cat", layer, size=192, steps=8, octaves=3, progress=False)
    for layer in ("relu2_2", "relu3_3", "relu4_3", "relu5_2")
}

# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(12, 2.4))
for one, (layer, image) in zip(axes, dreams.items(), strict=True):
    one.imshow(image)
    one.set(title=layer, xticks=[], yticks=[])
show(
    figure,
    "The same cat, dreamed on from four depths: lines, curls, eyes, and the beginnings of animals. VGG-19 was trained "
    "on many kinds of dogs.",
)

# %% [markdown]
# `nnbasics dream cat -o dog.jpg --layer relu5_2 --steps 20` takes half a minute and shows where this leads.
#
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("15-inversion-and-deepdream/tv").check(...)


# %%
def code_gradient(phi, phi0):
    return ...


exercise("15-inversion-and-deepdream/code").check(code_gradient)


# %%
def dream_step(x, g, step_size):
    return ...


exercise("15-inversion-and-deepdream/step").check(dream_step)

# %%
exercise("15-inversion-and-deepdream/seed").check(...)

# %% [markdown]
# ## Where next
#
# - [Lecture 16](16-vgg-19.ipynb): the network that did all this, layer by layer.
# - In the library: [`nnbasics/visualize/inversion.py`](../nnbasics/visualize/inversion.py),
#   [`nnbasics/visualize/dream.py`](../nnbasics/visualize/dream.py).
# - Mahendran, Vedaldi, *Understanding deep image representations by inverting them* (2014); Mordvintsev, Olah, Tyka,
#   *Inceptionism: going deeper into neural networks* (2015).
