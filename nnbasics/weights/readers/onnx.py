"""ONNX: the weights of a graph's convolutions and fully connected layers, in the order of its nodes.

The format is protobuf: a message is a row of fields, each with a number and a kind. The few that are needed are read
here, so that nothing needs to be installed.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights.bits import stored, widened
from nnbasics.weights.readers import Foreign

_DTYPES = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
_MAX_PARTS = 250_000  # in all; a ResNet-152 has about 15,000
_MAX_FILE = 1 << 31  # of protobuf itself
_PIECE = 1 << 18  # bytes


class _Node(NamedTuple):
    """What a node does, and the names of what goes in and out."""

    operator: str
    inputs: list
    outputs: list
    transposed: bool  # a Gemm whose weight is (out, in)


def recognises(start):
    """ONNX has no signature: its first field is the version of its format, a small number."""
    return start[:1] == b"\x08" and len(start) > 8 and start[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42")


def read(path, file, size):
    """The weight and bias of each Conv, Gemm and MatMul, named after the weight."""
    if size > _MAX_FILE:
        raise WeightsError(f"has {size:,} bytes, more than an ONNX file can have")
    reader = _Reader()
    model = reader.fields(memoryview(file.read()))
    graph = reader.fields(_slice(_last(model, 7, b"")))
    tensors = {}
    for data in graph.get(5, ()):
        name, values = reader.tensor(data)
        if name in tensors:
            raise WeightsError(f"names the tensor {name[:80]} twice")
        if values is not None:
            tensors[name] = values
    nodes = [reader.node(data) for data in graph.get(1, ())]
    return Foreign("ONNX", dict(_layers(nodes, tensors)))


def _layers(nodes, tensors):
    adds = {name: node for node in nodes if node.operator == "Add" and len(node.inputs) == 2 for name in node.inputs}
    for node in nodes:
        operator, inputs = node.operator, node.inputs
        if operator not in ("Conv", "Gemm", "MatMul") or len(inputs) < 2 or inputs[1] not in tensors:
            continue
        base, weight = inputs[1].removesuffix(".weight").removesuffix("_weight"), tensors[inputs[1]]
        out_first = operator == "Conv" or (operator == "Gemm" and node.transposed)
        yield f"{base}.weight", weight if out_first else weight.T
        if len(inputs) < 3 and node.outputs and node.outputs[0] in adds:  # a bias put on top of a MatMul
            inputs = [*inputs[:2], *(name for name in adds[node.outputs[0]].inputs if name in tensors)]
        if len(inputs) > 2 and inputs[2] in tensors:
            yield f"{base}.bias", tensors[inputs[2]]


class _Reader:
    """Reads messages, and counts their parts: an honest file has few."""

    def __init__(self):
        self.left = _MAX_PARTS

    def count(self):
        self.left -= 1
        if self.left < 0:
            raise WeightsError(f"has more than {_MAX_PARTS:,} fields, too many for a file of weights")

    def fields(self, data):
        """The fields of a message by number, each a list of numbers (of kind 0) or of slices (kinds 1, 2 and 5)."""
        found, position = {}, 0
        while position < len(data):
            self.count()
            key, position = _varint(data, position)
            if key & 7 == 0:
                value, position = _varint(data, position)
            else:
                length, position = _length(data, position, key & 7)
                value, position = data[position : position + length], position + length
                if len(value) < length:
                    raise WeightsError("is cut short, or no ONNX file")
            found.setdefault(key >> 3, []).append(value)
        return found

    def node(self, data):
        fields = self.fields(_slice(data))
        inputs, outputs = ([_text(name) for name in fields.get(number, ())] for number in (1, 2))
        operator = _text(_last(fields, 4, b""))
        settings = [self.fields(_slice(data)) for data in fields.get(5, ())] if operator == "Gemm" else []
        transposed = any(_text(_last(it, 1, b"")) == "transB" and _last(it, 3, 0) == 1 for it in settings)
        return _Node(operator, inputs, outputs, transposed)

    def tensor(self, data):
        """Name and values of a tensor; the values are None if they are not real numbers."""
        fields = self.fields(_slice(data))
        name, dtype = _text(_last(fields, 8, b"")), _DTYPES.get(_last(fields, 2, 0))
        if dtype is None:
            return name, None
        if _last(fields, 14, 0) == 1:
            raise WeightsError("keeps its values in other files; make one: onnx.save(onnx.load(FILE), 'one.onnx')")
        shape = self.numbers(fields.get(1, ()))
        values = self.values(fields, dtype)
        if len(shape) > 8 or prod(shape) != values.size:
            raise WeightsError(f"has {values.size:,} values for {name[:80]}, whose shape is {tuple(shape[:8])}")
        return name, values.reshape(shape)

    def values(self, fields, dtype):
        kind = stored(dtype)
        if 9 in fields:  # the bytes themselves
            data = _slice(fields[9][-1])
        elif dtype in ("float32", "float64"):  # one by one, or packed
            parts = [_slice(part) for part in fields.get(4 if dtype == "float32" else 10, ())]
            data = parts[0] if len(parts) == 1 else b"".join(parts)
        else:  # the bits of float16, one to a number
            parts = fields.get(5, ())
            packed = len(parts) == 1 and not isinstance(parts[0], int)
            data = _halves(parts[0]) if packed else np.array(self.numbers(parts), np.uint64).astype("<u2").tobytes()
        return widened(np.frombuffer(data, kind, len(data) // kind.itemsize), dtype)

    def numbers(self, parts):
        """Repeated numbers, one by one or packed."""
        found = []
        for part in parts:
            if isinstance(part, int):
                found.append(part)
            else:
                position = 0
                while position < len(part):
                    self.count()
                    number, position = _varint(part, position)
                    found.append(number)
        return found


def _halves(data):
    """Packed numbers of 16 bits, each of them in one to three bytes, as bytes: not one by one, but piece by piece."""
    found, position = bytearray(), 0
    while position < len(data):
        piece = np.frombuffer(data[position : position + _PIECE], np.uint8)
        ends = np.flatnonzero(piece < 128)
        starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
        if not len(ends) or (ends - starts).max() > 2:
            raise WeightsError("is no ONNX file: one of its numbers does not end")
        numbers = np.zeros(len(ends), np.uint32)
        for place in range(3):
            there = starts + place <= ends
            numbers[there] |= (piece[starts[there] + place] & np.uint32(127)) << (7 * place)
        found += numbers.astype("<u2").tobytes()
        position += int(ends[-1]) + 1
    return found


def _varint(data, position):
    """A number in groups of seven bits, the lowest first, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise WeightsError("is cut short, or no ONNX file")
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (1 << 64) - 1, position
    raise WeightsError("is no ONNX file: one of its numbers does not end")


def _length(data, position, kind):
    if kind == 2:
        return _varint(data, position)
    if kind in (1, 5):
        return (8 if kind == 1 else 4), position
    raise WeightsError("is no ONNX file: it has a field of no known kind")


def _slice(value):
    if isinstance(value, int):
        raise WeightsError("is no ONNX file: a number stands where something longer should")
    return value


def _last(fields, number, default):
    return fields.get(number, [default])[-1]


def _text(value):
    if len(_slice(value)) > 1000:
        raise WeightsError("is no ONNX file of weights: a name in it has more than 1,000 letters")
    return bytes(value).decode(errors="replace")
