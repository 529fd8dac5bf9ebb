"""The `llvm` backend: paths whose equations are machine code, as far as they can be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ...ir.graph import Graph
from ...ir.steps import Equation, Value
from ..compiled import Backend, Path
from ..replay import compiled
from ..sharing import shown
from .entry import entries
from .hanging import hang
from .regions import with_kernels
from .tables import Callee, Constant, Fresh, Given, Result, Unfit


def path(graph: Graph, example: Any) -> Path:
    """A path of kernels and calls of NumPy; if it is one kernel, it has entries."""
    parts: list[Graph] = []

    def run(graph: Graph) -> Callable[..., tuple[Any, ...]]:
        parts.append(with_kernels(graph))
        return compiled(parts[0])

    made = Path(graph, run)
    with contextlib.suppress(Unfit):
        callee, results = callee_of(parts[0], made.copied, shown(made.graph))
        made.entries = entries(callee, example, results, graph.specs[1])
    return made


def callee_of(
    graph: Graph, copied: list[int], memory: list[set[Value]]
) -> tuple[Callee, list[Result]]:
    """The one kernel that a graph is, and what becomes of its results.

    Raises
    ------
    Unfit
        If it is not one kernel, or NumPy's results share memory where a kernel's do not.
    """
    step = graph.steps[0] if len(graph.steps) == 1 else None
    if not isinstance(step, Equation) or step.p.title != "kernel":
        raise Unfit("not one kernel")
    given = set(graph.inputs)
    for k, y in enumerate(graph.outputs):
        if isinstance(y, Value) and y in step.results:
            apart = not memory[k] & given
        else:
            apart = k not in copied
        if not apart:
            raise Unfit("results in the memory of something else")
    fresh = [y for y in graph.outputs if isinstance(y, Value) and y not in given]
    if len(fresh) != len(step.results) or set(fresh) != set(step.results):
        raise Unfit("a result twice")
    results = [result(graph, y) for y in graph.outputs]
    reads = tuple(graph.inputs.index(x) for x in step.operands)
    writes = tuple(fresh.index(y) for y in step.results)
    kernel = step.p.fn
    return Callee(kernel.code["kernel"], reads, writes, tuple(kernel.constants), keep=kernel), results


def result(graph: Graph, y: Any) -> Result:
    """What a result is."""
    if not isinstance(y, Value):
        return Constant(y)
    return Given(graph.inputs.index(y)) if y in graph.inputs else Fresh(y.shape, y.dtype)


LLVM = Backend("llvm", path, hang)
