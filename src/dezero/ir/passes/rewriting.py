"""What passes are made of: rules that say of single equations what they may be instead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ...rows import TABLE
from ..graph import Graph
from ..steps import Equation, Guard, Step, Value
from .layout import in_rows, lies_in_rows

Env = dict[Value, Any]
"""What is read in place of values."""

VIEWS = (
    "broadcast_to", "reshape", "expand_dims", "squeeze", "transpose", "swapaxes", "moveaxis",
    "getitem",
)  # fmt: skip

NUMBERS = (bool, int, float, complex, np.generic)

EXACT = frozenset({
    "add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "absolute", "maximum",
    "minimum", "where", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "invert",
    "isnan", "isfinite", "isinf", "sign", "floor", "ceil", "positive", "conjugate",
})  # fmt: skip
"""Rows whose result for a number is the same in any array: nothing but the exact one, rounded."""


class Known:
    """What a rule may ask of the program before its equation.

    Attributes
    ----------
    graph : Graph
        As it was.
    new : dict
        The equations that are others now, by their results.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.new: dict[Value, Equation] = {}

    def note(self, *steps: Equation) -> None:
        """What is computed otherwise from now on."""
        for step in steps:
            self.new.update(dict.fromkeys(step.results, step))

    def by(self, x: Any, *titles: str) -> Equation | None:
        """The equation that made an operand, if it is a call of one of these rows."""
        if not isinstance(x, Value):
            return None
        made = self.new.get(x) or self.graph.made.get(x)
        return made if made is not None and made.p.title in titles else None

    @functools.cached_property
    def rows(self) -> set[Value]:
        """The values that surely lie in memory row by row."""
        return in_rows(self.graph)

    def in_rows(self, *xs: Any) -> bool:
        """Whether operands do, those that have rows."""
        return all(x in self.rows if isinstance(x, Value) else lies_in_rows(x) for x in xs)

    def is_spread(self, x: Any) -> bool:
        """Whether a value is a view of what was broadcast; what is computed of it, is none."""
        made = self.by(x, *VIEWS)
        while made is not None and made.p.title != "broadcast_to":
            made = self.by(made.operands[0], *VIEWS)
        return made is not None

    def laid_out_otherwise(self, step: Equation, x: Any) -> bool:
        """Whether an operand, read in place of a result, is a view of what was broadcast."""
        return isinstance(x, Value) and step.p.title not in VIEWS and self.is_spread(x)

    def readers(self, x: Value) -> list[Any]:
        """The equations and guards that read a value, and None if it is a result of the program."""
        return self.graph.readers.get(x, [])

    def only(self, x: Value, step: Equation) -> bool:
        """Whether an equation is all that reads a value."""
        return self.graph.uses[x] == sum(y is x for y in step.operands)


Rule = Callable[[Equation, Known], Any]
"""``rule(step, known)`` gives an operand to read instead of the result; an equation, or several of
which the last has that result; or None.
"""


def rewritten(graph: Graph, rules: Mapping[str, Rule]) -> Graph:
    """The graph after rules, by the titles of rows, as long as one applies to an equation."""
    if rules.keys().isdisjoint([p.title for p in graph.rows]):
        return graph
    known, env, steps = Known(graph), Env(), list[Step]()
    changed = False
    for before in graph.steps:
        found: Any = with_operands(before, env) if env else before
        while isinstance(found, Equation) and found.p.title in rules:
            better = rules[found.p.title](found, known)
            if better is None or known.laid_out_otherwise(found, better):
                break
            changed = True
            *first, found = better if isinstance(better, tuple) else (better,)
            steps += first
            known.note(*first)
        if isinstance(found, Equation) and found is not before:
            known.note(found)
        if isinstance(found, (Equation, Guard)):
            steps.append(found)
        else:
            env[before.results[0]] = found
    return rebuilt(graph, steps, env) if changed else graph


def rebuilt(graph: Graph, steps: Iterable[Step], env: Env | None = None) -> Graph:
    """The graph with other steps, and with what `env` says in place of values."""
    env = env or {}
    outputs = tuple(env.get(y, y) if isinstance(y, Value) else y for y in graph.outputs)
    return Graph(graph.name, graph.inputs, steps, outputs, graph.specs, graph.example)


def with_operands(step: Step, env: Env) -> Step:
    """A step that reads what `env` has in place of its operands."""
    if env.keys().isdisjoint(step.reads):
        return step
    if isinstance(step, Guard):
        return Guard(env[step.operand], step.question, step.answer, step.line)
    operands = tuple(env.get(x, x) if isinstance(x, Value) else x for x in step.operands)
    return Equation(step.p, operands, step.params, step.results, step.line)


# ---- words of the rules ----


def instead(step: Equation, title: str, *operands: Any, **params: Any) -> Equation:
    """Another call in the place of an equation."""
    return Equation(TABLE[title], operands, params, step.results, step.line)


def same_kind(x: Any, step: Equation) -> bool:
    """Whether an operand could stand for the result: the same shape and dtype."""
    (y,) = step.results
    return isinstance(x, Value) and x.shape == y.shape and x.dtype == y.dtype


def same_real(x: Any, step: Equation) -> bool:
    """The same, of real numbers: 1 * z is not z for a complex infinity."""
    return same_kind(x, step) and x.dtype.kind in "fiu"


def same_floating(x: Any, step: Equation) -> bool:
    """The same, of real numbers with a sign that costs nothing: integers wrap around."""
    return same_kind(x, step) and x.dtype.kind == "f"


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an operand."""
    return x.shape if isinstance(x, Value) else np.shape(x)


def filled_with(x: Any) -> Any:
    """The number that a constant is, or is full of; None if it is no constant, or not full."""
    if isinstance(x, NUMBERS):
        return x
    if not isinstance(x, np.ndarray) or not x.size:
        return None
    first = x.flat[0]
    if x.flat[-1] != first:
        return None
    one_sign = first != 0 or np.all(np.signbit(x.real) == np.signbit(first.real))
    full = one_sign and np.all(x == first)
    return first if full else None
