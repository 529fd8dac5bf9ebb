"""Broadcasts put off: arithmetic on the small array, and then, or never, on its repetitions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Graph
from ..steps import Equation, Value
from .layout import elementwise_in, has_no_rows
from .rewriting import (
    EXACT,
    Known,
    Rule,
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
    number = filled_with(x) if isinstance(x, np.ndarray) else None
    if number is not None:
        return x.dtype.type(number)
    made = known.by(x, "broadcast_to", "reshape", "expand_dims")
    if made is None:
        return x
    small = made.operands[0]
    if made.p.title == "broadcast_to":
        return small
    in_front = x.shape == (1,) * (x.ndim - small.ndim) + small.shape
    return small if in_front and made.params.get("order", "C") == "C" else x


def bare(x: Any, step: Equation) -> Any:
    """A number as a person writes it, beside arrays of its dtype."""
    if type(x) is not np.float64:
        return x
    dtypes = {each.dtype for each in step.reads}
    return x.item() if dtypes == {x.dtype} else x


def _pointwise(step: Equation, known: Known) -> Any:
    """The same on small operands where the others are as large as the result, or on all of them.

    A constant that is full of one number has a say in how the result lies in memory.
    """
    smalls = [bare(unspread(x, known), step) for x in step.operands]
    pairs = list(zip(smalls, step.operands, strict=True))
    if len(step.results) > 1 or all(x is y for x, y in pairs):
        return None
    constants = [y for x, y in pairs if isinstance(y, np.ndarray) and x is not y]
    if not all(has_no_rows(y.shape) for y in constants) and not known.in_rows(*step.operands):
        return None
    return _some_small(step, smalls) or _all_small(step, smalls, known)


def _some_small(step: Equation, smalls: list[Any]) -> Equation | None:
    operands, shapes = [*step.operands], [shape_of(x) for x in step.operands]
    for k, small in enumerate(smalls):  # one at a time: each may be what is as large
        others = shapes[:k] + shapes[k + 1 :]
        if np.broadcast_shapes(shape_of(small), *others) == step.results[0].shape:
            operands[k], shapes[k] = small, shape_of(small)
    changed = any(x is not y for x, y in zip(operands, step.operands, strict=True))
    return replace(step, operands=tuple(operands)) if changed else None


def _all_small(step: Equation, smalls: list[Any], known: Known) -> Any:
    """The row on the small operands, and its result broadcast.

    Only if nobody sees how that lies in memory: a sum takes a broadcast array in another order, a
    caller cannot write into one, and next to an array that lies column by column it has no say.
    """
    (y,) = step.results
    whole = Value(np.broadcast_shapes(*map(shape_of, smalls)), y.dtype)
    if step.p.title not in EXACT or math.prod(whole.shape) >= math.prod(y.shape):
        return None
    for each in known.readers(y):
        if not isinstance(each, Equation) or each.p.title not in EXACT:
            return None
        if not known.in_rows(*each.operands):
            return None
    first = replace(step, operands=tuple(smalls), results=(whole,))
    return first, instead(step, "broadcast_to", whole, shape=y.shape)


def _broadcast_to(step: Equation, known: Known) -> Any:
    (x,) = step.operands
    if same_kind(x, step):
        return x
    small = unspread(x, known)
    return None if small is x else instead(step, "broadcast_to", small, shape=step.results[0].shape)
