"""The gamma function, its logarithmic derivatives, and quotients of it. DLMF, chapter 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from ...box import ROWS, Box, as_array, deciding
from ...errors import UnsupportedError
from ...rows import elementwise
from ...rules.elementwise import flat
from ...rules.nondiff import stopped
from .tools import horner, in_blocks, instead_of, refused, times

BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
"""B_2, B_4, …"""

LARGE = 15.0
"""From where on the first Bernoulli numbers of an asymptotic series give all digits."""


def hurwitz(s: Any, q: Any) -> Any:
    """The zeta function of Hurwitz, of complex `q` too: by Euler's and Maclaurin's formula there.

    SciPy has it for real numbers. DLMF 25.11.28 without the remainder, after as many terms of
    the sum as take `q` to where that is below rounding.
    """
    if np.asarray(q).dtype.kind != "c":
        return sp.zeta(s, q)
    n = max(0, int(np.ceil(LARGE - np.min(np.real(q), initial=LARGE))))
    w, total = q + n, sum((q + k) ** -s for k in range(n))
    total = total + w ** (1 - s) / (s - 1) + w**-s / 2
    term = s * w ** (-s - 1) / 2  # (s)_{2j-1} w^{-s-2j+1} / (2j)!
    for j, b in enumerate(BERNOULLI, 1):
        total = total + b * term
        term = term * (s + 2 * j - 1) * (s + 2 * j) / (w * w * (2 * j + 1) * (2 * j + 2))
    return total.astype(q.dtype)


zeta_row: Any = elementwise(
    sp.zeta,
    lambda _t, _x, _y: refused("zeta", "its first argument", "the second"),
    lambda t, x, y: t * (-x * zeta_row(x + 1, y)),
    fn=hurwitz,
)
# The second is what the first calls.
ROWS[sp.zeta] = ROWS[sp._ufuncs._zeta] = zeta_row


@instead_of(sp.zeta)
def zeta(x: Any, q: Any = None) -> Any:
    """The zeta function of Riemann, or with `q` of Hurwitz; differentiable by `q`."""
    return refused("zeta", "its only argument", "q") if q is None else zeta_row(x, q)


@instead_of(sp.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    """Derivative `n` of `psi`; `n` is plain.

    Examples
    --------
    >>> import dezero as dz
    >>> dz.grad(lambda x: polygamma(0, x))(1.0)
    1.6449340668482264
    """
    if isinstance(n, Box):
        refused("polygamma", "its order")
    n = np.asarray(n)
    high = (-1.0) ** (n + 1) * sp.gamma(n + 1.0) * zeta_row(n + 1, x)
    return np.where(n == 0, sp.psi(x), high) if np.any(n == 0) else high


@in_blocks
def trigamma(x: Any) -> Any:
    """ψ', for positive numbers by recurrence and the asymptotic series (DLMF 5.15.8).

    SciPy has none but the general zeta function, which costs 30 times ψ; this costs 5 times.
    """
    if np.asarray(x).dtype.kind == "c" or not np.all(x > 0):
        return hurwitz(2.0, x)
    total = sum(1 / np.square(x + k) for k in range(10))
    w = 1 / (x + 10)
    square = np.square(w)
    return total + w * (1 + w / 2 + square * horner(BERNOULLI, square))


psi_slope = elementwise(trigamma, lambda t, x: t * (-2 * zeta_row(3.0, x)))
elementwise(sp.gamma, lambda t, out, x: t * (out * sp.psi(x)))
elementwise(sp.gammaln, lambda t, x: t * sp.psi(x))
elementwise(sp.loggamma, lambda t, x: t * sp.psi(x))
elementwise(sp.psi, lambda t, x: t * psi_slope(x))
elementwise(sp.gammasgn, lambda t: flat(t))


@in_blocks
def rgamma_slope(out: Any, x: Any) -> Any:
    """The derivative of 1 / Γ: left of 1/2 by reflection (DLMF 5.5.3), where ψ has poles."""
    left = np.real(x) < 0.5
    if not np.any(deciding(left)):
        return -out * sp.psi(x)
    z = np.where(left, x, 0)
    n = np.round(np.real(stopped(z)))
    turn = (1 - 2 * (n % 2)) * np.cos(np.pi * (z - n))
    return np.where(left, sp.gamma(1 - z) * turn, 0) - out * sp.psi(np.where(left, 1 - x, x))


elementwise(sp.rgamma, lambda t, out, x: t * rgamma_slope(out, x))


# differences of ψ, which the quotients are differentiated by

_PSI = [-b / (2 * j) for j, b in enumerate(BERNOULLI, 1)]
"""Of the asymptotic series of ψ in 1 / z² (DLMF 5.11.2)."""


@in_blocks
def psi_gap(x: Any, y: Any) -> Any:
    """ψ(x + y) - ψ(x), also where the two are close.

    Recurrence takes positive arguments to where the asymptotic series holds, and each part is
    taken as a difference that has no cancellation left.
    """
    inside = (x > 0) & (x + y > 0)
    a, d = np.where(inside, x, 1), np.where(inside, y, 0)
    total: Any = 0.0
    for _ in range(int(LARGE)):
        total = total + d / (a * (a + d))
        a = a + 1
    u, v = np.square(1 / (a + d)), np.square(1 / a)
    rise: Any = 0.0  # the divided difference of the series between u and v,
    value: Any = 0.0  # and its value at v
    for c in reversed([0.0, *_PSI]):
        rise, value = rise * u + value, value * v + c
    apart = -d / (a + d) * ((2 * a + d) / (a + d)) * v  # u - v, where u may be 0
    total = total + np.log1p(d / a) + d / (2 * a * (a + d)) + rise * apart
    # of two poles a whole number apart, the difference at their mirror images (DLMF 5.5.4)
    turned = is_pole(x) & is_pole(x + y)
    z, step = np.where(turned, 1 - x, x), np.where(turned, -y, y)
    with np.errstate(invalid="ignore"):
        return np.where(inside, total, sp.psi(z + step) - sp.psi(z)).astype(np.result_type(x, y))


def is_pole(x: Any) -> Any:
    """Where Γ has a pole."""
    return (x <= 0) & (x == np.round(x))


gap = elementwise(
    psi_gap,
    lambda t, x, y: t * (psi_slope(x + y) - psi_slope(x)),
    lambda t, x, y: t * psi_slope(x + y),
)

elementwise(
    sp.beta,
    lambda t, out, x, y: t * (-out * gap(x, y)),
    lambda t, out, x, y: t * (-out * gap(y, x)),
)
elementwise(sp.betaln, lambda t, x, y: -t * gap(x, y), lambda t, x, y: -t * gap(y, x))


# 1 / Γ is 0 where Γ has a pole, and moves on


def at_poles(x: Any, factor: Callable[[], Any], slope: Callable[[Any], Any]) -> Any:
    """``slope(x)``, and ``factor() (1/Γ)'(x)`` at poles of Γ(x), if there are any."""
    poles = is_pole(stopped(x))
    if not np.any(deciding(poles)):
        return slope(x)
    moved = factor() * rgamma_slope(0, np.where(poles, x, 0))
    return np.where(poles, moved, slope(np.where(poles, 1, x)))


def poch_by_start(out: Any, x: Any, y: Any) -> Any:
    """Of Γ(x + y) / Γ(x)."""
    both = is_pole(stopped(x)) & is_pole(stopped(x + y))
    z = np.where(both, 0.5, x)
    found = at_poles(z, lambda: sp.gamma(x + y), lambda z: out * gap(z, y))
    return np.where(both, out * gap(x, y), found) if np.any(deciding(both)) else found


def binom_by_size(out: Any, x: Any, y: Any) -> Any:
    """Of Γ(n + 1) / (Γ(k + 1) Γ(n - k + 1)) by n."""
    return at_poles(
        x - y + 1, lambda: sp.gamma(x + 1) * sp.rgamma(y + 1), lambda r: out * gap(r, y)
    )


def binom_by_choice(out: Any, x: Any, y: Any) -> Any:
    """The same by k."""
    return at_poles(
        y + 1,
        lambda: sp.gamma(x + 1) * sp.rgamma(x - y + 1),
        lambda s: at_poles(
            x - y + 1,
            lambda: -sp.gamma(x + 1) * sp.rgamma(y + 1),
            lambda r: out * gap(s, r - s),
        ),
    )


elementwise(
    sp.poch,
    lambda t, out, x, y: t * poch_by_start(out, x, y),
    lambda t, out, x, y: times(t, out * sp.psi(x + y)),
)
elementwise(
    sp.binom,
    lambda t, out, x, y: t * binom_by_size(out, x, y),
    lambda t, out, x, y: t * binom_by_choice(out, x, y),
)


# what SciPy has as programs


@instead_of(sp.comb)
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """How many ways to choose `k` of `N`, as a smooth function of both."""
    if exact:
        refused_exact("comb")
    N, k = as_array(N), as_array(k)
    if repetition:
        ways = sp.binom(N + k - 1, k)
        return np.where((k == 0) & (N >= 0), 1, ways) if np.any(deciding(k) == 0) else ways
    return np.where((k <= N) & (N >= 0) & (k >= 0), sp.binom(N, k), 0)


@instead_of(sp.factorial)
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """Γ(n + 1), with the keywords of `scipy.special.factorial`; 0 below 0."""
    if exact:
        refused_exact("factorial")
    n = as_array(n)
    if extend == "complex":
        found = sp.gamma(n + 1)
        return found if n.dtype.kind == "c" else np.where(n == -1, np.nan, found)
    found = np.where(n < 0, 0, sp.gamma(np.where(n < 0, 0, n) + 1))
    return found.astype(float) if n.size else found


def refused_exact(name: str) -> None:
    """Whole numbers do not move."""
    raise UnsupportedError(f"scipy.special.{name} of a box does not take exact=True")


@instead_of(sp.multigammaln)
def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function of dimension `d` (DLMF 35.3).

    Raises
    ------
    ValueError
        If `a` is not above (d - 1) / 2.
    """
    start = deciding(a)
    if np.any(start <= 0.5 * (d - 1)):
        raise ValueError(f"condition a ({start}) > 0.5 * (d-1) ({0.5 * (d - 1)}) not met")
    parts = np.stack([a - (j - 1.0) / 2 for j in range(1, d + 1)])
    return (d * (d - 1) * 0.25) * np.log(np.pi) + np.sum(sp.loggamma(parts), axis=0)
