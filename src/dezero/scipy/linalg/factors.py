"""Factors of matrices: Cholesky, eigenvalues, singular values, QR and LU."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from ...axes import pointwise
from ...errors import OperandError, ShapeError
from ...rows import Nondifferentiable, Several
from ...rules.inverses import (
    adjoint,
    flip,
    hermitian_part,
    lower_part,
    mirrored,
    stacked,
    upper_part,
)
from ...rules.nondiff import stopped
from .arguments import matrix, refuse
from .equations import solve_triangular, triangular

linalg: Any = np.linalg  # its types ask for literals


def cholesky(
    a: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:
    """The factor of a positive definite matrix: the upper one, unless `lower`."""
    return linalg.cholesky(matrix(a, check_finite), upper=not lower)


def cho_factor(
    a: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> tuple[Any, bool]:
    """The factor for `cho_solve`, and which one it is. Zeros are where SciPy leaves what was."""
    return cholesky(a, lower, overwrite_a, check_finite), lower


def cho_solve(
    c_and_lower: tuple[Any, bool],
    b: Any,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution of A x = b by the factor of A."""
    c, lower = c_and_lower
    first, second = ("N", "C") if lower else ("C", "N")
    b = solve_triangular(c, b, first, lower, False, overwrite_b, check_finite)
    return solve_triangular(c, b, second, lower, False, overwrite_b, check_finite)


def eigh(  # noqa: PLR0913  # SciPy's
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues, and vectors, of a Hermitian matrix, or of a pair: A v = w B v and its kin.

    By the Cholesky factor of B (Golub & Van Loan 2013, "Matrix Computations", 8.7.2).
    """
    refuse("eigh", subset_by_value=subset_by_value, driver=driver)
    a = matrix(a, check_finite)
    if b is None:
        w, v = linalg.eigh(a, "L" if lower else "U")
    else:
        w, v = _eigh_of_pair(mirrored(a, lower), matrix(b, check_finite), lower, type)
    if subset_by_index is not None:
        first, last = subset_by_index
        w, v = w[..., first : last + 1], v[..., first : last + 1]
    return w if eigvals_only else (w, v)


def _eigh_of_pair(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """Of kind 1, A v = w B v; 2, A B v = w v; 3, B A v = w v."""
    if kind not in (1, 2, 3):
        raise OperandError(f"eigh: type is 1, 2 or 3, not {kind!r}")
    low = linalg.cholesky(b, upper=not lower)
    low = low if lower else adjoint(low)
    if kind == 1:
        half = solve_triangular(low, a, lower=True)
        inside = solve_triangular(low, adjoint(half), lower=True)
    else:
        inside = np.matmul(np.matmul(adjoint(low), a), low)
    w, v = linalg.eigh(hermitian_part(inside))
    if kind == 3:
        return w, np.matmul(low, v)
    return w, solve_triangular(low, v, "C", lower=True)


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """The singular value decomposition."""
    refuse("svd", lapack_driver=None if lapack_driver == "gesdd" else lapack_driver)
    found = linalg.svd(matrix(a, check_finite), full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


QR_MODES = {"full": "complete", "economic": "reduced", "r": "complete"}


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: int | None = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """The QR decomposition."""
    refuse("qr", pivoting=pivoting, mode=None if mode in QR_MODES else mode)
    q, r = linalg.qr(matrix(a, check_finite), QR_MODES[mode])
    return (r,) if mode == "r" else (q, r)


def _lu_value(a: Any) -> Any:
    return scipy.linalg.lu(a, check_finite=False)


def _lu_leading(out: Any) -> tuple[Any, Any]:
    """The square parts of L and U."""
    _, low, up = out
    k = low.shape[-1]
    return low[..., :k, :], up[..., :, :k]


def _divided(x: Any, up: Any) -> Any:
    """X U⁻¹."""
    return flip(triangular(up, flip(x), transposed=True))


def _lu_moved(t: Any, out: Any) -> Any:
    """With X = L⁻¹ T U⁻¹ of the leading block, L⁻¹ T - low(X) U and T U⁻¹ - L up(X).

    Of a square matrix these are up(X) U and L low(X) (Giles 2008); rows come in their new order.
    """
    (order, low, up), (first, last) = out, _lu_leading(out)
    t, k = np.matmul(flip(order), t), low.shape[-1]
    rows = triangular(first, t[..., :k, :], lower=True, unit=True)
    x = _divided(rows[..., :k], last)
    return (
        np.zeros_like(order),
        _divided(t[..., :k], last) - np.matmul(low, upper_part(x)),
        rows - np.matmul(lower_part(x, -1), up),
    )


def _padded(x: Any, shape: tuple[int, ...]) -> Any:
    """Zeros below, or to the right, up to a shape."""
    for axis in (-2, -1):
        missing = list(x.shape)
        missing[axis] = shape[axis] - x.shape[axis]
        if missing[axis]:
            x = np.concatenate([x, np.zeros(missing, x.dtype)], axis=axis)
    return x


def _lu_back(gs: Any, out: Any) -> Any:
    """The adjoint of that, term by term.

    About 8 times the work of the factors, which are triangular and multiplied like full ones.
    """
    (_, by_low, by_up), (order, low, up), (first, last) = gs, out, _lu_leading(out)
    inside = -lower_part(np.matmul(by_up, adjoint(up)), -1) - upper_part(
        np.matmul(adjoint(low), by_low)
    )
    first, last = np.conjugate(first), np.conjugate(last)
    left = flip(triangular(last, flip(by_low)))
    middle = flip(triangular(last, flip(inside)))
    shape = (left.shape[-2], by_up.shape[-1])
    right = _padded(by_up, (middle.shape[-2], shape[1])) + _padded(middle, by_up.shape)
    right = triangular(first, right, lower=True, transposed=True, unit=True)
    return np.matmul(order, _padded(left, shape) + _padded(right, shape))


_lu = Several(_lu_value, "lu", (_lu_back,), (_lu_moved,), batching=stacked)


def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """A = P L U. The order of the rows, P, rests."""
    order, low, up = _lu(matrix(a, check_finite))
    if permute_l:
        return np.matmul(stopped(order), low), up
    return (np.argmax(order, axis=-1) if p_indices else stopped(order)), low, up


def _exchanged(order: Any) -> Any:
    """Which row each was exchanged with, in turn, so that the rows are in their new order."""
    order = np.asarray(order)
    if order.ndim > 2:
        return np.stack([_exchanged(each) for each in order])
    wanted, rows = np.argmax(order, axis=0), list(range(order.shape[0]))
    pivots = []
    for k, row in enumerate(wanted):
        at = rows.index(row)
        rows[k], rows[at] = rows[at], rows[k]
        pivots.append(at)
    return np.array(pivots, np.int32)


def _order_of(pivots: Any) -> Any:
    """The matrix that brings rows into the order that exchanges make."""
    pivots = np.asarray(pivots)
    if pivots.ndim > 1:
        return np.stack([_order_of(each) for each in pivots])
    rows = np.arange(len(pivots))
    for k, at in enumerate(pivots):
        rows[[k, at]] = rows[[at, k]]
    return np.eye(len(pivots))[rows]


_pivots = Nondifferentiable(_exchanged, "pivots", batching=pointwise)
_order = Nondifferentiable(_order_of, "order_of_pivots", batching=pointwise)


def lu_factor(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> tuple[Any, Any]:
    """L and U of a square matrix in one, and which row each was exchanged with."""
    a = matrix(a, check_finite)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"lu_factor: a square matrix is needed, not one of shape {a.shape}")
    order, low, up = _lu(a)
    return lower_part(low, -1) + up, _pivots(order)


def lu_solve(
    lu_and_piv: tuple[Any, Any],
    b: Any,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution of A x = b, Aᵀ x = b or Aᴴ x = b, by the factors of A."""
    both, pivots = lu_and_piv
    b = matrix(b, check_finite)
    order = _order(pivots).astype(b.dtype)
    lower, upper = (True, True), (False, False)  # and whether the diagonal is of ones

    def solved(b: Any, trans: int, kind: tuple[bool, bool]) -> Any:
        return solve_triangular(both, b, trans, *kind, overwrite_b, check_finite)

    if trans == 0:
        return solved(solved(np.matmul(order, b), 0, lower), 0, upper)
    return np.matmul(flip(order), solved(solved(b, trans, upper), trans, lower))
