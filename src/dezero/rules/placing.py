"""Functions that write into an array: assignments, differentiable in what they write.

NumPy writes a few elements at the cost of these alone; a gradient is an array of its own, a copy of
the result's with zeros there, and takes up to 10 times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..box import Box, as_array, deciding, unsupported
from ..dispatch import implements
from ..errors import BoundsError, OperandError, ShapeError
from .indexing import assign
from .joining import gathered
from .nondiff import for_all, stopped
from .picking import along_axis, places_of, within


def _writable(function: Any, x: Any) -> Box:
    if not isinstance(x, Box):
        raise unsupported(function, kwargs=["out"])
    return x


def _enough(values: Any, count: int) -> Any:
    """As many values as there are places, from the first on again where they are few."""
    return np.ravel(values) if values.size == count else np.resize(values, (count,))


def _write_where(function: Any, x: Box, index: Any, count: int, values: Any) -> None:
    """Values to as many places as an index, or a mask, has."""
    if count and not values.size:
        raise ShapeError(f"np.{function.__name__}: no values to put")
    assign(x, index, _enough(values, count))


def _unravelled(places: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Places of the flattened array as an index, also those that differ between members."""
    index = []
    for n in reversed(shape):
        index.append(places % n)
        places = places // n
    return tuple(reversed(index))


@implements(np.place)
def np_place(arr: Any, mask: Any, vals: Any) -> None:
    """The values, one after the other, to where a mask holds."""
    x = _writable(np.place, arr)
    if np.size(mask) != x.size:
        raise ShapeError(f"np.place: a mask of shape {np.shape(mask)} for {x.shape}")
    mask = for_all(np.place, mask).astype(bool).reshape(x.shape)
    count, values = int(np.count_nonzero(mask)), gathered(vals)
    if not np.can_cast(values.dtype, x.dtype, "safe"):
        raise OperandError(f"np.place: {values.dtype} to {x.dtype} is not safe")
    _write_where(np.place, x, mask, count, values)


@implements(np.put)
def np_put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Values to places of the flattened array."""
    x = _writable(np.put, a)
    places = np.ravel(within(np.put, places_of(np.put, ind), x.size, mode))
    if np.any((deciding(places) < -x.size) | (deciding(places) >= x.size)):
        raise BoundsError(f"np.put: a place out of the {x.size} of the array")
    values = gathered(v)
    if not places.size or not values.size:
        return
    values = _enough(values, places.size)
    if x.ndim:
        assign(x, _unravelled(places % x.size, x.shape), values)
    else:
        assign(x, (), values[-1])


@implements(np.put_along_axis)
def np_put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Values to the places that each line along an axis has of its own."""
    x, places = _writable(np.put_along_axis, arr), places_of(np.put_along_axis, indices)
    if axis is None:
        if places.ndim != 1:
            raise ShapeError("np.put_along_axis: without an axis, indices are a list")
        index = _unravelled(places % max(x.size, 1), x.shape)
    else:
        index = along_axis(x.shape, places, normalize_axis_index(axis, x.ndim))
    assign(x, index, gathered(values))


@implements(np.fill_diagonal)
def np_fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Values to the places whose indices are all equal; in a tall matrix, after its end again."""
    x = _writable(np.fill_diagonal, a)
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise ShapeError(f"np.fill_diagonal: an array of shape {x.shape} has no such diagonal")
    step = sum(int(np.prod(x.shape[k:])) for k in range(1, x.ndim)) + 1
    end = x.size if wrap or x.ndim > 2 else min(x.size, x.shape[1] ** 2)
    places = np.arange(0, end, step)
    index = np.unravel_index(places, x.shape)
    _write_where(np.fill_diagonal, x, index, len(places), gathered(val))


@implements(np.copyto)
def np_copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Another array's values, where a mask holds."""
    x, values = _writable(np.copyto, dst), gathered(src)
    weak = type(src) is bool or (type(src) is int and x.dtype != bool)
    if not weak and not np.can_cast(values.dtype, x.dtype, casting):
        raise OperandError(f"np.copyto: {values.dtype} to {x.dtype} is not casting={casting!r}")
    if where is True:
        assign(x, ..., values)
        return
    mask: Any = np.broadcast_to(stopped(as_array(where)), x.shape)
    if mask.dtype != bool:
        raise OperandError(f"np.copyto: where= is a mask, not of {mask.dtype}")
    values = np.broadcast_to(values, x.shape)
    if isinstance(mask, Box):
        assign(x, ..., np.where(mask, values, x))
    else:
        assign(x, mask, values[mask])
