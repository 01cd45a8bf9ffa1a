"""See `nnbasics.interrupt`."""

from nnbasics.interrupt import gently

__all__ = ["gently"]
