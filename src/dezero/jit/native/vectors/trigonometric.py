"""Sine, cosine, tangent: ``x = n π + r``, and a polynomial of r; or ``n π/2 + r`` for both at once.

A multiple of π is taken away in parts (Cody and Waite 1980, ch. 8). With fused multiplication each
part may have all digits: a difference as small as the next part is exact. So that is right up to
`LIMIT`; beyond, numbers go to the C library one by one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from ..kinds import FRACTIONS
from . import library
from .numbers import PI, POLYNOMIALS, magic, split
from .operators import Vector, fused, fuses, polynomial, rarely


def limit(kind: str) -> float:
    """Up to where the reduction is right."""
    if kind == "float":
        return 2.0**13 if fuses() else 2.0**8
    return 2.0**40 if fuses() else 2.0**20


def without(x: Vector, n: Vector, unit: Fraction) -> Vector:
    """``x - n*unit``."""
    full = FRACTIONS[x.kind] + 1
    few = 33 if x.kind == "double" else 14
    for part in split(unit, full, full, full) if fuses() else split(unit, few, few, few, full):
        x = fused(n, -part, x)
    return x


def sine(r: Vector, degree: str) -> Vector:
    """The sine of what is left, by a polynomial for an eighth or a quarter of a turn."""
    z = r * r
    return fused(r * z, polynomial(z, POLYNOMIALS[degree][r.kind]), r)


def cosine(r: Vector) -> Vector:
    """The cosine of what is left."""
    z = r * r
    return fused(z, fused(z, polynomial(z, POLYNOMIALS["cos4"][r.kind]), -0.5), 1)


def sign(n: Vector, bit: int = 0) -> Vector:
    """The sign bit from a bit of a whole number."""
    top = 63 if n.kind == "i64" else 31
    moved = n << (top - bit)
    return moved if bit == 0 else moved & (-1 << top)


def flipped(x: Vector, signs: Vector) -> Vector:
    """`x` with its sign changed where a sign bit is set."""
    return (x.bits ^ signs).numbers(x.kind)


def top(x: Vector) -> Vector:
    """The sign bits of numbers."""
    bits = x.bits
    return bits & (-1 << (63 if bits.kind == "i64" else 31))


def large(title: str, x: Vector, y: Vector) -> Vector:
    """`y`, and the C library's values where x is beyond the limit: a branch rarely taken."""
    beyond = abs(x) > limit(x.kind)
    return rarely(beyond, y, lambda: library.by_lane(title, x).where(beyond, y))


def sin(x: Vector) -> Vector:
    """``± sin r``, for the nearest multiple of π."""
    size = abs(x)
    t = fused(size, float(1 / PI), magic(x.kind))
    r = without(size, t - magic(x.kind), PI)
    return large("sin", x, flipped(sine(r, "sin2"), sign(t.bits) ^ top(x)))


def cos(x: Vector) -> Vector:
    """The sine of ``x + π/2``."""
    size = abs(x)
    t = fused(size, float(1 / PI), 0.5) + magic(x.kind)
    r = without(size, (t - magic(x.kind)) - 0.5, PI)
    return large("cos", x, flipped(sine(r, "sin2"), sign(t.bits)))


class Turned(NamedTuple):
    """An angle as whole quarters of a turn, and sine and cosine of the rest."""

    quarters: Vector
    odd: Vector
    sine: Vector
    cosine: Vector


def turned(x: Vector) -> Turned:
    """By the nearest multiple of π/2."""
    size = abs(x)
    t = fused(size, float(2 / PI), magic(x.kind))
    r = without(size, t - magic(x.kind), PI / 2)
    return Turned(t.bits, (t.bits & 1).differs(0), sine(r, "sin4"), cosine(r))


def both(x: Vector) -> tuple[Vector, Vector]:
    """Sine and cosine of one argument."""
    n, odd, s, c = turned(x)
    sines = flipped(c.where(odd, s), sign(n, 1) ^ top(x))
    cosines = flipped(s.where(odd, c), sign(n + 1, 1))
    return large("sin", x, sines), large("cos", x, cosines)


def tan(x: Vector) -> Vector:
    """Sine by cosine."""
    n, odd, s, c = turned(x)
    quotient = c.where(odd, s) / s.where(odd, c)
    return large("tan", x, flipped(quotient, sign(n) ^ top(x)))
