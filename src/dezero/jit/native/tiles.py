"""Products by tiles: blocks of the result that stay in registers while the sum is made.

A tile is some rows by some columns. Vectors run along the columns, where rows of `b` lie in memory
one after another; or along the sum, whose lanes are then added up at the end. The method is that of
Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication", for matrices that
fit into a cache: what there is packed are panels of `b`, and only if that pays.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import runtime
from .arrays import BYTES, Array, offset
from .assembly import Assembly
from .lanes import Lanes
from .products import Product

DTYPES = {"double": np.dtype("f8"), "float": np.dtype("f4")}

BLOCK = 256
"""Terms of a sum that are taken at a time where there are more rows than a tile has."""

LATENCY = 8
"""Sums under way at once that keep a processor busy: two units of four cycles each."""

KIND = 0.04
"""The part of its time that a product may lose for each kind of tile that is left out."""

UNROLLED = 64
"""Multiplications of a tile up to which they are written out, without a loop."""


def registers() -> int:
    """Vector registers that the processor has."""
    return 32 if runtime.has("avx512f") or runtime.has("neon") else 16


def widest(kind: str) -> int:
    """Numbers in a vector."""
    return runtime.vector_bytes() // BYTES[kind]


# ---- how a product is cut ----


@dataclass(frozen=True)
class Piece:
    """Tiles of one size, one after another along an axis.

    Attributes
    ----------
    start, count, size : int
        In rows, or in vectors.
    masked : bool
        Whether the last vector is not full.
    """

    start: int
    count: int
    size: int
    masked: bool = False


def pieces(total: int, most: int) -> list[Piece]:
    """As few tiles as there can be, with sizes that differ by at most one."""
    count = -(-total // most)
    size, larger = divmod(total, count)
    found = [Piece(0, larger, size + 1), Piece(larger * (size + 1), count - larger, size)]
    return [each for each in found if each.count]


def column_pieces(n: int, width: int, most: int) -> list[Piece]:
    """The same of vectors, of which the last may not be full."""
    *full, last = pieces(-(-n // width), most)
    if n % width == 0:
        return [*full, last]
    before = replace(last, count=last.count - 1)
    masked = Piece(last.start + before.count * last.size, 1, last.size, masked=True)
    return [*full, *([before] if before.count else []), masked]


@dataclass(frozen=True)
class Plan:
    """How a product is cut into tiles.

    Attributes
    ----------
    along_sum : bool
        Whether vectors run along the sum.
    width : int
        Numbers in a vector.
    rows, columns : int
        The most that a tile has; columns in vectors, or, along the sum, in numbers.
    packed : bool
        Whether panels of `b` are copied.
    cycles : float
        What it is thought to take.
    """

    along_sum: bool
    width: int
    rows: int
    columns: int
    packed: bool
    cycles: float


def plan(p: Product) -> Plan:
    """The best way to cut a product."""
    candidates = [_across(p)]
    if p.k.size > 1 and {p.k.a, p.k.b} <= {0, 1}:
        candidates.append(_along(p))
    return min(candidates, key=lambda each: each.cycles)


def _across(p: Product) -> Plan:
    width = min(widest(p.c.kind), 1 << (p.v.size - 1).bit_length())
    packed = p.r.b == 0 and p.r.size >= 4 and p.v.b != 1 and p.k.size > 1
    vectors = -(-p.v.size // width)

    def cycles(rows: int, columns: int) -> float:
        tiles = -(-vectors // columns) * -(-p.r.size // rows)
        rows, columns = pieces(p.r.size, rows)[0].size, pieces(vectors, columns)[0].size
        each = max(rows * columns, rows + columns, LATENCY) / 2 + 0.5
        kinds = len(pieces(p.r.size, rows)) * len(column_pieces(p.v.size, width, columns))
        return tiles * (each * p.k.size + 4 + rows * columns) * (1 + KIND * kinds)

    sizes = [
        (rows, columns)
        for columns in range(1, registers() // 2 + 1)
        for rows in range(1, 15)
        if rows * columns + columns + 2 <= registers()
    ]
    rows, columns = min(sizes, key=lambda each: cycles(*each))
    moved = p.k.size * p.v.size * (packed or p.r.size * (p.v.b != 1)) * 1.5
    return Plan(False, width, rows, columns, packed, cycles(rows, columns) + moved)


def _along(p: Product) -> Plan:
    width = min(widest(p.c.kind), 1 << (p.k.size - 1).bit_length())
    room = 4 if registers() == 32 else 2
    rows, columns = min(p.r.size, room), min(p.v.size, room)
    if columns == 1:
        rows = min(p.r.size, 2 * room)
    steps = -(-p.k.size // width)
    each = (1 + 1 / rows + 1 / columns) / 2 * steps + 2 * width.bit_length()
    return Plan(True, width, rows, columns, False, p.r.size * p.v.size * each)


def scratch(p: Product, how: Plan) -> int:
    """Bytes of a workspace that it needs."""
    if not how.packed:
        return 0
    terms = -(-min(p.k.size, BLOCK) // how.width) * how.width
    return terms * how.columns * how.width * BYTES[p.b.kind]


# ---- the code ----


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
    """An operand under its pointer, with its strides along the axes of the tiles."""

    pointer: str
    r: int
    v: int
    k: int

    def at(self, asm: Assembly, kind: str, **where: str | int) -> Operand:
        """The same from other indices on."""
        terms = [(index, getattr(self, axis)) for axis, index in where.items()]
        return replace(self, pointer=offset(asm, self.pointer, kind, *terms))


@dataclass(frozen=True)
class Writer:
    """What writes the tiles of a product.

    Attributes
    ----------
    adds : bool
        Whether the result has a part of the sum already.
    """

    asm: Assembly
    p: Product
    how: Plan
    adds: bool

    @property
    def kind(self) -> str:
        return self.p.c.kind

    def lanes(self, full: bool, last: int) -> Lanes:
        """For a vector, of which perhaps only the first lanes are used."""
        width = self.how.width
        if full:
            return Lanes(self.asm, width)
        bits = ", ".join(f"i1 {'true' if k < last else 'false'}" for k in range(width))
        return Lanes(self.asm, width, self.asm(f"freeze <{width} x i1> <{bits}>"))

    # ---- all tiles ----

    def write(self, a: Operand, b: Operand, c: Operand, terms: str | int, workspace: str) -> None:
        """All tiles, of a sum of that many terms."""
        width = 1 if self.how.along_sum else self.how.width
        for columns in column_pieces(self.p.v.size, width, self.how.columns):
            with steps(self.asm, columns.count, columns.size * width) as i:
                start = {"v": i} if columns.count > 1 else {}
                here = [
                    x.at(self.asm, self.kind, v=columns.start * width).at(
                        self.asm, self.kind, **start
                    )
                    for x in (a, b, c)
                ]
                if self.how.packed:
                    here[1] = self.packed(here[1], columns, terms, workspace)
                self.panel(*here, columns, terms)

    def panel(self, a: Operand, b: Operand, c: Operand, columns: Piece, terms: str | int) -> None:
        """All rows of some columns."""
        for rows in pieces(self.p.r.size, self.how.rows):
            with steps(self.asm, rows.count, rows.size) as i:
                start = {"r": i} if rows.count > 1 else {}
                here = [
                    x.at(self.asm, self.kind, r=rows.start).at(self.asm, self.kind, **start)
                    for x in (a, b, c)
                ]
                self.tile(*here, rows.size, columns, terms)

    def packed(self, b: Operand, columns: Piece, terms: str | int, workspace: str) -> Operand:
        """A panel of `b` copied, row by row: by vectors, turned in registers, if that can be."""
        asm, kind, width = self.asm, self.kind, columns.size * self.how.width
        used = width if not columns.masked else width - self.how.width + self.last
        to = Operand(workspace, 0, 1, width)
        if b.k != 1 or self.how.width == 1:
            with asm.loop(0, used) as j, asm.loop(0, terms) as k:
                x = asm(f"load {kind}, ptr {b.at(asm, kind, v=j, k=k).pointer}")
                asm.do(f"store {kind} {x}, ptr {to.at(asm, kind, v=j, k=k).pointer}")
            return to
        step = self.how.width
        with steps(asm, used // step, step) if used >= step else contextlib.nullcontext() as j:
            if used >= step:
                self.turn(*(x.at(asm, kind, v=j) for x in (b, to)), terms, step)
        if used % step:
            start = used - used % step
            self.turn(*(x.at(asm, kind, v=start) for x in (b, to)), terms, used % step)
        return to

    def turn(self, b: Operand, to: Operand, terms: str | int, columns: int) -> None:
        """Copy a few columns of `b`, at most as many as a vector has numbers, as rows.

        What is written of the last of them goes beyond the terms, into the workspace.
        """
        asm, kind, lanes = self.asm, self.kind, Lanes(self.asm, self.how.width)
        with asm.loop(0, terms, lanes.width) as k:
            left = lanes.splat(asm(f"sub i64 {terms}, {k}"), "i64")
            mask = asm(f"icmp slt {lanes.of('i64')} {lanes.count('0')}, {left}")
            rows = [
                lanes.load(b.at(asm, kind, v=j, k=k).pointer, 1, DTYPES[kind], mask)
                for j in range(columns)
            ]
            rows += ["zeroinitializer"] * (lanes.width - columns)
            for i, x in enumerate(transposed(lanes, kind, rows)):
                place = to.at(asm, kind, k=k).at(asm, kind, k=i).pointer
                lanes.store(x, place, 1, DTYPES[kind])

    @property
    def last(self) -> int:
        """Lanes that are used of a vector that is not full."""
        return (self.p.k if self.how.along_sum else self.p.v).size % self.how.width

    # ---- one tile ----

    def tile(
        self, a: Operand, b: Operand, c: Operand, rows: int, columns: Piece, terms: str | int
    ) -> None:
        """One block of the result."""
        cells = [*itertools.product(range(rows), range(columns.size))]
        copies = max(1, LATENCY // len(cells)) if isinstance(terms, int) else 1
        lanes = Lanes(self.asm, self.how.width)
        zero = "zeroinitializer" if lanes.width > 1 else lanes.constant(0, DTYPES[self.kind])
        sums = {
            (*cell, u): self.asm.variable(lanes.of(self.kind), zero)
            for cell in cells
            for u in range(copies)
        }
        self.sum(Cells(self, a, b, sums, columns), copies, terms)
        for i, j in cells:
            whole = self.total(lanes, [sums[i, j, u] for u in range(copies)])
            self.put(whole, c, i, j, columns)

    def sum(self, cells: Cells, copies: int, terms: str | int) -> None:
        """The loop over the sum, a few terms at once."""
        step = self.how.width if self.how.along_sum else 1
        if not isinstance(terms, int):
            with self.asm.loop(0, terms) as k:
                cells.add(k, 0)
            return
        whole = terms // step
        if whole * len(cells.sums) // copies <= UNROLLED:
            for k in range(whole):
                cells.add(k * step, k % copies)
        else:
            with self.asm.loop(0, whole // copies * copies * step, copies * step) as k:
                for u in range(copies):
                    cells.add(k, u, u * step)
            for u in range(whole % copies):
                cells.add((whole - 1 - u) * step, u)
        if terms % step:
            cells.add(whole * step, 0, full=False)

    def total(self, lanes: Lanes, places: list[str]) -> str:
        """What the copies of a sum are together."""
        parts = [self.asm.get(lanes.of(self.kind), place) for place in places]
        while len(parts) > 1:
            first, second, *rest = parts
            parts = [*rest, lanes.two("fadd", self.kind, first, second)]
        return parts[0]

    def put(self, x: str, c: Operand, i: int, j: int, columns: Piece) -> None:
        """A sum to its place in the result."""
        dtype, lanes, width = DTYPES[self.kind], Lanes(self.asm, 1), 1
        if self.how.along_sum:
            wide = Lanes(self.asm, self.how.width)
            x = wide.across(x, self.kind, lambda some, p, q: some.two("fadd", self.kind, p, q))
        else:
            lanes = self.lanes(not columns.masked or j < columns.size - 1, self.last)
            width = self.how.width
        place = c.at(self.asm, self.kind, r=i, v=j * width).pointer
        if self.adds:
            x = lanes.two("fadd", self.kind, lanes.load(place, c.v, dtype), x)
        lanes.store(x, place, c.v, dtype)


@dataclass(frozen=True)
class Cells:
    """The sums of a tile, by row, column and copy, and what is added to them."""

    writer: Writer
    a: Operand
    b: Operand
    sums: dict[tuple[int, int, int], str]
    columns: Piece

    def add(self, k: str | int, copy: int, further: int = 0, full: bool = True) -> None:
        """Terms `k` and `further` of all sums, to one of their copies."""
        asm, kind = self.writer.asm, self.writer.kind
        a, b = (x.at(asm, kind, k=k).at(asm, kind, k=further) for x in (self.a, self.b))
        seen: dict[tuple[str, int, int], str] = {}
        lanes = Lanes(asm, self.writer.how.width)
        for (i, j, u), place in self.sums.items():
            if u != copy:
                continue
            x, y = (self.once(seen, name, each, i, j, full) for name, each in (("a", a), ("b", b)))
            before = asm.get(lanes.of(kind), place)
            asm.set(lanes.of(kind), place, lanes.intrinsic("llvm.fma", kind, x, y, before))

    def once(
        self,
        seen: dict[tuple[str, int, int], str],
        name: str,
        x: Operand,
        i: int,
        j: int,
        full: bool,
    ) -> str:
        """A vector of an operand, loaded once."""
        key = name, i if x.r else 0, j if x.v else 0
        if key not in seen:
            seen[key] = self.load(x, i, j, full)
        return seen[key]

    def load(self, x: Operand, i: int, j: int, full: bool) -> str:
        w, how = self.writer, self.writer.how
        lanes, dtype = Lanes(w.asm, how.width), DTYPES[w.kind]
        if how.along_sum:
            mask = "" if full else w.lanes(False, w.last).mask
            return lanes.load(x.at(w.asm, w.kind, r=i, v=j).pointer, x.k, dtype, mask)
        if self.columns.masked and j == self.columns.size - 1:
            lanes = w.lanes(False, w.last)
        return lanes.load(x.at(w.asm, w.kind, r=i, v=j * how.width).pointer, x.v, dtype)


def transposed(lanes: Lanes, kind: str, rows: list[str]) -> list[str]:
    """Vectors as the columns of others: halves, quarters, … of pairs of them change places."""
    step = lanes.width // 2
    while step:
        for i in (i for i in range(lanes.width) if not i & step):
            first, second = (
                [(k & step and lanes.width) + (k & ~step | part * step) for k in range(lanes.width)]
                for part in (0, 1)
            )
            rows[i], rows[i | step] = (
                shuffled(lanes, kind, rows[i], rows[i | step], order) for order in (first, second)
            )
        step //= 2
    return rows


def shuffled(lanes: Lanes, kind: str, x: str, y: str, order: list[int]) -> str:
    """Lanes of two vectors."""
    picks = ", ".join(f"i32 {k}" for k in order)
    of = lanes.of(kind)
    return lanes.asm(f"shufflevector {of} {x}, {of} {y}, <{lanes.width} x i32> <{picks}>")


# ---- the whole product ----


def fill(asm: Assembly, c: Array) -> None:
    """Zeros for an array that is written row by row."""
    asm.call(
        "void", "@llvm.memset.p0.i64", f"ptr {c.pointer}", "i8 0", f"i64 {c.bytes}", "i1 false"
    )


def write(asm: Assembly, p: Product, how: Plan, workspace: str) -> None:
    """Code for ``c = Σ a b``."""
    blocked = p.k.size > BLOCK and p.r.size > how.rows
    if p.c.size == 0:
        return
    empty = any(each.size == 0 for each in p.all)
    adds = p.sums_outside or blocked
    if empty or adds:
        fill(asm, p.c)
    if empty:
        return
    a, b, c = (
        Operand(x.pointer, *(getattr(axis, name) for axis in (p.r, p.v, p.k)))
        for name, x in (("a", p.a), ("b", p.b), ("c", p.c))
    )
    with contextlib.ExitStack() as stack:
        for axis in p.outer:
            i = stack.enter_context(steps(asm, axis.size))
            a, b, c = (
                replace(x, pointer=offset(asm, x.pointer, p.c.kind, (i, stride)))
                for x, stride in ((a, axis.a), (b, axis.b), (c, axis.c))
            )
        terms: str | int = p.k.size
        if blocked:
            k = stack.enter_context(asm.loop(0, p.k.size, BLOCK))
            a, b = (x.at(asm, p.c.kind, k=k) for x in (a, b))
            rest = asm(f"sub i64 {p.k.size}, {k}")
            terms = asm.call("i64", "@llvm.smin.i64", f"i64 {rest}", f"i64 {BLOCK}")
        Writer(asm, p, how, adds).write(a, b, c, terms, workspace)
