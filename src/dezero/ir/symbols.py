"""Expressions of SymPy. The only file that imports it."""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from typing import Any

from .latex import AROUND, HEADS
from .tidy import called

WORDS = {
    **{name: name for name in (*HEADS, *AROUND, "exp")},
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arctan2": "atan2",
    "absolute": "Abs",
    "ceil": "ceiling",
    "maximum": "Max",
    "minimum": "Min",
    "gammaln": "loggamma",
    "psi": "digamma",
}
"""What SymPy calls functions, where it has another name for one."""


def in_sympy(tree: ast.expr, names: tuple[str, ...]) -> Any:
    """An expression as one of SymPy, in real symbols of these names."""
    import sympy  # noqa: PLC0415  # optional

    found = InSymbols().visit(ast.parse(ast.unparse(tree), mode="eval"))
    code = compile(ast.fix_missing_locations(found), "<formula>", "eval")
    symbols = {f"symbol_{name}": sympy.Symbol(name, real=True) for name in names}
    space = {**words_of(sympy), "symbol_nan": sympy.nan, **symbols}
    return eval(code, {"__builtins__": {}}, space)


def words_of(sympy: Any) -> dict[str, Any]:
    """The functions that expressions call, from SymPy."""

    def exact(x: Any) -> Any:
        """A number; as a fraction if it is a short one."""
        if x in (math.pi, math.e):
            return sympy.pi if x == math.pi else sympy.E
        if isinstance(x, float) and math.isfinite(x) and Fraction(x).denominator <= 1024:
            return sympy.Rational(*x.as_integer_ratio())
        return sympy.sympify(x)

    own = {
        "log2": lambda x: sympy.log(x, 2),
        "log10": lambda x: sympy.log(x, 10),
        "where": lambda c, x, y: sympy.Piecewise((x, c), (y, True)),
        "exact": exact,
    }
    return {name: getattr(sympy, word) for name, word in WORDS.items() if name not in own} | own


class InSymbols(ast.NodeTransformer):
    """The names and numbers of a formula as SymPy's."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(f"symbol_{node.id}", ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return called("exact", [node])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(x) for x in node.args], [])
