"""Division with a remainder, as NumPy does it: of floating-point numbers and of signed integers.

Integers are divided by 0 with the result 0; the least of them by -1 is itself, as it wraps.
"""

from __future__ import annotations

from ..kinds import FRACTIONS
from . import library
from .numbers import INFINITY
from .operators import Vector, fused, fuses, rarely


def truncated(x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """Quotient and remainder of integers, towards 0."""
    none = y.equals(0)
    harmless = y.constant(1).where(none | y.equals(-1), y)
    quotient = (-x).where(y.equals(-1), x.write("sdiv", harmless))
    remainder = x.write("srem", harmless)
    return y.constant(0).where(none, quotient), y.constant(0).where(none, remainder)


def fmod(x: Vector, y: Vector) -> Vector:
    """With the sign of x.

    A quotient is rounded up at most to the next whole number, so that the remainder is wrong by
    one divisor at most; both are numbers that have all of their digits, which makes the fused
    product exact.
    """
    if x.kind not in FRACTIONS:
        return truncated(x, y)[1]
    if not fuses():
        return library.by_lane("fmod", x, y)
    a, b = abs(x), abs(y)
    quotient = a / b
    r = fused(-quotient.llvm("trunc"), b, a)
    r = (r + b).where(r < 0, r)
    r = a.where(b.equals(INFINITY) & (a < INFINITY), r).signed(x)
    far = quotient >= 2.0 ** FRACTIONS[x.kind]
    return rarely(far, r, lambda: library.by_lane("fmod", x, y).where(far, r))


def against(r: Vector, y: Vector) -> Vector:
    """Where a remainder is on the other side of 0 than the divisor."""
    return r.differs(0) & ((r < 0) ^ (y < 0))


def remainder(x: Vector, y: Vector) -> Vector:
    """With the sign of y."""
    r = fmod(x, y)
    moved = (r + y).where(against(r, y), r)
    if x.kind not in FRACTIONS:
        return moved
    return r.where(y.equals(0), r.constant(0).signed(y).where(r.equals(0), moved))


def floor_divide(x: Vector, y: Vector) -> Vector:
    """The whole quotient below the quotient, in the steps of NumPy."""
    if x.kind not in FRACTIONS:
        q, r = truncated(x, y)
        return (q - 1).where(against(r, y), q)
    r = fmod(x, y)
    q = (x - r) / y
    q = (q - 1).where(against(r, y), q)
    floor = q.llvm("floor")
    floor = (floor + 1).where(q - floor > 0.5, floor)
    quotient = x / y
    zero = q.constant(0).signed(quotient)
    return quotient.where(y.equals(0), zero.where(q.equals(0), floor))
