"""A graph as text: one named line for each step, as a person writes a tape by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .steps import Equation, Guard, Step, Value

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "%",
    "power": "**",
    "matmul": "@",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
}


HIDDEN = frozenset({"carries", "sequences", "checkpoint"})
"""Parameters of loops that the operands show, or that do not change the values."""


def names_in(graph: Any) -> dict[Value, str]:
    """A name for each value: its own where it has one, else v1, v2, … in the order of the steps."""
    names: dict[Value, str] = {}
    taken: set[str] = set()
    values = [*graph.inputs, *(value for step in graph.steps for value in step.results)]
    for value in values:
        if value.name and value.name not in taken:
            names[value] = value.name
            taken.add(value.name)
    numbers = (f"v{k}" for k in itertools.count(1))
    for value in values:
        if value not in names:
            names[value] = next(name for name in numbers if name not in taken)
    return names


def written(step: Step, names: dict[Value, str]) -> str:
    """A step as a line."""
    if isinstance(step, Guard):
        return f"guard {step.question}({names[step.operand]}) is {short(step.answer)}"
    return f"{', '.join(names[value] for value in step.results)} = {expression(step, names)}"


def expression(step: Equation, names: dict[Value, str]) -> str:
    """The right-hand side of an equation."""
    xs = [names[x] if isinstance(x, Value) else short(x) for x in step.operands]
    title, params = step.p.title, step.params
    if title in INFIX and len(xs) == 2 and not params:
        return f"{xs[0]} {INFIX[title]} {xs[1]}"
    if title == "getitem":
        return f"{xs[0]}[{index_text(params['index'])}]"
    if title == "negative":
        return f"-{xs[0]}"
    named = [
        f"{key}={'[' + index_text(value) + ']' if key == 'index' else short(value)}"
        for key, value in params.items()
        if key not in HIDDEN and key not in step.parts
    ]
    return f"{title}({', '.join(xs + named)})"


def inside(step: Step) -> Iterator[str]:
    """The lines of the graphs that a step calls, as functions."""
    for name, graph in step.parts.items():
        names = graph.names
        yield f"    {name}({', '.join(names[value] for value in graph.inputs)}):"
        for each in graph.steps:
            yield from (f"        {line}" for line in (written(each, names), *inside(each)))
        outputs = (names[y] if isinstance(y, Value) else short(y) for y in graph.outputs)
        yield f"        return {', '.join(outputs)}"


def aligned(lines: Sequence[tuple[str, str]]) -> str:
    """Lines with what they give, as comments in a column."""
    width = max((len(line) for line, _ in lines), default=0)
    return "\n".join(f"{line:{width}}  # {x}" if x else line for line, x in lines)


def index_text(index: Any, constant: Callable[[Any], str] | None = None) -> str:
    """An index as it is written between brackets."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(_index_part(each, constant or short) for each in parts) or "()"


def _index_part(each: Any, constant: Callable[[Any], str]) -> str:
    if each is Ellipsis:
        return "..."
    if isinstance(each, slice):
        ends = ["" if end is None else str(end) for end in (each.start, each.stop)]
        return ":".join(ends) + (f":{each.step}" if each.step is not None else "")
    return constant(each)


def short(x: Any) -> str:
    """A constant, or a value, in a line."""
    if isinstance(x, np.ndarray) and x.size > 6:
        return f"<{x.dtype}{list(x.shape)}>"
    if isinstance(x, np.ndarray) and x.ndim:
        return np.array2string(x, separator=", ", precision=6).replace("\n", "")
    if isinstance(x, (np.ndarray, np.generic)):
        return repr(x.item())
    return repr(x)
