"""Vectors of the processor, for kernels that must be written out instruction by instruction.

A compiler given a scalar loop guesses which vectors to use. Here we say it: `Vector` is one register of LANES float32
numbers, `Index` a whole number, and an ordinary Python function over them, wrapped by `emit`, *writes machine code*:

    @emit
    def double(x, n):                        # x, n are Index values: an address, a count
        with repeat(n) as i:                 # a loop of the machine
            v = load(x + i * LANES)
            for _ in range(3):               # a loop of Python: its body is written three times
                v = v + v
            store(x + i * LANES, v)

When Numba compiles a kernel that calls `double`, it runs this function once; every operator appends an instruction of
LLVM, and Python's loops leave straight-line code behind. Because only operators are used, arithmetic such as a Winograd
transform is written once and also runs on NumPy arrays, which is how it is tested.

Addresses are counted in floats: the memory is one long row of float32 numbers, and `x + 1` is the number after `x`.
(That is a byte address divided by four; `address` makes one from an array.) Nothing checks bounds: kernels do.
"""

import inspect
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from nnbasics.kernels.machine import LANES

FLOAT, BIT, INT32, INT64 = ir.FloatType(), ir.IntType(1), ir.IntType(32), ir.IntType(64)
BITS = ir.IntType(max(LANES, 8))  # a mask in memory: a bit a lane, at least a byte
MASK_BYTES = max(LANES, 8) // 8


class Value:
    """An LLVM value and the builder that appends instructions."""

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    def _other(self, other):
        return other.value if isinstance(other, Value) else self._constant(other)

    def _new(self, value):
        return type(self)(self.builder, value)


class Index(Value):
    """A 64-bit whole number."""

    @classmethod
    def constant(cls, like, number):
        return cls(like.builder, ir.Constant(INT64, number))

    def _constant(self, number):
        return ir.Constant(INT64, int(number))

    def __add__(self, other):
        return self._new(self.builder.add(self.value, self._other(other)))

    def __sub__(self, other):
        return self._new(self.builder.sub(self.value, self._other(other)))

    def __mul__(self, other):
        return self._new(self.builder.mul(self.value, self._other(other)))

    def __floordiv__(self, power_of_two):
        return self._new(self.builder.ashr(self.value, ir.Constant(INT64, power_of_two.bit_length() - 1)))

    def __mod__(self, power_of_two):
        return self._new(self.builder.and_(self.value, ir.Constant(INT64, power_of_two - 1)))

    def __lt__(self, other):
        return Condition(self.builder, self.builder.icmp_signed("<", self.value, self._other(other)))

    def __ge__(self, other):
        return Condition(self.builder, self.builder.icmp_signed(">=", self.value, self._other(other)))

    def equals(self, other):
        return Condition(self.builder, self.builder.icmp_signed("==", self.value, self._other(other)))


def least(a, number):
    """The smaller of an Index and a number."""
    return (a < number).choose(a, Index.constant(a, number))


class Condition(Value):
    """One bit: yes or no."""

    def __and__(self, other):
        return self._new(self.builder.and_(self.value, other.value))

    def choose(self, yes, no):
        return yes._new(self.builder.select(self.value, yes.value, no.value))


class Vector(Value):
    """LANES float32 numbers in one register."""

    def _constant(self, number):
        kind = ir.VectorType(FLOAT, LANES)
        return ir.Constant(kind, [float(number)] * LANES)

    def __add__(self, other):
        if isinstance(other, Product):
            return other + self
        return Vector(self.builder, self.builder.fadd(self.value, self._other(other)))

    def __sub__(self, other):
        if isinstance(other, Product):
            return Product(-other.a, other.b) + self
        return Vector(self.builder, self.builder.fsub(self.value, self._other(other)))

    def __mul__(self, other):
        return Product(self, Vector(self.builder, self._other(other)))

    def __neg__(self):
        return Vector(self.builder, self.builder.fneg(self.value))

    __radd__ = __add__
    __rmul__ = __mul__

    def __gt__(self, other):
        """Lane by lane: is it larger? A NaN is not."""
        return Mask(self.builder, self.builder.fcmp_ordered(">", self.value, self._other(other)))

    def not_at_most(self, other):
        """Lane by lane: is it larger, or a NaN?"""
        return Mask(self.builder, self.builder.fcmp_unordered(">", self.value, self._other(other)))

    def is_nan(self):
        return Mask(self.builder, self.builder.fcmp_unordered("uno", self.value, self.value))


class Product(Vector):
    """a * b, not multiplied yet: if something is added to it, both happen in one fused instruction, rounded once."""

    def __init__(self, a, b):
        self.builder = a.builder
        self.a = a
        self.b = b

    @property
    def value(self):
        return self.builder.fmul(self.a.value, self.b.value)

    def __add__(self, other):
        kind = self.a.value.type
        name = f"llvm.fmuladd.v{kind.count}f32"
        fused = cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(kind, [kind] * 3), name)
        c = Vector(self.builder, self._other(other))
        return Vector(self.builder, self.builder.call(fused, [self.a.value, self.b.value, c.value]))

    def __sub__(self, other):
        return self + -Vector(self.builder, self._other(other))


class Mask(Value):
    """One bit a lane."""

    def __and__(self, other):
        return self._new(self.builder.and_(self.value, other.value))

    def __or__(self, other):
        return self._new(self.builder.or_(self.value, other.value))

    def __invert__(self):
        return self._new(self.builder.not_(self.value))

    def any(self):
        """Is a bit set in some lane?"""
        bits = self.builder.bitcast(self.value, ir.IntType(LANES))
        return Condition(self.builder, self.builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0)))

    def choose(self, yes, no):
        """Lane by lane: `yes` where the bit is set, else `no` (vectors, or a vector and a number)."""
        return Vector(self.builder, self.builder.select(self.value, yes.value, yes._other(no)))


def _pointer(address, type_, unit=4):
    return address.builder.inttoptr((address * unit).value, type_.as_pointer())


def load(address, lanes=LANES):
    """The vector that starts at this address."""
    pointer = _pointer(address, ir.VectorType(FLOAT, lanes))
    return Vector(address.builder, address.builder.load(pointer, align=4))


def store(address, vector):
    address.builder.store(vector.value, _pointer(address, vector.value.type), align=4)


def broadcast(address, lanes=LANES):
    """The one number at this address, in every lane."""
    builder = address.builder
    number = builder.load(_pointer(address, FLOAT), align=4)
    empty = ir.Constant(ir.VectorType(FLOAT, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(INT32, 0))
    return Vector(builder, builder.shuffle_vector(first, empty, _lanes([0] * lanes)))


def gather(addresses):
    """One number from each of LANES addresses."""
    builder = addresses[0].builder
    vector = ir.Constant(ir.VectorType(FLOAT, LANES), ir.Undefined)
    for lane, at in enumerate(addresses):
        number = builder.load(_pointer(at, FLOAT), align=4)
        vector = builder.insert_element(vector, number, ir.Constant(INT32, lane))
    return Vector(builder, vector)


def load_number(address):
    """The int64 at this address, which is counted in int64 too."""
    return Index(address.builder, address.builder.load(_pointer(address, INT64, unit=8), align=8))


def zeros(builder_of):
    """A vector of zeros (any value tells where the instructions go)."""
    return Vector(builder_of.builder, ir.Constant(ir.VectorType(FLOAT, LANES), [0.0] * LANES))


def load_mask(address):
    """A mask from the memory; this address is counted in bytes."""
    builder = address.builder
    bits = builder.load(_pointer(address, BITS, unit=1), align=1)
    if LANES < 8:
        bits = builder.trunc(bits, ir.IntType(LANES))
    return Mask(builder, builder.bitcast(bits, ir.VectorType(BIT, LANES)))


def store_mask(address, mask):
    builder = address.builder
    bits = builder.bitcast(mask.value, ir.IntType(LANES))
    if LANES < 8:
        bits = builder.zext(bits, BITS)
    builder.store(bits, _pointer(address, BITS, unit=1), align=1)


def _lanes(indices):
    return ir.Constant(ir.VectorType(INT32, len(indices)), indices)


def transposed(rows):
    """LANES vectors as a matrix, transposed: log2(LANES) rounds, each swaps one bit of row and lane numbers."""
    rows = list(rows)
    bit = 1
    while bit < LANES:
        low = [lane if not lane & bit else LANES + lane - bit for lane in range(LANES)]
        high = [lane + bit if not lane & bit else LANES + lane for lane in range(LANES)]
        for i in range(LANES):
            if not i & bit:
                a, b = rows[i], rows[i + bit]
                rows[i] = a._new(a.builder.shuffle_vector(a.value, b.value, _lanes(low)))
                rows[i + bit] = a._new(a.builder.shuffle_vector(a.value, b.value, _lanes(high)))
        bit *= 2
    return rows


class Register:
    """A vector that a machine loop changes: `r.value` reads it, setting it writes."""

    def __init__(self, start):
        self.builder = start.builder
        self._kind = type(start)
        self._slot = cgutils.alloca_once(start.builder, start.value.type)
        self.value = start

    @property
    def value(self):
        return self._kind(self.builder, self.builder.load(self._slot))

    @value.setter
    def value(self, new):
        self.builder.store(new.value, self._slot)


@contextmanager
def repeat(count):
    """A loop of the machine: its body is emitted once and runs with the index 0 to count - 1."""
    with cgutils.for_range(count.builder, count.value) as loop:
        yield Index(count.builder, loop.index)


@contextmanager
def when(condition):
    """Instructions of the machine that run only if the condition holds."""
    with condition.builder.if_then(condition.value):
        yield


def emit(function):
    """Let kernels call `function`, which writes their instructions; its arguments are Index values."""

    def write(_context, *arguments):
        def generate(context, builder, _signature, values):
            function(*(Index(builder, value) for value in values))
            return context.get_dummy_value()

        return types.void(*[types.int64] * len(arguments)), generate

    # Numba counts the arguments by the signature.
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    write.__signature__ = inspect.Signature([context, *inspect.signature(function).parameters.values()])
    return intrinsic(write)


@emit
def clear(target, vectors):
    """Zeros for so many vectors."""
    with repeat(vectors) as i:
        store(target + i * LANES, zeros(target))


@emit
def copy(source, target, vectors):
    with repeat(vectors) as i:
        store(target + i * LANES, load(source + i * LANES))


@emit
def copy_numbers(source, step, target, target_step, n):
    """n numbers one by one, which lie so far apart here and there."""
    with repeat(n) as i:
        store(target + i * target_step, load(source + i * step, 1))


@emit
def transpose(source, source_row, target, target_row):
    """A square of LANES x LANES numbers, whose rows lie so far apart here and there, transposed."""
    rows = transposed([load(source + source_row * i) for i in range(LANES)])
    for i, row in enumerate(rows):
        store(target + target_row * i, row)


@intrinsic
def take_next(_context, counter):
    """Read the int64 counter at this byte address and add one to it, as one step that no other thread can divide."""

    def generate(_context, builder, _signature, values):
        pointer = builder.inttoptr(values[0], INT64.as_pointer())
        return builder.atomic_rmw("add", pointer, ir.Constant(INT64, 1), "monotonic")

    return types.int64(types.int64), generate


def address(array):
    """The address of a float32 array's first number, counted in floats."""
    first, _ = array.__array_interface__["data"]  # several times as fast as array.ctypes.data
    if first % 4:
        raise ValueError("an array whose numbers do not lie at multiples of four bytes; use a copy of it: x.copy()")
    return first // 4
