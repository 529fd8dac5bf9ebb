"""Functions of matrices: `expm`, `logm`, `sqrtm`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from ...box import deciding
from ...errors import UnsupportedError
from ...rows import General, primitive
from ...rules.inverses import (
    flip,
    stacked,
)
from ...rules.nondiff import stopped
from ...taylor import RULES, Call, Coefficients, Unfinished
from .arguments import matrix
from .equations import sylvester


def _fraction(f: Callable[[Any], Any], x: Any, e: Any) -> Any:
    """The Fréchet derivative of f at x along e: a block of f([[x, e], [0, x]]).

    Mathias 1996; Higham 2008, (3.16). A derivative of it is again one of f itself, and so on. `e`
    is brought to size 1, because what is large makes expm lose digits. A matrix twice as wide takes
    8 times the work.
    """
    size = np.max(np.abs(stopped(e)), axis=(-2, -1), keepdims=True) if e.size else 1.0
    size = np.where(np.equal(size, 0), 1, size)
    n = x.shape[-1]
    top = np.concatenate([x, e / size], axis=-1)
    bottom = np.concatenate([np.zeros_like(x), x], axis=-1)
    return f(np.concatenate([top, bottom], axis=-2))[..., :n, n:] * size


_expm: Any = primitive(
    scipy.linalg.expm,
    lambda g, x: _fraction(_expm, flip(x), g),
    pushes=(lambda t, x: _fraction(_expm, x, t),),
    title="expm",
    batching=stacked,
)


def _logarithm(x: Any) -> Any:
    """SciPy's, which checks its results by what double precision can hold.

    It draws from NumPy's global random numbers, which is no affair of the program.
    """
    state = np.random.get_state(legacy=False)  # noqa: NPY002  # theirs
    try:
        return scipy.linalg.logm(np.asarray(x, np.result_type(x, np.float64)))
    finally:
        np.random.set_state(state)  # noqa: NPY002  # likewise


NODES, WEIGHTS = (each / 2 for each in np.polynomial.legendre.leggauss(7))


def _logarithm_moved(t: Any, x: Any) -> Any:
    """The derivative of logm at x along t: roots until x is near 1, then that of a Padé fraction.

    Its partial fractions are a Gauss rule for the integral of (1 + s X)⁻¹ T (1 + s X)⁻¹, X = x - 1
    (Al-Mohy, Higham & Relton 2013, "Computing the Fréchet derivative of the matrix logarithm and
    estimating the condition number", alg. 5.1).
    """
    one, roots = np.eye(x.shape[-1], dtype=x.dtype), 0
    while np.max(np.sum(np.abs(deciding(x) - one), axis=-2), initial=0) > 0.25 and roots < 64:
        x, roots = _sqrtm(x), roots + 1
        t = sylvester(x, x, t)
    inverses = [np.linalg.inv(one + (x - one) * (0.5 + node)) for node in NODES]
    parts = [
        np.matmul(np.matmul(inverse, t), inverse) * weight
        for inverse, weight in zip(inverses, WEIGHTS, strict=True)
    ]
    return sum(parts[1:], start=parts[0]) * 2.0**roots


_logm = General(
    _logarithm,
    "logm",
    (lambda g, x: _logarithm_moved(g, flip(x)),),
    (_logarithm_moved,),
    batching=stacked,
)


def expm(A: Any) -> Any:
    """The exponential of matrices."""
    return _expm(matrix(A, check_finite=False))


def logm(A: Any) -> Any:
    """The principal logarithm of matrices."""
    return _logm(matrix(A, check_finite=False))


def expm_frechet(
    A: Any,
    E: Any,
    method: str | None = None,
    compute_expm: bool = True,
    check_finite: bool = True,
) -> Any:
    """The exponential of A, and its derivative along E; or the derivative alone.

    Both of SciPy's methods give the same, so either may be named.
    """
    if method not in (None, "SPS", "blockEnlarge"):
        raise UnsupportedError(f"expm_frechet: there is no method {method!r}")
    A, E = matrix(A, check_finite), matrix(E, check_finite)
    moved = _fraction(_expm, A, E)
    return (_expm(A), moved) if compute_expm else moved


def _root_moved(t: Any, out: Any) -> Any:
    """X dX + dX X = T for the root X (Higham 2008, (6.2))."""
    return sylvester(out, out, t)


_sqrtm = primitive(
    scipy.linalg.sqrtm,
    lambda g, out: sylvester(flip(out), flip(out), g),
    pushes=(_root_moved,),
    title="sqrtm",
    batching=stacked,
)


def sqrtm(A: Any) -> Any:
    """The principal square root of matrices."""
    return _sqrtm(matrix(A, check_finite=False))


def _expm_series(call: Call, _out: Unfinished) -> Coefficients:
    """The first row of exp of the block Toeplitz matrix of the coefficients of the operand.

    Such matrices multiply like polynomials that are cut off; of two blocks it is the Fréchet
    derivative.
    """
    (x,) = call.operands

    def rule(k: int) -> Any:
        blocks = [call.term(x, j) for j in range(k + 1)]
        zero, n = np.zeros_like(blocks[0]), blocks[0].shape[-1]
        row = np.concatenate([zero if each is None else each for each in blocks], axis=-1)
        rows = [row]
        for j in range(1, k + 1):
            left = np.zeros((*zero.shape[:-1], j * n), zero.dtype)
            rows.append(np.concatenate([left, row[..., : (k + 1 - j) * n]], axis=-1))
        return _expm(np.concatenate(rows, axis=-2))[..., :n, k * n :]

    return rule


RULES[_expm] = _expm_series
