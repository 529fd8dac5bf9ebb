"""What the user calls things: read off the lines of the program that a graph came from."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from ...errors import GraphError
from ..graph import Graph
from ..steps import Equation, Step, Value
from .text import ATOM, Text


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


def gradients(graph: Graph, users: Mapping[Value, str]) -> dict[Value, str]:
    """Names for gradients by what has a name, and for the arrays that they are added up in."""
    named: dict[Value, str] = {}
    for step in graph.steps:
        for value in step.results:
            names = [name for x in value.of if (name := users.get(x) or x.name)]
            if names:
                named[value] = f"d_{names[0]}"
    places = {y for step in graph.steps for y in step.results if is_called(step, "scatter")}
    for step in reversed(graph.steps):
        total = named.get(step.results[0], "") if is_called(step, "add") else ""
        for x in set(step.reads) if total else ():
            if places & set(step.reads) and not x.of:
                named[x] = total  # it is added up there
            elif named.get(x) == total and not places & set(step.reads):
                del named[x]  # only a part of it
    return named


def is_called(step: Step, title: str) -> bool:
    """Whether a step is a call of a row."""
    return isinstance(step, Equation) and step.p.title == title


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


def parameters(graph: Graph) -> tuple[list[str], dict[Value, Text]]:
    """The parameters of the function that was traced, and where in them each input is.

    Raises
    ------
    GraphError
        If an argument is a container that has no word in Python for its parts.
    """
    by_place, by_name = graph.specs[0].children()
    names = [f"x{k}" for k in range(by_place.num_children)]
    places: list[tuple[str, Any]] = []
    for value, accessor in zip(graph.inputs, graph.specs[0].accessors(), strict=True):
        where, argument, path = accessor[0].entry, accessor[1].entry, accessor[2:]
        if where == 0:
            names[argument] = stem(value.name, path) or names[argument]
        places.append((names[argument] if where == 0 else argument, path))
    texts = [Text(coded(root, path), ATOM) for root, path in places]
    return [*names, *by_name.entries()], dict(zip(graph.inputs, texts, strict=True))


def stem(name: str, path: Any) -> str:
    """The name of an argument, from that of a part of it."""
    return name.removesuffix("".join(f"_{each.entry}" for each in path))


def coded(root: str, path: Any) -> str:
    """A part of an argument, as Python reads it."""
    text = path.codify(root)
    text = text if '"' in text else text.replace("'", '"')
    try:
        ast.parse(text)
    except SyntaxError:
        raise GraphError(
            f"{root} is a container whose parts have no name in Python: {text}"
        ) from None
    return str(text)
