"""Running sums, products and extremes.

The derivative of a running product is a linear recurrence, and so is the derivative of that one:
one row, `recurrence`, serves all orders, in as many steps as there are numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..axes import along, spread
from ..box import ROWS, as_array
from ..dispatch import implements
from ..errors import ShapeError
from ..rows import General, Nondifferentiable, linear, primitive
from .keywords import cast, program, without_nan
from .nondiff import stopped
from .sorting import picked, untaken_if_nan


def backwards_cumsum(g: Any, x: Any, *, axis: int | None = None) -> Any:
    """The transpose of a running sum is the running sum from the other end."""
    turned = np.flip(g, 0 if axis is None else axis)
    return np.reshape(np.flip(np.cumsum(turned, axis), 0 if axis is None else axis), x.shape)


running_sum = linear(np.cumsum, backwards_cumsum, batching=along)


# ---- linear recurrences ----


def recurrence_in_steps(a: Any, b: Any) -> Any:
    """One step after the other."""
    y = b.copy()
    for k in range(1, len(b)):
        y[k] += a[k] * y[k - 1]
    return y


def recurrence_in_pairs(a: Any, b: Any) -> Any:
    """All steps at once, two in one, in log n rounds (cyclic reduction).

    Where products of two factors leave the range in which floating point keeps its digits, what
    is left of the way is gone step by step.
    """
    n = len(b)
    if n < 8:
        return recurrence_in_steps(a, b)
    even, odd = slice(0, n - n % 2, 2), slice(1, None, 2)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        both = a[odd] * a[even]
        both[0] = 0  # before the first there is nothing
        size, info = np.abs(both), np.finfo(both.dtype)
        zero = (a[odd] == 0) | (a[even] == 0)
        zero[0] = True
    if not np.all(zero | ((size >= info.tiny) & (size <= info.max))):
        return recurrence_in_steps(a, b)
    y = np.empty_like(b)
    y[odd] = recurrence_in_pairs(both, a[odd] * b[even] + b[odd])
    y[0] = b[0]
    rest = slice(2, None, 2)
    y[rest] = a[rest] * y[1 : n - 1 : 2] + b[rest]
    return y


def recurred(a: Any, b: Any) -> Any:
    """The y with y[0] = b[0] and y[k] = a[k] y[k-1] + b[k], along the first axis."""
    kind = np.result_type(a, b)
    a, b = np.broadcast_arrays(*(x.astype(np.promote_types(kind, np.float32)) for x in (a, b)))
    return recurrence_in_pairs(a, b).astype(kind)


def before(x: Any, first: int) -> Any:
    """Along the first axis each element's predecessor; that of the first is `first`."""
    return np.concatenate([np.zeros_like(x[:1]) + first, x[:-1]])


def returned(a: Any, g: Any) -> Any:
    """The transpose of `recurrence` by b: the recurrence from the other end."""
    return np.flip(recurrence(np.flip(np.concatenate([a[1:], a[:1]]), 0), np.flip(g, 0)), 0)


def _recurrence_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The members come behind the axis of the steps."""
    a, b = (np.moveaxis(spread(x, n, m), 0, 1) for x, m in zip(xs, mine, strict=True))
    return np.moveaxis(p(a, b), 1, 0)


recurrence: General = General(
    recurred,
    "recurrence",
    (
        lambda g, out, x, _y: returned(x, g) * before(out, 0),
        lambda g, _out, x, _y: returned(x, g),
    ),
    (
        lambda t, out, x, _y: recurrence(x, t * before(out, 0)),
        lambda t, _out, x, _y: recurrence(x, t),
    ),
    batching=_recurrence_members,
)


# ---- running products ----


def in_front(x: Any, axis: int | None) -> Any:
    """An array with the axis to run along in front; None runs through all elements."""
    return np.reshape(x, -1) if axis is None else np.moveaxis(x, axis, 0)


def back_in_place(x: Any, shape: tuple[int, ...], axis: int | None) -> Any:
    """The inverse of `in_front`."""
    return np.reshape(x, shape) if axis is None else np.moveaxis(x, 0, axis)


def product_pulled(g: Any, out: Any, x: Any, axis: int | None) -> Any:
    """What comes before an element, times what it is worth to all products from there on."""
    g, out, front = (in_front(each, axis) for each in (g, out, x))
    return back_in_place(returned(front, g) * before(out, 1), x.shape, axis)


def product_pushed(t: Any, out: Any, x: Any, axis: int | None) -> Any:
    """Differentiated, out[k] = x[k] out[k-1] is a recurrence for the tangents."""
    moved = recurrence(in_front(x, axis), in_front(t, axis) * before(in_front(out, axis), 1))
    return back_in_place(moved, out.shape, axis)


running_product = primitive(
    np.cumprod,
    lambda g, out, x, *, axis=None: product_pulled(g, out, x, axis),
    pushes=(lambda t, out, x, *, axis=None: product_pushed(t, out, x, axis),),
    batching=along,
)


@program(running_sum)
def _cumsum(x: Any, *, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumsum(cast(x, dtype), axis)


@program(running_product)
def _cumprod(x: Any, *, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumprod(cast(x, dtype), axis)


# ---- running extremes ----


def _records(x: Any, *, axis: int, ufunc: Any) -> Any:
    """Where each running extreme was first met; after a NaN, at the NaN."""
    best = np.moveaxis(ufunc.accumulate(x, axis=axis), axis, 0)
    new = np.not_equal(best[1:], best[:-1]) & ~np.isnan(best[:-1])
    steps = np.reshape(np.arange(1, len(best)), (-1, *(1,) * (best.ndim - 1)))
    at = np.concatenate([np.zeros(best[:1].shape, np.intp), np.where(new, steps, 0)])
    return np.moveaxis(np.maximum.accumulate(at, axis=0), 0, axis)


records = Nondifferentiable(_records, "records", batching=along)


def _running_extreme(ufunc: Any) -> None:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        x = as_array(array)
        x = x if dtype is None else cast(x, dtype)
        best = untaken_if_nan(picked(x, records(stopped(x), axis=axis, ufunc=ufunc), axis))
        return ROWS["out="](out, best, ufunc.accumulate)

    implements((ufunc, "accumulate"))(accumulate)


_running_extreme(np.maximum)
_running_extreme(np.minimum)


def _accumulation(function: Any) -> Any:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return ROWS["out="](out, function(array, axis=axis, dtype=dtype), function)

    return accumulate


implements((np.add, "accumulate"))(_accumulation(np.cumsum))
implements((np.multiply, "accumulate"))(_accumulation(np.cumprod))


# ---- the array API's spellings, and those that pass over NaN ----


def _cumulative(function: Any, running: Any, unit: int) -> None:
    def cumulative(
        x: Any,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        x = as_array(x)
        if axis is None and x.ndim > 1:
            raise ShapeError(f"np.{function.__name__}: which axis? The array has {x.ndim} of them")
        y = running(x, axis=axis or 0 if x.ndim else None, dtype=dtype)
        if include_initial:
            along = normalize_axis_index(axis or 0, y.ndim)
            start = np.full([1 if k == along else n for k, n in enumerate(y.shape)], unit, y.dtype)
            y = np.concatenate([start, y], axis=along)
        return ROWS["out="](out, y, function)

    implements(function)(cumulative)


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    _cumulative(np.cumulative_sum, np.cumsum, 0)
    _cumulative(np.cumulative_prod, np.cumprod, 1)


@implements(np.nancumsum)
def _nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    return ROWS["out="](out, np.cumsum(without_nan(a, 0), axis, dtype), np.nancumsum)


@implements(np.nancumprod)
def _nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    return ROWS["out="](out, np.cumprod(without_nan(a, 1), axis, dtype), np.nancumprod)
