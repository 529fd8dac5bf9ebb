"""What became of a program: its kernels and their stages, and what runs through NumPy, and why."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...ir.graph import Graph
from ...ir.steps import Equation, Guard, Value
from ..cores import get_num_threads
from ..explaining import many
from . import disk
from .kernel import Kernel
from .looping import Branch, Turns
from .lowering import Check, Stage
from .matrices import Algebra
from .nests import Computed, Nest, axes_of, vectors_for
from .rules import misfit, weak_inputs
from .runtime import vector_bytes

SECONDS = 0.02
"""How long a kernel is run to tell its time."""


def of_parts(graph: Graph, parts: Graph) -> Iterator[str]:
    """Lines about a graph whose equations are kernels and calls of NumPy."""
    env: dict[Value, Any] = dict(zip(parts.inputs, parts.example, strict=True))
    for step in parts.steps:
        if isinstance(step, Guard):
            yield f"  Python asks {step.question} of {step.operand.kind}{at(step.line)}"
            continue
        operands = [env[x] if isinstance(x, Value) else x for x in step.operands]
        with np.errstate(all="ignore"):
            step.run(env)
        if isinstance(step.p.fn, Kernel):
            yield from of_kernel(step.p.fn, operands)
        else:
            why = misfit(step, weak_inputs(graph))
            yield f"  NumPy: {step.p.title}, because {why}{at(step.line)}"


def of_kernel(kernel: Kernel, operands: list[Any]) -> Iterator[str]:
    """Lines about a kernel."""
    count = sum(isinstance(step, Equation) for step in kernel.graph.steps)
    size = sum(np.asarray(x).nbytes for x in (*operands, *kernel.constants))
    size += sum(math.prod(y.shape) * y.dtype.itemsize for y in kernel.graph.outputs)
    yield (
        f"  kernel of {many(count, 'equation')}: {seconds(kernel, operands)}, "
        f"{amount(size)} in and out, {amount(kernel.between)} between its stages"
    )
    yield from of_stages(kernel.stages, "    ")


def of_stages(stages: Iterable[Stage], indent: str) -> Iterator[str]:
    """Lines about the stages of a kernel."""
    for stage in stages:
        yield indent + described(stage)
        if isinstance(stage, Turns):
            yield from of_stages((*stage.question, *stage.stages), indent + "  ")
        elif isinstance(stage, Branch):
            yield from of_stages(stage.yes, indent + "  ")
            yield indent + "or"
            yield from of_stages(stage.no, indent + "  ")


def described(stage: Stage) -> str:
    """A line about a stage."""
    if isinstance(stage, Nest):
        return of_nest(stage)
    if isinstance(stage, Algebra):
        shapes = " and ".join(str(list(place.shape)) for place in stage.operands)
        return f"{stage.title} of {shapes}"
    if isinstance(stage, Turns):
        turns = "until" if stage.goes_on is not None else "for"
        return f"loop ({turns}), which carries {many(len(stage.carried), 'array')}:"
    if isinstance(stage, Branch):
        return "one of"
    assert isinstance(stage, Check)
    return "a question, whether it is still this path"


def of_nest(nest: Nest) -> str:
    """A line about loops: over what, in which vectors, and what is done there."""
    axis, width = vectors_for(nest, axes_of(nest), vector_bytes())
    over = " × ".join(map(str, nest.shape)) or "1"
    how = f"in vectors of {width}" if axis is not None and width > 1 else "one by one"
    titles = Counter(
        step.equation.p.title if isinstance(step, Computed) else "gather" for step in nest.steps
    )
    titles.update(each.title for each in (*nest.reductions, *nest.running))
    titles.update("add at" for _ in nest.deposits)
    words = [title if n == 1 else f"{n} {title}" for title, n in titles.most_common(6)]
    if len(titles) > len(words):
        words.append("…")
    done = ", ".join(words) or "copied"
    return f"loop over {over} {how}: {done}; {len(nest.reads)} read, {len(nest.stores)} stored"


def seconds(kernel: Kernel, operands: list[Any]) -> str:
    """What a kernel takes, the shortest of many times."""
    call = kernel.bound(operands)
    best, end = math.inf, time.perf_counter() + SECONDS
    while (start := time.perf_counter()) < end:
        call()
        best = min(best, time.perf_counter() - start)
    return duration(best)


def duration(seconds: float) -> str:
    """A time to read."""
    power = 0 if seconds >= 1 else 1 if seconds >= 1e-3 else 2
    return f"{seconds * 1000**power:.3g} {('s', 'ms', 'µs')[power]}"


def surroundings() -> str:
    """A line about the processor, threads, and code on disk."""
    bits, threads = 8 * vector_bytes(), many(get_num_threads(), "thread")
    return f"registers of {bits} bits, {threads} at most, {disk.state()}"


def at(line: str) -> str:
    """Where in the user's program."""
    return f" ({line})" if line else ""


def amount(size: int) -> str:
    """Bytes to read."""
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]}"
