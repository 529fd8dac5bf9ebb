"""Graphs made of graphs: with tangents, and for many members at once.

A body is a graph that asks for no numbers, so that a loop can call it again and again. What is made
of it is such a graph too, of all that the body takes and of what is new, after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from ..batching import Batch, batch
from ..box import as_array, new_level
from ..core import opened
from ..forward import Dual, dual
from ..loops import unwatched
from ..masks import inside_mask
from ..trees import flatten, peeled
from .graph import Graph
from .steps import Equation, Value
from .tracer import Recording, output, recordings, tracer

Flags = Sequence[bool]


class Unrolled(Exception):
    """A loop that cannot be one equation."""


class Strict(Recording):
    """The graph of a body, while it is being written.

    Attributes
    ----------
    samples : dict
        What each result is on the numbers at hand.
    """

    asks: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.samples: dict[Value, Any] = {}

    def ask(self, *_question: Any) -> Any:
        raise Unrolled

    def equation(self, p: Any, operands: tuple[Any, ...], params: Any, outs: Any) -> Any:
        results = super().equation(p, operands, params, outs)
        self.samples.update(zip(results, outs, strict=True))
        return results


def recorded(
    run: Callable[..., Iterable[Any]],
    inputs: Sequence[Value],
    examples: Sequence[Any],
    recording: Recording,
    level: int,
) -> tuple[Any, ...]:
    """What a function of leaves returns, as its graph knows it."""
    boxes = [tracer(x, value, level) for value, x in zip(inputs, examples, strict=True)]
    recordings[level] = recording
    try:
        with opened(level), unwatched():
            return tuple(settled(output(y, level, recording)) for y in run(*boxes))
    finally:
        del recordings[level]


def settled(y: Any) -> Any:
    """A result that a graph can hold."""
    if not isinstance(y, Value) and as_array(y).dtype.kind not in "fciub":
        raise Unrolled
    return y


def graph_from(
    name: str, inputs: Sequence[Value], steps: Iterable[Any], outputs: Sequence[Any], example: Any
) -> Graph:
    """A graph of leaves."""
    specs = tuple(flatten(tree)[1] for tree in ((tuple(inputs), {}), tuple(outputs)))
    return Graph(name, tuple(inputs), steps, tuple(outputs), specs, tuple(example))


def derived(
    graph: Graph, run: Callable[..., Iterable[Any]], new: Iterable[tuple[str, Any]] = ()
) -> tuple[Graph, Strict]:
    """The graph of a function of what a graph takes, and of more; and how it was written."""
    recording, inputs, examples = Strict(), [], []
    named = [*((v.name, x) for v, x in zip(graph.inputs, graph.example, strict=True)), *new]
    for name, x in named:
        inputs.append(recording.value(x, name))
        examples.append(x)
    token = inside_mask.set(False)
    try:
        outputs = recorded(run, inputs, examples, recording, new_level())
    finally:
        inside_mask.reset(token)
    return graph_from(graph.name, inputs, recording.steps, outputs, examples), recording


def arranged(graph: Graph, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
    """The graph with what it takes and gives in another order."""
    given, example = ([xs[k] for k in inputs] for xs in (graph.inputs, graph.example))
    return graph_from(graph.name, given, graph.steps, [graph.outputs[k] for k in outputs], example)


def reached(graph: Graph, flags: Flags, moving: bool = True) -> list[bool]:
    """Which outputs depend on the inputs that are flagged; if `moving`, so that they move."""
    alive = {value for value, on in zip(graph.inputs, flags, strict=True) if on}
    for step in graph.steps:
        if isinstance(step, Equation) and not alive.isdisjoint(step.reads):
            if not moving:
                alive.update(step.results)
            elif not step.p.nondifferentiable:
                alive.update(y for y in step.results if y.dtype.kind in "fc")
    return [isinstance(y, Value) and y in alive for y in graph.outputs]


# ---------------------------------------------------------------------------- what is made of one


def chosen(xs: Iterable[Any], flags: Flags) -> Iterator[Any]:
    """Those that are flagged."""
    return (x for x, on in zip(xs, flags, strict=True) if on)


def pushed(graph: Graph, moves: Flags, outs: Flags) -> Graph:
    """The graph with the tangents of some inputs, and of some outputs."""
    n = len(graph.inputs)

    def run(*leaves: Any) -> Iterator[Any]:
        level, tangents = new_level(), iter(leaves[n:])
        boxes = [
            dual(x, next(tangents), level) if m else x
            for x, m in zip(leaves[:n], moves, strict=True)
        ]
        ys = [as_array(peeled(y, level)) for y in graph.run(boxes)]
        mine = [isinstance(y, Dual) and y._level == level for y in ys]
        yield from (y._value if m else y for y, m in zip(ys, mine, strict=True))
        for y, m in chosen(zip(ys, mine, strict=True), outs):
            yield y._tangent if m else np.zeros(y.shape, y.dtype)

    pairs = chosen(zip(graph.inputs, graph.example, strict=True), moves)
    return derived(graph, run, [(after(v, "t"), as_array(x)) for v, x in pairs])[0]


def after(value: Any, what: str) -> str:
    """The name of what belongs to a value: its tangent, or its cotangent."""
    name = getattr(value, "name", "")
    return f"{what}_{name}" if name else ""


def mapped(graph: Graph, mine: Flags, outs: Flags, n: int) -> Graph:
    """The graph for `n` members at once, that differ in some inputs, and in some outputs."""

    def run(*leaves: Any) -> Iterator[Any]:
        level = new_level()
        boxes = [batch(x, level) if m else x for x, m in zip(leaves, mine, strict=True)]
        with opened(level):
            ys = [peeled(y, level) for y in graph.run(boxes)]
        yield from (spread(y, level, n) if on else y for y, on in zip(ys, outs, strict=True))

    return derived(with_members(graph, mine, n), run)[0]


def spread(y: Any, level: int, n: int) -> Any:
    """A result of all members, also if it is the same for all."""
    if isinstance(y, Batch) and y._level == level:
        return y._value
    y = as_array(y)
    return np.broadcast_to(y, (n, *y.shape))


def with_members(graph: Graph, mine: Flags, n: int) -> Graph:
    """The graph with an example for `n` members."""
    example = [
        np.broadcast_to(as_array(x), (n, *np.shape(x))) if m else x
        for x, m in zip(graph.example, mine, strict=True)
    ]
    return Graph(graph.name, graph.inputs, graph.steps, graph.outputs, graph.specs, tuple(example))


def until_all(test: Graph, body: Graph, mine: Flags, n: int) -> tuple[Graph, Graph]:
    """The condition and the body of a loop that goes on until the last of `n` members is done."""
    carries = len(body.outputs)

    def boxes(leaves: Any, level: int) -> list[Any]:
        return [batch(x, level) if m else x for x, m in zip(leaves, mine, strict=True)]

    def goes_on(*leaves: Any) -> Iterator[Any]:
        level = new_level()
        with opened(level):
            (going,) = test.run(boxes(leaves, level))
        yield np.any(peeled(going, level)._value)

    def step(*leaves: Any) -> Iterator[Any]:
        level = new_level()
        with opened(level):
            given = boxes(leaves, level)
            (going,) = test.run(given)
            after = body.run(given)
            ys = [np.where(going, a, b) for a, b in zip(after, given[:carries], strict=True)]
        yield from (spread(peeled(y, level), level, n) for y in ys)

    pair = ((test, goes_on), (body, step))
    first, second = (derived(with_members(graph, mine, n), run)[0] for graph, run in pair)
    return first, second
