"""Where the numbers of a graph's values lie: buffers, and arrays that are seen in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(eq=False)
class Buffer:
    """A piece of memory, of one dtype.

    Attributes
    ----------
    role : str
        "input", "output" or "constant", which are given to the kernel; "work"; or "address", if it
        is found while the kernel runs where the buffer is.
    number : int
        Which one of its role; of a work buffer, where it begins, in bytes.
    within : tuple of Buffer
        Those that it may be, or be a part of.
    """

    role: str
    size: int
    dtype: np.dtype[Any]
    number: int = 0
    within: tuple[Buffer, ...] = ()

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


def memory_of(buffer: Buffer) -> Iterator[Buffer]:
    """A buffer and those that it may be a part of."""
    yield buffer
    for each in buffer.within:
        yield from memory_of(each)


@dataclass(frozen=True)
class Place:
    """An array in a buffer; offset and strides count numbers, not bytes.

    Attributes
    ----------
    bounds : tuple
        For each axis ``(start, count)``: it has numbers from `start` on, and zeros around them.
        Empty if there are numbers everywhere.
    """

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]
    shape: tuple[int, ...]
    bounds: tuple[tuple[int, int], ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.buffer.dtype

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def view(self, fn: Callable[[Any], Any]) -> Place | None:
        """What a function of NumPy's shows of the array; None if it makes another one.

        NumPy itself is asked, with an array of nothing.
        """
        if self.bounds:
            return None
        reach = [s * (n - 1) for s, n in zip(self.strides, self.shape, strict=True) if n > 1]
        before = -sum(r for r in reach if r < 0)
        memory = np.empty(1 + before + sum(r for r in reach if r > 0), np.int8)
        seen: Any = np.ndarray(self.shape, np.int8, memory, before, self.strides)
        out = fn(seen)
        if not isinstance(out, np.ndarray) or not (
            out.size == 0 or np.may_share_memory(out, memory)
        ):
            return None
        offset = out.ctypes.data - memory.ctypes.data - before if out.size else 0
        return Place(self.buffer, self.offset + offset, out.strides, out.shape)

    def broadcast(self, shape: tuple[int, ...]) -> Place:
        """The same for each index of a larger array."""
        if shape == self.shape:
            return self
        more = len(shape) - len(self.shape)
        pairs = zip(self.strides, self.shape, strict=True)
        strides = (0,) * more + tuple(0 if n == 1 else s for s, n in pairs)
        bounds = tuple((0, n) for n in shape[:more]) + self.bounds if self.bounds else ()
        return replace(self, strides=strides, shape=shape, bounds=bounds)


def compact(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array in order, without gaps."""
    return tuple(math.prod(shape[k + 1 :]) for k in range(len(shape)))


def whole_of(buffer: Buffer, shape: tuple[int, ...]) -> Place:
    """All of a buffer, as an array of a shape."""
    return Place(buffer, 0, compact(shape), shape)
