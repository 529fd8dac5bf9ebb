"""Which equations become machine code: a graph of kernels, and of what runs through NumPy.

Kernels are as few as the order of things allows: all that a kernel can compute before NumPy is
needed is in one.
"""

from __future__ import annotations

from typing import Any

from ...ir.graph import Graph
from ...ir.steps import Equation, Guard, Step, Value
from ...primitives import Primitive
from ...trees import flatten
from .kernel import Kernel
from .rules import lowers, weak_inputs


class Compiled(Primitive):
    """A kernel as a primitive of a graph."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, "kernel")


def waves(graph: Graph) -> list[tuple[list[Step], list[Step]]]:
    """The steps in order, as pairs of those for a kernel and those that follow it in Python.

    What can fail, or not come to an end, stays behind the guards before it.
    """
    weak, wave = weak_inputs(graph), dict.fromkeys(graph.inputs, 0)
    after: set[Value] = set()  # what NumPy computes
    found: list[tuple[list[Step], list[Step]]] = []
    guarded = 0  # the first wave that is behind all guards so far
    for step in graph.steps:
        native = lowers(step, weak)
        number = max((wave[x] + (native and x in after) for x in step.reads), default=0)
        if isinstance(step, Guard):
            guarded = max(guarded, number + (not native))
        elif not native or step.parts:
            number = max(number, guarded)
        wave.update(dict.fromkeys(step.results, number))
        while len(found) <= number:
            found.append(([], []))
        if native:
            found[number][0].append(step)
        else:
            found[number][1].append(step)
            after.update(step.results)
    return found


def with_kernels(graph: Graph) -> Graph:
    """The graph with all that can be machine code in kernels, one equation each."""
    steps: list[Step] = []
    pairs = waves(graph)
    for k, (native, rest) in enumerate(pairs):
        if native:
            later = [*rest, *(step for pair in pairs[k + 1 :] for part in pair for step in part)]
            steps.append(kernel_of(graph, native, later))
        steps += rest
    return Graph(graph.name, graph.inputs, steps, graph.outputs, graph.specs, graph.example)


def kernel_of(graph: Graph, native: list[Step], later: list[Step]) -> Equation:
    """One equation for these; its results are what is read later."""
    made = {y for step in native for y in step.results}
    wanted = {x for step in later for x in step.reads}
    wanted |= {y for y in graph.outputs if isinstance(y, Value)}
    inputs = tuple(dict.fromkeys(x for step in native for x in step.reads if x not in made))
    outputs = tuple(y for step in native for y in step.results if y in wanted)
    examples: dict[Value, Any] = dict(zip(graph.inputs, graph.example, strict=True))
    specs = flatten((inputs, {}))[1], flatten(outputs)[1]
    example = tuple(examples.get(x) for x in inputs)
    part = Graph(graph.name, inputs, native, outputs, specs, example)
    return Equation(Compiled(Kernel(part)), inputs, {}, outputs, native[0].line)
