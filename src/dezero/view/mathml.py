"""The formulas of rules as MathML."""

from __future__ import annotations

import ast

LESS = "y - 1"  # the exponent of a power's slope


def parsed(text: str) -> ast.expr:
    """A formula as a tree."""
    return ast.parse(text, mode="eval").body


def letter(name: str) -> str:
    """A letter of the rules."""
    return f'<mi data-letter="{name}">{name}</mi>'


NAMES = {"log": "ln"}
SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "−",
    ast.Mult: "·",
    ast.MatMult: "·",
    ast.Gt: "&gt;",
    ast.Lt: "&lt;",
}


def mathml(node: ast.expr) -> str:  # noqa: C901  # one line for each form
    """A formula of `formulas.py` as MathML; nothing in these needs escaping."""
    match node:
        case ast.Constant(number):
            return f"<mn>{number!r}</mn>"
        case ast.Name("pi"):
            return "<mi>π</mi>"
        case ast.Name("g"):
            return letter("d_out")
        case ast.BinOp(ast.Name("y"), ast.Sub(), ast.Constant(1)):
            return letter(LESS)
        case ast.Name(name):
            return letter(name)
        case ast.Attribute(x):  # of the formulas above only `.T`
            return f"<msup>{mathml(x)}<mi>T</mi></msup>"
        case ast.UnaryOp(_, x):
            return f"<mrow><mo>−</mo>{factor(x)}</mrow>"
        case ast.BinOp(x, ast.Div(), y):
            return f"<mfrac>{mathml(x)}{mathml(y)}</mfrac>"
        case ast.BinOp(x, ast.Pow(), y):
            return f"<msup>{factor(x)}{mathml(y)}</msup>"
        case ast.BinOp(x, ast.Add() | ast.Sub() as op, y):
            return f"<mrow>{mathml(x)}<mo>{SIGNS[type(op)]}</mo>{factor(y)}</mrow>"
        case ast.BinOp(x, op, y):
            return f"<mrow>{factor(x)}<mo>{SIGNS[type(op)]}</mo>{factor(y)}</mrow>"
        case ast.Compare(x, [op], [y]):
            return (
                f"<mrow><mo>[</mo>{mathml(x)}<mo>{SIGNS[type(op)]}</mo>{mathml(y)}<mo>]</mo></mrow>"
            )
        case ast.Call(ast.Name("sqrt"), [x]):
            return f"<msqrt>{mathml(x)}</msqrt>"
        case ast.Call(ast.Name("exp"), [x]):
            return f"<msup><mi>e</mi>{mathml(x)}</msup>"
        case ast.Call(ast.Name("floor"), [x]):
            return f"<mrow><mo>⌊</mo>{mathml(x)}<mo>⌋</mo></mrow>"
        case ast.Call(ast.Name(name), [x]):
            return f"<mrow><mi>{NAMES.get(name, name)}</mi><mo>(</mo>{mathml(x)}<mo>)</mo></mrow>"
    raise AssertionError(ast.dump(node))


def factor(node: ast.expr) -> str:
    """A part that is bound more strongly than a sum."""
    sums = isinstance(node, ast.UnaryOp) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    )
    return f"<mrow><mo>(</mo>{mathml(node)}<mo>)</mo></mrow>" if sums else mathml(node)
