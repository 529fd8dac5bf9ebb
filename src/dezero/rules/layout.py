"""Functions that repeat, roll, cut out and put in: numbers at other places, and no new ones."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..box import Box, as_array, plain
from ..dispatch import implements
from ..errors import BoundsError, OperandError, ShapeError
from ..rows import General, linear
from .indexing import scatter
from .joining import gathered, in_dtype_of, lined, part
from .nondiff import for_all
from .ufuncs import into

# ---- rolling and repeating ----


def _roll_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    (x,), axis = xs, params.get("axis")
    if axis is None:
        return np.reshape(p(np.reshape(x, (n, -1)), **{**params, "axis": 1}), x.shape)
    axes = normalize_axis_tuple(axis, x.ndim - 1, allow_duplicate=True)
    return p(x, **{**params, "axis": tuple(k + 1 for k in axes)})


linear(
    np.roll,
    lambda g, *, shift, axis=None: np.roll(g, np.negative(shift), axis),
    batching=_roll_members,
)


def _repeat_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    (x,) = xs
    return p(x, **{**params, "axis": params["axis"] + 1})


def _summed(g: Any, *, counts: Any, axis: int) -> Any:
    """The sums of runs of `counts` elements."""
    before, behind = g.shape[:axis], g.shape[axis + 1 :]
    if isinstance(counts, int):
        apart = g.reshape((*before, g.shape[axis] // counts, counts, *behind))
        if counts > 8:
            return apart.sum(axis + 1)
        # A sum over few has an overhead for each.
        return functools.reduce(np.add, np.moveaxis(apart, axis + 1, 0))
    some = np.flatnonzero(counts)  # `reduceat` has no empty runs
    starts = np.cumsum(counts) - counts
    out: Any = np.zeros((*before, len(counts), *behind), g.dtype)
    if some.size:
        out[(*(slice(None),) * axis, some)] = np.add.reduceat(g, starts[some], axis)
    return out


repeated: General = General(
    lambda x, *, counts, axis: np.repeat(x, counts, axis),
    "repeat",
    (lambda g, *, counts, axis: sums_of_runs(g, counts=counts, axis=axis),),
    None,
    batching=_repeat_members,
)
sums_of_runs: General = General(
    _summed,
    "sums_of_runs",
    (lambda g, *, counts, axis: repeated(g, counts=counts, axis=axis),),
    None,
    batching=_repeat_members,
)


@implements(np.repeat)
def np_repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element several times; as often as another, or as it is told."""
    (a, axis), counts = lined(a, axis), for_all(np.repeat, repeats)
    if not np.can_cast(counts.dtype, np.intp, "safe") and counts.size:
        raise OperandError(f"np.repeat: counts are whole numbers, not {counts.dtype}")
    if np.any(counts < 0):
        raise ShapeError("np.repeat: counts cannot be negative")
    if counts.size != 1:
        return repeated(a, counts=counts.astype(np.intp), axis=axis)
    times = int(counts.item())
    return repeated(a, counts=times or np.zeros(a.shape[axis], np.intp), axis=axis)


def _own(y: Any, x: Any) -> Any:
    """A result in memory of its own; a reshape may still show that of its operand."""
    return np.copy(y) if np.may_share_memory(plain(y), plain(x)) else y


@implements(np.tile)
def np_tile(A: Any, reps: Any) -> Any:  # NumPy's name
    """The array as a pattern, as often along each axis as `reps` says."""
    times = tuple(reps) if np.ndim(reps) else (reps,)
    x, ndim = as_array(A), max(np.ndim(A), len(times))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - x.ndim) + x.shape
    apart = np.reshape(x, tuple(k for n in shape for k in (1, n)))
    whole = np.broadcast_to(
        apart, tuple(k for pair in zip(times, shape, strict=True) for k in pair)
    )
    return _own(np.reshape(whole, tuple(t * n for t, n in zip(times, shape, strict=True))), x)


@implements(np.resize)
def np_resize(a: Any, new_shape: Any) -> Any:
    """Another shape, filled with the elements from the first on again and again."""
    shape = tuple(new_shape) if np.ndim(new_shape) else (new_shape,)
    if any(n < 0 for n in shape):
        raise ShapeError(f"np.resize: {shape} is no shape")
    flat, size = np.ravel(a), math.prod(shape)
    if not flat.size:
        return np.zeros(shape, flat.dtype)
    times, rest = divmod(size, flat.size)
    if not rest:
        return np.reshape(np.tile(flat, times), shape)
    whole = [np.tile(flat, times)] if times else []
    return np.reshape(np.concatenate([*whole, flat[:rest]]), shape)


# ---- diagonals and triangles ----


def _places(shape: tuple[int, ...], offset: int) -> tuple[Any, Any]:
    """Rows and columns of a diagonal of a matrix."""
    rows, columns = shape
    down, right = max(-offset, 0), max(offset, 0)
    along = np.arange(max(min(rows - down, columns - right), 0))
    return along + down, along + right


@implements(np.diagonal)
def np_diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A diagonal, as a last axis; a copy, where NumPy gives a view."""
    if a.ndim < 2:
        raise ShapeError(f"np.diagonal: an array with {a.ndim} axes has no diagonal")
    axes = normalize_axis_tuple((axis1, axis2), a.ndim)
    matrices = a if a.ndim == 2 and axes == (0, 1) else np.moveaxis(a, axes, (-2, -1))
    return matrices[(..., *_places(matrices.shape[-2:], offset))]


@implements(np.diag)
def np_diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector as its diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"np.diag takes a vector or a matrix, not {v.shape}")
    n = v.size + abs(k)
    start = k if k >= 0 else -k * n
    stop = start + v.size * (n + 1) - n  # the place after the last
    flat = scatter(v, index=slice(start, max(start, stop), n + 1), shape=(n * n,))
    return np.reshape(flat, (n, n))


@implements(np.diagflat)
def np_diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of an array on its diagonal."""
    return np_diag(np.ravel(v), k)


@implements(np.trace)
def np_trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """The sum of a diagonal."""
    diagonal = np.diagonal(a, offset, axis1, axis2)
    total = np.sum(diagonal if dtype is None else diagonal.astype(dtype), axis=-1)
    return into(out, total, np.trace)


@implements(np.tril)
def np_tril(m: Any, k: int = 0) -> Any:
    """Zeros above a diagonal."""
    return np.where(_lower(m, k), m, np.zeros(1, m.dtype))


@implements(np.triu)
def np_triu(m: Any, k: int = 0) -> Any:
    """Zeros below a diagonal."""
    return np.where(_lower(m, k - 1), np.zeros(1, m.dtype), m)


def _lower(m: Any, k: int) -> Any:
    """Where a matrix lies on or below a diagonal; a vector stands for as many equal rows."""
    if not m.ndim:
        raise ShapeError("a number has no triangles: np.tril and np.triu take arrays")
    shape = m.shape[-2:]
    return np.tri(shape[0], shape[-1], k, dtype=bool)


# ---- cutting out and putting in ----


def _along(arr: Any, axis: int | None) -> tuple[Any, int]:
    x = as_array(arr)
    return lined(x, axis if axis is None else normalize_axis_index(axis, x.ndim))


def _place(function: Any, obj: Any, length: int, end: int) -> int:
    """A place on an axis, counted from the front; the last one that there may be is `end`."""
    place = operator.index(obj)
    if not -length <= place <= end:
        name = function.__name__
        raise BoundsError(f"np.{name}: {place} is out of bounds of an axis of length {length}")
    return place % length if place < 0 else place


@implements(np.delete)
def np_delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """What is left along an axis when some of it is taken out.

    NumPy copies, which is nothing beside three recorded calls and zeros for what was taken out.
    """
    x, axis = _along(arr, axis)
    n = x.shape[axis]
    obj = for_all(np.delete, obj) if isinstance(obj, Box) else obj
    if isinstance(obj, (int, np.integer)) and not isinstance(obj, bool):
        start = _place(np.delete, obj, n, n - 1)
        out = range(start, start + 1)
    elif isinstance(obj, slice) and obj.step in (None, 1):
        out = range(*obj.indices(n))
    else:
        return part(x, np.delete(np.arange(n), obj), axis)
    ends = (slice(0, out.start), slice(max(out.start, out.stop), n))
    return np.concatenate([part(x, each, axis) for each in ends], axis)


@implements(np.insert)
def np_insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Values put in before places along an axis."""
    x, axis = _along(arr, axis)
    n = x.shape[axis]
    before, behind = x.shape[:axis], x.shape[axis + 1 :]
    values = in_dtype_of(x, gathered(values))
    obj = for_all(np.insert, obj) if isinstance(obj, Box) else obj
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype == bool and places.ndim == 1:
        places = np.flatnonzero(places)
    if places.size != 1:
        values = np.broadcast_to(values, (*before, places.size, *behind))
        places = places if places.size else places.astype(np.intp)  # an empty list is of floats
        order = np.insert(np.arange(n), places, np.arange(n, n + places.size))
        return part(np.concatenate([x, values], axis), order, axis)
    # A block of any length goes before one place.
    at = _place(np.insert, places.item(), n, n)
    values = np.reshape(values, (1,) * (x.ndim - values.ndim) + values.shape)
    if not places.ndim:
        values = np.moveaxis(values, 0, axis)
    values = np.broadcast_to(values, (*before, values.shape[axis], *behind))
    ends = (part(x, slice(0, at), axis), part(x, slice(at, n), axis))
    return np.concatenate([ends[0], values, ends[1]], axis)


@implements(np.trim_zeros)
def np_trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Without the zeros at the ends."""
    ends = trim.lower()
    if ends not in ("fb", "bf", "f", "b"):
        raise OperandError(f"np.trim_zeros: trim is one of 'fb', 'f', 'b', not {trim!r}")
    x = as_array(filt)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    numbers = np.argwhere(x)
    index = [slice(None)] * x.ndim
    for k in axes:
        if len(numbers):
            start = numbers[:, k].min() if "f" in ends else None
            index[k] = slice(start, numbers[:, k].max() + 1 if "b" in ends else None)
        else:
            index[k] = slice(0, 0)
    return x[tuple(index)]
