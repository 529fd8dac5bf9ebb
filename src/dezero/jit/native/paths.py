"""The `llvm` backend: paths whose equations are machine code, as far as they can be."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...ir.graph import Graph
from ...ir.loops import LOOPS
from ...ir.steps import Equation, Value
from ..compiled import Backend
from ..path import Path, Run
from ..replay import OtherPath, compiled, is_fresh
from ..sharing import shown
from .entry import entries
from .explaining import of_parts, surroundings
from .hanging import hang
from .kernel import Kernel
from .regions import with_kernels
from .tables import Callee, Constant, Fresh, Given, Result, Unfit


def path(graph: Graph, example: Any) -> Path:
    """A path of kernels and calls of NumPy; if it is one kernel, it has entries."""
    made = Path(graph, Parts)
    with contextlib.suppress(Unfit):
        if example is None:
            raise Unfit("called by Python")
        callee, results = run_by(made).callee(made.copied)
        made.entries = entries(callee, example, results, graph.specs[1])
    return made


class Parts:
    """A graph as kernels and calls of NumPy, called with its inputs.

    Where a kernel gives up, all of it goes through NumPy, which knows whether that is another path.
    A graph whose results are views of its inputs does so anyway; what a loop returns is an array
    of its own, though it may have had no turns.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parts = graph if shows_inputs(graph) else with_kernels(graph)
        self.run = compiled(self.parts)

    @functools.cached_property
    def plain(self) -> Run:
        """The same without kernels."""
        return compiled(self.graph)

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        try:
            return self.run(*inputs)
        except OtherPath:
            return self.plain(*inputs)

    def callee(self, copied: list[int]) -> tuple[Callee, list[Result]]:
        """The one kernel that the graph is, and what becomes of its results.

        Raises
        ------
        Unfit
            If it is not one kernel, or NumPy's results share memory where a kernel's do not.
        """
        inputs, outputs = self.graph.inputs, self.graph.outputs
        step = self.parts.steps[0] if len(self.parts.steps) == 1 else None
        if not isinstance(step, Equation) or step.p.title != "kernel":
            raise Unfit("not one kernel")
        fresh = [y for y in outputs if isinstance(y, Value) and y not in inputs]
        if len(fresh) != len(step.results) or set(fresh) != set(step.results):
            raise Unfit("a result twice")
        if not all(isinstance(outputs[k], Value) and outputs[k] in fresh for k in copied):
            raise Unfit("a copy of something else")
        kernel = step.p.fn
        reads = tuple(inputs.index(x) for x in step.operands)
        writes = tuple(fresh.index(y) for y in step.results)
        callee = Callee(
            kernel.code["kernel"],
            reads,
            writes,
            tuple(kernel.constants),
            unlocked=kernel.long,
            keep=kernel,
        )
        return callee, [result(self.graph, y) for y in outputs]


def run_by(path: Path) -> Parts:
    """What a path of this backend runs."""
    assert isinstance(path.replay, Parts)
    return path.replay


def shows_inputs(graph: Graph) -> bool:
    """Whether results are views of inputs, which is tried out where it might be."""
    given = set(graph.inputs)
    pairs = zip(graph.outputs, shown(graph, is_made), strict=True)
    might = [
        k for k, (y, memory) in enumerate(pairs) if memory & given and y not in given and y.shape
    ]  # what has no axes is copied
    if not might:
        return False
    with np.errstate(all="ignore"):
        outs = compiled(graph)(*graph.example)
    return any(np.may_share_memory(outs[k], x) for k in might for x in graph.example)


def is_made(p: Any) -> bool:
    """Whether results of a primitive are arrays of their own, in a kernel."""
    return is_fresh(p) or LOOPS.get(p.title) is p


def result(graph: Graph, y: Any) -> Result:
    """What a result is."""
    if not isinstance(y, Value):
        return Constant(y)
    return Given(graph.inputs.index(y)) if y in graph.inputs else Fresh(y.shape, y.dtype)


def parts(path: Path) -> tuple[Graph, list[Kernel]]:
    """What a path runs, and the kernels in it."""
    graph = run_by(path).parts
    equations = (step for step in graph.steps if isinstance(step, Equation))
    return graph, [step.p.fn for step in equations if isinstance(step.p.fn, Kernel)]


def about(jitted: Any, path: Path) -> Iterator[str]:
    """What there is to say about a path."""
    graph, _ = parts(path)
    if graph is path.graph:
        yield "  NumPy: all of it, because results are views of arguments"
    else:
        yield from of_parts(path.graph, graph)
    present = jitted.known.present
    if jitted.known.captured.variables:
        yield "  called through Python, because it reads Variables"
    elif not path.entries:
        yield "  called through Python, because not all of it is one kernel"
    elif present is not None and present.reason:
        yield f"  called through Python, which has to look at {present.reason}"


LLVM = Backend("llvm", path, hang, parts, about, lambda: f"\n{surroundings()}")
