"""Arrays as code sees them: where the first element is, and how far it is to the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .assembly import Assembly
from .kinds import kind_of
from .places import compact


@dataclass(frozen=True)
class Array:
    """An array of which all but the address is known when code is written.

    Attributes
    ----------
    pointer : str
        The name of the address of element (0, 0, …).
    shape : tuple of int
    strides : tuple of int
        In elements; they may be 0 or negative.
    dtype : dtype
    """

    pointer: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def whole(cls, pointer: str, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
        """One that is in order, without gaps."""
        return cls(pointer, tuple(shape), compact(tuple(shape)), dtype)

    @property
    def kind(self) -> str:
        """LLVM's name for the type of an element."""
        return kind_of(self.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Of all elements."""
        return self.size * self.dtype.itemsize

    @property
    def compact(self) -> bool:
        """Whether it is in order, without gaps."""
        pairs = zip(self.strides, compact(self.shape), self.shape, strict=True)
        return self.size == 0 or all(mine == other or n == 1 for mine, other, n in pairs)

    def axes(self, order: Sequence[int]) -> Array:
        """Some of its axes, in another order."""
        shape, strides = (tuple(each[k] for k in order) for each in (self.shape, self.strides))
        return replace(self, shape=shape, strides=strides)

    @property
    def diagonal(self) -> Array:
        """Of a matrix."""
        return replace(self, shape=self.shape[:1], strides=(sum(self.strides),))

    def at(self, asm: Assembly, *terms: tuple[str | int, int]) -> Array:
        """The same from an element on that is ``index * stride`` away, for each of the pairs."""
        return replace(self, pointer=offset(asm, self.pointer, self.kind, *terms))


def offset(asm: Assembly, pointer: str, kind: str, *terms: tuple[str | int, int]) -> str:
    """The address that is the sum of ``index * stride`` away; an index may be a number."""
    known = sum(index * stride for index, stride in terms if isinstance(index, int))
    for index, stride in terms:
        if isinstance(index, int) or not stride:
            continue
        moved = index if stride == 1 else asm(f"mul nsw i64 {index}, {stride}")
        pointer = asm(f"getelementptr {kind}, ptr {pointer}, i64 {moved}")
    return asm(f"getelementptr {kind}, ptr {pointer}, i64 {known}") if known else pointer
