"""Writes pca.npz: scikit-learn's PCA of the first 300 of its digits, and of a table of random numbers.

Run it with scikit-learn 1.5 or newer (its signs), from the top folder: python -m tests.golden.make_pca
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA


def fitted(X, k):
    """What PCA with k components finds, and how it describes the first three rows."""
    pca = PCA(k, svd_solver="full").fit(X)
    codes = pca.transform(X)
    return {
        "components": pca.components_,
        "variance": pca.explained_variance_,
        "ratio": pca.explained_variance_ratio_,
        "codes": codes[:3],
        "rebuilt": pca.inverse_transform(codes)[:3],
    }


def main():
    digits = load_digits().data[:300]
    table = np.random.default_rng(0).standard_normal((7, 5))
    arrays = {"digits/X": digits.astype(np.uint8), "table/X": table}
    for name, X, k in [("digits", digits, 6), ("table", table, 5)]:
        arrays |= {f"{name}/{key}": value for key, value in fitted(X, k).items()}
    np.savez_compressed(Path(__file__).with_name("pca.npz"), **arrays)


if __name__ == "__main__":
    main()
