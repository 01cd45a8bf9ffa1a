"""A classifier on the way: the middle of a deep network hears about the labels too."""

from nnbasics.layers.containers import Container


class AuxiliaryClassifier(Container):
    """A side exit: x passes as it is, and in training a head of its own makes scores from it.

    ::

        y  = x        and, in training, scores = head(x)
        dx = dy + head'(dscores)

    The head learns from `dscores`, which `AuxiliaryLoss` leaves here; by this way the layers before it have a gradient
    that did not come through all those behind. In use the head is not computed.

    Parameters
    ----------
    head : Layer

    Attributes
    ----------
    scores : ndarray or None
        What the head made of the last x.
    dscores : ndarray or None
        dL/dscores for them; None gives the head the gradient 0.

    References
    ----------
    Szegedy et al., "Going deeper with convolutions", 2014.
    """

    def __init__(self, head):
        super().__init__({"head": head})
        self.scores = self.dscores = None

    def forward(self, x):
        self.check_x(x)
        self.dscores = None
        self.scores = self.layers["head"].forward(x) if self.training else None
        return self.keep(x)

    def backward(self, dy):
        dy = self.kept(dy)["dy"]
        if self.dscores is None:
            self.left_out(dy.dtype)
            return dy
        return dy + self.layers["head"].backward(self.dscores)

    def forget(self):
        super().forget()
        self.scores = self.dscores = None

    def multiply_adds(self, x_shape):
        return self.layers["head"].multiply_adds(x_shape) if self.training else 0
