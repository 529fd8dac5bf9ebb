"""Expressions as LaTeX."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Tex(NamedTuple):
    """LaTeX, and how strongly its parts are bound."""

    text: str
    strength: int

    def inside(self, strength: int) -> str:
        """The text as a part of one that binds its parts so strongly."""
        return self.text if self.strength >= strength else f"\\left({self.text}\\right)"


LOOSE, OR, AND, COMPARED, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(9)
"""How strongly formulas bind: as in `ir.source`, but that -x y is -(x y)."""

GREEK = frozenset([
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
    "Omega",
])  # fmt: skip

PLAIN = (
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log",
)  # fmt: skip
HEADS = {
    **{name: f"\\{name}" for name in PLAIN},
    "log2": "\\log_{2}",
    "log10": "\\log_{10}",
    "arcsinh": "\\operatorname{arsinh}",
    "arccosh": "\\operatorname{arcosh}",
    "arctanh": "\\operatorname{artanh}",
    "arctan2": "\\operatorname{atan2}",
    "sign": "\\operatorname{sign}",
    "maximum": "\\max",
    "minimum": "\\min",
    "gamma": "\\Gamma",
    "gammaln": "\\log\\Gamma",
    "digamma": "\\psi",
    "psi": "\\psi",
    "erf": "\\operatorname{erf}",
    "erfc": "\\operatorname{erfc}",
}
AROUND = {
    "sqrt": ("\\sqrt{", "}"),
    "cbrt": ("\\sqrt[3]{", "}"),
    "absolute": ("\\left|", "\\right|"),
    "floor": ("\\left\\lfloor ", "\\right\\rfloor"),
    "ceil": ("\\left\\lceil ", "\\right\\rceil"),
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "\\le",
    ast.Gt: ">",
    ast.GtE: "\\ge",
    ast.Eq: "=",
    ast.NotEq: "\\ne",
}


def tex(node: ast.expr) -> Tex:
    """An expression as LaTeX."""
    return WRITERS[type(node)](node)


def _constant(node: Any) -> Tex:
    x = node.value
    if x in NAMED:
        return Tex(NAMED[x], ATOM)
    if isinstance(x, float) and not math.isfinite(x):
        return Tex("\\infty" if x > 0 else "\\mathrm{NaN}", ATOM)
    digits, _, exponent = repr(x).partition("e")
    if exponent:
        return Tex(f"{digits} \\cdot 10^{{{int(exponent)}}}", PRODUCT)
    return Tex(digits, ATOM)


NAMED = {math.pi: "\\pi", math.e: "e"}


def _name(node: Any) -> Tex:
    """``x_1`` and ``x1`` with an index, Greek letters as such, words upright."""
    word, *below = node.id.strip("_").split("_")
    stem = word.rstrip("0123456789")
    if (stem and stem != word and len(stem) == 1) or (stem in GREEK and stem != word):
        below = [word[len(stem) :], *below]
        word = stem
    index = ", ".join(map(_word, below))
    return Tex(_word(word) + (f"_{{{index}}}" if index else ""), ATOM)


def _word(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    return word if len(word) == 1 or word.isdigit() else f"\\mathrm{{{word}}}"


def _unary(node: Any) -> Tex:
    x = tex(node.operand)
    if isinstance(node.op, ast.Invert):
        return Tex(f"\\neg {x.inside(ATOM)}", COMPARED)
    return Tex(f"-{x.inside(PRODUCT)}", NEGATIVE)


def _binary(node: Any) -> Tex:
    if isinstance(node.op, ast.Pow):
        return _power(node)
    return JOINED[type(node.op)](tex(node.left), tex(node.right))


def _sum(x: Tex, y: Tex) -> Tex:
    return Tex(f"{x.inside(SUM)} + {y.inside(PRODUCT if y.text[0] == '-' else SUM)}", SUM)


def _product(x: Tex, y: Tex) -> Tex:
    right = y.inside(PRODUCT)
    dot = "\\cdot " if right[0].isdigit() else ""
    return Tex(f"{x.inside(PRODUCT)} {dot}{right}", PRODUCT)


JOINED: dict[type[ast.operator], Callable[[Tex, Tex], Tex]] = {
    ast.Add: _sum,
    ast.Sub: lambda x, y: Tex(f"{x.inside(SUM)} - {y.inside(PRODUCT)}", SUM),
    ast.Mult: _product,
    ast.Div: lambda x, y: Tex(f"\\frac{{{x.text}}}{{{y.text}}}", PRODUCT),
    ast.FloorDiv: lambda x, y: Tex(
        f"\\left\\lfloor \\frac{{{x.text}}}{{{y.text}}}\\right\\rfloor", ATOM
    ),
    ast.Mod: lambda x, y: Tex(f"{x.inside(POWER)} \\bmod {y.inside(POWER)}", LOOSE),
    ast.BitAnd: lambda x, y: Tex(f"{x.inside(AND)} \\wedge {y.inside(AND)}", AND),
    ast.BitOr: lambda x, y: Tex(f"{x.inside(OR)} \\vee {y.inside(OR)}", OR),
}


def _power(node: Any) -> Tex:
    """A power; of a function, between its name and its arguments."""
    exponent = tex(node.right).text
    match node.left, node.right:
        case ast.Call(ast.Name(name), xs), ast.Constant(int()) if name in HEADS and len(xs) == 1:
            return Tex(f"{HEADS[name]}^{{{exponent}}}{_arguments(xs)}", POWER)
    return Tex(f"{tex(node.left).inside(ATOM)}^{{{exponent}}}", POWER)


def _arguments(xs: list[ast.expr]) -> str:
    return f"\\left({', '.join(tex(x).text for x in xs)}\\right)"


def _compare(node: Any) -> Tex:
    x, y = tex(node.left).inside(SUM), tex(node.comparators[0]).inside(SUM)
    return Tex(f"{x} {COMPARISONS[type(node.ops[0])]} {y}", COMPARED)


def _call(node: Any) -> Tex:
    name, xs = node.func.id, node.args
    if name == "exp":
        return Tex(f"e^{{{tex(xs[0]).text}}}", POWER)
    if name == "where":
        condition, x, y = (tex(each).text for each in xs)
        cases = f"{x} & \\text{{if }} {condition} \\\\ {y} & \\text{{otherwise}}"
        return Tex(f"\\begin{{cases}} {cases} \\end{{cases}}", LOOSE)
    if name in AROUND:
        return Tex(tex(xs[0]).text.join(AROUND[name]), ATOM)
    return Tex(HEADS[name] + _arguments(xs), ATOM)


WRITERS: dict[type[ast.expr], Callable[[Any], Tex]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.Call: _call,
    ast.Tuple: lambda node: Tex(_arguments(node.elts), ATOM),
}
