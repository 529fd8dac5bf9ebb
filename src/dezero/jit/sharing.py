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
        if isinstance(step, Equation):
            memory: set[Value] = set().union(*map(of, step.operands))
            if step.p.title == "broadcast_to":
                memory.add(SPREAD)
            known.update((y, {y} if fresh(step.p) else memory) for y in step.results)
    return [of(y) for y in graph.outputs]
