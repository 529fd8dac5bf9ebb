"""Vectors of numbers in registers: types, constants, conversions, loads and stores.

A `Lanes` writes for vectors of one width; of width 1, it writes for plain numbers. Truth values
are single bits in registers, and bytes in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .assembly import Assembly
from .kinds import bytes_of, each, kind_of, literal, memory_kind, suffix, typed
from .runtime import vector_bytes

NEAR = 8
"""How far apart numbers may be, counted in numbers, to be loaded with what is between them."""

Words = tuple[str, ...]
"""Names of values, or of kinds."""


@dataclass
class Lanes:
    """What is written for vectors of a width.

    Attributes
    ----------
    asm : Assembly
    width : int
        Numbers in a vector.
    mask : str
        The bits of the lanes that are used; empty if all are.
    """

    asm: Assembly
    width: int
    mask: str = ""

    # ---- types and constants ----

    def of(self, kind: str) -> str:
        """The type of a vector of numbers of a kind."""
        return typed(kind, self.width)

    def type(self, dtype: np.dtype[Any]) -> str:
        return self.of(kind_of(dtype))

    def suffix(self, kind: str) -> str:
        """The type as the names of LLVM's own functions have it."""
        return suffix(kind, self.width)

    def constant(self, x: Any, dtype: np.dtype[Any]) -> str:
        """The same number in each lane."""
        return literal(np.asarray(x).astype(dtype)[()], kind_of(dtype), self.width)

    def each(self, word: str, kind: str) -> str:
        """A constant of LLVM's in each lane."""
        return each(word, kind, self.width)

    def splat(self, x: str, kind: str) -> str:
        """A plain number in each lane."""
        if self.width == 1:
            return x
        one = self.asm(f"insertelement {self.of(kind)} poison, {kind} {x}, i64 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.asm(f"shufflevector {self.of(kind)} {one}, {self.of(kind)} poison, {zeros}")

    def count(self, start: str) -> str:
        """The numbers from a start on, as i64."""
        if self.width == 1:
            return start
        steps = ", ".join(f"i64 {k}" for k in range(self.width))
        return self.asm(f"add {self.of('i64')} {self.splat(start, 'i64')}, <{steps}>")

    # ---- arithmetic ----

    def two(self, instruction: str, kind: str, x: str, y: str) -> str:
        return self.asm(f"{instruction} {self.of(kind)} {x}, {y}")

    def intrinsic(self, name: str, kind: str, *operands: str) -> str:
        """A function of LLVM's, such as ``llvm.sqrt``, of vectors of one kind."""
        full = f"@{name}.{self.suffix(kind)}"
        return self.asm.call(self.of(kind), full, *(f"{self.of(kind)} {x}" for x in operands))

    def select(self, bits: str, kind: str, yes: str, no: str) -> str:
        of = self.of(kind)
        return self.asm(f"select {self.of('i1')} {bits}, {of} {yes}, {of} {no}")

    def convert(self, x: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        """The same numbers as another dtype, as NumPy's ``astype``."""
        if old == new:
            return x
        before, after = self.type(old), self.type(new)
        if new.kind == "b":
            zero = self.constant(0, old)
            test = "fcmp une" if old.kind == "f" else "icmp ne"
            return self.asm(f"{test} {before} {x}, {zero}")
        if before == after:
            return x
        if old.kind == "f" and new.kind in "iu":
            return self._truncated(x, old, new)
        return self.asm(f"{conversion(old, new)} {before} {x} to {after}")

    def _truncated(self, x: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        """Whole numbers from floating-point ones; the lowest where there is none, as on x86."""
        low, kind = np.iinfo(new).min, kind_of(old)
        above = self.asm(f"fcmp oge {self.of(kind)} {x}, {self.constant(low, old)}")
        below = self.asm(f"fcmp olt {self.of(kind)} {x}, {self.constant(-low, old)}")
        fits = self.two("and", "i1", above, below)
        inside = self.select(fits, kind, x, self.constant(0, old))
        whole = self.asm(f"fptosi {self.type(old)} {inside} to {self.type(new)}")
        return self.select(fits, kind_of(new), whole, self.constant(low, new))

    # ---- memory ----

    def load(self, pointer: str, stride: int, dtype: np.dtype[Any], mask: str = "") -> str:
        """The numbers from a place on, `stride` apart; zeros where the mask has none."""
        return self._truth(
            self._loaded(pointer, stride, memory_kind(dtype), self.both(mask)), dtype
        )

    def _truth(self, x: str, dtype: np.dtype[Any]) -> str:
        """Numbers from memory as registers hold them: truth values as bits."""
        if dtype.kind != "b":
            return x
        return self.asm(f"icmp ne {self.of('i8')} {x}, {self.each('0', 'i8')}")

    def _loaded(self, pointer: str, stride: int, kind: str, mask: str) -> str:
        size = bytes_of(kind)
        if self.width == 1 or (stride == 0 and mask == self.mask):
            if mask and self.width == 1:
                return self._guarded(pointer, kind, mask)
            return self.splat(self.asm(f"load {kind}, ptr {pointer}, align {size}"), kind)
        of = self.of(kind)
        if stride == 1 and not mask:
            return self.asm(f"load {of}, ptr {pointer}, align {size}")
        bits, zeros = f"{self.of('i1')} {mask or self.each('true', 'i1')}", f"{of} zeroinitializer"
        if stride == 1:
            name = f"@llvm.masked.load.{self.suffix(kind)}.p0"
            return self.asm.call(of, name, f"ptr {pointer}", f"i32 {size}", bits, zeros)
        if not mask and abs(stride) <= NEAR:
            return self._near(pointer, stride, kind)
        places = self.places(pointer, stride, kind)
        name = f"@llvm.masked.gather.{self.suffix(kind)}.v{self.width}p0"
        return self.asm.call(of, name, places, f"i32 {size}", bits, zeros)

    def _near(self, pointer: str, stride: int, kind: str) -> str:
        """Numbers near each other: vectors are loaded side by side, and their lanes picked.

        What is loaded begins with the first number that is wanted and ends with the last.
        """
        width = min(self.width, vector_bytes() // bytes_of(kind))
        if width < self.width:
            half = Lanes(self.asm, self.width // 2)
            further = f"getelementptr {kind}, ptr {pointer}, i64 {half.width * stride}"
            low = half._near(pointer, stride, kind)
            high = half._near(self.asm(further), stride, kind)
            return half.shuffle(kind, low, high, [*range(self.width)])
        wanted = [stride * k for k in range(width)]
        first, last = min(wanted), max(wanted)
        found = "poison"
        for start in [*range(first, last - width + 1, width), last - width + 1]:
            place = self.asm(f"getelementptr {kind}, ptr {pointer}, i64 {start}")
            x = self.asm(f"load {self.of(kind)}, ptr {place}, align {bytes_of(kind)}")
            here = [place - start for place in wanted]
            picks = [width + k if 0 <= k < width else i for i, k in enumerate(here)]
            found = self.shuffle(kind, found, x, picks)
        return found

    def shuffle(self, kind: str, x: str, y: str, picks: list[int]) -> str:
        """Lanes of two vectors, those of the second counted on from the first's."""
        order = ", ".join(f"i32 {k}" for k in picks)
        of = self.of(kind)
        return self.asm(f"shufflevector {of} {x}, {of} {y}, <{len(picks)} x i32> <{order}>")

    def _guarded(self, pointer: str, kind: str, mask: str) -> str:
        """One number from memory, if there is one."""
        zero = "zeroinitializer" if kind in ("double", "float") else "0"
        place = self.asm.variable(kind, zero)
        with self.asm.when(mask):
            value = self.asm(f"load {kind}, ptr {pointer}, align {bytes_of(kind)}")
            self.asm.set(kind, place, value)
        return self.asm.get(kind, place)

    def store(self, x: str, pointer: str, stride: int, dtype: np.dtype[Any]) -> None:
        """Put numbers at a place, `stride` apart, those that the mask has."""
        kind = memory_kind(dtype)
        if dtype.kind == "b":
            x = self.asm(f"zext {self.of('i1')} {x} to {self.of('i8')}")
        of, size = self.of(kind), bytes_of(kind)
        if self.width == 1 or (stride == 1 and not self.mask):
            self.asm.do(f"store {of} {x}, ptr {pointer}, align {size}")
            return
        bits = f"{self.of('i1')} {self.mask or self.each('true', 'i1')}"
        if stride == 1:
            name, where = f"@llvm.masked.store.{self.suffix(kind)}.p0", f"ptr {pointer}"
        else:
            name = f"@llvm.masked.scatter.{self.suffix(kind)}.v{self.width}p0"
            where = self.places(pointer, stride, kind)
        self.asm.call("void", name, f"{of} {x}", where, f"i32 {size}", bits)

    def load_at(self, pointer: str, offsets: str, dtype: np.dtype[Any], mask: str) -> str:
        """The numbers at offsets that each lane has of its own."""
        kind = memory_kind(dtype)
        of, bits = self.of(kind), self.both(mask)
        where = self.asm(f"getelementptr {kind}, ptr {pointer}, {self.of('i64')} {offsets}")
        if self.width == 1 and bits:
            x = self._guarded(where, kind, bits)
        elif self.width == 1:
            x = self.asm(f"load {kind}, ptr {where}, align {bytes_of(kind)}")
        else:
            name = f"@llvm.masked.gather.{self.suffix(kind)}.v{self.width}p0"
            bits = f"{self.of('i1')} {bits or self.each('true', 'i1')}"
            size, zeros = f"i32 {bytes_of(kind)}", f"{of} zeroinitializer"
            x = self.asm.call(of, name, f"{self.of('ptr')} {where}", size, bits, zeros)
        return self._truth(x, dtype)

    def places(self, pointer: str, stride: int, kind: str) -> str:
        """The addresses of the lanes, with their type."""
        steps = ", ".join(f"i64 {k * stride}" for k in range(self.width))
        steps = f"{self.of('i64')} <{steps}>"
        return f"{self.of('ptr')} {self.asm(f'getelementptr {kind}, ptr {pointer}, {steps}')}"

    def both(self, mask: str) -> str:
        """The lanes of a mask that are used."""
        if not mask or not self.mask:
            return mask or self.mask
        return self.two("and", "i1", mask, self.mask)

    # ---- across lanes ----

    def across(
        self, xs: Words, kinds: Words, combine: Callable[[Lanes, Words, Words], Words]
    ) -> Words:
        """One number from all lanes of each of some vectors, by halves of all of them."""
        if self.width == 1:
            return xs
        lanes = Lanes(self.asm, self.width // 2)
        low, high = (
            tuple(self.part(*each, start, lanes.width) for each in zip(xs, kinds, strict=True))
            for start in (0, lanes.width)
        )
        return lanes.across(combine(lanes, low, high), kinds, combine)

    def part(self, x: str, kind: str, start: int, width: int) -> str:
        """Some lanes of a vector."""
        of = self.of(kind)
        if width == 1:
            return self.asm(f"extractelement {of} {x}, i64 {start}")
        picks = ", ".join(f"i32 {start + k}" for k in range(width))
        return self.asm(f"shufflevector {of} {x}, {of} poison, <{width} x i32> <{picks}>")


def conversion(old: np.dtype[Any], new: np.dtype[Any]) -> str:
    """LLVM's instruction for numbers of one dtype as another."""
    if old.kind == "f":
        return "fpext" if new.itemsize > old.itemsize else "fptrunc"
    signed = old.kind == "i"
    if new.kind == "f":
        return "sitofp" if signed else "uitofp"
    if new.itemsize < old.itemsize:
        return "trunc"
    return "sext" if signed else "zext"
