"""Checks for what is written by hand: is this backward the derivative of that forward, and is it a good layer?"""

from nnbasics.testing.gradients import check_gradients
from nnbasics.testing.report import GradientReport

__all__ = ["GradientReport", "check_gradients"]
