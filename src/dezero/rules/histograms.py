"""Counting into bins. Sums of weights are linear in them; the places have no derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import one_by_one
from ..box import Box, as_array, numbers
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import Nondifferentiable, nondifferentiable
from .gather import deposit, in_batches
from .indexing import scatter
from .nondiff import stopped

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
    places = numbers(x)
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
    edges = [edges_of(x, b, r) for x, b, r in zip(columns, each_bins, limits, strict=True)]
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
            sums = sums / np.reshape(
                np.diff(e), [-1 if j == k else 1 for j in builtin_range(count)]
            )
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
