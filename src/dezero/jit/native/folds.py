"""Rows that reduce: sums, products, extremes and what is made of them."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...ir.steps import Equation, Value
from .kinds import BOOL
from .lowering import Lowering
from .nests import Reduction
from .reductions import REDUCTIONS
from .rules import RULES, Rule


def settings(step: Equation) -> dict[str, Any]:
    """The arguments behind the array, by name; they may be given by position."""
    names = [*inspect.signature(step.p.fn).parameters][1:]
    return dict(zip(names, step.operands[1:], strict=False)) | step.params


def axes_of(step: Equation, ndim: int) -> frozenset[int]:
    """The axes that a reduction is over."""
    axis = settings(step).get("axis")
    if axis is None or ndim == 0:  # a number has no axes, but NumPy takes 0 and -1
        return frozenset(range(ndim))
    return frozenset(normalize_axis_tuple(axis, ndim))


def reduced(
    lowering: Lowering, title: str, xs: tuple[Value, ...], axes: frozenset[int], result: Value
) -> None:
    """Gather along axes."""
    dtype = BOOL if title in ("all", "any") else result.dtype
    if title.startswith("arg"):
        dtype = xs[0].dtype
    number = lowering.nest_reducing(xs, axes)
    nest = lowering.nest_at(number)
    nest.axes = axes
    for x in xs:
        lowering.read(x, nest)
    place = lowering.known(result, lowering.fresh(result), number + 1)
    nest.reductions.append(Reduction(title, xs, dtype, place))


def reduction(lowering: Lowering, step: Equation) -> None:
    """What `REDUCTIONS` has."""
    x, (result,) = step.operands[0], step.results
    if step.p.title == "count_nonzero":
        x = lowering.make("not_equal", (x, 0), Value(x.shape, BOOL))
    reduced(lowering, step.p.title, (x,), axes_of(step, x.ndim), result)


def mean(lowering: Lowering, step: Equation) -> None:
    """A sum over a count."""
    (x,), (result,) = step.operands, step.results
    axes, total = axes_of(step, x.ndim), Value(result.shape, result.dtype)
    reduced(lowering, "sum", (x,), axes, total)
    count = math.prod(x.shape[k] for k in axes)
    lowering.make("divide", (total, result.dtype.type(count)), result)


def variance(lowering: Lowering, step: Equation) -> None:
    """The mean of squares from the mean, and its root."""
    (x,), (result,) = step.operands, step.results
    axes, dtype = axes_of(step, x.ndim), result.dtype
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    centre, total = Value(kept, dtype), Value(result.shape, dtype)
    apart, squares = Value(x.shape, dtype), Value(x.shape, dtype)
    lowering.make("mean", (x,), centre, axis=tuple(axes), keepdims=True)
    lowering.make("subtract", (x, centre), apart)
    lowering.make("square", (apart,), squares)
    reduced(lowering, "sum", (squares,), axes, total)
    freedom = max(math.prod(x.shape[k] for k in axes) - settings(step).get("ddof", 0), 0)
    root = step.p.title == "std"
    found = Value(result.shape, dtype) if root else result
    lowering.make("divide", (total, dtype.type(freedom)), found)
    if root:
        lowering.make("sqrt", (found,), result)


def log_sum(lowering: Lowering, step: Equation) -> None:
    """The logarithm of a sum of exponentials, as SciPy has it: what is largest is counted apart."""
    (x,), (result,) = step.operands, step.results
    axes, dtype = axes_of(step, x.ndim), x.dtype
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    over = {"axis": tuple(axes), "keepdims": True}

    def make(title: str, *xs: Any, like: Any = kept, dtype: Any = dtype, **params: Any) -> Any:
        return lowering.make(title, xs, Value(like, dtype), **params)

    top = make("max", x, **over)
    shift = make("where", make("isfinite", top, dtype=BOOL), top, dtype.type(0))
    largest = make("equal", x, top, like=x.shape, dtype=BOOL)
    rest = make("where", largest, -dtype.type(np.inf), x, like=x.shape)
    each = make("exp", make("subtract", rest, shift, like=x.shape), like=x.shape)
    ones = make("where", largest, dtype.type(1), dtype.type(0), like=x.shape)
    count, total = make("sum", ones, **over), make("sum", each, **over)
    beyond = make("log1p", make("divide", total, count))
    found = make("add", make("add", beyond, make("log", count)), top)
    lowering.shown(result, found, lambda a: a.reshape(result.shape))


def place_of_extreme(lowering: Lowering, step: Equation) -> None:
    """`argmax` and `argmin`: the places go along with the numbers."""
    x, (result,) = step.operands[0], step.results
    axes = axes_of(step, x.ndim)
    shape = tuple(n if k in axes else 1 for k, n in enumerate(x.shape))
    numbers = np.arange(math.prod(shape)).reshape(shape)
    places = Value(x.shape, numbers.dtype)
    lowering.shown(places, lowering.constant(numbers), lambda a: np.broadcast_to(a, x.shape))
    reduced(lowering, step.p.title, (x, places), axes, result)


def running(lowering: Lowering, step: Equation) -> None:
    """`cumsum` and `cumprod`: all that is gathered on the way."""
    (x,), (result,) = step.operands, step.results
    axis = settings(step).get("axis")
    if x.ndim != 1 and (axis is None or x.ndim == 0):
        flat = Value((math.prod(x.shape),), x.dtype)
        lowering.shown(flat, x, lambda a: a.reshape(-1))
        x = flat
    axes = frozenset(normalize_axis_tuple(0 if axis is None else axis, x.ndim))
    number = lowering.nest_reducing((x,), axes)
    nest = lowering.nest_at(number)
    nest.axes = axes
    lowering.read(x, nest)
    place = lowering.known(result, lowering.fresh(result), number + 1)
    nest.running.append(Reduction(step.p.title, (x,), result.dtype, place))


# ---- what fits ----


def fits_settings(step: Equation, *names: str) -> bool:
    """Whether an array is reduced, with no other arguments than these."""
    x, *rest = step.operands
    known = all(isinstance(each, (int, tuple, type(None))) for each in rest)
    return isinstance(x, Value) and known and set(settings(step)) <= {*names}


def fits_reduction(step: Equation) -> bool:
    """Whether `reduction` is for it."""
    x, (y,) = step.operands[0], step.results
    if not fits_settings(step, "axis", "keepdims"):
        return False
    if step.p.title in ("max", "min"):
        return math.prod(x.shape) > 0 and bool(x.dtype == y.dtype)
    return True


def fits_mean(step: Equation) -> bool:
    """Whether `mean` or `variance` is for it."""
    x, (y,) = step.operands[0], step.results
    if not fits_settings(step, "axis", "keepdims", *(("ddof",) * (step.p.title != "mean"))):
        return False
    return x.dtype.kind == "f" and bool(y.dtype == x.dtype)


def fits_log_sum(step: Equation) -> bool:
    """Whether `log_sum` is for it."""
    return fits_mean(step) and math.prod(step.operands[0].shape) > 0


def fits_place(step: Equation) -> bool:
    """Whether `place_of_extreme` is for it."""
    x = step.operands[0]
    return fits_settings(step, "axis", "keepdims") and math.prod(x.shape) > 0


def fits_running(step: Equation) -> bool:
    """Whether `running` is for it."""
    return fits_settings(step, "axis")


RULES |= dict.fromkeys(REDUCTIONS, Rule(reduction, fits_reduction)) | {
    "mean": Rule(mean, fits_mean),
    "var": Rule(variance, fits_mean),
    "std": Rule(variance, fits_mean),
    "log_sum": Rule(log_sum, fits_log_sum),
    "argmax": Rule(place_of_extreme, fits_place),
    "argmin": Rule(place_of_extreme, fits_place),
    "cumsum": Rule(running, fits_running),
    "cumprod": Rule(running, fits_running),
}
