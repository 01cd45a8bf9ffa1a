"""The scales of the loss: the lecture's, and those of four programs whose published settings people want to reuse.

All of them measure the same two distances, between features and between Gram matrices; they differ only in constant
factors, which is why a weight found for one means nothing in another. Here each is written as those factors, for a
layer of N filters and M positions, in a picture of `pixels` pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass


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
    """

    gram: Callable
    style: Callable
    content: Callable
    tv: Callable
    tv_power: float = 1.0


CONVENTIONS = {
    # Gatys, Ecker, Bethge 2015, and the lecture: E_l = 1/(4 N^2 M^2) sum (G - A)^2, content 1/2 sum (F - P)^2.
    "paper": Convention(
        gram=lambda n, m: 1.0,
        style=lambda n, m, pixels: 1 / (4 * n**2 * m**2),
        content=lambda n, m: 1 / 2,
        tv=lambda pixels: 1.0,
    ),
    # jcjohnson/neural-style: Gram matrix per value, means of squares.
    "johnson": Convention(
        gram=lambda n, m: 1 / (n * m),
        style=lambda n, m, pixels: 1 / n**2,
        content=lambda n, m: 1 / (n * m),
        tv=lambda pixels: 1.0,
    ),
    # leongatys/PytorchNeuralStyleTransfer: Gram matrix per position, layer weights 1000/N^2.
    "gatys-notebook": Convention(
        gram=lambda n, m: 1 / m,
        style=lambda n, m, pixels: 1e3 / n**4,
        content=lambda n, m: 1 / (n * m),
        tv=lambda pixels: 1.0,
    ),
    # anishathalye/neural-style: as johnson; total variation is a mean.
    "anish": Convention(
        gram=lambda n, m: 1 / (n * m),
        style=lambda n, m, pixels: 1 / n**2,
        content=lambda n, m: 1 / (n * m),
        tv=lambda pixels: 1 / (3 * pixels),
    ),
    # The Keras example: the paper's sums with the picture's 3 channels and pixels in every layer.
    "keras": Convention(
        gram=lambda n, m: 1.0,
        style=lambda n, m, pixels: 1 / (4 * 3**2 * pixels**2),
        content=lambda n, m: 1.0,
        tv=lambda pixels: 1.0,
        tv_power=1.25,
    ),
}
