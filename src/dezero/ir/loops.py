"""Loops and branches in a graph: one equation each, with graphs for what they call.

`scan`, `fori_loop`, `while_loop` and `cond` come here when they meet Tracers. What they call is
traced once, into graphs that are static parameters of the equation; what these read of the program
around them becomes further operands. Run on arrays, or on boxes of another kind, the equation does
what the loop does.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box, as_array, new_level, plain
from ..core import opened
from ..loops import STAGES, Part, answered, either, steps, truth, turns, unwatched
from ..primitives import Primitive
from ..trees import flatten
from .graph import Graph
from .steps import Value
from .tracer import Recording, Tracer, names_of, output, recordings, tracer

DEEPEST = 8
"""Loops inside loops that are written as such; a function that calls itself has no end."""


class Unrolled(Exception):
    """A loop that cannot be one equation."""


# ---------------------------------------------------------------------------- the equations


class Loop(Primitive):
    """A loop, or a branch, whose steps are graphs."""

    def __call__(self, *operands: Any, **params: Any) -> Any:
        top = max((x for x in operands if isinstance(x, Box)), key=_level, default=None)
        if isinstance(top, Tracer):
            return top.process(self, operands, params, top._level)
        return tuple(map(as_array, self.fn(*operands, **params)))

    def __reduce__(self) -> Any:
        return loop_named, (self.title,)


def loop_named(title: str) -> Loop:
    """A loop's primitive, for one that was pickled."""
    return LOOPS[title]


def _level(x: Box) -> int:
    return x._level


def runner(graph: Any, more: tuple[Any, ...]) -> Callable[..., list[Any]]:
    """What a graph, or a function compiled from one, gives for leaves, and these after them."""
    if isinstance(graph, Graph):
        return lambda *leaves: graph.run((*leaves, *more))
    return lambda *leaves: list(graph(*leaves, *more))


def run_fori(lo: Any, hi: Any, *rest: Any, body: Any, carries: int) -> list[Any]:
    """``for i in range(lo, hi)``."""
    values, step = list(rest[:carries]), runner(body, rest[carries:])
    for i in range(operator.index(lo), operator.index(hi)):
        values = step(i, *values)
    return values


def run_while(*rest: Any, cond: Any, body: Any, carries: int) -> list[Any]:
    """``while``."""
    more = rest[carries:]
    return turns(runner(cond, more), runner(body, more), list(rest[:carries]))


def run_cond(pred: Any, *rest: Any, yes: Any, no: Any) -> list[Any]:
    """``if``."""
    chosen = answered(truth(pred, "cond"))
    if isinstance(chosen, Box):
        return either(chosen, runner(yes, ()), runner(no, ()), list(rest))
    return runner(yes if chosen else no, ())(*rest)


def run_scan(
    *rest: Any, body: Any, carries: int, sequences: int, length: int, checkpoint: Any
) -> list[Any]:
    """A loop over the first axes of sequences, which collects what its steps put out."""
    end = carries + sequences
    xs, step = rest[carries:end], runner(body, rest[end:])

    def once(values: list[Any], k: int) -> tuple[list[Any], list[Any]]:
        outs = step(*values, *(x[k] for x in xs))
        return outs[:carries], outs[carries:]

    values, ys = steps(once, list(rest[:carries]), length, checkpoint)
    return [*values, *(np.stack([*map(as_array, each)]) for each in zip(*ys, strict=True))]


LOOPS = {
    "scan": Loop(run_scan, "scan"),
    "fori_loop": Loop(run_fori, "fori_loop"),
    "while_loop": Loop(run_while, "while_loop"),
    "cond": Loop(run_cond, "cond"),
}


# ---------------------------------------------------------------------------- writing them


class Inner(Recording):
    """The graph of a part of a loop, while it is being written."""

    def __init__(self, more: dict[Value, tuple[Any, Any, Value]]) -> None:
        super().__init__()
        self.more = more  # boxes from outside, as they were when they were met, and their names

    def ask(self, *_question: Any) -> Any:
        raise Unrolled

    def given(self, x: Any) -> Any:
        if not isinstance(x, Box):
            return super().given(x)
        if not isinstance(x, Tracer):
            raise Unrolled
        slot = x._slot
        if slot not in self.more:
            self.more[slot] = x, x._twin(), self.value(x._value, slot.name)
        return self.more[slot][2]


def stage(
    title: str, operands: list[Any], parts: dict[str, Part], facts: dict[str, Any]
) -> list[Any] | None:
    """The results of a loop as one equation; None if there is no trace, or it must be unrolled.

    It is unrolled if a part asks for a number, changes what is outside, or fails.
    """
    boxes = [x for x in operands if isinstance(x, Box)]
    here = threading.get_ident()
    running = [level for level, each in [*recordings.items()] if each.thread == here]
    if not running or not all(isinstance(x, Tracer) for x in boxes):
        return None
    if sum(isinstance(recordings[level], Inner) for level in running) >= DEEPEST:
        return None
    outside = recordings[max(running)]
    more: dict[Value, tuple[Any, Any, Value]] = {}
    try:
        graphs = {name: graph_of(name, part, outside, more) for name, part in parts.items()}
    except Exception:  # noqa: BLE001  # whatever it is: the loop itself will meet it, if it gets there
        return None
    read = [twin for _, twin, _ in more.values()]
    if not boxes and not read:
        return None
    slots = tuple(slot for _, _, slot in more.values())
    whole = {name: graph(slots) for name, graph in graphs.items()}
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


def graph_of(
    name: str, part: Part, outside: Recording, more: dict[Value, Any]
) -> Callable[[tuple[Value, ...]], Graph]:
    """What a part does; as a graph, when it is known all that the parts read from outside."""
    recording, level = Inner(more), new_level()
    slots, boxes = [], []
    names = [*names_of(part.f, part.args, {}), *("x" for _ in part.leaves)]
    for x, word in zip(part.leaves, names, strict=False):
        x = x if isinstance(x, (bool, int, float, complex)) else plain(as_array(x))
        slots.append(recording.value(x, word))
        boxes.append(tracer(x, slots[-1], level))
    recordings[level], before, outside.inner = recording, outside.inner, level
    try:
        with opened(level), unwatched():
            outputs = tuple(settled(output(y, level, recording)) for y in part.run(*boxes))
    finally:
        del recordings[level]
        outside.inner = before
        changed = [(x, twin) for x, twin, _ in more.values() if x._level != twin._level]
        for x, twin in changed:
            for mark in (*x._marks, *x._parts):
                setattr(x, mark, getattr(twin, mark))
    if changed:
        raise Unrolled
    example = tuple(box._value for box in boxes)

    def whole(given: tuple[Value, ...]) -> Graph:
        inputs = (*slots, *given)
        specs = tuple(flatten(tree)[1] for tree in ((inputs, {}), outputs))
        return Graph(name, inputs, recording.steps, outputs, specs, example)

    return whole


def settled(y: Any) -> Any:
    """A result that a graph can hold."""
    if not isinstance(y, Value) and as_array(y).dtype.kind not in "fciub":
        raise Unrolled
    return y


STAGES.append(stage)
