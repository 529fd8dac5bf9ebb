"""How arrays lie in memory: sums add up in that order, so their last bits depend on it.

NumPy lays out the result of an elementwise row like its operands, and row by row if these differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...axes import pointwise
from ..graph import Graph
from ..steps import Equation, Value

FRESH = frozenset({"matmul", "scatter", "zeros_like", "ones_like"})
"""Rows whose results lie row by row, whatever their operands do."""

KEEPING = frozenset({
    "sum", "mean", "prod", "max", "min", "var", "std", "any", "all", "cumsum", "sort", "astype",
    "reshape", "expand_dims", "squeeze", "broadcast_to", "concatenate", "stack", "stop_gradient",
})  # fmt: skip
"""Rows whose results do if their operands do; elementwise ones are such too, and slices."""


def in_rows(graph: Graph) -> set[Value]:
    """The values of a graph that surely lie in memory row by row."""
    pairs = zip(graph.inputs, graph.example, strict=False)
    found = {value for value, x in pairs if lies_in_rows(x)}
    for step in graph.steps:
        if isinstance(step, Equation):
            keeps = step.p.title in FRESH or (
                keeps_rows(step)
                and all(x in found for x in step.reads)
                and all(lies_in_rows(x) for x in step.operands if not isinstance(x, Value))
            )
            found.update(y for y in step.results if keeps or has_no_rows(y.shape))
    return found


def keeps_rows(step: Equation) -> bool:
    """Whether results lie row by row if the operands do."""
    if step.p.title != "getitem":
        return step.p.title in KEEPING or is_elementwise(step.p)
    index = step.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(each, (int, slice, type(None), type(...))) for each in parts)


def lies_in_rows(x: Any) -> bool:
    """Whether an array lies in memory row by row."""
    return not isinstance(x, np.ndarray) or has_no_rows(x.shape) or x.flags.c_contiguous


def has_no_rows(shape: tuple[int, ...]) -> bool:
    """Whether an array has one axis at most, but for those of length 1."""
    return len(shape) < 2 or len([n for n in shape if n != 1]) < 2


def is_elementwise(p: Any) -> bool:
    """Whether a row does the same to each number."""
    return bool(p.pointwise or (p.nondifferentiable and p.batching is pointwise))


def elementwise_in(graph: Graph) -> set[str]:
    """The titles of a graph's elementwise rows."""
    return {p.title for p in graph.rows if is_elementwise(p)}
