"""What hypothesis draws for the kernels: shapes, windows that fit them, and arrays in any memory order."""

import numpy as np
from hypothesis import strategies as st

DTYPES = st.sampled_from([np.float32, np.float64])
ORDERS = st.permutations(range(4))


@st.composite
def windows(draw, pooling=False):
    """x's shape, and kernel, stride and padding that fit it."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k - 1 if pooling else k)) for k in kernel)
    sizes = [draw(st.integers(max(1, k - 2 * p), 9)) for k, p in zip(kernel, padding, strict=True)]
    return (draw(st.integers(0, 3)), draw(st.integers(1, 4)), *sizes), kernel, stride, padding


@st.composite
def dilated_windows(draw):
    """As `windows`, with a dilation too."""
    shape, kernel, stride, padding = draw(windows())
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    wider = [(k - 1) * (d - 1) for k, d in zip(kernel, dilation, strict=True)]
    return (*shape[:2], *map(sum, zip(shape[2:], wider, strict=True))), kernel, stride, padding, dilation


def array(seed, shape, dtype, order):
    """Random numbers of that shape whose memory runs through the axes in that order; small integers, so with ties."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 4, [shape[axis] for axis in order]) + rng.choice([0, 0.25], 1)
    return values.astype(dtype).transpose(np.argsort(order))


def out_sizes(shape, kernel, stride, padding, dilation=(1, 1)):
    settings = zip(shape[2:], kernel, stride, padding, dilation, strict=True)
    return tuple((s + 2 * p - d * (k - 1) - 1) // t + 1 for s, k, t, p, d in settings)


def close(one, other):
    assert one.shape == other.shape and one.dtype == other.dtype
    tolerance = 1e-4 if one.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
