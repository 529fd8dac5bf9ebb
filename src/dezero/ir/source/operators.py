"""Arithmetic as Python writes it, with as few brackets and signs as it takes."""

from __future__ import annotations

import re

import numpy as np

from ..steps import Equation, Value
from .text import ATOM, BITS, COMPARED, POWER, PRODUCT, SUM, Text, negative

INFIX = {
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "remainder": ("%", PRODUCT),
    "matmul": ("@", PRODUCT),
    "power": ("**", POWER),
    "bitwise_and": ("&", BITS),
    "equal": ("==", COMPARED),
    "not_equal": ("!=", COMPARED),
    "less": ("<", COMPARED),
    "less_equal": ("<=", COMPARED),
    "greater": (">", COMPARED),
    "greater_equal": (">=", COMPARED),
}


def infix(xs: list[Text], step: Equation) -> Text:
    """Two operands and a sign between them."""
    sign, strength = INFIX[step.p.title]
    left, right = strength, strength + 1
    if strength == COMPARED:
        left = COMPARED + 1  # Python would chain them
    minus = None
    if sign in "*/" and all(x.dtype.kind == "f" for x in (*step.reads, *step.results)):
        xs, minus = signed(xs, sign)
    return Text(f"{xs[0].inside(left)} {sign} {xs[1].inside(right)}", strength, minus)


NUMBER = re.compile(r"\d[\d.]*(e[-+]?\d+)?")


def signed(xs: list[Text], sign: str) -> tuple[list[Text], Text | None]:
    """The factors of a product or quotient with the sign in front, and what it is the negative of.

    A product's sign is exact, wherever it stands.
    """
    x, y = xs
    if x.minus and y.minus:
        return [x.minus, y.minus], None
    if y.minus and sign == "*" and NUMBER.fullmatch(y.minus.text):
        x, y = y, x
    elif y.minus:
        x, y = negative(x), y.minus
    if not x.minus:
        return xs, None
    return [x, y], Text(f"{x.minus.inside(PRODUCT)} {sign} {y.inside(PRODUCT + 1)}", PRODUCT)


def added(xs: list[Text], step: Equation) -> Text:
    """X + y, or x - y: it is the same to add the negative."""
    x, y = xs
    if step.results[0].dtype.kind in "fc":
        x, y = (y, x) if x.minus and not y.minus else (x, y)
        if y.minus:
            return Text(f"{x.inside(SUM)} - {y.minus.inside(SUM + 1)}", SUM)
    return Text(f"{x.inside(SUM)} + {y.inside(SUM + 1)}", SUM)


def subtracted(xs: list[Text], step: Equation) -> Text:
    """X - y, or x + y."""
    x, y = xs
    if y.minus and step.results[0].dtype.kind in "fc":
        return Text(f"{x.inside(SUM)} + {y.minus.inside(SUM + 1)}", SUM)
    return Text(f"{x.inside(SUM)} - {y.inside(SUM + 1)}", SUM)


def raised(x: str, exponent: str) -> Text:
    """A power, close together where both are short."""
    simple = all(re.fullmatch(r"-?[\w.]+", each) for each in (x, exponent))
    return Text(f"{x}{'**' if simple else ' ** '}{exponent}", POWER)


def squared(xs: list[Text], step: Equation) -> Text:
    """A square; of a scalar, not by ``**``, which there is the C library's `pow`."""
    (x,) = xs
    if step.results[0].ndim:
        return raised(x.inside(POWER + 1), "2")
    if x.text.isidentifier():
        return Text(f"{x.text} * {x.text}", PRODUCT)
    return Text(f"np.square({x.text})", ATOM)


def truth(xs: list[Text], step: Equation) -> Text:
    """``x != y``; of truth values and 0, x itself."""
    x, y = step.operands
    if isinstance(x, Value) and x.dtype == bool and np.ndim(y) == 0 and not isinstance(y, Value):
        return xs[0] if not y else infix(xs, step)
    return infix(xs, step)


def of_truths(step: Equation) -> bool:
    """Whether operators of Python would take truth values, not of arrays, for whole numbers."""
    (y, *_) = step.results
    return not y.ndim and y.dtype == bool and step.p.title in ("add", "multiply", "invert")
