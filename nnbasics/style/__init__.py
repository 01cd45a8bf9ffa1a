"""The main job: a photograph painted in the style of a painting."""

from nnbasics.style.objective import Objective
from nnbasics.style.run import Progress, Result, Run, stylize
from nnbasics.style.settings import Settings

__all__ = ["Objective", "Progress", "Result", "Run", "Settings", "stylize"]
