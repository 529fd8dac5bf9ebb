"""Arrays as sets, places and kinds: what has no derivative, and `unique`, whose values have one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import every, lined_up, one_by_one
from ..box import Box, as_array, plain
from ..dispatch import implements
from ..errors import ShapeError
from ..rows import Nondifferentiable, nondifferentiable
from .nondiff import for_all, stopped


def _is_in(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Elements in one set for all; a set of each member's own is searched by itself."""
    return one_by_one(p, n, mine, xs, params) if mine[1] else p(*xs, **params)


def _equivalent(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Whether all elements of a member are equal, of arrays that broadcast."""
    shapes = [np.shape(x)[m:] for x, m in zip(xs, mine, strict=True)]
    try:
        ndim = len(np.broadcast_shapes(*shapes))
    except ValueError:
        return np.zeros(n, bool)
    x, y = (lined_up(x, ndim) if m else x for x, m in zip(xs, mine, strict=True))
    equal = np.equal(x, y)
    return np.all(equal, axis=every(equal))


nondifferentiable(np.isin, batching=_is_in)
nondifferentiable(np.array_equiv, batching=_equivalent)


def _sorted_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    (keys,) = xs
    axis = params["axis"]
    if keys.ndim == 2:  # of keys that are numbers there is one place
        return np.zeros(n, np.intp)
    return p(np.moveaxis(keys, 0, 1), axis=axis if axis < 0 else axis + 1)


_lexsort = Nondifferentiable(np.lexsort, "lexsort", batching=_sorted_members)


@implements(np.lexsort)
def np_lexsort(keys: Any, axis: int = -1) -> Any:
    """The order by several keys, of which the last counts most."""
    parts = [stopped(as_array(key)) for key in keys]
    return _lexsort(np.stack(parts), axis=axis)


# ---- unique ----


@implements(np.unique)
def np_unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # NumPy's name
) -> Any:
    """The different elements in order; the derivative goes to the first of equal ones."""
    x = as_array(ar)
    numbers = for_all(np.unique, x)
    index = _first(numbers, equal_nan) if axis is None else np.unique(numbers, True, axis=axis)[1]
    values = np.ravel(x)[index] if axis is None else np.take(x, index, axis)
    if not (return_index or return_inverse or return_counts):
        return values
    others: tuple[Any, ...] = (index,) if return_index else ()
    if return_inverse or return_counts:
        asked: Any = {"return_inverse": return_inverse, "return_counts": return_counts}
        others += np.unique(numbers, axis=axis, equal_nan=equal_nan, **asked)[1:]
    return (values, *others)


def _first(numbers: Any, equal_nan: bool) -> Any:
    """Where each of the different numbers is first: NumPy's stable sort takes ten times as long."""
    flat = numbers.ravel()
    order = np.argsort(flat)
    x = flat[order]
    same = x[1:] == x[:-1]
    if equal_nan and x.dtype.kind in "fc":
        same |= np.isnan(x[1:]) & np.isnan(x[:-1])
    starts = np.flatnonzero(np.concatenate([[True], ~same])[: x.size])
    return np.minimum.reduceat(order, starts) if x.size else starts


ALL, COUNTS, INVERSE = (
    type(function(np.empty(0))) for function in (np.unique_all, np.unique_counts, np.unique_inverse)
)
"""The named tuples that NumPy hands these results out in."""


@implements(np.unique_all)
def np_unique_all(x: Any) -> Any:
    """The different elements, where each is first, which it is of them, and how many are equal."""
    return ALL(*np_unique(x, True, True, True, equal_nan=False))


@implements(np.unique_counts)
def np_unique_counts(x: Any) -> Any:
    """The different elements, and how many there are of each."""
    return COUNTS(*np_unique(x, return_counts=True, equal_nan=False))


@implements(np.unique_inverse)
def np_unique_inverse(x: Any) -> Any:
    """The different elements, and which of them each element is."""
    return INVERSE(*np_unique(x, return_inverse=True, equal_nan=False))


@implements(np.unique_values)
def np_unique_values(x: Any) -> Any:
    """The different elements."""
    return np_unique(x, equal_nan=False)


# ---- of two arrays: the values move with the elements that they are ----


@implements(np.union1d)
def np_union1d(ar1: Any, ar2: Any) -> Any:
    """The different elements of both."""
    return np_unique(np.concatenate((ar1, ar2), axis=None))


def _different(x: Any, assume_unique: bool) -> Any:
    return np.ravel(x) if assume_unique else np_unique(x)


@implements(np.intersect1d)
def np_intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """The elements of the first array that are in the second too."""
    x, y = as_array(ar1), as_array(ar2)
    sets = [for_all(np.intersect1d, each) for each in (x, y)]
    _, *places = np.intersect1d(sets[0], sets[1], assume_unique, return_indices=True)
    values = np.astype(np.ravel(x)[places[0]], np.result_type(x.dtype, y.dtype), copy=False)
    return (values, *places) if return_indices else values


@implements(np.setdiff1d)
def np_setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The elements of the first array that are not in the second."""
    x = _different(as_array(ar1), assume_unique)
    return x[~np.isin(for_all(np.setdiff1d, x), for_all(np.setdiff1d, ar2))]


@implements(np.setxor1d)
def np_setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The elements that are in one of the two arrays."""
    parts = [_different(as_array(x), assume_unique) for x in (ar1, ar2)]
    x = np.sort(np.concatenate(parts))
    numbers = for_all(np.setxor1d, x)
    same = numbers[1:] == numbers[:-1]
    return x[~np.concatenate(([False], same)) & ~np.concatenate((same, [False]))] if len(x) else x


# ---- of shapes and dtypes ----


@implements(np.diag_indices_from)
def np_diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The places of the main diagonal."""
    if arr.ndim < 2 or len(set(arr.shape)) > 1:
        raise ShapeError(f"np.diag_indices_from: an array of shape {arr.shape}, not n by n")
    return np.diag_indices(arr.shape[0], arr.ndim)


def _triangle(function: Any, indices: Any) -> None:
    def from_array(arr: Any, k: int = 0) -> tuple[Any, Any]:
        if arr.ndim != 2:
            raise ShapeError(f"np.{function.__name__}: an array of shape {arr.shape} is no matrix")
        found: tuple[Any, Any] = indices(arr.shape[0], k=k, m=arr.shape[1])
        return found

    implements(function)(from_array)


_triangle(np.tril_indices_from, np.tril_indices)
_triangle(np.triu_indices_from, np.triu_indices)


@implements(np.result_type)
def np_result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that arrays have together."""
    return np.result_type(*(x.dtype if isinstance(x, Box) else x for x in arrays_and_dtypes))


@implements(np.can_cast)
def np_can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether a dtype can be cast to another."""
    return np.can_cast(from_.dtype if isinstance(from_, Box) else from_, to, casting)


@implements(np.common_type)
def np_common_type(*arrays: Any) -> Any:
    """The inexact type that arrays have together."""
    return np.common_type(*(np.empty(0, as_array(x).dtype) for x in arrays))


@implements(np.min_scalar_type)
def np_min_scalar_type(a: Any) -> np.dtype[Any]:
    """The smallest dtype that holds a number; of an array, and in a batch, its own."""
    value = plain(a)
    return np.min_scalar_type(value) if value.ndim == a.ndim else a.dtype


def _memory(function: Any) -> None:
    def shared(a: Any, b: Any, max_work: Any = None) -> bool:
        return bool(function(plain(a), plain(b), max_work))

    implements(function)(shared)


_memory(np.shares_memory)
_memory(np.may_share_memory)
