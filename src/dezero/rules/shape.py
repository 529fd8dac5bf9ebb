"""Functions that move numbers about without changing them. All linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array
from ..dispatch import implements
from ..errors import UnsupportedError
from ..rows import General, Nondifferentiable, jointly_linear, linear


def _reshaped(x: Any, *, shape: Any, order: str = "C") -> Any:
    return x.reshape(shape, order=order)


reshape = General(
    _reshaped,
    "reshape",
    (lambda g, x, *, shape, order="C": _reshape(g, x.shape, order),),
    None,
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


linear(np.transpose, lambda g, *, axes=None: np.transpose(g, _inverse(_positive(axes, g.ndim))))
linear(np.swapaxes, lambda g, *, axis1, axis2: np.swapaxes(g, axis1, axis2))
linear(np.moveaxis, lambda g, *, source, destination: np.moveaxis(g, destination, source))
linear(np.squeeze, lambda g, x, *, axis=None: np.reshape(g, x.shape))
linear(np.expand_dims, lambda g, x, *, axis: np.reshape(g, x.shape))
linear(np.broadcast_to, lambda g, *, shape: g, broadcasts=True)
linear(np.copy, lambda g: g)
linear(np.real, lambda g: g, holomorphic=False)
linear(
    np.imag,
    lambda g, x: np.multiply(1j, g) if x.dtype.kind == "c" else np.zeros_like(g),
    holomorphic=False,
)


def _positive(axes: Any, ndim: int) -> Any:
    return None if axes is None else [a % ndim for a in axes]


astype = General(
    lambda x, *, dtype: x.astype(dtype),
    "astype",
    (lambda g, *, dtype: g,),  # the sweep gives every cotangent its operand's dtype
    None,
    holomorphic=False,
)


whole = Nondifferentiable(lambda x, *, dtype: x.astype(dtype), "whole")


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


concatenate = jointly_linear(_joined, _cut, "concatenate")


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


stack = jointly_linear(_stacked, _unstacked, "stack")


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, **kwargs: Any) -> Any:
    if kwargs:
        raise UnsupportedError(f"np.stack of boxes does not take {', '.join(kwargs)}=")
    return stack(*(as_array(x) for x in arrays), axis=axis)
