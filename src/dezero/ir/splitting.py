"""A body and its backward pass, as two graphs: one for the turns there, one for the turns back.

What the body's own results need is computed on the way there, and the rest on the way back. What
the way back reads of the way there is kept; but not what is the same in all turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..box import as_array, new_level
from ..core import Variable, attach, node_of, opened, seeds_of, sweep
from ..masks import inside_mask
from ..trees import peeled
from .bodies import Flags, after, chosen, derived, graph_from
from .graph import Graph
from .steps import Equation, Value

Place = tuple[int, int]
"""Where a value is computed: which step, and which of its results; of an input, -1 and which."""


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
    kept: dict[Place, int]


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


def kind(y: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype of a result."""
    y = y if isinstance(y, Value) else as_array(y)
    return y.shape, y.dtype


def split(joint: Graph, samples: dict[Value, Any], ends: int, ways: Ways) -> Pulled:
    """The graph of a body and its backward pass, in two."""
    n = len(ways.active)
    inputs, results, cotangents = joint.inputs[:n], joint.outputs[:ends], joint.outputs[ends:]
    places: dict[Value, Place] = {value: (-1, j) for j, value in enumerate(inputs)}
    for k, step in enumerate(joint.steps):
        places |= {y: (k, j) for j, y in enumerate(step.results)}
    there = set(chosen(inputs, ways.carried))
    if not ways.recompute:
        first = ancestors(joint, results, places)
        there |= changing(joint, ways) & {y for k in first for y in joint.steps[k].results}
    second = ancestors(joint, cotangents, places, there)
    read = {x for k in second for x in joint.steps[k].reads}
    read.update(y for y in cotangents if isinstance(y, Value))
    outputs, kept = list(results), {}
    last = sum(ways.carried)  # what is carried is not collected, but for the place it has here
    collected = {y: k for k, y in enumerate(outputs) if k >= last and isinstance(y, Value)}
    handed = [x for x in places if x in there and x in read]
    for x in handed:
        kept[places[x]] = collected.get(x, len(outputs))
        outputs += [] if x in collected else [x]
    # A way back that computes all again takes all: the branches of a `cond` must take alike.
    used = [j for j, x in enumerate(inputs) if x not in there and (ways.recompute or x in read)]
    taken = [*(inputs[j] for j in used), *handed, *joint.inputs[n:]]
    known = samples | dict(zip(joint.inputs, joint.example, strict=True))
    forth, back = (
        [joint.steps[k] for k in sorted(each)]
        for each in (ancestors(joint, outputs, places), second)
    )
    return Pulled(
        graph_from(joint.name, inputs, forth, outputs, joint.example[:n]),
        graph_from("back", taken, back, cotangents, [known[x] for x in taken]),
        used,
        kept,
    )


def changing(graph: Graph, ways: Ways) -> set[Value]:
    """What is not the same in all turns."""
    found = {x for x, same in zip(graph.inputs, ways.steady, strict=False) if not same}
    for step in graph.steps:
        if not found.isdisjoint(step.reads):
            found.update(step.results)
    return found


def ancestors(
    graph: Graph, ends: Iterable[Any], places: dict[Value, Place], known: Any = ()
) -> set[int]:
    """The steps that are needed for some values, if others are known."""
    found: set[int] = set()
    stack = list(ends)
    while stack:
        x = stack.pop()
        k = places.get(x, (-1, 0))[0] if isinstance(x, Value) and x not in known else -1
        if k >= 0 and k not in found:
            found.add(k)
            stack += graph.steps[k].reads
    return found


def masks(graph: Graph) -> bool:
    """Whether something in a graph masks: what was not taken of it does not count."""
    return any(
        isinstance(step, Equation)
        and (step.p.masks or any(masks(each) for each in step.parts.values()))
        for step in graph.steps
    )
