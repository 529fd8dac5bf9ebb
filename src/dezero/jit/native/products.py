"""Products of arrays as sums over axes: which rows are, and what their axes are.

``c[…] = Σ a[…] b[…]``: each index runs along one axis, with a stride in each of the three arrays,
0 where they do not have it. Matrix products of all kinds, of stacks and of broadcast ones, are of
this form, and two axes that lie in memory like one are one.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...rules.linalg import contracted_axes
from .arrays import Array


@dataclass(frozen=True)
class Axis:
    """An index: how far it runs, and its strides in the operands and the result."""

    size: int
    a: int = 0
    b: int = 0
    c: int = 0

    def swapped(self) -> Axis:
        """With the operands in the other order."""
        return Axis(self.size, self.b, self.a, self.c)

    def around(self, inner: Axis) -> bool:
        """Whether this and an inner axis lie in memory like one."""
        outs, ins = (self.a, self.b, self.c), (inner.a, inner.b, inner.c)
        return all(x == inner.size * y for x, y in zip(outs, ins, strict=True))


# ---- the indices of rows, as letters ----

Letters = tuple[str, str, str]
"""Those of two operands and of their product, as ``einsum`` has them."""


def _matmul(a: Array, b: Array) -> Letters:
    stack = string.ascii_uppercase[: max(a.ndim, b.ndim, 2) - 2]
    left = stack[len(stack) - max(a.ndim - 2, 0) :] + ("mk" if a.ndim > 1 else "k")
    right = stack[len(stack) - max(b.ndim - 2, 0) :] + ("kn" if b.ndim > 1 else "k")
    return left, right, stack + "m" * (a.ndim > 1) + "n" * (b.ndim > 1)


def _over(a: Array, b: Array, left: Sequence[int], right: Sequence[int]) -> Letters:
    """`tensordot`'s."""
    mine, others = string.ascii_lowercase[: a.ndim], [*string.ascii_uppercase[: b.ndim]]
    for i, j in zip(left, right, strict=True):
        others[j] = mine[i]
    free = [k for i, k in enumerate(mine) if i not in left]
    free += [k for j, k in enumerate(others) if j not in right]
    return mine, "".join(others), "".join(free)


def _dot(a: Array, b: Array) -> Letters:
    numbers = a.ndim == 0 or b.ndim == 0
    return _over(a, b, *(([], []) if numbers else ([a.ndim - 1], [max(b.ndim - 2, 0)])))


def _inner(a: Array, b: Array) -> Letters:
    numbers = a.ndim == 0 or b.ndim == 0
    return _over(a, b, *(([], []) if numbers else ([a.ndim - 1], [b.ndim - 1])))


def _tensordot(a: Array, b: Array, *, axes: Any = 2) -> Letters:
    return _over(a, b, *contracted_axes(axes, a, b))


def _einsum(_a: Array, _b: Array, *, subscripts: str, **_how: Any) -> Letters:
    inputs, output = subscripts.split("->")
    left, right = inputs.split(",")
    return left, right, output


LETTERS: dict[str, Callable[..., Letters]] = {
    "matmul": _matmul,
    "dot": _dot,
    "inner": _inner,
    "tensordot": _tensordot,
    "einsum": _einsum,
}
"""By the titles of rows, from the operands and the row's parameters."""


# ---- the axes ----


def axes(letters: Letters, a: Array, b: Array, c: Array) -> list[Axis]:
    """What the indices run along: axes of one element left out, and those joined that can be."""
    found = []
    for letter in dict.fromkeys("".join(letters)):
        sizes, strides = [1], []
        for mine, array in zip(letters, (a, b, c), strict=True):
            places = [k for k, each in enumerate(mine) if each == letter]
            sizes += [n for k in places if (n := array.shape[k]) != 1]
            strides.append(sum(array.strides[k] for k in places if array.shape[k] != 1))
        if sizes[-1] != 1:
            found.append(Axis(sizes[-1], *strides))
    return _joined(found)


def _joined(found: list[Axis]) -> list[Axis]:
    for outer, inner in itertools.permutations(found, 2):
        if outer.around(inner):
            rest = [each for each in found if each is not outer and each is not inner]
            both = Axis(outer.size * inner.size, inner.a, inner.b, inner.c)
            return _joined([*rest, both])
    return found


@dataclass(frozen=True)
class Product:
    """A product with its axes told apart.

    Attributes
    ----------
    a, b, c : Array
    v : Axis
        Of the result, along its rows, and of `b`; perhaps of `a` too.
    r : Axis
        Another of the result, over which as much of `b` as possible is used again.
    k : Axis
        Of the sum.
    outer : tuple of Axis
        All others.
    """

    a: Array
    b: Array
    c: Array
    v: Axis
    r: Axis
    k: Axis
    outer: tuple[Axis, ...]

    @property
    def all(self) -> tuple[Axis, ...]:
        return (*self.outer, self.r, self.k, self.v)

    @property
    def sums_outside(self) -> bool:
        """Whether the sum is over more than one axis."""
        return any(each.c == 0 for each in self.outer)


def product(letters: Letters, a: Array, b: Array, c: Array) -> Product:
    """The axes of a product, chosen."""
    found = axes(letters, a, b, c)
    free = sorted((each for each in found if each.c), key=lambda each: abs(each.c))
    v = free[0] if free else Axis(1, 0, 1, 1)
    if v.a and not v.b:
        a, b, v = b, a, v.swapped()
        found = [each.swapped() for each in found]
    rest = [each for each in found if each != v]
    r = max(
        (each for each in rest if each.c), key=lambda each: (each.b == 0, each.size), default=None
    )
    k = max((each for each in rest if not each.c), key=lambda each: each.size, default=None)
    outer = tuple(each for each in rest if each is not r and each is not k)
    return Product(a, b, c, v, r or Axis(1), k or Axis(1), outer)
