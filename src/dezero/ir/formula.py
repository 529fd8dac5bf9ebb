"""Small programs of numbers as formulas: LaTeX, and expressions of SymPy.

A graph is read into one expression, a tree of Python's `ast` in the words of NumPy. On the way it
is tidied up as in a textbook: signs and whole numbers in front, fractions of fractions made one.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..errors import GraphError, OperandError
from ..trees import unflatten
from .graph import Graph
from .passes import simplified
from .steps import Equation, Guard, Value
from .tape import INFIX
from .tracer import trace

LARGEST = 1000
"""Parts that an expression may have."""


class Formula:
    """A number as an expression of others. As `str`, and in notebooks, it is LaTeX.

    Attributes
    ----------
    names : tuple of str
        What it is an expression of.
    except_where : tuple of str
        Conditions, in LaTeX, on which it does not hold: the program treats such points apart.
    """

    def __init__(
        self, tree: ast.expr, names: tuple[str, ...], apart: Iterable[ast.expr] = ()
    ) -> None:
        self.tree, self.names = tree, names
        self.except_where = tuple(dict.fromkeys(tex(each).text for each in apart))

    def __str__(self) -> str:
        return tex(self.tree).text

    def __repr__(self) -> str:
        return f"<formula {ast.unparse(self.tree)}>"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self}$"

    def sympy(self) -> Any:
        """The formula as an expression of SymPy, in real symbols of the same names.

        Raises
        ------
        ImportError
            Without SymPy, which the extra ``sympy`` installs.
        """
        import sympy  # noqa: PLC0415  # optional

        tree = InSymbols().visit(ast.parse(ast.unparse(self.tree), mode="eval"))
        code = compile(ast.fix_missing_locations(tree), "<formula>", "eval")
        symbols = {f"symbol_{name}": sympy.Symbol(name, real=True) for name in self.names}
        words = words_of(sympy) | {"symbol_nan": sympy.nan} | symbols
        return eval(code, {"__builtins__": {}}, words)


def formula(
    f: Callable[..., Any], *args: str | float, at: Mapping[str, float] | None = None
) -> Formula:
    """A function of numbers as a formula.

    Parameters
    ----------
    f : callable
        A function of numbers that gives a number, or a tuple of them; a derivative of one
        (`dezero.grad(f)`) is one too. Arguments that have a default keep it.
    *args : str or float, optional
        For each argument a name, if not that of the function's own; or a number, to trace `f` at.
    at : dict, optional
        Numbers to trace at, by name. Elsewhere they are 0.5, 1.5, ….

    Returns
    -------
    Formula

    Raises
    ------
    GraphError
        If there are arrays in the program, or questions (``if``, ``float(v)``), or calls that have
        no formula; or if it is long.

    Notes
    -----
    It is the formula at points in general position: that `x` equals something counts as false
    where the program asks. `Formula.except_where` tells which points that were.

    Examples
    --------
    >>> def f(x, y):
    ...     return np.log(x) * np.sin(y) ** 2
    >>> print(formula(f))
    \\log\\left(x\\right) \\sin^{2}\\left(y\\right)
    >>> from dezero import grad
    >>> print(formula(grad(f), "r", "theta"))
    \\frac{\\sin^{2}\\left(\\theta\\right)}{r}
    """
    names, points = sampled(f, args, at or {})
    with np.errstate(all="ignore"):
        graph = simplified(trace(f)(*map(np.array, points)))
    reader = Reader(graph, names)
    for step in graph.steps:
        reader.step(step)
    results = [reader.operand(y) for y in graph.outputs]
    return Formula(together(unflatten(graph.specs[1], results)), names, reader.apart)


def sampled(
    f: Any, args: tuple[Any, ...], at: Mapping[str, float]
) -> tuple[tuple[str, ...], list[float]]:
    """Names for the arguments, and numbers."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in by_place)
    own = [p.name for p in by_place]
    names, points = own[: max(needed, len(args))], []
    names += [f"x{k}" for k in range(len(names), len(args))]
    for k, given in enumerate(args):
        if isinstance(given, str):
            names[k] = given
    for k, name in enumerate(names):
        given = args[k] if k < len(args) and not isinstance(args[k], str) else None
        point = at.get(name, 0.5 + k) if given is None else given
        if np.ndim(point) or not name.isidentifier():
            raise OperandError(f"formula: {point!r} is no name and no number")
        points.append(float(point))
    if not names or len(set(names)) < len(names) or set(at) - set(names):
        raise OperandError(
            f"formula: give each argument a name, as in dz.formula(f, 'x', 'y'), and in `at` only "
            f"those; the names are {', '.join(names) or 'not known'}"
        )
    return tuple(names), points


def together(results: Any) -> ast.expr:
    """The results as one expression."""
    if isinstance(results, ast.expr):
        return results
    if isinstance(results, (tuple, list)):
        return ast.Tuple([together(each) for each in results], ast.Load())
    raise GraphError(f"a formula is a number or a tuple of them, not a {type(results).__name__}")


# ---------------------------------------------------------------------------- from the graph

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
    "isnan": "False",  # NaN is no number
}
"""Rows in other words, where `x`, `y`, `z` are the operands."""

ALONE = frozenset(
    [
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "any",
        "all",
        "copy",
        "astype",
        "whole",
        "real",
        "conjugate",
        "positive",
        "reshape",
        "squeeze",
        "expand_dims",
        "transpose",
        "swapaxes",
        "moveaxis",
        "broadcast_to",
        "ravel",
        "getitem",
        "stop_gradient",
    ]
)
"""Rows that leave a single number as it is."""

HARMLESS = frozenset(
    [
        "axis",
        "axes",
        "axis1",
        "axis2",
        "source",
        "destination",
        "keepdims",
        "shape",
        "dtype",
        "order",
        "copy",
        "index",
    ]
)
"""Parameters that change nothing about that."""

CONDITIONS = frozenset(
    [
        "where",
        "bitwise_and",
        "bitwise_or",
        "logical_and",
        "logical_or",
        "logical_not",
        "invert",
        "not_equal",
    ]
)
"""Rows that take truth values as such."""

PI, ONE, ZERO = ast.Constant(math.pi), ast.Constant(1), ast.Constant(0)


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
            found = self.settle(self.env[step.operand])
            if not isinstance(found, ast.Constant) or found.value is not step.answer:
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
        found = self.expression(step)
        if found is None:
            raise GraphError(f"{title} has no formula{where}")
        self.env[value] = found

    def expression(self, step: Equation) -> ast.expr | None:
        """What an equation computes; None if there is no formula of it."""
        title, params = step.p.title, step.params
        xs = [self.operand(x) for x in step.operands]
        if title in ALONE:
            whole = step.results[0].dtype.kind == "i" and step.operands[0].dtype.kind == "f"
            return None if whole or set(params) - HARMLESS else xs[0]
        if params:
            return None
        if title == "not_equal" and is_truth(step.operands[0]):  # of a condition with 0
            return xs[0]
        if title not in CONDITIONS:
            pairs = zip(step.operands, xs, strict=True)
            xs = [self.chosen(e, ONE, ZERO) if is_truth(x) else e for x, e in pairs]
        if title == "where":
            return self.chosen(*xs)
        if title in WORDS:
            return Filled(dict(zip("xyz", xs, strict=False)) | {"pi": PI}).visit(parsed(title))
        return called(title, xs) if title in SYMPY else None

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


def is_truth(x: Any) -> bool:
    """Whether an operand is a truth value."""
    return bool((x.dtype if isinstance(x, Value) else np.asarray(x).dtype) == bool)


def parsed(title: str) -> ast.expr:
    """A row in other words."""
    return ast.parse(WORDS[title], mode="eval").body


def called(name: str, xs: list[ast.expr]) -> ast.expr:
    """A function of expressions."""
    return ast.Call(ast.Name(name, ast.Load()), xs, [])


class Filled(ast.NodeTransformer):
    """Puts expressions in place of names, and tidies up what comes of it."""

    def __init__(self, env: Mapping[str, ast.expr]) -> None:
        self.env = env

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.env.get(node.id, node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        x = self.visit(node.operand)
        return negated(x) if isinstance(node.op, ast.USub) else ast.UnaryOp(node.op, x)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        x, y = self.visit(node.left), self.visit(node.right)
        tidy = TIDY.get(type(node.op))
        return tidy(x, y) if tidy else ast.BinOp(x, node.op, y)


def settled(c: ast.expr) -> tuple[ast.expr, list[ast.expr]]:
    """A condition where nothing is equal to anything, and the equalities that this leaves out."""
    match c:
        case ast.Compare(x, [ast.Eq() | ast.NotEq() as op], [y]):
            told = [] if is_infinite(x) or is_infinite(y) else [ast.Compare(x, [ast.Eq()], [y])]
            return ast.Constant(isinstance(op, ast.NotEq)), told
        case ast.UnaryOp(ast.Invert(), x):
            x, apart = settled(x)
            return (
                ast.Constant(not x.value)
                if isinstance(x, ast.Constant)
                else ast.UnaryOp(ast.Invert(), x)
            ), apart
        case ast.BinOp(x, ast.BitAnd() | ast.BitOr() as op, y):
            return both(op, *sorted(map(settled, (x, y)), key=lambda each: len(each[1])))
    return c, []


def is_infinite(x: ast.expr) -> bool:
    """Whether an expression is plus or minus infinity, which numbers never are."""
    x = x.operand if isinstance(x, ast.UnaryOp) else x
    return isinstance(x, ast.Constant) and x.value == math.inf


def both(op: ast.operator, *sides: tuple[ast.expr, list[ast.expr]]) -> Any:
    """Two conditions, of which a constant one decides or says nothing."""
    (x, left), (y, right) = sides
    decides = isinstance(op, ast.BitOr)
    for side, apart in sides:
        if isinstance(side, ast.Constant) and side.value == decides:
            return side, apart
    apart = left + right
    if isinstance(x, ast.Constant):
        return y, apart
    return (x, apart) if isinstance(y, ast.Constant) else (ast.BinOp(x, op, y), apart)


# ---------------------------------------------------------------------------- tidying up

Product = tuple[Fraction, dict[str, tuple[ast.expr, Fraction]]]
"""A number, and factors with their exponents, by their text."""

NICEST = 16
"""The largest denominator of a number that is written as a fraction: 0.5 x is x over 2."""


def fraction(x: Any) -> Fraction | None:
    """A constant as a fraction, if it is a nice one."""
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not math.isfinite(x):
        return None
    exact = Fraction(x)
    return exact if exact.denominator <= NICEST else None


def factors(x: ast.expr) -> Product:
    """An expression as a product."""
    match x:
        case ast.Constant(value) if (n := fraction(value)) is not None:
            return n, {}
        case ast.UnaryOp(ast.USub(), y):
            n, powers = factors(y)
            return -n, powers
        case ast.BinOp(y, ast.Mult(), z):
            return joined(factors(y), factors(z))
        case ast.BinOp(y, ast.Div(), z):
            return joined(factors(y), to_the(-1, factors(z)))
        case ast.BinOp(y, ast.Pow(), z) if not (exponent := factors(z))[1]:
            return to_the(exponent[0], factors(y))
        case ast.Call(ast.Name("sqrt"), [y]):
            return to_the(Fraction(1, 2), factors(y))
    return Fraction(1), {ast.dump(x): (x, Fraction(1))}


def joined(x: Product, y: Product) -> Product:
    """The product of two."""
    (m, powers), (n, more) = x, y
    powers = dict(powers)
    for text, (base, exponent) in more.items():
        powers[text] = base, exponent + powers.get(text, (base, Fraction(0)))[1]
    return m * n, {text: pair for text, pair in powers.items() if pair[1]}


def to_the(n: Fraction | int, x: Product) -> Product:
    """A power: of all factors if it is a whole one or there is one alone, else of the product."""
    number, powers = x
    whole = Fraction(n).denominator == 1 and not (n < 0 and number == 0)
    if whole or (number == 1 and len(powers) == 1 and odd_root(powers)):
        found = {text: (base, exponent * n) for text, (base, exponent) in powers.items()}
        return Fraction(number**n), found
    base = product(x)
    return Fraction(1), {ast.dump(base): (base, Fraction(n))}


def odd_root(powers: dict[str, tuple[ast.expr, Fraction]]) -> bool:
    """Whether a root of the factor is a power of its base: the root of x² is |x|, not x."""
    return all(exponent.numerator % 2 for _, exponent in powers.values())


def product(x: Product) -> ast.expr:
    """A product as an expression: a fraction, with its sign in front."""
    number, powers = x
    if not number:
        return ZERO
    above, below = ([ast.Constant(n)] if n != 1 else [] for n in abs(number).as_integer_ratio())
    for base, exponent in sorted(powers.values(), key=lambda pair: not is_constant(pair[0])):
        (above if exponent > 0 else below).append(power(base, abs(exponent)))
    found = chain(above)
    if below:
        found = ast.BinOp(found, ast.Div(), chain(below))
    return found if number > 0 else ast.UnaryOp(ast.USub(), found)


def is_constant(x: ast.expr) -> bool:
    return isinstance(x, ast.Constant)


def chain(xs: list[Any]) -> ast.expr:
    """Expressions, multiplied."""
    found: ast.expr = xs[0] if xs else ONE
    for x in xs[1:]:
        found = ast.BinOp(found, ast.Mult(), x)
    return found


def power(base: ast.expr, exponent: Fraction) -> ast.expr:
    """A factor with its exponent."""
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return called("sqrt", [base])
    match base:
        case ast.Call(ast.Name("exp"), [x]):
            return called("exp", [product(joined((exponent, {}), factors(x)))])
    return ast.BinOp(base, ast.Pow(), product((exponent, {})))


def terms(x: ast.expr) -> list[tuple[Fraction, ast.expr]]:
    """An expression as a sum, of numbers times the rest."""
    match x:
        case ast.BinOp(y, ast.Add(), z):
            return [*terms(y), *terms(z)]
        case ast.BinOp(y, ast.Sub(), z):
            return [*terms(y), *((-n, rest) for n, rest in terms(z))]
        case ast.UnaryOp(ast.USub(), y):
            return [(-n, rest) for n, rest in terms(y)]
    number, powers = factors(x)
    return [(number, product((Fraction(1), powers)))]


def added(x: ast.expr, y: ast.expr) -> ast.expr:
    """X + y, where like terms are one, and one that is not negative comes first."""
    found: dict[str, tuple[Fraction, ast.expr]] = {}
    for number, rest in (*terms(x), *terms(y)):
        text = ast.dump(rest)
        found[text] = number + found.get(text, (Fraction(0), rest))[0], rest
    left = [pair for pair in found.values() if pair[0]]
    first = next((pair for pair in left if pair[0] > 0), None)
    left.sort(key=lambda pair: pair is not first)
    total: ast.expr | None = None
    for number, rest in left:
        size = product(joined((abs(number), {}), factors(rest)))
        if total is None:
            total = size if number > 0 else ast.UnaryOp(ast.USub(), size)
        else:
            total = ast.BinOp(total, ast.Add() if number > 0 else ast.Sub(), size)
    return ZERO if total is None else total


def negated(x: ast.expr) -> ast.expr:
    """-x."""
    return product(joined((Fraction(-1), {}), factors(x)))


def divided(x: ast.expr, y: ast.expr) -> ast.expr:
    """The fraction of two expressions."""
    return product(joined(factors(x), to_the(-1, factors(y))))


def multiplied(x: ast.expr, y: ast.expr) -> ast.expr:
    """The product of two expressions."""
    return product(joined(factors(x), factors(y)))


def raised(x: ast.expr, y: ast.expr) -> ast.expr:
    """The power of two expressions."""
    return product(factors(ast.BinOp(x, ast.Pow(), y)))


TIDY: dict[type[ast.operator], Callable[[ast.expr, ast.expr], ast.expr]] = {
    ast.Add: added,
    ast.Sub: lambda x, y: added(x, negated(y)),
    ast.Mult: multiplied,
    ast.Div: divided,
    ast.Pow: raised,
}
"""How expressions are joined."""


# ---------------------------------------------------------------------------- LaTeX


class Tex(NamedTuple):
    """LaTeX, and how strongly its parts are bound."""

    text: str
    strength: int

    def inside(self, strength: int) -> str:
        """The text as a part of one that binds its parts so strongly."""
        return self.text if self.strength >= strength else f"\\left({self.text}\\right)"


LOOSE, OR, AND, COMPARED, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(9)
"""How strongly formulas bind: as in `ir.source`, but that -x y is -(x y)."""

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
    ]
)

HEADS = {
    **{
        name: f"\\{name}"
        for name in [
            "sin",
            "cos",
            "tan",
            "arcsin",
            "arccos",
            "arctan",
            "sinh",
            "cosh",
            "tanh",
            "log",
        ]
    },
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


# ---------------------------------------------------------------------------- SymPy

SYMPY = {
    **dict.fromkeys([*HEADS, *AROUND, "exp"], ""),
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


def words_of(sympy: Any) -> dict[str, Any]:
    """The functions that a formula calls, in SymPy."""

    def exact(x: Any) -> Any:
        if x in (math.pi, math.e):
            return sympy.pi if x == math.pi else sympy.E
        if isinstance(x, float) and math.isfinite(x) and Fraction(x).denominator <= 1024:
            return sympy.Rational(*x.as_integer_ratio())
        return sympy.sympify(x)

    own = {"log2": lambda x: sympy.log(x, 2), "log10": lambda x: sympy.log(x, 10)}
    named = {name: getattr(sympy, word or name) for name, word in SYMPY.items() if name not in own}
    choice = {"where": lambda c, x, y: sympy.Piecewise((x, c), (y, True))}
    return {**named, **own, **choice, "exact": exact}


class InSymbols(ast.NodeTransformer):
    """The names and numbers of a formula as SymPy's."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(f"symbol_{node.id}", ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return called("exact", [node])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(x) for x in node.args], [])
