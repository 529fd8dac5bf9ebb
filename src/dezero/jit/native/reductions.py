"""What a nest gathers from all indices: sums, products, extremes, counts.

Sums of floating-point numbers carry along what rounding took from them (Ogita, Rump and Oishi,
"Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005, Algorithm 4.4), so they are as exact
as if they were computed in twice the digits and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .instructions import INSTRUCTIONS, is_nan, test
from .lanes import Lanes, kind_of

Dtype = np.dtype[Any]


class Fold:
    """One number kept, and combined with the next.

    Parameters
    ----------
    title : str
        Of the instruction that combines two.
    neutral : callable
        ``neutral(dtype)``: what changes nothing.
    """

    def __init__(self, title: str, neutral: Callable[[Dtype], Any]) -> None:
        self.title, self.neutral = title, neutral

    def start(self, lanes: Lanes, dtype: Dtype) -> list[str]:
        start = lanes.constant(self.neutral(dtype), dtype)
        return [lanes.asm.variable(lanes.type(dtype), start)]

    def add(self, lanes: Lanes, dtype: Dtype, state: list[str], x: str) -> None:
        kind = lanes.type(dtype)
        if lanes.mask:
            rest = lanes.constant(self.neutral(dtype), dtype)
            x = lanes.select(lanes.mask, kind_of(dtype), x, rest)
        before = lanes.asm.get(kind, state[0])
        lanes.asm.set(kind, state[0], self.combined(lanes, dtype, before, x))

    def combined(self, lanes: Lanes, dtype: Dtype, x: str, y: str) -> str:
        return INSTRUCTIONS[self.title](lanes, dtype, x, y)

    def total(self, lanes: Lanes, dtype: Dtype, state: list[str], across: bool) -> str:
        x = lanes.asm.get(lanes.type(dtype), state[0])
        if not across:
            return x
        return lanes.across(x, kind_of(dtype), lambda half, a, b: self.combined(half, dtype, a, b))


class Sum(Fold):
    """A sum, and what rounding took from it."""

    def start(self, lanes: Lanes, dtype: Dtype) -> list[str]:
        return [*super().start(lanes, dtype), *super().start(lanes, dtype)][
            : 1 + (dtype.kind == "f")
        ]

    def add(self, lanes: Lanes, dtype: Dtype, state: list[str], x: str) -> None:
        if dtype.kind != "f":
            super().add(lanes, dtype, state, x)
            return
        kind = lanes.type(dtype)
        if lanes.mask:
            x = lanes.select(lanes.mask, kind_of(dtype), x, lanes.constant(0, dtype))
        s, lost = two_sum(lanes, dtype, lanes.asm.get(kind, state[0]), x)
        lanes.asm.set(kind, state[0], s)
        before = lanes.asm.get(kind, state[1])
        lanes.asm.set(kind, state[1], lanes.two("fadd", kind_of(dtype), before, lost))

    def total(self, lanes: Lanes, dtype: Dtype, state: list[str], across: bool) -> str:
        if dtype.kind != "f":
            return super().total(lanes, dtype, state, across)
        s, c = (lanes.asm.get(lanes.type(dtype), each) for each in state)
        kind = kind_of(dtype)
        while across and lanes.width > 1:
            half = lanes.width // 2
            low, high = (lanes.part(s, kind, start, half) for start in (0, half))
            c_low, c_high = (lanes.part(c, kind, start, half) for start in (0, half))
            lanes = Lanes(lanes.asm, half)
            s, lost = two_sum(lanes, dtype, low, high)
            c = lanes.two("fadd", kind, lanes.two("fadd", kind, c_low, c_high), lost)
        size = lanes.intrinsic("llvm.fabs", kind, s)  # of infinity, what was lost is NaN
        finite = test("olt", "")(lanes, dtype, size, lanes.constant(np.inf, dtype))
        return lanes.select(finite, kind, lanes.two("fadd", kind, s, c), s)


def two_sum(lanes: Lanes, dtype: Dtype, x: str, y: str) -> tuple[str, str]:
    """A sum and its rounding error (Knuth, TAOCP vol. 2, 4.2.2, Theorem B)."""
    kind = kind_of(dtype)
    s = lanes.two("fadd", kind, x, y)
    z = lanes.two("fsub", kind, s, x)
    left = lanes.two("fsub", kind, x, lanes.two("fsub", kind, s, z))
    return s, lanes.two("fadd", kind, left, lanes.two("fsub", kind, y, z))


class Extreme(Fold):
    """The greatest or the smallest; NaN if there is one."""

    def combined(self, lanes: Lanes, dtype: Dtype, x: str, y: str) -> str:
        found = INSTRUCTIONS[self.title](lanes, dtype, x, y)
        if dtype.kind != "f":
            return found
        return lanes.select(is_nan(lanes, dtype, y), kind_of(dtype), y, found)


def least(dtype: Dtype) -> Any:
    """What any number is at least."""
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def greatest(dtype: Dtype) -> Any:
    """What any number is at most."""
    if dtype.kind == "f":
        return np.inf
    return True if dtype.kind == "b" else np.iinfo(dtype).max


REDUCTIONS: dict[str, Fold] = {
    "sum": Sum("add", lambda _dtype: 0),
    "prod": Fold("multiply", lambda _dtype: 1),
    "max": Extreme("maximum", least),
    "min": Extreme("minimum", greatest),
    "all": Fold("logical_and", lambda _dtype: True),
    "any": Fold("logical_or", lambda _dtype: False),
    "count_nonzero": Fold("add", lambda _dtype: 0),
}
"""What can be gathered, by the titles of rows."""
