"""Zip archives from outside (PyTorch's .pth, NumPy's .npz): no bombs, no more memory than the file earns."""

import zipfile
import zlib
from contextlib import contextmanager

import numpy as np

from nnbasics.errors import WeightsError

MAX_DIRECTORY = 1 << 20  # bytes of the archive's table of contents
MAX_GROWTH = 4  # weights hardly compress; a bomb grows a thousandfold


class _Careful:
    """A file that refuses to be read in large pieces while the table of contents is parsed."""

    def __init__(self, file):
        self.file, self.limit = file, MAX_DIRECTORY
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count=-1):
        if self.limit is not None and count > self.limit:
            raise WeightsError(f"holds an archive with a table of contents of {count:,} bytes")
        return self.file.read(count)


@contextmanager
def opened(file, size):
    """The archive in `file`, whose members together are no larger than `MAX_GROWTH` times the file."""
    careful = _Careful(file)
    try:
        with zipfile.ZipFile(careful) as archive:
            careful.limit = None
            declared = sum(member.file_size for member in archive.infolist())
            if declared > MAX_GROWTH * size + MAX_DIRECTORY:
                raise WeightsError(f"unpacks to {declared:,} bytes from {size:,}: a zip bomb, or no file of weights")
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        reason = str(error)[:100] or type(error).__name__
        raise WeightsError(f"is a damaged archive ({reason}): copy or download it again") from None


def array(archive, member, dtype, count, skip=0):
    """A member as a flat array of exactly `count` values of `dtype` after `skip` bytes."""
    name = member.filename
    if member.file_size - skip != count * dtype.itemsize:
        raise WeightsError(
            f"should have {count * dtype.itemsize:,} bytes of values in {name}, and has {member.file_size - skip:,}"
        )
    values = np.empty(count, dtype)
    left = memoryview(values.view(np.uint8))
    with archive.open(member) as file:
        file.read(skip)
        while len(left):
            got = file.readinto(left[: 1 << 20])
            if not got:
                raise WeightsError(f"is cut short within {name}")
            left = left[got:]
    return values
