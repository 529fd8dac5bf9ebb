"""Whose memory results show: what was simplified must not share more than the program does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import Graph
from ..ir.steps import Equation, Value
from .replay import is_fresh

CONSTANT = Value((), np.dtype(bool), "constant")
"""Stands for all constants of a graph: a result in their memory could spoil the next."""

SPREAD = Value((), np.dtype(bool), "spread")
"""Stands for the memory of what is broadcast, which cannot be written into."""


def shared(written: Graph, run: Graph) -> list[int]:
    """The results of a graph that must be copied, to be apart as they are in the one as written.

    ``x * 1`` is another array than ``x``, and two calls of ``np.sin(x)`` give two.
    """
    before, after = shown(written), shown(run)
    copied: list[int] = []
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        others = [j for j in range(k) if j not in copied and after[j] & new and not before[j] & old]
        if others or CONSTANT in new or (new & {*run.inputs, SPREAD}) - old:
            copied.append(k)
    return copied


def shown(graph: Graph, fresh: Callable[[Any], bool] = is_fresh) -> list[set[Value]]:
    """For each output, the inputs and fresh results in whose memory it may be.

    Results of primitives that `fresh` holds of have memory of their own.
    """
    known: dict[Value, set[Value]] = {x: {x} for x in graph.inputs}

    def of(x: Any) -> set[Value]:
        if isinstance(x, Value):
            return known[x]
        return {CONSTANT} if isinstance(x, np.ndarray) else set()

    for step in graph.steps:
        if isinstance(step, Equation) and step.parts:
            known.update(zip(step.results, shown_by_loop(step, of), strict=True))
        elif isinstance(step, Equation):
            memory: set[Value] = set().union(*map(of, step.operands))
            if step.p.title == "broadcast_to":
                memory.add(SPREAD)
            known.update((y, {y} if fresh(step.p) else memory) for y in step.results)
    return [of(y) for y in graph.outputs]


def shown_by_loop(step: Equation, of: Callable[[Any], set[Value]]) -> list[set[Value]]:
    """The same for the results of a loop, or a branch; `of` gives it for the operands."""
    carries, scans = step.params.get("carries", 0), step.p.title == "scan"
    found: list[set[Value]] = [set() for _ in step.results]
    for name, body in step.parts.items():
        if name == "cond":  # of `while_loop`, whose answer is no result
            continue
        inputs = body.inputs[step.p.title == "fori_loop" :]  # without the number of the turn
        operands = step.operands[len(step.operands) - len(inputs) :]
        known = dict(zip(inputs, map(of, operands), strict=True))
        if not step.params.get("length"):  # perhaps there is no turn
            found[:carries] = map(of, operands[:carries])
        for _ in range(carries + 1):  # what a turn gives, the next one is given
            for k, memory in enumerate(shown(body)):
                found[k] = found[k].union(*(known.get(x, {x}) for x in memory))
            known.update((x, known[x] | found[k]) for k, x in enumerate(inputs[:carries]))
    stacked = {k: {y} for k, y in enumerate(step.results) if scans and k >= carries}
    return [stacked.get(k, memory) for k, memory in enumerate(found)]
