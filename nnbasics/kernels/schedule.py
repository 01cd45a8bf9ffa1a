"""Which plan for which shape. Nothing here looks at the number of threads: that must not change a result.

Measured on 2 cores of a Zen 4 (1 MB of second-level cache a core, 32 MB of third), in GFLOP/s of the products per core,
where the micro-kernel alone reaches 97:

    channels, filters, tiles     blocks of 14     of 28     panels, 128 tiles     256 tiles
          64       64    16384             77        72                    56            59
         128      128     4096             84        83                    77            79
         256      256     1024             97        95                    79            80
         256      512      256             84        79                    92            87
         512      512      256             75        82                    89            76
         512      512       64             68        74                    89            89
         512      512       16             41        53                    68            68
"""

from nnbasics.kernels.machine import LANES, VARIANT
from nnbasics.kernels.winograd import BLOCKS, PANELS

CHUNK = 128  # tiles whose V, for 512 channels (9 MB), stays in the third-level cache
SMALL = 256 * 256  # channels x filters up to which U (9 MB) can pass by for each block


def plan(channels, filters, tiles):
    """(BLOCKS, tiles in a block) or (PANELS, tiles in a chunk)."""
    block = VARIANT.tall if channels * filters <= 64 * 64 else 2 * VARIANT.tall
    if channels * filters <= SMALL and tiles >= 8 * block:
        return BLOCKS, block
    chunks = -(-tiles // CHUNK)
    return PANELS, -(-tiles // chunks)


def parts(filters, tiles, threads):
    """Into how many parts the tiles of a chunk are split, so that every thread finds a panel to work on."""
    panels = -(-filters // (2 * LANES))
    wanted = -(-2 * threads // panels)
    return max(1, min(wanted, tiles // (2 * VARIANT.tall)))


GRAM_FLOATS = 1 << 21  # for the partial sums of a Gram matrix: 8 MB


def gram_run(channels, blocks):
    """How many neighbouring blocks (or rows) share a partial sum of a Gram matrix, so that there are not too many."""
    most = max(1, min(64, GRAM_FLOATS // channels**2))
    return -(-blocks // most)
