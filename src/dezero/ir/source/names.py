"""What the user calls things: read off the lines of the program that a graph came from."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Container

import numpy as np

from ..graph import Graph
from ..steps import Equation, Value


def users_names(*graphs: Graph) -> dict[Value, str]:
    """What the user calls results: the last one on a line ``name = …`` has that name.

    Of several stages of a graph, the first that has a result for a line tells.
    """
    named: dict[Value, str] = {}
    for graph in graphs:
        last: dict[str, Equation] = {}
        for step in graph.steps:
            if isinstance(step, Equation) and step.line and not step.results[0].derived:
                last[step.line] = step
        for line, step in last.items():
            names, titles = assigned(line)
            fits = len(names) == len(step.results) and step.p.title in titles
            if fits and not set(names) & set(named.values()):
                named.update(zip(step.results, names, strict=True))
    return named


@functools.lru_cache(1000)
def assigned(place: str) -> tuple[tuple[str, ...], Container[str]]:
    """The names that a line of a file assigns to, and which rows may give their values.

    None, if it assigns to other things, or what a function of the user's returns.
    """
    path, _, line = place.rpartition(":")
    text = linecache.getline(path, int(line)).strip()
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        return (), ()
    if not isinstance(statement, ast.Assign) or len(statement.targets) > 1:
        return (), ()
    (target,) = statement.targets
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    names = tuple(each.id for each in targets if isinstance(each, ast.Name))
    return (names, rows_of(statement.value)) if len(names) == len(targets) else ((), ())


ARITHMETIC: dict[type[ast.AST], Container[str]] = {
    ast.Add: ("add", "scatter"),
    ast.Sub: ("subtract", "add"),
    ast.Mult: ("multiply", "negative", "square"),
    ast.Div: ("divide", "reciprocal"),
    ast.MatMult: ("matmul",),
    ast.Pow: ("power", "square", "reciprocal"),
    ast.FloorDiv: ("floor_divide",),
    ast.Mod: ("remainder",),
    ast.USub: ("negative",),
}


class Every(Container[str]):
    """All titles."""

    def __contains__(self, _title: object) -> bool:
        return True


def rows_of(value: ast.expr) -> Container[str]:
    """The titles of rows that an expression may end with."""
    match value:
        case ast.BinOp(op=op) | ast.UnaryOp(op=op):
            return ARITHMETIC.get(type(op), ())
        case ast.Call(ast.Name(name)) | ast.Call(ast.Attribute(attr=name)):
            known = any(hasattr(space, name) for space in (np, np.linalg, np.fft, np.ndarray))
            return Every() if known else (name,)
        case ast.Attribute() | ast.Subscript() | ast.Compare():
            return Every()
    return ()
