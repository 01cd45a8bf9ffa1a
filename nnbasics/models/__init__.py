"""Models: layers put together; no arithmetic of their own."""

from nnbasics.models.vgg import vgg, vgg19

__all__ = ["vgg", "vgg19"]
