"""Writes tsne.npz: scikit-learn's affinities, divergence, gradient and drawing of some of its digits.

Run it with scikit-learn 1.5 or newer, from the top folder: python -m tests.golden.make_tsne
"""

from pathlib import Path

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, _t_sne, trustworthiness
from sklearn.metrics import pairwise_distances

FEW, MANY, PERPLEXITY = 60, 400, 15.0

data = load_digits().data
few = data[:FEW]
p = _t_sne._joint_probabilities(pairwise_distances(few, squared=True), PERPLEXITY, 0)
y = np.random.default_rng(5).standard_normal((FEW, 2))
divergence, gradient = _t_sne._kl_divergence(y.ravel(), p, 1.0, FEW, 2)
model = TSNE(perplexity=PERPLEXITY, method="exact", init="pca", random_state=0)
drawing = model.fit_transform(data[:MANY])
np.savez_compressed(
    Path(__file__).with_name("tsne.npz"),
    p=squareform(p),
    y=y,
    divergence=divergence,
    gradient=gradient.reshape(FEW, 2),
    final_divergence=model.kl_divergence_,
    trustworthiness=trustworthiness(data[:MANY], drawing, n_neighbors=5),
)
