"""Loop nests: what is computed at each index of a shape, and where it goes.

One nest is one pass over memory. Its steps are elementwise equations whose results stay in
registers; what it ends in are stores and reductions. The last axis runs over vectors; what is left
of it at the end is one more vector, of which some lanes are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...ir.steps import Equation, Value
from .assembly import Assembly
from .instructions import INSTRUCTIONS
from .lanes import Lanes, kind_of
from .places import Place
from .reductions import REDUCTIONS

Dtype = np.dtype[Any]

LONG = 48
"""Steps from which on a body is written once, with a mask that is all lanes but at the end."""


@dataclass(frozen=True)
class Step:
    """An elementwise equation, with the dtypes of NumPy's loop: operands, then result."""

    equation: Equation
    loop: tuple[Dtype, ...]

    @property
    def result(self) -> Value:
        return self.equation.results[0]


@dataclass(frozen=True)
class Reduction:
    """A value from all that are computed along some axes."""

    title: str
    operand: Value
    dtype: Dtype  # in which it is computed
    place: Place


@dataclass(eq=False)
class Nest:
    """A pass over the indices of a shape.

    Attributes
    ----------
    shape : tuple of int
    steps : list of Step
    reads : dict
        The places of values that are read from memory, seen in this shape.
    stores : list of (Value, Place)
    reductions : list of Reduction
    axes : frozenset of int or None
        Those that are reduced.
    """

    shape: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    reads: dict[Value, Place] = field(default_factory=dict)
    stores: list[tuple[Value, Place]] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)
    axes: frozenset[int] | None = None

    @property
    def places(self) -> list[Place]:
        """All that the nest touches in its own shape."""
        return [*self.reads.values(), *(place for _, place in self.stores)]


# ---------------------------------------------------------------------------- axes


@dataclass
class Axis:
    """One loop of a nest.

    Attributes
    ----------
    extent : int
    reduced : bool
    strides : list of int
        Of the places, in their order.
    bounds : list
        Of the places: a pair, or None.
    """

    extent: int
    reduced: bool
    strides: list[int]
    bounds: list[tuple[int, int] | None]


def axes_of(nest: Nest) -> list[Axis]:
    """The loops of a nest, adjacent axes as one where all places allow."""
    axes: list[Axis] = []
    reduced = nest.axes or frozenset()
    for k, extent in enumerate(nest.shape):
        bounds = [
            place.bounds[k] if place.bounds and place.bounds[k] != (0, extent) else None
            for place in nest.places
        ]
        new = Axis(extent, k in reduced, [place.strides[k] for place in nest.places], bounds)
        if extent == 1 and not any(bounds):
            continue
        if axes and joins(axes[-1], new):
            new.extent *= axes[-1].extent
            axes[-1] = new
        else:
            axes.append(new)
    return axes


def joins(outer: Axis, inner: Axis) -> bool:
    """Whether two axes are one for every place."""
    if outer.reduced != inner.reduced or any(outer.bounds) or any(inner.bounds):
        return False
    pairs = zip(outer.strides, inner.strides, strict=True)
    return all(a == b * inner.extent for a, b in pairs)


# ---------------------------------------------------------------------------- writing


class Writer:
    """Writes a nest.

    Parameters
    ----------
    asm : Assembly
    nest : Nest
    pointers : dict
        The names of the addresses of buffers.
    lanes : int
        Bytes of a vector.
    """

    def __init__(self, asm: Assembly, nest: Nest, pointers: Any, vector_bytes: int) -> None:
        self.asm, self.nest, self.pointers = asm, nest, pointers
        axes = axes_of(nest)
        vector = axes[-1] if axes else None  # it runs over vectors
        # Reductions are innermost, so that what they gather stays in registers.
        self.axes = [a for a in axes if not a.reduced] + [a for a in axes if a.reduced]
        self.vector = vector
        self.width = width_for(nest, vector, vector_bytes)
        self.first = next((k for k, a in enumerate(self.axes) if a.reduced), len(self.axes))
        self.gathered: list[Any] = []
        self.places = nest.places

    def write(self) -> None:
        if math.prod(self.nest.shape) or self.nest.reductions:
            self.level(0, [], "")

    def level(self, depth: int, index: list[str], mask: str) -> None:
        """The loops from one on; `mask` has the lanes that are used."""
        if depth == self.first and self.nest.reductions:
            lanes = self.lanes(mask)
            self.gathered = [
                REDUCTIONS[each.title].start(lanes, each.dtype) for each in self.nest.reductions
            ]
            self.inner(depth, index, mask)
            self.finish(index, mask)
        else:
            self.inner(depth, index, mask)

    def inner(self, depth: int, index: list[str], mask: str) -> None:
        if depth == len(self.axes):
            self.body(index, self.lanes(mask))
            return
        axis = self.axes[depth]
        if axis is not self.vector or self.width == 1:
            with self.asm.loop(0, axis.extent) as i:
                self.level(depth + 1, [*index, i], mask)
            return
        rest = axis.extent % self.width
        if rest and axis.extent > self.width and len(self.nest.steps) > LONG:
            with self.asm.loop(0, axis.extent, self.width) as i:
                lanes = Lanes(self.asm, self.width)
                end = lanes.splat(str(axis.extent), "i64")
                used = self.asm(f"icmp slt {lanes.of('i64')} {lanes.count(i)}, {end}")
                self.level(depth + 1, [*index, i], used)
            return
        full = axis.extent - rest
        if full:
            with self.asm.loop(0, full, self.width) as i:
                self.level(depth + 1, [*index, i], mask)
        if rest:
            bits = ", ".join(f"i1 {'true' if k < rest else 'false'}" for k in range(self.width))
            self.level(depth + 1, [*index, str(full)], f"<{bits}>")

    def lanes(self, mask: str) -> Lanes:
        return Lanes(self.asm, self.width, mask)

    # ---- one index ----

    def address(self, number: int, index: list[str]) -> tuple[str, int, str]:
        """Where a place has its number at an index, its stride there, and the lanes that have one.

        Parameters
        ----------
        number : int
            Of the place, among all of the nest.
        """
        place = self.places[number]
        offset, masks = str(place.offset), []
        for i, axis in zip(index, self.axes, strict=False):
            stride, bounds = axis.strides[number], axis.bounds[number]
            if bounds is not None:
                masks.append(self.within(i, bounds, axis is self.vector))
                offset = self.plus(offset, str(-bounds[0]), stride)
            offset = self.plus(offset, i, stride)
        kind = "i8" if place.dtype.kind == "b" else kind_of(place.dtype)
        base = self.pointers[place.buffer]
        if offset != "0":
            base = self.asm(f"getelementptr {kind}, ptr {base}, i64 {offset}")
        stride = self.vector.strides[number] if self.vector is not None else 0
        lanes = self.lanes("")
        mask = ""
        for each in masks:
            mask = lanes.two("and", "i1", mask, each) if mask else each
        return base, stride, mask

    def plus(self, offset: str, i: str, stride: int) -> str:
        """An offset further on."""
        if stride == 0 or i == "0":
            return offset
        if i.lstrip("-").isdigit():
            step = str(int(i) * stride)
        else:
            step = i if stride == 1 else self.asm(f"mul nsw i64 {i}, {stride}")
        if offset == "0":
            return step
        if offset.lstrip("-").isdigit() and step.lstrip("-").isdigit():
            return str(int(offset) + int(step))
        return self.asm(f"add nsw i64 {step}, {offset}")

    def within(self, i: str, bounds: tuple[int, int], by_lane: bool) -> str:
        """The lanes whose index is within bounds."""
        start, count = bounds
        plain, lanes = Lanes(self.asm, 1), self.lanes("")
        if by_lane:
            index, here = lanes.count(i), lanes
        else:
            index, here = i, plain
        of = here.of("i64")
        shifted = self.asm(f"sub {of} {index}, {here.each(str(start), 'i64')}")
        bits = self.asm(f"icmp ult {of} {shifted}, {here.each(str(count), 'i64')}")
        return bits if by_lane else lanes.splat(bits, "i1")

    def body(self, index: list[str], lanes: Lanes) -> None:
        """All that happens at one index."""
        env: dict[Value, str] = {}
        loaded: dict[Any, str] = {}
        for number, (value, place) in enumerate(self.nest.reads.items()):
            key = place.buffer, place.offset, tuple(a.strides[number] for a in self.axes)
            key = *key, tuple(a.bounds[number] for a in self.axes)
            if key not in loaded:
                pointer, stride, mask = self.address(number, index)
                loaded[key] = lanes.load(pointer, stride, place.dtype, mask)
            env[value] = loaded[key]
        for step in self.nest.steps:
            env[step.result] = self.step(step, env, lanes)
        for number, (value, place) in enumerate(self.nest.stores, len(self.nest.reads)):
            pointer, stride, _ = self.address(number, index)
            x = lanes.convert(env[value], value.dtype, place.dtype)
            lanes.store(x, pointer, stride, place.dtype)
        for each, state in zip(self.nest.reductions, self.gathered, strict=True):
            x = lanes.convert(env[each.operand], each.operand.dtype, each.dtype)
            REDUCTIONS[each.title].add(lanes, each.dtype, state, x)

    def step(self, step: Step, env: dict[Value, str], lanes: Lanes) -> str:
        """One equation."""
        operands = []
        for x, dtype in zip(step.equation.operands, step.loop, strict=False):
            if isinstance(x, Value):
                operands.append(lanes.convert(env[x], x.dtype, dtype))
            else:
                operands.append(lanes.constant(x, dtype))
        title = step.equation.p.title
        return INSTRUCTIONS[title](lanes, step.loop[title == "where"], *operands)

    def finish(self, index: list[str], mask: str) -> None:
        """Store what was gathered."""
        across = self.vector is not None and self.vector.reduced and self.width > 1
        kept = Lanes(self.asm, 1 if across else self.width, "" if across else mask)
        for each, state in zip(self.nest.reductions, self.gathered, strict=True):
            how, lanes = REDUCTIONS[each.title], self.lanes("")
            x = how.total(lanes, each.dtype, state, across)
            x = kept.convert(x, each.dtype, each.place.dtype)
            offset, inner = str(each.place.offset), 0
            for i, axis, stride in zip(index, self.axes, self.kept_strides(), strict=False):
                offset = self.plus(offset, i, stride)
                inner = stride if axis is self.vector else inner
            kind = "i8" if each.place.dtype.kind == "b" else kind_of(each.place.dtype)
            base = self.pointers[each.place.buffer]
            pointer = self.asm(f"getelementptr {kind}, ptr {base}, i64 {offset}")
            kept.store(x, pointer, inner, each.place.dtype)

    def kept_strides(self) -> list[int]:
        """The strides of a reduction's place along the loops that are not reduced.

        The place is compact, and so are the loops that were joined.
        """
        strides, step = [], 1
        for axis in reversed([a for a in self.axes if not a.reduced]):
            strides.append(step)
            step *= axis.extent
        return strides[::-1]


def width_for(nest: Nest, vector: Axis | None, vector_bytes: int) -> int:
    """The numbers in a vector: as many as its registers hold of the largest, or as are needed."""
    if vector is None:
        return 1
    dtypes = [place.dtype for place in nest.places]
    dtypes += [d for step in nest.steps for d in step.loop]
    dtypes += [each.dtype for each in nest.reductions]
    most = vector_bytes // max((d.itemsize for d in dtypes), default=8)
    needed = 1 << (vector.extent - 1).bit_length() if vector.extent > 1 else 1
    return max(1, min(most, needed))
