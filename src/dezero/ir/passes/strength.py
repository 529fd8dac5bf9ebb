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
        if a is None or not same_floating(x, step):
            continue
        found = scaled(x, known)
        ab = exact_product(a, found[0], x.dtype) if found else None
        return instead(step, "multiply", ab, found[1]) if found and ab is not None else None
    return _both_turned(step, known)


def _negative(step: Equation, known: Known) -> Any:
    (x,) = step.operands
    if not same_floating(x, step):
        return None
    found = scaled(x, known)
    if found and known.by(x, "multiply"):
        return instead(step, "multiply", -found[0], found[1])
    product = turned_back(x, step, known)
    return None if product is None else replace(product, results=step.results, line=step.line)


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
    return made.operands[0] if made is not None and x.dtype.kind == "f" else None


def turned_back(x: Any, step: Equation, known: Known) -> Equation | None:
    """The product that a value is the negative of, made with a factor turned, for `step` alone."""
    made = known.by(x, "multiply", "divide")
    if made is None or x.dtype.kind != "f" or not known.only(x, step):
        return None
    for k, each in enumerate(made.operands):
        factor = unsigned(each, known)
        if factor is not None:
            operands = (*made.operands[:k], factor, *made.operands[k + 1 :])
            return replace(made, operands=operands, results=(Value(x.shape, x.dtype),))
    return None


def opposite(x: Any, step: Equation, known: Known) -> tuple[Equation | None, Value | None]:
    """What a value is the negative of, and the equation that must be there for it, if any."""
    product = turned_back(x, step, known)
    return product, unsigned(x, known) if product is None else product.results[0]


def _both_turned(step: Equation, known: Known) -> Any:
    turned = [unsigned(each, known) for each in step.operands]
    return None if None in turned else instead(step, step.p.title, *turned)


def _add(step: Equation, known: Known) -> Any:
    x, y = step.operands
    for kept, other in ((x, y), (y, x)):
        product, turned = opposite(other, step, known)
        if turned is not None:
            difference = instead(step, "subtract", kept, turned)
            return difference if product is None else (product, difference)
    return instead(step, "multiply", 2, x) if x is y and same_floating(x, step) else None


def _subtract(step: Equation, known: Known) -> Any:
    x, y = step.operands
    product, turned = opposite(y, step, known)
    if turned is None:
        return None
    total = instead(step, "add", x, turned)
    return total if product is None else (product, total)


RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _both_turned,
    "negative": _negative,
}
