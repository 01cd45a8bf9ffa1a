"""Seeing inside: what a network has learned, and what it sees."""

from nnbasics.visualize.show import interactive, show
from nnbasics.visualize.tsne import TSNE

__all__ = ["TSNE", "interactive", "show"]
