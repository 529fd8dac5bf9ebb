"""Integrals whose integrand is elementary, and hypergeometric functions.

DLMF, chapters 6 (exponential, sine and cosine integrals), 7 (Fresnel's), 13, 15, 16 and 19.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from ...axes import pointwise
from ...box import deciding
from ...rows import elementwise, several
from ...rules.elementwise import steep
from .tools import either, horner, in_blocks, logarithm, refused, times

elementwise(sp.exp1, lambda t, x: steep(-t * np.exp(-x), x))
elementwise(sp.expi, lambda t, x: steep(t * np.exp(x), x))


def over(y: Any, x: Any) -> Any:
    """``y / x``, infinite at 0 without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return y / x


def expn_slope(out: Any, x: Any, y: Any) -> Any:
    """-E_{n-1} (DLMF 8.19.13); that of E_0 by recurrence (DLMF 8.19.12)."""
    first = x < 1
    lower = sp.expn(np.where(first, 0, x - 1), y)
    return -np.where(first, over(np.exp(-y) + out, y), lower) if np.any(deciding(first)) else -lower


elementwise(
    sp.expn,
    lambda _t, _out, _x, _y: refused("expn", "its order"),
    lambda t, out, x, y: t * expn_slope(out, x, y),
)


LOG_SERIES = [(-1) ** (k + 1) / (k + 1) for k in range(19)]
"""Of -log(1 + u) / u."""


def far_spence(x: Any) -> Any:
    """The same away from 1."""
    return logarithm(x) / (1 - x)


@in_blocks
def spence_slope(x: Any) -> Any:
    """log(x) / (1 - x), by the series of -log(1 + u) / u near 1."""
    near = np.abs(x - 1) < 0.1
    return either(near, x, lambda x: horner(LOG_SERIES, x - 1), far_spence, (1, 2))


elementwise(sp.spence, lambda t, x: times(t, spence_slope(x)))


# two results each


def pair(fn: Any, first: Callable[[Any], Any], second: Callable[[Any], Any]) -> None:
    """A row with two results, by their derivatives."""
    several(
        fn,
        lambda gs, x: times(gs[0], np.conjugate(first(x))) + times(gs[1], np.conjugate(second(x))),
        pushes=(lambda t, x: (times(t, first(x)), times(t, second(x))),),
        batching=pointwise,
    )


def sinc(x: Any) -> Any:
    """sin(x) / x."""
    return np.sinc(x / np.pi)


def sinch(x: Any) -> Any:
    """sinh(x) / x."""
    if x.dtype.kind == "c":
        return sinc(1j * x)
    return (sp.exprel(x) + sp.exprel(-x)) / 2


def cosh_over(x: Any) -> Any:
    """cosh(x) / x, which overflows where `shichi` does."""
    with np.errstate(over="ignore"):
        return over(np.cosh(x), x)


pair(sp.sici, sinc, lambda x: over(np.cos(x), x))
pair(sp.shichi, sinch, cosh_over)
pair(
    sp.fresnel,
    lambda x: np.sin(np.pi / 2 * np.square(x)),
    lambda x: np.cos(np.pi / 2 * np.square(x)),
)

# hypergeometric functions of their argument, and complete elliptic integrals by them


def parameter(name: str) -> Any:
    """The rule of a parameter, which says that there is none."""
    return lambda _t, _x, _y, _z: refused(name, "a parameter", "its last argument")


elementwise(
    sp.hyp0f1,
    lambda _t, _x, _y: refused("hyp0f1", "its parameter", "its last argument"),
    lambda t, x, y: t * (sp.hyp0f1(x + 1, y) / x),
)
elementwise(
    sp.hyp1f1,
    parameter("hyp1f1"),
    parameter("hyp1f1"),
    lambda t, x, y, z: t * (x / y * sp.hyp1f1(x + 1, y + 1, z)),
)
elementwise(
    sp.hyp2f1,
    *[lambda _t, _x, _y, _z, _w: refused("hyp2f1", "a parameter", "its last argument")] * 3,
    lambda t, x, y, z, w: t * (x * y / z * sp.hyp2f1(x + 1, y + 1, z + 1, w)),
)


CENTRAL = [math.pi / 2 * (math.comb(2 * k, k) / 4**k) ** 2 for k in range(1, 17)]
"""Coefficients of m, m², … in K(m) (DLMF 19.5.1)."""


# Both call each other on the very m, so that series of them close on each other (`taylor.py`).


@in_blocks
def ellipk_slope(out: Any, x: Any) -> Any:
    """dK/dm (DLMF 19.4.1), near 0 by its power series; inf at 1."""
    near, end = np.abs(x) < 0.1, x == 1
    series = horner([k * c for k, c in enumerate(CENTRAL, 1)], np.where(near, x, 0))
    twice, rest = np.where(near, 1, 2 * x), np.where(end, 1, 1 - x)
    far = (sp.ellipe(x) / rest - np.where(end, 0, out)) / twice
    return np.where(near, series, np.where(end, np.inf, far))


@in_blocks
def ellipe_slope(out: Any, x: Any) -> Any:
    """dE/dm (DLMF 19.4.2), likewise."""
    near = np.abs(x) < 0.1
    series = horner([k * c / (1 - 2 * k) for k, c in enumerate(CENTRAL, 1)], np.where(near, x, 0))
    return np.where(near, series, (out - sp.ellipk(x)) / np.where(near, 1, 2 * x))


elementwise(sp.ellipk, lambda t, out, x: t * ellipk_slope(out, x))
elementwise(sp.ellipe, lambda t, out, x: t * ellipe_slope(out, x))
