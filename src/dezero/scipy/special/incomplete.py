"""The incomplete gamma and beta functions, by all of their arguments. DLMF, chapter 8.

By the upper limit the derivative is the integrand, a probability density; by a parameter it is an
integral that has no elementary expression (`quadrature.py`). All orders are closed: the derivatives
of these integrals are the next ones, and densities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from ...axes import pointwise
from ...box import numbers
from ...rows import elementwise, primitive
from ...rules.elementwise import steep
from .quadrature import beta_density, beta_integral, gamma_density, gamma_integral
from .tools import times


def quotient(x: Any, y: Any) -> Any:
    """``x / y``, and 0 for 0 / 0: where a density has the exponent 0 at its end."""
    with np.errstate(divide="ignore"):
        return x / np.where((y == 0) & (x == 0), 1, y)


def gamma_density_by_x(out: Any, x: Any, y: Any, order: int) -> Any:
    """Of the density by its variable; for derivatives by the parameter, by Leibniz."""
    edge = y == 0
    slope = out * ((x - 1) / np.where(edge, 1, y) - 1)
    if order:
        return slope + order * quotient(density(x, y, order=order - 1), y)
    if not np.any(numbers(y) == 0):
        return slope
    return np.where(edge, density(np.maximum(x - 1, 0), y) - out, slope)


density_rules = (
    lambda t, _out, x, y, *, order=0: t * density(x, y, order=order + 1),
    lambda t, out, x, y, *, order=0: t * gamma_density_by_x(out, x, y, order),
)
density: Any = primitive(
    gamma_density, *density_rules, pushes=density_rules, broadcasts=True, batching=pointwise
)
slope_rules = (
    lambda t, x, y, *, order: t * gamma_slope(x, y, order=order + 1),
    lambda t, x, y, *, order: t * density(x, y, order=order),
)
gamma_slope: Any = primitive(
    gamma_integral, *slope_rules, pushes=slope_rules, broadcasts=True, batching=pointwise
)
elementwise(
    sp.gammainc,
    lambda t, x, y: t * gamma_slope(x, y, order=1),
    lambda t, x, y: times(t, density(x, y)),
)
elementwise(
    sp.gammaincc,
    lambda t, x, y: -t * gamma_slope(x, y, order=1),
    lambda t, x, y: times(-t, density(x, y)),
)


def inverse(sign: int) -> Any:
    """The rule of a probability."""
    return lambda t, out, x, _y: steep(sign * t, density(x, out))


for each, sign in ((sp.gammaincinv, 1), (sp.gammainccinv, -1)):
    elementwise(
        each,
        lambda t, out, x, _y: -t * quotient(gamma_slope(x, out, order=1), density(x, out)),
        inverse(sign),
    )


def beta_density_by_x(out: Any, x: Any, y: Any, z: Any, orders: tuple[int, int]) -> Any:
    """Of the density by its variable; for derivatives by parameters, by Leibniz."""
    m, n = orders
    slope = out * (quotient(x - 1, z) - quotient(y - 1, 1 - z))
    if m:
        slope = slope + m * beta_row(x, y, z, orders=(m - 1, n)) / z
    if n:
        slope = slope - n * beta_row(x, y, z, orders=(m, n - 1)) / (1 - z)
    return slope


def next_to(f: Callable[..., Any], x: Any, y: Any, z: Any, orders: Any, by: int) -> Any:
    """A derivative by one of the parameters, of what has been differentiated before."""
    m, n = orders
    return f(x, y, z, orders=(m + 1, n) if by == 0 else (m, n + 1))


beta_density_rules = (
    lambda t, _out, x, y, z, *, orders=(0, 0): t * next_to(beta_row, x, y, z, orders, 0),
    lambda t, _out, x, y, z, *, orders=(0, 0): t * next_to(beta_row, x, y, z, orders, 1),
    lambda t, out, x, y, z, *, orders=(0, 0): t * beta_density_by_x(out, x, y, z, orders),
)
beta_row: Any = primitive(
    beta_density,
    *beta_density_rules,
    pushes=beta_density_rules,
    broadcasts=True,
    batching=pointwise,
)
beta_slope_rules = (
    lambda t, x, y, z, *, orders: t * next_to(beta_slope, x, y, z, orders, 0),
    lambda t, x, y, z, *, orders: t * next_to(beta_slope, x, y, z, orders, 1),
    lambda t, x, y, z, *, orders: t * beta_row(x, y, z, orders=orders),
)
beta_slope: Any = primitive(
    beta_integral,
    *beta_slope_rules,
    pushes=beta_slope_rules,
    broadcasts=True,
    batching=pointwise,
)


def tail(sign: int) -> tuple[Any, Any, Any]:
    """The rules of the lower (1) or the upper tail (-1)."""
    return (
        lambda t, x, y, z: sign * t * beta_slope(x, y, z, orders=(1, 0)),
        lambda t, x, y, z: sign * t * beta_slope(x, y, z, orders=(0, 1)),
        lambda t, x, y, z: times(sign * t, beta_row(x, y, z)),
    )


def quantile(sign: int) -> tuple[Any, Any, Any]:
    """The rules of their inverses."""

    def by_parameter(orders: tuple[int, int]) -> Any:
        return lambda t, out, x, y, _z: (
            -t * quotient(beta_slope(x, y, out, orders=orders), beta_row(x, y, out))
        )

    return (
        by_parameter((1, 0)),
        by_parameter((0, 1)),
        lambda t, out, x, y, _z: steep(sign * t, beta_row(x, y, out)),
    )


elementwise(sp.betainc, *tail(1))
elementwise(sp.betaincc, *tail(-1))
elementwise(sp.betaincinv, *quantile(1))
elementwise(sp.betainccinv, *quantile(-1))
