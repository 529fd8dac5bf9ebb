"""``out=`` of compiled functions: results written into arrays that the caller has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box, describe
from ..errors import OperandError
from ..trees import flatten


def takes_out(f: Callable[..., Any]) -> bool:
    """Whether a function has a parameter ``out`` of its own, as far as can be known.

    NumPy's own mean the same by it as `jit`.
    """
    if isinstance(f, (np.ufunc, type(np.sum))):
        return False
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return True
    return "out" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def written(result: Any, out: Any) -> Any:
    """The arrays `out`, with the numbers of a result of the same structure in them.

    Raises
    ------
    OperandError
        If one cannot hold what belongs there without another dtype or shape.
    """
    values, structure = flatten(result)
    arrays, given = flatten(out)
    if structure != given:
        raise OperandError(f"jit: the result is {structure}, and out= is {given}")
    for y, array in zip(values, arrays, strict=True):
        if isinstance(y, Box):
            raise OperandError("jit: out= cannot take a box, whose derivative would be lost")
        if type(array) is not np.ndarray or not array.flags.writeable:
            raise OperandError(f"jit: out= takes arrays that can be written, not {array!r}")
        if array.shape != np.shape(y) or array.dtype != np.asarray(y).dtype:
            raise OperandError(f"jit: out= is {describe(array)} where the result is {describe(y)}")
    apart = [np.copy(y) if any(np.may_share_memory(y, x) for x in arrays) else y for y in values]
    for y, array in zip(apart, arrays, strict=True):
        array[...] = y
    return out
