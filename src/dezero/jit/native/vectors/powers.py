"""Powers: ``x**y = 2**(y log2 x)``, with a logarithm of more digits than a number has."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .exponential import clamped, power_of_two, two_to
from .logarithm import parted
from .numbers import INFINITY, LN2, NAN, POLYNOMIALS, magic, split
from .operators import Vector, fused, fuses, polynomial, rarely

BEYOND = 2.0**80
"""Exponents beyond it give 0, 1 or infinity."""


def product(a: Vector, b: Any) -> tuple[Vector, Vector]:
    """A product and what its rounding lost (Dekker 1971, where it takes more than two steps)."""
    b = a.of(b)
    p = a * b
    if fuses():
        return p, fused(a, b, -p)
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def halves(a: Vector) -> tuple[Vector, Vector]:
    """A number as a sum of two with half of its digits (Veltkamp 1968)."""
    c = a * (2.0**27 + 1)
    high = c - (c - a)
    return high, a - high


def binary_logarithm(x: Vector) -> tuple[Vector, Vector]:
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


def positive_power(x: Vector, y: Vector) -> Vector:
    """``x**y`` for x that is positive and finite."""
    if x.kind == "float":
        return short_power(x.cast("fpext", "double"), y.cast("fpext", "double"))
    t, t_low = binary_logarithm(x)
    y = clamped(y, -BEYOND, BEYOND)
    e, e_low = product(y, t)
    e_low = fused(y, t_low, e_low)
    inside = abs(e) < 1100
    e, e_low = clamped(e, -1100, 1100), e_low.where(inside, 0)
    n = (e + magic(e.kind)) - magic(e.kind)
    return two_to((e - n) + e_low, n)


def short_power(x: Vector, y: Vector) -> Vector:
    """The same with the digits that single precision needs, in double precision."""
    k, m = parted(x, normal=True)
    f = m - 1
    s = f / (f + 2)
    z = s * s
    series = (float(2 / LN2), *(each * float(1 / LN2) for each in POLYNOMIALS["short log"][x.kind]))
    t = fused(s, polynomial(z, series), k)
    e = clamped(clamped(y, -BEYOND, BEYOND) * t, -300, 300)
    n = e + magic(x.kind)
    r = e - (n - magic(x.kind))
    two = fused(r, polynomial(r, POLYNOMIALS["exp2"]["float"]), 1) * power_of_two(n.bits, x.kind)
    return two.cast("fptrunc", "float")


def power(x: Vector, y: Vector) -> Vector:
    """As C defines it (ISO/IEC 9899, F.10.4.4)."""
    r = positive_power(abs(x), y)
    unusual = ~((x > 0) & (x < INFINITY)) | y.unordered(y)
    return rarely(unusual, r, lambda: mended(x, y, r))


def mended(x: Vector, y: Vector, r: Vector) -> Vector:
    """What a power is, from that of ``|x|`` where x is finite and not 0."""
    unbounded = abs(x).equals(INFINITY)
    extreme = x.constant(INFINITY).where(unbounded ^ (y < 0), 0)
    r = extreme.where(x.equals(0) | unbounded, r)
    half = y * 0.5
    integral = y.llvm("floor").equals(y)
    odd = integral & half.llvm("floor").differs(half)
    r = r.signed(x).where(odd, r)
    r = r.constant(NAN).where(~integral & (x < 0) & ~unbounded, r)
    one = y.equals(0) | x.equals(1)
    return r.constant(1).where(one, (x + y).where(x.unordered(y), r))


# ---- exponents that are known ----


def short(x: Vector, y: Vector) -> Vector | None:
    """A power by a few products, or a root, if the exponent is the same small number for all.

    As right as the general way for exponents like these. NumPy too takes a root, of which that of
    minus infinity is NaN.
    """
    text = re.fullmatch(r"(?:splat \(\w+ )?(0x[0-9A-F]+)\)?", y.name)
    value = struct.unpack(">d", bytes.fromhex(text[1][2:]))[0] if text else None
    ways: dict[Any, Callable[[], Vector]] = {
        -1: lambda: 1 / x,
        0.5: x.sqrt,
        1: lambda: x,
        2: lambda: x * x,
        3: lambda: x * x * x,
        4: lambda: (square := x * x) * square,
    }
    return ways[value]() if value in ways else None
