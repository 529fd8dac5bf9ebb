"""The graph: a program as a list of equations, each one call of a primitive.

A `Graph` is what tracing writes down and what passes rewrite. Its operands are `Value`s, which are
named once, or plain constants. It holds no boxes, so it can be run on whatever a primitive can be
called with: arrays, Variables, Batches, other Tracers.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..box import Box, as_array
from ..errors import GraphError, GuardError, ShapeError
from ..trees import bare, flatten, is_numbers, unflatten


class Value:
    """Something that a graph names: an input, or a result of an equation."""

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], name: str = "") -> None:
        self.shape, self.dtype, self.name = shape, dtype, name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def kind(self) -> str:
        """Its dtype and shape, as ``float64[2, 3]``."""
        return f"{self.dtype}{list(self.shape)}"

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.kind}>"


@dataclass(frozen=True)
class Equation:
    """``results = p(*operands, **params)``.

    Attributes
    ----------
    p : Primitive
    operands : tuple of Value and constants
    params : dict
        What is the same in every run.
    results : tuple of Value
        One, but for primitives that return a tuple.
    line : str
        Where in the user's program, as ``file:line``.
    """

    p: Any
    operands: tuple[Any, ...]
    params: dict[str, Any]
    results: tuple[Value, ...]
    line: str = ""

    def run(self, env: dict[Value, Any]) -> None:
        """Call the primitive, and name its results."""
        out = self.p(*(look_up(env, x) for x in self.operands), **self.params)
        outs = out if isinstance(out, tuple) else (out,)
        env.update(zip(self.results, outs, strict=True))

    @property
    def reads(self) -> Iterator[Value]:
        """The values among the operands."""
        return (x for x in self.operands if isinstance(x, Value))


@dataclass(frozen=True)
class Guard:
    """A question that the program asked while it was traced, and the answer that it got.

    The rest of the graph is the path that the program takes after that answer.
    """

    operand: Value
    question: str
    answer: Any
    line: str = ""

    results = ()

    def run(self, env: dict[Value, Any]) -> None:
        """Raise unless the answer is the same again."""
        found = env[self.operand]
        if isinstance(found, Box):
            found = {"bool": bool, "int": int}.get(self.question, _asked)(found)
        if not np.array_equal(found, self.answer):
            raise GuardError(
                f"the graph was traced where {self.question}({self.operand.name}) is "
                f"{self.answer!r}, and now it is {found!r}: trace the function for these arguments"
                + (f" ({self.line})" if self.line else "")
            )

    @property
    def reads(self) -> Iterator[Value]:
        return iter((self.operand,))


def _asked(x: Any) -> Any:
    return np.asarray(x.tolist())


Step = Equation | Guard


def look_up(env: dict[Value, Any], x: Any) -> Any:
    """An operand's value in a run."""
    return env[x] if isinstance(x, Value) else x


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
        named(self)

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
        return unflatten(self.out_spec, [bare(y) for y in self.run(map(self.fitting, self.inputs, leaves))])

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
        if not values:
            return "\n".join(map(written, self.steps))
        env, lines = dict(zip(self.inputs, self.example, strict=True)), []
        for value in self.inputs:
            lines.append((value.name, env[value]))
        for step in self.steps:
            step.run(env)
            lines.append((written(step), [env[value] for value in step.results]))
        width = max(len(line) for line, _ in lines)
        return "\n".join(
            f"{line:{width}}  # {', '.join(map(short, x if isinstance(x, list) else [x]))}".rstrip(" #")
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


def frozen(x: Any) -> Any:
    """Something static in a form that compares and hashes by its value."""
    if isinstance(x, np.ndarray):
        return "array", x.shape, x.dtype.str, hashlib.blake2b(x.tobytes(), digest_size=16).digest()
    if isinstance(x, dict):
        return tuple(sorted((key, frozen(value)) for key, value in x.items()))
    if isinstance(x, (tuple, list)):
        return type(x).__name__, tuple(map(frozen, x))
    if isinstance(x, slice):
        return "slice", x.start, x.stop, x.step
    return (type(x).__name__, repr(x)) if isinstance(x, float) else (type(x).__name__, x)


# ---------------------------------------------------------------------------- as text


def named(graph: Graph) -> None:
    """Give a name to each value that has none: v1, v2, … in the order of the steps."""
    taken = {value.name for value in graph.inputs}
    numbers = (f"v{k}" for k in itertools.count(1))
    for step in graph.steps:
        for value in step.results:
            value.name = next(name for name in numbers if name not in taken)


INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//",
    "remainder": "%", "power": "**", "matmul": "@",
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=",
}  # fmt: skip


def written(step: Step) -> str:
    """A step as a line of the tape."""
    if isinstance(step, Guard):
        return f"guard {step.question}({step.operand.name}) is {short(step.answer)}"
    names = ", ".join(value.name for value in step.results)
    return f"{names} = {expression(step)}"


def expression(step: Equation) -> str:
    """The right-hand side of an equation."""
    xs = [x.name if isinstance(x, Value) else short(x) for x in step.operands]
    title = step.p.title
    if title in INFIX and len(xs) == 2:
        return f"{xs[0]} {INFIX[title]} {xs[1]}"
    if title == "getitem":
        return f"{xs[0]}[{index_text(step.params['index'])}]"
    if title == "negative":
        return f"-{xs[0]}"
    params = [f"{key}={short(value)}" for key, value in step.params.items()]
    return f"{title}({', '.join(xs + params)})"


def index_text(index: Any) -> str:
    """An index as it is written between brackets."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(map(_index_part, parts)) or "()"


def _index_part(each: Any) -> str:
    if each is Ellipsis:
        return "..."
    if isinstance(each, slice):
        ends = ["" if end is None else str(end) for end in (each.start, each.stop)]
        return ":".join(ends) + (f":{each.step}" if each.step is not None else "")
    return short(each)


def short(x: Any) -> str:
    """A constant in a line."""
    if isinstance(x, np.ndarray) and x.size > 6:
        return f"<{x.dtype}{list(x.shape)}>"
    if isinstance(x, np.ndarray):
        return np.array2string(x, separator=", ", precision=6).replace("\n", "")
    if isinstance(x, np.generic):
        return str(x)
    return repr(x)
