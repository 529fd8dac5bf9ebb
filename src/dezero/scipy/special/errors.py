"""The error function and its kin, and the normal distribution. DLMF, chapter 7.

``dlmf.nist.gov/7`` has the derivatives (7.10) and the asymptotic series (7.12.1) that stands in
where 2 z w(z) and the constant beside it cancel.
"""

from __future__ import annotations

import itertools
import math
import operator
from typing import Any

import numpy as np
import scipy.special as sp

from ...rows import elementwise
from ...rules.elementwise import steep
from .tools import either, gaussian, horner, in_blocks, times

ROOT_PI = math.sqrt(math.pi)
SLOPE = 2 / ROOT_PI
NORMAL = 1 / math.sqrt(2 * math.pi)
ROOT_2 = math.sqrt(2)

FAR = 7.0
"""Where the series has all digits, and the difference has lost two."""

TERMS = [0.0, *itertools.accumulate((0.5 - m for m in range(1, 25)), operator.mul)]
"""(-1)^m (1/2)_m: of the asymptotic series of √π ζ erfcx(ζ), without its 1."""


def beyond(z: Any, sign: int) -> Any:
    """``√π ζ erfcx(ζ) - 1`` for large ζ, with ζ² = z² if `sign` is 1, and -z² if it is -1."""
    w = 1 / z
    return horner([c * sign**k for k, c in enumerate(TERMS)], w * w)


def joined(far: Any, x: Any, near: Any, factor: complex, sign: int) -> Any:
    """The series where `far`, else what is near."""
    return either(far, x, lambda z: factor * beyond(z, sign), near, (FAR, 0))


@in_blocks
def erfcx_slope(x: Any, out: Any) -> Any:
    """2 x erfcx(x) - 2 / √π (DLMF 7.10.2, at i x)."""
    far = (np.abs(x) > FAR) & (np.real(x) > 0)
    return joined(far, x, lambda x: 2 * x * out - SLOPE, SLOPE, 1)


@in_blocks
def dawsn_slope(x: Any, out: Any) -> Any:
    """1 - 2 x F(x), from the definition (DLMF 7.2.5)."""
    far = (np.abs(x) > FAR) & (np.abs(np.real(x)) > np.abs(np.imag(x)))
    return joined(far, x, lambda x: 1 - 2 * x * out, -1.0, -1)


@in_blocks
def wofz_slope(x: Any, out: Any) -> Any:
    """2i / √π - 2 z w(z) (DLMF 7.10.2)."""
    far = (np.abs(x) > FAR) & (np.imag(x) >= 0)
    return joined(far, x, lambda x: 1j * SLOPE - 2 * x * out, -1j * SLOPE, -1)


elementwise(sp.erf, lambda t, x: t * (SLOPE * gaussian(x)))
elementwise(sp.erfc, lambda t, x: t * (-SLOPE * gaussian(x)))
elementwise(sp.erfi, lambda t, x: t * (SLOPE * np.exp(np.square(x))))
elementwise(sp.erfcx, lambda t, out, x: t * erfcx_slope(x, out))
elementwise(sp.dawsn, lambda t, out, x: t * dawsn_slope(x, out))
elementwise(sp.wofz, lambda t, out, x: t * wofz_slope(x, out))
elementwise(sp.erfinv, lambda t, out: times(t, np.exp(np.square(out)) / SLOPE))
elementwise(sp.erfcinv, lambda t, out: times(t, np.exp(np.square(out)) / -SLOPE))
elementwise(sp.ndtr, lambda t, x: t * (NORMAL * gaussian(x / ROOT_2)))
elementwise(sp.ndtri, lambda t, out: times(t, np.exp(np.square(out / ROOT_2)) / NORMAL))
# φ / Φ and its inverse by erfcx, which has all digits far to the left
elementwise(sp.log_ndtr, lambda t, x: steep(2 * NORMAL * t, sp.erfcx(x / -ROOT_2)))
elementwise(sp.ndtri_exp, lambda t, out: t * (sp.erfcx(out / -ROOT_2) / (2 * NORMAL)))


@in_blocks
def owens_by_height(x: Any, y: Any) -> Any:
    """∂T(h, a)/∂h (Owen 1956, "Tables for computing bivariate normal probabilities", eq. 2.3)."""
    return -NORMAL / 2 * gaussian(x / ROOT_2) * sp.erf(x * y / ROOT_2)


@in_blocks
def owens_by_slope(x: Any, y: Any) -> Any:
    """∂T(h, a)/∂a, the integrand."""
    return gaussian(x * np.hypot(1, y) / ROOT_2) / (2 * np.pi * (1 + np.square(y)))


elementwise(
    sp.owens_t,
    lambda t, x, y: t * owens_by_height(x, y),
    lambda t, x, y: t * owens_by_slope(x, y),
)


def voigt_parts(x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    """∂V/∂x and ∂V/∂γ of V(x; σ, γ) = Re w((x + iγ) / σ√2) / σ√2π (DLMF 7.19)."""
    at = (x + 1j * z) / (y * ROOT_2)
    slope = wofz_slope(at, sp.wofz(at)) * (NORMAL / ROOT_2 / np.square(y))
    return np.real(slope), -np.imag(slope)


def voigt_by_width(out: Any, x: Any, y: Any, z: Any) -> Any:
    """∂V/∂σ: V is homogeneous of degree -1."""
    by_x, by_gamma = voigt_parts(x, y, z)
    return -(out + x * by_x + z * by_gamma) / y


elementwise(
    sp.voigt_profile,
    lambda t, _out, x, y, z: t * voigt_parts(x, y, z)[0],
    lambda t, out, x, y, z: t * voigt_by_width(out, x, y, z),
    lambda t, _out, x, y, z: t * voigt_parts(x, y, z)[1],
)
