"""The graph: a program as a list of equations, each one call of a primitive.

A `Graph` is what tracing writes down and what passes rewrite. Its operands are `Value`s, which are
named once, or plain constants. It holds no boxes, so it can be run on whatever a primitive can be
called with: arrays, Variables, Batches, other Tracers.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..box import Box, as_array, check_data, describe
from ..errors import DeZeroError, GraphError, ShapeError
from ..trees import bare, leaves_of, unflatten
from .steps import Equation, Guard, Step, Value, frozen, look_up
from .tape import aligned, inside, names_in, short, written


def arguments(spec: Any) -> str:
    """The structure of positional arguments and keywords."""
    return str(spec).removeprefix("PyTreeSpec(").split(", namespace=")[0].removesuffix(")")


def own(x: Any, y: Any) -> Any:
    """The caller's own array, where an output is a constant of the graph."""
    return x.copy() if x is y and isinstance(x, np.ndarray) else x


class Graph:
    """A program as equations, from its inputs to its outputs.

    Made by `trace`. Called like the function that it was traced from, on arguments of the same
    structure, shapes and dtypes, which may be boxes: a graph can be differentiated, batched and
    traced again. Two graphs are equal if they do the same steps. `print` shows them.

    Attributes
    ----------
    name : str
        Of the function.
    inputs : tuple of Value
    steps : tuple of Equation and Guard
    outputs : tuple of Value and constants
    example : tuple of arrays and numbers
        The inputs that it was traced with.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[Value, ...],
        steps: Iterable[Step],
        outputs: tuple[Any, ...],
        specs: tuple[Any, Any],
        example: tuple[Any, ...],
    ) -> None:
        self.name, self.inputs, self.steps, self.outputs = name, inputs, tuple(steps), outputs
        self.specs, self.example = specs, example

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The program's result on other arguments.

        Raises
        ------
        ShapeError
            If an argument has another shape or dtype than the program was traced with, or the
            arguments another structure.
        GuardError
            If the program would take another path on these arguments.
        """
        leaves, spec = leaves_of(args, kwargs)
        if spec != self.specs[0]:
            raise ShapeError(
                f"{self.name}: traced for the arguments {arguments(self.specs[0])}, called with "
                f"{arguments(spec)}, where * is an array or a number"
            )
        outs = self.run(map(self.fitting, self.inputs, leaves))
        return unflatten(self.specs[1], [bare(y) for y in outs])

    def fitting(self, value: Value, x: Any) -> Any:
        """An argument, checked."""
        x = as_array(x) if isinstance(x, list) else x
        if not isinstance(x, (bool, int, float, complex, np.generic, Box)):
            check_data(x, f"{self.name}: {value.name}, ")
        shape, dtype = np.shape(x), getattr(x, "dtype", None) or np.result_type(x)
        if shape != value.shape or dtype != value.dtype:
            raise ShapeError(
                f"{self.name}: traced with {value.name} of {value.kind}, "
                f"called with {dtype}{list(shape)}"
            )
        return x

    def run(self, leaves: Iterable[Any]) -> list[Any]:
        """The outputs for the values of the inputs, without NumPy's warnings of infinities."""
        env = dict(zip(self.inputs, leaves, strict=True))
        with np.errstate(all="ignore"):
            for step, over in zip(self.steps, self.last_uses, strict=True):
                step.run(env)
                for value in over:
                    del env[value]
        return [own(look_up(env, y), y) for y in self.outputs]

    @functools.cached_property
    def last_uses(self) -> list[list[Value]]:
        """The values that nothing reads after each step."""
        kept = {y for y in self.outputs if isinstance(y, Value)}
        over: list[list[Value]] = []
        for step in reversed(self.steps):
            mine = {*step.reads, *step.results} - kept
            over.append(list(mine))
            kept |= mine
        return over[::-1]

    @functools.cached_property
    def rows(self) -> frozenset[Any]:
        """The primitives that it calls."""
        return frozenset([step.p for step in self.steps if isinstance(step, Equation)])

    @functools.cached_property
    def made(self) -> dict[Value, Equation]:
        """The equations, by their results."""
        steps = [step for step in self.steps if isinstance(step, Equation)]
        return {value: step for step in steps for value in step.results}

    @functools.cached_property
    def readers(self) -> dict[Value, list[Step | None]]:
        """What reads each value; None is who called."""
        found: dict[Value, list[Step | None]] = {
            y: [None] for y in self.outputs if isinstance(y, Value)
        }
        for step in self.steps:
            for x in step.reads:
                found.setdefault(x, []).append(step)
        return found

    @functools.cached_property
    def uses(self) -> Counter[Value]:
        """How often each value is read, or given out."""
        found = Counter([x for step in self.steps for x in step.reads])
        found.update([y for y in self.outputs if isinstance(y, Value)])
        return found

    def verify(self) -> Graph:
        """The graph itself, if each value is computed once, before it is read, and as it is typed.

        The types are those of a run on `example`.

        Raises
        ------
        GraphError
            If it is not.
        """
        self.check_order()
        if len(self.example) == len(self.inputs):  # a loop's part knows only some of its own
            self.check_types()
        for step in self.steps:
            for graph in step.parts.values():
                graph.verify()
        return self

    def check_order(self) -> None:
        """Raise if a value is not computed, or twice, or read before that."""
        known = set(self.inputs)
        for step in self.steps:
            for value in step.reads:
                if value not in known:
                    raise GraphError(f"{self.name}: {value} is read before it is computed {step}")
            for value in step.results:
                if value in known:
                    raise GraphError(f"{self.name}: a value is computed twice {step}")
                known.add(value)
        for y in self.outputs:
            if isinstance(y, Value) and y not in known:
                raise GraphError(f"{self.name}: the output {y} is not computed")

    def check_types(self) -> None:
        """Run on `example`, and raise if a value is not of its shape and dtype."""
        env = dict(zip(self.inputs, self.example, strict=True))
        with np.errstate(all="ignore"):
            for step in self.steps:
                try:
                    step.run(env)
                except (DeZeroError, ValueError) as error:
                    raise GraphError(f"{self.name}: it does not run {step}: {error}") from error
                for y in step.results:
                    x = env[y]
                    if isinstance(x, Box) or (x.shape, x.dtype) != (y.shape, y.dtype):
                        raise GraphError(f"{self.name}: {y} is found to be {describe(x)} {step}")

    # what it is, apart from names and lines

    @functools.cached_property
    def key(self) -> tuple[Any, ...]:
        """Everything that makes it this program."""
        numbers = {value: k for k, value in enumerate(self.inputs)}

        def operand(x: Any) -> Any:
            return ("value", numbers[x]) if isinstance(x, Value) else frozen(x)

        steps: list[Any] = []
        for step in self.steps:
            if isinstance(step, Guard):
                steps.append((step.question, operand(step.operand), frozen(step.answer)))
            else:
                steps.append((step.p, *map(operand, step.operands), frozen(step.params)))
            for value in step.results:
                numbers[value] = len(numbers)
        kinds = tuple((value.shape, value.dtype) for value in self.inputs)
        return kinds, tuple(steps), tuple(map(operand, self.outputs)), self.specs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    # as text

    @functools.cached_property
    def names(self) -> dict[Value, str]:
        """What each value is called."""
        return names_in(self)

    def __repr__(self) -> str:
        n = sum(isinstance(step, Equation) for step in self.steps)
        return f"<graph of {self.name}: {n} equation{'s' * (n != 1)}>"

    def __str__(self) -> str:
        return "\n".join(
            line for step in self.steps for line in (written(step, self.names), *inside(step))
        )

    def text(self, *args: Any, **kwargs: Any) -> str:
        """The steps, one on a line, with the values that they have.

        For the arguments that are given; without any, for those that it was traced with.
        """
        leaves = leaves_of(args, kwargs)[0] or self.example
        env = dict(zip(self.inputs, map(self.fitting, self.inputs, leaves), strict=True))
        lines = [(self.names[value], short(env[value])) for value in self.inputs]
        for step in self.steps:
            step.run(env)
            shown = ", ".join(short(env[value]) for value in step.results)
            lines.append((written(step, self.names), shown))
            lines += [(line, "") for line in inside(step)]
        return aligned(lines)

    def adjoints(self) -> Graph:
        """The graph with its backward pass: the derivative of the result by each value in it.

        Returns
        -------
        Graph
            Gives the result, and a dict of the derivatives (of the result's sum, if it is an
            array) by the names of the values.

        Raises
        ------
        DifferentiationError
            If the graph has several results, or one that does not depend on its inputs.

        Examples
        --------
        >>> from dezero.ir import trace
        >>> tape = trace(lambda x, y: np.log(x) + x * y - np.sin(y))(2.0, 5.0).adjoints()
        >>> print(tape)
        v1 = log(x)
        v2 = x * y
        v3 = v1 + v2
        v4 = sin(y)
        v5 = v3 - v4
        v6 = cos(y)
        v7 = 1.0 / x
        d_x = v7 + y
        d_y = x - v6
        >>> value, by = tape(2.0, 5.0)
        >>> print(by["x"], by["v4"])
        5.5 -1.0
        """
        from .adjoints import adjoints  # noqa: PLC0415  # it is above: it traces

        return adjoints(self)

    def to_source(self, name: str | None = None) -> str:
        """The program as the source of a function of NumPy, which stands alone.

        Where the program asked for a number, the source asserts the answer that it got.

        Parameters
        ----------
        name : str, optional
            Of the function, if not that of the one that was traced.

        Raises
        ------
        GraphError
            If the program calls what NumPy does not have, or holds large arrays: these must be
            arguments.

        Examples
        --------
        >>> from dezero import grad
        >>> from dezero.ir import trace
        >>> def f(x):
        ...     return np.sum(np.sin(x) ** 2)
        >>> print(trace(grad(f))(np.array([0.5, 1.0])).to_source())
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def f(x):
            return 2.0 * np.sin(x) * np.cos(x)
        <BLANKLINE>
        """
        from .source import to_source  # noqa: PLC0415  # likewise

        return to_source(self, name)

    # as a picture

    def to_dot(self) -> str:
        """The graph in the language of Graphviz."""
        from ..view import to_dot  # noqa: PLC0415  # likewise

        return to_dot(self)

    def to_svg(self) -> str:
        """The graph as SVG, drawn by Graphviz.

        Raises
        ------
        GraphError
            If Graphviz is not installed, or fails.
        """
        from ..view import to_svg  # noqa: PLC0415  # likewise

        return to_svg(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page on which a person steps through the program, forward and then backward.

        It shows the run on the arguments that the graph was traced with: the operation under way,
        values and gradients, rules, and the user's code. The page needs no network.

        Parameters
        ----------
        path : path, optional
            A file to write the page to.

        Returns
        -------
        str
            The page. Opened with ``#step=7`` after its name, it starts there.
        """
        from ..view import to_html  # noqa: PLC0415  # likewise

        return to_html(self, path)

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """What notebooks show: `to_html` in a frame."""
        from ..view import mimebundle  # noqa: PLC0415  # likewise

        return mimebundle(self)
