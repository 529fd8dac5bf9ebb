"""Logarithms: ``x = 2**k (1 + f)``, and a polynomial of ``s = f / (2 + f)``; and powers.

``log(1 + f) = 2 artanh s = f - s (f - R(s²))``, which loses nothing near 1 (K. C. Ng's way of
writing it in FDLIBM, Sun Microsystems, 1993).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from .exponential import clamped, exp, power_of_two, two_to
from .lanes import FRACTIONS, Lanes, fused, fuses, polynomial
from .numbers import BIAS, INFINITY, LN2, LN10, NAN, POLYNOMIALS, SMALLEST, magic, split

ROOT_HALF = {"double": 0x3FE6A09E667F3BCD, "float": 0x3F3504F3}
"""The bits of √½, below which 1 + f never is."""


def parted(x: Lanes) -> tuple[Lanes, Lanes]:
    """``k, m`` with ``x = 2**k m`` and m between √½ and √2, for x that is positive and finite."""
    digits, bias = FRACTIONS[x.kind], BIAS[x.kind]
    tiny = x < SMALLEST[x.kind]
    lifted = (x * 2.0 ** (digits + 2)).where(tiny, x)
    one = bias << digits
    bits = lifted.bits + (one - ROOT_HALF[x.kind])
    m = ((bits & ((1 << digits) - 1)) + ROOT_HALF[x.kind]).numbers(x.kind)
    # An exponent among the last digits of 2**digits makes a number of it.
    large = (bits >> digits) | (digits + bias << digits)
    offset = x.constant(2.0**digits + bias + digits + 2).where(tiny, 2.0**digits + bias)
    return large.numbers(x.kind) - offset, m


class Series(NamedTuple):
    """Of ``log(1 + f)``: it is ``f - (square - rest)``."""

    f: Lanes
    square: Lanes  # f² / 2
    rest: Lanes


def series(f: Lanes) -> Series:
    s = f / (f + 2)
    z = s * s
    square = f * f * 0.5
    return Series(f, square, s * fused(z, polynomial(z, POLYNOMIALS["log"][f.kind]), square))


def ends(x: Lanes, y: Lanes, zero: float = 0.0) -> Lanes:
    """`y`, and what a logarithm is where x is infinite, NaN, at the pole or beyond."""
    beyond = x.constant(-INFINITY).where(x.equals(zero), NAN)
    return beyond.where(x <= zero, y.where(x < INFINITY, x))


def whole(k: Lanes, part: Series) -> Lanes:
    """``k ln 2 + log(1 + f)``."""
    digits = FRACTIONS[k.kind]
    high, low = split(LN2, 42 if digits > 30 else 15, digits + 1)
    rest = fused(k, low, part.rest)
    return fused(k, high, part.f - (part.square - rest))


def log(x: Lanes) -> Lanes:
    k, m = parted(x)
    return ends(x, whole(k, series(m - 1)))


def log1p(x: Lanes) -> Lanes:
    u = x + 1
    lost = (1 - (u - x)).where(u > 2, x - (u - 1))  # by the sum's rounding
    k, m = parted(u)
    few = k.constant(100).where(k > 100, k)  # what was lost by larger numbers does not count
    exponents = (few + magic(x.kind)).bits
    f = fused(lost, power_of_two(-exponents, x.kind), m - 1)
    return ends(x, whole(k, series(f)), -1.0).signed(x)


def by_base(x: Lanes, base: Fraction, ln: Fraction) -> Lanes:
    """The logarithm to a base, of which `ln` is the logarithm and `base` that of 2 to it.

    ``log(1 + f)`` is a sum of two numbers, the first with half of the digits, so that its product
    with the half of a constant is exact.
    """
    digits = FRACTIONS[x.kind]
    half = digits // 2
    c_high, c_low = split(1 / ln, half, digits + 1)
    b_high, b_low = split(base, 42 if digits > 30 else 15, digits + 1)
    k, m = parted(x)
    part = series(m - 1)
    high = ((part.f - part.square).bits & (-1 << digits + 1 - half)).numbers(x.kind)
    low = ((part.f - high) - part.square) + part.rest
    a, b = k * b_high, high * c_high
    total = a + b
    rest = fused(low, c_high, fused(high, c_low, fused(low, c_low, k * b_low)))
    return ends(x, total + (((a - total) + b) + rest))


def log2(x: Lanes) -> Lanes:
    return by_base(x, Fraction(1), LN2)


def log10(x: Lanes) -> Lanes:
    return by_base(x, LN2 / LN10, LN10)


def logaddexp(x: Lanes, y: Lanes) -> Lanes:
    apart = log1p(exp(-abs(x - y)))
    return (x + float(LN2)).where(x.equals(y), x.where(x > y, y) + apart)


# ---- powers ----


def product(a: Lanes, b: Any) -> tuple[Lanes, Lanes]:
    """A product and what its rounding lost (Dekker 1971, where it takes more than two steps)."""
    b = a.of(b)
    p = a * b
    if fuses():
        return p, fused(a, b, -p)
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def halves(a: Lanes) -> tuple[Lanes, Lanes]:
    """A number as a sum of two with half of its digits (Veltkamp 1968)."""
    c = a * (2.0**27 + 1)
    high = c - (c - a)
    return high, a - high


def binary_logarithm(x: Lanes) -> tuple[Lanes, Lanes]:
    """``log2 x`` to 66 binary digits, as a sum of two numbers, for x that is positive and finite.

    ``log(1 + f) = 2 s (1 + s² (1/3 + s² Q(s²)))``, where all but Q is computed with twice the
    digits.
    """
    k, m = parted(x)
    f, d = m - 1, m + 1
    inverse = 1 / d
    s = f * inverse
    p, lost = product(s, d)
    s_low = (((f - p) - lost) - s * (m - (d - 1))) * inverse
    z, z_low = product(s, s)
    z_low = fused(s + s, s_low, z_low)
    third, third_low = split(Fraction(1, 3), 53, 53)
    tail = fused(z, polynomial(z, POLYNOMIALS["artanh"][x.kind]), third_low)
    p = tail + third
    p_low = (third - p) + tail
    w, w_low = product(z, p)
    w_low = fused(z, p_low, fused(z_low, p, w_low))
    v, v_low = product(s, w)
    v_low = fused(s, w_low, fused(s_low, w, v_low))
    y = s + v
    y_low = ((s - y) + v) + (s_low + v_low)
    c, c_low = split(2 / LN2, 53, 53)
    t, t_low = product(y, c)
    t_low = fused(y, c_low, fused(y_low, c, t_low))
    total = k + t
    return total, ((k - total) + t) + t_low


def positive_power(x: Lanes, y: Lanes) -> Lanes:
    """``x**y`` for x that is positive and finite."""
    if x.kind == "float":
        wide = power_of(x.cast("fpext", "double"), y.cast("fpext", "double"))
        return wide.cast("fptrunc", "float")
    return power_of(x, y)


def power_of(x: Lanes, y: Lanes) -> Lanes:
    t, t_low = binary_logarithm(x)
    y = clamped(y, -(2.0**80), 2.0**80)  # beyond that powers are 0, 1 or infinite
    e, e_low = product(y, t)
    e_low = fused(y, t_low, e_low)
    inside = abs(e) < 1100
    e, e_low = clamped(e, -1100, 1100), e_low.where(inside, 0)
    n = (e + magic(e.kind)) - magic(e.kind)
    return two_to((e - n) + e_low, n)


def power(x: Lanes, y: Lanes) -> Lanes:
    """As C defines it (ISO/IEC 9899, F.10.4.4)."""
    size = abs(x)
    r = positive_power(size, y)
    unbounded = size.equals(INFINITY)
    extreme = x.constant(INFINITY).where(unbounded ^ (y < 0), 0)
    r = extreme.where(x.equals(0) | unbounded, r)
    half = y * 0.5
    integral = y.llvm("floor").equals(y)
    odd = integral & half.llvm("floor").differs(half)
    r = r.signed(x).where(odd, r)
    r = r.constant(NAN).where(~integral & (x < 0) & ~unbounded, r)
    one = y.equals(0) | x.equals(1)
    return r.constant(1).where(one, (x + y).where(x.unordered(y), r))
