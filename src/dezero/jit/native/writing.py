"""Loop nests as text.

What is left of the vectors' axis at the end is one more vector, of which some lanes are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir.steps import Value
from . import vectors
from .assembly import Assembly
from .instructions import INSTRUCTIONS, instruction
from .kinds import INT, first_lanes, kind_of, memory_kind
from .lanes import NEAR, Lanes
from .nests import Axis, Computed, Lookup, Nest, Reduction, axes_of, small, vectors_for, work
from .places import Buffer
from .reductions import FOLDS

LONG = 60
"""What a body costs from which on it is written once, with a mask of all lanes but at the end; …"""

SHORT = 8
"""… or the turns of a loop up to which it is, as it takes longer to compile than to run."""

Span = tuple[str, str]
"""From where to where the outermost loop runs."""


class Writer:
    """Writes a nest.

    Parameters
    ----------
    nest : Nest
    asm : Assembly
        Into what.
    pointers : dict
        The names of the addresses of buffers.
    vector_bytes : int
    span : pair of str, optional
        The part of the outermost loop that is wanted, if not all of it; it begins with a vector.
    """

    def __init__(
        self,
        nest: Nest,
        asm: Assembly,
        pointers: Mapping[Buffer, str],
        vector_bytes: int,
        span: Span | None = None,
    ) -> None:
        self.nest, self.asm, self.pointers, self.span = nest, asm, pointers, span
        axes = axes_of(nest)
        # Reductions are innermost, so that what they gather stays in registers.
        self.axes = [a for a in axes if not a.reduced] + [a for a in axes if a.reduced]
        self.vector, self.width = vectors_for(nest, axes, vector_bytes)
        self.unrolled = small(nest)
        self.first = next((k for k, a in enumerate(self.axes) if a.reduced), len(self.axes))
        self.gathering = nest.gathering
        self.gathered: list[Any] = []
        self.places = nest.places
        self.pairs = pairs(nest)
        self.totals: list[str] = []  # where a part puts its own, by its number

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
        start, stop = self.span if self.span and not depth else ("0", str(axis.extent))
        if axis is self.vector and self.width > 1:
            self.vectors(depth, index, (start, stop))
            return
        if self.unrolled:
            for k in range(axis.extent):
                self.level(depth + 1, [*index, str(k)], mask)
            return
        with self.asm.loop(start, stop) as i:
            self.level(depth + 1, [*index, i], mask)

    def vectors(self, depth: int, index: list[str], span: Span) -> None:
        """The loop over vectors, and what is left at its end."""
        asm, axis = self.asm, self.axes[depth]
        rest = axis.extent % self.width
        if rest and axis.extent > self.width and self.masked(axis):
            with asm.loop(*span, self.width) as i:
                lanes = Lanes(asm, self.width)
                end = lanes.splat(str(axis.extent), "i64")
                used = asm(f"icmp slt {lanes.of('i64')} {lanes.count(i)}, {end}")
                self.level(depth + 1, [*index, i], used)
            return
        full = axis.extent - rest
        if full:
            start, stop = span
            if rest and stop.startswith("%"):
                stop = asm.call("i64", "@llvm.smin.i64", f"i64 {stop}", f"i64 {full}")
            with asm.loop(start, stop if stop.startswith("%") else full, self.width) as i:
                self.level(depth + 1, [*index, i], "")
        if rest:
            last = asm(f"icmp eq i64 {span[1]}, {axis.extent}")
            with asm.when(last if span[1].startswith("%") else "true"):
                self.level(depth + 1, [*index, str(full)], first_lanes(rest, self.width))

    def masked(self, axis: Axis) -> bool:
        """Whether the body is written once, with a mask in all turns."""
        apart = any(1 < abs(stride) <= NEAR for stride in axis.strides)
        short = axis.extent <= SHORT * self.width and not apart
        return short or work(self.nest) > LONG

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
        kind = memory_kind(place.dtype)
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
            elif step.result in self.pairs:
                self.both(step, env, lanes)
            elif step.result not in env:
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

    def both(self, step: Computed, env: dict[Value, str], lanes: Lanes) -> None:
        """Sine and cosine of one argument."""
        (x,), dtype = step.equation.operands, step.loop[0]
        argument = lanes.convert(env[x], x.dtype, dtype)
        found = vectors.sincos(self.asm, kind_of(dtype), lanes.width, argument)
        env.update(zip(self.pairs[step.result], found, strict=True))

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
            place = lanes.convert(env[row], row.dtype, INT)
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
        return instruction(title)(lanes, step.loop[title == "where"], *operands)

    def finish(self, index: list[str], mask: str) -> None:
        """Store what was gathered."""
        across = self.vector is not None and self.vector.reduced and self.width > 1
        kept = Lanes(self.asm, 1 if across else self.width, "" if across else mask)
        for k, (each, state) in enumerate(zip(self.nest.reductions, self.gathered, strict=False)):
            fold, lanes = FOLDS[each.title], self.lanes("")
            x = fold.total(lanes, each.dtype, state, across)
            found, dtype = fold.result(each.dtype), each.place.dtype
            if self.totals:
                base, offset, inner, dtype = self.totals[k], "%number", 0, each.dtype
            else:
                base, (offset, inner) = self.pointers[each.place.buffer], self.kept(each, index)
            kind = memory_kind(dtype)
            pointer = self.asm(f"getelementptr {kind}, ptr {base}, i64 {offset}")
            kept.store(kept.convert(x, found, dtype), pointer, inner, dtype)

    def kept(self, each: Reduction, index: list[str]) -> tuple[str, int]:
        """Where a total belongs, counted in numbers, and the stride of its lanes."""
        offset, inner = str(each.place.offset), 0
        for i, axis, stride in zip(index, self.axes, self.kept_strides(), strict=False):
            offset = self.plus(offset, i, stride)
            inner = stride if axis is self.vector else inner
        return offset, inner

    def kept_strides(self) -> list[int]:
        """The strides of a reduction's place along the loops that are not reduced.

        The place is compact, and so are the loops that were joined.
        """
        strides, step = [], 1
        for axis in reversed([a for a in self.axes if not a.reduced]):
            strides.append(step)
            step *= axis.extent
        return strides[::-1]


def pairs(nest: Nest) -> dict[Value, tuple[Value, Value]]:
    """Sines and cosines of one argument, by the result that comes first."""
    known: dict[Value, dict[str, Computed]] = {}
    for step in nest.steps:
        if isinstance(step, Computed) and step.equation.p.title in ("sin", "cos"):
            (x,) = step.equation.operands
            if isinstance(x, Value):
                known.setdefault(x, {}).setdefault(step.equation.p.title, step)
    return {
        next(iter(both.values())).result: (both["sin"].result, both["cos"].result)
        for both in known.values()
        if len(both) == 2
    }
