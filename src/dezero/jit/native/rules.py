"""Which equations can be machine code: of rows with a rule, or elementwise with instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.graph import Graph
from ...ir.loops import LOOPS
from ...ir.steps import Equation, Guard, Step, Value
from ...rows import TABLE
from .instructions import fits, loop_of
from .kinds import handles

if TYPE_CHECKING:
    from .lowering import Lowering


@dataclass(frozen=True)
class Rule:
    """How the equations of a row are lowered that is not elementwise.

    Attributes
    ----------
    lower : callable
        ``lower(lowering, step)`` adds to the stages, and says where the results are.
    fits : callable
        ``fits(step)``: whether it can.
    """

    lower: Callable[[Lowering, Equation], None]
    fits: Callable[[Equation], bool]


RULES: dict[str, Rule] = {}
"""By the titles of rows; `folds`, `moves`, `lookups`, `matrices` and `looping` fill it."""


def lowers(step: Step, weak: dict[Value, type]) -> bool:
    """Whether an equation, or a guard, can be machine code."""
    return not misfit(step, weak)


def misfit(step: Step, weak: dict[Value, type]) -> str:
    """Why a step cannot be machine code; empty if it can."""
    dtypes = [x.dtype for x in (*step.reads, *step.results)]
    if isinstance(step, Guard):
        dtypes.append(np.asarray(step.answer).dtype)
    else:
        dtypes += [x.dtype for x in step.operands if isinstance(x, np.ndarray)]
    other = next((dtype for dtype in dtypes if not handles(dtype)), None)
    if other is not None:
        return f"numbers are {other}"
    if isinstance(step, Guard):
        return ""
    title = step.p.title
    if TABLE.get(title) is not step.p and LOOPS.get(title) is not step.p:
        return "it is the program's own"
    if title in RULES:
        return "" if RULES[title].fits(step) else "no machine code is written for such arguments"
    result = step.results[0].dtype
    fit = not step.params and fits(title, loop_for(step, weak), result)
    return "" if fit else f"no machine code is written for it in {result}"


def weak_inputs(graph: Graph) -> dict[Value, type]:
    """The inputs that are Python's numbers, whose dtype gives way to that of arrays."""
    return {
        x: type(given)
        for x, given in zip(graph.inputs, graph.example, strict=False)
        if isinstance(given, (bool, int, float))
    }


def loop_for(step: Equation, weak: dict[Value, type]) -> list[Any] | None:
    """The dtypes in which NumPy would compute an elementwise equation."""
    dtypes: list[Any] = []
    for x in step.operands:
        if isinstance(x, Value):
            dtypes.append(weak.get(x, x.dtype))
        elif type(x) in (bool, int, float):
            dtypes.append(type(x))
        elif isinstance(x, (np.generic, np.ndarray)):
            dtypes.append(x.dtype)
        else:
            return None
    loop = loop_of(step.p.title, dtypes, step.results[0].dtype)
    if loop is None or not all(map(holds, loop, step.operands)):
        return None
    return loop


def holds(dtype: np.dtype[Any], x: Any) -> bool:
    """Whether a plain number is one of a dtype: NumPy compares with others too, and clips."""
    if dtype.kind not in "iu" or isinstance(x, Value) or np.asarray(x).dtype.kind not in "iuO":
        return True
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return bool(low <= np.min(x, initial=low) and np.max(x, initial=low) <= high)
