"""FractalNet: depth without residuals, from short and long ways that are dropped at random while it learns.

Larsson, Maire, Shakhnarovich, "FractalNet: ultra-deep neural networks without residuals", 2016.
"""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.activation import ReLU
from nnbasics.layers.base import whole
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.fractal import DropPaths, FractalBlock
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import BatchNorm2d
from nnbasics.layers.pooling import MaxPool2d
from nnbasics.layers.regularization import Dropout

WIDTHS = (64, 128, 256, 512)  # channels of the blocks; further ones have as many as the last


def fractalnet(
    blocks=5,
    columns=4,
    *,
    widths=None,
    classes=10,
    drop_path=0.15,
    local=0.5,
    dropout=0.0,
    in_channels=3,
    size=32,
    rng=None,
):
    """FractalNet: B blocks of C columns, B 2^(C - 1) convolutions on the longest way, B on the shortest.

    Its layers are block1 pool1 (drop1) block2 ... poolB (dropB) flatten fc; fc gives the scores that `CrossEntropyLoss`
    takes. A block is a `FractalBlock` of units conv bn relu; each pooling halves height and width.

    Parameters
    ----------
    blocks, columns : int
        B and C.
    widths : sequence of int, optional
        Channels of each block: 64, 128, 256, 512, 512 ... if not given.
    classes : int
    drop_path : float
        In training, the probability that a join drops one of its inputs; 0 for no drop-path.
    local : float
        How often joins drop inputs each for itself; otherwise a mini-batch goes through one column of the whole
        network. Larsson has one half.
    dropout : float
        Of the last block; it grows from 0 behind the first in equal steps. Larsson has 0.4 with, 0 without.
    in_channels : int
    size : int
        Height and width of the pictures.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer, then what is dropped; see `he`.

    Returns
    -------
    Sequential
        x (N, in_channels, size, size) to scores (N, classes).

    Examples
    --------
    >>> net = fractalnet(5, 4, rng="zeros")
    >>> sum(isinstance(layer, Conv2d) for unit in column(net).layers.values() for layer in unit.layers.values())
    40
    """
    blocks, columns = whole(blocks, "blocks"), whole(columns, "columns")
    widths = [WIDTHS[min(block, len(WIDTHS) - 1)] for block in range(blocks)] if widths is None else list(widths)
    if len(widths) != blocks:
        raise UserError(f"fractalnet: {blocks} blocks and widths={widths}; one width for each block was expected")
    if size >> blocks < 1:
        raise UserError(
            f"fractalnet: each of {blocks} blocks halves the picture, and {size}x{size} is too small for it"
        )
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    draws = None if isinstance(rng, str) else rng
    drop_paths = DropPaths(drop_path, local, draws) if drop_path else None
    layers, channels = {}, in_channels
    for number, width in enumerate(widths, 1):
        units = [[_unit(width if i else channels, width, rng) for i in range(2**c)] for c in range(columns)]
        layers[f"block{number}"] = FractalBlock(*units, drop_paths=drop_paths, leads=number == 1)
        layers[f"pool{number}"] = MaxPool2d(2)
        if dropout and number > 1:
            layers[f"drop{number}"] = Dropout(dropout * (number - 1) / (blocks - 1), draws)
        channels = width
    layers["flatten"] = Flatten()
    layers["fc"] = Linear(channels * (size >> blocks) ** 2, classes, rng=rng)
    net = Sequential(layers)
    net.input_shape = (in_channels, size, size)
    return net


def column(net, number=None):
    """One column of every block as a plain network, which shares its parameters with `net`.

    Trained with drop-path, each column has learned to work alone.

    Parameters
    ----------
    net : Sequential
        A `fractalnet`.
    number : int, optional
        From 1, the shortest; the deepest, if not given.

    Returns
    -------
    Sequential
        block1_1 block1_2 ... pool1 block2_1 ... fc.
    """
    layers = {}
    for name, layer in net.layers.items():
        if isinstance(layer, FractalBlock):
            units = layer.column(layer.columns if number is None else number)
            layers |= {f"{name}_{i}": unit.sharing() for i, unit in enumerate(units, 1)}
        else:
            layers[name] = layer.sharing()
    alone = Sequential(layers)
    alone.input_shape = net.input_shape
    return alone


def _unit(in_channels, out_channels, rng):
    conv = Conv2d(in_channels, out_channels, 3, padding=1, bias=False, rng=rng)
    return Sequential({"conv": conv, "bn": BatchNorm2d(out_channels), "relu": ReLU()})
