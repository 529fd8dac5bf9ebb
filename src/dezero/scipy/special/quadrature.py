"""Derivatives of the incomplete gamma and beta functions by their parameters, on plain arrays.

Such a derivative is the integral of the density's: of a polynomial in logarithms times the density.
It is computed by Gauss's quadrature in the logarithm of the variable (in the logit), where the
integrand is smooth and bell-shaped, from the limit to where the nearer tail is below rounding; so
no digits are lost to cancellation. A parameter below 4 is first raised by the recurrences of DLMF
8.8.5 and 8.17.20, whose terms do not cancel.

The price is an exponential or two for each of 32 nodes: four to eight times the function for each
parameter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from .gammas import BERNOULLI
from .tools import in_blocks

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
DROP = 45.0
"""A tail ends where it has fallen by a factor exp(45)."""

RAISED = 4
"""A smaller parameter is raised by this."""

Cumulant = Callable[[int, int], Any]
"""j, k → ∂ʲ⁺ᵏ log(f) by two parameters."""


def stirling_error(a: Any) -> Any:
    """Log Γ(a) - (a - ½) log(a) + a - ½ log(2π) (DLMF 5.11.1)."""
    large = a >= 10
    z, y = np.where(large, a, 10), np.where(large, 1, a)
    series = sum(b / (2 * j * (2 * j - 1)) / z ** (2 * j - 1) for j, b in enumerate(BERNOULLI, 1))
    direct = sp.gammaln(y) - (y - 0.5) * np.log(y) + y - math.log(2 * math.pi) / 2
    return np.where(large, series, direct)


def log_quotient(x: Any, y: Any) -> Any:
    """log(x / y), to the last digit also where they are close."""
    gap = (x - y) / y
    near = np.abs(gap) < 0.5
    return np.where(near, np.log1p(np.where(near, gap, 0)), np.log(x / y))


def moment(cumulant: Cumulant, m: int, n: int) -> Any:
    """∂ᵐ⁺ⁿf / f by two parameters, from the derivatives of log(f): Leibniz on f' = f log(f)'."""

    @functools.cache
    def of(m: int, n: int) -> Any:
        if m == n == 0:
            return 1.0
        first = m > 0  # the parameter by which f' is taken
        js = range(1, m + 1) if first else [0]
        ks = range(n + 1) if first else range(1, n + 1)
        return sum(
            (math.comb(m - 1, j - 1) * math.comb(n, k) if first else math.comb(n - 1, k - 1))
            * cumulant(j, k)
            * of(m - j, n - k)
            for j in js
            for k in ks
        )

    return of(m, n)


def psi(order: int, x: Any) -> Any:
    """Derivative `order` of ψ."""
    if order == 0:
        return sp.psi(x)
    return (-1) ** (order + 1) * math.factorial(order) * sp.zeta(order + 1, x)


def reach(drop: Callable[[Any], Any], rate: Callable[[Any], Any], v: Any) -> Any:
    """Where a convex `drop` is `DROP`, by Newton's method from a `v` beyond."""
    for _ in range(8):
        v = v - (drop(v) - DROP) / rate(v)
    return v


def integral(f: Callable[[Any], Any], start: Any, end: Any) -> Any:
    """∫ f from start to end."""
    half, middle = (end - start) / 2, (end + start) / 2
    return half * sum(w * f(middle + half * x) for x, w in zip(NODES, WEIGHTS, strict=True))


class Gamma:
    """f(v) = xᵃ exp(-x) / Γ(a) at x = a exp(v), and its derivatives by `a`."""

    def __init__(self, a: Any, order: int) -> None:
        self.a, self.order = a, order
        self.height = np.sqrt(a / (2 * np.pi)) * np.exp(-stirling_error(a))
        self.constants = [(0 if j else np.log(a)) - psi(j, a) for j in range(order)]

    def __call__(self, v: Any) -> Any:
        """Derivative `order` by `a`, for constant x."""
        f = self.height * np.exp(self.a * (v - np.expm1(v)))
        return f * moment(lambda j, _k: self.constants[j - 1] + v * (j == 1), self.order, 0)

    def at(self, x: Any) -> Any:
        """The same at x."""
        return self(log_quotient(x, self.a))

    def below(self, x: Any) -> Any:
        """∫ f over v up to x, which is not far above the mean."""
        a, v = self.a, log_quotient(x, self.a)
        tail = reach(
            lambda w: a * w + x * np.expm1(-w), lambda w: a - x * np.exp(-w), (DROP + x) / a
        )
        return integral(self, v - tail, v)

    def above(self, x: Any) -> Any:
        """∫ f over v from x, which is not below the mean."""
        a, v = self.a, log_quotient(x, self.a)
        beyond = np.log1p((np.sqrt(2 * DROP * x) + 2 * DROP) / x)
        tail = reach(lambda w: x * np.expm1(w) - a * w, lambda w: x * np.exp(w) - a, beyond)
        return integral(self, v, v + tail)


def gamma_below(a: Any, x: Any, order: int) -> Any:
    """∂ⁿP(a, x) / ∂aⁿ below the mean, with small `a` raised (DLMF 8.8.5)."""
    small = a < RAISED
    total, at = np.zeros_like(a), x[small]
    for k in range(1, RAISED + 1):
        total[small] += Gamma(a[small] + k, order).at(at) / at
    return total + Gamma(np.where(small, a + RAISED, a), order).below(x)


@in_blocks
def gamma_integral(a: Any, x: Any, *, order: int) -> Any:
    """∂ⁿP(a, x) / ∂aⁿ of the regularized incomplete gamma function, n > 0."""
    dtype = np.result_type(a, x)
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    out = np.where((a > 0) & (x >= 0), 0.0, np.nan)
    inside = (a > 0) & (x > 0) & (a < np.inf) & (x < np.inf)
    low = x < a + (a < RAISED)
    left, right = inside & low, inside & ~low
    out[left] = gamma_below(a[left], x[left], order)
    out[right] = -Gamma(a[right], order).above(x[right])
    if order == 1:
        none = (a == 0) & (x > 0)
        out[none] = -sp.exp1(x[none])  # the limit
    return out.astype(dtype)


@in_blocks
def gamma_density(a: Any, x: Any, *, order: int = 0) -> Any:
    """∂ⁿ/∂aⁿ of xᵃ⁻¹ exp(-x) / Γ(a)."""
    dtype = np.result_type(a, x)
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    inside = (a > 0) & (x > 0) & (a < np.inf) & (x < np.inf)
    out = np.full(a.shape, np.nan)
    out[inside] = Gamma(a[inside], order).at(x[inside]) / x[inside]
    out[((x == 0) & (a > 1)) | (x == np.inf) | ((x > 0) & (a == 0))] = 0
    if order == 0:
        out[(x == 0) & (a == 1)] = 1
        out[(x == 0) & (a < 1)] = np.inf
        out[(x == 0) & (a == 0)] = 0
    return out.astype(dtype)


class Beta:
    """f(v) = xᵃ (1-x)ᵇ / B(a, b), v = logit(x) - logit(a / (a+b)), and its derivatives by a, b.

    With `raised`, f / (a+b-1), a term of the recurrence that raises `a`.
    """

    def __init__(self, a: Any, b: Any, orders: tuple[int, int], raised: bool = False) -> None:
        self.a, self.b, self.n, self.orders = a, b, a + b, orders
        n = self.n
        self.p, self.q = a / n, b / n
        error = stirling_error(a) + stirling_error(b) - stirling_error(n)
        self.height = np.sqrt(a * self.q / (2 * np.pi)) * np.exp(-error)
        if raised:
            self.height = self.height / (n - 1)
        both = [psi(j, n - raised) for j in range(sum(orders))]
        self.by_a = [both[j] - psi(j, a) for j in range(orders[0])]
        self.by_b = [both[j] - psi(j, b) for j in range(orders[1])]
        self.by_both = both

    def __call__(self, v: Any) -> Any:
        """The derivative of these orders, for constant x."""
        rest = self.rest(v)
        f = self.height * np.exp(self.a * v - self.n * rest)

        def cumulant(j: int, k: int) -> Any:
            if j and k:
                return self.by_both[j + k - 1]
            if j:
                return self.by_a[j - 1] + (v - rest + np.log(self.p) if j == 1 else 0)
            return self.by_b[k - 1] + (np.log(self.q) - rest if k == 1 else 0)

        return f * moment(cumulant, *self.orders)

    def rest(self, v: Any) -> Any:
        """log(q / (1-x)); log(x / p) is v less that."""
        rise = self.p * np.expm1(v)
        low = rise < -0.5  # where p may have no digits of q
        return np.where(low, np.log(self.q + self.p * np.exp(v)), np.log1p(rise))

    def place(self, x: Any, y: Any) -> Any:
        """V of x, and of y = 1 - x."""
        return log_quotient(x, self.p) - log_quotient(y, self.q)

    def below(self, x: Any, y: Any) -> Any:
        """∫ f over v up to x, which is not far above the mean."""
        a, n, v = self.a, self.n, self.place(x, y)
        tail = reach(
            lambda w: a * w + n * np.log1p(x * np.expm1(-w)),
            lambda w: a - n * x * np.exp(-w) / (1 + x * np.expm1(-w)),
            (DROP - n * np.log(y)) / a,
        )
        return integral(self, v - tail, v)


def beta_below(a: Any, b: Any, x: Any, y: Any, orders: tuple[int, int]) -> Any:
    """∂ᵐ⁺ⁿI(a, b; x) / ∂aᵐ∂bⁿ below the mean, with small `a` raised (DLMF 8.17.20)."""
    small = a < RAISED
    total = np.zeros_like(a)
    for k in range(1, RAISED + 1):
        term = Beta(a[small] + k, b[small], orders, raised=True)
        total[small] += term(term.place(x[small], y[small])) / x[small]
    return total + Beta(np.where(small, a + RAISED, a), b, orders).below(x, y)


@in_blocks
def beta_integral(a: Any, b: Any, x: Any, *, orders: tuple[int, int]) -> Any:
    """∂ᵐ⁺ⁿI(a, b; x) / ∂aᵐ∂bⁿ of the regularized incomplete beta function, m + n > 0."""
    dtype = np.result_type(a, b, x)
    a, b, x = np.broadcast_arrays(*(np.asarray(each, float) for each in (a, b, x)))
    y = 1 - x
    proper = (a > 0) & (b > 0)
    out = np.where(proper & (x >= 0) & (y >= 0), 0.0, np.nan)
    inside = proper & (x > 0) & (y > 0) & (a + b < np.inf)
    low = x * (a + b + 2) < a + 1
    left, right = inside & low, inside & ~low
    out[left] = beta_below(a[left], b[left], x[left], y[left], orders)
    out[right] = -beta_below(b[right], a[right], y[right], x[right], orders[::-1])
    return out.astype(dtype)


@in_blocks
def beta_density(a: Any, b: Any, x: Any, *, orders: tuple[int, int] = (0, 0)) -> Any:
    """∂ᵐ⁺ⁿ/∂aᵐ∂bⁿ of xᵃ⁻¹ (1-x)ᵇ⁻¹ / B(a, b)."""
    dtype = np.result_type(a, b, x)
    a, b, x = np.broadcast_arrays(*(np.asarray(each, float) for each in (a, b, x)))
    y = 1 - x
    inside = (a > 0) & (b > 0) & (x > 0) & (y > 0) & (a + b < np.inf)
    out = np.full(a.shape, np.nan)
    a_, b_, x_, y_ = (each[inside] for each in (a, b, x, y))
    f = Beta(a_, b_, orders)
    out[inside] = f(f.place(x_, y_)) / x_ / y_
    for end, here, there in ((x, a, b), (y, b, a)):
        at = (end == 0) & (here > 0) & (there > 0)
        if sum(orders) == 0:
            out[at & (here < 1)] = np.inf
            out[at & (here == 1)] = there[at & (here == 1)]
        out[at & (here > 1)] = 0
    return out.astype(dtype)
