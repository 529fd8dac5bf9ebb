"""What was not taken does not count: behind a row that masks, ``0 * inf`` is 0.

`where`, an index, `maximum` and their kin send exact zeros back to what they did not take. What
comes before may have an infinite slope there, and the zero must stay one (docs/conventions.md).
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from .box import Box, parts_of, plain

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


def annul(g: Any, gx: Any, doubts: list[Any] | None = None) -> Any:
    """``0 * inf`` is 0 where the cotangent is an exact zero: what was not taken does not count.

    One dot product tells whether there is a NaN at all (policy: docs/conventions.md). What stands
    for several runs' arrays, and has none in this one, joins the `doubts`.
    """
    if gx is None or not any(has_nan(x, doubts) for x in arrays_in(gx)):
        return gx
    zero, finite = (everywhere(test, x) for test, x in ((is_zero, g), (np.isfinite, gx)))
    return np.where(zero & ~finite, 0, gx)


def is_zero(x: Any) -> Any:
    """Where an array is 0."""
    return x == 0


def has_nan(x: Any, doubts: list[Any] | None = None) -> bool:
    """Whether an array holds a NaN, or might."""
    if not isinstance(x, Box):
        return bool(np.isnan(np.vdot(x, x) if np.ndim(x) else x))
    if x._unasked:
        return True
    if doubts is None or x.dtype.kind != "f" or has_nan(plain(x)):
        return bool(np.any(np.isnan(x)))
    doubts.append(x)
    return False


def resolve(doubts: list[Any], ends: Iterable[Any]) -> None:
    """Ask whether there is a NaN where there was none, when cotangents have come to their ends.

    The way back is linear. A NaN on the way is also in what it comes to, or it was not taken; then
    a 0 in its place would not have been taken either. So it is enough to ask at the ends, unless
    these have a NaN of their own.
    """
    found = [x for g in ends for x in arrays_in(g)]
    clean = not any(has_nan(plain(x)) for x in found)
    ask(found if clean else doubts)


def ask(xs: Iterable[Any]) -> None:
    """Whether there is a NaN, of each for itself."""
    for x in xs:
        has_nan(x)


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
