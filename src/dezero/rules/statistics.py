"""Means, spreads and correlations."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..box import as_array, deciding
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from .keywords import averaged, converted, mask_of, root, scattered, without_nan
from .nondiff import stopped
from .quantiles import aligned
from .reduce import Axis

# ---- passing over NaN ----


def _folding_numbers(function: Any, fold: Any, unit: int) -> None:
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        return fold(without_nan(a, unit), *args, **kwargs)

    implements(function)(call)


_folding_numbers(np.nansum, np.sum, 0)
_folding_numbers(np.nanprod, np.prod, 1)


def numbers(x: Any, where: Any) -> Any:
    """The mask of the elements that are numbers, and of another mask."""
    mask = ~np.isnan(stopped(x))
    return mask if where is True or where is np._NoValue else mask & mask_of(where, x)


def given(**kwargs: Any) -> dict[str, Any]:
    """The keywords that are not left at NumPy's "no value"."""
    return {name: value for name, value in kwargs.items() if value is not np._NoValue}


@implements(np.nanmean)
def _nanmean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = np._NoValue,
    *,
    where: Any = np._NoValue,
) -> Any:
    x = as_array(a)
    keepdims = keepdims is not np._NoValue and keepdims
    return averaged(x, axis, keepdims, dtype, numbers(x, where), among_nan=True)


def _spread_of_numbers(function: Any, finish: Callable[[Any], Any]) -> None:
    def call(  # noqa: PLR0913  # NumPy's own signature
        a: Any,
        axis: Axis = None,
        dtype: Any = None,
        out: None = None,
        ddof: Any = 0,
        keepdims: Any = np._NoValue,
        *,
        where: Any = np._NoValue,
        mean: Any = np._NoValue,
        correction: Any = np._NoValue,
    ) -> Any:
        x = as_array(a)
        more = given(keepdims=keepdims, mean=mean, correction=correction)
        mask = numbers(x, where)
        variance = scattered(
            x, axis=axis, dtype=dtype, ddof=ddof, where=mask, among_nan=True, **more
        )
        return finish(variance)

    implements(function)(call)


_spread_of_numbers(np.nanvar, lambda v: v)
_spread_of_numbers(np.nanstd, root)


# ---- means and spreads ----


@implements(np.ptp)
def _ptp(a: Any, axis: Axis = None, out: None = None, keepdims: Any = np._NoValue) -> Any:
    """The derivative takes 10 times as long: it writes two arrays, and the function none."""
    kept = given(keepdims=keepdims)
    return np.max(a, axis=axis, **kept) - np.min(a, axis=axis, **kept)


@implements(np.average)
def _average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = np._NoValue,
) -> Any:
    a, kept = as_array(a), given(keepdims=keepdims)
    axis = None if axis is None else normalize_axis_tuple(axis, a.ndim)
    if weights is None:
        mean = np.mean(a, axis=axis, **kept)
        total: Any = np.array(a.size / mean.size, mean.dtype)
    else:
        w = aligned(as_array(weights), a, axis)
        kind = np.result_type(a.dtype, w.dtype, *(["f8"] if a.dtype.kind in "biu" else []))
        w = w.astype(kind)
        total = np.sum(w, axis=axis, **kept)
        if np.any(deciding(total == 0)):
            raise ZeroDivisionError("np.average: the weights sum to zero")
        mean = np.sum(a.astype(kind) * w, axis=axis, **kept) / total
    return (mean, np.copy(np.broadcast_to(total, mean.shape))) if returned else mean


def _observations(x: Any, rowvar: bool, dtype: Any, name: str) -> Any:
    """A variable in each row, as `cov` takes them."""
    if x.ndim > 2:
        raise ShapeError(f"np.cov: {name} has {x.ndim} axes, more than 2")
    rows = np.reshape(x, (1, x.size)) if x.ndim < 2 else x
    rows = rows if rowvar or x.ndim == 1 or (len(rows) == 1 and name == "y") else rows.T
    return rows.astype(dtype)


def _sample_weights(weights: Any, n: int, name: str) -> Any:
    w = as_array(weights).astype(float)
    if w.shape != (n,):
        raise ShapeError(f"np.cov: {name}= has shape {w.shape}, for {n} observations")
    if np.any(deciding(w < 0)):
        raise ShapeError(f"np.cov: {name}= are not negative")
    return w


@implements(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    if ddof is not None and ddof != int(ddof):
        raise ShapeError(f"np.cov: ddof is a whole number, not {ddof}")
    m = as_array(m)
    parts = [m] if y is None else [m, as_array(y)]
    dtype = dtype or np.result_type(float, *(each.dtype for each in parts))
    rows = [
        _observations(each, rowvar, dtype, name)
        for each, name in zip(parts, ("m", "y"), strict=False)
    ]
    if not len(rows[0]):
        return np.zeros((0, 0))
    x = np.concatenate(rows) if y is not None else rows[0]
    w, aw = _weights_of(fweights, aweights, x.shape[1])
    freedom = int(not bias) if ddof is None else ddof
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    total = x.shape[1] if w is None else np.real(total[0])
    if w is None or aw is None or not freedom:
        total = total - freedom
    else:
        total = total - freedom * np.sum(w * aw) / total
    if np.any(deciding(total <= 0)):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        total = np.maximum(total, 0.0)
    away = converted(x - mean[:, None], x.dtype)
    weighed = (away if w is None else away * w).T
    c = np.dot(away, np.conj(weighed) if weighed.dtype.kind == "c" else weighed)
    return np.squeeze(c * np.astype(np.true_divide(1, total), c.real.dtype))


def _weights_of(fweights: Any, aweights: Any, n: int) -> tuple[Any, Any]:
    """The weight of each observation, of how often and how much it counts; and how much alone."""
    f = None if fweights is None else stopped(_sample_weights(fweights, n, "fweights"))
    a = None if aweights is None else _sample_weights(aweights, n, "aweights")
    if f is not None and np.any(deciding(f != np.round(f))):
        raise OperandError("np.cov: fweights= are whole numbers")
    return (f * a if f is not None and a is not None else f if a is None else a), a


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    diagonal = np.arange(len(c))
    deviation = np.sqrt(np.real(c[diagonal, diagonal]))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)


# ---- a function over several axes ----


@implements(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    a = y = as_array(a)
    for axis in np.atleast_1d(axes).tolist():
        axis = axis + a.ndim if axis < 0 else axis
        folded = func(y, axis)
        y = folded if folded.ndim == y.ndim else np.expand_dims(folded, axis)
        if y.ndim != a.ndim:
            raise ShapeError("np.apply_over_axes: the function keeps the axis, or folds it away")
    return y
