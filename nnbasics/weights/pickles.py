"""Pickles read without executing anything: a small machine that knows only the harmless instructions.

A pickle is a program for a stack machine, and Python's own `pickle.load` lets that program call any function it names.
This machine has no way to call anything. The instructions that would (GLOBAL, REDUCE, BUILD ...) leave a description,
`Name` or `Call`, on the stack, and the reader of a format decides which few descriptions it understands.
"""

import struct
from typing import NamedTuple

from nnbasics.errors import WeightsError

MAX_STEPS = 250_000  # the state of a ResNet-152 takes about 50,000
MAX_DEPTH = 32


class Name(NamedTuple):
    """Something the pickle wanted to import: never imported."""

    module: str
    name: str

    def __str__(self):
        return f"{self.module}.{self.name}"


class Call:
    """Something the pickle wanted to call: never called. `state` is what it wanted to fill the result with."""

    def __init__(self, function, arguments):
        self.function, self.arguments, self.state, self.items = function, arguments, None, {}


class Persistent(NamedTuple):
    """A reference to something that lies outside the pickle: PyTorch's storages."""

    key: object


class _Mark:
    """Where a group of stack entries begins."""


def _quick(key):
    """Whether a key is quick to hash and compare: a nest of tuples, or numbers made to collide, can take for ever."""
    return isinstance(key, (str, bytes, type(None))) or (isinstance(key, int) and abs(key) < 1 << 32)


class PickleError(WeightsError):
    """A pickle that cannot be read without executing it, or that is damaged."""


def read(file, limit):
    """What one pickle describes, and every `Name` in it; `file` is left behind it, at most `limit` bytes on."""
    machine = _Machine(file, limit)
    return machine.run(), machine.names


class _Machine:
    def __init__(self, file, limit):
        self.file, self.left = file, limit
        self.stack, self.memo, self.names = [], {}, []

    def run(self):
        for _ in range(MAX_STEPS):
            code = self.take(1)
            if code == b".":
                return self.pop()
            step = _STEPS.get(code)
            if step is None:
                raise PickleError(f"holds a pickle with the instruction {code!r}, which no file of weights needs")
            step(self)
        raise PickleError(f"holds a pickle of more than {MAX_STEPS:,} instructions, too many for a file of weights")

    def take(self, count):
        if count > self.left:
            raise PickleError("is cut short: its pickle does not end")
        self.left -= count
        data = self.file.read(count)
        if len(data) < count:
            raise PickleError("is cut short: its pickle does not end")
        return data

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self):
        text = bytearray()
        while (byte := self.take(1)) != b"\n":
            text += byte
            if len(text) > 1000:
                raise PickleError("holds a pickle with a name of more than 1,000 letters")
        return bytes(text)

    def text(self, form):
        try:
            return self.take(self.number(form)).decode()
        except UnicodeDecodeError:
            raise PickleError("holds a pickle with text that is not UTF-8") from None

    def pop(self, kind=object):
        if not self.stack or self.stack[-1] is _Mark or not isinstance(self.stack[-1], kind):
            raise PickleError("holds a damaged pickle")
        return self.stack.pop()

    def top(self, kind=object):
        value = self.pop(kind)
        self.stack.append(value)
        return value

    def group(self):
        """The entries above the last mark, taken off with it."""
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is _Mark:
                found = self.stack[start + 1 :]
                del self.stack[start:]
                return found
        raise PickleError("holds a damaged pickle")

    def push(self, value):
        self.stack.append(value)

    def keep(self, index):
        self.memo[index] = self.top()

    def recall(self, index):
        if index not in self.memo:
            raise PickleError("holds a damaged pickle")
        self.push(self.memo[index])

    def fill(self, pairs):
        """SETITEM(S): a dict, or the items of something that would be one (an OrderedDict)."""
        if len(pairs) % 2:
            raise PickleError("holds a damaged pickle")
        target = self.top((dict, Call))
        items = target.items if isinstance(target, Call) else target
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not _quick(key):
                raise PickleError(f"holds a pickle with a {type(key).__name__} as the key of a dict")
            items[key] = value

    def call(self):
        arguments = self.pop(tuple)
        self.push(Call(self.pop(), arguments))

    def build(self):
        state = self.pop()
        if isinstance(target := self.top(), Call):
            target.state = state

    def small_tuple(self, count):
        if count:
            items = tuple(self.pop() for _ in range(count))[::-1]
        else:
            items = ()
        self.push(items)

    def name(self, module, name):
        self.names.append(Name(module, name))
        self.push(self.names[-1])

    def global_(self):
        self.name(self.line().decode("latin-1"), self.line().decode("latin-1"))

    def stack_global(self):
        name, module = self.pop(str), self.pop(str)
        self.name(module, name)

    def long_(self, form):
        count = self.number(form)
        if count > 64:
            raise PickleError("holds a pickle with an absurdly long number")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def append(self, values):
        self.top(list).extend(values)

    def latin(self, form):
        self.push(self.take(self.number(form)))


_STEPS = {
    b"\x80": lambda m: m.take(1),  # PROTO
    b"\x95": lambda m: m.take(8),  # FRAME: only a hint for reading ahead
    b"(": lambda m: m.push(_Mark),
    b"0": lambda m: m.pop(),
    b"1": lambda m: m.group(),
    b"2": lambda m: m.push(m.top()),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"J": lambda m: m.push(m.number("<i")),
    b"\x8a": lambda m: m.long_("<B"),
    b"\x8b": lambda m: m.long_("<I"),
    b"G": lambda m: m.push(m.number(">d")),
    b"X": lambda m: m.push(m.text("<I")),
    b"\x8c": lambda m: m.push(m.text("<B")),
    b"\x8d": lambda m: m.push(m.text("<Q")),
    b"U": lambda m: m.latin("<B"),
    b"T": lambda m: m.latin("<I"),
    b"C": lambda m: m.latin("<B"),
    b"B": lambda m: m.latin("<I"),
    b"\x8e": lambda m: m.latin("<Q"),
    b"]": lambda m: m.push([]),
    b"a": lambda m: m.append([m.pop()]),
    b"e": lambda m: m.append(m.group()),
    b"l": lambda m: m.push(m.group()),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.group())),
    b"\x85": lambda m: m.small_tuple(1),
    b"\x86": lambda m: m.small_tuple(2),
    b"\x87": lambda m: m.small_tuple(3),
    b"}": lambda m: m.push({}),
    b"s": lambda m: m.fill([m.pop(), m.pop()][::-1]),
    b"u": lambda m: m.fill(m.group()),
    b"q": lambda m: m.keep(m.number("<B")),
    b"r": lambda m: m.keep(m.number("<I")),
    b"\x94": lambda m: m.keep(len(m.memo)),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"c": lambda m: m.global_(),
    b"\x93": lambda m: m.stack_global(),
    b"Q": lambda m: m.push(Persistent(m.pop())),
    b"R": lambda m: m.call(),
    b"\x81": lambda m: m.call(),
    b"b": lambda m: m.build(),
}
