# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 10 · Least squares, SVD, PCA, eigenfaces
#
# The nearest point of a subspace, four times: as a solution, as a projection, as a summary of data, as a face.
#
# ## What you will do
#
# - Solve least squares in three ways, and break two of them.
# - Build the inverse that every matrix has, and find the slip on the slide.
# - Find the directions in which digits differ, and see what happens if the mean is forgotten.
# - Make a space of faces: tell faces from other things, find them in a picture, rebuild one behind a beam.
# - See why random vectors of many dimensions stand at right angles.
#
# ## What you need
#
# Matrix products, transposes, eigenvectors. No network: this is what one had before, and what one still measures with.

# %%
import matplotlib.pyplot as plt
import numpy as np

from nnbasics.data import digits, drawn_faces, faces, picture
from nnbasics.errors import UserError
from nnbasics.linalg import (
    PCA,
    Eigenfaces,
    compact_svd,
    inner_products,
    least_squares,
    project,
    projection,
    pseudo_inverse,
)
from nnbasics.testing import exercise
from nnbasics.visualize import grid, interactive, show

plt.style.use("nnbasics.visualize.lecture")

# %% [markdown]
# ## The lecture's statement
#
# **Least squares:** $\|Ax - b\|^2$ is smallest where $A^T A x = A^T b$. If the columns of $A$ depend on each other, the
# **SVD** $A = U \Sigma V^T$ helps: $x = A^{inv} b$. **Geometrically** $Ax$ is the projection of $b$ onto the columns'
# space, $P = U U^T$, with $P P = P$ and $P = P^T$.
#
# **PCA:** the first principal component is the direction $w$ that maximises $w^T X^T X w / w^T w$; the next ones do so
# at right angles. **Eigenfaces** (Turk and Pentland, 1991) are the principal components of pictures of faces. With them
# one detects a face, by its distance to their space, and rebuilds one that is partly hidden.
#
# **Random vectors** of many dimensions are nearly orthogonal.
#
# ## The code
#
# ### Three ways to least squares
#
# Twelve measurements of something that should be a line, by the normal equations, by QR and by the SVD.

# %%
rng = np.random.default_rng(0)
t = np.linspace(0, 10, 12)
A, b = np.column_stack([t, np.ones(12)]), 0.7 * t - 2 + rng.standard_normal(12)
for method in ("normal", "qr", "svd"):
    print(f"{method:7} slope and offset {least_squares(A, b, method=method)}")
x = least_squares(A, b)
assert np.allclose(A.T @ A @ x, A.T @ b)
assert np.allclose(x, np.linalg.inv(A.T @ A) @ A.T @ b)

# %% [markdown]
# The gradient of $f(x) = x^T A^T A x - 2 b^T A x + b^T b$ is $2 A^T A x - 2 A^T b$. At the solution it is 0, which says
# that the residual is at right angles to every column.

# %%
residual = A @ x - b
print("A^T (A x - b) =", (A.T @ residual).round(12))
assert np.allclose(A.T @ residual, 0, atol=1e-10)
for nudge in rng.standard_normal((100, 2)):
    assert np.sum((A @ (x + nudge) - b) ** 2) > np.sum(residual**2)

# %% [markdown]
# They are not equally good. The normal equations square the condition of $A$: with columns that differ by $10^{-7}$ two
# or three digits are left, and QR and the SVD keep nine. With columns that are dependent only the SVD is left.

# %%
for gap in (1e-2, 1e-5, 1e-7, 0.0):
    alike = np.column_stack([np.ones(12), 1 + gap * t])
    for method in ("normal", "qr", "svd"):
        try:
            error = abs(least_squares(alike, alike @ [1.0, 1.0], method=method) - 1).max()
            print(f"gap {gap:<6g} {method:7} error {error:.0e}")
        except UserError as problem:
            print(f"gap {gap:<6g} {method:7} {str(problem).partition(';')[0][:64]}...")

# %% [markdown]
# ### The inverse that every matrix has
#
# $A = U \Sigma V^T$ with the $r$ singular values that are not 0. The slide prints $A^{inv} = V \Sigma U^T$. That is
# $A^T$; a number shows it: for $A = (2)$ it says that the inverse of 2 is 2. Right is $V \Sigma^{-1} U^T$.

# %%
A = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))  # 6x4, but of rank 2
b = rng.standard_normal(6)
U, s, V = compact_svd(A)
printed, right = V * s @ U.T, V / s @ U.T
print("rank", len(s), "   printed is the transpose:", np.allclose(printed, A.T))
for name, inverse in (("printed", printed), ("right", right)):
    print(f"{name:8} |A x - b| = {np.linalg.norm(A @ inverse @ b - b):8.3f}")
assert np.allclose(printed, A.T) and np.allclose(right, pseudo_inverse(A)) and np.allclose(right, np.linalg.pinv(A))
assert np.allclose(A.T @ A @ right @ b, A.T @ b)  # it solves the normal equations, singular as they are

# %% [markdown]
# ### Projection

# %%
P = projection(A)
Pb = project(A, b)
print("P P = P:", np.allclose(P @ P, P), "  P = P^T:", np.allclose(P, P.T), "  trace = rank:", P.trace().round(12))
others = A @ rng.standard_normal((4, 10_000))
nearest = np.linalg.norm(others - b[:, None], axis=0).min()
print(f"|P b - b| = {np.linalg.norm(Pb - b):.4f}; of 10,000 other points of col(A) the nearest has {nearest:.4f}")
v = others[:, 0]
assert np.allclose(P @ P, P) and np.allclose(P, P.T) and np.allclose(P @ b, Pb)
assert np.isclose(np.sum((v - b) ** 2), np.sum((Pb - b) ** 2) + np.sum((v - Pb) ** 2))  # Pythagoras
assert np.linalg.norm(Pb - b) <= nearest

# %% [markdown]
# ### Principal components
#
# The workshop's digits, 1797 pictures of 64 pixels. The first is a 0, the last an 8.

# %%
X, labels = digits.load()
X = 16 * X.reshape(-1, 64).astype(np.float64)
print(X.shape, "first", labels[0], "last", labels[1796])
assert X.shape == (1797, 64) and labels[0] == 0 and labels[1796] == 8

pca = PCA(2).fit(X)
centred = X - X.mean(axis=0)


def quotient(w):
    """w'X'Xw / w'w."""
    return np.sum((centred @ w) ** 2) / np.sum(w**2)


first, second = pca.components_
print("shares of the variance:", pca.explained_variance_ratio_.round(5))
assert np.allclose(pca.explained_variance_ratio_, [0.14890594, 0.13618771], atol=1e-5)  # scikit-learn's figures
assert abs(first @ second) < 1e-10
for w in rng.standard_normal((500, 64)):
    assert quotient(w) < quotient(first) and quotient(first + 0.1 * w) < quotient(first)

# %% [markdown]
# The slide calls $X^T X$ the covariance matrix. It is, up to a factor, once the **mean** of every column has been taken
# off; with the mean left in, the first direction is the way to the middle of the data, and says nothing about them.

# %%
three = np.array([[-1.0, 50], [0, 50], [1, 50]])
print("X^T X =", (three.T @ three).tolist(), " its first eigenvector", abs(compact_svd(three)[2][:, 0]).round(6))
print("with the mean off, the first component is", abs(PCA(1).fit(three).components_[0]))
assert np.array_equal(three.T @ three, [[2, 0], [0, 7500]])
assert np.allclose(abs(PCA(1).fit(three).components_[0]), [1, 0])

# %% tags=["figure"]
figure, (left, right_axes) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=(1.3, 1))
codes = pca.transform(X)
colours = plt.get_cmap("tab10")
for digit in range(10):
    left.plot(*codes[labels == digit].T, ".", markersize=4, color=colours(digit), label=str(digit))
left.legend(ncols=2, markerscale=2.5, loc="upper right")
left.set(xlabel="first component", ylabel="second component", title="64 numbers as two", xlim=(-35, 48))
tiles = np.stack([pca.mean_, *PCA(5).fit(X).components_]).reshape(6, 8, 8)
tiles = 0.5 + 0.5 * (tiles - tiles.mean(axis=(1, 2), keepdims=True)) / abs(tiles).max(axis=(1, 2), keepdims=True)
right_axes.imshow(grid(tiles, columns=3), cmap="gray", vmin=0, vmax=1)
right_axes.set_title("mean, and components 1 to 5")
right_axes.axis("off")
show(
    figure,
    "The digits along their first two principal components. Some keep to themselves, most overlap: two of 64 "
    "directions keep 29% of the variance. On the right the mean digit and five components, as pictures.",
)

# %% [markdown]
# ## The picture
#
# ### A space of faces
#
# 400 faces of 25x25 pixels are 400 points in 625 dimensions. Known sets of faces are photographs of people whom nobody
# asked, and may not be passed on; so these are **drawn**, each from 25 random numbers. Their companions, pieces of
# the shipped photographs, are no faces. Set `REAL = True` for the 100 photographs that scikit-image carries: they are
# downloaded once (14 MB), and everything below runs with them.

# %%
REAL = False
people, others = faces.load() if REAL else drawn_faces.drawn(400, rng=0)
known, new = people[: len(people) * 4 // 5], people[len(people) * 4 // 5 :]
space = Eigenfaces(12 if not REAL else 40).fit(known)

# %% tags=["figure"]
figure, panels = plt.subplots(3, 1, figsize=(8, 5.4))
eigen = np.concatenate([space.mean[None], space.faces[:11]])
low, high = eigen.min(axis=(1, 2), keepdims=True), eigen.max(axis=(1, 2), keepdims=True)
rows = {
    "Faces": known[:24], "No faces": others[:24], "The mean face and eleven eigenfaces": (eigen - low) / (high - low)
}  # fmt: skip
for axes, (title, tiles) in zip(panels, rows.items(), strict=True):
    axes.imshow(grid(tiles, columns=12), cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_title(title)
    axes.axis("off")
show(
    figure,
    "Above what the space is made from, then what is not in it, and its first directions: light and dark, the wall "
    "behind, light from the left or right, the turn of the head.",
)

# %% [markdown]
# Walk along one of them: the mean face, plus so many standard deviations of an eigenface.

# %% tags=["figure"]


def along(eigenface, deviations):
    spread = space.transform(known).std(axis=0)[eigenface - 1]
    figure, panels = plt.subplots(1, 3, figsize=(7, 2.6))
    for axes, factor in zip(panels, (-deviations, 0, deviations), strict=True):
        walked = space.mean + factor * spread * space.faces[eigenface - 1]
        axes.imshow(walked, cmap="gray", vmin=0, vmax=1, interpolation="bicubic")
        axes.set_title(f"{factor:+.1f} deviations")
        axes.axis("off")
    return figure


interactive(
    along,
    "The mean face in the middle, and on both sides what one eigenface does to it.",
    eigenface=(1, 12, 3),
    deviations=(0.5, 3.0, 2.0),
)

# %% [markdown]
# ### Face or not?
#
# The distance to the face space: what is missing when the nearest point of it is taken, as a share of the picture's
# contrast. The threshold lets 95 of 100 known faces pass, each measured against a space made without it.

# %%
accepted, wrongly = space.is_face(new).mean(), space.is_face(others).mean()
print(f"new faces accepted {accepted:.0%}, other things accepted {wrongly:.0%}")
assert accepted > 0.8 and wrongly < 0.65 and (REAL or wrongly < 0.1)

# %% tags=["figure"]
figure, axes = plt.subplots(figsize=(7, 3))
bins = np.linspace(0, 1.2, 49)
axes.hist(space.distance(new), bins, alpha=0.8, label="new faces", density=True)
axes.hist(np.minimum(space.distance(others), 1.2), bins, alpha=0.8, label="other things", density=True)
axes.axvline(space.threshold, color="black", linestyle="--", label="threshold")
axes.set(xlabel="distance to the face space", yticks=[], title="The nearer, the more of a face")
axes.legend()
show(
    figure,
    "Distances of faces that the space was not made from, and of pieces of photographs. Plain pieces have no contrast, "
    "and a distance that is beyond this picture.",
)

# %% [markdown]
# ### Where is it?
#
# The same distance at every place of a larger picture: three new faces in front of the pagoda. The deck says "like a
# CNN", and it is: projecting every window onto twelve pictures is a convolution with twelve filters.

# %% tags=["figure"]
scene = picture.resize(picture.read("china"), 140).mean(axis=2)
places = [(12, 20), (60, 55), (35, 108)]
for face, (row, column) in zip(new[:3], places, strict=True):
    scene[row : row + 25, column : column + 25] = face
patches = np.lib.stride_tricks.sliding_window_view(scene, (25, 25))
distance = space.distance(patches.reshape(-1, 25, 25)).reshape(patches.shape[:2])

found, left_over = [], distance.copy()
for _ in places:
    row, column = np.unravel_index(left_over.argmin(), left_over.shape)
    found.append((int(row), int(column)))
    left_over[max(row - 15, 0) : row + 16, max(column - 15, 0) : column + 16] = np.inf
figure, (left, right_axes) = plt.subplots(1, 2, figsize=(9, 3.1))
left.imshow(scene, cmap="gray", vmin=0, vmax=1)
for row, column in found:
    left.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 25, 25, fill=False, color="C1", linewidth=2))
left.set_title("the three nearest windows")
right_axes.imshow(np.minimum(distance, 1), cmap="magma_r", vmin=0, vmax=1)
right_axes.set_title("distance to the face space, by window")
for axes in (left, right_axes):
    axes.axis("off")
show(
    figure,
    "Three faces hidden in a photograph, and found as the three windows nearest to the face space. In the map of "
    "distances bright is near: each face is a spot of a few pixels.",
)
print("hidden at", places, " found at", found)
assert REAL or sorted(found) == sorted(places)

# %% [markdown]
# ### Behind a beam
#
# "Reconstruct occluded image (ask student)", says the slide. Project the picture as it is, and the beam is taken for a
# part of the face. Better: find the twelve numbers by least squares from the pixels that can be *seen*, and fill in the
# others. That is this lecture in one line.

# %%
beam = np.zeros((25, 25), bool)
beam[6:12] = True  # over the eyes
hidden = np.where(beam, 0.0, new)
plain, filled = space.rebuild(hidden), space.rebuild(hidden, occluded=beam)


def error(pictures):
    """Root of the mean square, under the beam."""
    return np.sqrt(np.mean((pictures - new)[:, beam] ** 2))


print(f"under the beam: black {error(hidden):.3f}, projected {error(plain):.3f}, from what is seen {error(filled):.3f}")
assert error(filled) < error(plain) < error(hidden) and (REAL or error(filled) < 0.5 * error(plain))

# %% tags=["figure"]
figure, panels = plt.subplots(4, 1, figsize=(7, 4.6))
rows = {"faces": new, "behind a beam": hidden, "projected as they are": plain, "rebuilt from what can be seen": filled}
for axes, (title, tiles) in zip(panels, rows.items(), strict=True):
    axes.imshow(grid(np.clip(tiles[:12], 0, 1), columns=12), cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_title(title, fontsize=9)
    axes.axis("off")
show(
    figure,
    "New faces, a black beam over their eyes, and two ways to take it off. The projection smears the beam over the "
    "face; least squares over the visible pixels gives them eyes, and often the right ones.",
)

# %% [markdown]
# ### Random vectors
#
# Two random points of the unit sphere in $n$ dimensions: their inner product has mean 0 and variance $1/n$. In two
# dimensions any angle is likely; in a thousand everything is at right angles, and a cosine of 0.2 is no accident. That
# is why features with a cosine far from 0 have something in common.

# %%
for n in (2, 3, 10, 100, 1000):
    cosines = inner_products(3000, n, rng=0)
    X, Y = np.random.default_rng(1).standard_normal((2, 1000, n))
    gauss = np.einsum("ij,ij->i", X, Y) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    print(f"n = {n:4}: spread {cosines.std():.4f}, Gaussian vectors {gauss.std():.4f}, 1/sqrt(n) = {n**-0.5:.4f}")
    assert np.isclose(cosines.std(), n**-0.5, rtol=0.08) and np.isclose(gauss.std(), n**-0.5, rtol=0.12)
assert not (abs(cosines) > 0.2).any()

# %% tags=["figure"]


def spread(n):
    figure, axes = plt.subplots(figsize=(6.4, 3))
    axes.hist(inner_products(20_000, n, rng=0), np.linspace(-1, 1, 81), density=True)
    axes.set(xlim=(-1, 1), xlabel="cosine of two random vectors", yticks=[], title=f"{n} dimensions")
    return figure


interactive(
    spread,
    "Cosines of 20,000 random pairs. With two dimensions the ends are likeliest, with three all are alike; from then "
    "on they crowd around 0.",
    n=(2, 1000, 50),
)

# %% [markdown]
# ## Check yourself
#
# Put your answer where the `...` is and run the cell. A wrong answer is explained and brings a hint; `.hint()` asks for
# one, `.solution()` shows the solution.

# %%
exercise("10-least-squares-and-eigenfaces/line").check([..., ...])


# %%
def inverse(U, s, V):
    return ...


exercise("10-least-squares-and-eigenfaces/inverse").check(inverse)

# %%
exercise("10-least-squares-and-eigenfaces/projection").check(...)

# %%
exercise("10-least-squares-and-eigenfaces/dimensions").check(...)


# %%
def fill_in(face, seen, mean, W):
    return ...


exercise("10-least-squares-and-eigenfaces/beam").check(fill_in)

# %% [markdown]
# ## Where next
#
# - [Lecture 11](11-architectures.ipynb): back to networks; and [lecture 14](14-t-sne.ipynb), when two straight
#   directions are not enough.
# - In the library: [`nnbasics/linalg/`](../nnbasics/linalg/), a file for each heading of this lecture.
# - Penrose, *A generalized inverse for matrices* (1955); Turk, Pentland, *Eigenfaces for recognition* (1991); Golub,
#   Van Loan, *Matrix Computations*, chapter 5.
