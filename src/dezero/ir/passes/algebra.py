"""What an equation says in a simpler way: units, opposites, and what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Graph
from ..steps import Equation, Value
from .rewriting import (
    NUMBERS,
    Known,
    Rule,
    instead,
    rewritten,
    same_kind,
    same_real,
)


def algebra(graph: Graph) -> Graph:
    """Leave out what gives an operand back, or say it by a cheaper row."""
    return rewritten(graph, RULES)


def number_of(x: Any) -> Any:
    """An operand that is a plain number, None if it is none."""
    return x if isinstance(x, NUMBERS) else None


def _multiply(step: Equation, _known: Known) -> Any:
    for k, constant in enumerate(step.operands):
        number, other = number_of(constant), step.operands[1 - k]
        if number is None or not same_real(other, step):
            continue
        if number == 1:
            return other
        if number == -1:
            return instead(step, "negative", other)
    return None


def _divide(step: Equation, _known: Known) -> Any:
    x, y = step.operands
    return x if number_of(y) == 1 and same_real(x, step) else None


def _subtract(step: Equation, _known: Known) -> Any:
    x, y = step.operands
    number = number_of(y)
    zero = number is not None and number == 0 and not np.signbit(np.real(number))
    return x if zero and same_real(x, step) else None  # -0.0 - 0.0 is -0.0


def _power(step: Equation, _known: Known) -> Any:
    x, y = step.operands
    if isinstance(y, (int, float)) and same_real(x, step):
        if y == 1:
            return x
        if y == 2:
            return instead(step, "square", x)
    return None


def _undone(title: str) -> Rule:
    def rule(step: Equation, known: Known) -> Any:
        made = known.by(step.operands[0], title)
        return made.operands[0] if made is not None else None

    return rule


def _unchanged(step: Equation, _known: Known) -> Any:
    (x,) = step.operands
    return x if same_kind(x, step) else None


def _real(step: Equation, known: Known) -> Any:
    (x,) = step.operands
    if same_kind(x, step) and x.dtype.kind != "c":  # the conjugate of truths is int8
        return x
    return _undone(step.p.title)(step, known) if step.p.title == "conjugate" else None


def _stop_gradient(step: Equation, known: Known) -> Any:
    """Only what could have a derivative can be cut from it."""
    (x,) = step.operands
    if known.by(x, "stop_gradient") or (isinstance(x, Value) and x.dtype.kind not in "fc"):
        return x
    return None


def _comparison(step: Equation, known: Known) -> Any:
    """An answer has no derivative anyway; and a mask is its own."""
    cut = [known.by(x, "stop_gradient") for x in step.operands]
    if any(cut):
        pairs = zip(cut, step.operands, strict=True)
        return instead(
            step, step.p.title, *(x if each is None else each.operands[0] for each, x in pairs)
        )
    x = step.operands[0]
    if step.p.title == "not_equal" and number_of(step.operands[1]) == 0:
        return x if same_kind(x, step) else None
    return None


def _where(step: Equation, _known: Known) -> Any:
    _, x, y = step.operands
    return x if x is y and same_kind(x, step) else None


RULES: dict[str, Rule] = {
    "multiply": _multiply,
    "divide": _divide,
    "subtract": _subtract,
    "power": _power,
    "negative": _undone("negative"),
    "conjugate": _real,
    "real": _real,
    "positive": _unchanged,
    "astype": _unchanged,
    "stop_gradient": _stop_gradient,
    "where": _where,
    **dict.fromkeys(
        ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), _comparison
    ),
}
