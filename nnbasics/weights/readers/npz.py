"""NumPy's .npz: a zip of arrays, read without `allow_pickle`."""

from math import prod

from numpy.lib import format as npy

from nnbasics.errors import WeightsError
from nnbasics.weights.readers import Foreign, zips


def recognises(file):
    """Whether a zip archive begins with an array of NumPy's."""
    header = file.read(30)
    file.seek(0)
    length = int.from_bytes(header[26:28], "little")
    file.seek(30)
    name = file.read(length)
    file.seek(0)
    return name.endswith(b".npy")


def read(path, file, size):
    """All arrays, in the order of the archive."""
    with zips.opened(file, size) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        return Foreign("NumPy .npz", {it.filename.removesuffix(".npy"): _array(archive, it) for it in members})


def _array(archive, member):
    with archive.open(member) as file:
        try:
            version = npy.read_magic(file)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = header(file)
        except Exception as error:  # the header is a piece of Python, parsed with what that may raise
            raise WeightsError(
                f"holds {member.filename}, whose header cannot be read ({type(error).__name__})"
            ) from None
        skip = file.tell()
    if dtype.hasobject:
        raise WeightsError(f"holds Python objects in {member.filename}: unpickling them would execute code, refused")
    if dtype.kind not in "fiub":
        raise WeightsError(f"holds {dtype} in {member.filename}, which are not the values of a network")
    values = zips.array(archive, member, dtype, prod(shape), skip)
    return values.reshape(shape, order="F" if fortran else "C")
