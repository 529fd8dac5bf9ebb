"""Functions that join arrays, and their opposites."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..axes import spread
from ..box import Box, as_array
from ..dispatch import implements
from ..errors import AssignmentError, DataError, OperandError, ShapeError
from ..rows import jointly_linear
from .shape import with_axes
from .ufuncs import into


def _joined(*xs: Any, axis: int) -> Any:
    return np.concatenate(xs, axis=axis)


def _cut(g: Any, specs: tuple[Any, ...], *, axis: int) -> list[Any]:
    """The pieces of a cotangent that belong to each operand of `concatenate`."""
    ends = accumulate((spec.shape[axis] for spec in specs), initial=0)
    return [part(g, slice(start, stop), axis) for start, stop in pairwise(ends)]


def part(x: Any, index: Any, axis: int) -> Any:
    """What an index along one axis chooses."""
    return x[(*(slice(None),) * (axis % x.ndim), index)]


def lined(a: Any, axis: int | None) -> tuple[Any, int]:
    """An array and an axis of it: the flattened one for None, and of a number for 0 and -1."""
    x = as_array(a)
    if axis is None or (not x.ndim and axis in (0, -1)):
        return np.ravel(x), 0
    return x, normalize_axis_index(axis, x.ndim)


def _joining(shifted: Callable[[int, int], int]) -> Any:
    """The batching rule of functions that join arrays along an axis; all are made batches."""

    def batched(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
        parts = [spread(x, n, m) for x, m in zip(xs, mine, strict=True)]
        return p(*parts, axis=shifted(params["axis"], parts[0].ndim - 1))

    return batched


concatenate = jointly_linear(
    _joined,
    _cut,
    "concatenate",
    batching=_joining(lambda axis, ndim: normalize_axis_index(axis, ndim) + 1),
)


def common_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype of values together; Python's own numbers have little say in it."""
    weak = (int, float, complex)
    return np.result_type(*(x if type(x) in weak else as_array(x).dtype for x in values))


def converted(x: Any, dtype: np.dtype[Any]) -> Any:
    """An array in a dtype, itself if it is."""
    return x if x.dtype == dtype else x.astype(dtype)


def _all_converted(function: Any, arrays: Any, dtype: Any, casting: Any) -> list[Any]:
    """Arrays to be joined, in the dtype that is asked for."""
    xs = [as_array(x) for x in arrays]
    if dtype is None and casting == "same_kind":
        return xs
    dtype = np.result_type(*(x.dtype for x in xs)) if dtype is None else np.dtype(dtype)
    for x in xs:
        if not np.can_cast(x.dtype, dtype, casting):
            name = function.__name__
            raise OperandError(f"np.{name}: {x.dtype} to {dtype} is not casting={casting!r}")
    return [converted(x, dtype) for x in xs]


@implements(np.concatenate)
def np_concatenate(
    arrays: Any,
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """Arrays one behind the other along an axis, or all in one line."""
    arrays = list(arrays)
    if dtype is None and any(np.isscalar(x) for x in arrays):
        dtype = common_dtype(*arrays)
    parts = _all_converted(np.concatenate, arrays, dtype, casting)
    if axis is None:
        parts, axis = [np.ravel(x) for x in parts], 0
    return into(out, concatenate(*parts, axis=axis), np.concatenate)


def _stacked(*xs: Any, axis: int) -> Any:
    return np.stack(xs, axis=axis)


def _unstacked(g: Any, specs: tuple[Any, ...], *, axis: int) -> list[Any]:
    return [part(g, k, axis) for k in range(len(specs))]


stack = jointly_linear(
    _stacked,
    _unstacked,
    "stack",
    batching=_joining(lambda axis, ndim: normalize_axis_index(axis, ndim + 1) + 1),
)


@implements(np.stack)
def np_stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Arrays of one shape along a new axis."""
    return into(out, stack(*_all_converted(np.stack, arrays, dtype, casting), axis=axis), np.stack)


# ---- programs over them ----


@implements(np.vstack)
def np_vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """One below the other, vectors as rows."""
    rows = [with_axes(as_array(x), 2) for x in tup]
    return np_concatenate(rows, 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def np_hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """One beside the other."""
    parts = [with_axes(as_array(x), 1) for x in tup]
    axis = 0 if parts and parts[0].ndim == 1 else 1
    return np_concatenate(parts, axis, dtype=dtype, casting=casting)


@implements(np.dstack)
def np_dstack(tup: Any) -> Any:
    """One behind the other, along a third axis."""
    return np_concatenate([with_axes(as_array(x), 3) for x in tup], 2)


@implements(np.column_stack)
def np_column_stack(tup: Any) -> Any:
    """One beside the other, vectors as columns."""
    arrays = [as_array(x) for x in tup]
    return np_concatenate([x if x.ndim > 1 else np.reshape(x, (-1, 1)) for x in arrays], 1)


@implements(np.append)
def np_append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """The values behind the array; both in one line without an axis."""
    return np_concatenate((as_array(arr), as_array(values)), axis)


@implements(np.block)
def np_block(arrays: Any) -> Any:
    """Blocks in nested lists: the innermost along the last axis."""
    depth = _depth(arrays)
    ndim = max(depth, *(x.ndim for x in _blocks(arrays)))
    return _assembled(arrays, depth, ndim) if depth else np.copy(arrays)


def _depth(arrays: Any) -> int:
    if isinstance(arrays, tuple):
        raise OperandError("np.block takes nested lists; a tuple is no list of blocks")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(each) for each in arrays}
    if len(depths) != 1:
        raise ShapeError("np.block: lists are nested to one depth everywhere, and none is empty")
    return 1 + depths.pop()


def _blocks(arrays: Any) -> list[Any]:
    if isinstance(arrays, list):
        return [x for each in arrays for x in _blocks(each)]
    return [as_array(arrays)]


def _assembled(arrays: Any, depth: int, ndim: int) -> Any:
    if not depth:
        x = as_array(arrays)
        return np.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return np_concatenate([_assembled(each, depth - 1, ndim) for each in arrays], -depth)


def gathered(x: Any) -> Any:
    """One array of a nesting of boxes, arrays and numbers."""
    if not isinstance(x, (list, tuple)) or not has_box(x):
        return numbers(x)
    parts = [gathered(each) for each in x]
    shapes = dict.fromkeys(part.shape for part in parts)
    if len(shapes) > 1:
        raise ShapeError(
            f"array: the parts of a list have the shapes {', '.join(map(str, shapes))}; "
            "an array needs equal ones"
        )
    return np_stack(parts)


def numbers(x: Any) -> Any:
    """An array, but none of Python objects."""
    x = as_array(x)
    if x.dtype.kind == "O":
        raise DataError("an array of objects has no derivative; of a generator write list(…) first")
    return x


def has_box(x: Any) -> bool:
    """Whether there is a box in a nesting of lists and tuples."""
    return isinstance(x, Box) or (isinstance(x, (list, tuple)) and any(map(has_box, x)))


def in_dtype_of(x: Any, values: Any) -> Any:
    """Values as elements of an array; refused where a derivative would be lost with a part."""
    kinds = "biufc"
    lost = kinds.index(values.dtype.kind) > kinds.index(x.dtype.kind)
    if lost and isinstance(values, Box) and values.dtype.kind in "fc":
        raise AssignmentError(
            f"{values.dtype} values cannot be put into {x.dtype} data without loss; "
            f"make it {values.dtype} first: v = v.astype({str(values.dtype)!r})"
        )
    return converted(values, x.dtype)


# ---- splits: the pieces are views, so that most of a derivative's time goes into the calls ----


@implements(np.array_split)
def np_array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along an axis, between places or of nearly the same length."""
    ary = as_array(ary)
    axis = normalize_axis_index(axis, ary.ndim)
    length = ary.shape[axis]
    try:
        places = [operator.index(each) for each in indices_or_sections]
    except TypeError:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise OperandError(f"np.array_split: {sections} sections") from None
        short, longer = divmod(length, sections)
        sizes = [short + 1] * longer + [short] * (sections - longer)
        places = list(accumulate(sizes))[:-1]
    return [part(ary, slice(start, stop), axis) for start, stop in pairwise([0, *places, length])]


@implements(np.split)
def np_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Pieces along an axis, between places or of the same length."""
    ary = as_array(ary)
    axis = normalize_axis_index(axis, ary.ndim)
    if not np.ndim(indices_or_sections) and ary.shape[axis] % operator.index(indices_or_sections):
        raise ShapeError(
            f"np.split: {ary.shape[axis]} elements do not make {indices_or_sections} equal parts; "
            "np.array_split takes any number"
        )
    return np_array_split(ary, indices_or_sections, axis)


def _splitting(function: Any, least: int, axis: int) -> None:
    def split(ary: Any, indices_or_sections: Any) -> Any:
        ary = as_array(ary)
        if ary.ndim < least:
            raise ShapeError(f"np.{function.__name__}: an array with {ary.ndim} axes")
        return np_split(ary, indices_or_sections, min(axis, ary.ndim - 1))

    implements(function)(split)


for function, least, axis in ((np.vsplit, 2, 0), (np.hsplit, 1, 1), (np.dsplit, 3, 2)):
    _splitting(function, least, axis)


@implements(np.unstack)
def np_unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts of an array along an axis, which is gone.

    Views, at no cost that grows: the gradient, in which each has its place, takes what ten small
    calls take.
    """
    if not x.ndim:
        raise ShapeError("np.unstack: a number has no axis")
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(part(x, k, axis) for k in range(x.shape[axis]))
