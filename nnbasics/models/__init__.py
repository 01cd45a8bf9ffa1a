"""Models: layers put together; no arithmetic of their own."""

from nnbasics.models.lenet import lenet5
from nnbasics.models.mlp import MLP
from nnbasics.models.perceptron import Perceptron
from nnbasics.models.trace import Trace
from nnbasics.models.vgg import vgg, vgg19

__all__ = ["MLP", "Perceptron", "Trace", "lenet5", "vgg", "vgg19"]
