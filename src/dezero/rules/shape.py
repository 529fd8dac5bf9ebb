"""Functions that move numbers about without changing them. All linear."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..axes import every, lined_up, pointwise, spread
from ..box import as_array
from ..dispatch import implements
from ..errors import UnsupportedError
from ..rows import General, Nondifferentiable, jointly_linear, linear


def _reshaped(x: Any, *, shape: Any, order: str = "C") -> Any:
    return x.reshape(shape, order=order)


def _reshape_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """In Fortran's order the members come last, where they change slowest."""
    (x,) = xs
    shape, order = params["shape"], params.get("order", "C")
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    if -1 in shape:
        rest = -math.prod(shape)
        shape = tuple(math.prod(x.shape[1:]) // max(rest, 1) if k == -1 else k for k in shape)
    if order == "C":
        return p(x, shape=(n, *shape))
    return np.moveaxis(p(np.moveaxis(x, 0, -1), shape=(*shape, n), order=order), -1, 0)


reshape = General(
    _reshaped,
    "reshape",
    (lambda g, x, *, shape, order="C": _reshape(g, x.shape, order),),
    None,
    batching=_reshape_members,
)


@implements(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if order not in ("C", "F") or copy is False:
        raise UnsupportedError(f"np.reshape of a box does not take order={order!r}, copy={copy}")
    return reshape(a, shape=shape) if order == "C" else reshape(a, shape=shape, order=order)


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, -1, order)


def _inverse(axes: Any) -> Any:
    return None if axes is None else np.argsort(axes)


def _moving(**axes: Any) -> Any:
    """The batching rule of functions of one array: how each parameter with axes is shifted."""

    def batched(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
        (x,) = xs
        return p(x, **{**params, **{k: f(x, params.get(k)) for k, f in axes.items()}})

    return batched


def _axis(x: Any, axis: int) -> int:
    return normalize_axis_index(axis, x.ndim - 1) + 1


def _axes(x: Any, axes: Any) -> tuple[int, ...]:
    return tuple(k + 1 for k in normalize_axis_tuple(axes, x.ndim - 1))


linear(
    np.transpose,
    lambda g, *, axes=None: np.transpose(g, _inverse(_positive(axes, g.ndim))),
    batching=_moving(
        axes=lambda x, axes: (0, *(every(x)[::-1] if axes is None else _axes(x, axes)))
    ),
)
linear(
    np.swapaxes,
    lambda g, *, axis1, axis2: np.swapaxes(g, axis1, axis2),
    batching=_moving(axis1=_axis, axis2=_axis),
)
linear(
    np.moveaxis,
    lambda g, *, source, destination: np.moveaxis(g, destination, source),
    batching=_moving(source=_axes, destination=_axes),
)
linear(
    np.squeeze,
    lambda g, x, *, axis=None: np.reshape(g, x.shape),
    batching=_moving(
        axis=lambda x, axis: (
            tuple(k for k in every(x) if x.shape[k] == 1) if axis is None else _axes(x, axis)
        )
    ),
)
linear(
    np.expand_dims,
    lambda g, x, *, axis: np.reshape(g, x.shape),
    batching=_moving(
        axis=lambda x, axis: tuple(
            k + 1 for k in normalize_axis_tuple(axis, x.ndim - 1 + np.size(axis))
        )
    ),
)


def _broadcast_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    shape = params["shape"]
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    (x,) = xs
    return p(lined_up(x, len(shape)), shape=(n, *shape))


linear(
    np.broadcast_to,
    lambda g, *, shape: g,
    broadcasts=True,
    batching=_broadcast_members,
)
linear(np.copy, lambda g: g, batching=pointwise)
linear(np.real, lambda g: g, holomorphic=False, batching=pointwise)
linear(
    np.imag,
    lambda g, x: np.multiply(1j, g) if x.dtype.kind == "c" else np.zeros_like(g),
    holomorphic=False,
    batching=pointwise,
)


def _positive(axes: Any, ndim: int) -> Any:
    return None if axes is None else [a % ndim for a in axes]


astype = General(
    lambda x, *, dtype: x.astype(dtype),
    "astype",
    (lambda g, *, dtype: g,),  # the sweep gives every cotangent its operand's dtype
    None,
    holomorphic=False,
    batching=pointwise,
)


whole = Nondifferentiable(lambda x, *, dtype: x.astype(dtype), "whole", batching=pointwise)


@implements("astype", *([np.astype] if hasattr(np, "astype") else []))
def _astype(x: Any, dtype: Any) -> Any:
    """Whole numbers have no derivative: they come out plain, like the result of a comparison."""
    dtype = np.dtype(dtype)
    return (astype if dtype.kind in "fc" else whole)(x, dtype=dtype)


# joining


def _joined(*xs: Any, axis: int) -> Any:
    return np.concatenate(xs, axis=axis)


def _cut(g: Any, specs: tuple[Any, ...], *, axis: int) -> list[Any]:
    """The pieces of a cotangent that belong to each operand of `concatenate`."""
    before = (slice(None),) * (axis % g.ndim)
    pieces, start = [], 0
    for spec in specs:
        stop = start + spec.shape[axis]
        pieces.append(g[(*before, slice(start, stop))])
        start = stop
    return pieces


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


@implements(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0, **kwargs: Any) -> Any:
    if kwargs:
        raise UnsupportedError(f"np.concatenate of boxes does not take {', '.join(kwargs)}=")
    parts = [as_array(x) for x in arrays]
    if axis is None:
        parts, axis = [np.ravel(x) for x in parts], 0
    return concatenate(*parts, axis=axis)


def _stacked(*xs: Any, axis: int) -> Any:
    return np.stack(xs, axis=axis)


def _unstacked(g: Any, specs: tuple[Any, ...], *, axis: int) -> list[Any]:
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, k)] for k in range(len(specs))]


stack = jointly_linear(
    _stacked,
    _unstacked,
    "stack",
    batching=_joining(lambda axis, ndim: normalize_axis_index(axis, ndim + 1) + 1),
)


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, **kwargs: Any) -> Any:
    if kwargs:
        raise UnsupportedError(f"np.stack of boxes does not take {', '.join(kwargs)}=")
    return stack(*(as_array(x) for x in arrays), axis=axis)
