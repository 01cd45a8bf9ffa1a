"""Checks for what is written by hand: is this backward the derivative of that forward, and is it a good layer?"""

from nnbasics.testing.contract import ContractError, check_layer, parametrize_with_checks
from nnbasics.testing.exercises import exercise
from nnbasics.testing.gradients import check_gradients
from nnbasics.testing.report import GradientReport

__all__ = ["ContractError", "GradientReport", "check_gradients", "check_layer", "exercise", "parametrize_with_checks"]
