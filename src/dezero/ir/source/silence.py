"""Guards that source does not need: that no NaN came up, where one would show in the result.

The sweep back asks whether ``0 * inf`` has made a NaN behind what was not taken (`masks.py`). A
function that does not ask lets it through: that is seen, if the NaN gets to a result, and of no
account, if it is not taken.
"""

from __future__ import annotations

from collections import defaultdict

from ..graph import Graph
from ..passes.rewriting import rebuilt
from ..passes.sharing import dead_code
from ..steps import Equation, Guard, Step, Value

SPREADING = frozenset([
    "add", "subtract", "multiply", "divide", "negative", "matmul", "sum", "mean", "reshape",
    "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze", "broadcast_to", "concatenate",
    "stack", "scatter", "real", "conjugate", "copy", "ravel", "einsum",
])  # fmt: skip
"""Rows whose result has a NaN if an operand has one."""

TAKING = {"where": (1, 2), "getitem": (0,), "gather": (0,)}
"""Rows that leave out a part of some operands, whatever it is."""


class Showing:
    """Which values of a graph cannot hold a NaN that nobody sees, and that does anything."""

    def __init__(self, graph: Graph) -> None:
        self.shown = {y for y in graph.outputs if isinstance(y, Value)}
        self.fine = set(self.shown)
        self.readers: dict[Value, list[Step]] = defaultdict(list)
        for step in reversed(graph.steps):
            for value in step.results:
                self.look_at(value)
            for x in set(step.reads):
                self.readers[x].append(step)
        for value in graph.inputs:
            self.look_at(value)

    def look_at(self, value: Value) -> None:
        """Tell of a value, when all is known of what is made of it."""
        steps = self.readers[value]
        if any(s.results and s.results[0] in self.shown and spreads(s) for s in steps):
            self.shown.add(value)
        if value in self.shown or all(self.harmless(step, value) for step in steps):
            self.fine.add(value)

    def harmless(self, step: Step, value: Value) -> bool:
        """Whether a NaN in an operand shows in a result, or is not taken; or is asked for here."""
        if isinstance(step, Guard):
            return True
        if step.p.title in ("isnan", "any"):
            return all(isinstance(s, Guard) or s.p.title == "any" for s in self.of(step))
        places = TAKING.get(step.p.title, range(len(step.operands)) if spreads(step) else ())
        mine = [k for k, x in enumerate(step.operands) if x is value]
        return set(mine) <= set(places) and self.fine.issuperset(step.results)

    def of(self, step: Step) -> list[Step]:
        """Who reads the result of a step."""
        return self.readers[step.results[0]]


def spreads(step: Step) -> bool:
    """Whether a NaN in any operand is one in the result."""
    return isinstance(step, Equation) and step.p.title in SPREADING


def without_silent_guards(graph: Graph) -> Graph:
    """The graph without asking for NaN that would be seen anyway."""
    showing = Showing(graph)
    made = {value: step for step in graph.steps for value in step.results}
    kept = [step for step in graph.steps if not asks_of(step, made) & showing.fine]
    return dead_code(rebuilt(graph, kept)) if len(kept) < len(graph.steps) else graph


def asks_of(step: Step, made: dict[Value, Step]) -> set[Value]:
    """The value that a guard found free of NaN; none, if it asks something else."""
    if not isinstance(step, Guard) or step.question != "bool" or step.answer:
        return set()
    found = step.operand
    for title in ("any", "isnan"):
        before = made.get(found)
        if not isinstance(before, Equation) or before.p.title != title:
            return set()
        if not before.results[0].derived:
            return set()  # the program's own question
        (found,) = before.reads
    return {found}
