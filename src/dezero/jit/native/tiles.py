"""The code of products, by tiles (`plans.py`)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .arrays import Array, offset
from .assembly import Assembly
from .kinds import first_lanes
from .lanes import Lanes
from .plans import LATENCY, Piece, Plan, column_pieces, pieces
from .products import Product

UNROLLED = 64
"""Multiplications of a tile up to which they are written out, without a loop."""


@contextlib.contextmanager
def steps(asm: Assembly, count: int, size: int = 1) -> Iterator[str | int]:
    """``for i in range(0, count * size, size)``; if that is 0 alone, without a loop."""
    if count == 1:
        yield 0
    else:
        with asm.loop(0, count * size, size) as i:
            yield i


@dataclass(frozen=True)
class Operand:
    """An operand, or the result, from an element on, with its strides along the axes of tiles."""

    asm: Assembly
    kind: str
    pointer: str
    r: int
    v: int
    k: int

    def at(self, **where: tuple[str | int, ...]) -> Operand:
        """The same from other indices on, each of which is a sum."""
        terms = [(i, getattr(self, axis)) for axis, parts in where.items() for i in parts]
        return replace(self, pointer=offset(self.asm, self.pointer, self.kind, *terms))


Operands = tuple[Operand, Operand, Operand]


def each_at(operands: Operands, **where: tuple[str | int, ...]) -> Operands:
    """All three from other indices on."""
    a, b, c = operands
    return a.at(**where), b.at(**where), c.at(**where)


def write(asm: Assembly, p: Product, how: Plan, workspace: str) -> None:
    """Code for ``c = Σ a b``; `c` is compact."""
    adds = p.sums_outside or how.block > 0
    empty = any(each.size == 0 for each in p.all)
    if empty or adds:
        zeroed(asm, p.c)
    if empty:
        return
    with contextlib.ExitStack() as stack:
        p = inside(asm, p, stack)
        a, b, c = (
            Operand(asm, x.kind, x.pointer, *(getattr(axis, key) for axis in (p.r, p.v, p.k)))
            for key, x in (("a", p.a), ("b", p.b), ("c", p.c))
        )
        terms: str | int = p.k.size
        if how.block:
            k = stack.enter_context(asm.loop(0, p.k.size, how.block))
            a, b, c = each_at((a, b, c), k=(k,))
            rest = asm(f"sub i64 {p.k.size}, {k}")
            terms = asm.call("i64", "@llvm.smin.i64", f"i64 {rest}", f"i64 {how.block}")
        Writer(asm, p, how, adds, terms, workspace).write((a, b, c))


def zeroed(asm: Assembly, x: Array) -> None:
    """Zeros in a compact array."""
    zeros = f"ptr {x.pointer}", "i8 0", f"i64 {x.bytes}", "i1 false"
    asm.call("void", "@llvm.memset.p0.i64", *zeros)


def inside(asm: Assembly, p: Product, loops: contextlib.ExitStack) -> Product:
    """The product as it is inside the loops over its outer axes, which are begun."""
    for axis in p.outer:
        i = loops.enter_context(steps(asm, axis.size))
        a, b, c = p.a.at(asm, (i, axis.a)), p.b.at(asm, (i, axis.b)), p.c.at(asm, (i, axis.c))
        p = replace(p, a=a, b=b, c=c)
    return p


@dataclass(frozen=True)
class Writer:
    """What writes the tiles of a product.

    Attributes
    ----------
    adds : bool
        Whether the result has a part of the sum already.
    terms : int or str
        Of the sum.
    """

    asm: Assembly
    p: Product
    how: Plan
    adds: bool
    terms: str | int
    workspace: str

    def write(self, operands: Operands) -> None:
        """All tiles."""
        step = self.how.step
        for columns in column_pieces(self.p.v.size, step, self.how.columns):
            with steps(self.asm, columns.count, columns.size * step) as j:
                a, b, c = each_at(operands, v=(columns.start * step, j))
                if self.how.packed:
                    b = self.packed(b, columns)
                for rows in pieces(self.p.r.size, self.how.rows):
                    with steps(self.asm, rows.count, rows.size) as i:
                        here = each_at((a, b, c), r=(rows.start, i))
                        Tile(self, here, rows.size, columns).write()

    def packed(self, b: Operand, columns: Piece) -> Operand:
        """A panel of `b` copied, row by row: by vectors, turned in registers, if that can be."""
        width, asm = self.how.width, self.asm
        used = columns.size * width if not columns.masked else self.p.v.size - columns.start * width
        to = replace(b, pointer=self.workspace, r=0, v=1, k=columns.size * width)
        whole = used // width if b.k == 1 and width > 1 else 0
        if whole:
            with steps(asm, whole, width) as j:
                self.turn(b.at(v=(j,)), to.at(v=(j,)), width)
        rest = used - whole * width
        if rest and b.k == 1 and width > 1:
            self.turn(b.at(v=(whole * width,)), to.at(v=(whole * width,)), rest)
        elif rest:
            with asm.loop(0, used) as column, asm.loop(0, self.terms) as k:
                x = asm(f"load {b.kind}, ptr {b.at(v=(column,), k=(k,)).pointer}")
                asm.do(f"store {b.kind} {x}, ptr {to.at(v=(column,), k=(k,)).pointer}")
        return to

    def turn(self, b: Operand, to: Operand, columns: int) -> None:
        """Copy a few columns of `b`, at most as many as a vector has numbers, as rows.

        What is written of the last of them goes beyond the terms, into the workspace.
        """
        lanes, dtype = Lanes(self.asm, self.how.width), self.p.c.dtype
        with self.asm.loop(0, self.terms, lanes.width) as k:
            left = lanes.splat(self.asm(f"sub i64 {self.terms}, {k}"), "i64")
            mask = self.asm(f"icmp slt {lanes.of('i64')} {lanes.count('0')}, {left}")
            rows = [
                lanes.load(b.at(v=(j,), k=(k,)).pointer, 1, dtype, mask) for j in range(columns)
            ]
            rows += ["zeroinitializer"] * (lanes.width - columns)
            for i, x in enumerate(transposed(lanes, b.kind, rows)):
                lanes.store(x, to.at(k=(k, i)).pointer, 1, dtype)


def transposed(lanes: Lanes, kind: str, rows: list[str]) -> list[str]:
    """Vectors as the columns of others: halves, quarters, … of pairs of them change places."""
    step = lanes.width // 2
    while step:
        places = range(lanes.width)
        orders = [
            [(k & step and lanes.width) + (k & ~step | part) for k in places] for part in (0, step)
        ]
        for i in (i for i in places if not i & step):
            pair = rows[i], rows[i | step]
            rows[i], rows[i | step] = (lanes.shuffle(kind, *pair, order) for order in orders)
        step //= 2
    return rows


class Tile:
    """One block of the result: its sums in registers, each perhaps in several parts."""

    def __init__(self, writer: Writer, operands: Operands, rows: int, columns: Piece) -> None:
        self.asm, self.p, self.how = writer.asm, writer.p, writer.how
        self.adds, self.terms = writer.adds, writer.terms
        self.a, self.b, self.c = operands
        self.columns = columns
        self.cells = [*itertools.product(range(rows), range(columns.size))]
        fixed = isinstance(self.terms, int)
        self.parts = max(1, LATENCY // len(self.cells)) if fixed else 1
        self.lanes = Lanes(self.asm, self.how.width)
        self.type = self.lanes.of(self.c.kind)
        zero = self.lanes.constant(0, self.p.c.dtype)
        self.sums = {
            (*cell, part): self.asm.variable(self.type, zero)
            for cell in self.cells
            for part in range(self.parts)
        }

    def write(self) -> None:
        """The sums, and then the block."""
        self.sum()
        for i, j in self.cells:
            self.put(i, j)

    # ---- the sum ----

    def sum(self) -> None:
        """The loop over the sum, a few terms at once."""
        terms, parts = self.terms, self.parts
        if isinstance(terms, str):
            with self.asm.loop(0, terms) as k:
                self.add((k,), 0)
            return
        step = self.how.width if self.how.along else 1
        whole = terms // step
        looped = whole - whole % parts if whole * len(self.cells) > UNROLLED else 0
        if looped:
            with self.asm.loop(0, looped * step, parts * step) as k:
                for part in range(parts):
                    self.add((k, part * step), part)
        for rest in range(looped, whole):
            self.add((rest * step,), rest % parts)
        if terms % step:
            self.add((whole * step,), 0, full=False)

    def add(self, k: tuple[str | int, ...], part: int, full: bool = True) -> None:
        """The terms from an index on, to one part of all sums."""
        a, b = self.a.at(k=k), self.b.at(k=k)
        seen: dict[Any, str] = {}
        for i, j in self.cells:
            x, y = (self.once(seen, operand, i, j, full) for operand in (a, b))
            place = self.sums[i, j, part]
            before = self.asm.get(self.type, place)
            after = add_product(self.lanes, x, y, before, self.c.kind)
            self.asm.set(self.type, place, after)

    def once(self, seen: dict[Any, str], x: Operand, i: int, j: int, full: bool) -> str:
        """A vector of an operand, loaded once."""
        key = x, i if x.r else 0, j if x.v else 0
        if key not in seen:
            place = x.at(r=(i,), v=(j * self.how.step,)).pointer
            dtype = self.p.c.dtype
            if self.how.along:
                mask = "" if full else mask_of(self.lanes, self.p.k.size % self.how.width)
                seen[key] = self.lanes.load(place, x.k, dtype, mask)
            else:
                seen[key] = self.column(j).load(place, x.v, dtype)
        return seen[key]

    def column(self, j: int) -> Lanes:
        """For the vectors of a column of the tile."""
        if not self.columns.masked or j < self.columns.size - 1:
            return self.lanes
        mask = mask_of(self.lanes, self.p.v.size % self.how.width)
        return replace(self.lanes, mask=mask)

    # ---- the result ----

    def total(self, i: int, j: int) -> str:
        """A sum from its parts."""
        parts = [self.asm.get(self.type, self.sums[i, j, part]) for part in range(self.parts)]
        while len(parts) > 1:
            first, second, *rest = parts
            parts = [*rest, add(self.lanes, first, second, self.c.kind)]
        return parts[0]

    def put(self, i: int, j: int) -> None:
        """A sum to its place in the result."""
        x, lanes, kind = self.total(i, j), self.column(j), self.c.kind
        if self.how.along:
            (x,) = lanes.across((x,), (kind,), lambda some, p, q: (add(some, p[0], q[0], kind),))
            lanes = Lanes(self.asm, 1)
        place = self.c.at(r=(i,), v=(j * self.how.step,)).pointer
        if self.adds:
            x = add(lanes, lanes.load(place, self.c.v, self.p.c.dtype), x, kind)
        lanes.store(x, place, self.c.v, self.p.c.dtype)


def add(lanes: Lanes, x: str, y: str, kind: str) -> str:
    """The sum of two vectors."""
    return lanes.two("add" if kind[0] == "i" else "fadd", kind, x, y)


def add_product(lanes: Lanes, x: str, y: str, z: str, kind: str) -> str:
    """``x * y + z``, rounded once."""
    if kind[0] == "i":
        return add(lanes, lanes.two("mul", kind, x, y), z, kind)
    return lanes.intrinsic("llvm.fma", kind, x, y, z)


def mask_of(lanes: Lanes, used: int) -> str:
    """The bits of the first lanes."""
    return lanes.asm(f"freeze {lanes.of('i1')} {first_lanes(used, lanes.width)}")
