"""Seeing inside: what a network has learned, and what it sees."""

from nnbasics.visualize.activations import activation_curves
from nnbasics.visualize.deconvnet import as_picture, deconvnet, saliency, top_patches
from nnbasics.visualize.dream import dream
from nnbasics.visualize.grids import filter_grid, grid, map_grid
from nnbasics.visualize.inversion import Inversion, invert
from nnbasics.visualize.receptive import receptive_field
from nnbasics.visualize.reconstructions import content_reconstructions, style_reconstructions
from nnbasics.visualize.show import interactive, show
from nnbasics.visualize.tsne import TSNE

__all__ = [
    "TSNE",
    "Inversion",
    "activation_curves",
    "as_picture",
    "content_reconstructions",
    "deconvnet",
    "dream",
    "filter_grid",
    "grid",
    "interactive",
    "invert",
    "map_grid",
    "receptive_field",
    "saliency",
    "show",
    "style_reconstructions",
    "top_patches",
]
