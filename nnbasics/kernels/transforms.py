"""Winograd's F(4x4, 3x3): 16 outputs of a 3x3 filter for 36 multiplications instead of 144.

Where it comes from, in one dimension. Multiply two polynomials, g of degree 2 and y of degree 3, coefficient by
coefficient: 3 x 4 = 12 multiplications. Their product has degree 5, so it is known as soon as its values at six points
are; the value of a product is the product of the values, so six multiplications do (Cook and Toom):

    coefficients of g y  =  interpolate( evaluate(g) * evaluate(y) )

With "infinity" as the sixth point, where the "value" is the leading coefficient, and points s = 0, +-p, +-r:

    G    row s: (1, s, s^2) / N(s)      evaluates the filter; N(s) = product of (s - t) over the other finite points
    A    row s: (1, s, s^2, s^3)        evaluates y
    B    column s: the coefficients of N(x) / (x - s)   interpolates: Lagrange's polynomials

Sliding a filter along an input is the transpose of that multiplication (y^T (filter * d) = (filter y)^T d), so turning
the two outer matrices round gives the convolution, and applying it along both axes gives two dimensions:

    y = A^T [ (G g G^T) * (B^T d B) ] A         d: 6x6 inputs, g: 3x3 filter, y: 4x4 outputs, *: number by number

Summed over channels, the 36 numbers become 36 products of matrices, which is where the time goes.

Why these points: the textbook's 0, +-1, +-2 has powers up to 8, and rounding errors to match. With 0, +-3/4, +-3/2 the
error of a layer is half of that (5.7e-7 for 1.15e-6, on 256 channels), and all constants but G's are exact in float32.

Each function below applies one matrix to six (or three) things that can be added and multiplied: NumPy arrays in the
tests, vectors of the processor in the kernels.
"""

from fractions import Fraction

import numpy as np

P, R = Fraction(3, 4), Fraction(3, 2)
POINTS = (Fraction(0), P, -P, R, -R)  # and infinity
TILE = 4  # outputs along one axis
PATCH = 6  # inputs along one axis


def matrices(points=POINTS):
    """(A^T, G, B^T) for these finite points and infinity, as lists of rows of exact fractions."""
    n = len(points) + 1
    a_rows = [[s**k for k in range(n - 2)] for s in points] + [[Fraction(k == n - 3) for k in range(n - 2)]]
    g_rows = [[s**k / _without(points, s, s) for k in range(3)] for s in points] + [
        [Fraction(k == 2) for k in range(3)]
    ]
    b_rows = [[*_coefficients([t for t in points if t != s]), Fraction(0)] for s in points] + [_coefficients(points)]
    return [list(column) for column in zip(*a_rows, strict=True)], g_rows, b_rows


def _without(points, s, x):
    """The product of (x - t) over all points t but s."""
    product = Fraction(1)
    for t in points:
        if t != s:
            product *= x - t
    return product


def _coefficients(roots):
    """Coefficients of the product of (x - t), constant term first."""
    polynomial = [Fraction(1)]
    for t in roots:
        polynomial = [low - t * high for low, high in zip([0, *polynomial], [*polynomial, 0], strict=True)]
    return polynomial


def input_transform(d):
    """B^T d, six from six. A pair of points +-s shares its even and its odd part: 12 multiply-adds, not 26."""
    p2, r2 = float(P * P), float(R * R)
    even_p, odd_p = d[4] - r2 * d[2], float(P) * (d[3] - r2 * d[1])
    even_r, odd_r = d[4] - p2 * d[2], float(R) * (d[3] - p2 * d[1])
    return [
        p2 * r2 * d[0] + (d[4] - (p2 + r2) * d[2]),
        even_p + odd_p,
        even_p - odd_p,
        even_r + odd_r,
        even_r - odd_r,
        p2 * r2 * d[1] + (d[5] - (p2 + r2) * d[3]),
    ]


def filter_transform(g):
    """G g, six from three."""
    rows = []
    for s in (P, R):
        even, odd = g[0] + float(s * s) * g[2], float(s) * g[1]
        rows += [_divided(even + odd, _without(POINTS, s, s)), _divided(even - odd, _without(POINTS, s, s))]
    return [_divided(g[0], _without(POINTS, Fraction(0), Fraction(0))), *rows, g[2]]


def _divided(x, n):
    """x / n, where 1 / n has no exact float32: in two parts, so that not all filters are off by the same hair."""
    high = np.float32(1 / n)
    low = np.float32(1 / n - Fraction(float(high)))
    return x * float(high) + x * float(low)


def output_transform(m):
    """A^T m, four from six."""
    sum_p, difference_p = m[1] + m[2], m[1] - m[2]
    sum_r, difference_r = m[3] + m[4], m[3] - m[4]
    return [
        m[0] + (sum_p + sum_r),
        float(P) * difference_p + float(R) * difference_r,
        float(P**2) * sum_p + float(R**2) * sum_r,
        float(P**3) * difference_p + (float(R**3) * difference_r + m[5]),
    ]


def output_gradient_transform(dy):
    """A dy, six from four: the transpose of the output transform, for gradients of the filters."""
    rows = []
    for s in (P, R):
        even, odd = dy[0] + float(s**2) * dy[2], float(s) * dy[1] + float(s**3) * dy[3]
        rows += [even + odd, even - odd]
    return [dy[0], *rows, dy[3]]


def filter_gradient_transform(m):
    """G^T m, three from six: the transpose of the filter transform."""
    zero = _divided(m[0], _without(POINTS, Fraction(0), Fraction(0)))
    even_p, odd_p = _divided(m[1] + m[2], _without(POINTS, P, P)), _divided(m[1] - m[2], _without(POINTS, P, P))
    even_r, odd_r = _divided(m[3] + m[4], _without(POINTS, R, R)), _divided(m[3] - m[4], _without(POINTS, R, R))
    return [
        zero + (even_p + even_r),
        float(P) * odd_p + float(R) * odd_r,
        float(P**2) * even_p + (float(R**2) * even_r + m[5]),
    ]


def in_two_dimensions(transform, square):
    """Apply a transform along the first axis of a list of lists, then along the second."""
    columns = [transform([row[j] for row in square]) for j in range(len(square[0]))]
    return [transform([column[i] for column in columns]) for i in range(len(columns[0]))]
