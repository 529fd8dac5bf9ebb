"""What an operand gets in the backward pass, in the names of a step."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .formulas import MATRIX, PARTIALS
from .mathml import LESS, parsed


class Kind(NamedTuple):
    """Of an operand: its shape, and whether its numbers are complex."""

    shape: tuple[int, ...]
    turns: bool

    @property
    def ndim(self) -> int:
        return len(self.shape)


def applied(
    title: str, k: int, names: Sequence[str], kinds: Sequence[Kind], g: str, out: str
) -> str:
    """What operand k gets, in the names of a step.

    Parameters
    ----------
    title : str
        Of the row.
    k : int
    names : sequence of str
        What the operands are called.
    kinds : sequence of Kind
        Of the operands, and then of the result.
    g, out : str
        What the result's gradient and the result are called.

    Examples
    --------
    >>> row, rows = Kind((3,), False), Kind((5, 3), False)
    >>> applied("multiply", 0, ["a", "b"], [row, row, row], "d_c", "c")
    'd_c * b'
    >>> applied("multiply", 0, ["a", "b"], [row, rows, rows], "d_c", "c")
    'sum(d_c * b, axis=0)'
    >>> applied("sum", 0, ["a"], [row, Kind((), False)], "d_c", "c")
    'back through sum of d_c'
    """
    named = Named({**dict(zip("xyz", names, strict=False)), "out": out, "g": g}, kinds[-1].turns)
    if title in MATRIX and {kind.ndim for kind in kinds} == {2}:
        product = named.visit(parsed(MATRIX[title][k]))
    elif k < len(PARTIALS.get(title, ())):
        product = times(named.visit(ast.Name("g")), named.visit(parsed(PARTIALS[title][k])), named)
    else:
        return f"back through {title} of {g}"
    if kinds[-1].turns and not kinds[k].turns:
        product = called("real", product)
    axes = () if title in MATRIX else repeated(kinds[k].shape, kinds[-1].shape)
    if not axes:
        return ast.unparse(product)
    axis = "" if len(axes) == kinds[-1].ndim else f", axis={axes[0] if len(axes) == 1 else axes}"
    return f"sum({ast.unparse(product)}{axis})"


def repeated(small: tuple[int, ...], large: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which an operand was repeated."""
    before = len(large) - len(small)
    return tuple(k for k, n in enumerate(large) if k < before or small[k - before] < n)


def times(g: ast.expr, slope: ast.expr, named: Named) -> ast.expr:
    """The gradient times a partial derivative; of complex numbers, times its conjugate."""
    text = ast.unparse(slope)
    if text in ("1", "-1"):
        return g if text == "1" else ast.UnaryOp(ast.USub(), g)
    return ast.BinOp(g, ast.Mult(), named.conjugate(slope))


def less_one(exponent: str) -> str:
    """An exponent less one, with what people do in their heads; 1 is not written."""
    tree = Named({"y": exponent}).visit(parsed(LESS))
    text = ast.unparse(tree)
    return "" if text in ("1", "1.0") else text


def called(name: str, x: ast.expr) -> ast.Call:
    """A function of one operand."""
    return ast.Call(ast.Name(name), [x], [])


class Named(ast.NodeTransformer):
    """Puts a step's names, and constants, in place of a formula's; conjugates what turns."""

    def __init__(self, env: Mapping[str, str], turns: bool = False) -> None:
        self.env, self.turns = env, turns

    def conjugate(self, node: ast.expr) -> ast.expr:
        """An expression conjugated, if it may be complex."""
        parts = (getattr(each, "value", each) for each in ast.walk(node))
        some = any(isinstance(each, (ast.Name, complex)) for each in parts)
        return called("conj", node) if self.turns and some else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Attribute(self.conjugate(self.visit(node.value)), node.attr)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        text = self.env.get(node.id, node.id)
        try:
            return ast.Constant(ast.literal_eval(text))
        except (SyntaxError, ValueError):
            return ast.Name(text)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        return ast.Call(node.func, [self.visit(x) for x in node.args], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """With what people do in their heads: ``2 * x ** (2 - 1)`` is ``2 * x``."""
        node = ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))
        match node:
            case ast.BinOp(ast.Constant(float() | int() as x), ast.Sub(), ast.Constant(1)):
                return ast.Constant(x - 1)
            case ast.BinOp(x, ast.Pow(), ast.Constant(1)):
                return x
        return node
