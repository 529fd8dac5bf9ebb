"""Functions that choose elements by places or by conditions: programs over gathers and `where`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..box import as_array, numbers
from ..dispatch import implements
from ..errors import BoundsError, OperandError, ShapeError
from .indexing import setitem
from .joining import common_dtype, converted, in_dtype_of, lined, part
from .nondiff import for_all, stopped
from .ufuncs import into


def places_of(function: Any, indices: Any) -> Any:
    """Whole numbers that say where; booleans are the numbers 0 and 1."""
    places = stopped(as_array(indices))
    empty_list = isinstance(indices, (list, tuple)) and not places.size
    if places.dtype.kind not in "iub" and not empty_list:
        raise OperandError(f"np.{function.__name__}: indices are whole numbers, not {places.dtype}")
    return places.astype(np.intp)


def within(function: Any, places: Any, length: int, mode: str) -> Any:
    """Places as those of an axis of some length; those outside are wrapped, clipped or refused."""
    if mode == "wrap":
        return places % length
    if mode == "clip":
        return np.clip(places, 0, length - 1)
    if mode != "raise":
        raise OperandError(f"np.{function.__name__}: mode is raise, wrap or clip, not {mode!r}")
    return places


@implements(np.take)
def np_take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    """The elements at places along an axis, or in the flattened array."""
    x, axis = lined(a, axis)
    places = within(np.take, places_of(np.take, indices), x.shape[axis], mode)
    return into(out, part(x, places, axis), np.take)


def along_axis(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index of which `indices` are the part along one axis, beside their own places."""
    if indices.ndim != len(shape):
        raise ShapeError(f"indices of shape {indices.shape} for an array of shape {shape}")
    others = np.ogrid[tuple(slice(n) for n in shape)]
    return tuple(indices if k == axis else own for k, own in enumerate(others))


@implements(np.take_along_axis)
def np_take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements at the places that each line along an axis has of its own."""
    x, places = as_array(arr), places_of(np.take_along_axis, indices)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim)
    return x[along_axis(x.shape, places, axis)]


@implements(np.choose)
def np_choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """Each element from the choice whose number stands in its place."""
    if isinstance(choices, (list, tuple)):
        dtype = common_dtype(*choices)
        choices = np.stack(np.broadcast_arrays(*(converted(as_array(x), dtype) for x in choices)))
    n, *shape = choices.shape
    which = within(np.choose, places_of(np.choose, a), n, mode)
    if mode == "raise" and np.any(numbers(which) < 0):
        raise BoundsError("np.choose: a choice with a negative number")
    choices = np.reshape(choices, (n, *(1,) * (which.ndim - len(shape)), *shape))
    own = np.ix_(*map(np.arange, choices.shape[1:]))
    return into(out, choices[(which, *own)], np.choose)


# ---- by conditions ----


@implements(np.compress)
def np_compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """The parts along an axis for which a condition holds; those beyond its end are left out."""
    x, axis = lined(a, axis)
    if np.ndim(condition) != 1:
        raise ShapeError(f"np.compress: a condition of shape {np.shape(condition)} is no list")
    return into(out, part(x, np.flatnonzero(condition), axis), np.compress)


@implements(np.extract)
def np_extract(condition: Any, arr: Any) -> Any:
    """The elements for which a condition holds."""
    return np.ravel(arr)[np.flatnonzero(condition)]


@implements(np.select)
def np_select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Each element from the first choice whose condition holds there."""
    if not 0 < len(condlist) == len(choicelist):
        raise ShapeError(f"np.select: {len(condlist)} conditions for {len(choicelist)} choices")
    dtype = common_dtype(*choicelist, default)
    conditions = [stopped(as_array(condition)) for condition in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise OperandError(f"np.select: condition {k} is of {condition.dtype}, not boolean")
    *choices, result = (converted(as_array(x), dtype) for x in (*choicelist, default))
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = np.where(condition, choice, result)
    return result


@implements(np.piecewise)
def np_piecewise(x: Any, condlist: Any, funclist: list[Any], *args: Any, **kw: Any) -> Any:
    """Functions, each of the elements for which its condition holds; the last condition counts.

    Raises
    ------
    OperandError
        In a batch whose members' conditions differ.
    """
    x = as_array(x)
    conditions = _conditions(condlist, x)
    if len(conditions) == len(funclist) - 1:
        conditions.append(~np.any(np.stack(conditions), axis=0))
    if len(conditions) != len(funclist):
        raise ShapeError(
            f"np.piecewise: {len(conditions)} conditions for {len(funclist)} functions"
        )
    y: Any = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if callable(function) and not np.any(condition):
            continue
        values = function(x[condition], *args, **kw) if callable(function) else function
        y = setitem(y, in_dtype_of(y, as_array(values)), index=condition)
    return y


def _conditions(condlist: Any, x: Any) -> list[Any]:
    """Boolean arrays, one for each condition; a single one needs no list."""
    lone = _is_number(condlist) or (x.ndim and _is_number(condlist[0]))
    return [for_all(np.piecewise, each).astype(bool) for each in ([condlist] if lone else condlist)]


def _is_number(x: Any) -> bool:
    return not isinstance(x, (list, tuple)) and np.ndim(x) == 0
