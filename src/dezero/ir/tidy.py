"""Expressions of Python tidied up as in a textbook.

A product has its number and sign in front, each factor once with its exponent, and one fraction
bar; a sum has like terms once. Roots and quotients are taken as for numbers where all is defined.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

PI, ONE, ZERO = ast.Constant(math.pi), ast.Constant(1), ast.Constant(0)

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
    above, below = (list(whole(n)) for n in abs(number).as_integer_ratio())
    for base, exponent in sorted(
        powers.values(), key=lambda pair: not isinstance(pair[0], ast.Constant)
    ):
        (above if exponent > 0 else below).append(power(base, abs(exponent)))
    found = chain(above)
    if below:
        found = ast.BinOp(found, ast.Div(), chain(below))
    return found if number > 0 else ast.UnaryOp(ast.USub(), found)


def whole(n: int) -> Iterator[ast.expr]:
    """A factor, if it is not 1."""
    if n != 1:
        yield ast.Constant(n)


def chain(xs: list[ast.expr]) -> ast.expr:
    """Expressions, multiplied."""
    found = xs[0] if xs else ONE
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


def called(name: str, xs: list[ast.expr]) -> ast.expr:
    """A function of expressions."""
    return ast.Call(ast.Name(name, ast.Load()), xs, [])
