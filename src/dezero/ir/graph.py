"""The graph: a program as a list of equations, each one call of a primitive.

A `Graph` is what tracing writes down and what passes rewrite. Its operands are `Value`s, which are
named once, or plain constants. It holds no boxes, so it can be run on whatever a primitive can be
called with: arrays, Variables, Batches, other Tracers.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..box import as_array
from ..errors import GraphError, ShapeError
from ..trees import bare, flatten, is_numbers, unflatten
from .steps import Equation, Guard, Step, Value, frozen, look_up
from .tape import names_in, short, written


class Graph:
    """A program as equations, from its inputs to its outputs.

    Made by `trace`. Called like the function that it was traced from, on arguments of the same
    structure, shapes and dtypes, which may be boxes: a graph can be differentiated, batched and
    traced again.

    Attributes
    ----------
    name : str
        Of the function.
    inputs : tuple of Value
    steps : tuple of Equation and Guard
    outputs : tuple of Value and constants
    example : tuple of arrays
        The inputs that it was traced with.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[Value, ...],
        steps: tuple[Step, ...],
        outputs: tuple[Any, ...],
        in_spec: Any,
        out_spec: Any,
        example: tuple[Any, ...] = (),
    ) -> None:
        self.name, self.inputs, self.steps, self.outputs = name, inputs, steps, outputs
        self.in_spec, self.out_spec, self.example = in_spec, out_spec, example

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
        leaves, spec = flatten((args, kwargs), is_numbers)
        if spec != self.in_spec:
            raise ShapeError(
                f"{self.name}: traced for arguments of structure {self.in_spec}, called with {spec}"
            )
        return unflatten(
            self.out_spec, [bare(y) for y in self.run(map(self.fitting, self.inputs, leaves))]
        )

    def fitting(self, value: Value, x: Any) -> Any:
        """An argument, checked."""
        x = as_array(x) if isinstance(x, list) else x
        shape, dtype = np.shape(x), getattr(x, "dtype", None) or np.result_type(x)
        if shape != value.shape or dtype != value.dtype:
            raise ShapeError(
                f"{self.name}: traced with {value.name} of {value.kind}, "
                f"called with {dtype}{list(shape)}"
            )
        return x

    def run(self, leaves: Any) -> list[Any]:
        """The outputs for the values of the inputs."""
        env = dict(zip(self.inputs, leaves, strict=True))
        for step, over in zip(self.steps, self.last_uses, strict=True):
            step.run(env)
            for value in over:
                del env[value]
        return [look_up(env, y) for y in self.outputs]

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

    def verify(self) -> Graph:
        """The graph itself, if each value is named once and before it is read.

        Raises
        ------
        GraphError
            If it is not.
        """
        known = set(self.inputs)
        for step in self.steps:
            for value in step.reads:
                if value not in known:
                    raise GraphError(f"{self.name}: {value} is read before it is computed: {step}")
            for value in step.results:
                if value in known:
                    raise GraphError(f"{self.name}: {value} is computed twice")
            known |= set(step.results)
        for y in self.outputs:
            if isinstance(y, Value) and y not in known:
                raise GraphError(f"{self.name}: the output {y} is not computed")
        return self

    @functools.cached_property
    def names(self) -> dict[Value, str]:
        """What each value is called."""
        return names_in(self)

    # what it is, apart from names and lines

    @functools.cached_property
    def key(self) -> tuple[Any, ...]:
        """Everything that makes it this program; equal for graphs that do the same steps."""
        numbers = {value: k for k, value in enumerate(self.inputs)}

        def operand(x: Any) -> Any:
            return ("value", numbers[x]) if isinstance(x, Value) else frozen(x)

        steps = []
        for step in self.steps:
            if isinstance(step, Guard):
                steps.append((step.question, operand(step.operand), frozen(step.answer)))
                continue
            operands = tuple(map(operand, step.operands))
            for value in step.results:
                numbers[value] = len(numbers)
            steps.append((step.p, operands, frozen(step.params)))
        kinds = tuple((value.shape, value.dtype) for value in self.inputs)
        outputs = tuple(map(operand, self.outputs))
        return kinds, tuple(steps), outputs, self.in_spec, self.out_spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        n = sum(isinstance(step, Equation) for step in self.steps)
        return f"<graph of {self.name}: {n} equations>"

    def __str__(self) -> str:
        return self.text()

    def text(self, values: bool = False) -> str:
        """The steps, one on a line; with `values`, also what they give for the `example`."""
        names = self.names
        if not values:
            return "\n".join(written(step, names) for step in self.steps)
        env, lines = dict(zip(self.inputs, self.example, strict=True)), []
        for value in self.inputs:
            lines.append((names[value], env[value]))
        for step in self.steps:
            step.run(env)
            lines.append((written(step, names), [env[value] for value in step.results]))
        width = max(len(line) for line, _ in lines)
        return "\n".join(
            f"{line:{width}}  # {', '.join(map(short, x if isinstance(x, list) else [x]))}".rstrip(
                " #"
            )
            for line, x in lines
        )

    def adjoints(self) -> Graph:
        """The graph with its backward pass: the derivative of the result by each value in it.

        Returns
        -------
        Graph
            Gives the result, and a dict of the derivatives (of the result's sum, if it is an
            array) by the names of the values.

        Examples
        --------
        >>> from dezero.ir import trace
        >>> tape = trace(lambda x, y: np.log(x) + x * y - np.sin(y))(2.0, 5.0).adjoints()
        >>> print(tape)
        """
        from .adjoints import adjoints

        return adjoints(self)
