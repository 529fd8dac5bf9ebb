"""Functions whose value is asked for without a gradient. They return plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array
from ..dispatch import implements
from ..rows import nondifferentiable

nondifferentiable(
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.logical_not,
    np.isfinite,
    np.isinf,
    np.isnan,
    np.isneginf,
    np.isposinf,
    np.signbit,
    np.isreal,
    np.iscomplex,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.all,
    np.any,
    np.argmax,
    np.argmin,
    np.argsort,
    np.argwhere,
    np.nonzero,
    np.flatnonzero,
    np.count_nonzero,
    np.searchsorted,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.array_repr,
    np.array_str,
)


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
