"""Arrays as code sees them: where the first element is, and how far it is to the others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from .assembly import Assembly

BYTES = {"double": 8, "float": 4, "i64": 8, "i32": 4, "i16": 2, "i8": 1}
"""The size of an element, by LLVM's name for its type."""


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of an array that is written row by row."""
    sizes = [max(n, 1) for n in shape[:0:-1]]
    return tuple([*itertools.accumulate([1, *sizes], int.__mul__)][: len(shape)][::-1])


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
    kind : str
        LLVM's name for the type of an element.
    """

    pointer: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    kind: str

    @classmethod
    def whole(cls, pointer: str, shape: Sequence[int], kind: str) -> Array:
        """One that is written row by row."""
        return cls(pointer, tuple(shape), contiguous(shape), kind)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Of all elements."""
        return self.size * BYTES[self.kind]

    def moved(self, pointer: str) -> Array:
        """The same from another address on."""
        return Array(pointer, self.shape, self.strides, self.kind)

    def axes(self, order: Sequence[int]) -> Array:
        """A choice of its axes, in another order."""
        shape, strides = ([each[k] for k in order] for each in (self.shape, self.strides))
        return Array(self.pointer, tuple(shape), tuple(strides), self.kind)


def offset(asm: Assembly, pointer: str, kind: str, *terms: tuple[str | int, int]) -> str:
    """The address that is the sum of ``index * stride`` elements away; an index may be a number."""
    known = sum(index * stride for index, stride in terms if isinstance(index, int))
    for index, stride in terms:
        if isinstance(index, int) or not stride:
            continue
        moved = index if stride == 1 else asm(f"mul nsw i64 {index}, {stride}")
        pointer = asm(f"getelementptr {kind}, ptr {pointer}, i64 {moved}")
    return asm(f"getelementptr {kind}, ptr {pointer}, i64 {known}") if known else pointer
