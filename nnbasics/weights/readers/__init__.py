"""Readers of foreign files: each takes an open file and gives named arrays, executing nothing that is in the file."""

from typing import NamedTuple

from nnbasics.errors import WeightsError
from nnbasics.weights.files import check_name, reading, sha256


class Foreign(NamedTuple):
    """What a file holds: its format in words, its arrays by name in the order of the file, and how pictures go in."""

    format: str
    tensors: dict
    preprocessing: object = None  # a Preprocessing, if the file says


def read(path, progress=None):
    """Recognise a file by its content and read it: a `Foreign`, and the sha256 of the file.

    `progress(fraction)` is called while the file is hashed, which is most of the work.
    """
    with reading(path) as (file, size):
        start = file.read(64)
        file.seek(0)
        try:
            found = _reader(start, file)(path, file, size)
            for name in found.tensors:
                check_name(name)
        except WeightsError as error:
            raise WeightsError(_with_path(path, str(error))) from None
        return found, sha256(file, progress and (lambda done: progress(done / size)))  # last: it may be long, and wrong


def _with_path(path, text):
    """The message with the file in front, and without what a name from the file could do to a terminal."""
    text = text.removeprefix(f"{path}")
    text = text if text.startswith((" ", ": ")) else f" {text}"
    return f"{path}{''.join(letter if letter.isprintable() else '?' for letter in text)}"


def _reader(start, file):
    """The `read` of the module for this kind of file; a module is imported only when it is needed."""
    from nnbasics.weights.readers import apart, npz, numpy_pickle, onnx, own, pytorch, tfjs

    if start.startswith(b"PK\x03\x04"):
        return npz.read if npz.recognises(file) else pytorch.read_zip
    if pytorch.recognises_legacy(start):
        return pytorch.read_legacy
    if start[:1] == b"\x80":
        return numpy_pickle.read
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return apart.keras
    if start.startswith(b"MATLAB 5.0 MAT-file"):
        return apart.matconvnet
    if start.lstrip()[:1] == b"{" and start[7:8] != b"\0":
        return tfjs.read
    if start[8:9] == b"{":
        return own.read
    if onnx.recognises(start):
        return onnx.read
    raise WeightsError(_strange(start))


def _strange(start):
    if start.startswith(b"MATLAB 7.3"):
        return "is a MATLAB 7.3 file; save it with -v7 in MATLAB"
    if start.startswith(b"version https://git-lfs"):
        return "is only a pointer to a file in Git LFS; get the file itself by: git lfs pull"
    if start.lstrip()[:1] == b"<":
        return "is a web page, not weights: the download went wrong"
    return "is of no format known here: PyTorch, Keras .h5, MatConvNet .mat, ONNX, .npz, TensorFlow.js or safetensors"
