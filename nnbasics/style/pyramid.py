"""Coarse to fine: a walk that begins on a small picture, where a step costs little, and goes on on larger ones.

Going from one size to the next, the picture and what the optimiser knows are enlarged. In the cosine transform that is
exact: the coefficients of the small picture are the low frequencies of the large one.
"""

import math

import numpy as np

from nnbasics.optimizers import LBFGS, Adam

SMALLEST = 64  # pixels that a walk begins at by itself
STEPS = 25  # on each of them


def stages(settings):
    """{size: steps} to begin at where the settings say nothing: from noise half the size, half of that, to SMALLEST.

    From a picture there are none: its fine detail is there already, and is lost on the way through a small one.
    """
    if not (isinstance(settings.init, str) and settings.init == "noise"):
        return {}
    halves = [settings.size >> n for n in range(1, 15) if settings.size >> n >= SMALLEST]
    return dict.fromkeys(reversed(halves), STEPS)


def enlarged(x, height, width):
    """The picture (..., h, w) at a larger size, its coefficients those of the low frequencies, its brightness kept."""
    from scipy.fft import dctn, idctn

    small = dctn(x, axes=(-2, -1), norm="ortho")
    large = np.zeros((*x.shape[:-2], height, width), x.dtype)
    h, w = x.shape[-2:]
    large[..., :h, :w] = small
    large *= x.dtype.type(math.sqrt(height * width / (h * w)))
    return idctn(large, axes=(-2, -1), norm="ortho", overwrite_x=True)


def carried(optimizer, coarse, fine, gain):
    """An optimiser for the larger picture that knows what this one has learned on the smaller, if it learns at all.

    A loss that is a sum over positions has at each pixel the gradient that it had; `gain` times that if a convention
    weighs otherwise. L-BFGS's steps and differences of gradients are enlarged as the picture is, and Adam's means.

    Parameters
    ----------
    optimizer : Optimizer
    coarse, fine : Pixels or Cosine
        The coordinates that it has walked in, and those that it will.
    """
    if isinstance(optimizer, LBFGS):
        return optimizer.mapped(lambda s: fine.step_of(coarse, s), lambda y: gain * fine.slope_of(coarse, y))
    if isinstance(optimizer, Adam):
        shape = fine.origin.shape
        means = {"m/x": gain, "v/x": gain**2}
        state = {k: means[k] * _spread(v, shape) if k in means else v for k, v in optimizer.state_dict().items()}
        found = Adam(optimizer.lr, optimizer.betas, optimizer.eps)
        found.load_state_dict(state)
        return found
    return None


def _spread(array, shape):
    """Every pixel of the large picture has the value of the nearest of the small one."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(shape[2:], array.shape[2:], strict=True))
    return array[..., rows[:, None], columns]
