"""t-SNE of the 1797 digits beside scikit-learn: time, and neighbours kept. Run: python -m benchmarks.tsne"""

import numpy as np

from benchmarks.interleave import race, ratio
from benchmarks.report import write

NAMES = {
    "ours tsne": "nnbasics, every pair",
    "sklearn tsne exact": "scikit-learn, every pair",
    "sklearn tsne barnes_hut": "scikit-learn, Barnes-Hut (approximate; its default)",
}


def main():
    found = race(list(NAMES), 3)
    ours, _ = found["ours tsne"]
    rows = []
    for words, (seconds, _) in found.items():
        divergence, trust = quality(words)
        compared = "" if words == "ours tsne" else ratio(seconds, ours)
        rows.append([NAMES[words], f"{np.median(seconds):.1f} s", compared, f"{divergence:.3f}", f"{trust:.4f}"])
    head = ["", "time", "ours is times as fast (range)", "divergence", "trustworthiness, 5 neighbours"]
    write("tsne", "t-SNE of 1797 digits of 8x8, 1000 steps, perplexity 30", head, rows)


def quality(words):
    """The divergence that a contender ends at, by its own account, and scikit-learn's trustworthiness of its map."""
    from sklearn.manifold import trustworthiness

    from benchmarks.contenders import digits, make

    divergence, page = make(*words.split())()
    return divergence, trustworthiness(digits(), page, n_neighbors=5)


if __name__ == "__main__":
    main()
