"""How loops come into graphs.

`scan`, `fori_loop`, `while_loop` and `cond` come here when a trace is running. What they call is
traced once; whatever these read of the program around them becomes a further operand.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..box import Box, as_array, new_level, parts_of, sample
from ..config import Observer, floor_beneath, recording_floor, records
from ..core import Variable, apart, is_constant, node_of
from ..loops import STAGES, Part, unwatched
from ..rules.nondiff import stopped
from .bodies import Strict, Unrolled, graph_from, recorded
from .graph import Graph
from .loops import LOOPS, traced
from .steps import Value
from .tracer import Tracer, names_of, recordings

DEEPEST = 8
"""Loops inside loops that are written as such; a function that calls itself has no end."""

Read = dict[Any, tuple[Any, Value, Any]]
"""Boxes from outside, as they were when they were met, by what makes them the same value."""


class Inner(Strict):
    """The graph of a part of a loop, while it is being written."""

    def __init__(self, more: Read) -> None:
        super().__init__()
        self.more = more

    def given(self, x: Any) -> Any:
        if not isinstance(x, Box):
            return super().given(x)
        key = identity(x)
        if key not in self.more:
            self.more[key] = apart(x), Value(x.shape, x.dtype, name_of(x)), x
        return self.more[key][1]


def identity(x: Any) -> Any:
    """What a value is the same by, as long as it is held."""
    if isinstance(x, Tracer):
        return x._slot
    if isinstance(x, Variable) and not is_constant(x):
        return node_of(x)
    return (type(x), x._level, *map(identity, parts_of(x))) if isinstance(x, Box) else id(x)


def name_of(x: Any) -> str:
    """What the program calls a value."""
    if isinstance(x, Tracer):
        return x._slot.name
    return name_of(x._value) if isinstance(x, Box) else ""


class Stage(Observer):
    """While a part of a loop is written, it brings there what is computed of outer boxes alone."""

    looks = False
    level: int
    touched: list[tuple[weakref.ref[Box], dict[str, Any]]]

    @classmethod
    def at(cls, under: int, level: int, touched: list[Any]) -> Stage:
        """The stage of the graph that Tracers of a level write."""
        stage = cls(under)
        assert isinstance(stage, Stage)
        stage.level, stage.touched = level, touched
        return stage

    def over(self, under: int) -> Stage:
        return self.at(under, self.level, self.touched)

    def call(
        self,
        p: Any,
        operands: tuple[Any, ...],
        params: dict[str, Any] | None,
        process: Callable[[], Any],
    ) -> Any:
        if params is None:
            self.touch(operands[0])
            return process()
        top = max(x._level for x in operands if isinstance(x, Box))
        if top > self.level:
            return process()  # of a transform in the step
        out = process() if top == self.level else Tracer.process(p, operands, params, self.level)
        if records(self.level) or p is stopped:
            return out
        return tuple(map(stopped, out)) if isinstance(out, tuple) else stopped(out)

    def touch(self, x: Box) -> None:
        """Remember what a box from outside is before it is assigned into."""
        if x._level < self.level:
            names = [*x._marks, *x._parts, *(["_node"] if isinstance(x, Variable) else [])]
            self.touched.append((weakref.ref(x), {name: getattr(x, name) for name in names}))

    def restored(self) -> bool:
        """Whether something has changed that is still there; it is put back."""
        changed = False
        for known, state in reversed(self.touched):
            x = known()
            for name, part in state.items() if x is not None else ():
                setattr(x, name, part)
                changed = True
        return changed


def stage(
    title: str, operands: list[Any], parts: dict[str, Part], facts: dict[str, Any]
) -> list[Any] | None:
    """The results of a loop as one equation; None if there is no trace, or it must be unrolled.

    It is unrolled if a part asks for a number, changes what is outside, or fails.
    """
    here = threading.get_ident()
    running = [each for each in [*recordings.values()] if each.thread == here]
    if not running or sum(isinstance(each, Inner) for each in running) >= DEEPEST:
        return None
    more: Read = {}
    try:
        graphs = {name: graph_of(name, part, more) for name, part in parts.items()}
    except Exception:  # noqa: BLE001  # whatever it is: the loop itself will meet it, if it gets there
        return None
    read = [twin for twin, *_ in more.values()]
    if not any(map(traced, (*operands, *read))):
        return None
    slots = tuple(slot for _, slot, _ in more.values())
    whole = {name: graph(slots, tuple(map(sample, read))) for name, graph in graphs.items()}
    if title == "cond" and not alike(*whole.values()):
        return None
    if title == "scan":
        facts = facts | {"sequences": len(operands) - facts["carries"]}
    return list(LOOPS[title](*operands, *read, **whole, **facts))


def alike(first: Graph, second: Graph) -> bool:
    """Whether two graphs give results of the same shapes and dtypes, and these are arrays."""
    if len(first.outputs) != len(second.outputs):
        return False
    for pair in zip(first.outputs, second.outputs, strict=True):
        if all(isinstance(y, (bool, int, float, complex)) for y in pair):
            return False  # a Python number does not decide what it is added to
        x, y = (each if isinstance(each, Value) else as_array(each) for each in pair)
        if (x.shape, x.dtype) != (y.shape, y.dtype):
            return False
    return True


def graph_of(name: str, part: Part, more: Read) -> Callable[[Sequence[Value], Any], Graph]:
    """What a part does; as a graph, when it is known all that the parts read from outside."""
    recording, level = Inner(more), new_level()
    slots, examples = [], []
    names = [*names_of(part.f, part.args, {}), *("x" for _ in part.leaves)]
    for x, word in zip(part.leaves, names, strict=False):
        x = x if isinstance(x, (bool, int, float, complex)) else sample(as_array(x))
        slots.append(recording.value(x, word))
        examples.append(x)
    with unwatched():
        theirs = Stage.at(floor_beneath(), level, [])
        token = recording_floor.set(theirs)
        try:
            outputs = recorded(part.run, slots, examples, recording, level)
        finally:
            recording_floor.reset(token)
            changed = theirs.restored()
    if changed:
        raise Unrolled

    def whole(given: Sequence[Value], seen: Any) -> Graph:
        inputs, example = (*slots, *given), (*examples, *seen)
        return graph_from(name, inputs, recording.steps, outputs, example)

    return whole


STAGES.append(stage)
