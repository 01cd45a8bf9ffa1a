"""The scales of the loss: the lecture's, and those of four programs whose published settings people want to reuse.

All of them measure the same two distances, between features and between Gram matrices; they differ only in constant
factors, which is why a weight found for one means nothing in another. Here each is written as those factors, for a
layer of N filters and M positions, in a picture of `pixels` pixels.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Convention:
    """Constant factors of the loss.

    loss = content sum (F - P)^2 + style sum (gram F F^T - A)^2 + tv sum (dx^2 + dy^2)^tv_power

    Attributes
    ----------
    gram : callable (N, M) -> float
        Factor of F F^T.
    style : callable (N, M, pixels) -> float
        Factor of the sum over the N^2 entries of the squared difference.
    content : callable (N, M) -> float
        Factor of the sum over the N M entries of the squared difference.
    tv : callable (pixels) -> float
        Factor of the total variation.
    tv_power : float
        The exponent in sum (dx^2 + dy^2)^tv_power over all positions.
    style_weight : float or None
        The program's own weight of the style; None for the one that suits the size.
    defaults : dict
        Its other weights and layers, where they differ from ours.
    tv_of_bytes : float
        What its weight of the total variation, for pixels from 0 to 255, is multiplied by for pixels from 0 to 1.
    normalised : bool
        Whether its network is the normalised one, in which every filter's mean activation is 1, as the shipped one is.
    """

    gram: Callable
    style: Callable
    content: Callable
    tv: Callable
    tv_power: float = 1.0
    style_weight: float | None = None
    defaults: dict = field(default_factory=dict)
    tv_of_bytes: float = 1.0
    normalised: bool = True

    def for_normalised(self, layer):
        """What its weight of the content, and of the style, is multiplied by for the normalised network."""
        size = 1.0 if self.normalised else original_size(layer)
        return size**2, size**4

    def in_paper(self, n, m, pixels):
        """What a layer's weight of the content, and of the style, is multiplied by to be the paper's."""
        return 2 * self.content(n, m), 4 * n**2 * m**2 * self.gram(n, m) ** 2 * self.style(n, m, pixels)


ORIGINAL = {"relu1_1": 18.6, "relu2_1": 67.0, "relu3_1": 62.0, "relu4_1": 316.0, "relu4_2": 272.0, "relu5_1": 25.0}
"""How large features of the original VGG-19 are, where those of the normalised network are 1.

Measured from outside: the installation notes of neural-style and neural-style-pt print the losses of a grey picture,
terms that are 1^2 and 1^4 times these sizes; the same terms of the shipped pictures on the normalised network lie that
far below. One number a layer, good to a third or so: between the filters of a layer the difference is lost.
"""


def original_size(layer):
    """The entry of `ORIGINAL` for a layer, or that of its block; 1 for a layer that is not of a VGG."""
    block = re.match(r"\D+(\d)", layer)
    same_block = [size for name, size in ORIGINAL.items() if block and name[:5] == f"relu{block[1]}"]
    return ORIGINAL.get(layer, (same_block or [1.0])[0])


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
        tv=lambda pixels: 1.0,
    ),
    # jcjohnson/neural-style: Gram matrix per value, means of squares; half the total variation, in its gradient only.
    "johnson": Convention(
        **_JOHNSON,
        tv=lambda pixels: 1.0,
        tv_of_bytes=255**2 / 2,
        normalised=False,
        style_weight=100.0,
        defaults={"content_weight": 5.0, "tv_weight": 1e-3, "style_layers": dict.fromkeys(_LAYERS, 1.0)},
    ),
    # leongatys/PytorchNeuralStyleTransfer: Gram matrix per position, layer weights 1000/N^2.
    "gatys-notebook": Convention(
        gram=lambda n, m: 1 / m,
        style=lambda n, m, pixels: 1e3 / n**4,
        content=lambda n, m: 1 / (n * m),
        tv=lambda pixels: 1.0,
        tv_of_bytes=255**2,
        normalised=False,
        style_weight=1.0,
        defaults={"style_layers": dict.fromkeys(_LAYERS, 1.0)},
    ),
    # anishathalye/neural-style: as johnson; layer weights add up to 1, total variation is a mean.
    "anish": Convention(
        **_JOHNSON,
        tv=lambda pixels: 1 / (3 * pixels),
        tv_of_bytes=255**2,
        normalised=False,
        style_weight=500.0,
        defaults={"content_weight": 5.0, "tv_weight": 100.0, "style_layers": dict.fromkeys(_LAYERS, 0.2)},
    ),
    # The Keras example: the paper's sums with the picture's 3 channels and pixels in every layer.
    "keras": Convention(
        gram=lambda n, m: 1.0,
        style=lambda n, m, pixels: 1 / (4 * 3**2 * pixels**2),
        content=lambda n, m: 1.0,
        tv=lambda pixels: 1.0,
        tv_power=1.25,
        tv_of_bytes=255**2.5,
        normalised=False,
        style_weight=1e-6,
        defaults={
            "content_weight": 2.5e-8,
            "content_layers": {"relu5_2": 1.0},
            "tv_weight": 1e-6,
            "style_layers": dict.fromkeys(_LAYERS, 0.2),
        },
    ),
}
