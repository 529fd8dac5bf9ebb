"""Loops and branches: stages that hold stages.

What a loop carries has two buffers, one that a turn reads and one that it writes; after the turn
they change places. What it walks along, and what it puts out, is seen through addresses that move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.graph import Graph
from ...ir.steps import Equation, Value
from .kinds import BOOL, INT, kind_of
from .lanes import Lanes
from .lowering import Lowering, Stage
from .nests import FEW
from .places import Buffer, Place, whole_of
from .rules import RULES, Rule, lowers, weak_inputs

if TYPE_CHECKING:
    from .program import Program


@dataclass(eq=False)
class Carried:
    """What goes from turn to turn.

    Attributes
    ----------
    memory : tuple of Buffer
        The two that it is in, in turns; the first holds it before the loop.
    old, new, last : Buffer
        What stands for them in a turn, and for the right one after the loop.
    """

    memory: tuple[Buffer, Buffer]
    old: Buffer
    new: Buffer
    last: Buffer


class Swap:
    """The two buffers of something carried change places after a turn."""

    def __init__(self, program: Program, each: Carried) -> None:
        self.asm, self.pointers, self.each = program.asm, program.pointers, each
        self.old, self.new = (self.asm.variable("ptr", self.pointers[b]) for b in each.memory)

    def begin(self) -> None:
        """Where a turn reads and writes."""
        self.pointers[self.each.old] = self.asm.get("ptr", self.old)
        self.pointers[self.each.new] = self.asm.get("ptr", self.new)

    def end(self) -> None:
        """The next turn reads what this one wrote."""
        before, behind = (self.asm.get("ptr", slot) for slot in (self.old, self.new))
        self.asm.set("ptr", self.old, behind)
        self.asm.set("ptr", self.new, before)

    def finish(self) -> None:
        """Where it is after the loop."""
        self.pointers[self.each.last] = self.asm.get("ptr", self.old)


class Few(Swap):
    """A few numbers are copied instead, so that LLVM can keep them in registers."""

    def __init__(self, program: Program, each: Carried) -> None:
        self.asm, self.pointers, self.each = program.asm, program.pointers, each
        self.pointers[each.old] = self.pointers[each.last] = self.pointers[each.memory[0]]
        self.pointers[each.new] = self.pointers[each.memory[1]]

    def begin(self) -> None:
        """It is in the same place in each turn."""

    def end(self) -> None:
        """The next turn reads what this one wrote."""
        kind = f"i{8 * self.each.old.dtype.itemsize}"
        places = [self.pointers[b] for b in (self.each.old, self.each.new)]
        for k in range(self.each.old.size):
            old, new = (self.asm(f"getelementptr {kind}, ptr {p}, i64 {k}") for p in places)
            self.asm.set(kind, old, self.asm.get(kind, new))

    def finish(self) -> None:
        """It stays there."""


@dataclass(eq=False)
class Turns:
    """A loop.

    Attributes
    ----------
    span : tuple
        From where to where it counts: numbers, or places of numbers; None if it does not.
    index : Buffer
        The number of the turn.
    carried : list of Carried
    moving : list of (Buffer, Place)
        What stands for the part of an array that belongs to a turn, and the array.
    question, goes_on : list of Stage, Place
        What decides whether there is another turn.
    stages : list of Stage
        A turn.
    """

    span: tuple[Any, Any] | None
    index: Buffer
    carried: list[Carried]
    moving: list[tuple[Buffer, Place]]
    question: list[Stage]
    goes_on: Place | None
    stages: list[Stage] = field(default_factory=list)

    @property
    def touched(self) -> list[Place]:
        inner = [p for stage in (*self.question, *self.stages) for p in stage.touched]
        own = [self.index, *(b for each in self.carried for b in each.memory)]
        bounds = [each for each in self.span or () if isinstance(each, Place)]
        arrays = [place for _, place in self.moving]
        return [*inner, *(whole_of(b, (b.size,)) for b in own), *bounds, *arrays]

    def write(self, program: Program) -> None:
        asm, pointers = program.asm, program.pointers
        slots = [
            Few(program, each) if each.memory[0].size <= FEW else Swap(program, each)
            for each in self.carried
        ]
        start, stop = (self.bound(program, each) for each in self.span or (0, 1))
        with asm.loop(start, stop, 1 if self.span else 0) as i:
            number = Lanes(asm, 1).convert(i, INT, self.index.dtype)
            asm.set(kind_of(self.index.dtype), pointers[self.index], number)
            for slot in slots:
                slot.begin()
            after = asm.label()
            if self.goes_on is not None:
                for stage in self.question:
                    stage.write(program)
                asm.unless(program.number(self.goes_on), after)
            for part, place in self.moving:
                pointers[part] = moved(program, place, i)
            for stage in self.stages:
                stage.write(program)
            for slot in slots:
                slot.end()
        if self.goes_on is not None:
            asm.begin(after)
        for slot in slots:
            slot.finish()

    def bound(self, program: Program, each: Any) -> Any:
        """Where it begins or ends to count."""
        if not isinstance(each, Place):
            return each
        return Lanes(program.asm, 1).convert(program.number(each), each.dtype, INT)


def moved(program: Program, place: Place, i: str) -> str:
    """The address of the part of an array that belongs to a turn."""
    asm = program.asm
    kind = f"[{place.dtype.itemsize} x i8]"
    far = asm(f"mul nsw i64 {i}, {place.strides[0] if place.strides else 0}")
    far = asm(f"add nsw i64 {far}, {place.offset}")
    return asm(f"getelementptr {kind}, ptr {program.pointers[place.buffer]}, i64 {far}")


@dataclass(eq=False)
class Branch:
    """One of two lists of stages."""

    chosen: Place
    yes: list[Stage]
    no: list[Stage]

    @property
    def touched(self) -> list[Place]:
        inner = [p for stage in (*self.yes, *self.no) for p in stage.touched]
        return [self.chosen, *inner]

    def write(self, program: Program) -> None:
        asm = program.asm
        yes, no, after = asm.label(), asm.label(), asm.label()
        asm.branch(program.number(self.chosen), yes, no)
        for label, stages in ((yes, self.yes), (no, self.no)):
            asm.begin(label)
            for stage in stages:
                stage.write(program)
            asm.goto(after)
        asm.begin(after)


# ---------------------------------------------------------------------------- lowering them


def stand_in(like: Value, *within: Buffer) -> Buffer:
    """A buffer whose address is found while the kernel runs."""
    return Buffer("address", math.prod(like.shape), like.dtype, within=within)


def inner(lowering: Lowering, graph: Graph, places: list[Place], targets: list[Place]) -> list[Any]:
    """The stages of a graph from inputs at places to outputs at others."""
    part = Lowering(lowering.constants)
    part.graph(graph, places, targets)
    return part.stages


class Loop:
    """What the loops have in common: the operands in memory, and what they carry."""

    def __init__(self, lowering: Lowering, step: Equation, index: np.dtype[Any] = INT) -> None:
        self.lowering, self.step = lowering, step
        self.carried: list[Carried] = []
        self.inputs: list[Place] = []
        self.targets: list[Place] = []
        self.index = Buffer("work", 1, index)

    def at(self, x: Any, like: Value | None = None) -> Place:
        """An operand in memory, as the body's input has it."""
        lowering = self.lowering
        if not isinstance(x, Value) or (like is not None and x.dtype != like.dtype):
            assert like is not None
            value = Value(like.shape, like.dtype)
            lowering.same(x, value)
            x = value
        return lowering.unbounded(x)

    def carry(self, x: Any, like: Value) -> None:
        """Something that the loop carries, from its first value on."""
        memory = tuple(Buffer("work", math.prod(like.shape), like.dtype) for _ in range(2))
        value = Value(like.shape, like.dtype)
        self.lowering.same(x, value)
        self.lowering.copied(value, whole_of(memory[0], like.shape))
        one = Carried(memory, *(stand_in(like, *memory) for _ in range(3)))  # type: ignore[arg-type]
        self.carried.append(one)
        self.inputs.append(whole_of(one.old, like.shape))
        self.targets.append(whole_of(one.new, like.shape))

    def finish(self, turns: Turns) -> None:
        """Put the loop behind the stages, and say where its results are."""
        lowering = self.lowering
        lowering.stages.append(turns)
        for y, each in zip(self.step.results, self.carried, strict=False):
            lowering.known(y, whole_of(each.last, y.shape))


def fori_loop(lowering: Lowering, step: Equation) -> None:
    """``for i in range(lo, hi)``."""
    lo, hi, *rest = step.operands
    body, count = step.params["body"], step.params["carries"]
    loop = Loop(lowering, step, body.inputs[0].dtype)
    for x, like in zip(rest[:count], body.inputs[1:], strict=False):
        loop.carry(x, like)
    more = [loop.at(x, v) for x, v in zip(rest[count:], body.inputs[1 + count :], strict=True)]
    span = tuple(loop.at(x) if isinstance(x, Value) else int(x) for x in (lo, hi))
    turns = Turns((span[0], span[1]), loop.index, loop.carried, [], [], None)
    first = whole_of(loop.index, ())
    turns.stages = inner(lowering, body, [first, *loop.inputs, *more], loop.targets)
    loop.finish(turns)


def while_loop(lowering: Lowering, step: Equation) -> None:
    """``while``."""
    rest, (cond, body) = step.operands, (step.params["cond"], step.params["body"])
    count = step.params["carries"]
    loop = Loop(lowering, step)
    for x, like in zip(rest[:count], body.inputs, strict=False):
        loop.carry(x, like)
    more = [loop.at(x, v) for x, v in zip(rest[count:], body.inputs[count:], strict=True)]
    answer = whole_of(Buffer("work", 1, BOOL), ())
    inputs = [*loop.inputs, *more]
    question = inner(lowering, cond, inputs, [answer])
    turns = Turns(None, loop.index, loop.carried, [], question, answer)
    turns.stages = inner(lowering, body, inputs, loop.targets)
    loop.finish(turns)


def scan(lowering: Lowering, step: Equation) -> None:
    """A loop along sequences, which collects what its turns put out."""
    params, body = step.params, step.params["body"]
    count, end = params["carries"], params["carries"] + params["sequences"]
    loop = Loop(lowering, step)
    for x, like in zip(step.operands[:count], body.inputs, strict=False):
        loop.carry(x, like)
    moving, inputs, targets = [], loop.inputs, loop.targets
    for x, like in zip(step.operands[count:end], body.inputs[count:end], strict=True):
        place = loop.at(x)
        part = stand_in(like, place.buffer)
        moving.append((part, place))
        inputs.append(Place(part, 0, place.strides[1:], like.shape))
    more = [loop.at(x, v) for x, v in zip(step.operands[end:], body.inputs[end:], strict=True)]
    for y in step.results[count:]:
        place = lowering.fresh(y)
        part = Buffer("address", math.prod(y.shape[1:]), y.dtype, within=(place.buffer,))
        moving.append((part, place))
        targets.append(whole_of(part, y.shape[1:]))
    turns = Turns((0, params["length"]), loop.index, loop.carried, moving, [], None)
    turns.stages = inner(lowering, body, [*inputs, *more], targets)
    loop.finish(turns)
    for y, (_, place) in zip(step.results[count:], moving[params["sequences"] :], strict=True):
        lowering.known(y, place)


def cond(lowering: Lowering, step: Equation) -> None:
    """``if``."""
    pred, *rest = step.operands
    chosen = lowering.make("not_equal", (pred, 0), Value((), BOOL))
    loop = Loop(lowering, step)
    yes, no = step.params["yes"], step.params["no"]
    inputs = [loop.at(x, v) for x, v in zip(rest, yes.inputs, strict=True)]
    targets = [lowering.fresh(y) for y in step.results]
    branch = Branch(
        lowering.memory(chosen),
        inner(lowering, yes, inputs, targets),
        inner(lowering, no, inputs, targets),
    )
    lowering.stages.append(branch)
    for y, place in zip(step.results, targets, strict=True):
        lowering.known(y, place)


# ---------------------------------------------------------------------------- what fits


def graphs(step: Equation) -> Iterator[Graph]:
    """The graphs that an equation calls."""
    yield from step.parts.values()


def fits(step: Equation) -> bool:
    """Whether all that a loop does can be machine code."""
    if not all(lowers(each, weak_inputs(g)) for g in graphs(step) for each in g.steps):
        return False
    pred = step.operands[0]
    return step.p.title != "cond" or (isinstance(pred, Value) and pred.shape == ())


RULES |= {
    "fori_loop": Rule(fori_loop, fits),
    "while_loop": Rule(while_loop, fits),
    "scan": Rule(scan, fits),
    "cond": Rule(cond, fits),
}
