"""The loops of a graph played out, turn by turn, as they run on what the graph was traced with.

What remains are equations and guards, as if a loop of Python had been traced; and which of them are
which turn's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..box import Box
from ..ir.graph import Graph
from ..ir.steps import Equation, Step, Value, look_up
from ..ir.tape import written
from ..ir.tracer import Tracer, recordings, trace

MOST = 2000
"""Steps that a page has room for. A loop that makes more stays one step."""


@dataclass(frozen=True)
class Turns:
    """Steps of a loop, or of one turn of it, that can be shown as one.

    Attributes
    ----------
    name : str
    items : list of int and Turns
        Steps by number.
    title : str
        Which loop, if it is one.
    line : str
        Where in the user's program.
    results : tuple of Value
        What it gives.
    """

    name: str
    items: list[Any]
    title: str = ""
    line: str = ""
    results: tuple[Value, ...] = ()


class TooLong(Exception):
    """A loop for which a page has no room."""


def played(graph: Graph) -> tuple[Graph, list[Any]]:
    """The graph with its loops played out, and its steps by number, with the loops as `Turns`.

    Examples
    --------
    >>> from dezero import fori_loop
    >>> graph, items = played(trace(lambda x: fori_loop(0, 3, lambda i, v: v * x + i, x))(2.0))
    >>> print(graph)
    v1_0 = x * x
    v_1 = v1_0 + 0
    v1_1 = v_1 * x
    v_2 = v1_1 + 1
    v1_2 = v_2 * x
    v1 = v1_2 + 2
    >>> [(turn.name, turn.items) for turn in items[0].items]
    [('i = 0', [0, 1]), ('i = 1', [2, 3]), ('i = 2', [4, 5])]
    """
    if not any(step.parts for step in graph.steps):
        return graph, [*range(len(graph.steps))]
    player = Player(graph)
    result = trace(player.run)(*graph.example)
    lines = zip(result.steps, player.lines, strict=True)
    steps = [dataclasses.replace(step, line=line) for step, line in lines]
    outputs = result.outputs
    return Graph(
        graph.name, result.inputs, steps, outputs, graph.specs, graph.example
    ), player.items


class Player:
    """Runs a graph on Tracers.

    Attributes
    ----------
    items : list of int and Turns
    lines : list of str
        The user's line for each step that was written.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.items: list[Any] = []
        self.lines: list[str] = []
        self.steps: list[Step] = []

    def run(self, *leaves: Any) -> list[Any]:
        """The graph's outputs."""
        graph = self.graph
        self.steps = recordings[max(x._level for x in leaves)].steps if leaves else []
        env = dict(zip(graph.inputs, leaves, strict=True))
        for value in graph.inputs:
            env[value]._slot.name = graph.names[value]
        self.items = self.walk(graph, env, "")
        return [look_up(env, y) for y in graph.outputs]

    def walk(self, graph: Graph, env: dict[Value, Any], suffix: str) -> list[Any]:
        """Run the steps of a graph, whose values are named with this suffix."""
        items: list[Any] = []
        for step in graph.steps:
            first = len(self.steps)
            loop = self.loop(step, env, written(step, graph.names), suffix) if step.parts else None
            if loop is None:
                step.run(env)
                self.mark(step.line)
                items += range(first, len(self.steps))
            for value in step.results:
                self.entitle(env[value], graph.names[value] + suffix, first)
            if loop is not None:
                results = tuple(
                    x._slot for x in map(env.get, step.results) if isinstance(x, Tracer)
                )
                items.append(dataclasses.replace(loop, results=results))
        return items

    def mark(self, line: str) -> None:
        """Give a line to the steps that have none yet."""
        self.lines += [line] * (len(self.steps) - len(self.lines))

    def entitle(self, x: Any, name: str, first: int) -> None:
        """Name a value, if it is the result of a step not before the `first`."""
        if isinstance(x, Tracer) and any(x._slot in s.results for s in self.steps[first:]):
            x._slot.name = name

    def loop(self, step: Any, env: dict[Value, Any], name: str, suffix: str) -> Turns | None:
        """A loop, played; None if it is too long."""
        first = len(self.steps)
        play = Loop(self, step, suffix)
        operands = [look_up(env, x) for x in step.operands]
        try:
            if step.p.title == "cond":
                operands[0] = asked(operands[0])
            parts = {key: play.part(key, graph) for key, graph in step.parts.items()}
            kept = {"checkpoint": None} if "checkpoint" in step.params else {}
            outs = step.p.fn(*operands, **{**step.params, **kept, **parts})
            items = play.items()
        except TooLong:
            del self.steps[first:], self.lines[first:]
            return None
        env.update(zip(step.results, outs, strict=True))
        return Turns(f"{name}{play.chosen}", items, step.p.title, step.line)


class Loop:
    """A loop that is being played.

    Attributes
    ----------
    head : list of int
        What comes before the first turn.
    turns : list of lists of int and Turns
    names : list of str
        Of the turns.
    begun : list of int and Turns
        A turn that is not over.
    chosen : str
        Which branch, of a `cond`.
    """

    def __init__(self, player: Player, step: Equation, suffix: str) -> None:
        self.player, self.step, self.suffix = player, step, suffix
        self.head: list[int] = []
        self.turns: list[list[Any]] = []
        self.names: list[str] = []
        self.begun: list[Any] = []
        self.chosen = ""
        self.seen = len(player.steps)

    def part(self, key: str, graph: Graph) -> Callable[..., list[Any]]:
        """What the loop calls in place of a graph."""

        def run(*leaves: Any) -> list[Any]:
            player, before, number = self.player, self.seen, len(self.turns)
            if before > MOST:
                raise TooLong
            self.look()
            mark = {"body": f"_{number}", "cond": f"_cond{number}"}.get(key, f"_{key}")
            env = dict(zip(graph.inputs, leaves, strict=True))
            for value in graph.inputs:
                player.entitle(env[value], graph.names[value] + self.suffix + mark, before)
            if self.step.p.title == "fori_loop":
                self.names.append(f"{graph.names[graph.inputs[0]]} = {leaves[0]}")
                if not self.turns:
                    self.head, self.begun = self.begun, []
            first = self.seen
            self.begun += player.walk(graph, env, self.suffix + mark)
            self.seen = len(player.steps)
            outs = [look_up(env, y) for y in graph.outputs]
            if key == "cond":
                return [asked(y) for y in outs]
            if key == "body":
                self.carry(graph, outs, first)
            else:
                self.chosen = f": {key}"
            self.turns.append(self.begun)
            self.begun = []
            return outs

        return run

    def look(self) -> None:
        """See what the loop did between the calls."""
        self.player.mark(self.step.line)
        self.begun += range(self.seen, len(self.player.steps))
        self.seen = len(self.player.steps)

    def carry(self, graph: Graph, outs: list[Any], first: int) -> None:
        """Name what goes into the next turn, as it is called there."""
        carried = graph.inputs[self.step.p.title == "fori_loop" :]
        for value, y in zip(carried, outs[: self.step.params["carries"]], strict=False):
            name = f"{graph.names[value]}{self.suffix}_{len(self.turns) + 1}"
            self.player.entitle(y, name, first)

    def items(self) -> list[Any]:
        """The turns, and what came before and after them."""
        self.look()
        if self.chosen:
            return [*self.turns[0], *self.begun]
        n = len(self.turns)
        names = self.names or [f"turn {k} of {n}" for k in range(1, n + 1)]
        turns = [Turns(*each) for each in zip(names, self.turns, strict=True) if each[1]]
        return [*self.head, *turns, *self.begun]


def asked(x: Any) -> Any:
    """A truth value, as it is; the trace notes the answer down."""
    return np.bool_(bool(x)) if isinstance(x, Box) and x.shape == () else x
