"""The parameters of the function: those of the one that was traced, containers as such."""

from __future__ import annotations

import ast
from typing import Any

from ...errors import GraphError
from ..graph import Graph
from ..steps import Value
from .text import ATOM, Text


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
