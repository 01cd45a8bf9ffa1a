"""NNBASICS_KERNELS: the kernels somebody asks for by hand.

avx512, avx2, neon or plain count when the fast kernels are first used (see `machine`); reference, the slow twins of all
kernels, counts at any time, so a test can set that for a moment.
"""

import os

from nnbasics.errors import UserError

NAMES = ("avx512", "avx2", "neon", "plain", "reference")


def forced():
    """What the variable asks for, in small letters; "" when it leaves the choice to us."""
    name = os.environ.get("NNBASICS_KERNELS", "").strip().lower()
    if name and name not in NAMES:
        raise UserError(f"NNBASICS_KERNELS={name!r} is unknown; choose from {', '.join(NAMES)}")
    return name
