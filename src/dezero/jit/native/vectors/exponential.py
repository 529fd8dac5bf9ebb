"""Exponential and hyperbolic functions: ``x = n ln 2 + r``, and a polynomial of r.

The reduction is that of Cody and Waite (Software Manual for the Elementary Functions, 1980, ch. 6).
"""

from __future__ import annotations

from fractions import Fraction

from .. import runtime
from ..kinds import FRACTIONS
from .numbers import BIAS, LN2, LN10, POLYNOMIALS, magic, split
from .operators import Vector, by_parts, call, fused, polynomial

LIMITS = {"double": (-746.0, 710.6, 22.0), "float": (-104.0, 89.5, 10.0)}
"""Below the first exp is 0, above the second sinh is infinite, above the third tanh is 1."""


def clamped(x: Vector, low: float, high: float) -> Vector:
    """`x` within limits; NaN stays NaN."""
    x = x.constant(low).where(x < low, x)
    return x.constant(high).where(x > high, x)


def parts(x: Vector, unit: Fraction) -> tuple[Vector, Vector, Vector]:
    """The nearest whole number n of units, its bits with others above them, and what is left."""
    digits = FRACTIONS[x.kind]
    high, low = split(unit, 42 if digits > 30 else 15, digits + 1)
    t = fused(x, float(1 / unit), magic(x.kind))
    n = t - magic(x.kind)
    return n, t.bits, fused(n, -low, fused(n, -high, x))


def reduced(x: Vector) -> tuple[Vector, Vector, Vector]:
    """For ``x = n ln 2 + r``: n, its bits, and ``expm1(r)``."""
    n, bits, r = parts(x, LN2)
    return n, bits, fused(r * r, polynomial(r, POLYNOMIALS["exp"][x.kind]), r)


def power_of_two(n: Vector, kind: str, shift: int = 0) -> Vector:
    """``2**(n + shift)``, a number with all of its digits, from the bits of `n`."""
    return ((n + (BIAS[kind] + shift)) << FRACTIONS[kind]).numbers(kind)


def scaled(y: Vector, n: Vector) -> Vector:
    """``y * 2**n`` with one rounding, for whole n, also where it overflows or is denormal."""
    size = 8 if y.kind == "double" else 4
    if runtime.has("avx512f") and y.width * size % 64 == 0:
        return by_parts(64 // size, scaled_at_once, y, n)
    half = fused(n, 0.5, magic(y.kind))
    rest = (n - (half - magic(y.kind))) + magic(y.kind)
    return y * power_of_two(half.bits, y.kind) * power_of_two(rest.bits, y.kind)


def scaled_at_once(y: Vector, n: Vector) -> Vector:
    """The same by one instruction of AVX-512."""
    letters = "pd" if y.kind == "double" else "ps"
    name = f"@llvm.x86.avx512.mask.scalef.{letters}.512"
    mask = f"i{y.width}"  # all lanes; and then: rounding as the processor is set
    return call(y.type, name, y, n, y, more=(f"{mask} -1", "i32 4"))


def exp(x: Vector) -> Vector:
    """``2**n exp(r)``."""
    n, _, q = reduced(clamped(x, *LIMITS[x.kind][:2]))
    return scaled(q + 1, n)


def exp2(x: Vector) -> Vector:
    """The same with whole numbers for n."""
    ends = BIAS[x.kind] + FRACTIONS[x.kind] + 5
    x = clamped(x, -ends, ends)
    n = (x + magic(x.kind)) - magic(x.kind)
    return two_to(x - n, n)


def exp10(x: Vector) -> Vector:
    """``2**n exp(r ln 10)`` with ``x = n log10(2) + r``."""
    ends = (BIAS[x.kind] + FRACTIONS[x.kind] + 5) * float(LN2 / LN10)
    n, _, r = parts(clamped(x, -ends, ends), LN2 / LN10)
    y = r * float(LN10)
    return scaled(fused(y * y, polynomial(y, POLYNOMIALS["exp"][x.kind]), y) + 1, n)


def two_to(r: Vector, n: Vector) -> Vector:
    """``2**(r + n)`` for whole n and ``|r| <= 1/2``."""
    return scaled(fused(r, polynomial(r, POLYNOMIALS["exp2"][r.kind]), 1), n)


def quarter(x: Vector) -> Vector:
    """``expm1(x) / 4``, which is finite wherever sinh is, for x that is not far below 0."""
    _, n, q = reduced(x)
    h = power_of_two(n, x.kind, -2)
    return fused(h, q, h - 0.25)


def expm1(x: Vector) -> Vector:
    """``exp(x) - 1``, with all digits near 0."""
    y = quarter(clamped(x, -4 * LIMITS[x.kind][2], LIMITS[x.kind][1])) * 4
    return small(x, y)


def small(x: Vector, y: Vector) -> Vector:
    """`x` where it is so small that a function is x, which scaling may not be exact for."""
    return x.where(abs(x) < 2.0**-60, y)


def tanh(x: Vector) -> Vector:
    """``e / (e + 2)`` for ``e = expm1(2x)``."""
    size = abs(x)
    y = size + size
    limit = 2 * LIMITS[x.kind][2]
    e = quarter(y.constant(limit).where(y > limit, y)) * 4
    return small(x, (e / (e + 2)).signed(x))


def sinh(x: Vector) -> Vector:
    """``(e + e / (e + 1)) / 2`` for ``e = expm1(x)``."""
    size = abs(x)
    limit = LIMITS[x.kind][1]
    q = quarter(x.constant(limit).where(size > limit, size))
    return small(x, (q * 2 + q / fused(q, 2, 0.5)).signed(x))


def cosh(x: Vector) -> Vector:
    """``h + 1/(4h)`` for ``h = exp(x) / 2``."""
    size = abs(x)
    limit = LIMITS[x.kind][1]
    n, _, q = reduced(x.constant(limit).where(size > limit, size))
    half = scaled(q + 1, n - 1)
    return half + 0.25 / half
