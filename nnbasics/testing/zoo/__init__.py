"""The bug zoo: layers with one famous mistake each, to find by eye, by `check_gradients`, and by heart.

Every specimen is a class that would pass at a glance. Read its story and its code, say what is wrong, then ask the
checker; the hint and the answer are there for the small hours.

>>> from nnbasics.testing.zoo import ZOO
>>> print(ZOO["ReLUWithoutMask"])
>>> print(ZOO["ReLUWithoutMask"].report())
>>> print(ZOO["ReLUWithoutMask"].answer)
"""

from nnbasics.testing.zoo import activations, convolution, linear, losses, memory, normalization, pooling
from nnbasics.testing.zoo.specimen import ZOO, Specimen

__all__ = ["ZOO", "Specimen"]

_ROOMS = (activations, linear, convolution, pooling, normalization, losses, memory)
