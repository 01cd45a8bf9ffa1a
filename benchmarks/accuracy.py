"""Rounding errors of Winograd's transforms, by points and by tile. Run: python -m benchmarks.accuracy

Everything in NumPy float32, with the matrices that `transforms` derives, on 256 channels of random numbers; the error
is that of the outputs relative to their size, both as root mean square.
"""

from fractions import Fraction

import numpy as np

from benchmarks.report import write
from nnbasics.kernels import transforms

CHANNELS, TILES, FILTERS = 256, 400, 16


def fractions(*points):
    return tuple(Fraction(point) for point in points)


CASES = (
    ("4x4", "0, ±3/4, ±3/2: the library's", transforms.POINTS),
    ("4x4", "0, ±1, ±2: the textbook's", fractions(0, 1, -1, 2, -2)),
    ("2x2", "0, ±1", fractions(0, 1, -1)),
    ("6x6", "0, ±1, ±2, ±1/2", fractions(0, 1, -1, 2, -2, "1/2", "-1/2")),
)


def error(points):
    """Of Winograd's outputs with these points, and of the same sums taken directly."""
    rng = np.random.default_rng(0)
    side = len(points) + 1
    d = rng.standard_normal((TILES, CHANNELS, side, side), np.float32)
    g = rng.standard_normal((FILTERS, CHANNELS, 3, 3), np.float32)
    a_t, g_t, b_t = (np.array(matrix, float).astype(np.float32) for matrix in transforms.matrices(points))
    u, v = g_t @ g @ g_t.T, b_t @ d @ b_t.T
    m = np.einsum("kcij,tcij->tkij", u, v, optimize=True)
    y = a_t @ m @ a_t.T
    right, direct = (_directly(d.astype(dtype), g.astype(dtype), side - 2) for dtype in (np.float64, np.float32))
    size = np.sqrt(np.mean(right**2))
    return tuple(np.sqrt(np.mean((found - right) ** 2)) / size for found in (y, direct))


def _directly(d, g, tile):
    y = np.zeros((TILES, FILTERS, tile, tile), d.dtype)
    for i in range(3):
        for j in range(3):
            y += np.einsum("kc,tcij->tkij", g[:, :, i, j], d[:, :, i : i + tile, j : j + tile], optimize=True)
    return y


def main():
    rows = []
    for tile, points, values in CASES:
        winograd, direct = error(values)
        outputs = int(tile[0]) ** 2
        saved = f"{9 * outputs / (len(values) + 1) ** 2:.2f}"
        rows.append([tile, points, saved, f"{winograd:.1e}", f"{direct:.1e}"])
    head = ["outputs", "points, and infinity", "multiplications saved, times", "error", "of the sums taken directly"]
    write(
        "accuracy",
        "Rounding errors of a layer of 256 channels, float32",
        head,
        rows,
        note="The same on every machine, but for the last digit.",
    )


if __name__ == "__main__":
    main()
