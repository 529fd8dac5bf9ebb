"""Broadcasts put off: arithmetic on the small array, and then, or never, on its repetitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Graph
from ..steps import Equation, Value
from .rewriting import (
    EXACT,
    Known,
    Rule,
    elementwise_in,
    filled_with,
    instead,
    rewritten,
    same_kind,
    shape_of,
)


def late_broadcasts(graph: Graph) -> Graph:
    """Give elementwise rows the small array, and broadcast their result if it must be."""
    titles = elementwise_in(graph) - {"power"}  # which has other ways for a number as exponent
    rules: dict[str, Rule] = dict.fromkeys(titles, _pointwise)
    return rewritten(graph, rules | {"broadcast_to": _broadcast_to})


def unspread(x: Any, known: Known) -> Any:
    """What an operand was before it was repeated, or was given axes of length 1 in front."""
    if isinstance(x, np.ndarray):
        number = filled_with(x)
        return x if number is None else x.dtype.type(number)
    made = known.by(x, "broadcast_to", "reshape", "expand_dims")
    if made is None:
        return x
    small = made.operands[0]
    if made.p.title == "broadcast_to":
        return small
    in_front = x.shape == (1,) * (x.ndim - small.ndim) + small.shape
    return small if in_front and made.params.get("order", "C") == "C" else x


def _pointwise(step: Equation, known: Known) -> Any:
    """The same on small operands where the others are as large as the result, or on all of them."""
    smalls = [unspread(x, known) for x in step.operands]
    if len(step.results) > 1 or all(x is y for x, y in zip(smalls, step.operands, strict=True)):
        return None
    (y,) = step.results
    operands, shapes = [*step.operands], [shape_of(x) for x in step.operands]
    for k, small in enumerate(smalls):  # one at a time: each may be what is as large
        others = shapes[:k] + shapes[k + 1 :]
        if np.broadcast_shapes(shape_of(small), *others) == y.shape:
            operands[k], shapes[k] = small, shape_of(small)
    if any(x is not y for x, y in zip(operands, step.operands, strict=True)):
        return Equation(step.p, tuple(operands), step.params, step.results, step.line)
    whole = Value(np.broadcast_shapes(*map(shape_of, smalls)), y.dtype)
    if step.p.title not in EXACT or math.prod(whole.shape) >= math.prod(y.shape):
        return None
    first = Equation(step.p, tuple(smalls), step.params, (whole,), step.line)
    return first, instead(step, "broadcast_to", whole, shape=y.shape)


def _broadcast_to(step: Equation, known: Known) -> Any:
    (x,) = step.operands
    if same_kind(x, step):
        return x
    small = unspread(x, known)
    return None if small is x else instead(step, "broadcast_to", small, shape=step.results[0].shape)
