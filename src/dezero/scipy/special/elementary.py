"""Exponentials, logarithms, powers and entropies that keep their digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from ...rows import elementwise
from ...rules.elementwise import LN2, by_base, nonzero, steep
from .tools import either, horner, in_blocks, logarithm, times

DEGREE = math.pi / 180

# logistic functions


def bell(x: Any) -> Any:
    """The derivative of the logistic function, 1 / (4 cosh(x / 2)²)."""
    with np.errstate(over="ignore"):
        return 0.25 / np.square(np.cosh(x / 2))


elementwise(sp.expit, lambda t, x: t * bell(x))
elementwise(sp.log_expit, lambda t, x: t * sp.expit(-x))
elementwise(sp.logit, lambda t, x: steep(t, x * (1 - x)))

# namesakes of NumPy's, from another library

elementwise(sp.expm1, lambda t, x: t * np.exp(x), title="special.expm1")
elementwise(sp.log1p, lambda t, x: t / (1 + x), title="special.log1p")
elementwise(sp.exp2, lambda t, out: t * (LN2 * out), title="special.exp2")
elementwise(sp.cbrt, lambda t, out: steep(t, 3 * np.square(out)), title="special.cbrt")

elementwise(sp.exp10, lambda t, out: t * (math.log(10) * out))
elementwise(sp.cosm1, lambda t, x: t * -np.sin(x))
elementwise(
    sp.powm1, lambda t, x, y: by_base(t, x, y), lambda t, x, y: t * (x**y * np.log(nonzero(x)))
)
elementwise(sp.sindg, lambda t, x: t * (DEGREE * sp.cosdg(x)))
elementwise(sp.cosdg, lambda t, x: t * (-DEGREE * sp.sindg(x)))
elementwise(sp.tandg, lambda t, out: t * (DEGREE * (1 + np.square(out))))
elementwise(sp.cotdg, lambda t, out: t * (-DEGREE * (1 + np.square(out))))


def log1p(x: Any) -> Any:
    """log(1 + x), -inf at -1 without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log1p(x)


# (exp(x) - 1) / x and log(1 + x) / x, by their series near 0

_EXPREL = [(k + 1) / math.factorial(k + 2) for k in range(13)]
_LOGREL = [(-1) ** (k + 1) * (k + 1) / (k + 2) for k in range(15)]


@in_blocks
def exprel_slope(x: Any) -> Any:
    """The derivative of (exp(x) - 1) / x."""
    near = np.abs(x) < 0.3

    def far(x: Any) -> Any:
        rise = np.expm1(x)
        return (rise + 1 - rise / x) / x

    return either(near, x, lambda x: horner(_EXPREL, x), far, (0, 1))


@in_blocks
def log_slope(x: Any) -> Any:
    """The derivative of log(1 + x) / x."""
    near = np.abs(x) < 0.1

    def far(x: Any) -> Any:
        return (1 / (1 + x) - np.log1p(x) / x) / x

    return either(near, x, lambda x: horner(_LOGREL, x), far, (0, 1))


elementwise(sp.exprel, lambda t, x: t * exprel_slope(x))

# powers of Box and Cox: (x^λ - 1) / λ is log(x) exprel(λ log(x)), smooth in λ


def power(x: Any, y: Any) -> Any:
    """``x**y``, and inf at 0 without a warning."""
    with np.errstate(divide="ignore"):
        return x**y


@in_blocks
def boxcox_by_power(logarithm: Any, y: Any) -> Any:
    """The derivative by λ, from the logarithm of the base; 1 / λ² or inf at 0."""
    at_zero = logarithm == -np.inf
    base = np.where(at_zero, 0, logarithm)
    limit = np.where(y > 0, 1 / np.square(np.where(y > 0, y, 1)), np.inf)
    return np.where(at_zero, limit, np.square(base) * exprel_slope(y * base))


@in_blocks
def inverse_by_power(out: Any, x: Any, y: Any) -> Any:
    """The derivative of (1 + λx)^(1/λ) by λ."""
    return out * np.square(x) * log_slope(x * y)


elementwise(
    sp.boxcox,
    lambda t, x, y: times(t, power(x, y - 1)),
    lambda t, x, y: times(t, boxcox_by_power(logarithm(x), y)),
)
elementwise(
    sp.boxcox1p,
    lambda t, x, y: times(t, power(1 + x, y - 1)),
    lambda t, x, y: times(t, boxcox_by_power(log1p(x), y)),
)
elementwise(
    sp.inv_boxcox,
    lambda t, out, x, y: t * (out / (1 + x * y)),
    lambda t, out, x, y: t * inverse_by_power(out, x, y),
)
elementwise(
    sp.inv_boxcox1p,
    lambda t, out, x, y: t * ((out + 1) / (1 + x * y)),
    lambda t, out, x, y: t * inverse_by_power(out + 1, x, y),
)

# x log(y), where 0 log(0) is 0, and entropies


def over(x: Any, y: Any) -> Any:
    """``x / y``, and 0 for 0 / 0."""
    with np.errstate(divide="ignore"):
        return x / np.where((x == 0) & (y == 0), 1, y)


@in_blocks
def log_ratio(x: Any, y: Any) -> Any:
    """log(x / y), by the difference of close numbers, which is exact; inf at (0, 0)."""
    gap = over(x - y, y)
    close = (gap > -0.9) & (y != 0)
    apart = logarithm(np.where(close | (y == 0), 1, x)) - logarithm(np.where(close, 1, y))
    return np.log1p(np.where(close, gap, 0)) + apart


elementwise(
    sp.xlogy,
    lambda t, _x, y: times(t, logarithm(y)),
    lambda t, x, y: times(t, over(x, y)),
)
elementwise(
    sp.xlog1py,
    lambda t, _x, y: times(t, log1p(y)),
    lambda t, x, y: times(t, over(x, 1 + y)),
)
elementwise(sp.entr, lambda t, x: times(t, -logarithm(x) - 1))
elementwise(
    sp.rel_entr,
    lambda t, x, y: times(t, log_ratio(x, y) + 1),
    lambda t, x, y: times(-t, over(x, y)),
)
elementwise(
    sp.kl_div,
    lambda t, x, y: times(t, log_ratio(x, y)),
    lambda t, x, y: times(t, over(y - x, y)),
)

# losses of a residual r


def beyond(x: Any, y: Any) -> Any:
    """How far the residual is outside of the quadratic part."""
    return np.maximum(np.abs(y) - x, 0)


def stretched(x: Any, y: Any) -> Any:
    """√(1 + (r / δ)²)."""
    return np.hypot(1, y / x)


@in_blocks
def pseudo_huber_by_scale(x: Any, y: Any) -> Any:
    """δ (s - 1)² / s, s the root above; s - 1 as (r / δ)² / (s + 1)."""
    root = stretched(x, y)
    gap = y / x * (y / x / (root + 1))
    return x * gap * (gap / root)


elementwise(
    sp.huber,
    lambda t, x, y: t * beyond(x, y),
    lambda t, x, y: t * np.clip(y, -x, x),
)
elementwise(
    sp.pseudo_huber,
    lambda t, x, y: t * pseudo_huber_by_scale(x, y),
    lambda t, x, y: t * (y / stretched(x, y)),
)
