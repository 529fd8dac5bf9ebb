"""The `numpy` backend: a graph as generated Python that calls NumPy and nothing else.

Each line is one call of a primitive's function on plain arrays. A large array that nobody reads any
more is written over by the next result of its kind, instead of asking the system for another.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import Graph
from ..ir.loops import COMPILERS
from ..ir.scatters import scattered_sums
from ..ir.steps import Equation, Guard, Value, agree
from ..primitives import Primitive
from ..rules.indexing import add_at

LARGE = 4096
"""Numbers in an array from which on it is worth writing over; below, asking is cheaper."""


FRESH = frozenset({
    "scatter", "deposit", "setitem", "gather", "repeat", "sums_of_runs", "roll", "concatenate",
    "stack", "copy", "astype", "zeros_like", "ones_like", "where", "clip", "power", "sinc",
    "sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod", "all", "any",
    "count_nonzero", "argmax", "argmin", "argsort", "searchsorted", "bincount", "convolve",
    "recurrence", "by_size", "matmul", "dot", "inner", "tensordot", "einsum", "solve", "inv",
    "det", "slogdet", "cholesky", "eigh", "eig", "svd", "qr", "pinv", "lstsq",
    "fft", "ifft", "rfft", "irfft", "kernel",
})  # fmt: skip
"""Rows whose results share no memory with their operands, as those of ufuncs."""

TUPLES = {"nonzero", "kernel"}
"""What returns a tuple even of one."""


def is_fresh(p: Any) -> bool:
    """Whether the results of a primitive are always in memory of their own."""
    return is_ufunc(p.fn) or p.title in FRESH


def is_ufunc(fn: Any) -> bool:
    """Whether a function is elementwise, and takes ``out=``."""
    return isinstance(fn, np.ufunc) and fn.signature is None


class OtherPath(Exception):
    """The program would take another path on these arguments."""


def power(x: Any, y: Any) -> Any:
    """``x ** y`` as arrays do it: NumPy's scalars have an arithmetic of their own."""
    if isinstance(x, (np.ndarray, np.generic)):
        return operator.pow(np.asarray(x), y)
    return np.power(x, y)  # Python's number, whose dtype gives way to that of an array


def function_of(p: Any) -> Callable[..., Any]:
    """What computes a primitive on arrays."""
    if p.title == "power":
        return power
    fn: Callable[..., Any] = p.fn
    return fn if type(p).run is Primitive.run else p  # a `Function` computes on a copy of itself


def asked(guard: Guard, name: str, answer: str) -> str:
    """Whether a question has another answer now, as an expression."""
    if guard.question == "bool":
        return f"not {name}" if guard.answer else name
    if guard.question == "int":
        return f"int({name}) != {answer}"
    return f"not agree({name}, {answer})"


class Generated:
    """The lines of one function, and the constants that they use."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[str, Any] = {"OtherPath": OtherPath, "agree": agree}
        self.names = {value: f"x{k}" for k, value in enumerate(graph.inputs)}
        self.own: set[Value] = set()  # arrays that the function made, and nothing else shows
        self.lines = [f"def replay({', '.join(self.names.values())}):"]
        self.sums = scattered_sums(graph)
        for step, over in zip(graph.steps, graph.last_uses, strict=True):
            if isinstance(step, Guard):
                self.guard(step)
            elif self.sums.keys() & step.results:
                continue  # it is added in place, by the equation that reads it
            elif not self.added_in_place(step, over):
                self.equation(step, over)
        results = "".join(f"{self.operand(y)}, " for y in graph.outputs)
        self.lines.append(f"    return ({results})")

    def constant(self, x: Any) -> str:
        """A name for something that does not change."""
        name = f"c{len(self.known)}"
        self.known[name] = x
        return name

    def operand(self, x: Any) -> str:
        return self.names[x] if isinstance(x, Value) else self.constant(x)

    def guard(self, guard: Guard) -> None:
        """Leave where the program would go another way."""
        name = self.names[guard.operand]
        answer = self.constant(guard.answer)
        self.lines.append(f"    if {asked(guard, name, answer)}: raise OtherPath")

    def equation(self, step: Equation, over: list[Value]) -> None:
        """One call."""
        fn = function_of(step.p)
        arguments = [self.operand(x) for x in step.operands]
        params = step.params | {key: compiled(each) for key, each in step.parts.items()}
        arguments += [f"{key}={self.constant(value)}" for key, value in params.items()]
        results = [f"v{len(self.names) + k}" for k in range(len(step.results))]
        self.names.update(zip(step.results, results, strict=True))
        if is_fresh(step.p):
            self.own.update(step.results)
        else:
            self.own.difference_update(step.reads)  # the result may show the operand's memory
        if is_ufunc(fn):
            spare = self.spare(step, over)
            if spare:
                arguments.append(f"out={spare}")
        call = f"{self.constant(fn)}({', '.join(arguments)})"
        several = len(results) > 1 or step.p.title in TUPLES or bool(step.parts)
        target = f"{', '.join(results)}{',' if len(results) == 1 and several else ''}"
        self.lines.append(f"    {target} = {call}" if results else f"    {call}")

    def added_in_place(self, step: Equation, over: list[Value]) -> bool:
        """Add a part to a sum where it belongs, if the sum is the function's own and not read."""
        if step.p.title != "add":
            return False
        part = next((x for x in step.reads if x in self.sums), None)
        if part is None:
            return False
        (total,) = [x for x in step.operands if x is not part]
        scatter = self.sums[part]
        (g,) = map(self.operand, scatter.operands)
        index = self.constant(scatter.params["index"])
        name = self.operand(total)
        if total not in self.own or total not in over:
            name, old = f"v{len(self.names)}", name
            self.lines.append(f"    {name} = {old}.copy()")
        self.lines.append(f"    {self.constant(add_at)}({name}, {index}, {g})")
        self.names[step.results[0]] = name
        self.own.add(step.results[0])
        return True

    def spare(self, step: Equation, over: list[Value]) -> str:
        """An operand that is read here for the last time, and can hold the result."""
        (y,) = step.results
        for x in over:
            fits = x in self.own and x.shape == y.shape and x.dtype == y.dtype
            if fits and x is not y and int(np.prod(x.shape)) >= LARGE:
                return self.names[x]
        return ""


def compiled(graph: Graph) -> Callable[..., tuple[Any, ...]]:
    """The function ``replay(*leaves)``, which gives the outputs, or raises `OtherPath`."""
    made = Generated(graph)
    space = made.known
    exec(compile("\n".join(made.lines), f"<replay of {graph.name}>", "exec"), space)
    # Taken out of its own globals, so that no cycle keeps it, and its kernels, longer than needed.
    return space.pop("replay")  # type: ignore[no-any-return]  # just defined


COMPILERS.append(compiled)
