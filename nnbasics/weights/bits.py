"""Numbers that NumPy has no type for."""

import numpy as np


def stored(dtype):
    """The NumPy dtype that values of `dtype` are read as."""
    return np.dtype("<u2" if dtype == "bfloat16" else dtype).newbyteorder("<")


def widened(values, dtype):
    """bfloat16, the upper half of a float32, as float32; anything else as it is."""
    if dtype != "bfloat16":
        return values
    bits = values.astype(np.uint32)
    bits <<= 16
    return bits.view(np.float32)
