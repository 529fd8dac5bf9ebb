"""Functions that are made of others, in the same steps as NumPy or SciPy takes."""

from __future__ import annotations

from .exponential import exp, exp2
from .logarithm import log, log1p
from .numbers import LN2, PI
from .operators import Vector
from .trigonometric import sin


def sqrt(x: Vector) -> Vector:
    """By the processor."""
    return x.sqrt()


def reciprocal(x: Vector) -> Vector:
    """By the processor."""
    return 1 / x


def larger(x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """The larger of two numbers, and what is to be subtracted for the other."""
    return x.where(x > y, y), abs(x - y)


def logaddexp(x: Vector, y: Vector) -> Vector:
    """``log(exp(x) + exp(y))``."""
    large, apart = larger(x, y)
    return (x + float(LN2)).where(x.equals(y), large + log1p(exp(-apart)))


def logaddexp2(x: Vector, y: Vector) -> Vector:
    """``log2(2**x + 2**y)``."""
    large, apart = larger(x, y)
    return (x + 1).where(x.equals(y), large + log1p(exp2(-apart)) * float(1 / LN2))


def expit(x: Vector) -> Vector:
    """``1 / (1 + exp(-x))``: 0 where the exponential overflows, as SciPy has it."""
    return 1 / (exp(-x) + 1)


def log_expit(x: Vector) -> Vector:
    """Its logarithm."""
    return x.where(x < 0, -0.0) - log1p(exp(-abs(x)))


def sinc(x: Vector) -> Vector:
    """``sin(πx) / (πx)``."""
    y = x * float(PI)
    return y.constant(1).where(y.equals(0), sin(y) / y)


def xlogy(x: Vector, y: Vector) -> Vector:
    """``x log y``."""
    return none(x, y, x * log(y))


def xlog1py(x: Vector, y: Vector) -> Vector:
    """``x log(1 + y)``."""
    return none(x, y, x * log1p(y))


def none(x: Vector, y: Vector, product: Vector) -> Vector:
    """0 where x is, unless y is NaN."""
    return x.constant(0).where(x.equals(0) & y.equals(y), product)
