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
from .kinds import BOOL, INT, Dtype, kind_of
from .lanes import Lanes, Words


class Fold:
    """A few numbers kept, and combined with the next; mostly one.

    Parameters
    ----------
    title : str
        Of the instruction that combines two.
    neutral : callable
        ``neutral(dtype)``: what changes nothing.
    """

    def __init__(self, title: str, neutral: Callable[[Dtype], Any]) -> None:
        self.title, self.neutral = title, neutral

    def kept(self, dtype: Dtype) -> list[tuple[Dtype, Any]]:
        """The dtypes of what is kept, each with what changes nothing."""
        return [(dtype, self.neutral(dtype))]

    def combined(self, lanes: Lanes, dtype: Dtype, old: Words, new: Words) -> Words:
        """What is kept of two."""
        return (INSTRUCTIONS[self.title](lanes, dtype, *old, *new),)

    def wanted(self, _lanes: Lanes, _dtype: Dtype, found: Words) -> str:
        """What is wanted in the end, of what is kept."""
        return found[0]

    def result(self, dtype: Dtype) -> Dtype:
        """The dtype of that."""
        return dtype

    # ---- for all of them ----

    def start(self, lanes: Lanes, dtype: Dtype) -> list[str]:
        """The variables in which it is kept."""
        return [
            lanes.asm.variable(lanes.type(d), lanes.constant(x, d)) for d, x in self.kept(dtype)
        ]

    def values(self, lanes: Lanes, dtype: Dtype, state: list[str]) -> Words:
        """What is in them."""
        pairs = zip(self.kept(dtype), state, strict=True)
        return tuple(lanes.asm.get(lanes.type(d), each) for (d, _), each in pairs)

    def add(self, lanes: Lanes, dtype: Dtype, state: list[str], *new: str) -> None:
        """Take in numbers, in the lanes that are used."""
        kept = self.kept(dtype)
        if lanes.mask:
            new = tuple(
                lanes.select(lanes.mask, kind_of(d), x, lanes.constant(rest, d))
                for x, (d, rest) in zip(new, kept, strict=False)
            )
        found = self.combined(lanes, dtype, self.values(lanes, dtype, state), new)
        for (d, _), each, x in zip(kept, state, found, strict=True):
            lanes.asm.set(lanes.type(d), each, x)

    def total(self, lanes: Lanes, dtype: Dtype, state: list[str], across: bool) -> str:
        """What was found; if it is wanted across lanes, one number."""
        found = self.values(lanes, dtype, state)
        if across:
            kinds = tuple(kind_of(d) for d, _ in self.kept(dtype))
            found = lanes.across(found, kinds, lambda half, *xs: self.combined(half, dtype, *xs))
            lanes = Lanes(lanes.asm, 1)
        return self.wanted(lanes, dtype, found)


class Sum(Fold):
    """A sum, and what rounding took from it."""

    def kept(self, dtype: Dtype) -> list[tuple[Dtype, Any]]:
        return super().kept(dtype) * (1 + (dtype.kind == "f"))

    def combined(self, lanes: Lanes, dtype: Dtype, old: Words, new: Words) -> Words:
        if dtype.kind != "f":
            return super().combined(lanes, dtype, old, new)
        s, lost = two_sum(lanes, dtype, old[0], new[0])
        c = old[1]
        for each in (*new[1:], lost):  # a number that is taken in has lost nothing yet
            c = lanes.two("fadd", kind_of(dtype), c, each)
        return s, c

    def wanted(self, lanes: Lanes, dtype: Dtype, found: Words) -> str:
        if dtype.kind != "f":
            return found[0]
        (s, c), kind = found, kind_of(dtype)
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

    def combined(self, lanes: Lanes, dtype: Dtype, old: Words, new: Words) -> Words:
        (found,), (y,) = super().combined(lanes, dtype, old, new), new
        if dtype.kind != "f":
            return (found,)
        return (lanes.select(is_nan(lanes, dtype, y), kind_of(dtype), y, found),)


class PlaceOfExtreme(Fold):
    """Where the first of the greatest, or smallest, is; or the first NaN."""

    def kept(self, dtype: Dtype) -> list[tuple[Dtype, Any]]:
        return [*super().kept(dtype), (INT, np.iinfo(INT).max)]

    def result(self, _dtype: Dtype) -> Dtype:
        return INT

    def wanted(self, _lanes: Lanes, _dtype: Dtype, found: Words) -> str:
        return found[1]

    def combined(self, lanes: Lanes, dtype: Dtype, old: Words, new: Words) -> Words:
        better = self.better(lanes, dtype, new, old)
        kinds = kind_of(dtype), kind_of(INT)
        triples = zip(kinds, new, old, strict=True)
        return tuple(lanes.select(better, kind, x, y) for kind, x, y in triples)

    def better(self, lanes: Lanes, dtype: Dtype, new: Words, old: Words) -> str:
        """Whether the first of two numbers with their places is to be taken."""
        (x, i), (y, j) = new, old
        above = ("ogt", "sgt", "ugt") if self.title == "maximum" else ("olt", "slt", "ult")
        beyond = comparison(*above)(lanes, dtype, x, y)
        same = comparison("oeq", "eq")(lanes, dtype, x, y)
        x_nan, y_nan = is_nan(lanes, dtype, x), is_nan(lanes, dtype, y)
        number = lanes.two("xor", "i1", y_nan, lanes.constant(True, BOOL))
        beyond = lanes.two("or", "i1", beyond, lanes.two("and", "i1", x_nan, number))
        same = lanes.two("or", "i1", same, lanes.two("and", "i1", x_nan, y_nan))
        sooner = comparison("", "slt")(lanes, INT, i, j)
        return lanes.two("or", "i1", beyond, lanes.two("and", "i1", same, sooner))


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
