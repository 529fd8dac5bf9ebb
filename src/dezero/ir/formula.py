"""Small programs of numbers as formulas: LaTeX, and expressions of SymPy.

| file | purpose |
|---|---|
| `formula.py` | the formula, and how it is asked for |
| `reading.py` | a graph as one expression: a tree of Python's `ast`, in the words of NumPy |
| `tidy.py` | sums, products and fractions as in a textbook |
| `latex.py` | an expression as LaTeX |
| `symbols.py` | an expression of SymPy |
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from ..errors import GraphError, OperandError
from ..trees import unflatten
from .latex import tex
from .passes import simplified
from .reading import Reader
from .symbols import in_sympy
from .tracer import trace


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
        return in_sympy(self.tree, self.names)


def formula(
    f: Callable[..., Any], *args: str | float, at: Mapping[str, float] | None = None
) -> Formula:
    r"""A function of numbers as a formula.

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
    \log\left(x\right) \sin^{2}\left(y\right)
    >>> from dezero import grad
    >>> print(formula(grad(f), "r", "theta"))
    \frac{\sin^{2}\left(\theta\right)}{r}
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
    for k, given in enumerate([*args, *names[len(args) :]]):
        if isinstance(given, str):
            names[k], given = given, at.get(given, 0.5 + k)
        if not isinstance(given, Real) or not names[k].isidentifier():
            raise OperandError(f"formula: argument {k} is no name and no number: {args[k]!r}")
        points.append(float(given))
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
