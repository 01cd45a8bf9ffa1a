"""Numbers that NumPy has no type for."""

import numpy as np


def stored(dtype):
    """The NumPy dtype that values of `dtype` are read as."""
    return np.dtype("<u2" if dtype == "bfloat16" else dtype).newbyteorder("<")


def widened(values, dtype):
    """bfloat16, the upper half of a float32, as float32; anything else as it is."""
    return (values.astype(np.uint32) << 16).view(np.float32) if dtype == "bfloat16" else values
