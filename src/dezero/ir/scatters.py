"""Sums of scattered parts: what may be added in place, where it belongs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules.indexing import add_at
from .graph import Graph
from .steps import Equation, Guard, Value


def meets_once(scatter: Equation) -> bool:
    """Whether the index has no place twice."""
    index, shape = scatter.params["index"], scatter.params["shape"]
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(each, (int, slice, type(None), type(...))) for each in parts):
        return True
    counts = np.zeros(shape, int)
    add_at(counts, index, 1)
    return bool(np.max(counts, initial=0) <= 1)


def scattered_sums(graph: Graph) -> dict[Any, Equation]:
    """Scatters that one sum reads and nothing else, by their results.

    One that puts several numbers into one place adds these first: as numbers are rounded, its sum
    is another than that of adding one after the other.
    """
    shown = {y for y in graph.outputs if isinstance(y, Value)}
    found: dict[Any, Equation] = {}
    for step in graph.steps:
        for x in step.reads:
            if x is not added(step, found):
                found.pop(x, None)
        if isinstance(step, Equation) and step.p.title == "scatter":
            (y,) = step.results
            if graph.uses[y] == 1 and y not in shown and meets_once(step):
                found[y] = step
    return found


def added(step: Equation | Guard, found: dict[Any, Equation]) -> Any:
    """The scatter that a sum of two adds to the other; None if it is no such sum."""
    if isinstance(step, Guard) or step.p.title != "add" or len(set(step.reads)) != 2:
        return None
    x, y = step.operands
    arrays = x.shape == y.shape and x.shape  # NumPy's numbers cannot be written into
    return (y if y in found else x) if arrays else None
