"""Equations of triangular, banded and other matrices of a structure, and those of Sylvester."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from ...axes import pointwise, spread
from ...errors import LinAlgError, OperandError, ShapeError
from ...rows import General
from ...rules.inverses import (
    adjoint,
    flip,
    lower_part,
    mirrored,
    upper_part,
)
from ...taylor import RULES, quotient
from .arguments import as_columns, matrix

linalg: Any = np.linalg  # its types ask for literals


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


sylvester: Any = General(
    _sylvester_value,
    "solve_sylvester",
    (
        lambda g, out, x, y, _z: -np.matmul(sylvester(flip(x), flip(y), g), flip(out)),
        lambda g, out, x, y, _z: -np.matmul(flip(out), sylvester(flip(x), flip(y), g)),
        lambda g, _out, x, y, _z: sylvester(flip(x), flip(y), g),
    ),
    (
        lambda t, out, x, y, _z: -sylvester(x, y, np.matmul(t, out)),
        lambda t, out, x, y, _z: -sylvester(x, y, np.matmul(out, t)),
        lambda t, _out, x, y, _z: sylvester(x, y, t),
    ),
    broadcasts=True,
    batching=pointwise,
)


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The solution X of A X + X B = Q."""
    return sylvester(*(matrix(x) for x in (a, b, q)))


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """The solution X of A X + X Aᴴ = Q."""
    a = matrix(a)
    return sylvester(a, adjoint(a), matrix(q))


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
    gb = triangular(x, g, lower=lower, transposed=not transposed, unit=unit)
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
    return -triangular(x, moved, lower=lower, transposed=transposed, unit=unit)


triangular: Any = General(
    _triangular_value,
    "solve_triangular",
    (
        _triangular_by_a,
        lambda g, _out, x, _y, *, lower=False, transposed=False, unit=False: triangular(
            x, g, lower=lower, transposed=not transposed, unit=unit
        ),
    ),
    (
        _triangular_moved_by_a,
        lambda t, _out, x, _y, *, lower=False, transposed=False, unit=False: triangular(
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
    a, b = matrix(a, check_finite), matrix(b, check_finite)
    way = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if way not in (0, 1, 2):
        raise OperandError(f"solve_triangular: trans is 0, 1, 2 or 'N', 'T', 'C', not {trans!r}")
    a = np.conjugate(a) if way == 2 else a
    options = {"lower": bool(lower), "transposed": way > 0, "unit": bool(unit_diagonal)}
    return as_columns(lambda b: triangular(a, b, **options), b)


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
    ab, b = matrix(ab, check_finite), matrix(b, check_finite)
    if ab.ndim != 2 or b.ndim not in (1, 2) or ab.shape != (below + above + 1, b.shape[0]):
        raise ShapeError(f"solve_banded: bands of shape {ab.shape} and b of {b.shape}")
    return as_columns(lambda b: _banded(ab, b, below=below, above=above), b)


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
    a = _structured("solve", matrix(a, check_finite), assume_a, lower)
    return linalg.solve(flip(a) if transposed else a, matrix(b, check_finite))


def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    """The inverse. Of a structure that is assumed, only what belongs to it is read."""
    return linalg.inv(_structured("inv", matrix(a, check_finite), assume_a, lower))


def det(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:
    """The determinant."""
    return linalg.det(matrix(a, check_finite))


RULES[triangular] = RULES[_banded] = quotient(0)
RULES[sylvester] = quotient(0, 1)
