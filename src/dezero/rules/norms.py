"""Norms, and what is made of singular values.

Where a norm is 0, its derivative counts as 0, like that of `abs`. Norms are programs like NumPy's
own, so that values are the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..axes import every
from ..box import as_array, deciding
from ..dispatch import implements
from ..errors import LinAlgError, OperandError, ShapeError
from ..rows import General, nondifferentiable
from .nondiff import stopped
from .sorting import lined


def _root(x: Any, power: Callable[[Any], Any]) -> Any:
    """A root, with the derivative 0 where it is 0."""
    zero = np.equal(stopped(x), 0)
    return np.where(zero, 0, power(np.where(zero, 1, x)))


def _sum_of_squares(x: Any, axis: Any, keepdims: bool = False) -> Any:
    squares = np.real(np.conjugate(x) * x) if x.dtype.kind == "c" else np.square(x)
    return np.sum(squares, axis=axis, keepdims=keepdims)


def _floating(x: Any) -> Any:
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def _of_nothing(extreme: Any, x: Any, axis: Any, keepdims: bool = False) -> Any:
    """The largest of numbers from 0 on, 0 if there is none."""
    largest = extreme if x.size else np.sum
    return largest(x, axis=axis, keepdims=keepdims)


SHORT: dict[Any, Any] = {-1: np.reciprocal, 0.5: np.sqrt, 2: np.square}
"""Powers for which arrays have a shorter way, with other last digits."""


def _power(x: Any, p: Any) -> Any:
    return SHORT[p](x) if p in SHORT else x**p


def _of_power(x: Any, axis: Any, keepdims: bool, ord: Any) -> Any:
    total = np.sum(_power(np.abs(x), ord), axis=axis, keepdims=keepdims)
    inverse = np.reciprocal(ord, dtype=total.dtype)
    return _power(total, inverse) if ord < 0 else _root(total, lambda s: _power(s, inverse))


def _vector(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return _root(_sum_of_squares(x, axis, keepdims), np.sqrt)
    if isinstance(ord, str):
        raise ShapeError(f"norm: {ord!r} is no norm of vectors")
    if ord == math.inf:
        return _of_nothing(np.max, np.abs(x), axis, keepdims)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:  # counted, with the derivative 0 of a step
        counted = np.where(np.not_equal(x, 0), 1, np.abs(x) * 0)
        return np.sum(counted, axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return _of_power(x, axis, keepdims, ord)


def _of_lines(extreme: Any) -> Any:
    """Norms that are the largest or smallest sum of a line."""

    def norm(x: Any, along: int, across: int) -> Any:
        sums = np.sum(np.abs(x), axis=along)
        return extreme(sums, across - (across > along))

    return norm


def _of_values(extreme: Any) -> Any:
    """Norms that are made of singular values."""

    def norm(x: Any, row: int, column: int) -> Any:
        values = np.linalg.svdvals(np.moveaxis(x, (row, column), (-2, -1)))
        return extreme(values, -1)

    return norm


def _largest(x: Any, axis: int) -> Any:
    return _of_nothing(np.max, x, axis)


def _smallest(x: Any, axis: int) -> Any:
    return np.min(x, axis=axis)


def _sum(x: Any, axis: int) -> Any:
    return np.sum(x, axis=axis)


def _frobenius(x: Any, row: int, column: int) -> Any:
    return _root(_sum_of_squares(x, (row, column)), np.sqrt)


MATRIX_NORMS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((None, "fro", "f"), _frobenius),
    "nuc": _of_values(_sum),
    2: _of_values(_largest),
    -2: _of_values(_smallest),
    1: _of_lines(_largest),
    -1: _of_lines(_smallest),
    math.inf: lambda x, row, column: _of_lines(_largest)(x, column, row),
    -math.inf: lambda x, row, column: _of_lines(_smallest)(x, column, row),
}


def _matrix(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    row, column = (normalize_axis_index(k, x.ndim) for k in axes)
    if row == column:
        raise ShapeError("norm: the two axes of a matrix are the same")
    if ord not in MATRIX_NORMS:
        raise ShapeError(f"norm: {ord!r} is no norm of matrices")
    out = MATRIX_NORMS[ord](x, row, column)
    if not keepdims:
        return out
    return np.expand_dims(out, (row, column))


def _of_all(x: Any, keepdims: bool) -> Any:
    """The 2-norm of all elements."""
    out = length(np.ravel(x))
    return np.reshape(out, (1,) * x.ndim) if keepdims else out


def _length(x: Any) -> Any:
    """The 2-norm of a vector, to the bits of NumPy's."""
    parts = (x.real, x.imag) if x.dtype.kind == "c" else (x,)
    return np.sqrt(sum(np.dot(part, part) for part in parts))


def _per(out: Any) -> Any:
    """1 / `out`, and 0 where that is 0."""
    zero = np.equal(stopped(out), 0)
    return np.where(zero, 0, 1 / np.where(zero, 1, out))


length = General(
    _length,
    "length",
    (lambda g, out, x: x * (g * _per(out)),),
    (lambda t, out, x: np.real(np.vdot(x, t)) * _per(out),),
    holomorphic=False,
    batching=lambda p, n, mine, xs, params: _root(_sum_of_squares(xs[0], 1), np.sqrt),
)


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = _floating(x)
    if axis is None:
        if ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1):
            return _of_all(x, keepdims)
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix(x, ord, axes, keepdims)
    raise ShapeError(f"norm: one or two axes, not {len(axes)}; np.linalg.vector_norm takes more")


@implements(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    x = _floating(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_norm of {x.ndim}-dimensional data")
    return _norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = as_array(x)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    out = _norm(x if axes == (0,) else lined(x, axes), ord, 0)
    return np.expand_dims(out, axes) if keepdims else out


# ---- condition and rank ----


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    """Singular values that tie for the largest, or the smallest, share equally."""
    x = as_array(x)
    if not math.prod(x.shape[-2:]):
        raise LinAlgError("cond is not defined on empty arrays")
    with np.errstate(all="ignore"):
        if p is None or p in (2, -2):
            s = np.linalg.svdvals(x)
            top, low = np.max(s, axis=-1), np.min(s, axis=-1)
            out = low / top if p == -2 else top / low
        else:
            inverse = np.linalg.inv(x.astype(np.result_type(x.dtype, float)))
            out = _norm(x, p, (-2, -1)) * _norm(inverse, p, (-2, -1))
            out = out.astype(_floating(x).real.dtype)
    valid = np.isnan(out) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(valid, math.inf, out) if np.any(deciding(valid)) else out


def _rank_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of a vector, the rank is whether it is not 0."""
    x, *others = xs
    if not mine[0]:
        raise OperandError("vmap: matrix_rank with tolerances that differ between the members")
    if x.ndim < 3:
        return np.any(x != 0, axis=every(x)).astype(int)
    return p(x, *others, **params)


nondifferentiable(np.linalg.matrix_rank, batching=_rank_members)
