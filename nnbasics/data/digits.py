"""The digits of the workshop: 1797 handwritten numerals of 8x8 pixels, shipped with the library.

A set for trying things out: small enough that a network learns it in seconds, and real.
"""

from pathlib import Path

import numpy as np

_FILE = Path(__file__).with_name("sets") / "digits.npz"


def load():
    """The digits and what they are.

    Returns
    -------
    x : ndarray, (1797, 1, 8, 8) float32
        Ink, from 0 to 1 in sixteenths; ``16 * x.reshape(-1, 64)`` are the numbers of scikit-learn's `load_digits`.
    labels : ndarray, (1797,) int64
        0 to 9.

    Notes
    -----
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    the test set, CC BY 4.0: written by 13 people, scanned at 32x32, ink counted in blocks of 4x4.
    """
    with np.load(_FILE) as file:
        return file["images"][:, None].astype(np.float32) / 16, file["labels"].astype(np.int64)
