"""`numpy.i0`, without SciPy: NumPy has none of the functions that its derivatives are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import pointwise
from ..rows import elementwise, primitive


def scaled_bessel(x: Any, *, order: int) -> Any:
    """I_n(x) / (x/2)ⁿ: with its derivatives, which are of the same kind, smooth at 0.

    By the power series, whose terms are all positive (DLMF 10.25.2), and for large x by the
    asymptotic one (DLMF 10.40.1).
    """
    z = np.abs(np.asarray(x, np.result_type(x, float)))
    out, far = np.empty_like(z), z > 30 + order**2
    out[far], out[~far] = _asymptotic(z[far], order), _series(z[~far], order)
    return out.astype(x.dtype)


def _series(z: Any, order: int) -> Any:
    square = np.square(z / 2)
    total = term = np.full_like(z, 1 / math.factorial(order))
    k = 0
    while np.any(term > 1e-17 * total):
        k += 1
        term = term * square / (k * (order + k))
        total = total + term
    return total


def _asymptotic(z: Any, order: int) -> Any:
    total = term = np.ones_like(z)
    for k in range(1, 25):
        term = term * ((2 * k - 1) ** 2 - 4 * order**2) / (8 * k * z)
        total = total + term
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(z) * total / np.sqrt(2 * np.pi * z) / (z / 2) ** order


def slope(x: Any, order: int) -> Any:
    """d/dx I_n(x) / (x/2)ⁿ = x/2 · I_{n+1}(x) / (x/2)ⁿ⁺¹ (DLMF 10.29.4)."""
    return x / 2 * bessel(x, order=order + 1)


bessel = primitive(
    scaled_bessel,
    lambda g, x, *, order: g * slope(x, order),
    pushes=(lambda t, x, *, order: t * slope(x, order),),
    batching=pointwise,
)
elementwise(np.i0, lambda t, x: t * slope(x, 0))
