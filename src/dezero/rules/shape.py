"""Functions that move numbers about without changing them. All linear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..axes import every, lined_up, pointwise
from ..box import arrayed, as_array, plain
from ..dispatch import implements
from ..errors import BoundsError, OperandError, ShapeError, UnsupportedError
from ..rows import General, Nondifferentiable, linear


def _reshaped(x: Any, *, shape: Any, order: str = "C") -> Any:
    return arrayed(x).reshape(shape, order=order)


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
    if copy is False:
        raise UnsupportedError("np.reshape of a box does not take copy=False")
    a = np.copy(a) if copy else as_array(a)
    order = order_in(a, order)
    return reshape(a, shape=shape) if order == "C" else reshape(a, shape=shape, order=order)


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    a = as_array(a)
    if order in ("K", "k"):
        strides = _in_memory(a).strides
        a = np.transpose(a, sorted(range(a.ndim), key=lambda k: -abs(strides[k])))
        order = "C"
    return _reshape(a, -1, order)


def order_in(x: Any, order: str) -> str:
    """Whose axis changes fastest; "A" asks the array itself."""
    order = str(order).upper()
    if order == "A":
        return "F" if _in_memory(x).flags.fnc else "C"
    if order not in ("C", "F"):
        raise OperandError(f"order={order!r}: an order is one of C, F, A, and K for np.ravel")
    return order


def _in_memory(x: Any) -> Any:
    """The array that a box holds, or that a member of a batch would hold."""
    array = plain(x)
    members = array.ndim - x.ndim
    return array[(0,) * members] if array.size else np.empty(x.shape)


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
linear(np.copy, lambda g, *, order="K", subok=False: g, batching=pointwise)
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
    lambda x, *, dtype: arrayed(x).astype(dtype),
    "astype",
    (lambda g, *, dtype: g,),  # the sweep gives every cotangent its operand's dtype
    None,
    holomorphic=False,
    batching=pointwise,
)


whole = Nondifferentiable(lambda x, *, dtype: arrayed(x).astype(dtype), "whole", batching=pointwise)


@implements("astype", *([np.astype] if hasattr(np, "astype") else []))
def _astype(x: Any, dtype: Any, *, copy: bool = True, device: Any = None) -> Any:
    """Whole numbers have no derivative: they come out plain, like the result of a comparison."""
    dtype = np.dtype(dtype)
    if device not in (None, "cpu"):
        raise UnsupportedError(f"np.astype of a box does not take device={device!r}")
    if not copy and x.dtype == dtype:
        return x
    return (astype if dtype.kind in "fc" else whole)(x, dtype=dtype)


# ---- other ways to turn axes ----


@implements(np.matrix_transpose)
def np_matrix_transpose(x: Any) -> Any:
    """The last two axes swapped."""
    if x.ndim < 2:
        raise ShapeError(f"np.matrix_transpose: an array with {x.ndim} axes is no matrix")
    return np.swapaxes(x, -1, -2)


@implements(np.rollaxis)
def np_rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """One axis moved to where it lies before `start`."""
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    if not 0 <= start <= a.ndim:
        raise BoundsError(f"np.rollaxis: start={start} of an array with {a.ndim} axes")
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.fliplr)
def np_fliplr(m: Any) -> Any:
    """The second axis backwards."""
    return np.flip(m, 1)


@implements(np.flipud)
def np_flipud(m: Any) -> Any:
    """The first axis backwards."""
    return np.flip(m, 0)


@implements(np.rot90)
def np_rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Quarter turns, from the first of the axes towards the second."""
    first, second = normalize_axis_tuple(axes, m.ndim)
    if k % 4 == 0:
        return m[:]
    if k % 4 == 2:
        return np.flip(m, (first, second))
    if k % 4 == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second)


# ---- axes of length 1, and broadcasting ----


def _at_least(ndim: int) -> Any:
    def filled(*arrays: Any) -> Any:
        found = tuple(with_axes(x, ndim) for x in map(as_array, arrays))
        return found[0] if len(found) == 1 else found

    return filled


def with_axes(x: Any, ndim: int) -> Any:
    """With axes of length 1 up to `ndim`: in front, but a third one behind."""
    if x.ndim >= ndim:
        return x
    shape = (*x.shape, 1) if ndim == 3 and x.ndim else x.shape
    return np.reshape(x, (1,) * (ndim - len(shape)) + shape)


for ndim, function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    implements(function)(_at_least(ndim))


def common_shape(function: Any, arrays: Any) -> tuple[int, ...]:
    """The shape that arrays broadcast to."""
    shapes = [x.shape for x in arrays]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        shown = ", ".join(map(str, shapes))
        raise ShapeError(f"np.{function.__name__}: {shown} do not broadcast") from error


@implements(np.broadcast_arrays)
def np_broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """All in the shape that they have together."""
    arrays = [as_array(x) for x in args]
    shape = common_shape(np.broadcast_arrays, arrays)
    return tuple(x if x.shape == shape else np.broadcast_to(x, shape) for x in arrays)


@implements(np.meshgrid)
def np_meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Each along an axis of its own."""
    if indexing not in ("xy", "ij"):
        raise OperandError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    grids = tuple(
        np.reshape(x, tuple(-1 if k == axis else 1 for k in axes)) for axis, x in enumerate(xi)
    )
    grids = grids if sparse else np_broadcast_arrays(*grids)
    return tuple(map(np.copy, grids)) if copy else grids
