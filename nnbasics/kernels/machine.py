"""What this processor's vectors are like, and which kernels that calls for.

The environment variable NNBASICS_KERNELS chooses by hand: avx512, avx2, neon or plain when the library is imported,
and, at any time, reference: the slow twins of all kernels, in plain Python and NumPy.
"""

from typing import NamedTuple

from nnbasics.kernels.forced import forced


class Variant(NamedTuple):
    """How the kernels are cut for one kind of processor.

    lanes: how many float32 a vector register holds. tall, short: rows of the two register tiles of the micro-kernel,
    each two vectors wide: tall x 2 sums, 2 vectors of B and one of A must fit the registers (AVX-512 and NEON have 32,
    AVX2 and SSE 16).
    """

    name: str
    lanes: int
    tall: int
    short: int


VARIANTS = {
    "avx512": Variant("avx512", 16, 14, 8),
    "avx2": Variant("avx2", 8, 6, 4),
    "neon": Variant("neon", 4, 12, 8),
    "plain": Variant("plain", 4, 6, 4),
}


def _of_this_machine():
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512vl"):
        return "avx512"
    if features.get("avx2") and features.get("fma"):
        return "avx2"
    return "neon" if features.get("neon") else "plain"


VARIANT = VARIANTS.get(forced()) or VARIANTS[_of_this_machine()]
LANES = VARIANT.lanes
