"""Loop nests: what is computed at each index of a shape, and where it goes.

One nest is one pass over memory. Its steps are elementwise equations whose results stay in
registers; what it ends in are stores and reductions. The last axis runs over vectors; what is left
of it at the end is one more vector, of which some lanes are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.steps import Equation, Value
from .instructions import ELEMENTARY, INSTRUCTIONS
from .lanes import Lanes, kind_of
from .places import Place
from .reductions import FOLDS

if TYPE_CHECKING:
    from .program import Program

Dtype = np.dtype[Any]

LONG = 48
"""Steps from which on a body is written once, with a mask that is all lanes but at the end."""


@dataclass(frozen=True)
class Computed:
    """An elementwise equation, with the dtypes of NumPy's loop: operands, then result."""

    equation: Equation
    loop: tuple[Dtype, ...]

    @property
    def result(self) -> Value:
        return self.equation.results[0]


@dataclass(frozen=True)
class Reduction:
    """A value from all that are computed along some axes.

    Attributes
    ----------
    operands : tuple of Value
        The second, if there is one, says where each number is from.
    dtype : dtype
        In which it is computed.
    """

    title: str
    operands: tuple[Value, ...]
    dtype: Dtype
    place: Place


@dataclass(frozen=True)
class Lookup:
    """Numbers at places that are computed: read, or added to.

    Attributes
    ----------
    value : Value
        What is read; or what is added.
    place : Place
        The array, seen in the nest's shape, at the first place of each axis that is looked up in.
    rows : tuple of (Value, int)
        The places along such axes, with the stride there.
    allowed : Value or None
        Whether a place is within the array.
    """

    value: Value
    place: Place
    rows: tuple[tuple[Value, int], ...]
    allowed: Value | None

    @property
    def result(self) -> Value:
        return self.value


@dataclass(eq=False)
class Nest:
    """A pass over the indices of a shape.

    Attributes
    ----------
    shape : tuple of int
    steps : list of Computed
    reads : dict
        The places of values that are read from memory, seen in this shape.
    stores : list of (Value, Place)
    reductions : list of Reduction
    axes : frozenset of int or None
        Those that are reduced.
    """

    shape: tuple[int, ...]
    steps: list[Computed | Lookup] = field(default_factory=list)
    reads: dict[Value, Place] = field(default_factory=dict)
    stores: list[tuple[Value, Place]] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)
    axes: frozenset[int] | None = None
    deposits: list[Lookup] = field(default_factory=list)
    running: list[Reduction] = field(default_factory=list)

    @property
    def lookups(self) -> list[Lookup]:
        return [*(s for s in self.steps if isinstance(s, Lookup)), *self.deposits]

    @property
    def places(self) -> list[Place]:
        """All that the nest reads and stores, in its own shape."""
        stores = (place for _, place in self.stores)
        others = [each.place for each in self.lookups] + [each.place for each in self.running]
        return [*self.reads.values(), *stores, *others]

    @property
    def touched(self) -> list[Place]:
        """All that the nest reads and writes."""
        return [*self.places, *(each.place for each in self.reductions)]

    def write(self, program: Program) -> None:
        if math.prod(self.shape) or self.reductions:
            Writer(self, program).level(0, [], "")


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
    """Writes a nest."""

    def __init__(self, nest: Nest, program: Program) -> None:
        self.nest, self.asm, self.pointers = nest, program.asm, program.pointers
        axes = axes_of(nest)
        # Reductions are innermost, so that what they gather stays in registers.
        self.axes = [a for a in axes if not a.reduced] + [a for a in axes if a.reduced]
        self.vector, self.width = vectors_for(nest, axes, program.vector_bytes)
        self.first = next((k for k, a in enumerate(self.axes) if a.reduced), len(self.axes))
        self.gathering = [*nest.reductions, *nest.running]
        self.gathered: list[Any] = []
        self.places = nest.places

    def level(self, depth: int, index: list[str], mask: str) -> None:
        """The loops from one on; `mask` has the lanes that are used."""
        if depth == self.first and self.gathering:
            lanes = self.lanes(mask)
            self.gathered = [FOLDS[each.title].start(lanes, each.dtype) for each in self.gathering]
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
        env = self.loaded(index, lanes)
        for step in self.nest.steps:
            if isinstance(step, Lookup):
                pointer, offsets, allowed = self.looked_up(step, env, index, lanes)
                env[step.value] = lanes.load_at(pointer, offsets, step.value.dtype, allowed)
            else:
                env[step.result] = self.step(step, env, lanes)
        for deposit in self.nest.deposits:
            self.deposit(deposit, env, index, lanes)
        for number, (value, place) in enumerate(self.nest.stores, len(self.nest.reads)):
            pointer, stride, _ = self.address(number, index)
            x = lanes.convert(env[value], value.dtype, place.dtype)
            lanes.store(x, pointer, stride, place.dtype)
        self.gather(env, index, lanes)

    def loaded(self, index: list[str], lanes: Lanes) -> dict[Value, str]:
        """What is read, each place once."""
        env: dict[Value, str] = {}
        known: dict[Any, str] = {}
        for number, (value, place) in enumerate(self.nest.reads.items()):
            seen = ((a.strides[number], a.bounds[number]) for a in self.axes)
            key = place.buffer, place.offset, *seen
            if key not in known:
                pointer, stride, mask = self.address(number, index)
                known[key] = lanes.load(pointer, stride, place.dtype, mask)
            env[value] = known[key]
        return env

    def gather(self, env: dict[Value, str], index: list[str], lanes: Lanes) -> None:
        """Go on with what is gathered; store it, where all that there is on the way is wanted."""
        for each, state in zip(self.gathering, self.gathered, strict=True):
            x, *places = each.operands
            number = lanes.convert(env[x], x.dtype, each.dtype)
            FOLDS[each.title].add(lanes, each.dtype, state, number, *(env[p] for p in places))
        behind = len(self.places) - len(self.nest.running)
        states = self.gathered[len(self.nest.reductions) :]
        for k, (each, state) in enumerate(zip(self.nest.running, states, strict=True), behind):
            pointer, stride, _ = self.address(k, index)
            so_far = FOLDS[each.title].total(lanes, each.dtype, state, across=False)
            lanes.store(so_far, pointer, stride, each.dtype)

    def looked_up(
        self, each: Lookup, env: dict[Value, str], index: list[str], lanes: Lanes
    ) -> tuple[str, str, str]:
        """An address, the lanes' offsets from it, and which of them are allowed."""
        behind = len(self.nest.lookups) + len(self.nest.running)
        number = len(self.places) - behind + self.nest.lookups.index(each)
        pointer, stride, _ = self.address(number, index)
        steps = ", ".join(f"i64 {k * stride}" for k in range(lanes.width))
        offsets = f"<{steps}>" if lanes.width > 1 else "0"
        for row, apart in each.rows:
            place = lanes.convert(env[row], row.dtype, np.dtype(np.int64))
            place = lanes.two("mul", "i64", place, lanes.each(str(apart), "i64"))
            offsets = lanes.two("add", "i64", place, offsets)
        return pointer, offsets, env[each.allowed] if each.allowed is not None else ""

    def deposit(self, each: Lookup, env: dict[Value, str], index: list[str], lanes: Lanes) -> None:
        """Add a number at its place, in vectors of one."""
        pointer, offset, allowed = self.looked_up(each, env, index, lanes)
        dtype = each.value.dtype
        kind = kind_of(dtype)
        where = self.asm(f"getelementptr {kind}, ptr {pointer}, i64 {offset}")
        with self.asm.when(allowed or "true"):
            before = lanes.load(where, 0, dtype)
            after = INSTRUCTIONS["add"](lanes, dtype, before, env[each.value])
            lanes.store(after, where, 0, dtype)

    def step(self, step: Computed, env: dict[Value, str], lanes: Lanes) -> str:
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
        for each, state in zip(self.nest.reductions, self.gathered, strict=False):
            how, lanes = FOLDS[each.title], self.lanes("")
            x = how.total(lanes, each.dtype, state, across)
            x = kept.convert(x, how.result(each.dtype), each.place.dtype)
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


# ---------------------------------------------------------------------------- which axis


PLAIN, COSTLY, APART, ACROSS = 1, 20, 10, 15
"""What a step costs in a vector; an elementary function; numbers that lie apart; a reduction across
lanes. Only their order of size matters."""


def vectors_for(nest: Nest, axes: list[Axis], vector_bytes: int) -> tuple[Axis | None, int]:
    """The axis that runs over vectors, and the numbers in one.

    Most often the last, where numbers lie side by side; if that is short, perhaps another.
    """
    if not axes or nest.deposits:
        return (axes[-1] if axes else None), 1
    most = vector_bytes // largest(nest)
    if axes[-1].extent >= 2 * most and not (nest.running and axes[-1].reduced):
        return axes[-1], most
    able = [a for a in axes if not (nest.running and a.reduced)]
    if not able:
        return axes[-1], 1
    best = min(reversed(able), key=lambda axis: cost(nest, axis, most))
    return best, width_of(best, most)


def width_of(axis: Axis, most: int) -> int:
    """The numbers in a vector along an axis: as many as a register holds, or as are needed."""
    needed = 1 << (axis.extent - 1).bit_length() if axis.extent > 1 else 1
    return max(1, min(most, needed))


def cost(nest: Nest, axis: Axis, most: int) -> float:
    """What the nest costs for one number along all other axes, in vectors along this one."""
    vectors = -(-axis.extent // width_of(axis, most))
    apart = sum(stride not in (0, 1) for stride in axis.strides)
    titles = [step.equation.p.title for step in nest.steps if isinstance(step, Computed)]
    steps = sum(COSTLY if title in ELEMENTARY else PLAIN for title in titles)
    across = ACROSS * len(nest.reductions) if axis.reduced else 0
    each = steps + PLAIN * len(axis.strides) + APART * apart
    return (vectors * each + across) / max(axis.extent, 1)


def largest(nest: Nest) -> int:
    """The bytes of the largest numbers that the nest has in registers."""
    dtypes = [place.dtype for place in nest.places]
    dtypes += [d for step in nest.steps if isinstance(step, Computed) for d in step.loop]
    dtypes += [x.dtype for each in nest.reductions for x in each.operands]
    dtypes += [each.dtype for each in (*nest.reductions, *nest.running)]
    return max((d.itemsize for d in dtypes), default=8)
