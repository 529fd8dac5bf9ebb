"""Passes: small functions from a graph to a graph that does the same with less.

None changes a bit of a result: nothing is reassociated, and a rewrite must hold for infinities, NaN
and negative zeros too. `PASSES` lists them in the order in which `simplified` runs them; one that
finds nothing to do gives the graph itself.
"""

from __future__ import annotations

from collections.abc import Callable

from ..graph import Graph
from ..steps import Equation, Step
from .algebra import algebra
from .broadcasts import late_broadcasts
from .loops import unread
from .rewriting import rebuilt
from .sharing import common_subexpressions, constants, dead_code
from .strength import quotients, strength
from .views import late_views

__all__ = ["FOR_MACHINES", "PASSES", "simplified"]


def parts(graph: Graph) -> Graph:
    """Simplify the graphs that loops and branches call."""
    steps: list[Step] = []
    changed = False
    for step in graph.steps:
        if isinstance(step, Equation) and step.parts:
            small = {key: simplified(each) for key, each in step.parts.items()}
            if any(small[key] is not each for key, each in step.parts.items()):
                changed = True
                step = Equation(step.p, step.operands, step.params | small, step.results, step.line)
        steps.append(step)
    return rebuilt(graph, steps) if changed else graph


PASSES: tuple[Callable[[Graph], Graph], ...] = (
    constants,
    algebra,
    late_broadcasts,
    late_views,
    strength,
    common_subexpressions,
    unread,
    parts,
    dead_code,
)


FOR_MACHINES = (*PASSES, quotients)
"""All of them, and one whose result nobody wants to read."""


def simplified(graph: Graph, passes: tuple[Callable[[Graph], Graph], ...] = PASSES) -> Graph:
    """The graph after all passes, again and again until they change nothing."""
    before = None
    while before is not graph:
        before = graph
        for each in passes:
            graph = each(graph)
    graph.check_order()
    return graph
