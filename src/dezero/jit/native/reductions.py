"""What a nest gathers from all indices: sums, products, extremes, counts.

Sums of floating-point numbers carry along what rounding took from them (Ogita, Rump and Oishi,
"Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005, Algorithm 4.4), so they are as exact
as if they were computed in twice the digits and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .instructions import INSTRUCTIONS, comparison, is_nan
from .kinds import BOOL, Dtype, kind_of
from .lanes import Lanes

Pair = tuple[str, str]

PLACE = np.dtype(np.int64)


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

    def result(self, dtype: Dtype) -> Dtype:
        """The dtype of what is found."""
        return dtype

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
        finite = comparison("olt", "")(lanes, dtype, size, lanes.constant(np.inf, dtype))
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


class PlaceOfExtreme(Fold):
    """Where the first of the greatest, or smallest, is; or the first NaN."""

    def start(self, lanes: Lanes, dtype: Dtype) -> list[str]:
        last = lanes.constant(np.iinfo(PLACE).max, PLACE)
        place = lanes.asm.variable(lanes.type(PLACE), last)
        return [*super().start(lanes, dtype), place]

    def result(self, _dtype: Dtype) -> Dtype:
        return PLACE

    def add(self, lanes: Lanes, dtype: Dtype, state: list[str], x: str, place: str = "") -> None:
        before = [
            lanes.asm.get(lanes.type(d), s) for d, s in zip((dtype, PLACE), state, strict=True)
        ]
        better = self.better(lanes, dtype, (x, place), (before[0], before[1]))
        if lanes.mask:
            better = lanes.two("and", "i1", better, lanes.mask)
        for new, old, slot, d in zip((x, place), before, state, (dtype, PLACE), strict=True):
            lanes.asm.set(lanes.type(d), slot, lanes.select(better, kind_of(d), new, old))

    def better(self, lanes: Lanes, dtype: Dtype, new: Pair, old: Pair) -> str:
        """Whether the first of two numbers with their places is to be taken."""
        (x, i), (y, j) = new, old
        above = ("ogt", "sgt", "ugt") if self.title == "maximum" else ("olt", "slt", "ult")
        beyond = comparison(*above)(lanes, dtype, x, y)
        same = comparison("oeq", "eq")(lanes, dtype, x, y)
        x_nan, y_nan = is_nan(lanes, dtype, x), is_nan(lanes, dtype, y)
        number = lanes.two("xor", "i1", y_nan, lanes.constant(True, BOOL))
        beyond = lanes.two("or", "i1", beyond, lanes.two("and", "i1", x_nan, number))
        same = lanes.two("or", "i1", same, lanes.two("and", "i1", x_nan, y_nan))
        sooner = comparison("", "slt")(lanes, PLACE, i, j)
        return lanes.two("or", "i1", beyond, lanes.two("and", "i1", same, sooner))

    def total(self, lanes: Lanes, dtype: Dtype, state: list[str], across: bool) -> str:
        x = lanes.asm.get(lanes.type(dtype), state[0])
        i = lanes.asm.get(lanes.type(PLACE), state[1])
        while across and lanes.width > 1:
            half = lanes.width // 2
            xs = [lanes.part(x, kind_of(dtype), start, half) for start in (0, half)]
            places = [lanes.part(i, "i64", start, half) for start in (0, half)]
            lanes = Lanes(lanes.asm, half)
            better = self.better(lanes, dtype, (xs[0], places[0]), (xs[1], places[1]))
            x = lanes.select(better, kind_of(dtype), *xs)
            i = lanes.select(better, "i64", *places)
        return i


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

FOLDS = REDUCTIONS | {
    "argmax": PlaceOfExtreme("maximum", least),
    "argmin": PlaceOfExtreme("minimum", greatest),
    "cumsum": Fold("add", lambda _dtype: 0),
    "cumprod": Fold("multiply", lambda _dtype: 1),
}
"""Likewise, with those that need more than the numbers, or are not only wanted at the end."""
