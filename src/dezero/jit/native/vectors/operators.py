"""Numbers side by side in registers, with Python's operators: each operator writes an instruction.

So that a formula in Python reads like the formula in a book, and is LLVM's text when it has run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import runtime
from ..assembly import Assembly
from ..kinds import FRACTIONS, literal, suffix, typed

INTEGERS = {"double": "i64", "float": "i32", "i64": "i64", "i32": "i32"}
"""The integers that are as wide as numbers of a kind."""


@functools.cache
def fuses() -> bool:
    """Whether the processor multiplies and adds in one instruction, with one rounding."""
    return runtime.has("fma") or runtime.has("neon") or "aarch64" in runtime.processor()


class Vector:
    """A value, or as many of them as the vector is wide.

    Parameters
    ----------
    code : Assembly
        Where instructions are written.
    kind : str
        LLVM's name for the type of a lane: ``"double"``, ``"float"``, ``"i64"``, ``"i1"``, …
    width : int
        How many lanes there are.
    name : str
        LLVM's name for the value.
    """

    __slots__ = ("code", "kind", "name", "width")

    def __init__(self, code: Assembly, kind: str, width: int, name: str) -> None:
        self.code, self.kind, self.width, self.name = code, kind, width, name

    def __str__(self) -> str:
        """Type and name, as an argument of a call is written."""
        return f"{self.type} {self.name}"

    @property
    def type(self) -> str:
        return typed(self.kind, self.width)

    def like(self, name: str, kind: str = "") -> Vector:
        """A value as wide as this one."""
        return Vector(self.code, kind or self.kind, self.width, name)

    def constant(self, value: float) -> Vector:
        return self.like(literal(value, self.kind, self.width))

    def of(self, value: Any) -> Vector:
        return value if isinstance(value, Vector) else self.constant(value)

    def write(self, instruction: str, other: Any, kind: str = "") -> Vector:
        """An instruction with two operands."""
        return self.like(
            self.code(f"{instruction} {self.type} {self.name}, {self.of(other).name}"), kind
        )

    def choose(self, floating: str, integral: str) -> str:
        return floating if self.kind in FRACTIONS else integral

    # ---- arithmetic ----

    def __add__(self, other: Any) -> Vector:
        return self.write(self.choose("fadd", "add"), other)

    def __sub__(self, other: Any) -> Vector:
        return self.write(self.choose("fsub", "sub"), other)

    def __mul__(self, other: Any) -> Vector:
        return self.write(self.choose("fmul", "mul"), other)

    def __truediv__(self, other: Any) -> Vector:
        return self.write("fdiv", other)

    def __rsub__(self, other: Any) -> Vector:
        return self.of(other) - self

    def __rtruediv__(self, other: Any) -> Vector:
        return self.of(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Vector:
        if self.kind in FRACTIONS:
            return self.like(self.code(f"fneg {self}"))
        return self.constant(0) - self

    def __abs__(self) -> Vector:
        return self.llvm("fabs")

    def llvm(self, function: str, *others: Any) -> Vector:
        """One of LLVM's own functions."""
        name = f"@llvm.{function}.{suffix(self.kind, self.width)}"
        return call(self.type, name, self, *map(self.of, others))

    def sqrt(self) -> Vector:
        return self.llvm("sqrt")

    def signed(self, other: Vector) -> Vector:
        """The number with the sign of another."""
        return self.llvm("copysign", other)

    # ---- bits ----

    @property
    def bits(self) -> Vector:
        """The same bits as integers."""
        return self.cast("bitcast", INTEGERS[self.kind])

    def numbers(self, kind: str) -> Vector:
        """The same bits as numbers of a kind."""
        return self.cast("bitcast", kind)

    def cast(self, instruction: str, kind: str) -> Vector:
        return self.like(self.code(f"{instruction} {self} to {typed(kind, self.width)}"), kind)

    def __and__(self, other: Any) -> Vector:
        return self.write("and", other)

    def __or__(self, other: Any) -> Vector:
        return self.write("or", other)

    def __xor__(self, other: Any) -> Vector:
        return self.write("xor", other)

    def __lshift__(self, other: Any) -> Vector:
        return self.write("shl", other)

    def __rshift__(self, other: Any) -> Vector:
        return self.write("lshr", other)

    def __invert__(self) -> Vector:
        return self ^ (1 if self.kind == "i1" else -1)

    # ---- comparisons: false where there is a NaN, but for != ----

    def __lt__(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp olt", "icmp slt"), other, "i1")

    def __le__(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp ole", "icmp sle"), other, "i1")

    def __gt__(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp ogt", "icmp sgt"), other, "i1")

    def __ge__(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp oge", "icmp sge"), other, "i1")

    def equals(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp oeq", "icmp eq"), other, "i1")

    def differs(self, other: Any) -> Vector:
        return self.write(self.choose("fcmp une", "icmp ne"), other, "i1")

    def unordered(self, other: Any) -> Vector:
        """Where one of the two is NaN."""
        return self.write("fcmp uno", other, "i1")

    def where(self, condition: Vector, other: Any) -> Vector:
        """The value where a condition holds, another elsewhere."""
        return self.like(self.code(f"select {condition}, {self}, {self.of(other)}"))

    def any(self) -> str:
        """Whether a condition holds in any lane: the name of one truth value."""
        if self.width == 1:
            return self.name
        return self.code.call("i1", f"@llvm.vector.reduce.or.v{self.width}i1", str(self))

    # ---- lanes ----

    def lane(self, i: int) -> Vector:
        if self.width == 1:
            return self
        return Vector(self.code, self.kind, 1, self.code(f"extractelement {self}, i64 {i}"))

    def part(self, start: int, width: int) -> Vector:
        """Some lanes next to each other."""
        if width == self.width:
            return self
        if width == 1:
            return self.lane(start)
        wanted = ", ".join(f"i32 {i}" for i in range(start, start + width))
        name = self.code(f"shufflevector {self}, {self.type} poison, <{width} x i32> <{wanted}>")
        return Vector(self.code, self.kind, width, name)


def call(kind: str, name: str, *operands: Vector, more: tuple[str, ...] = ()) -> Vector:
    """Call a function that gives the same type as its first operand, and takes `more` arguments."""
    first = operands[0]
    return first.like(first.code.call(kind, name, *map(str, operands), *more))


def joined(parts: Sequence[Vector]) -> Vector:
    """Equally wide parts side by side."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    code, kind, width = first.code, first.kind, first.width
    if width > 1 and len(parts) % 2 == 0:
        return joined([beside(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)])
    whole = typed(kind, width * len(parts))
    name = "poison"
    for i, each in enumerate(each.lane(j) for each in parts for j in range(width)):
        name = code(f"insertelement {whole} {name}, {each}, i64 {i}")
    return Vector(code, kind, width * len(parts), name)


def beside(a: Vector, b: Vector) -> Vector:
    """The lanes of one vector and then those of another."""
    width = 2 * a.width
    every = ", ".join(f"i32 {i}" for i in range(width))
    name = a.code(f"shufflevector {a}, {b}, <{width} x i32> <{every}>")
    return Vector(a.code, a.kind, width, name)


def by_parts(width: int, f: Callable[..., Vector], *operands: Vector) -> Vector:
    """``f(*operands)``, as many lanes at a time as `f` takes."""
    starts = range(0, operands[0].width, width)
    return joined([f(*(each.part(start, width) for each in operands)) for start in starts])


def rarely(condition: Vector, y: Vector, other: Callable[[], Vector]) -> Vector:
    """`y`, or ``other()`` for all lanes if a condition holds in any: a branch, not a choice."""
    place = y.code.variable(y.type, y.name)
    with y.code.when(condition.any()):
        y.code.set(y.type, place, other().name)
    return y.like(y.code.get(y.type, place))


def fused(a: Vector, b: Any, c: Any) -> Vector:
    """``a*b + c``, with one rounding where the processor can."""
    if fuses():
        return a.llvm("fma", b, c)
    result: Vector = a * b + c
    return result


def polynomial(x: Vector, coefficients: Sequence[float]) -> Vector:
    """A polynomial, the constant coefficient first, as a tree that is not deep (Estrin 1960).

    Horner's scheme has fewer products, but each of its steps waits for the one before.
    """
    terms: list[Any] = list(coefficients)
    while len(terms) > 2:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        last = terms[-1:] if len(terms) % 2 else []
        terms, x = [*(fused(x, b, a) for a, b in pairs), *last], x * x
    return fused(x, terms[1], terms[0])
