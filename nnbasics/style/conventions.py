"""The scales of the loss: the lecture's, and those of four programs whose published settings people want to reuse.

All of them measure the same two distances, between features and between Gram matrices; they differ only in constant
factors, which is why a weight found for one means nothing in another. Here each is written as those factors, for a
layer of N filters and M positions, in a picture of `pixels` pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Convention:
    """Constant factors of the loss.

    loss = content sum (F - P)^2 + style sum (gram F F^T - A)^2 + sum (down dy^2 + right dx^2)^tv_power

    Attributes
    ----------
    gram : callable (N, M) -> float
        Factor of F F^T.
    style : callable (N, M, pixels) -> float
        Factor of the sum over the N^2 entries of the squared difference.
    content : callable (N, M) -> float
        Factor of the sum over the N M entries of the squared difference.
    tv : callable (height, width) -> (down, right)
        Factors of the total variation.
    tv_power : float
        The exponent in it.
    tv_inner : bool
        Whether its sum leaves out the last row and the last column.
    style_weight : float or None
        The program's own weight of the style; None for the one that suits the size.
    defaults : dict
        Its other weights and layers, where they differ from ours.
    white : float or None
        What white is in the pictures that its network and its total variation see; None for a picture from 0 to 1 and a
        network whose every filter has mean 1, as the shipped one.
    """

    gram: Callable
    style: Callable
    content: Callable
    tv: Callable
    tv_power: float = 1.0
    tv_inner: bool = False
    style_weight: float | None = None
    defaults: dict = field(default_factory=dict)
    white: float | None = None

    @property
    def tv_of_white(self):
        """What its weight of the total variation is multiplied by for pixels from 0 to 1."""
        return (self.white or 1.0) ** (2 * self.tv_power)

    def in_paper(self, n, m, pixels):
        """What a layer's weight of the content, and of the style, is multiplied by to be the paper's."""
        return 2 * self.content(n, m), 4 * n**2 * m**2 * self.gram(n, m) ** 2 * self.style(n, m, pixels)


_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_JOHNSON = {
    "gram": lambda n, m: 1 / (n * m),
    "style": lambda n, m, pixels: 1 / n**2,
    "content": lambda n, m: 1 / (n * m),
}

CONVENTIONS = {
    # Gatys, Ecker, Bethge 2015, and the lecture: E_l = 1/(4 N^2 M^2) sum (G - A)^2, content 1/2 sum (F - P)^2.
    "paper": Convention(
        gram=lambda n, m: 1.0,
        style=lambda n, m, pixels: 1 / (4 * n**2 * m**2),
        content=lambda n, m: 1 / 2,
        tv=lambda height, width: (1.0, 1.0),
    ),
    # jcjohnson/neural-style: Gram matrix per value, means of squares; half the total variation, in its gradient only.
    "johnson": Convention(
        **_JOHNSON,
        tv=lambda height, width: (0.5, 0.5),
        tv_inner=True,
        white=256.0,
        style_weight=100.0,
        defaults={"content_weight": 5.0, "tv_weight": 1e-3, "style_layers": dict.fromkeys(_LAYERS, 1.0)},
    ),
    # leongatys/PytorchNeuralStyleTransfer: Gram matrix per position, layer weights 1000/N^2.
    "gatys-notebook": Convention(
        gram=lambda n, m: 1 / m,
        style=lambda n, m, pixels: 1e3 / n**4,
        content=lambda n, m: 1 / (n * m),
        tv=lambda height, width: (1.0, 1.0),
        white=255.0,
        style_weight=1.0,
        defaults={"style_layers": dict.fromkeys(_LAYERS, 1.0)},
    ),
    # anishathalye/neural-style: as johnson; layer weights add up to 1, total variation is two means.
    "anish": Convention(
        **_JOHNSON,
        tv=lambda height, width: (1 / (3 * max(height - 1, 1) * width), 1 / (3 * height * max(width - 1, 1))),
        white=255.0,
        style_weight=500.0,
        defaults={"content_weight": 5.0, "tv_weight": 100.0, "style_layers": dict.fromkeys(_LAYERS, 0.2)},
    ),
    # The Keras example: the paper's sums with the picture's 3 channels and pixels in every layer.
    "keras": Convention(
        gram=lambda n, m: 1.0,
        style=lambda n, m, pixels: 1 / (4 * 3**2 * pixels**2),
        content=lambda n, m: 1.0,
        tv=lambda height, width: (1.0, 1.0),
        tv_power=1.25,
        tv_inner=True,
        white=255.0,
        style_weight=1e-6,
        defaults={
            "content_weight": 2.5e-8,
            "content_layers": {"relu5_2": 1.0},
            "tv_weight": 1e-6,
            "style_layers": dict.fromkeys(_LAYERS, 0.2),
        },
    ),
}
