"""How a product is cut into tiles: blocks of the result that stay in registers.

A tile is some rows by some columns. Vectors run across the columns, where rows of `b` lie in memory
one after another; or along the sum, and their lanes are then added up at the end. The method is
that of Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication", for matrices
that fit into a cache: what is packed are panels of `b`, and only if it must be turned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import runtime
from .products import Product

BLOCK = 256
"""Terms of a sum that are taken at a time where a panel of `b` is used again, from the cache; …"""

STREAMS = 8
"""… and where it is not, and all of `b` comes from memory, row beside row."""

CACHE = 1 << 20
"""Bytes that are near the processor."""

LATENCY = 8
"""Sums under way at once that keep a processor busy: two units of four cycles each."""

KIND = 0.04
"""The part of its time that a product may lose for each kind of tile that is left out."""


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
    """How a product is cut.

    Attributes
    ----------
    along : bool
        Whether vectors run along the sum.
    width : int
        Numbers in a vector.
    rows, columns : int
        The most that a tile has; columns in vectors, or, along the sum, in numbers.
    packed : bool
        Whether panels of `b` are copied.
    block : int
        Terms of the sum that are taken at a time; 0 if that is all.
    cycles : float
        What it is thought to take.
    """

    along: bool
    width: int
    rows: int
    columns: int
    packed: bool
    block: int
    cycles: float

    @property
    def step(self) -> int:
        """Numbers that a column of a tile stands for."""
        return 1 if self.along else self.width

    def scratch(self, p: Product) -> int:
        """Bytes of workspace that it needs."""
        if not self.packed:
            return 0
        terms = -(-(self.block or p.k.size) // self.width) * self.width
        return terms * self.columns * self.width * p.c.dtype.itemsize


def plan(p: Product) -> Plan:
    """The best way to cut a product."""
    candidates = [across(p)]
    if p.k.size > 1 and {p.k.a, p.k.b} <= {0, 1}:
        candidates.append(along(p))
    return min(candidates, key=lambda each: each.cycles)


def registers() -> int:
    """Vector registers that the processor has."""
    return 32 if runtime.has("avx512f") or runtime.has("neon") else 16


def width_for(p: Product, n: int) -> int:
    """Numbers in a vector, of `n` to go over."""
    return min(runtime.vector_bytes() // p.c.dtype.itemsize, 1 << (n - 1).bit_length())


def across(p: Product) -> Plan:
    """With vectors across the columns."""
    width = width_for(p, p.v.size)
    turned = p.v.b != 1 and p.k.size > 1
    packed = turned and p.r.b == 0 and p.r.size >= 4
    vectors = -(-p.v.size // width)

    def cycles(rows: int, columns: int) -> float:
        tiles = -(-vectors // columns) * -(-p.r.size // rows)
        kinds = len(pieces(p.r.size, rows)) * len(column_pieces(p.v.size, width, columns))
        rows, columns = pieces(p.r.size, rows)[0].size, pieces(vectors, columns)[0].size
        loads = rows + 2 * columns  # a vector may lie in two lines of the cache
        term = max(rows * columns, loads, LATENCY) / 2 + 0.5
        return tiles * (term * p.k.size + 4 + rows * columns) * (1 + KIND * kinds)

    most = registers()
    sizes = [
        (rows, columns)
        for columns in range(1, most // 2 + 1)
        for rows in range(1, most // 2)
        if (rows + 1) * columns + 2 <= most
    ]
    rows, columns = min(sizes, key=lambda each: cycles(*each))
    copying = p.k.size * p.v.size * turned * (1.0 if packed else 1.5 * p.r.size)
    block = 0
    if p.r.size > rows:
        block = BLOCK
    elif p.v.size * p.k.size * p.c.dtype.itemsize > CACHE:
        block = STREAMS
    block = 0 if p.k.size <= block else block
    return Plan(False, width, rows, columns, packed, block, cycles(rows, columns) + copying)


def along(p: Product) -> Plan:
    """With vectors along the sum."""
    width = width_for(p, p.k.size)
    room = registers() // 8
    rows = min(p.r.size, room if p.v.size > 1 else 2 * room)
    columns = min(p.v.size, room if p.r.size > 1 else 2 * room)
    term = (1 + 1 / rows + 1 / columns) / 2
    each = term * -(-p.k.size // width) + 2 * width.bit_length()
    return Plan(True, width, rows, columns, False, 0, p.r.size * p.v.size * each)
