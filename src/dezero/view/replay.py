"""A run of a graph and of its backward pass, frame by frame, as data for the page.

The numbers are those of a real run: the sweep tells what each equation makes of its gradient.
Loops are played turn by turn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..box import as_array, new_level, plain
from ..config import Observer, observing
from ..core import Node, Variable, attach, fit, node_of, opened, sweep
from ..errors import DeZeroError, DifferentiationError
from ..ir.graph import Graph
from ..ir.steps import Equation, Guard, Step, Value, look_up
from ..ir.tape import inside, short, written
from .code import Code
from .formulas import MATRIX
from .mathml import LESS
from .named import Kind, applied, less_one
from .numbers import brief, shown
from .outline import Outline, title_of
from .turns import played

Data = dict[str, Any]


SAID = 6
"""Names that a sentence lists."""


class Pulled(NamedTuple):
    """What one equation gave to its operands in the sweep."""

    node: Node
    edges: tuple[Node | None, ...]
    gxs: tuple[Any, ...]


class Witness(Observer):
    """Writes down each step of a sweep."""

    def __init__(self, _under: int) -> None:
        self.seen: list[Pulled] = []

    def arrived(self, arrived: dict[Any, Any]) -> None:
        pass

    def pulled(self, node: Any, _g: Any, edges: Any, gxs: Any) -> None:
        self.seen.append(Pulled(node, edges, tuple(gxs)))


def replay(graph: Graph) -> Data:
    """Everything that the page shows, in the types of JSON."""
    return Replay(graph).data()


class Replay:
    """One run of a graph on its example."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.items = played(graph)
        self.names = self.graph.names
        graph = self.graph
        self.values = [*graph.inputs, *(v for step in graph.steps for v in step.results)]
        self.number = {value: k for k, value in enumerate(self.values)}
        self.env: dict[Value, Any] = {}
        self.frames: list[Data] = []

    def data(self) -> Data:
        graph = self.graph
        code = Code(step.line for step in graph.steps)
        outline = Outline(graph.steps, self.items, self.number, len(graph.inputs))
        parts: list[Data] = [
            {"role": "input", "text": self.names[v], "reads": [], "makes": [self.number[v]]}
            for v in graph.inputs
        ]
        parts += [self.part(step, code) for step in graph.steps]
        with np.errstate(all="ignore"):
            self.forward()
            why = ""
            try:
                self.backward()
            except DeZeroError as problem:
                why = str(problem)
        return {
            "name": graph.name,
            "values": [{"name": self.names[v], "kind": v.kind} for v in self.values],
            "parts": parts,
            "outputs": self.numbers(graph.outputs),
            "frames": self.frames,
            "why": why,
            "blocks": [block._asdict() for block in code.blocks],
            "folds": outline.data(),
        }

    def numbers(self, values: Iterable[Any]) -> list[int]:
        """Of those that are values."""
        return [self.number[v] for v in values if isinstance(v, Value)]

    def part(self, step: Step, code: Code) -> Data:
        """A step as the page knows it."""
        return {
            "role": "guard" if isinstance(step, Guard) else "step",
            "text": written(step, self.names),
            "title": title_of(step),
            "reads": self.numbers(dict.fromkeys(step.reads)),
            "makes": self.numbers(step.results),
            "place": code.places.get(step.line),
            "letters": {} if isinstance(step, Guard) else self.letters(step),
            "inside": [line.removeprefix("    ") for line in inside(step)],
        }

    def letters(self, step: Equation) -> dict[str, Any]:
        """What the letters of the rule are in this step, and by which operands it has slopes."""
        out = ", ".join(self.names[v] for v in step.results)
        names = {**dict(zip("xyz", self.operands(step), strict=False)), "out": out}
        kinds = self.kinds(step)
        whole = step.p.title not in MATRIX or {kind.ndim for kind in kinds} == {2}
        pairs = zip("xyz", step.operands, kinds, strict=False)
        return {
            **names,
            **{f"d_{x}": f"d_{name}" for x, name in names.items()},
            **({LESS: less_one(names["y"])} if "power" in step.p.title else {}),
            "slopes": [
                x
                for x, v, kind in pairs
                if whole and kind.turns <= kinds[-1].turns
                if isinstance(v, Value) and v.dtype.kind in "fc"
            ],
            "turns": kinds[-1].turns,
        }

    def kinds(self, step: Equation) -> list[Kind]:
        """Of the operands, and of the first result."""
        arrays = [*step.operands, *step.results[:1]]
        arrays = [x if isinstance(x, Value) else as_array(x) for x in arrays]
        return [Kind(x.shape, x.dtype.kind == "c") for x in arrays]

    def operands(self, step: Equation) -> list[str]:
        """What a step reads, as it is called."""
        return [self.names[x] if isinstance(x, Value) else brief(x) for x in step.operands]

    # the frames

    def frame(self, phase: str, part: int | None, say: str, **more: Any) -> None:
        self.frames.append({"phase": phase, "part": part, "say": say, **more})

    def sets(self, values: tuple[Value, ...]) -> list[Any]:
        return [[self.number[v], *shown(plain(self.env[v]))] for v in values]

    def forward(self) -> None:
        """The inputs, and a frame for each step."""
        graph, level = self.graph, new_level()
        for value, x in zip(graph.inputs, graph.example, strict=True):
            moves = value.dtype.kind in "fc"
            self.env[value] = attach(as_array(x), None, level) if moves else x
        given = ", ".join(f"{self.names[v]} = {brief(plain(self.env[v]))}" for v in graph.inputs)
        given = given if len(graph.inputs) <= SAID else f"{len(graph.inputs)} inputs"
        self.frame("start", None, f"Start: {given}.", sets=self.sets(graph.inputs))
        with opened(level):
            for k, step in enumerate(graph.steps, len(graph.inputs)):
                if isinstance(step, Equation):
                    step.run(self.env)
                say = f"{written(step, self.names)}."
                if isinstance(step, Guard):
                    say = (
                        f"The program asked for {step.question}({self.names[step.operand]}), and "
                        f"went on with {short(step.answer)}."
                    )
                elif step.results:
                    got = ", ".join(brief(plain(self.env[v])) for v in step.results)
                    say = f"{written(step, self.names)} gives {got}."
                self.frame("forward", k, say, sets=self.sets(step.results))

    def backward(self) -> None:
        """A frame for each equation that a gradient reaches, in the order of the sweep."""
        graph = self.graph
        if len(graph.outputs) != 1:
            raise DifferentiationError(f"it has {len(graph.outputs)} results, not one")
        for step in graph.steps:
            if isinstance(step, Guard):
                step.run(self.env)  # refused where a derivative would be cut
        y = look_up(self.env, graph.outputs[0])
        if not isinstance(y, Variable):
            raise DifferentiationError("the result does not move with the inputs")
        owner = {node_of(v): value for value, v in self.env.items() if isinstance(v, Variable)}
        seed, witness = np.ones(y.shape, y.dtype), Witness(0)
        with contextlib.nullcontext() if (above := observing()) is None else above.aside():
            sweep({node_of(y): seed}, None, None, frozenset(), witness)
        totals: dict[Node, Any] = {node_of(y): seed}
        out = self.names[graph.outputs[0]]
        of = out if y.shape == () else f"the sum of {out}"
        self.frame(
            "seed",
            None,
            f"The backward pass starts: the derivative of {of} by {out} is {brief(seed)}.",
            grads=[[self.number[graph.outputs[0]], "", "", *shown(seed)]],
        )
        self.pulls([each for each in witness.seen if each.edges], owner, totals)
        self.rest(totals)

    def pulls(self, pulls: list[Pulled], owner: dict[Node, Value], totals: dict[Node, Any]) -> None:
        """A frame for each step of the sweep; one for all of those of a loop that is one step."""
        made = self.makers(owner)
        last = {made[pulled.node]: t for t, pulled in enumerate(pulls)}
        gained: dict[int, dict[tuple[Node, int | None], Any]] = {}
        for t, pulled in enumerate(pulls):
            k = made[pulled.node]
            step, got = self.graph.steps[k], gained.setdefault(k, {})
            assert isinstance(step, Equation)
            for j, (edge, gx) in enumerate(zip(pulled.edges, pulled.gxs, strict=False)):
                if edge is None or gx is None:
                    continue
                gx = fit(as_array(gx), edge, pulled.node.p)
                totals[edge] = totals[edge] + gx if edge in totals else gx
                if edge in owner:  # else inside of a loop
                    key = (edge, None if step.parts else j)
                    got[key] = got[key][0] + gx if key in got else gx, totals[edge]
            if t == last[k] and got:
                gains = [(owner[edge], j, *amounts) for (edge, j), amounts in got.items()]
                self.pulled(step, k, gains)

    def makers(self, owner: dict[Node, Value]) -> dict[Node, int]:
        """The step that made each node; a loop made those of all of its turns."""
        step_of = {v: k for k, step in enumerate(self.graph.steps) for v in step.results}
        made = {node: step_of[value] for node, value in owner.items() if value in step_of}
        stack = [node for node, k in made.items() if self.graph.steps[k].parts]
        while stack:
            node = stack.pop()
            for edge in node.edges:
                if edge is not None and edge not in owner and edge not in made:
                    made[edge] = made[node]
                    stack.append(edge)
        return made

    def pulled(self, step: Equation, k: int, gains: list[tuple[Value, Any, Any, Any]]) -> None:
        """The frame of one step: who gets what by which operand, and has how much then."""
        grads, told = [], []
        for value, j, gx, total in gains:
            gets = brief(gx)
            how = "" if j is None else self.how(step, j)
            grads.append([self.number[value], how, gets, *shown(total)])
            told.append(f"d_{self.names[value]} gets {gets}")
        say = f"Back through {written(step, self.names)}: {', '.join(told)}."
        self.frame("backward", k + len(self.graph.inputs), say, grads=grads)

    def how(self, step: Equation, j: int) -> str:
        """What operand j gets, as an expression."""
        out = self.names[step.results[0]]
        return applied(step.p.title, j, self.operands(step), self.kinds(step), f"d_{out}", out)

    def rest(self, totals: dict[Node, Any]) -> None:
        """What no gradient reached has zeros, from the last frame on."""
        left = [
            value
            for value, v in self.env.items()
            if isinstance(v, Variable) and node_of(v) not in totals
        ]
        if left:
            named = ", ".join(self.names[value] for value in left)
            named = named if len(left) <= SAID else f"{len(left)} values"
            zeros = [np.zeros(value.shape, value.dtype) for value in left]
            grads = [
                [self.number[value], "", "0", *shown(zero)]
                for value, zero in zip(left, zeros, strict=True)
            ]
            verb = "it is" if len(left) == 1 else "they are"
            self.frame("rest", None, f"No gradient reached {named}: {verb} 0.", grads=grads)
