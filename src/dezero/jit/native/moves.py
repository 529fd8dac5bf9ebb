"""Rows that move numbers about: views, copies into parts of arrays, zeros around them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...ir.steps import Equation, Value
from .lowering import Lowering
from .nests import Nest
from .places import Place
from .rules import RULES, Rule


def only_arrays(step: Equation) -> bool:
    """Whether no operand is a plain number."""
    return all(isinstance(x, Value) or np.ndim(x) for x in step.operands)


# ---- views ----


def view(lowering: Lowering, step: Equation) -> None:
    """Something that NumPy shows of an array without computing."""
    (x,), (result,) = step.operands, step.results
    if x.shape == result.shape == ():
        alias(lowering, step)
    else:
        lowering.shown(result, x, functools.partial(step.p.fn, **step.params))


def picked(lowering: Lowering, step: Equation) -> None:
    """What a basic index shows."""
    (x,), (result,) = step.operands, step.results
    index = as_array_index(step.params["index"])
    lowering.shown(result, x, lambda a: a[index])


def as_array_index(index: Any) -> tuple[Any, ...]:
    """An index that gives an array, if only of 0 dimensions."""
    index = index if isinstance(index, tuple) else (index,)
    return index if any(k is ... for k in index) else (*index, ...)


def alias(lowering: Lowering, step: Equation) -> None:
    """The same numbers under another name."""
    (x,), (result,) = step.operands, step.results
    if x in lowering.places:
        lowering.known(result, lowering.places[x], lowering.ready[x])
    else:
        lowering.same(x, result)


def cast(lowering: Lowering, step: Equation) -> None:
    """The same numbers as another dtype."""
    lowering.same(step.operands[0], step.results[0])


def fill(lowering: Lowering, step: Equation) -> None:
    """`zeros_like` and `ones_like`."""
    (result,) = step.results
    lowering.same(result.dtype.type(step.p.title == "ones_like"), result)


def basic(index: Any) -> bool:
    """Whether an index picks a part of an array that is not computed."""
    each = index if isinstance(index, tuple) else (index,)
    plain = (slice, int, np.integer, type(None), type(Ellipsis))
    return all(isinstance(k, plain) and not isinstance(k, bool) for k in each)


def fits_cast(step: Equation) -> bool:
    """Whether the conversion is the same on all processors."""
    (x,), (y,) = step.operands, step.results
    if not isinstance(x, Value):
        return False
    whole = x.dtype.kind == "f" and y.dtype.kind in "iu"
    return not whole or y.dtype in (np.dtype("i8"), np.dtype("i4"))


# ---- parts ----


def scatter(lowering: Lowering, step: Equation) -> None:
    """Zeros with numbers in a part: the part itself with bounds, or a copy into zeros."""
    (g,), (result,) = step.operands, step.results
    shape, index = step.params["shape"], step.params["index"]
    found = framed(lowering.memory(g), index, shape)
    if found is not None:
        lowering.known(result, found, lowering.ready[g])
        return
    zeros = Value(result.shape, result.dtype)
    lowering.same(result.dtype.type(0), zeros)
    written(lowering, result, zeros, g, index)


def setitem(lowering: Lowering, step: Equation) -> None:
    """A copy of an array with others in a part."""
    x, w = step.operands
    written(lowering, step.results[0], x, w, step.params["index"])


def written(lowering: Lowering, result: Value, x: Value, w: Any, index: Any) -> None:
    """Copy an array, then write into a part of the copy."""
    target = lowering.fresh(result)
    lowering.copied(x, target)
    part = target.view(lambda a: a[as_array_index(index)])
    assert part is not None
    if not isinstance(w, Value):
        value = Value(part.shape, result.dtype)
        lowering.same(w, value)
        lowering.memory(value)
        w = value
    place = lowering.unbounded(w)
    more = len(place.shape) - len(part.shape)
    if more > 0:  # NumPy takes more axes, if they are 1
        place = Place(place.buffer, place.offset, place.strides[more:], place.shape[more:])
    # A nest of its own, after all others: it writes over what is there.
    nest = Nest(part.shape, reads={w: place.broadcast(part.shape)}, stores=[(w, part)])
    lowering.stages.append(nest)
    lowering.known(result, target)


def fits_setitem(step: Equation) -> bool:
    """Whether an index is of slices and numbers."""
    x, w = step.operands
    if not isinstance(x, Value) or not basic(step.params["index"]):
        return False
    return isinstance(w, Value) or np.ndim(w) == 0


def joining(lowering: Lowering, step: Equation) -> None:
    """`concatenate` and `stack`: each part is stored where it belongs."""
    (result,) = step.results
    axis = step.params["axis"]
    target = lowering.fresh(result)
    stacked = step.p.title == "stack"
    start = 0
    for x in step.operands:
        size = 1 if stacked else x.shape[axis]
        place = target.view(functools.partial(part_of, axis, start, size, stacked))
        assert place is not None
        start += size
        if place.size:
            lowering.copied(x, place)
    lowering.known(result, target)


def part_of(axis: int, start: int, size: int, stacked: bool, x: Any) -> Any:
    """A part of an array along an axis."""
    axis %= x.ndim
    index = (slice(None),) * axis
    return x[(*index, start, ...)] if stacked else x[(*index, slice(start, start + size))]


def framed(place: Place, index: Any, shape: tuple[int, ...]) -> Place | None:
    """An array with zeros around it, if the index is made of slices that step by 1."""
    index = index if isinstance(index, tuple) else (index,)
    if place.bounds or len(index) > len(shape):
        return None
    if not all(isinstance(k, slice) for k in index) or len(place.shape) != len(shape):
        return None
    index = (*index, *(slice(None),) * (len(shape) - len(index)))
    ranges = [k.indices(n) for k, n in zip(index, shape, strict=True)]
    if any(step != 1 for _, _, step in ranges):
        return None
    bounds = tuple((r[0], n) for r, n in zip(ranges, place.shape, strict=True))
    strides = tuple(s if n > 1 else 0 for s, n in zip(place.strides, place.shape, strict=True))
    return Place(place.buffer, place.offset, strides, shape, bounds)


def roll(lowering: Lowering, step: Equation) -> None:
    """The end of an axis comes before its beginning."""
    (x,), (result,) = step.operands, step.results
    axis, shift = step.params.get("axis"), step.params["shift"]
    if axis is None:
        flat, turned = (Value((math.prod(x.shape),), x.dtype) for _ in range(2))
        lowering.shown(flat, x, lambda a: a.reshape(-1))
        lowering.make("roll", (flat,), turned, shift=shift, axis=0)
        lowering.shown(result, turned, lambda a: a.reshape(result.shape))
        return
    at = int(shift) % x.shape[axis] if x.shape[axis] else 0
    target = lowering.fresh(result)
    for start, size, source in ((0, at, x.shape[axis] - at), (at, x.shape[axis] - at, 0)):
        if size:
            piece = Value(
                tuple(size if k == axis % x.ndim else n for k, n in enumerate(x.shape)), x.dtype
            )
            lowering.shown(piece, x, functools.partial(part_of, axis, source, size, False))
            place = target.view(functools.partial(part_of, axis, start, size, False))
            assert place is not None
            lowering.copied(piece, place)
    lowering.known(result, target)


def fits_roll(step: Equation) -> bool:
    """Whether it is one shift, known beforehand."""
    parts = step.params.get("axis"), step.params["shift"]
    return only_arrays(step) and all(isinstance(k, (int, np.integer, type(None))) for k in parts)


def fits_joining(step: Equation) -> bool:
    """Whether the parts are arrays of the result's dtype."""
    dtype = step.results[0].dtype
    return only_arrays(step) and all(x.dtype == dtype for x in step.operands)


VIEWS = Rule(view, only_arrays)
RULES |= dict.fromkeys(
    ("transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "broadcast_to", "flip"), VIEWS
) | {
    "reshape": Rule(view, lambda s: only_arrays(s) and s.params.get("order", "C") == "C"),
    "astype": Rule(cast, fits_cast),
    "whole": Rule(cast, fits_cast),
    "roll": Rule(roll, fits_roll),
    "copy": Rule(alias, only_arrays),
    "stop_gradient": Rule(alias, only_arrays),
    "real": Rule(alias, lambda s: only_arrays(s) and s.results[0].dtype.kind == "f"),
    "zeros_like": Rule(fill, lambda s: not s.params),
    "ones_like": Rule(fill, lambda s: not s.params),
    "setitem": Rule(setitem, fits_setitem),
    "concatenate": Rule(joining, fits_joining),
    "stack": Rule(joining, fits_joining),
}
