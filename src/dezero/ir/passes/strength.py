"""Strength reduction: signs and constant factors where they cost nothing.

A sign goes into a subtraction or a factor, and a factor into another one, where that cannot change
a bit: multiplying by a power of 2 is exact but at both ends of the range.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Graph
from ..steps import Equation, Value
from .rewriting import Known, Rule, instead, rewritten, same_floating


def strength(graph: Graph) -> Graph:
    """Merge constant factors and signs."""
    return rewritten(graph, RULES)


def quotients(graph: Graph) -> Graph:
    """Divide by powers of 2 by multiplying: faster, and not what a person writes."""
    return rewritten(graph, {"divide": _by_power})


# ---- constant factors ----

LARGEST = 2**53
"""Whole numbers below it are floating ones too."""


def factor(x: Any) -> int | float | None:
    """A constant as a real number that is finite and not 0, None if it is none."""
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return None
    exact = abs(x) < LARGEST if isinstance(x, int) else math.isfinite(x)
    return x if x and exact else None


def scaled(x: Any, known: Known) -> tuple[int | float, Value] | None:
    """A value as a constant factor times another of its kind."""
    made = known.by(x, "multiply", "negative")
    if made is None:
        return None
    if made.p.title == "negative":
        return (-1, made.operands[0]) if same_floating(made.operands[0], made) else None
    for number, y in (made.operands, made.operands[::-1]):
        c = factor(number)
        if c is not None and same_floating(y, made):
            return c, y
    return None


def exact_product(a: float, b: float, dtype: np.dtype[Any]) -> float | None:
    """The factor ab, if ``a * (b * x)`` is ``(a * b) * x`` to the bit for all x.

    Doubling is exact but where it overflows, which it then does in both if the other factor is not
    below 1; and after a whole factor, which leaves what is below the normal range as exact.
    """
    ab = a * b
    if factor(ab) is None or abs(ab) > np.finfo(dtype).max:
        return None
    signs = abs(a) == 1 or abs(b) == 1
    doubled_first = is_power(b) and abs(b) >= 1 and abs(a) >= 1
    doubled_last = is_power(a) and abs(a) >= 1 and float(b).is_integer()
    return ab if signs or doubled_first or doubled_last else None


def is_power(x: float) -> bool:
    """Whether a number is a power of 2, or the negative of one."""
    return abs(math.frexp(x)[0]) == 0.5


def _multiply(step: Equation, known: Known) -> Any:
    for number, x in (step.operands, step.operands[::-1]):
        a = factor(number)
        if a is not None and same_floating(x, step):
            found = scaled(x, known)
            ab = exact_product(a, found[0], x.dtype) if found else None
            return instead(step, "multiply", ab, found[1]) if found and ab is not None else None
    return _turned(step, known)


def _by_power(step: Equation, _known: Known) -> Any:
    x, y = step.operands
    c = factor(y)
    if c is None or not is_power(c) or not same_floating(x, step):
        return None
    ends = np.finfo(x.dtype)
    return instead(step, "multiply", 1 / c, x) if ends.tiny <= abs(1 / c) <= ends.max else None


# ---- signs ----


def unsigned(x: Any, known: Known) -> Value | None:
    """What a value is the negative of, if it was made so."""
    made = known.by(x, "negative")
    if made is None or x.dtype.kind != "f" or known.is_spread(made.operands[0]):
        return None
    return made.operands[0]  # type: ignore[no-any-return]  # of a value it is one


def absorbs(step: Any, x: Value) -> bool:
    """Whether an equation can read the negative of a value for nothing."""
    if not isinstance(step, Equation):
        return False
    if step.p.title == "multiply":
        return any(factor(y) is not None for y in step.operands) and same_floating(x, step)
    return step.p.title in ("add", "negative") or (
        step.p.title == "subtract" and step.operands[0] is not x
    )


def _turned(step: Equation, known: Known) -> Any:
    """Products and quotients of negatives: of two, or of one whose sign goes where it is free."""
    bare = [unsigned(x, known) for x in step.operands]
    (y,) = step.results
    if None not in bare:
        return instead(step, step.p.title, *bare)
    for k, (x, turned) in enumerate(zip(step.operands, bare, strict=True)):
        if turned is None or y.dtype.kind != "f" or not known.only(x, step):
            continue
        if all(absorbs(each, y) for each in known.readers(y)):
            operands = (*step.operands[:k], turned, *step.operands[k + 1 :])
            product = Value(y.shape, y.dtype)
            first = replace(step, operands=operands, results=(product,))
            return first, instead(step, "negative", product)
    return None


def _negative(step: Equation, known: Known) -> Any:
    (x,) = step.operands
    found = scaled(x, known) if same_floating(x, step) else None
    if found is None:
        return None
    c, y = found
    return y if c == -1 else instead(step, "multiply", -c, y)


def _add(step: Equation, known: Known) -> Any:
    x, y = step.operands
    for kept, other in ((x, y), (y, x)):
        turned = unsigned(other, known)
        if turned is not None:
            return instead(step, "subtract", kept, turned)
    return instead(step, "multiply", 2, x) if x is y and same_floating(x, step) else None


def _subtract(step: Equation, known: Known) -> Any:
    x, y = step.operands
    turned = unsigned(y, known)
    return None if turned is None else instead(step, "add", x, turned)


RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _turned,
    "negative": _negative,
}
