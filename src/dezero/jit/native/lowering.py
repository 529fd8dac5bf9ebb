"""From a graph to machine code: which loops there are, and where the numbers lie between them.

`Lowering` takes the equations of a graph one after the other and makes stages of them: mostly loop
nests (`nests.py`). An elementwise equation joins the first nest of its shape that runs when its
operands are there; then they stay in registers. Views of arrays are never computed: they are
places that are read. A value gets memory only when something needs it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...ir.graph import Graph
from ...ir.steps import Equation, Guard, Value
from ...rows import TABLE
from .again import again, without_idle
from .kinds import BOOL
from .nests import Computed, Nest
from .places import Buffer, Place, whole_of
from .rules import RULES, loop_for, weak_inputs

if TYPE_CHECKING:
    from .program import Program


class Stage(Protocol):
    """A part of a kernel that runs after the one before it."""

    @property
    def touched(self) -> list[Place]:
        """All that it reads and writes."""

    def write(self, program: Program) -> None:
        """Write it down."""


@dataclass(eq=False)
class Check:
    """Where the kernel is left if a place does not hold true."""

    place: Place

    @property
    def touched(self) -> list[Place]:
        return [self.place]

    def write(self, program: Program) -> None:
        program.asm.unless(program.number(self.place), program.leave)


class Lowering:
    """The stages of a graph, and where its values lie.

    Attributes
    ----------
    stages : list of Stage
    places : dict
        Where the values lie that are in memory.
    targets : dict
        Where those are wanted that are results.
    ready : dict
        The stage from which on they do.
    home : dict
        The stage in whose registers the others are.
    made : dict
        How they are computed.
    own : set of Buffer
        Work buffers that no other lowering knows of.
    """

    def __init__(self, constants: list[np.ndarray[Any, Any]] | None = None) -> None:
        self.stages: list[Stage] = []
        self.places: dict[Value, Place] = {}
        self.ready: dict[Value, int] = {}
        self.home: dict[Value, int] = {}
        self.targets: dict[Value, Place] = {}
        self.made: dict[Value, Computed] = {}
        self.own: set[Buffer] = set()
        self.weak: dict[Value, type] = {}
        self.constants = [] if constants is None else constants

    @classmethod
    def of(cls, graph: Graph) -> Lowering:
        """The stages of a graph, from the kernel's inputs to its outputs."""
        self = cls()
        sources, targets = (
            [self.whole(x.shape, x.dtype, role, k) for k, x in enumerate(values)]
            for values, role in ((graph.inputs, "input"), (graph.outputs, "output"))
        )
        self.graph(graph, sources, targets)
        return self

    def graph(self, graph: Graph, sources: list[Place], targets: list[Place]) -> None:
        """All of a graph, from inputs at places to outputs at others."""
        self.weak = weak_inputs(graph)
        for x, place in zip(graph.inputs, sources, strict=True):
            self.known(x, place, 0)
        for y, target in zip(graph.outputs, targets, strict=True):
            if isinstance(y, Value):
                self.targets.setdefault(y, target)
        for step in graph.steps:
            if isinstance(step, Guard):
                self.guard(step)
            else:
                self.equation(step)
        for y, target in zip(graph.outputs, targets, strict=True):
            self.output(y, target)
        self.stages = without_idle(self.stages, self.own)

    # ---- memory ----

    def whole(self, shape: Any, dtype: Any, role: str, number: int = 0) -> Place:
        """All of a new buffer."""
        buffer = Buffer(role, math.prod(shape), np.dtype(dtype), number)
        if role == "work":
            self.own.add(buffer)
        return whole_of(buffer, tuple(shape))

    def known(self, value: Value, place: Place, ready: int | None = None) -> Place:
        """Where a value lies from a stage on; behind all that there are, if nothing is said."""
        self.places[value] = place
        self.ready[value] = len(self.stages) if ready is None else ready
        return place

    def fresh(self, value: Value) -> Place:
        """Memory for a value: where the caller wants it, if it is a result."""
        if value in self.targets:
            return self.targets[value]
        return self.whole(value.shape, value.dtype, "work")

    def memory(self, value: Value) -> Place:
        """Where a value lies; it is stored if it was in registers."""
        if value not in self.places:
            home = self.home[value]
            place = self.known(value, self.fresh(value), home + 1)
            self.nest_at(home).stores.append((value, place))
        return self.places[value]

    def constant(self, x: np.ndarray[Any, Any]) -> Value:
        """An array that is part of the program, as a value."""
        self.constants.append(np.ascontiguousarray(x))
        value = Value(x.shape, x.dtype)
        self.known(value, self.whole(x.shape, x.dtype, "constant", len(self.constants) - 1), 0)
        return value

    def compacted(self, value: Value) -> Place:
        """A copy of a value that is an array in order."""
        place = self.whole(value.shape, value.dtype, "work")
        self.copied(value, place)
        return place

    def unbounded(self, value: Value) -> Place:
        """Where a value lies, with numbers everywhere: a copy if there are zeros around it."""
        place = self.memory(value)
        return self.known(value, self.compacted(value)) if place.bounds else place

    def copied(self, value: Value, place: Place) -> None:
        """Copy a value to a place."""
        nest = self.nest_at(self.nest(value.shape, [value]))
        if value not in nest.reads and not self.inside(value, nest):
            nest.reads[value] = self.memory(value)
        nest.stores.append((value, place))

    # ---- nests ----

    def inside(self, value: Value, nest: Nest) -> bool:
        """Whether a value is in the registers of a nest."""
        return value.shape == nest.shape and value in nest.made

    def nest(self, shape: tuple[int, ...], operands: list[Value], low: int = 0) -> int:
        """The number of a nest of a shape that has operands at hand; a new one if there is none.

        It is the first of them, from stage `low` on.
        """
        for x in operands:
            home = self.home.get(x)
            if home is None:
                low = max(low, self.ready[x])
            else:
                low = max(low, home if x.shape == shape else home + 1)
        for k in range(low, len(self.stages)):
            stage = self.stages[k]
            if isinstance(stage, Nest) and stage.shape == shape:
                return k
        self.stages.append(Nest(shape))
        return len(self.stages) - 1

    def nest_at(self, number: int) -> Nest:
        """The stage of a number, which is a nest."""
        nest = self.stages[number]
        assert isinstance(nest, Nest)
        return nest

    def nest_reducing(self, xs: tuple[Value, ...], axes: frozenset[int]) -> int:
        """The number of a nest that has values of one shape, and reduces these axes if any."""
        shape = xs[0].shape
        for k in range(self.nest(shape, [*xs]), len(self.stages)):
            stage = self.stages[k]
            if isinstance(stage, Nest) and stage.shape == shape and stage.axes in (None, axes):
                return k
        self.stages.append(Nest(shape))
        return len(self.stages) - 1

    def read(self, value: Value, nest: Nest) -> None:
        """See to it that a nest has a value."""
        if value in nest.reads or self.inside(value, nest):
            return
        steps = again(self, value, nest)
        for step in steps:
            for x in step.needs:
                self.read(x, nest)
            nest.add(step)
        if not steps:
            nest.reads[value] = self.memory(value).broadcast(nest.shape)

    # ---- equations ----

    def equation(self, step: Equation) -> None:
        """Lower one equation, with arrays among its operands as values."""
        operands = tuple(
            self.constant(np.asarray(x)) if isinstance(x, (np.ndarray, range)) and np.ndim(x) else x
            for x in step.operands
        )
        step = Equation(step.p, operands, step.params, step.results, step.line)
        rule = RULES.get(step.p.title)
        if rule is None:
            self.pointwise(step)
        else:
            rule.lower(self, step)

    def guard(self, guard: Guard) -> None:
        """Leave if the program would go another way."""
        x, answer = guard.operand, np.asarray(guard.answer)
        if guard.question == "bool":
            x = self.make("not_equal", (x, 0), Value(x.shape, BOOL))
        elif x.dtype != answer.dtype:
            converted = Value(x.shape, answer.dtype)
            self.same(x, converted)
            x = converted
        self.insist(self.agrees(x, answer if answer.ndim else answer[()]))

    def agrees(self, x: Value, answer: Any) -> Value:
        """Where numbers are the same to the bit, but for kinds of NaN."""

        def made(title: str, *operands: Any) -> Value:
            return self.make(title, operands, Value(x.shape, BOOL))

        same = made("equal", x, answer)
        if x.dtype.kind == "f" and np.any(answer == 0):
            same = made("logical_and", same, made("equal", made("signbit", x), np.signbit(answer)))
        if x.dtype.kind == "f" and np.any(np.isnan(answer)):
            same = made("where", np.isnan(answer), made("isnan", x), same)
        return same

    def insist(self, true: Value) -> None:
        """Leave the kernel unless all is true."""
        whole = self.make("all", (true,), Value((), BOOL))
        self.stages.append(Check(self.memory(whole)))

    def make(self, title: str, operands: tuple[Any, ...], result: Value, **params: Any) -> Value:
        """Lower an equation that is part of another one."""
        self.equation(Equation(TABLE[title], operands, params, (result,)))
        return result

    def pointwise(self, step: Equation) -> None:
        (result,) = step.results
        operands = [x for x in step.operands if isinstance(x, Value)]
        for x in operands:
            if x.shape != result.shape and x in self.places:
                self.unbounded(x)
        number = self.nest(result.shape, operands)
        nest = self.nest_at(number)
        for x in operands:
            self.read(x, nest)
        loop = loop_for(step, self.weak)
        assert loop is not None
        self.computed(Computed(step, tuple(loop)), number)

    def same(self, x: Any, result: Value) -> None:
        """The numbers of a value or an array, or one number everywhere, as the result's dtype."""
        if isinstance(x, np.ndarray) and x.ndim:
            x = self.constant(x)
        operands = [x] if isinstance(x, Value) else []
        number = self.nest(result.shape, operands)
        nest = self.nest_at(number)
        for each in operands:
            self.read(each, nest)
        step = Equation(TABLE["positive"], (x,), {}, (result,))
        self.computed(Computed(step, (result.dtype, result.dtype)), number)

    def computed(self, step: Computed, number: int) -> None:
        """Put a step into a nest."""
        self.nest_at(number).add(step)
        self.home[step.result], self.made[step.result] = number, step

    def shown(self, result: Value, x: Value, fn: Callable[[Any], Any]) -> None:
        """What a function of NumPy's shows of an array without computing."""
        place, ready = self.memory(x).view(fn), self.ready[x]
        if place is None:
            place, ready = self.compacted(x).view(fn), len(self.stages)
        assert place is not None
        self.known(result, place, ready)

    def output(self, y: Any, target: Place) -> None:
        """See to it that a result is where it is wanted, as numbers of that dtype."""
        if isinstance(y, np.ndarray) and y.ndim:
            y = self.constant(y)
        if not isinstance(y, Value) or y.dtype != target.dtype:
            number, y = y, Value(target.shape, target.dtype)
            self.same(number, y)
        if y not in self.places and y not in self.targets:
            self.targets[y] = target
        if self.memory(y) != target:
            self.copied(y, target)
