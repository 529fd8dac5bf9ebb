"""The steps of ``dezero trace``, ``dezero source`` and ``dezero view``."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import dezero as dz
from dezero.cli.point import Point, choose, leaves_of, plain_value
from dezero.cli.problems import Problem, one_line, user_code
from dezero.cli.report import Reply, headed, plain
from dezero.cli.target import Target
from dezero.errors import DifferentiationError, GraphError
from dezero.ir.steps import Value, look_up
from dezero.ir.tape import aligned, short, written
from dezero.trees import unflatten

__all__ = ["source", "trace", "view"]


# ---- the graph ----


def _inputs(point: Point, given: Mapping[str, Any]) -> list[str]:
    """What the graph is a function of: numbers, but lone integers are counts and choices."""
    return [
        name
        for name, value in point.arguments.items()
        if name in point.wrt or (name in given and _is_data(value))
    ]


def _is_data(value: Any) -> bool:
    leaves = leaves_of(value)
    numbers = all(isinstance(leaf, float | complex | np.ndarray | np.generic) for leaf in leaves)
    return bool(leaves) and numbers


def _program(point: Point, inputs: list[str]) -> Callable[..., Any]:
    """The user's function of these arguments alone, by the user's names."""

    def program(*values: Any) -> Any:
        return point.target.call({**point.arguments, **dict(zip(inputs, values, strict=True))})

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    program.__name__ = point.target.name
    program.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in inputs]
    )
    return program


def _traced(
    options: argparse.Namespace, target: Target, given: Mapping[str, Any], grad: str | None = None
) -> tuple[dz.Graph, list[str]]:
    """The graph of the function, or of its gradient by the names in `grad`; and what to note."""
    asked = [name.strip() for name in (grad or "").split(",") if name.strip()]
    point = choose(target, given, asked, "--grad")
    inputs = _inputs(point, given)
    function = _program(point, inputs)
    doing = "tracing"
    if grad is not None:
        plain_value(point)  # one real number, or it is told
        places = tuple(inputs.index(name) for name in point.wrt)
        function = dz.grad(function, places if len(places) > 1 else places[0])
        doing = "differentiating"
    with user_code(target.path, f"{doing} {target.name}"), np.errstate(all="ignore"):
        graph = dz.trace(function)(*(point.arguments[name] for name in inputs))
    notes = [f"{name}: integers taken as floating" for name in point.floated]
    notes += [f"{name}: integer, held constant" for name in point.held if name not in inputs]
    for note in () if options.json else notes:
        print(f"dezero: {note}", file=sys.stderr)
    return graph, notes


@contextmanager
def _showing(target: Target) -> Iterator[None]:
    """Tell what a graph cannot be shown as in a line."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (GraphError, DifferentiationError) as error:
        raise Problem(f"{target.name}: {one_line(error)}") from error


# ---- dezero trace ----


def trace(options: argparse.Namespace, target: Target, given: Mapping[str, Any]) -> Reply:
    """The tape: its lines, their values, and the derivatives of the result by each name."""
    graph, notes = _traced(options, target, given)
    with _showing(target):
        tape = Tape(graph, options)
        if not options.json:
            return tape.text(), 0
    return headed(function=options.target, **tape.fields(), notes=notes), 0


class Tape:
    """A graph and the values of its run; with `--adjoints`, also its backward pass."""

    def __init__(self, forward: dz.Graph, options: argparse.Namespace) -> None:
        self.values = options.values
        self.graph = graph = forward.adjoints() if options.adjoints else forward
        self.env: dict[Value, Any] = dict(zip(graph.inputs, graph.example, strict=True))
        for step in graph.steps:
            step.run(self.env)
        self.results: list[Any] = list(graph.outputs)
        self.derivatives: dict[str, Any] = {}
        if options.adjoints:
            result, self.derivatives = unflatten(graph.specs[1], graph.outputs)
            self.results = [result]

    def name(self, x: Any) -> str:
        """A value's name; a constant itself."""
        return self.graph.names[x] if isinstance(x, Value) else short(x)

    def text(self) -> str:
        lines = [(self.name(value), short(self.env[value])) for value in self.graph.inputs]
        lines = lines if self.values else []
        for step in self.graph.steps:
            found = ", ".join(short(self.env[value]) for value in step.results)
            lines.append((written(step, self.graph.names), found))
        for name, x in self.derivatives.items():
            if self.name(x) != f"d_{name}":
                lines.append((f"d_{name} = {self.name(x)}", short(look_up(self.env, x))))
        lines.append((f"return {', '.join(map(self.name, self.results)) or None}", ""))
        return aligned([(line, found if self.values else "") for line, found in lines])

    def fields(self) -> dict[str, Any]:
        """The same for JSON. The lines are the user's; on the way back, those it goes through."""
        steps = [
            {
                "text": written(step, self.graph.names),
                "line": step.line or None,
                "results": [self.told(value) for value in step.results],
            }
            for step in self.graph.steps
        ]
        return {
            "inputs": [self.told(value) for value in self.graph.inputs],
            "steps": steps,
            "returns": list(map(self.name, self.results)),
            "derivatives": {name: self.name(x) for name, x in self.derivatives.items()},
        }

    def told(self, value: Value) -> dict[str, Any]:
        about = {"name": self.name(value), "dtype": str(value.dtype), "shape": list(value.shape)}
        return about | ({"value": plain(self.env[value])} if self.values else {})


# ---- dezero source ----


def source(options: argparse.Namespace, target: Target, given: Mapping[str, Any]) -> Reply:
    """The function, or its gradient, as NumPy source."""
    graph, notes = _traced(options, target, given, options.grad)
    name = target.name if options.grad is None else f"grad_{target.name}"
    with _showing(target):
        text = graph.to_source(name)
    if options.json:
        return headed(function=options.target, source=text, notes=notes), 0
    return text.rstrip("\n"), 0


# ---- dezero view ----


def view(options: argparse.Namespace, target: Target, given: Mapping[str, Any]) -> Reply:
    """The page that steps through the function, or the graph in the language of Graphviz."""
    if not (options.output or options.dot):
        raise Problem("name the file to write: -o page.html; or --dot prints DOT text")
    graph, notes = _traced(options, target, given)
    with _showing(target):
        text = graph.to_dot() if options.dot else graph.to_html()
    if options.output:
        _write(Path(options.output), text)
    if options.json:
        told = {"file": options.output} if options.output else {"dot": text}
        return headed(function=options.target, **told, notes=notes), 0
    return f"wrote {options.output}" if options.output else text.rstrip("\n"), 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(f"-o {path}: cannot write: {error.strerror}") from None
