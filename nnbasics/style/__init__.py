"""The main job: a photograph painted in the style of a painting."""

from nnbasics.style.objective import Objective

__all__ = ["Objective"]
