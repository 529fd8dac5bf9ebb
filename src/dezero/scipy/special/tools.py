"""What the rules of special functions share: series, pieces, and infinite slopes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...box import Box
from ...errors import UnsupportedError
from ...masks import everywhere, is_zero

Function = Callable[[Any], Any]


def horner(coefficients: Sequence[Any], x: Any) -> Any:
    """The polynomial with these coefficients, the constant first."""
    *others, total = coefficients
    for c in reversed(others):
        total = total * x + c
    return total


def either(here: Any, x: Any, f: Function, g: Function, safe: tuple[float, float]) -> Any:
    """``f(x)`` where `here` holds, ``g(x)`` elsewhere; where one is not asked for, it is computed
    at its number of `safe`.
    """
    return np.where(here, f(np.where(here, x, safe[0])), g(np.where(here, safe[1], x)))


def times(t: Any, slope: Any) -> Any:
    """``t * slope``, and 0 for a direction that is exactly 0 where the slope is infinite."""
    if type(slope) is np.ndarray and np.isfinite(slope).all():
        return t * slope
    return t * np.where(everywhere(is_zero, t) & np.isinf(slope), 0, slope)


def logarithm(x: Any) -> Any:
    """The logarithm, -inf at 0 and NaN where there is none, as derivatives: without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x)


def gaussian(x: Any) -> Any:
    """``exp(-x²)``."""
    with np.errstate(over="ignore"):
        return np.exp(-np.square(x))


BLOCK = 8192
"""So many numbers at a time, where a formula makes many arrays on its way."""


def in_blocks(f: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for functions of each element: large arrays are taken a block at a time.

    So what they make on their way needs no memory to speak of, and stays in the processor's cache.
    """

    @functools.wraps(f)
    def call(*xs: Any, **params: Any) -> Any:
        if any(isinstance(x, Box) for x in xs) or np.broadcast(*xs).size <= BLOCK:
            return f(*xs, **params)
        ways: Any = [*[["readonly"]] * len(xs), ["writeonly", "allocate"]]
        dtypes = [*[None] * len(xs), np.result_type(*xs, 0.0)]
        flags: Any = ["external_loop", "buffered"]
        blocks: Any = np.nditer([*xs, None], flags, ways, dtypes, buffersize=BLOCK)
        with blocks:
            for *parts, out in blocks:
                out[...] = f(*parts, **params)
            return blocks.operands[-1]

    return call


def instead_of(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for what a SciPy function that is a program does on boxes; on anything else it is
    SciPy's.
    """

    def decorate(ours: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ours)
        def call(*args: Any, **kwargs: Any) -> Any:
            boxed = any(isinstance(x, Box) for x in (*args, *kwargs.values()))
            return (ours if boxed else theirs)(*args, **kwargs)

        return call

    return decorate


def refused(name: str, what: str, other: str = "its argument") -> Any:
    """A derivative that is no elementary expression of what there is."""
    raise UnsupportedError(
        f"scipy.special.{name} has no derivative by {what} here, only by {other}; "
        f"pass `v.data` for {what} if it is a constant"
    )
