"""Models: layers put together; no arithmetic of their own."""

from nnbasics.models.alexnet import alexnet
from nnbasics.models.cifar import all_cnn, simple_cnn
from nnbasics.models.fractalnet import fractalnet
from nnbasics.models.googlenet import googlenet
from nnbasics.models.lenet import lenet5, two_stage_cnn
from nnbasics.models.mlp import MLP
from nnbasics.models.perceptron import Perceptron
from nnbasics.models.resnet import resnet
from nnbasics.models.state import state
from nnbasics.models.trace import Trace
from nnbasics.models.vgg import vgg, vgg19

__all__ = [
    "MLP",
    "Perceptron",
    "Trace",
    "alexnet",
    "all_cnn",
    "fractalnet",
    "googlenet",
    "lenet5",
    "resnet",
    "simple_cnn",
    "state",
    "two_stage_cnn",
    "vgg",
    "vgg19",
]
