"""The pass that leaves out of loops and branches what nobody reads."""

from __future__ import annotations

from collections.abc import Sequence

from ..bodies import Flags, arranged, chosen
from ..graph import Graph
from ..loops import Loop
from ..steps import Equation, Step, Value
from ..turning import HEADS
from .rewriting import rebuilt
from .sharing import dead_code


def unread(graph: Graph) -> Graph:
    """Loops carry, collect and read only what their results need that are read."""
    alive = {y for y in graph.outputs if isinstance(y, Value)}
    steps: list[Step] = []
    for step in reversed(graph.steps):
        if isinstance(step, Equation) and isinstance(step.p, Loop):
            read = [y in alive for y in step.results]
            step = trimmed(step, read) if any(read) else step
        if isinstance(step, Equation) and alive.isdisjoint(step.results):
            steps.append(step)  # `dead_code` is for those
            continue
        alive.update(step.reads)
        steps.append(step)
    steps.reverse()
    same = all(a is b for a, b in zip(steps, graph.steps, strict=True))
    return graph if same else rebuilt(graph, steps)


def trimmed(step: Equation, read: Flags) -> Equation:
    """The loop without what is not needed for the results that are read."""
    first = HEADS.get(step.p.title, 0)
    lead, carries = first // 2, step.params.get("carries", 0)
    wanted, before = list(read), None
    while wanted != before:
        before, needed = list(wanted), inputs_of(step, wanted)
        for k in range(carries):
            wanted[k] = wanted[k] or needed[lead + k]
    kept = [True] * lead + wanted[:carries] + needed[lead + carries :]
    if all(kept) and all(wanted):
        return step
    end = lead + carries + step.params.get("sequences", 0)
    counts = {"carries": sum(wanted[:carries]), "sequences": sum(kept[lead + carries : end])}
    inputs, outputs = places(kept), places(wanted)
    graphs = {
        key: dead_code(arranged(g, inputs, [0] if key == "cond" else outputs))
        for key, g in step.parts.items()
    }
    params = step.params | {k: n for k, n in counts.items() if k in step.params} | graphs
    operands = (*step.operands[:first], *chosen(step.operands[first:], kept[lead:]))
    return Equation(step.p, operands, params, tuple(chosen(step.results, wanted)), step.line)


def inputs_of(step: Equation, wanted: Flags) -> list[bool]:
    """Which inputs of its graphs a loop reads for the outputs that are wanted."""
    each = (
        read_for(graph, [True] if key == "cond" else wanted) for key, graph in step.parts.items()
    )
    return [any(flags) for flags in zip(*each, strict=True)]


def read_for(graph: Graph, wanted: Flags) -> list[bool]:
    """Which inputs the outputs that are wanted are computed from."""
    alive = {y for y in chosen(graph.outputs, wanted) if isinstance(y, Value)}
    for step in reversed(graph.steps):
        if not alive.isdisjoint(step.results):
            alive.update(step.reads)
    return [x in alive for x in graph.inputs]


def places(flags: Sequence[bool]) -> list[int]:
    """Where there are flags."""
    return [k for k, on in enumerate(flags) if on]
