"""`numpy.apply_along_axis`: a function of vectors, for all slices of an array at once."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .batching import vmap
from .box import Box, as_array
from .core import Variable, as_variable
from .dispatch import implements
from .errors import DeZeroError, SequentialWarning, ShapeError


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """In one call, if `vmap` can make one of the function; else slice by slice."""
    x = as_array(arr)
    axis = normalize_axis_index(axis, x.ndim)
    x = np.moveaxis(x, axis, -1)
    lines = np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    if not len(lines):
        raise ShapeError(f"np.apply_along_axis: no slice to call it on, in shape {arr.shape}")
    ys = _of_each(lambda line: as_array(func1d(line, *args, **kwargs)), lines)
    out = np.reshape(ys, (*x.shape[:-1], *ys.shape[1:]))
    own = range(ys.ndim - 1)
    return np.moveaxis(out, [x.ndim - 1 + k for k in own], [axis + k for k in own])


def _of_each(f: Callable[[Any], Any], lines: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SequentialWarning)
            ys = vmap(f)(lines)
    except (DeZeroError, SequentialWarning):  # a branch, a mask: each slice has its own
        return np.stack([f(line) for line in lines])
    recorded = isinstance(ys, Box) or ys.dtype.kind not in "fc"
    return ys if recorded or not isinstance(lines, Variable) else as_variable(ys)
