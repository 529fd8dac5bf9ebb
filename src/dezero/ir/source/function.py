"""The function around the lines: its parameters, what it returns, and the imports before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import Graph
from ..passes import simplified
from ..tracer import trace
from .assignments import ASSIGNMENTS
from .gradients import gradients
from .loops import LOOPS
from .names import users_names
from .parameters import parameters
from .repeats import once
from .silence import without_silent_guards
from .text import Text, param
from .wrapping import wrapped
from .writer import Statement, Writer


def to_source(graph: Graph, name: str | None = None) -> str:
    """A graph as the source of a function of NumPy, with its import.

    Raises
    ------
    GraphError
        If the graph has guards, calls what NumPy does not have, or holds large arrays.
    """
    small = without_silent_guards(simplified(graph))
    title = name or (graph.name if graph.name.isidentifier() else "f")
    names, places = parameters(graph)
    users = users_names(graph, small)
    taken = {title, *names}
    writer = Writer(small, STATEMENTS, taken, users, gradients(graph, small, users))
    writer.texts.update(places)
    for step in small.steps:
        writer.step(step)
    results = graph.specs[1].unflatten([writer.operand(y) for y in small.outputs])
    body = with_return(writer.lines, returned(results), set(writer.users.values()))
    body = once(body, writer.new_name)
    special = ["from scipy import special"] if any("special." in line for line in body) else []
    lines = [line for each in body for line in wrapped(f"    {each}")]
    head = wrapped(f"def {title}({', '.join(names)}):")
    return "\n".join(["import numpy as np", *special, "", "", *head, *lines, ""])


STATEMENTS: dict[str, Statement] = ASSIGNMENTS | LOOPS


def source(f: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """A function as plain NumPy source, as it runs on these arguments.

    The function that is written stands alone: it needs NumPy and nothing else. What is
    differentiated is written out.

    Parameters
    ----------
    f : callable
        A function of arrays, or a derivative of one (`dezero.grad(f)`).
    *args, **kwargs
        What to trace it with: the source is for arguments of these shapes and dtypes, and for the
        path that the program takes on them.

    Returns
    -------
    str

    Raises
    ------
    GraphError
        If the program calls what NumPy does not have, or holds large arrays.

    Examples
    --------
    >>> import numpy as np
    >>> def energy(x):
    ...     return np.sum(x**2 * np.exp(-x))
    >>> print(source(energy, np.ones(3)))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def energy(x):
        return np.sum(x**2 * np.exp(-x))
    <BLANKLINE>
    """
    return to_source(trace(f)(*args, **kwargs))


def returned(results: Any) -> str:
    """What stands after ``return``."""
    text = gathered(results)
    several = type(results) is tuple and len(results) > 1
    return text[1:-1] if several else text


def with_return(lines: list[str], result: str, users: set[str]) -> list[str]:
    """Lines and the return; without a name of ours for what is returned at once."""
    head, _, expression = lines[-1].partition(" = ") if lines else ("", "", "")
    if head == result and result not in users:
        return [*lines[:-1], f"return {expression}"]
    return [*lines, f"return {result}"]


def gathered(tree: Any) -> str:
    """A result, or containers of results, as an expression."""
    if isinstance(tree, Text):
        return tree.text
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{param(key)}: {gathered(x)}" for key, x in tree.items()) + "}"
    inner = ", ".join(map(gathered, tree))
    if isinstance(tree, list):
        return f"[{inner}]"
    return f"({inner},)" if len(tree) == 1 else f"({inner})"
