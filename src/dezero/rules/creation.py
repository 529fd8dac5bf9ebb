"""Arrays made of a few numbers: between two ends, or full of one."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..box import as_array, plain
from ..dispatch import implements
from ..errors import OperandError, UnsupportedError
from .joining import common_dtype, converted, gathered
from .nondiff import stopped
from .shape import order_in


@implements(np.linspace)
def np_linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Evenly spaced numbers; the step is plain NaN where there is none."""
    num = operator.index(num)
    if num < 0:
        raise OperandError(f"np.linspace: {num} numbers")
    if device not in (None, "cpu"):
        raise UnsupportedError(f"np.linspace of a box does not take device={device!r}")
    inexact = common_dtype(start, stop, 1.0)
    start, stop = (converted(as_array(x), inexact) for x in (start, stop))
    delta, div = stop - start, num - 1 if endpoint else num
    last = endpoint and num > 1
    steps = np.arange(num - last, dtype=inexact).reshape((-1,) + (1,) * delta.ndim)
    step: Any = np.nan
    if div > 0:
        step = delta / div
        tiny = np.any(plain(step) == 0)  # the quotient may be 0 where the product is not
        y = steps / div * delta if tiny else steps * step
    else:
        y = steps * delta
    y = y + start
    if last:
        y = np.concatenate([y, np.broadcast_to(stop, delta.shape)[None]])
    y = np.moveaxis(y, 0, axis) if axis else y
    if dtype is not None:
        y = (np.floor(y) if np.issubdtype(dtype, np.integer) else y).astype(dtype)
    return (y, step) if retstep else y


@implements(np.logspace)
def np_logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of a base, with evenly spaced exponents."""
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (
            np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base)
        )
        base = np.expand_dims(base, axis)
    y = np.power(base, np_linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else y.astype(dtype)


@implements(np.geomspace)
def np_geomspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers with one quotient between neighbours."""
    if any(np.any(plain(as_array(x)) == 0) for x in (start, stop)):
        raise OperandError("np.geomspace: a geometric sequence has no zero")
    kind = np.result_type(as_array(start).dtype, as_array(stop).dtype, np.zeros((), dtype), 1.0)
    start, stop = (converted(as_array(x), kind) for x in (start, stop))
    sign = np.sign(stopped(start))
    start, stop = np.broadcast_arrays(start / sign, stop / sign)
    y = np_logspace(np.log10(start), np.log10(stop), num, endpoint)
    if endpoint and num > 1:
        y = np.concatenate([start[None], y[1:-1], stop[None]])
    elif num > 0:
        y = np.concatenate([start[None], y[1:]])
    y = np.moveaxis(y * sign, 0, axis) if axis else y * sign
    return y if dtype is None else y.astype(dtype)


@implements(np.full_like)
def np_full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """An array in the shape of another, full of one value, which may be a box."""
    if device not in (None, "cpu"):
        raise UnsupportedError(f"np.full_like of a box does not take device={device!r}")
    value = gathered(fill_value).astype(a.dtype if dtype is None else dtype)
    full: Any = np.broadcast_to(value, a.shape if shape is None else shape)
    layout: Any = order_in(a, "A" if order == "K" else order)
    return np.copy(full, order=layout)
