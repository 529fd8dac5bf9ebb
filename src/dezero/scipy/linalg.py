"""Linear algebra by SciPy's names and signatures, for boxes and arrays.

Rows: functions of matrices (`expm`, `logm`, `sqrtm`), triangular, banded and Sylvester equations,
and LU. The others are programs over these and over NumPy's. Sources: Higham 2008, "Functions of
Matrices"; Mathias 1996, "A chain rule for matrix functions and applications"; Giles 2008, "An
extended collection of matrix derivative results".

``overwrite_…`` is accepted and nothing is overwritten; ``check_finite`` does what it does in SciPy.
What reads one triangle of a matrix has the gradient by that triangle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from ..axes import pointwise, spread
from ..box import as_array, deciding
from ..errors import LinAlgError, OperandError, ShapeError, UnsupportedError
from ..rows import General, Nondifferentiable, Several, primitive
from ..rules.inverses import (
    adjoint,
    flip,
    hermitian_part,
    lower_part,
    mirrored,
    stacked,
    upper_part,
)
from ..rules.nondiff import stopped
from ..taylor import RULES, Call, Coefficients, Unfinished, quotient

linalg: Any = np.linalg  # its types ask for literals

# ---- arguments ----


def _matrix(x: Any, check_finite: bool = True) -> Any:
    """An argument as an array, floating, and of finite numbers if that is asked."""
    x = as_array(x)
    if check_finite and not np.all(np.isfinite(deciding(x))):
        raise ValueError("array must not contain infs or NaNs")
    return x if x.dtype.kind in "fc" else x.astype(float)


def _refuse(name: str, **keywords: Any) -> None:
    """Refuse keywords that were given."""
    given = [f"{key}={value!r}" for key, value in keywords.items() if value not in (None, False)]
    if given:
        raise UnsupportedError(f"scipy.linalg.{name} of a box does not take {', '.join(given)}")


def _as_columns(solve: Callable[[Any], Any], b: Any) -> Any:
    """The solution for one right-hand side, or for several that are columns."""
    return solve(np.expand_dims(b, -1))[..., 0] if b.ndim == 1 else solve(b)


# ---- functions of matrices ----


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
        t = _sylvester(x, x, t)
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
    return _expm(_matrix(A, check_finite=False))


def logm(A: Any) -> Any:
    """The principal logarithm of matrices."""
    return _logm(_matrix(A, check_finite=False))


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
    A, E = _matrix(A, check_finite), _matrix(E, check_finite)
    moved = _fraction(_expm, A, E)
    return (_expm(A), moved) if compute_expm else moved


def _root_moved(t: Any, out: Any) -> Any:
    """X dX + dX X = T for the root X (Higham 2008, (6.2))."""
    return _sylvester(out, out, t)


_sqrtm = primitive(
    scipy.linalg.sqrtm,
    lambda g, out: _sylvester(flip(out), flip(out), g),
    pushes=(_root_moved,),
    title="sqrtm",
    batching=stacked,
)


def sqrtm(A: Any) -> Any:
    """The principal square root of matrices."""
    return _sqrtm(_matrix(A, check_finite=False))


# ---- equations ----


def _largest(x: Any) -> Any:
    return np.max(np.abs(x), axis=(-2, -1), initial=0)


def _sylvester_value(a: Any, b: Any, q: Any) -> Any:
    """SciPy's, but of one dtype, without which SciPy 1.17 takes real Schur forms for triangular.

    And an error where the equation is singular: LAPACK makes up a huge solution.
    """
    dtype = np.result_type(a, b, q)
    x = scipy.linalg.solve_sylvester(*(np.astype(m, dtype, copy=False) for m in (a, b, q)))
    size, wanted = _largest(a) + _largest(b), _largest(q)
    lost = float(np.finfo(x.dtype).eps) * size * _largest(x) > 0.1 * wanted
    if np.any(lost | ((size == 0) & (wanted > 0))):
        raise LinAlgError("solve_sylvester: singular, a and -b have an eigenvalue in common")
    return x


_sylvester: Any = General(
    _sylvester_value,
    "solve_sylvester",
    (
        lambda g, out, x, y, _z: -np.matmul(_sylvester(flip(x), flip(y), g), flip(out)),
        lambda g, out, x, y, _z: -np.matmul(flip(out), _sylvester(flip(x), flip(y), g)),
        lambda g, _out, x, y, _z: _sylvester(flip(x), flip(y), g),
    ),
    (
        lambda t, out, x, y, _z: -_sylvester(x, y, np.matmul(t, out)),
        lambda t, out, x, y, _z: -_sylvester(x, y, np.matmul(out, t)),
        lambda t, _out, x, y, _z: _sylvester(x, y, t),
    ),
    broadcasts=True,
    batching=pointwise,
)


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The solution X of A X + X B = Q."""
    return _sylvester(*(_matrix(x) for x in (a, b, q)))


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """The solution X of A X + X Aᴴ = Q."""
    a = _matrix(a)
    return _sylvester(a, adjoint(a), _matrix(q))


def _triangular_value(
    a: Any, b: Any, *, lower: bool = False, transposed: bool = False, unit: bool = False
) -> Any:
    return scipy.linalg.solve_triangular(
        a, b, int(transposed), lower, unit_diagonal=unit, check_finite=False
    )


def _read(x: Any, lower: bool, unit: bool) -> Any:
    """The part of a triangular matrix that is read."""
    return lower_part(x, -unit) if lower else upper_part(x, +unit)


def _triangular_by_a(
    g: Any,
    out: Any,
    x: Any,
    _y: Any,
    *,
    lower: bool = False,
    transposed: bool = False,
    unit: bool = False,
) -> Any:
    gb = _triangular(x, g, lower=lower, transposed=not transposed, unit=unit)
    pair = (out, gb) if transposed else (gb, out)
    return -_read(np.matmul(pair[0], flip(pair[1])), lower, unit)


def _triangular_moved_by_a(
    t: Any,
    out: Any,
    x: Any,
    _y: Any,
    *,
    lower: bool = False,
    transposed: bool = False,
    unit: bool = False,
) -> Any:
    t = _read(t, lower, unit)
    moved = np.matmul(flip(t) if transposed else t, out)
    return -_triangular(x, moved, lower=lower, transposed=transposed, unit=unit)


_triangular: Any = General(
    _triangular_value,
    "solve_triangular",
    (
        _triangular_by_a,
        lambda g, _out, x, _y, *, lower=False, transposed=False, unit=False: _triangular(
            x, g, lower=lower, transposed=not transposed, unit=unit
        ),
    ),
    (
        _triangular_moved_by_a,
        lambda t, _out, x, _y, *, lower=False, transposed=False, unit=False: _triangular(
            x, t, lower=lower, transposed=transposed, unit=unit
        ),
    ),
    broadcasts=True,
    batching=pointwise,
)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution of A x = b, Aᵀ x = b or Aᴴ x = b, by the triangle of A that is named."""
    a, b = _matrix(a, check_finite), _matrix(b, check_finite)
    way = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if way not in (0, 1, 2):
        raise OperandError(f"solve_triangular: trans is 0, 1, 2 or 'N', 'T', 'C', not {trans!r}")
    a = np.conjugate(a) if way == 2 else a
    options = {"lower": bool(lower), "transposed": way > 0, "unit": bool(unit_diagonal)}
    return _as_columns(lambda b: _triangular(a, b, **options), b)


# banded: ab[u + i - j, j] is A[i, j]


def _shifted(x: Any, k: int) -> Any:
    """Along the first axis, element j + k at j, and 0 for what is not there."""
    n = x.shape[0]
    zeros = np.zeros((min(abs(k), n), *x.shape[1:]), x.dtype)
    return np.concatenate([x[k:], zeros] if k >= 0 else [zeros, x[: max(n + k, 0)]])


def _banded_value(ab: Any, b: Any, *, below: int, above: int) -> Any:
    return scipy.linalg.solve_banded((below, above), ab, b, check_finite=False)


def _banded_transposed(ab: Any, below: int, above: int) -> Any:
    """The bands of the transposed matrix, which has as many above as this one below."""
    rows = range(below + above, -1, -1)
    return np.stack([_shifted(ab[r], above - r) for r in rows])


def _banded_by_b(g: Any, _out: Any, x: Any, _y: Any, *, below: int, above: int) -> Any:
    return _banded(_banded_transposed(x, below, above), g, below=above, above=below)


def _banded_by_ab(g: Any, out: Any, x: Any, y: Any, *, below: int, above: int) -> Any:
    gb = _banded_by_b(g, out, x, y, below=below, above=above)
    rows = [np.sum(_shifted(gb, r - above) * out, axis=-1) for r in range(below + above + 1)]
    return -np.stack(rows)


def _banded_moved_by_ab(t: Any, out: Any, x: Any, _y: Any, *, below: int, above: int) -> Any:
    parts = [_shifted(np.expand_dims(t[r], -1) * out, above - r) for r in range(below + above + 1)]
    return -_banded(x, sum(parts[1:], start=parts[0]), below=below, above=above)


def _banded_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """One matrix for all: the right-hand sides are columns. Else one matrix of all, in a row."""
    ab, b = xs
    if not mine[0]:
        columns = np.moveaxis(b, 0, -1)
        out = p(ab, np.reshape(columns, (columns.shape[0], -1)), **params)
        return np.moveaxis(np.reshape(out, columns.shape), -1, 0)
    m, places = ab.shape[-1], np.arange(ab.shape[-1])
    row = places + np.expand_dims(np.arange(ab.shape[1]), -1) - params["above"]
    inside = np.where((row >= 0) & (row < m), ab, 0)
    whole = np.reshape(np.moveaxis(inside, 0, 1), (ab.shape[1], n * m))
    b = spread(b, n, mine[1])
    out = p(whole, np.reshape(b, (n * m, b.shape[-1])), **params)
    return np.reshape(out, b.shape)


_banded: Any = General(
    _banded_value,
    "solve_banded",
    (_banded_by_ab, _banded_by_b),
    (
        _banded_moved_by_ab,
        lambda t, _out, x, _y, *, below, above: _banded(x, t, below=below, above=above),
    ),
    batching=_banded_members,
)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution of A x = b by the bands of A: ``ab[u + i - j, j]`` is ``A[i, j]``."""
    below, above = l_and_u
    ab, b = _matrix(ab, check_finite), _matrix(b, check_finite)
    if ab.ndim != 2 or b.ndim not in (1, 2) or ab.shape != (below + above + 1, b.shape[0]):
        raise ShapeError(f"solve_banded: bands of shape {ab.shape} and b of {b.shape}")
    return _as_columns(lambda b: _banded(ab, b, below=below, above=above), b)


STRUCTURES: dict[Any, Callable[[Any, bool], Any]] = {
    **dict.fromkeys((None, "gen", "general", "banded"), lambda a, _: a),
    **dict.fromkeys(("sym", "symmetric"), lambda a, lower: mirrored(a, lower, conjugate=False)),
    **dict.fromkeys(
        ("her", "hermitian", "pos", "positive definite"),
        mirrored,
    ),
    "diagonal": lambda a, _: lower_part(upper_part(a)),
    "tridiagonal": lambda a, _: lower_part(upper_part(a, -1), 1),
    "upper triangular": lambda a, _: upper_part(a),
    "lower triangular": lambda a, _: lower_part(a),
}


def _structured(name: str, a: Any, assume_a: str | None, lower: bool) -> Any:
    """A matrix by those of its elements that are read."""
    if assume_a not in STRUCTURES:
        raise OperandError(f"{name}: there is no structure {assume_a!r}")
    return STRUCTURES[assume_a](a, lower)


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """The solution of A x = b. Of a structure that is assumed, only what belongs to it is read."""
    a = _structured("solve", _matrix(a, check_finite), assume_a, lower)
    return linalg.solve(flip(a) if transposed else a, _matrix(b, check_finite))


def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    """The inverse. Of a structure that is assumed, only what belongs to it is read."""
    return linalg.inv(_structured("inv", _matrix(a, check_finite), assume_a, lower))


def det(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:
    """The determinant."""
    return linalg.det(_matrix(a, check_finite))


# ---- factors ----


def cholesky(
    a: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:
    """The factor of a positive definite matrix: the upper one, unless `lower`."""
    return linalg.cholesky(_matrix(a, check_finite), upper=not lower)


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
    _refuse("eigh", subset_by_value=subset_by_value, driver=driver)
    a = _matrix(a, check_finite)
    if b is None:
        w, v = linalg.eigh(a, "L" if lower else "U")
    else:
        w, v = _eigh_of_pair(mirrored(a, lower), _matrix(b, check_finite), lower, type)
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
    _refuse("svd", lapack_driver=None if lapack_driver == "gesdd" else lapack_driver)
    found = linalg.svd(_matrix(a, check_finite), full_matrices, compute_uv)
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
    _refuse("qr", pivoting=pivoting, mode=None if mode in QR_MODES else mode)
    q, r = linalg.qr(_matrix(a, check_finite), QR_MODES[mode])
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
    return flip(_triangular(up, flip(x), transposed=True))


def _lu_moved(t: Any, out: Any) -> Any:
    """With X = L⁻¹ T U⁻¹ of the leading block, L⁻¹ T - low(X) U and T U⁻¹ - L up(X).

    Of a square matrix these are up(X) U and L low(X) (Giles 2008); rows come in their new order.
    """
    (order, low, up), (first, last) = out, _lu_leading(out)
    t, k = np.matmul(flip(order), t), low.shape[-1]
    rows = _triangular(first, t[..., :k, :], lower=True, unit=True)
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
    left = flip(_triangular(last, flip(by_low)))
    middle = flip(_triangular(last, flip(inside)))
    shape = (left.shape[-2], by_up.shape[-1])
    right = _padded(by_up, (middle.shape[-2], shape[1])) + _padded(middle, by_up.shape)
    right = _triangular(first, right, lower=True, transposed=True, unit=True)
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
    order, low, up = _lu(_matrix(a, check_finite))
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
    a = _matrix(a, check_finite)
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
    b = _matrix(b, check_finite)
    order = _order(pivots).astype(b.dtype)
    lower, upper = (True, True), (False, False)  # and whether the diagonal is of ones

    def solved(b: Any, trans: int, kind: tuple[bool, bool]) -> Any:
        return solve_triangular(both, b, trans, *kind, overwrite_b, check_finite)

    if trans == 0:
        return solved(solved(np.matmul(order, b), 0, lower), 0, upper)
    return np.matmul(flip(order), solved(solved(b, trans, upper), trans, lower))


# ---- matrices of a structure ----


def _vector(x: Any, name: str) -> Any:
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"{name}: a vector is needed, not an array of shape {x.shape}")
    return x


def _places(rows: int, columns: int) -> tuple[Any, Any]:
    """Rows and columns. What they choose is copied; gradients are added up, one by one."""
    return np.arange(rows)[:, None], np.arange(columns)


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix of constant diagonals, by its first column and first row (whose start is c[0])."""
    c = _vector(c, "toeplitz")
    r = np.conjugate(c) if r is None else _vector(r, "toeplitz")
    i, j = _places(len(c), len(r))
    return np.concatenate([np.flip(c, 0), r[1:]])[len(c) - 1 - i + j]


def circulant(c: Any) -> Any:
    """The matrix whose columns are `c`, turned on by one each."""
    c = _vector(c, "circulant")
    i, j = _places(len(c), len(c))
    return c[(i - j) % max(len(c), 1)]


def hankel(c: Any, r: Any = None) -> Any:
    """The matrix of constant antidiagonals, by its first column and last row (0 by default)."""
    c = _vector(c, "hankel")
    r = np.zeros(c.shape, c.dtype) if r is None else _vector(r, "hankel")
    i, j = _places(len(c), len(r))
    return np.concatenate([c, r[1:]])[i + j]


def companion(a: Any) -> Any:
    """The matrix whose eigenvalues are the roots of a polynomial, highest power first."""
    a = _vector(a, "companion")
    if len(a) < 2 or np.any(deciding(a[0]) == 0):
        raise ShapeError("companion: at least two coefficients, the first of them not 0")
    row = -a[1:] / a[0]
    return np.concatenate([row[None], np.eye(len(a) - 2, len(a) - 1, dtype=row.dtype)])


def leslie(f: Any, s: Any) -> Any:
    """The matrix of a population: rates of birth in the first row, of survival below."""
    f, s = _vector(f, "leslie"), _vector(s, "leslie")
    if len(f) != len(s) + 1 or not len(s):
        raise ShapeError(f"leslie: {len(f)} rates of birth and {len(s)} of survival")
    return np.concatenate([f[None], s[:, None] * np.eye(len(s), len(f), dtype=s.dtype)])


def fiedler(a: Any) -> Any:
    """The matrix of distances between numbers."""
    a = _vector(a, "fiedler")
    return np.abs(a[:, None] - a)


def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of one that is 0 elsewhere."""
    blocks = [_block(x) for x in arrs or ([],)]
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        m, n = x.shape
        sides = [np.zeros((m, k), x.dtype) for k in (start, width - start - n)]
        rows.append(np.concatenate([sides[0], x, sides[1]], axis=1))
        start += n
    return np.concatenate(rows, axis=0)


def _block(x: Any) -> Any:
    x = as_array(x)
    if x.ndim > 2:
        raise ShapeError(f"block_diag: a block of shape {x.shape}")
    return np.reshape(x, (1, math.prod(x.shape))) if x.ndim < 2 else x


# ---- Taylor coefficients ----


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
RULES[_triangular] = RULES[_banded] = quotient(0)
RULES[_sylvester] = quotient(0, 1)
