"""What was not taken does not count: behind a row that masks, ``0 * inf`` is 0.

`where`, an index, `maximum` and their kin send exact zeros back to what they did not take. What
comes before may have an infinite slope there, and the zero must stay one (docs/conventions.md).
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from .box import Box, parts_of

inside_mask: ContextVar[bool] = ContextVar("inside_mask", default=False)
"""Whether the sweep that is running has met a row that masks."""


@contextlib.contextmanager
def behind_mask() -> Iterator[None]:
    """Inside, ``0 * inf`` is no accident."""
    token = inside_mask.set(True)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            yield
    finally:
        inside_mask.reset(token)


def annul(g: Any, gx: Any) -> Any:
    """``0 * inf`` is 0 where the cotangent is an exact zero: what was not taken does not count.

    One dot product tells whether there is a NaN at all (policy: docs/conventions.md).
    """
    if gx is None or not any(map(has_nan, arrays_in(gx))):
        return gx
    zero, finite = (everywhere(test, x) for test, x in ((is_zero, g), (np.isfinite, gx)))
    return np.where(zero & ~finite, 0, gx)


def is_zero(x: Any) -> Any:
    """Where an array is 0."""
    return x == 0


def has_nan(x: Any) -> bool:
    """Whether an array holds a NaN, or might."""
    if isinstance(x, Box):
        return x._unasked or bool(np.any(np.isnan(x)))
    return bool(np.isnan(np.vdot(x, x) if np.ndim(x) else x))


def arrays_in(x: Any) -> Iterator[Any]:
    """The plain arrays in a value, and what stands for several runs' arrays."""
    if isinstance(x, Box) and x._settled:
        for part in parts_of(x):
            yield from arrays_in(part)
    else:
        yield x


def everywhere(test: Callable[[Any], Any], x: Any) -> Any:
    """Where a test holds for a value and for all that moves with it."""
    if not isinstance(x, Box) or not x._settled:
        return test(x)
    return x._around(functools.reduce(operator.and_, (everywhere(test, p) for p in parts_of(x))))
