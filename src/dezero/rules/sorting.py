"""Sorting, and order statistics.

A sorted array is a gather. Of an order statistic only the value counts, as of `max`: elements that
tie for it share equally.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..axes import along, named, spread
from ..box import ROWS, as_array, deciding, unsupported
from ..dispatch import implements
from ..errors import ShapeError
from ..rows import General, Nondifferentiable, nondifferentiable
from .nondiff import stopped
from .reduce import Axis, axes_of, taken

nondifferentiable(np.argpartition, batching=named(along, axis=-1))
nondifferentiable(np.nanargmax, np.nanargmin, batching=named(along))


def at(x: Any, places: Any) -> Any:
    """``x[places]``, also for a plain `x` and places of each member's own."""
    return ROWS[operator.getitem](x, places)


def picked(x: Any, places: Any, axis: int) -> Any:
    """The elements at places along an axis, of which each line has its own."""
    x, places = np.moveaxis(x, axis, -1), np.moveaxis(places, axis, -1)
    *lines, n = x.shape
    starts = np.reshape(n * np.arange(math.prod(lines)), (*lines, 1))
    chosen = at(np.reshape(x, -1), np.reshape(places + starts, -1))
    return np.moveaxis(np.reshape(chosen, places.shape), -1, axis)


def untaken_if_nan(y: Any) -> Any:
    """Values of which those that are NaN stand for no element."""
    nan = np.isnan(y)
    return np.where(nan, np.nan, y) if np.any(deciding(nan)) else y


# ---- sorting ----


def _by_size(x: Any, *, axis: int) -> Any:
    """The places of a stable sort; the faster unstable one finds the same if nothing ties."""
    order = np.argsort(x, axis=axis)
    ordered = np.moveaxis(np.take_along_axis(x, order, axis), axis, 0)
    ties = np.any(ordered[1:] == ordered[:-1]) or np.any(np.isnan(ordered[-1:]))
    return np.argsort(x, axis=axis, kind="stable") if ties else order


by_size = Nondifferentiable(_by_size, "by_size", batching=along)


def _by_places(function: Any, a: Any, axis: int | None, places: Callable[..., Any]) -> Any:
    a = as_array(a)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    if a.ndim == 0:
        raise ShapeError(f"np.{function.__name__}: a number has no axis {axis}")
    return picked(a, places(stopped(a), axis), axis)


@implements(np.sort)
def _sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """Whatever the kind of sort, of equal elements the first comes first."""
    if order is not None:
        raise unsupported(np.sort, kwargs=["order"])
    np.sort(np.empty(0), kind=kind, stable=stable)  # which knows the kinds
    return _by_places(np.sort, a, axis, lambda x, axis: by_size(x, axis=axis))


@implements(np.partition)
def _partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if order is not None:
        raise unsupported(np.partition, kwargs=["order"])
    return _by_places(np.partition, a, axis, lambda x, axis: np.argpartition(x, kth, axis, kind))


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    y = np.sort(a)
    return y if y.dtype.kind == "c" else y.astype(complex)


# ---- order statistics, along the first axis ----


def _ranked(x: Any, ranks: Any) -> Any:
    """The elements of given ranks, counted from the smallest."""
    parted = np.partition(x, np.unique(ranks), axis=0)
    return np.take_along_axis(parted, np.broadcast_to(ranks, (len(ranks), *x.shape[1:])), 0)


def _ranked_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The members come behind the axis that is ordered."""
    x = np.moveaxis(spread(xs[0], n, mine[0]), 0, 1)
    ranks = np.moveaxis(xs[1], 0, 1) if mine[1] else np.expand_dims(xs[1], 1)
    return np.moveaxis(p(x, ranks), 1, 0)


def _shares(ts: Any, out: Any, x: Any) -> list[Any]:
    """For each rank, `ts` shared among the elements that tie for it."""
    return [taken(t, out[k : k + 1], x, 0) for k, t in enumerate(ts)]


ranked: General = General(
    _ranked,
    "ranked",
    (
        lambda g, out, x, _y: sum(_shares([g[k : k + 1] for k in range(len(g))], out, x)),
        lambda _g, _out, _x, _y: None,
    ),
    (
        lambda t, out, x, _y: np.stack(
            [np.sum(each, axis=0) for each in _shares([t] * len(out), out, x)]
        ),
        lambda _t, _out, _x, _y: None,
    ),
    masks=True,
    batching=_ranked_members,
)


def lined(a: Any, axis: Axis) -> Any:
    """An array with the axes to fold in front, as one."""
    axes = axes_of(axis, a.ndim)
    rest = [k for k in range(a.ndim) if k not in axes]
    front = np.transpose(a, (*axes, *rest)) if axes != tuple(range(len(axes))) else a
    return np.reshape(front, (math.prod(a.shape[k] for k in axes), *(a.shape[k] for k in rest)))


def reopened(out: Any, a: Any, axis: Axis, keepdims: Any) -> Any:
    """A result with axes of length 1 in place of the folded ones, behind those of its own."""
    if keepdims is np._NoValue or not keepdims:
        return out
    axes = axes_of(axis, a.ndim)
    kept = tuple(1 if k in axes else n for k, n in enumerate(a.shape))
    own = out.ndim - (a.ndim - len(axes))
    return np.reshape(out, (*out.shape[:own], *kept))


def checked(a: Any, axis: Any, out: Any, function: Any) -> tuple[Any, Axis]:
    """Operand and axes of a call; `out=` was seen to, if it was given by keyword."""
    if out is not None:
        raise unsupported(function, kwargs=["out"])
    a = as_array(a)
    return a, None if axis is None else normalize_axis_tuple(axis, a.ndim)
