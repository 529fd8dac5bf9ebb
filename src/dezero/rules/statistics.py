"""Means, spreads, correlations and histograms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..axes import one_by_one
from ..box import Box, as_array, plain
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import Nondifferentiable, nondifferentiable
from .gather import deposit, in_batches
from .indexing import scatter
from .nondiff import stopped
from .reduce import Axis, averaged, mask_of, root, scattered, without_nan
from .sorting import aligned

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
    def call(
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
        if np.any(plain(total == 0)):
            raise ZeroDivisionError("np.average: the weights sum to zero")
        mean = np.sum(a.astype(kind) * w, axis=axis, **kept) / total
    return (mean, np.broadcast_to(total, mean.shape)) if returned else mean


def _observations(x: Any, rowvar: bool, dtype: Any, name: str) -> Any:
    """A variable in each row, as `cov` takes them."""
    if x.ndim > 2:
        raise ShapeError(f"np.cov: {name} has {x.ndim} axes, more than 2")
    rows = np.reshape(x, (1, x.size)) if x.ndim < 2 else x
    rows = rows if rowvar or x.ndim == 1 or len(rows) == 1 and name == "y" else rows.T
    return rows.astype(dtype)


def _sample_weights(weights: Any, n: int, name: str) -> Any:
    w = as_array(weights).astype(float)
    if w.shape != (n,):
        raise ShapeError(f"np.cov: {name}= has shape {w.shape}, for {n} observations")
    if np.any(plain(w < 0)):
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
    total = x.shape[1] if w is None else total[0]
    if w is None or aw is None or not freedom:
        total = total - freedom
    else:
        total = total - freedom * np.sum(w * aw) / total
    if np.any(plain(total <= 0)):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        total = np.maximum(total, 0.0)
    away = x - mean[:, None]
    weighed = (away if w is None else away * w).T
    c = np.dot(away, np.conj(weighed) if dtype_is_complex(weighed) else weighed)
    return np.squeeze(c * np.true_divide(1, total))


def dtype_is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"  # type: ignore[no-any-return]  # any array's dtype


def _weights_of(fweights: Any, aweights: Any, n: int) -> tuple[Any, Any]:
    """The weight of each observation, of how often and how much it counts; and how much alone."""
    f = None if fweights is None else stopped(_sample_weights(fweights, n, "fweights"))
    a = None if aweights is None else _sample_weights(aweights, n, "aweights")
    if f is not None and np.any(plain(f != np.round(f))):
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
    if not dtype_is_complex(c):
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)


# ---- counting into bins ----

counted = Nondifferentiable(np.bincount, "bincount")


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Linear in the weights; the places have no derivative."""
    x = stopped(as_array(x))
    if not isinstance(x, Box):
        counts = counted(x, minlength=minlength)
        if weights is None or not x.size:
            return counts  # of nothing NumPy counts in integers, with weights too
        length = len(counts)
    else:
        length = _common_length(x, minlength)
    w = as_array(np.ones(x.shape, int) if weights is None else weights)
    if w.dtype.kind == "c":
        raise OperandError("np.bincount: complex weights are not supported, by NumPy either")
    if w.shape != x.shape:
        raise ShapeError(f"np.bincount: weights of shape {w.shape} for places of shape {x.shape}")
    return binned(w if weights is None else w.astype(float), x, length)


def _common_length(x: Any, minlength: int) -> int:
    """The number of bins under `vmap`, where it may not differ between the members."""
    places = plain(x)
    if places.size and np.min(places) < 0:
        raise ShapeError("np.bincount: places are not negative")
    if places.size and np.max(places) >= minlength:
        raise OperandError(
            "vmap: np.bincount gives results of different lengths for the members of a batch; "
            f"give it minlength={np.max(places) + 1} or more"
        )
    return minlength


def binned(weights: Any, places: Any, length: int) -> Any:
    """Sums of the weights that go to the same place."""
    if in_batches((places,)):
        return deposit(weights, places[None], pattern=(0,), shape=(length,))
    return scatter(weights, index=places, shape=(length,))


edges_found = Nondifferentiable(np.histogram_bin_edges, "histogram_bin_edges")


@implements(np.histogram_bin_edges)
def edges_of(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges of the bins, which have no derivative and under `vmap` are the same for all.

    Raises
    ------
    OperandError
        Under `vmap`, if they depend on the members.
    """
    x, bins = stopped(as_array(a)), stopped(bins) if isinstance(bins, Box) else bins
    if isinstance(x, Box) and np.ndim(bins) == 0 and (range is None or isinstance(bins, str)):
        bins = x
    if isinstance(bins, Box):
        raise OperandError(
            "vmap: a histogram chooses other bins for each member of a batch; give it the edges "
            "of the bins, or their number and range="
        )
    if isinstance(x, Box):
        x = np.empty(0)
    if weights is not None and isinstance(bins, str):
        raise OperandError(f"{bins!r} finds no bins for weighted data; give their number or edges")
    return edges_found(x, bins, range)


def bin_of(x: Any, edges: Any) -> Any:
    """In which bin each number is; the last one is closed, and one more is for all outside."""
    n = len(edges) - 1
    at = np.searchsorted(edges, x, side="right") - 1
    at = np.where(x == edges[-1], n - 1, at)
    return np.where((x >= edges[0]) & (x <= edges[-1]), at, n)


@implements(np.histogram)
def _histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    """The sums of the weights in each bin: linear in the weights."""
    x = stopped(np.reshape(as_array(a), -1))
    w = None if weights is None else as_array(weights)
    if w is not None and w.shape != np.shape(a):
        raise ShapeError("np.histogram: weights= have the shape of the array")
    edges = edges_of(x, bins, range, w)
    places, n = bin_of(x, edges), len(edges) - 1
    if w is None:
        sums = np.bincount(places, minlength=n + 1)[:n]
    else:
        wide = w.astype(np.result_type(w.dtype, float))
        sums = binned(np.reshape(wide, -1), places, n + 1)[:n].astype(w.dtype)
    return (sums / np.diff(edges) / np.sum(sums) if density else sums), edges


@implements(np.histogramdd)
def _histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    columns = _columns(sample)
    count = len(columns)
    each_bins = bins if hasattr(bins, "__len__") else [bins] * count
    limits = [None] * count if range is None else range
    if len(each_bins) != count or len(limits) != count:
        raise ShapeError(f"np.histogramdd: bins and range for each of the {count} dimensions")
    edges = [
        edges_of(x, b, r) for x, b, r in zip(columns, each_bins, limits, strict=True)
    ]
    shape = tuple(len(e) - 1 for e in edges)
    places: Any = 0
    for x, e in zip(columns, edges, strict=True):
        places = places * len(e) + bin_of(x, e)  # each axis with a place for all outside
    w = np.ones(places.shape) if weights is None else as_array(weights).astype(float)
    if w.shape != places.shape:
        raise ShapeError(f"np.histogramdd: weights of shape {w.shape} for {places.shape} points")
    whole = binned(w, places, math.prod(n + 1 for n in shape))
    sums = np.reshape(whole, tuple(n + 1 for n in shape))[tuple(slice(n) for n in shape)]
    if density:
        total = np.sum(sums)
        for k, e in enumerate(edges):
            sums = sums / np.reshape(np.diff(e), [-1 if j == k else 1 for j in builtin_range(count)])
        sums = sums / total
    return sums, edges


builtin_range = range


def _columns(sample: Any) -> list[Any]:
    """The coordinates of the points, one array for each dimension."""
    if isinstance(sample, (list, tuple)) and any(isinstance(x, Box) for x in sample):
        return [stopped(as_array(x)) for x in sample]
    points = stopped(as_array(sample))
    if isinstance(sample, (list, tuple)):
        return list(np.atleast_2d(points))
    return [points] if points.ndim == 1 else list(points.T)


@implements(np.histogram2d)
def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if len(x) != len(y):
        raise ShapeError("np.histogram2d: x and y have the same length")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    sums, edges = _histogramdd([x, y], bins, range, density, weights)
    return sums, edges[0], edges[1]


def _binned_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Numbers in one set of bins for all; bins of each member's own are taken one by one."""
    return one_by_one(p, n, mine, xs, params) if any(mine[1:]) else p(*xs, **params)


nondifferentiable(np.digitize, batching=_binned_members)


# ---- a function over several axes ----


@implements(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    y = as_array(a)
    for axis in np.atleast_1d(axes):
        axis = int(axis) % a.ndim
        folded = func(y, axis)
        y = folded if folded.ndim == y.ndim else np.expand_dims(folded, axis)
        if y.ndim != a.ndim:
            raise ShapeError("np.apply_over_axes: the function keeps the axis, or folds it away")
    return y
