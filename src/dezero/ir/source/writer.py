"""The lines of a function, step by step.

What is read once is written where it is read, unless the line would get long; what is read more
often gets a name: the user's own where there is one.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..graph import Graph
from ..scatters import scattered_sums
from ..steps import Equation, Guard, Value
from .calls import called, path_of
from .expressions import expression
from .literals import operand
from .text import ATOM, BITS, COMPARED, Text, constant, param

LONG = 48
"""Characters from which on an expression gets a line of its own."""

Statement = Callable[[Any, Equation], None]
"""How a step is written that needs more than an expression: ``statement(writer, step)``."""


class Writer:
    """The lines of one function, as they are written.

    Attributes
    ----------
    lines : list of str
    texts : dict
        How values are written where they are read.
    own : set of Value
        Arrays that the function made itself, and may write into.
    rows : dict
        Arrays that were stacked to be an index, by the stack.
    parts : dict
        Scattered parts that a sum takes in place, as (index, text).
    """

    def __init__(
        self,
        graph: Graph,
        statements: Mapping[str, Statement],
        taken: set[str],
        users: dict[Value, str],
        gradients: dict[Value, str] | None = None,
    ) -> None:
        self.graph, self.statements = graph, statements
        self.lines: list[str] = []
        self.texts: dict[Value, Text] = {}
        self.own: set[Value] = set()
        self.rows: dict[Value, list[Text]] = {}
        self.parts: dict[Value, tuple[Any, Text]] = {}
        self.taken = {"np", *keyword.kwlist, *dir(builtins), *taken}
        self.uses = graph.uses
        self.users, self.gradients = users, gradients or {}
        self.fresh = {y for step in graph.steps for y in step.results if is_arithmetic(step)}
        self.sums = scattered_sums(graph)
        self.indices = only_indices(graph)

    def new_name(self, wish: str) -> str:
        """A name that is not taken."""
        wish = wish if wish.isidentifier() else "x"
        names = itertools.chain([wish], (f"{wish}_{k}" for k in itertools.count(2)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name

    def operand(self, x: Any, step: Equation | None = None) -> Text:
        """An operand as an expression."""
        if isinstance(x, Value):
            return self.texts[x]
        return constant(x) if step is None else operand(x, step)

    def name_for(self, value: Value) -> str:
        """The name that a value gets, the user's own if there is one."""
        name = self.users.get(value) or value.name or self.gradients.get(value)
        return self.new_name(name or self.graph.names[value])

    def put(self, value: Value, text: Text) -> None:
        """Write an expression where it is read, or give it a name and a line."""
        once = self.uses[value] == 1 and value not in self.users and len(text.text) < LONG
        if once or text.text.isidentifier():
            self.texts[value] = text
            return
        self.named(value, text.text)
        if value in self.fresh:
            self.own.add(value)

    def named(self, value: Value, text: str) -> str:
        """A value with a name and a line."""
        name = self.name_for(value)
        self.lines.append(f"{name} = {text}")
        self.texts[value] = Text(name, ATOM)
        return name

    def made(self, value: Value, text: str) -> str:
        """A new array with a name, to be written into."""
        self.own.add(value)
        return self.named(value, text)

    def copied(self, x: Any) -> str:
        """A new array with the numbers of an operand."""
        text = self.operand(x)
        if not isinstance(x, Value) or (x in self.fresh and not text.text.isidentifier()):
            return text.text
        return f"{text.inside(ATOM)}.copy()"

    def step(self, step: Equation | Guard) -> None:
        """Write one step down."""
        if isinstance(step, Guard):
            self.lines.append(f"assert {self.asked(step)}  # the path that was taken")
        elif step.p.title in self.statements:
            self.statements[step.p.title](self, step)
        elif step.results[0] in self.indices and step.p.title == "stack":
            self.rows[step.results[0]] = [self.operand(x) for x in step.operands]
        elif len(step.results) > 1:
            self.several(step)
        else:
            self.put(step.results[0], self.expression(step))

    def expression(self, step: Equation) -> Text:
        """The right-hand side of an equation."""
        return expression([x for each in step.operands for x in self.operands(each, step)], step)

    def operands(self, x: Any, step: Equation) -> list[Text]:
        """An operand; of what was stacked to be an index, the rows."""
        if "pattern" not in step.params or x is not step.operands[1]:
            return [self.operand(x, step)]
        if isinstance(x, Value) and x in self.rows:
            return self.rows[x]
        if not isinstance(x, Value):
            return [constant(row) for row in x]
        text = self.operand(x)
        return [Text(f"{text.inside(ATOM)}[{k}]", ATOM) for k in range(x.shape[0])]

    def several(self, step: Equation) -> None:
        """A call with several results."""
        xs = [self.operand(x, step) for x in step.operands]
        call = called(path_of(step.p), xs, step.params)
        read = [self.name_for(y) if self.uses[y] else "_" for y in step.results]
        self.lines.append(f"{', '.join(read)} = {call.text}")
        self.texts.update(zip(step.results, (Text(name, ATOM) for name in read), strict=True))

    def asked(self, guard: Guard) -> str:
        """That a question has the answer that it had."""
        text, answer = self.operand(guard.operand), guard.answer
        if guard.question == "bool":
            return text.text if answer else f"not {text.inside(COMPARED)}"
        if guard.question == "array":
            nan = ", equal_nan=True" if np.any(answer != answer) else ""  # noqa: PLR0124  # is NaN
            return f"np.array_equal({text.text}, {param(answer)}{nan})"
        if answer != answer:  # noqa: PLR0124  # likewise
            return f"np.isnan({text.text})"
        if guard.question == "int":
            return f"int({text.text}) == {answer}"
        return f"{text.inside(BITS)} == {constant(answer).inside(BITS)}"


def is_arithmetic(step: Equation | Guard) -> bool:
    """Whether a step makes a new array, which shares no memory with its operands."""
    fresh = isinstance(step, Equation) and isinstance(step.p.fn, np.ufunc)
    return fresh and all(y.ndim for y in step.results)


def only_indices(graph: Graph) -> set[Value]:
    """Arrays that are read as indices and nothing else."""
    places: set[Value] = set()
    others = {y for y in graph.outputs if isinstance(y, Value)}
    for step in graph.steps:
        index = step.operands[1] if isinstance(step, Equation) and "pattern" in step.params else ()
        for x in step.reads:
            (places if x is index else others).add(x)
    return places - others
