"""Rows that reduce: sums, products, extremes and what is made of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...ir.steps import Equation, Value
from .lowering import RULES, Lowering, Rule
from .nests import Reduction
from .reductions import REDUCTIONS


def reduction(lowering: Lowering, step: Equation) -> None:
    (x,), (result,) = step.operands, step.results
    title, dtype = step.p.title, result.dtype
    if title in ("all", "any"):
        dtype = np.dtype(bool)
    if title == "count_nonzero":
        x = lowering.make("not_equal", (x, 0), Value(x.shape, np.dtype(bool)))
    axes = frozenset(normalize_axis_tuple(axes_in(step, x), x.ndim))
    count = math.prod(x.shape[k] for k in axes)
    target = result
    if title == "mean":
        title, target = "sum", Value(result.shape, dtype)
    number = lowering.nest_reducing(x, axes)
    nest = lowering.nest_at(number)
    nest.axes = axes
    lowering.read(x, nest)
    place = lowering.known(target, lowering.fresh(target), number + 1)
    nest.reductions.append(Reduction(title, x, dtype, place))
    if target is not result:
        lowering.make("divide", (target, dtype.type(count)), result)


def axes_in(step: Equation, x: Value) -> tuple[int, ...]:
    """The axes that a reduction is over."""
    axis = step.params.get("axis")
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if np.ndim(axis) == 0 else tuple(axis)


def fits_reduction(step: Equation) -> bool:
    (x,), (y,) = step.operands, step.results
    if not isinstance(x, Value) or not set(step.params) <= {"axis", "keepdims"}:
        return False
    if step.p.title in ("max", "min"):
        return math.prod(x.shape) > 0 and bool(x.dtype == y.dtype)
    if step.p.title == "mean":
        return x.dtype.kind == "f" and y.dtype == x.dtype
    return True


RULES |= dict.fromkeys((*REDUCTIONS, "mean"), Rule(reduction, fits_reduction))
