"""Functions whose value is asked for without a gradient. They return plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import along, every, named, one_by_one, over, pointwise
from ..box import Box, as_array
from ..dispatch import implements
from ..errors import OperandError
from ..rows import Nondifferentiable, nondifferentiable


def alike(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of arrays made in the shape of another, or in one that is given."""
    shape = params.get("shape")
    if shape is not None:
        whole = (shape,) if np.ndim(shape) == 0 else tuple(shape)
        params = {**params, "shape": (n, *whole)}
    return p(*xs, **params)


def refused(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of functions whose result is of another length for each member."""
    raise _lengths_differ(p.title)


def _lengths_differ(title: str) -> OperandError:
    return OperandError(
        f"vmap: np.{title} gives results of different lengths for the members of a batch; "
        "use np.where(condition, x, y), or multiply with a mask"
    )


def _all_close(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Whether all elements of a member are close."""
    close = pointwise(np.isclose, n, mine, xs, params)
    return np.all(close, axis=every(close))


def _all_equal(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Whether all elements of a member are equal; arrays of other shapes are not."""
    shapes = {np.shape(x)[m:] for x, m in zip(xs[:2], mine, strict=False)}
    if params or len(xs) > 2:
        return one_by_one(p, n, mine, xs, params)
    if len(shapes) > 1:
        return np.zeros(n, bool)
    equal = pointwise(np.equal, n, mine, xs, {})
    return np.all(equal, axis=every(equal))


def _searched(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Places in one table for all; a table of each member's own is searched by itself."""
    return one_by_one(p, n, mine, xs, params) if mine[0] else p(*xs, **params)


nondifferentiable(
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift),
    *(np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit),
    *(np.isreal, np.iscomplex, np.isclose),
    batching=pointwise,
)
nondifferentiable(np.all, np.any, np.count_nonzero, batching=named(over))
nondifferentiable(np.argmax, np.argmin, batching=named(along))
nondifferentiable(np.argsort, batching=named(along, axis=-1))
nondifferentiable(np.zeros_like, np.ones_like, np.empty_like, batching=named(alike))
nondifferentiable(np.argwhere, np.nonzero, np.flatnonzero, batching=refused)
nondifferentiable(np.allclose, batching=_all_close)
nondifferentiable(np.array_equal, batching=_all_equal)
nondifferentiable(np.searchsorted, batching=_searched)
nondifferentiable(np.array_repr, np.array_str, np.array2string, batching=pointwise)

stopped = Nondifferentiable(lambda x: x, "stop_gradient", batching=pointwise)
"""What a box holds, cut from all derivatives, and still a batch if it is one."""


def for_all(function: Any, x: Any) -> Any:
    """What a box holds, as a plain array, where the members of a batch must have it in common."""
    value = stopped(as_array(x))
    if isinstance(value, Box):
        raise _lengths_differ(function.__name__)
    return value


@implements(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    return as_array(a).shape  # type: ignore[no-any-return]  # any array's shape


@implements(np.ndim)
def _ndim(a: Any) -> int:
    return len(as_array(a).shape)


@implements(np.size)
def _size(a: Any, axis: int | None = None) -> int:
    shape = as_array(a).shape
    return int(np.prod(shape)) if axis is None else shape[axis]


@implements(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return as_array(x).dtype.kind == "c"  # type: ignore[no-any-return]  # any array's dtype


@implements(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return not _iscomplexobj(x)
