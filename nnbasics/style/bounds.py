"""What a picture file cannot hold: values below 0 and above 1."""

import numpy as np


def outside(x):
    """Return sum e^2, e = x - clip(x, 0, 1), and its gradient 2 e.

    The walk knows no bounds, and the file clips: without this term bright petals turn white, and the picture that is
    saved is worse than the one that was found (on four pairs 1.1 to 2.5 times its loss; with it, under 1.003).
    """
    excess = np.clip(x, 0, 1)
    np.subtract(x, excess, out=excess)
    flat = excess.ravel()
    value = float(np.vdot(flat, flat))
    excess *= 2
    return value, excess
