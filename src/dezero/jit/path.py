"""A path: one way through a program, ready to be taken again, also by what is differentiated.

What a path is to Variables, Duals and Batches, `RULES` know: compiled programs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..box import Box, as_array, sample
from ..config import observing
from ..errors import GuardError
from ..ir import Graph, simplified, trace
from ..ir.loops import traced
from ..ir.passes import FOR_MACHINES
from ..ir.passes.layout import lies_in_rows
from ..ir.steps import Equation, Value
from ..ir.tracer import FACTS
from ..primitives import Primitive
from ..trees import bare, flatten, unflatten
from .replay import OtherPath, compiled
from .sharing import shared

PATHS = 8
"""Paths that are traced for one signature; past them, the program runs as it is written."""

KINDS = 256
"""Kinds of arguments that are known; past them, the one that Python met longest ago is dropped."""

Run = Callable[..., tuple[Any, ...]]
"""A graph as a function of its inputs, which gives its outputs or raises `OtherPath`."""

Stepwise = Callable[[list[Any]], list[Any]]
"""The same, equation by equation or call by call, of boxes."""

Rule = Callable[["Path", list[Any], int], list[Any] | None]

RULES: dict[type[Box], Rule] = {}
"""The outputs of a path for inputs whose highest boxes are of a kind and a level; None if its
equations are to be called one by one (`derivatives.py`)."""


class Path:
    """One way through the program, ready to be taken again.

    Parameters
    ----------
    graph : Graph
    run : callable
        What makes a function of the inputs out of a graph.

    Attributes
    ----------
    entries : list of Entry
        For calls without Python (see `native.entry`).
    given : dict
        The results that are inputs, with the places of these.
    copied : list of int
        The results that have to be copied, to be apart.
    seconds : tuple of float
        What it took to trace and to compile.
    p : Primitive
        What it is in graphs of Variables.
    moved : dict
        Which outputs move, by which inputs do.
    derived : dict
        Programs that were made of it, by what they are.
    again : callable
        Makes a path of another graph, and of the arguments that it was traced with.
    stepwise : callable
        The outputs for boxes, by the program that was traced, call by call.
    """

    again: Callable[[Graph, Any], Path]
    stepwise: Stepwise

    def __init__(self, graph: Graph, run: Callable[[Graph], Run] = compiled) -> None:
        self.graph = simplified(graph, FOR_MACHINES)
        self.replay = run(self.graph)
        self.copied = shared(graph, self.graph)
        places = {value: place for place, value in enumerate(self.graph.inputs)}
        outputs = ((k, y) for k, y in enumerate(self.graph.outputs) if isinstance(y, Value))
        self.given = {k: places[y] for k, y in outputs if y in places}
        self.entries: list[Any] = []
        self.seconds = 0.0, 0.0
        self.moved: dict[tuple[bool, ...], list[bool]] = {}
        self.derived: dict[Any, Any] = {}
        self.again = lambda graph, _example: Path(graph, run)
        self.stepwise = self.graph.run
        self.p = Primitive(self.replay, f"jit({graph.name})", masks=masking(self.graph))

    def call(self, leaves: list[Any]) -> Any:
        """The result, or `OtherPath`, or `GuardError`."""
        return unflatten(self.graph.specs[1], map(bare, self.outputs(leaves)))

    def outputs(self, leaves: list[Any]) -> list[Any]:
        """The leaves of the result."""
        if not any(isinstance(x, Box) for x in leaves):
            return self.replayed(leaves)
        outs = self.on(leaves)
        for k, place in self.given.items():
            outs[k] = leaves[place]
        for k in self.copied:
            outs[k] = np.copy(outs[k])
        return outs

    def replayed(self, leaves: list[Any]) -> list[Any]:
        """The same of arrays alone."""
        with np.errstate(all="ignore"):
            outs = list(self.replay(*leaves))
        for k in self.copied:
            outs[k] = np.copy(outs[k])
        return outs

    def on(self, leaves: list[Any]) -> list[Any]:
        """The same of arrays, or of boxes, by their rule."""
        top = max((x for x in leaves if isinstance(x, Box)), key=level_of, default=None)
        if top is None:
            return self.replayed(leaves)
        for kind, rule in RULES.items():
            if isinstance(top, kind):
                outs = rule(self, leaves, top._level)
                return self.stepwise(leaves) if outs is None else outs
        return self.stepwise(leaves)

    def made(self, key: Any, program: Callable[[], Callable[..., Any]]) -> Derived:
        """A program made of this path, once."""
        if key not in self.derived:
            self.derived[key] = Derived(self, program())
        found: Derived = self.derived[key]
        return found


def level_of(x: Box) -> int:
    """The level of a box."""
    return x._level


def masking(graph: Graph) -> bool:
    """Whether a graph calls a row that sends exact zeros to what it did not take."""
    steps = [step for step in graph.steps if isinstance(step, Equation)]
    return any(step.p.masks or any(map(masking, step.parts.values())) for step in steps)


class Derived:
    """A program that was made of a path, with paths of its own for the arguments that it meets."""

    def __init__(self, origin: Path, program: Callable[..., Any]) -> None:
        self.again, self.program = origin.again, program
        self.paths: dict[Any, list[Path]] = {}

    def __call__(self, leaves: Iterable[Any]) -> Any:
        """What the program returns, its arrays as arrays."""
        leaves = [x if type(x) in (float, complex, int) else as_array(x) for x in leaves]
        if seen(leaves):
            return self.program(*leaves)
        key = tuple(map(kind, leaves))
        paths = self.paths.setdefault(key, [])
        for path in paths:
            try:
                return unflatten(path.graph.specs[1], path.outputs(leaves))
            except (OtherPath, GuardError):
                continue
        if len(paths) >= PATHS:
            return self.program(*leaves)
        example = tuple(map(sample, leaves))
        with np.errstate(all="ignore"):
            path = self.again(trace(self.program)(*example), None)
        path.again = self.again
        # Not its graph: whether there is a NaN is then asked of all members of a batch.
        path.stepwise = lambda leaves: flatten(self.program(*leaves))[0]
        paths.append(path)
        while len(self.paths) > KINDS:
            self.paths.pop(next(iter(self.paths)), None)
        return unflatten(path.graph.specs[1], path.outputs(leaves))


def seen(leaves: list[Any]) -> bool:
    """Whether calls on boxes among these are written down, or looked at, one by one."""
    boxes = [x for x in leaves if isinstance(x, Box)]
    return bool(boxes) and (observing() is not None or any(map(traced, boxes)))


def is_fact(x: Any) -> bool:
    """Whether an argument is handed through, and traced anew if it is another."""
    if isinstance(x, type):
        return x.__module__ in ("builtins", "numpy")
    return isinstance(x, FACTS) or (type(x) is int and not -(2**63) <= x < 2**63)


def kind(x: Any) -> Any:
    """What a trace depends on, of an argument."""
    if isinstance(x, (np.ndarray, Box)):
        return x.shape, x.dtype, lies_in_rows(x)
    return (type(x), x) if is_fact(x) else type(x)
