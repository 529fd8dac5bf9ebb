"""What is computed once, at another time, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...config import no_grad
from ..graph import Graph
from ..steps import Equation, Guard, Step, Value, frozen
from .rewriting import Env, rebuilt, with_operands

COMMUTING = frozenset({"add", "multiply", "equal", "not_equal", "logical_and", "logical_or"})
"""Rows whose operands may change places, of real numbers."""

ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide"})


def dead_code(graph: Graph) -> Graph:
    """Leave out equations whose results nobody reads. Guards stay, and what they ask about."""
    alive = {y for y in graph.outputs if isinstance(y, Value)}
    kept: list[Step] = []
    for step in reversed(graph.steps):
        if isinstance(step, Guard) or not alive.isdisjoint(step.results):
            alive.update(step.reads)
            kept.append(step)
    return graph if len(kept) == len(graph.steps) else rebuilt(graph, kept[::-1])


def constants(graph: Graph) -> Graph:
    """Compute now what depends on no input."""
    env: Env = {}
    steps: list[Step] = []
    for step in graph.steps:
        step = with_operands(step, env) if env else step
        if step.reads:
            steps.append(step)
        elif isinstance(step, Equation):  # and of a guard, the answer is known
            with no_grad(), np.errstate(all="ignore"):
                step.run(env)
    return graph if len(steps) == len(graph.steps) else rebuilt(graph, steps, env)


def common_subexpressions(graph: Graph) -> Graph:
    """Compute the same once: equal primitives of equal operands, and guards of one answer."""
    env: Env = {}
    known: dict[Any, tuple[Value, ...]] = {}
    steps: list[Step] = []
    numbers = {value: k for k, value in enumerate(graph.inputs)}
    for step in graph.steps:
        step = with_operands(step, env) if env else step
        key = identity(step, numbers)
        if key in known:
            env.update(zip(step.results, known[key], strict=True))
        else:
            known[key] = step.results
            steps.append(step)
            for value in step.results:
                numbers[value] = len(numbers)
    return graph if len(steps) == len(graph.steps) else rebuilt(graph, steps, env)


def identity(step: Step, numbers: dict[Value, int]) -> Any:
    """Equal for two steps that give the same."""
    if isinstance(step, Guard):
        return step.question, numbers[step.operand]
    dtype = step.results[0].dtype if step.p.title in ARITHMETIC else None
    operands = [
        numbers[x] if isinstance(x, Value) else same_number(x, dtype) for x in step.operands
    ]
    if step.p.title in COMMUTING and step.results[0].dtype.kind != "c":
        operands.sort(key=hash)
    return step.p, *operands, frozen(step.params) if step.params else None


def same_number(x: Any, dtype: np.dtype[Any] | None) -> Any:
    """Equal for constants that are one number to floating arithmetic: 2, 2.0, np.float64(2)."""
    if dtype is not None and dtype.kind == "f":
        plain = isinstance(x, (int, float)) and not isinstance(x, np.generic)
        if plain or (isinstance(x, np.generic) and x.dtype == dtype):
            return "number", repr(float(x)), dtype
    return frozen(x)
