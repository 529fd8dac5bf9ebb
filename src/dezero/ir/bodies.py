"""Graphs made of graphs: with tangents, with members, with cotangents.

A body is a graph that asks for no numbers, so that a loop can call it again and again. What is made
of it is such a graph too, of all that the body takes and of what is new, after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..batching import Batch, batch
from ..box import as_array, new_level
from ..core import Variable, attach, node_of, opened, seeds_of, sweep
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


# ---------------------------------------------------------------------------- forward


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


def kind(y: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype of a result."""
    y = y if isinstance(y, Value) else as_array(y)
    return y.shape, y.dtype


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


# ---------------------------------------------------------------------------- backward


class Pulled(NamedTuple):
    """A graph and its backward pass, in two.

    Attributes
    ----------
    there : Graph
        What the graph gives, and after it what is kept for the way back.
    back : Graph
        From inputs of the graph, what was kept, cotangents of outputs and sums to add to, to the
        cotangents of inputs.
    inputs : list of int
        Which inputs of the graph the way back reads.
    kept : dict
        Which outputs of `there` it reads, by the place where they are computed.
    """

    there: Graph
    back: Graph
    inputs: list[int]
    kept: dict[tuple[int, int], int]


class Ways(NamedTuple):
    """What is wanted of a backward pass, of each input or output of the graph.

    Attributes
    ----------
    active, outs : flags
        Which inputs, and which outputs, have cotangents.
    sums : flags
        Which active inputs have a sum that their cotangent is added to, in the order of the sweep.
    carried, steady : flags
        Which inputs change from turn to turn without being known, and which never change.
    recompute : bool
        Keep nothing but inputs.
    quiet : bool
        Take ``0 * inf`` for 0, as behind a mask.
    """

    active: Flags
    outs: Flags
    sums: Flags
    carried: Flags
    steady: Flags
    recompute: bool
    quiet: bool


def pulled(graph: Graph, ways: Ways) -> Pulled:
    """The backward pass of a graph."""
    n = len(graph.inputs)

    def run(*leaves: Any) -> Iterator[Any]:
        level, more = new_level(), iter(leaves[n:])
        boxes = [
            attach(as_array(x), None, level) if on else x
            for x, on in zip(leaves[:n], ways.active, strict=True)
        ]
        with opened(level):
            ys = [peeled(y, level) for y in graph.run(boxes)]
        mine = [isinstance(y, Variable) and y._level == level for y in ys]
        ends = [(y, next(more), m) for y, m in chosen(zip(ys, mine, strict=True), ways.outs)]
        pairs = [(y, g) for y, g, m in ends if m]
        seeds = seeds_of([*pairs, *zip(chosen(boxes, ways.sums), more, strict=True)])
        nodes = [node_of(x) for x in chosen(boxes, ways.active)]
        inside_mask.set(ways.quiet)
        found = sweep(seeds, stops=frozenset(nodes)) if seeds else {}
        yield from (y._value if m else y for y, m in zip(ys, mine, strict=True))
        yield from (found.get(node, np.zeros(node.shape, node.dtype)) for node in nodes)

    carried = chosen(graph.inputs, ways.carried)
    named = [next(carried, y) for y in graph.outputs]
    pairs = chosen(zip(graph.outputs, named, strict=True), ways.outs)
    given = [(after(v, "d"), np.ones(*kind(y))) for y, v in pairs]
    of_all = chosen(zip(graph.inputs, graph.example, strict=True), ways.sums)
    totals = [(after(v, "d"), as_array(x)) for v, x in of_all]
    joint, recording = derived(graph, run, [*given, *totals])
    return split(joint, recording.samples, len(graph.outputs), ways)


def split(joint: Graph, samples: dict[Value, Any], ends: int, ways: Ways) -> Pulled:
    """A graph and its backward pass: what is needed for the graph's outputs, and the rest.

    What does not change from turn to turn is computed again instead of being kept.
    """
    n = len(ways.active)
    made = {y: (k, j) for k, step in enumerate(joint.steps) for j, y in enumerate(step.results)}
    inputs = {value: (-1, j) for j, value in enumerate(joint.inputs[:n])}
    first = set() if ways.recompute else ancestors(joint, joint.outputs[:ends], made)
    varying = {x for x, fixed in zip(joint.inputs, ways.steady, strict=False) if not fixed}
    for step in joint.steps:
        if not varying.isdisjoint(step.reads):
            varying.update(step.results)
    there = {y for k in first for y in joint.steps[k].results if y in varying}
    there.update(chosen(joint.inputs[:n], ways.carried))
    rest = ancestors(joint, joint.outputs[ends:], made, there)
    read = {x for k in rest for x in joint.steps[k].reads}
    read.update(y for y in joint.outputs[ends:] if isinstance(y, Value))
    outputs = list(joint.outputs[:ends])
    kept: dict[tuple[int, int], int] = {}
    last = sum(ways.carried)  # those are not collected
    stacked = {y: k for k, y in enumerate(outputs) if k >= last and isinstance(y, Value)}
    for y in [x for x in (*inputs, *made) if x in there and x in read]:
        place = stacked.get(y, len(outputs))
        kept[(inputs | made)[y]] = place
        outputs += [y] if place == len(outputs) else []
    whole = ways.recompute  # whatever is read of the inputs: the branches of a `cond` read alike
    used = [k for k, x in enumerate(joint.inputs[:n]) if (whole or x in read) and x not in there]
    known = samples | dict(zip(joint.inputs, joint.example, strict=True))
    taken = [
        *(joint.inputs[k] for k in used),
        *(y for y in (*inputs, *made) if (inputs | made)[y] in kept),
        *joint.inputs[n:],
    ]
    back = [joint.steps[k] for k in sorted(rest)]
    forth = ancestors(joint, outputs, made)
    return Pulled(
        graph_from(
            joint.name,
            joint.inputs[:n],
            [joint.steps[k] for k in sorted(forth)],
            outputs,
            joint.example[:n],
        ),
        graph_from("back", taken, back, joint.outputs[ends:], [known[x] for x in taken]),
        used,
        kept,
    )


def ancestors(
    graph: Graph, ends: Iterable[Any], made: dict[Value, tuple[int, int]], known: Any = ()
) -> set[int]:
    """The steps that are needed for some values, if others are known."""
    found: set[int] = set()
    stack = list(ends)
    while stack:
        x = stack.pop()
        if isinstance(x, Value) and x not in known and x in made and made[x][0] not in found:
            found.add(made[x][0])
            stack += graph.steps[made[x][0]].reads
    return found


def masks(graph: Graph) -> bool:
    """Whether something in a graph masks: what was not taken of it does not count."""
    return any(
        isinstance(step, Equation)
        and (step.p.masks or any(masks(each) for each in step.parts.values()))
        for step in graph.steps
    )
