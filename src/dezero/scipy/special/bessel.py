"""Bessel functions. DLMF, chapter 10: by recurrence, so there is no division by z at 0.

By the order there is no elementary expression (DLMF 10.15 and 10.38 are series): it is refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from ...axes import pointwise
from ...box import numbers
from ...errors import UnsupportedError
from ...rows import elementwise, several
from .tools import horner, in_blocks, refused


def by_order(name: str) -> Any:
    """The rule of an order, which says that there is none."""
    return lambda _t, _x, _y: refused(name, "its order")


# of orders 0 and 1, DLMF 10.6.3 and 10.29.3, and 10.6.1 and 10.29.1


@in_blocks
def first_order(x: Any, f0: Any, f1: Any, sign: int, scale: Any = 1) -> Any:
    """J₁' (`sign` -1) or I₁' (1) as half a sum of the orders 0 and 2, or e^-|x| I₁'.

    That of order 2 is from the others, and near 0 by its power series (DLMF 10.2.2, 10.25.2).
    """
    near = np.abs(x) < 1
    square = np.square(np.where(near, x, 0) / 2)
    series = horner(SECOND, sign * square) * (sign * square) * scale
    return (f0 + np.where(near, series, f0 - 2 * f1 / np.where(near, 1, x))) / 2


SECOND = [1 / (math.factorial(k) * math.factorial(k + 2)) for k in range(9)]


def over(f: Any, x: Any) -> Any:
    """``f / x``, infinite at 0 without a warning."""
    with np.errstate(divide="ignore"):
        return f / x


elementwise(sp.j0, lambda t, x: t * -sp.j1(x))
elementwise(sp.y0, lambda t, x: t * -sp.y1(x))
elementwise(sp.i0, lambda t, x: t * sp.i1(x), title="special.i0")
elementwise(sp.k0, lambda t, x: t * -sp.k1(x))
elementwise(sp.j1, lambda t, out, x: t * first_order(x, sp.j0(x), out, -1))
elementwise(sp.i1, lambda t, out, x: t * first_order(x, sp.i0(x), out, 1))
elementwise(sp.y1, lambda t, out, x: t * (sp.y0(x) - over(out, x)))
elementwise(sp.k1, lambda t, out, x: -t * (sp.k0(x) + over(out, x)))


def by_recurrence(f: Any, lower: float, upper: float) -> Any:
    """The rule of an argument: from the neighbours in order."""
    return lambda t, x, y: t * (lower * f(x - 1, y) + upper * f(x + 1, y))


for each in (sp.jv, sp.yv, sp.yn, sp.hankel1, sp.hankel2):
    elementwise(each, by_order(each.__name__), by_recurrence(each, 0.5, -0.5))
elementwise(sp.iv, by_order("iv"), by_recurrence(sp.iv, 0.5, 0.5))
for each in (sp.kv, sp.kn):
    elementwise(each, by_order(each.__name__), by_recurrence(each, -0.5, -0.5))


# with an exponential taken out


def tail(order: Any, w: Any) -> Any:
    """Σ (½ a_k(ν-1) + ½ a_k(ν+1) - a_k(ν)) w^k, a_k of DLMF 10.17.1.

    It is what is left of the differences below where their parts, of one asymptotic series each
    (DLMF 10.40.1, 10.40.2), are all but equal.
    """
    coefficients = []
    a, lower, upper = 1.0, 1.0, 1.0
    for k in range(18):
        coefficients.append((lower + upper) / 2 - a)
        odd, factor = np.square(2.0 * k + 1), 1 / (8.0 * (k + 1))
        a = a * (4 * np.square(order) - odd) * factor
        lower = lower * (4 * np.square(order - 1) - odd) * factor
        upper = upper * (4 * np.square(order + 1) - odd) * factor
    return horner(coefficients, w)


def far_out(order: Any, x: Any) -> Any:
    """Where the asymptotic series have all digits."""
    return np.abs(x) > 30 + np.square(order)


@in_blocks
def growing(order: Any, x: Any, near: Any) -> Any:
    """The derivative of e^-|x| I_ν(x), of which `near` is a difference."""
    far = far_out(order, x)
    if not np.any(numbers(far)):
        return near
    z = np.where(far, np.abs(x), 1)
    # I_ν(-x) = (-1)^ν I_ν(x), and only whole orders have an x below 0
    sign = np.where(x < 0, 1 - 2 * (order % 2), 1) * np.sign(x)
    return np.where(far, sign * tail(order, -1 / z) / np.sqrt(2 * np.pi * z), near)


@in_blocks
def falling(order: Any, x: Any, near: Any) -> Any:
    """The derivative of e^x K_ν(x), of which `near` is a difference."""
    far = far_out(order, x)
    if not np.any(numbers(far)):
        return near
    z = np.where(far, x, 1)
    return np.where(far, -tail(order, 1 / z) * np.sqrt(np.pi / 2 / z), near)


def i1e_slope(out: Any, x: Any) -> Any:
    """The difference that is the derivative of e^-|x| I₁(x)."""
    return first_order(x, sp.i0e(x), out, 1, np.exp(-np.abs(x))) - np.sign(x) * out


elementwise(sp.i0e, lambda t, out, x: t * growing(0.0, x, sp.i1e(x) - np.sign(x) * out))
elementwise(sp.i1e, lambda t, out, x: t * growing(1.0, x, i1e_slope(out, x)))
elementwise(sp.k0e, lambda t, out, x: t * falling(0.0, x, out - sp.k1e(x)))
elementwise(sp.k1e, lambda t, out, x: t * falling(1.0, x, out - sp.k0e(x) - over(out, x)))


def real_only(name: str, z: Any) -> Any:
    """Scaled by a factor that is no analytic function."""
    if z.dtype.kind == "c":
        raise UnsupportedError(
            f"scipy.special.{name} of complex numbers has no complex derivative; scale "
            f"scipy.special.{name[:-1]} by np.exp(-np.abs(…)) yourself"
        )
    return z


def ive_slope(out: Any, x: Any, y: Any) -> Any:
    """The derivative of e^-|x| I_ν(x)."""
    real_only("ive", y)
    near = (sp.ive(x - 1, y) + sp.ive(x + 1, y)) / 2 - np.sign(y) * out
    return growing(x, y, near)


def kve_slope(out: Any, x: Any, y: Any) -> Any:
    """The derivative of e^x K_ν(x)."""
    return falling(x, y, out - (sp.kve(x - 1, y) + sp.kve(x + 1, y)) / 2)


elementwise(
    sp.ive,
    lambda _t, _out, _x, _y: refused("ive", "its order"),
    lambda t, out, x, y: t * ive_slope(out, x, y),
)
elementwise(
    sp.kve,
    lambda _t, _out, _x, _y: refused("kve", "its order"),
    lambda t, out, x, y: t * kve_slope(out, x, y),
)


def unscaled(f: Any) -> Any:
    """The rule of the argument of `jve` and `yve`, which scale no real number."""
    return lambda t, x, y: t * ((f(x - 1, real_only(f.__name__, y)) - f(x + 1, y)) / 2)


for each in (sp.jve, sp.yve):
    elementwise(each, by_order(each.__name__), unscaled(each))


# Ai and Bi with their derivatives: Ai'' = x Ai (DLMF 9.2.1)

several(
    sp.airy,
    lambda gs, out, x: (
        gs[0] * np.conjugate(out[1])
        + gs[1] * np.conjugate(x * out[0])
        + gs[2] * np.conjugate(out[3])
        + gs[3] * np.conjugate(x * out[2])
    ),
    pushes=(lambda t, out, x: (t * out[1], t * (x * out[0]), t * out[3], t * (x * out[2])),),
    batching=pointwise,
)
