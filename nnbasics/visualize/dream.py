"""DeepDream: whatever a layer sees in a picture, the picture is given more of."""

import math

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import UserError
from nnbasics.layers.base import whole
from nnbasics.visualize.looking import as_x, channel_of, image_of, room_for

SMALLEST = 32  # pixels of a side of the smallest octave: less has nothing to see in it


def step(see, x, step_size, shift):
    """One step of the lecture: shift, look, go up the normalised gradient, shift back, clip.

    ::

        x := roll(x, shift)
        x := x + step_size g / mean |g|,    g = the gradient of 1/2 |activation|^2
        x := clip(roll(x, -shift))

    "No loss": the gradient of 1/2 |a|^2 at the layer is a itself, so what flows back is what the layer says.

    Parameters
    ----------
    see : callable
        x -> (1/2 |a|^2, its gradient at x).
    x : ndarray, (1, 3, H, W)
    step_size : float
        In units of the range of a value, [0, 1].
    shift : (int, int)
        Rows and columns to roll by: the jitter, which keeps patterns from growing on the grid of the pooling.

    Returns
    -------
    x : ndarray, a new one
    value : float
        1/2 |a|^2 before the step.
    """
    rolled = np.roll(x, shift, (2, 3))
    value, gradient = see(rolled)
    size = float(np.abs(gradient).mean(dtype=np.float64))
    if size > 0:
        rolled += np.asarray(step_size / size, x.dtype) * gradient
    return np.clip(np.roll(rolled, (-shift[0], -shift[1]), (2, 3)), 0, 1), value


def excitement(net, shape, layer, channel=None):
    """The function x -> (1/2 |a|^2, gradient), where a is what the layer (or one channel of it) says of x.

    Parameters
    ----------
    net : Sequential
    shape : tuple of int
        (1, 3, H, W)
    layer : str
    channel : int, optional
        All of them if not given.
    """
    plan = net.plan(shape, [layer])

    def see(x):
        activation = plan.forward(x).features[layer]
        if channel is None:
            wanted = activation.copy(order="K")
        else:
            wanted = np.zeros_like(activation)
            wanted[:, channel] = activation[:, channel]
        return 0.5 * float(np.vdot(wanted, wanted)), plan.backward({layer: wanted})

    return see


def dream(
    net,
    picture,
    layer,
    *,
    channel=None,
    size=None,
    steps=10,
    step_size=1.5 / 255,
    jitter=32,
    octaves=4,
    octave_scale=1.4,
    seed=0,
    progress=None,
    callback=None,
):
    """Dream on a picture: go up the activations of a layer, from coarse to fine.

    In each octave the picture is looked at in another size, from small to full. What was dreamed is carried over as the
    difference from the picture of that size, so that the fine detail of the picture is never lost.

    Parameters
    ----------
    net : Sequential
        Takes (1, 3, H, W), RGB in [0, 1]: `nnbasics.models.vgg19()`.
    picture : path, name of a shipped picture, Pillow image, or (H, W, 3) array
    layer : str
        Which layer's activations grow: "relu3_3" makes strokes, "relu5_2" eyes and beaks.
    channel : int, optional
        Only this channel of the layer.
    size : int, optional
        Pixels of the longest side; the picture's own if not given.
    steps : int
        Steps in each octave.
    step_size : float
        What a value changes by in a step, on average; 1.5 of 255 in the lecture.
    jitter : int
        The picture is rolled by up to so many pixels before a step, and back after it.
    octaves : int
    octave_scale : float
        The ratio of an octave's size to the one before.
    seed : int
        Of the jitter: the same seed, the same dream.
    progress : bool, optional
        Whether to show a bar; if not said, in a terminal or a notebook, from two seconds on.
    callback : callable, optional
        Called as callback(octave, step, image) after every step.

    Returns
    -------
    ndarray, (H, W, 3) float32 in [0, 1]

    References
    ----------
    Mordvintsev, Olah, Tyka, "Inceptionism: going deeper into neural networks", 2015.

    Examples
    --------
    >>> image = dream(vgg19(), "cat", "relu4_3", size=384)
    """
    from tqdm.auto import tqdm

    steps, octaves, jitter = whole(steps, "steps", 0), whole(octaves, "octaves"), whole(jitter, "jitter", 0)
    if not (octave_scale > 1 and math.isfinite(octave_scale)):
        raise UserError(f"octave_scale={octave_scale!r}: a number above 1 was expected")
    if not (step_size > 0 and math.isfinite(step_size)):
        raise UserError(f"step_size={step_size!r}: a number above 0 was expected")
    channel = channel_of(net, layer, channel)
    given = pictures.read(picture)
    given = given if size is None else pictures.resize(given, whole(size, "size"))
    smallest = max(SMALLEST, room_for(net, layer))
    pictures.check_size(given, smallest)
    sizes = _sizes(given.shape[:2], octaves, octave_scale, smallest)
    rng = np.random.default_rng(seed)
    disable = None if progress is None else not progress
    dreamed = None
    with tqdm(total=len(sizes) * steps, delay=2, disable=disable, unit="step", leave=False) as bar:
        for octave, (height, width) in enumerate(sizes):
            base = pictures.resize_to(given, height, width)
            start = base if dreamed is None else base + _resized(dreamed, height, width)
            x = np.clip(as_x(start), 0, 1)
            see = excitement(net, x.shape, layer, channel)
            for number in range(1, steps + 1):
                x, value = step(see, x, step_size, rng.integers(-jitter, jitter + 1, 2))
                bar.set_postfix_str(f"octave {octave + 1} of {len(sizes)}, activation {value:.3g}", refresh=False)
                bar.update()
                if callback is not None:
                    callback(octave, number, image_of(x))
            dreamed = image_of(x) - base
    return image_of(x)


def _sizes(full, octaves, scale, smallest):
    """(height, width) of the octaves, small to full; those too small to see anything in are left out."""
    sizes = [tuple(round(side / scale**i) for side in full) for i in range(octaves)]
    return [size for size in sizes[::-1] if min(size) >= smallest or size == tuple(full)]


def _resized(difference, height, width):
    """A difference of pictures at another size; it has values of both signs."""
    from scipy.ndimage import zoom

    factors = height / difference.shape[0], width / difference.shape[1], 1
    return zoom(difference, factors, order=1, grid_mode=True, mode="nearest")
