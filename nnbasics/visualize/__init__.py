"""Seeing inside: what a network has learned, and what it sees."""

from nnbasics.visualize.tsne import TSNE

__all__ = ["TSNE"]
