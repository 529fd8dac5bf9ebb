"""Arrays made of a few numbers: between two ends, or full of one."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..axes import lined_up
from ..box import as_array, numbers
from ..dispatch import implements
from ..errors import OperandError, UnsupportedError
from ..rows import jointly_linear
from .joining import common_dtype, converted, gathered, in_dtype_of
from .nondiff import stopped
from .shape import order_in


def _shares(g: Any, specs: tuple[Any, ...], *, num: int, endpoint: bool) -> tuple[Any, Any]:
    """What each end has of the numbers between them."""
    of_stop = np.arange(num) / max(num - 1 if endpoint else num, 1)
    return np.tensordot(1 - of_stop, g, 1), np.tensordot(of_stop, g, 1)


def _spaced_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    ndim = max(np.ndim(x) - m for x, m in zip(xs, mine, strict=True))
    ends = [lined_up(x, ndim) if m else x for x, m in zip(xs, mine, strict=True)]
    return np.moveaxis(p(*ends, **params), 1, 0)


spaced = jointly_linear(
    lambda start, stop, *, num, endpoint: np.linspace(start, stop, num, endpoint),
    _shares,
    "linspace",
    broadcasts=True,
    batching=_spaced_members,
)


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
    if device not in (None, "cpu"):
        raise UnsupportedError(f"np.linspace of a box does not take device={device!r}")
    y = spaced(start, stop, num=num, endpoint=bool(endpoint))
    y = np.moveaxis(y, 0, axis) if axis else y
    if dtype is not None:
        y = (np.floor(y) if np.issubdtype(dtype, np.integer) else y).astype(dtype)
    if not retstep:
        return y
    div = num - 1 if endpoint else num
    inexact = common_dtype(start, stop, 1.0)
    start, stop = (converted(as_array(x), inexact) for x in (start, stop))
    return y, (stop - start) / div if div > 0 else np.nan


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
    if any(np.any(numbers(as_array(x)) == 0) for x in (start, stop)):
        raise OperandError("np.geomspace: a geometric sequence has no zero")
    kind = np.result_type(as_array(start).dtype, as_array(stop).dtype, np.zeros((), dtype), 1.0)
    start, stop = (converted(as_array(x), kind) for x in (start, stop))
    sign = np.sign(stopped(start))
    turned = bool(np.any(numbers(sign) != 1))
    if turned:
        start, stop = start / sign, stop / sign
    start, stop = np.broadcast_arrays(start, stop)
    y = np_logspace(np.log10(start), np.log10(stop), num, endpoint)
    if endpoint and num > 1:
        y = np.concatenate([start[None], y[1:-1], stop[None]])
    elif num > 0:
        y = np.concatenate([start[None], y[1:]])
    y = y * sign if turned else y
    y = np.moveaxis(y, 0, axis) if axis else y
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
    value = gathered(fill_value)
    value = in_dtype_of(a, value) if dtype is None else value.astype(dtype)
    full: Any = np.broadcast_to(value, a.shape if shape is None else shape)
    layout: Any = order_in(a, "A" if order == "K" else order)
    return np.copy(full, order=layout)
