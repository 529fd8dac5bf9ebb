"""A graph of numbers as one expression, for formulas.

It holds at points in general position: where the program asks whether something is equal to
something, the answer is no, and what this leaves out is noted.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import GraphError
from .graph import Graph
from .latex import AROUND, HEADS
from .steps import Equation, Guard, Value
from .tape import INFIX
from .tidy import ONE, PI, TIDY, ZERO, added, called, factors, negated, product

LARGEST = 1000
"""Parts that an expression may have."""

WORDS = {
    **{title: f"x {sign} y" for title, sign in INFIX.items() if title != "matmul"},
    "negative": "-x",
    "square": "x**2",
    "reciprocal": "1 / x",
    "float_power": "x**y",
    "fabs": "absolute(x)",
    "exp2": "2**x",
    "exp10": "10**x",
    "expm1": "exp(x) - 1",
    "log1p": "log(1 + x)",
    "hypot": "sqrt(x**2 + y**2)",
    "logaddexp": "log(exp(x) + exp(y))",
    "logaddexp2": "log2(2**x + 2**y)",
    "sinc": "sin(pi * x) / (pi * x)",
    "deg2rad": "pi * x / 180",
    "radians": "pi * x / 180",
    "rad2deg": "180 * x / pi",
    "degrees": "180 * x / pi",
    "fmax": "maximum(x, y)",
    "fmin": "minimum(x, y)",
    "clip": "minimum(maximum(x, y), z)",
    "trunc": "sign(x) * floor(absolute(x))",
    "fmod": "x - y * sign(x / y) * floor(absolute(x / y))",
    "expit": "1 / (1 + exp(-x))",
    "logit": "log(x / (1 - x))",
    "xlogy": "x * log(y)",
    "bitwise_and": "x & y",
    "bitwise_or": "x | y",
    "logical_and": "x & y",
    "logical_or": "x | y",
    "invert": "~x",
    "logical_not": "~x",
    "zeros_like": "0",
    "ones_like": "1",
    "isnan": "False",  # NaN and infinities are no numbers
    "isinf": "False",
    "isfinite": "True",
}
"""Rows in other words, where `x`, `y`, `z` are the operands."""

KNOWN = {*HEADS, *AROUND, "exp"}
"""Functions of formulas."""

ALONE = frozenset([
    "sum", "mean", "prod", "max", "min", "any", "all", "copy", "astype", "real", "conjugate",
    "positive", "reshape", "squeeze", "expand_dims", "transpose", "swapaxes", "moveaxis",
    "broadcast_to", "ravel", "getitem", "stop_gradient",
])  # fmt: skip
"""Rows that leave a single number as it is."""

HARMLESS = frozenset([
    "axis", "axes", "axis1", "axis2", "source", "destination", "keepdims", "shape", "dtype",
    "order", "copy", "index",
])  # fmt: skip
"""Parameters that change nothing about that."""

LOGIC = frozenset(
    ["bitwise_and", "bitwise_or", "logical_and", "logical_or", "logical_not", "invert"]
)
CONDITIONS = LOGIC | {"where", "not_equal"}
"""Rows that take truth values as such."""


class Reader:
    """Reads the steps of a graph into expressions."""

    def __init__(self, graph: Graph, names: tuple[str, ...]) -> None:
        self.env: dict[Value, ast.expr] = {}
        self.sizes: dict[Value, int] = {}
        self.apart: list[ast.expr] = []
        for value, name in zip(graph.inputs, names, strict=True):
            self.env[value] = ast.Name(name, ast.Load())

    def operand(self, x: Any) -> ast.expr:
        """An operand as an expression."""
        return self.env[x] if isinstance(x, Value) else number(x)

    def step(self, step: Equation | Guard) -> None:
        """Read a step.

        Raises
        ------
        GraphError
            If there is no formula of it.
        """
        where = f" ({step.line})" if step.line else ""
        if isinstance(step, Guard):
            if not self.answered(step):
                raise GraphError(
                    f"the program asks for a number ({step.question}), and a formula has no "
                    f"branches{where}"
                )
            return
        title, value = step.p.title, step.results[0]
        self.sizes[value] = 1 + sum(self.sizes.get(x, 1) for x in step.reads)
        if math.prod(value.shape) != 1 or value.dtype.kind not in "fib" or len(step.results) > 1:
            raise GraphError(f"{title} gives {value.kind}, and a formula is of real numbers{where}")
        if self.sizes[value] > LARGEST:
            raise GraphError(f"too long for a formula: more than {LARGEST} parts{where}")
        expression = self.expression(step)
        if expression is None:
            raise GraphError(f"{title} has no formula{where}")
        self.env[value] = expression

    def answered(self, guard: Guard) -> bool:
        """Whether a formula may go on as if the answer were always the same.

        A rule asks where it computes in another way, for accuracy or at the edge of the numbers.
        """
        found = self.settle(self.env[guard.operand])
        if isinstance(found, ast.Constant):
            return found.value is guard.answer
        if guard.question == "bool" and guard.operand.derived:
            self.apart += otherwise(found, guard.answer)
            return True
        return False

    def expression(self, step: Equation) -> ast.expr | None:
        """What an equation computes; None if there is no formula of it."""
        title, params = step.p.title, step.params
        xs = [self.operand(x) for x in step.operands]
        if title in ALONE:
            return None if set(params) - HARMLESS else self.alone(step, xs[0])
        if params or not self.in_kind(step):
            return None
        if title == "not_equal" and is_truth(step.operands[0]):
            return xs[0]
        if title not in CONDITIONS:
            pairs = zip(step.operands, xs, strict=True)
            xs = [self.chosen(e, ONE, ZERO) if is_truth(x) else e for x, e in pairs]
        if title == "where":
            return self.chosen(*xs)
        if title in WORDS:
            return Filled(dict(zip("xyz", xs, strict=False)) | {"pi": PI}).filled(title)
        return called(title, xs) if title in KNOWN else None

    def alone(self, step: Equation, x: ast.expr) -> ast.expr | None:
        """A single number as it is; of a truth value, 1 or 0; None for one that is cut."""
        before, after = (kind_of(y) for y in (step.operands[0], step.results[0]))
        if before == "b" and after != "b":
            return self.chosen(x, ONE, ZERO)
        return x if before == after or (before, after) == ("i", "f") else None

    def in_kind(self, step: Equation) -> bool:
        """Whether an equation does to truth values what only those have, and to numbers not."""
        (value,), title = step.results, step.p.title
        truths = [is_truth(x) for x in step.operands]
        if title == "where":
            return truths[0] and value.dtype.kind != "b"
        if title == "not_equal" and truths[0]:  # of a condition with 0
            return not isinstance(step.operands[1], Value) and not np.any(step.operands[1])
        return all(truths) if title in LOGIC else not (value.dtype.kind == "b" and any(truths))

    def chosen(self, condition: ast.expr, x: ast.expr, y: ast.expr) -> ast.expr:
        """One of two, as the condition says."""
        condition = self.settle(condition)
        if isinstance(condition, ast.Constant):
            return x if condition.value else y
        return called("where", [condition, x, y])

    def settle(self, condition: ast.expr) -> ast.expr:
        """A condition at a point in general position, where nothing happens to be equal."""
        found, apart = settled(condition)
        self.apart += apart
        return found


def number(x: Any) -> ast.expr:
    """A constant; whole numbers as such."""
    if np.size(x) != 1 or np.asarray(x).dtype.kind not in "fiub":
        raise GraphError(f"a formula is of real numbers, and there is {x!r} in the program")
    x = np.asarray(x).item()
    if isinstance(x, bool):
        return ast.Constant(x)
    if x < 0:
        return negated(number(-x))
    if x in (2 * math.pi, math.pi / 2):
        return product((Fraction(x / math.pi), factors(PI)[1]))
    return ast.Constant(int(x) if x < 1e15 and x == int(x) else x)


def kind_of(x: Any) -> str:
    """The kind of an operand's dtype."""
    return (x.dtype if isinstance(x, Value) else np.asarray(x).dtype).kind


def is_truth(x: Any) -> bool:
    """Whether an operand is a truth value."""
    return kind_of(x) == "b"


class Filled(ast.NodeTransformer):
    """Puts expressions in place of names, and tidies up what comes of it."""

    def __init__(self, env: Mapping[str, ast.expr]) -> None:
        self.env = env

    def filled(self, title: str) -> ast.expr:
        """A row in other words, with the expressions in them."""
        found: ast.expr = self.visit(ast.parse(WORDS[title], mode="eval").body)
        return found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.env.get(node.id, node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        x = self.visit(node.operand)
        return negated(x) if isinstance(node.op, ast.USub) else ast.UnaryOp(node.op, x)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        x, y = self.visit(node.left), self.visit(node.right)
        tidy = TIDY.get(type(node.op))
        return tidy(x, y) if tidy else ast.BinOp(x, node.op, y)


Settled = tuple[ast.expr, list[ast.expr]]
"""A condition, and the equalities that were left out of it."""


def settled(c: ast.expr) -> Settled:
    """A condition where nothing is equal to anything, and what this leaves out."""
    match c:
        case ast.Compare(x, [op], [y]) if (known := decided(x, op, y)) is not None:
            return ast.Constant(known), []
        case ast.Compare(x, [ast.Eq() | ast.NotEq() as op], [y]) if one := taken(x, y):
            negate = isinstance(op, ast.NotEq)
            return (ast.UnaryOp(ast.Invert(), one) if negate else one), []
        case ast.Compare(x, [ast.Eq() | ast.NotEq() as op], [y]):
            if in_pieces(x) or in_pieces(y):
                raise GraphError(
                    "the program asks whether something is equal that is so on whole intervals: "
                    f"{ast.unparse(c)}"
                )
            told: list[ast.expr] = []
            if not (is_infinite(x) or is_infinite(y)):
                told = [ast.Compare(x, [ast.Eq()], [y])]
            return ast.Constant(isinstance(op, ast.NotEq)), told
        case ast.UnaryOp(ast.Invert(), x):
            x, told = settled(x)
            if isinstance(x, ast.Constant):
                return ast.Constant(not x.value), told
            return ast.UnaryOp(ast.Invert(), x), told
        case ast.BinOp(x, ast.BitAnd() | ast.BitOr() as op, y):
            left, right = sorted((settled(x), settled(y)), key=lambda each: len(each[1]))
            return both(op, left, right)
    return c, []


def decided(x: ast.expr, op: ast.cmpop, y: ast.expr) -> bool | None:
    """Whether x compares so with y, if it does so everywhere or nowhere."""
    number, powers = factors(added(x, negated(y)))
    return None if powers else COMPARED[type(op)](number, 0)


def taken(x: ast.expr, y: ast.expr) -> ast.expr | None:
    """That an expression is the maximum, or minimum, of itself and another: a comparison."""
    for one, other in ((x, y), (y, x)):
        match other:
            case ast.Call(ast.Name("maximum" | "minimum" as name), [a, b]):
                for each, rest in ((a, b), (b, a)):
                    if ast.dump(each) == ast.dump(one):
                        op = ast.Gt() if name == "maximum" else ast.Lt()
                        return ast.Compare(one, [op], [rest])
    return None


STEPS = frozenset(["maximum", "minimum", "where", "absolute", "sign", "floor", "ceil"])
"""Functions that are put together of pieces, on which they may be constant."""


def in_pieces(x: ast.expr) -> bool:
    """Whether an expression may be equal to another on an interval without being it."""
    return any(
        (isinstance(node, ast.Name) and node.id in STEPS)
        or isinstance(node, (ast.FloorDiv, ast.Mod))
        for node in ast.walk(x)
    )


def otherwise(c: ast.expr, answer: bool) -> list[ast.expr]:
    """Where a comparison has another answer; nowhere, if that is beyond the numbers."""
    match c:
        case ast.Compare(x, [op], [ast.Constant(float(limit)) as y]):
            if abs(limit) > HUGE:
                return []
            if 0 < abs(limit) < 1 / HUGE:
                return [ast.Compare(x, [ast.Eq()], [ZERO])]
            return [ast.Compare(x, [OPPOSITE[type(op)]() if answer else op], [y])]
    return [ast.UnaryOp(ast.Invert(), c) if answer else c]


HUGE = 1e200
"""Beyond it, or its inverse, limits are those of floating-point numbers."""

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}

COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def is_infinite(x: ast.expr) -> bool:
    """Whether an expression is plus or minus infinity, which numbers never are."""
    x = x.operand if isinstance(x, ast.UnaryOp) else x
    return isinstance(x, ast.Constant) and x.value == math.inf


def both(op: ast.operator, left: Settled, right: Settled) -> Settled:
    """Two conditions, of which a constant one decides or says nothing."""
    for side, told in (left, right):
        if isinstance(side, ast.Constant) and side.value == isinstance(op, ast.BitOr):
            return side, told
    (x, told), (y, more) = left, right
    if isinstance(x, ast.Constant):
        return y, told + more
    return x if isinstance(y, ast.Constant) else ast.BinOp(x, op, y), told + more
