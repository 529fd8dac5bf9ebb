"""Names for gradients in a backward pass: ``d_h`` is that of what the user calls `h`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeGuard

from ..graph import Graph
from ..passes.rewriting import filled_with
from ..steps import Equation, Step, Value


def gradients(graph: Graph, small: Graph, users: Mapping[Value, str]) -> dict[Value, str]:
    """Names for the gradients in a graph, and in what it was simplified to.

    A part of a sum has none, but for an array in which the sum is added up.
    """
    named: dict[Value, str] = {}
    onward = passed_on(small)
    for step in graph.steps:
        for value in step.results:
            by = [onward.get(x, x) for x in value.of]
            names = [name for x in by if (name := users.get(x) or x.name)]
            if names:
                named[value] = f"d_{names[0]}"
                named.update((x, named[value]) for x in unscaled(step))
    put = places(small)
    for step in reversed(small.steps):
        total = named.get(step.results[0], "") if is_called(step, "add") else ""
        terms = set(step.reads) if total else set()
        if terms & put:
            named.update((x, total) for x in terms if not x.of)
        else:
            named = {x: name for x, name in named.items() if x not in terms or name != total}
    return named


def passed_on(graph: Graph) -> dict[Value, Value]:
    """The sums whose gradients are those of their first terms too, by the terms."""
    readers: dict[Value, list[Step]] = defaultdict(list)
    for step in graph.steps:
        for x in step.reads if step.results and not step.results[0].derived else ():
            readers[x].append(step)
    sums = {
        x: steps[0].results[0]
        for x, steps in readers.items()
        if len(steps) == 1 and is_called(steps[0], "add", "subtract") and steps[0].operands[0] is x
    }
    return {x: y for x, y in sums.items() if x.shape == y.shape}


def unscaled(step: Step) -> set[Value]:
    """The operand that a product with ones is the same as."""
    ones = is_called(step, "multiply") and any(filled_with(x) == 1 for x in step.operands)
    return {x for x in step.reads if x.shape == step.results[0].shape} if ones else set()


def places(graph: Graph) -> set[Value]:
    """Arrays of zeros with numbers put into some places."""
    return {y for step in graph.steps for y in step.results if is_called(step, "scatter")}


def is_called(step: Step, *titles: str) -> TypeGuard[Equation]:
    """Whether a step is a call of one of some rows."""
    return isinstance(step, Equation) and step.p.title in titles
