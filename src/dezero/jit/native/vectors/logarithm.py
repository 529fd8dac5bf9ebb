"""Logarithms: ``x = 2**k (1 + f)``, and a polynomial of ``s = f / (2 + f)``.

``log(1 + f) = 2 artanh s = f - s (f - R(s²))``, which loses nothing near 1 (K. C. Ng's way of
writing it in FDLIBM, Sun Microsystems, 1993).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from ..kinds import FRACTIONS
from .exponential import power_of_two
from .numbers import BIAS, INFINITY, LN2, LN10, NAN, POLYNOMIALS, SMALLEST, magic, split
from .operators import Vector, fused, polynomial, rarely

ROOT_HALF = {"double": 0x3FE6A09E667F3BCD, "float": 0x3F3504F3}
"""The bits of √½, below which 1 + f never is."""


def parted(x: Vector, normal: bool = False) -> tuple[Vector, Vector]:
    """``k, m`` with ``x = 2**k m`` and m between √½ and √2, for x that is positive and finite.

    And not denormal, if it is said to be `normal`.
    """
    digits, bias = FRACTIONS[x.kind], BIAS[x.kind]
    offset = x.constant(2.0**digits + bias)
    if not normal:
        tiny = x < SMALLEST[x.kind]
        x = (x * 2.0 ** (digits + 2)).where(tiny, x)
        offset = x.constant(2.0**digits + bias + digits + 2).where(tiny, offset)
    one = bias << digits
    bits = x.bits + (one - ROOT_HALF[x.kind])
    m = ((bits & ((1 << digits) - 1)) + ROOT_HALF[x.kind]).numbers(x.kind)
    # An exponent among the last digits of 2**digits makes a number of it.
    large = (bits >> digits) | (digits + bias << digits)
    return large.numbers(x.kind) - offset, m


class Series(NamedTuple):
    """Of ``log(1 + f)``, which is ``f - s*t``: the second term is below a fifth of the first."""

    f: Vector
    s: Vector
    t: Vector


def series(f: Vector) -> Series:
    """For ``1 + f`` between √½ and √2."""
    s = f / (f + 2)
    z = s * s
    return Series(f, s, fused(-z, polynomial(z, POLYNOMIALS["log"][f.kind]), f))


def ends(x: Vector, y: Vector, zero: float = 0.0) -> Vector:
    """`y`, and what a logarithm is where x is infinite, NaN, at the pole or beyond."""
    beyond = x.constant(-INFINITY).where(x.equals(zero), NAN)
    return beyond.where(x <= zero, y.where(x < INFINITY, x))


def whole(k: Vector, part: Series) -> Vector:
    """``k ln 2 + log(1 + f)``."""
    digits = FRACTIONS[k.kind]
    high, low = split(LN2, 42 if digits > 30 else 15, digits + 1)
    return fused(k, high, part.f - fused(part.s, part.t, k * -low))


def careful(x: Vector, f: Callable[[Vector, Vector], Vector]) -> Vector:
    """`f` of the parts of x, in a way that is shorter if all are positive, finite and normal."""
    unusual = ~((x >= SMALLEST[x.kind]) & (x < INFINITY))
    return rarely(unusual, f(*parted(x, normal=True)), lambda: ends(x, f(*parted(x))))


def log(x: Vector) -> Vector:
    """``k ln 2 + log(1 + f)``."""
    return careful(x, lambda k, m: whole(k, series(m - 1)))


def log1p(x: Vector) -> Vector:
    """The logarithm of ``1 + x``, with what the sum loses."""
    u = x + 1
    lost = (1 - (u - x)).where(u > 2, x - (u - 1))  # by the sum's rounding
    k, m = parted(u, normal=True)
    few = k.constant(100).where(k > 100, k)  # what was lost by larger numbers does not count
    exponents = (few + magic(x.kind)).bits
    f = fused(lost, power_of_two(-exponents, x.kind), m - 1)
    y = whole(k, series(f)).signed(x)
    return rarely(~((x > -1) & (x < INFINITY)), y, lambda: ends(x, y, -1.0))


def by_base(x: Vector, base: Fraction, ln: Fraction) -> Vector:
    """The logarithm to a base, of which `ln` is the logarithm and `base` that of 2 to it.

    ``log(1 + f)`` is a sum of two numbers, the first with half of the digits, so that its product
    with the half of a constant is exact.
    """
    digits = FRACTIONS[x.kind]
    half = digits // 2
    c_high, c_low = split(1 / ln, half, digits + 1)
    b_high, b_low = split(base, 42 if digits > 30 else 15, digits + 1)

    def based(k: Vector, m: Vector) -> Vector:
        f, s, t = series(m - 1)
        high = (fused(-s, t, f).bits & (-1 << digits + 1 - half)).numbers(x.kind)
        low = fused(-s, t, f - high)
        a, b = k * b_high, high * c_high
        total = a + b
        rest = fused(low, c_high, fused(high, c_low, fused(low, c_low, k * b_low)))
        return total + (((a - total) + b) + rest)

    return careful(x, based)


def log2(x: Vector) -> Vector:
    """To base 2: exact for powers of 2."""
    return by_base(x, Fraction(1), LN2)


def log10(x: Vector) -> Vector:
    """To base 10."""
    return by_base(x, LN2 / LN10, LN10)
