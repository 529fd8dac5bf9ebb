"""Rows that read and add at places that are computed, or given as arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ir.steps import Equation, Value
from ...rules.gather import Pattern, brought_to_form
from .kinds import BOOL, INT
from .lowering import Lowering
from .moves import basic, only_arrays, picked, scatter
from .nests import Lookup, Nest
from .places import Place
from .rules import RULES, Rule

Row = tuple[Value, int]


def looked_up(
    lowering: Lowering, place: Place, places: Value, pattern: Pattern, shape: tuple[int, ...]
) -> tuple[Place, tuple[Row, ...], Value | None]:
    """What a `Lookup` needs of an array, for a result of a shape: its place, rows and `allowed`."""
    first = tuple(0 if isinstance(k, int) else k for k in pattern)
    width = places.ndim - 1
    start = where_chosen(pattern)

    def base(a: Any) -> Any:
        here = np.asarray(a[(*first, ...)] if ... not in first else a[first])
        return np.broadcast_to(np.expand_dims(here, tuple(range(start, start + width))), shape)

    seen = place.view(base)
    assert seen is not None
    axes = [at for at, k in enumerate(k for k in pattern if k is not None and k is not ...)]
    kinds = [k for k in pattern if k is not None and k is not ...]
    inner = len(shape) - start - width
    rows, allowed = [], None
    for axis, k in zip(axes, kinds, strict=True):
        if isinstance(k, int):
            extent = place.shape[axis]
            row, good = wrapped(lowering, places, k, extent, inner)
            rows.append((row, place.strides[axis]))
            allowed = good if allowed is None else both(lowering, allowed, good)
    return seen, tuple(rows), allowed


def where_chosen(pattern: Pattern) -> int:
    """The axis of the result at which what is looked up begins: in front if it stands apart."""
    rows = [at for at, k in enumerate(pattern) if isinstance(k, int)]
    apart = rows[-1] - rows[0] + 1 != len(rows)
    return 0 if apart else sum(k is not ... for k in pattern[: rows[0]])


def wrapped(
    lowering: Lowering, places: Value, k: int, extent: int, inner: int
) -> tuple[Value, Value]:
    """A row of places counted from the front, for more axes behind; and whether they are there."""
    row = Value((*places.shape[1:], *(1,) * inner), places.dtype)
    lowering.shown(row, places, lambda a: a[(k, ..., *(None,) * inner)])
    if row.dtype.itemsize < INT.itemsize:  # the extent may not be a number of that dtype
        narrow, row = row, Value(row.shape, INT)
        lowering.same(narrow, row)
    bits = Value(row.shape, BOOL)
    if row.dtype.kind == "i":
        below, moved, found = bits, Value(row.shape, row.dtype), Value(row.shape, row.dtype)
        lowering.make("less", (row, 0), below)
        lowering.make("add", (row, row.dtype.type(extent)), moved)
        row = lowering.make("where", (below, moved, row), found)
    low, high = (Value(row.shape, BOOL) for _ in range(2))
    lowering.make("greater_equal", (row, 0), low)
    lowering.make("less", (row, row.dtype.type(extent)), high)
    return row, both(lowering, low, high)


def both(lowering: Lowering, x: Value, y: Value) -> Value:
    """Where two are true."""
    return lowering.make("logical_and", (x, y), Value(x.shape, BOOL))


def gathered(lowering: Lowering, x: Value, places: Value, pattern: Pattern, result: Value) -> None:
    """Read at places."""
    place, ready = lowering.unbounded(x), lowering.ready[x]
    seen, rows, allowed = looked_up(lowering, place, places, pattern, result.shape)
    operands = [row for row, _ in rows] + ([allowed] if allowed is not None else [])
    number = lowering.nest(result.shape, operands, ready)
    nest = lowering.nest_at(number)
    for each in operands:
        lowering.read(each, nest)
    nest.add(Lookup(result, seen, rows, allowed))
    lowering.home[result] = number
    if allowed is not None:
        lowering.insist(allowed)  # else NumPy says what is wrong


def deposited(lowering: Lowering, g: Value, places: Value, pattern: Pattern, result: Value) -> None:
    """Zeros, with numbers added at places one after the other."""
    target = lowering.fresh(result)
    if g.dtype != result.dtype:
        narrow, g = g, Value(g.shape, result.dtype)
        lowering.same(narrow, g)
    zeros = Value(result.shape, result.dtype)
    lowering.same(result.dtype.type(0), zeros)
    lowering.copied(zeros, target)
    seen, rows, allowed = looked_up(lowering, target, places, pattern, g.shape)
    nest = Nest(g.shape)
    operands = [g, *(row for row, _ in rows), *([allowed] if allowed is not None else [])]
    for each in operands:
        lowering.unbounded(each)
    lowering.stages.append(nest)
    for each in operands:
        lowering.read(each, nest)
    nest.deposits.append(Lookup(g, seen, rows, allowed))
    lowering.known(result, target)
    if allowed is not None:
        lowering.insist(allowed)  # else NumPy says what is wrong


def gather(lowering: Lowering, step: Equation) -> None:
    """`x` at places that are an operand."""
    x, places = step.operands
    gathered(lowering, x, places, step.params["pattern"], step.results[0])


def deposit(lowering: Lowering, step: Equation) -> None:
    """The transpose of `gather`."""
    g, places = step.operands
    deposited(lowering, g, places, step.params["pattern"], step.results[0])


def getitem(lowering: Lowering, step: Equation) -> None:
    """An index of arrays that do not change, or of slices."""
    if basic(step.params["index"]):
        picked(lowering, step)
        return
    (x,) = step.operands
    places, pattern = brought_to_form(step.params["index"], x.shape)
    gathered(lowering, x, lowering.constant(places), pattern, step.results[0])


def scattered(lowering: Lowering, step: Equation) -> None:
    """The transpose of `getitem`."""
    if basic(step.params["index"]):
        scatter(lowering, step)
        return
    (g,), (result,) = step.operands, step.results
    places, pattern = brought_to_form(step.params["index"], result.shape)
    deposited(lowering, g, lowering.constant(places), pattern, result)


def repeat(lowering: Lowering, step: Equation) -> None:
    """Runs of the same."""
    (x,), (result,) = step.operands, step.results
    counts, axis = step.params["counts"], step.params["axis"]
    places, pattern = runs(counts, x.shape[axis], axis)
    gathered(lowering, x, lowering.constant(places), pattern, result)


def sums_of_runs(lowering: Lowering, step: Equation) -> None:
    """The transpose of `repeat`."""
    (g,), (result,) = step.operands, step.results
    counts, axis = step.params["counts"], step.params["axis"]
    places, pattern = runs(counts, result.shape[axis], axis)
    deposited(lowering, g, lowering.constant(places), pattern, result)


def runs(counts: Any, extent: int, axis: int) -> tuple[Any, Pattern]:
    """The places that `repeat` reads, and the pattern of the axis."""
    places = np.repeat(np.arange(extent), counts)[None]
    return places, (*(slice(None),) * axis, 0)


def fits_runs(step: Equation) -> bool:
    """Whether there are numbers in the arrays."""
    return only_arrays(step) and all(math.prod(x.shape) for x in (*step.reads, *step.results))


def fits_pattern(step: Equation) -> bool:
    """Whether the places are numbers."""
    if not fits_runs(step):
        return False
    places = step.operands[1]
    return places.dtype.kind in "iu" and places.ndim > 0


def fits_arrays(step: Equation) -> bool:
    """Whether an index is of slices, numbers and arrays."""
    index = step.params["index"]
    if basic(index):
        return only_arrays(step)
    parts = index if isinstance(index, tuple) else (index,)
    lone = any(np.ndim(k) == 0 and np.asarray(k).dtype == bool for k in parts)
    return fits_runs(step) and not lone


RULES |= {
    "repeat": Rule(repeat, fits_runs),
    "sums_of_runs": Rule(sums_of_runs, fits_runs),
    "gather": Rule(gather, fits_pattern),
    "deposit": Rule(deposit, fits_pattern),
    "getitem": Rule(getitem, fits_arrays),
    "scatter": Rule(scattered, fits_arrays),
}
