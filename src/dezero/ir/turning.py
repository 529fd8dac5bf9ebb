"""What a loop is to boxes: of Duals and Batches a loop over more, of Variables one loop each way.

The loop there carries what it did, and collects what the loop back reads. The loop back carries the
cotangents of what was carried, and the sums of those of what all turns read (Griewank & Walther
2008, *Evaluating Derivatives*, ch. 12: what a loop needs on its way back is a stack).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..batching import Batch, batch
from ..box import Box, as_array
from ..config import records
from ..core import Node, Variable, attach, edge_of
from ..errors import GraphError
from ..forward import Dual, dual
from ..masks import inside_mask
from ..primitives import Joint, Pulled
from .bodies import (
    Flags,
    Ways,
    arranged,
    chosen,
    derived,
    mapped,
    masks,
    pulled,
    pushed,
    reached,
    until_all,
)
from .graph import Graph
from .loops import LOOPS, RULES, Loop
from .steps import Value

HEADS = {"fori_loop": 2, "cond": 1}
"""How many operands come before what a loop carries: bounds, or the condition."""


class Call:
    """A call of a loop on boxes of one level.

    Attributes
    ----------
    bodies : dict
        The graphs that give what it carries and puts out.
    head : list
        Bounds, or a condition.
    mine : list of bool
        Which of the other operands are boxes of that level, …
    flags, outs : list of bool
        … what depends on them in the course of the loop, and which results do.
    values : list
        The other operands, a level below: what is carried, sequences, and what all turns read.
    """

    def __init__(
        self, p: Loop, operands: Sequence[Any], params: dict[str, Any], kind: type[Box], level: int
    ) -> None:
        self.p, self.params, self.level = p, params, level
        self.first = HEADS.get(p.title, 0)
        self.lead = self.first // 2
        self.graphs = {key: each for key, each in params.items() if isinstance(each, Graph)}
        self.bodies = {key: each for key, each in self.graphs.items() if key != "cond"}
        self.carries, self.sequences = params.get("carries", 0), params.get("sequences", 0)
        mine = [isinstance(x, kind) and x._level == level for x in operands]
        below = [x._value if m else x for x, m in zip(operands, mine, strict=True)]
        self.boxes, self.mine = operands[self.first :], mine[self.first :]
        self.head, self.values = below[: self.first], below[self.first :]
        self.headed = any(mine[: self.first])
        self.flags, self.outs = self.mine, []

    def spread(self, flags: Flags, moving: bool) -> None:
        """Find what depends on what is flagged, from turn to turn."""
        n, before = self.carries, None
        self.flags = list(flags)
        while self.flags != before:
            before = self.flags
            found = [reached(g, self.inner, moving) for g in self.bodies.values()]
            self.outs = [any(each) for each in zip(*found, strict=True)]
            carried = [a or b for a, b in zip(before, self.outs[:n], strict=False)]
            self.flags = [*carried, *before[n:]]
        self.outs[:n] = self.flags[:n]

    @property
    def inner(self) -> list[bool]:
        """The flags of what the bodies take."""
        return [False] * self.lead + self.flags

    def groups(self, xs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
        """Of something for each operand: for what is carried, for sequences, for what is read."""
        n = self.carries + self.sequences
        return xs[: self.carries], xs[self.carries : n], xs[n:]

    def again(self, operands: Sequence[Any], **params: Any) -> tuple[Any, ...]:
        """The results of a loop like this."""
        outs: tuple[Any, ...] = self.p(*self.head, *operands, **self.params | params)
        return outs


# ---------------------------------------------------------------------------- forward


def push(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop over values and tangents."""
    if not records(level):
        return None
    call = Call(p, operands, params, Dual, level)
    call.spread([m and x.dtype.kind in "fc" for x, m in zip(call.boxes, call.mine, strict=True)], True)
    tangents = [
        x._tangent if m else np.zeros(np.shape(x), as_array(x).dtype) if on else None
        for x, m, on in zip(call.boxes, call.mine, call.flags, strict=True)
    ]
    groups = zip(*map(call.groups, (call.values, tangents, call.flags)), strict=True)
    doubled = [[*xs, *chosen(ts, flags)] for xs, ts, flags in groups]
    inputs = interleaved(call.lead, [len(g) for g in call.groups(call.values)], call.groups(call.flags))
    n = call.carries
    pieces = (call.outs[:n], call.outs[n:])
    outputs = interleaved(0, [len(each) for each in pieces], pieces)
    graphs = {
        key: arranged(pushed(g, call.inner, call.outs), inputs, outputs)
        if key in call.bodies
        else arranged(pushed(g, call.inner, [False]), inputs, [0])
        for key, g in call.graphs.items()
    }
    counts = {"carries": len(doubled[0]), "sequences": len(doubled[1])}
    counts = {key: n for key, n in counts.items() if key in params}
    results = call.again([x for group in doubled for x in group], **graphs, **counts)
    found: list[Any] = [None] * (2 * len(outputs))
    for k, y in zip(outputs, results, strict=True):
        found[k] = y
    moves = iter(found[len(call.outs) :])
    values = found[: len(call.outs)]
    return [dual(y, next(moves), level) if on else y for y, on in zip(values, call.outs, strict=True)]


def interleaved(lead: int, sizes: Sequence[int], flags: Sequence[Flags]) -> list[int]:
    """The order of groups each with its own tangents, where all tangents come at the end."""
    order, start = list(range(lead)), lead
    tangent = lead + sum(sizes)
    for size, on in zip(sizes, flags, strict=True):
        order += range(start, start + size)
        order += range(tangent, tangent + sum(on))
        start, tangent = start + size, tangent + sum(on)
    return order


def batched(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop for all members at once."""
    call = Call(p, operands, params, Batch, level)
    if call.headed:
        return None
    k = call.mine.index(True)
    n = call.values[k].shape[0]
    call.spread(call.mine, False)
    test = call.graphs.get("cond")
    each_its_own = test is not None and reached(test, call.flags, False)[0]
    if test is not None and each_its_own:  # what a member carries stays when it is done
        call.flags[: call.carries] = call.outs[:] = [True] * call.carries
        graphs = dict(zip(("cond", "body"), until_all(test, call.bodies["body"], call.flags, n), strict=True))
    else:
        graphs = {
            key: mapped(g, call.inner, call.outs if key in call.bodies else [False], n)
            for key, g in call.graphs.items()
        }
    carries, sequences, read = call.groups(
        [*zip(call.values, call.mine, call.flags, strict=True)]
    )
    results = call.again(
        [
            *(x if m or not on else np.broadcast_to(x, (n, *np.shape(x))) for x, m, on in carries),
            *(np.moveaxis(x, 1, 0) if m else x for x, m, _ in sequences),
            *(x for x, _, _ in read),
        ],
        **graphs,
    )
    steps = call.carries if p.title == "scan" else len(results)
    members = [np.moveaxis(y, 0, 1) if k >= steps and on else y for k, (y, on) in enumerate(zip(results, call.outs, strict=True))]
    return [batch(y, level) if on else y for y, on in zip(members, call.outs, strict=True)]


# ---------------------------------------------------------------------------- backward


def record(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop there, with a node that knows the loop back."""
    if not records(level):
        return None
    if p.title == "fori_loop":
        p, operands, params = ranged(operands, params)
    if p.title == "while_loop":
        n = count(Call(p, operands, params, Variable, level))
        p, params = LOOPS["scan"], facts(params["body"], params["carries"], n)
    if params.get("length", 1) == 0:
        return None
    call = Call(p, operands, params, Variable, level)
    edges = [
        edge_of(x) if m and x.dtype.kind in "fc" else None
        for x, m in zip(call.boxes, call.mine, strict=True)
    ]
    call.spread([edge is not None for edge in edges], True)
    way = (Branches if p.title == "cond" else Turns)(call, edges)
    nodes = iter(way.record(tuple(chosen(way.results, call.outs))))
    return [
        attach(y, next(nodes), level) if on else y
        for y, on in zip(way.results, call.outs, strict=True)
    ]


def ranged(operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """A loop over a range as one over a sequence; of bounds that are traced, one of this length."""
    turns, rest = range(*map(operator.index, operands[:2])), operands[2:]
    carries, body = params["carries"], params["body"]
    order = [*range(1, carries + 1), 0, *range(carries + 1, len(body.inputs))]
    return (
        LOOPS["scan"],
        (*rest[:carries], turns, *rest[carries:]),
        facts(arranged(body, order, range(carries)), carries, len(turns), 1),
    )


def count(call: Call) -> int:
    """How many turns a loop takes, for one of this length: what it computes is not kept."""
    test, body = call.graphs["cond"], call.graphs["body"]

    def step(*leaves: Any) -> list[Any]:
        return [*body.run(leaves[:-1]), leaves[-1] + 1]

    zero, n = np.array(0), len(body.inputs)
    order, outputs = [n, *range(n)], [call.carries, *range(call.carries)]
    counting = arranged(derived(body, step, [("k", zero)])[0], order, outputs)
    tested = derived(test, lambda *leaves: test.run(leaves[:-1]), [("k", zero)])[0]
    graphs = {"cond": arranged(tested, order, [0]), "body": counting}
    turns, *_ = call.p(zero, *call.values, **graphs, carries=call.carries + 1)
    return operator.index(turns)


def facts(body: Graph, carries: int, length: int, sequences: int = 0) -> dict[str, Any]:
    """The parameters of a `scan`."""
    counts = {"carries": carries, "sequences": sequences, "length": length}
    return {"body": body, **counts, "checkpoint": None}


class Way(Joint):
    """The way back from a loop that is one equation."""

    def __init__(self, call: Call, edges: list[Node | None]) -> None:
        super().__init__(call.p, tuple(chosen(edges, call.flags)))
        self.call = call
        self.masks = any(map(masks, call.bodies.values()))
        self.ways = Ways(
            active=call.flags,
            outs=call.outs,
            sums=[False] * len(call.flags),
            carried=[False] * len(call.flags),
            steady=[True] * len(call.flags),
            recompute=True,
            quiet=self.masks,
        )
        self.results = self.there()

    def there(self) -> tuple[Any, ...]:
        """The results of the loop."""
        raise NotImplementedError

    def back(self, gs: list[Any]) -> Sequence[Any]:
        """The cotangents of operands from those of results, None where none has arrived."""
        raise NotImplementedError

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        ends = [end() for end in self.ends]
        if next(end for end in ends if end in arrived) is not node:
            return (), ()
        if lifted is not None:
            raise GraphError(f"{self.title}: backward(create_graph=True) inside a trace; use dz.grad")
        return self.edges, self.back([arrived.get(end) for end in ends])

    @property
    def quietly(self) -> Ways:
        """The ways of the pass that is running, which may be behind a mask."""
        return self.ways._replace(quiet=self.ways.quiet or inside_mask.get())

    def zeros(self) -> list[Any]:
        """A cotangent for each result, of one turn."""
        body = next(iter(self.call.bodies.values()))
        return [np.zeros(y.shape, y.dtype) for y in chosen(body.outputs, self.call.outs)]


class Branches(Way):
    """Back through the branch that was taken, which is run again."""

    def there(self) -> tuple[Any, ...]:
        return self.call.again(self.call.values)

    def back(self, gs: list[Any]) -> Sequence[Any]:
        gs = [zero if g is None else g for g, zero in zip(gs, self.zeros(), strict=True)]
        graphs = {key: pulled(g, self.quietly).back for key, g in self.call.bodies.items()}
        return self.call.again([*self.call.values, *gs], **graphs)


class Turns(Way):
    """Back through the turns of a loop, the last one first."""

    def there(self) -> tuple[Any, ...]:
        call = self.call
        carries, sequences, read = map(len, call.groups(call.flags))
        self.ways = self.ways._replace(
            sums=[False] * (carries + sequences) + list(call.flags[carries + sequences :]),
            carried=[True] * carries + [False] * (sequences + read),
            steady=[False] * (carries + sequences) + [True] * read,
            recompute=bool(call.params["checkpoint"]),
        )
        self.passes = pulled(call.params["body"], self.ways)
        outs = call.again(call.values, body=self.passes.there)
        self.kept = outs
        return outs[: len(call.outs)]

    def back(self, gs: list[Any]) -> Sequence[Any]:
        call, passes = self.call, self.passes
        if self.quietly.quiet != self.ways.quiet:
            passes = pulled(call.params["body"], self.quietly)
        carries, sequences, read = call.groups(call.flags)
        n, m = len(carries), len(carries) + len(sequences)
        stacks = [self.kept[self.passes.kept[key]] for key in passes.kept]
        none = self.zeros()
        arrived = [g is not None for g in gs]
        ends = [zero if g is None else g for g, zero in zip(gs, none, strict=True)]
        sums = [np.zeros(np.shape(x), as_array(x).dtype) for x in chosen(call.groups(call.values)[2], read)]
        # where each of these goes in the loop back: carried, in turn, or the same for all turns
        places = [
            *((1 if k < m else 2, call.values[k]) for k in passes.inputs),
            *((1, x) for x in stacks),
            *((0 if k < sum(carries) else 1 if on else 2, g) for k, (g, on) in enumerate(zip(ends, arrived, strict=True))),
            *((0, x) for x in sums),
        ]
        order = [k for group in range(3) for k, (place, _) in enumerate(places) if place == group]
        operands = [backward(places[k][1]) if places[k][0] == 1 else places[k][1] for k in order]
        a, b = sum(carries), sum(carries) + sum(sequences)
        count = len(passes.back.outputs)
        outputs = [*range(a), *range(b, count), *range(a, b)]
        found = call.again(
            operands,
            body=arranged(passes.back, order, outputs),
            carries=sum(place == 0 for place, _ in places),
            sequences=sum(place == 1 for place, _ in places),
        )
        kept = a + count - b
        return [*found[:a], *map(backward, found[kept:]), *found[a:kept]]


def backward(xs: Any) -> Any:
    """A sequence from its end to its beginning."""
    return xs[::-1] if isinstance(xs, range) else np.flip(xs, 0)


RULES |= {Variable: record, Dual: push, Batch: batched}
