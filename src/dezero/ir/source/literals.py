"""Constants beside arrays: a literal of Python where it says the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..passes.rewriting import filled_with
from ..steps import Equation, Value
from .text import Text, constant, number


def operand(x: Any, step: Equation) -> Text:
    """A constant operand: a literal of Python where the result keeps its shape, dtype and bits.

    A literal takes the dtype of the arrays that it meets (NEP 50); a scalar of NumPy has its own.
    """
    value = filled_with(x)
    if not isinstance(value, np.generic) or value.dtype.kind not in "fciu":
        return constant(x)
    chosen = step.operands[1:] if step.p.title == "where" else step.operands
    others = [y.dtype for y in chosen if isinstance(y, Value)]
    if not others or not (step.p.pointwise or step.p.nondifferentiable):
        return constant(x)
    if np.ndim(x) and not (step.p.pointwise and spread_by_others(step)):
        return constant(x)
    return literal(value, others, [getattr(y, "dtype", y) for y in chosen]) or constant(x)


def spread_by_others(step: Equation) -> bool:
    """Whether the values among the operands alone give the result its shape."""
    return np.broadcast_shapes(*(y.shape for y in step.reads)) == step.results[0].shape


def literal(x: Any, dtypes: list[Any], given: list[Any]) -> Text | None:
    """A NumPy scalar as a literal beside values of some dtypes, if that gives what was given."""
    item, whole = x.item(), np.result_type(*given)
    if not isinstance(item, (int, float, complex)):
        return None  # of more bits than Python's
    try:
        common = np.result_type(item, *dtypes)
    except OverflowError:
        return None
    if common != whole:
        return None
    if x.dtype.kind == "f" and common == x.dtype:
        item = float(str(x))  # the shortest that is rounded to it
    return number(item)
