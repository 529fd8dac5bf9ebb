"""What a loop is to boxes: of Duals and Batches a loop over more, of Variables one loop each way.

The loop there carries what it did, and collects what the loop back reads. The loop back carries the
cotangents of what was carried, and the sums of those of what all turns read (Griewank & Walther
2008, *Evaluating Derivatives*, ch. 12: what a loop needs on its way back is a stack).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..batching import Batch, batch, check_roof
from ..box import Box, as_array
from ..config import records
from ..core import Node, Variable, attach, edge_of
from ..errors import GraphError
from ..forward import Dual, dual
from ..masks import inside_mask
from ..primitives import Joint, Pulled
from .bodies import Flags, arranged, chosen, derived, mapped, pushed, reached, until_all
from .graph import Graph
from .loops import LOOPS, RULES, Loop
from .splitting import Ways, masks, pulled
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
        self.flags: list[bool] = self.mine
        self.outs: list[bool] = []

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


def with_tangents(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop over values and tangents."""
    if not records(level):
        return None
    call = Call(p, operands, params, Dual, level)
    pairs = zip(call.boxes, call.mine, strict=True)
    call.spread([m and x.dtype.kind in "fc" for x, m in pairs], moving=True)
    tangents = [
        x._tangent if m else np.zeros(np.shape(x), as_array(x).dtype) if on else None
        for x, m, on in zip(call.boxes, call.mine, call.flags, strict=True)
    ]
    groups = zip(*map(call.groups, (call.values, tangents, call.flags)), strict=True)
    doubled = [[*xs, *chosen(ts, flags)] for xs, ts, flags in groups]
    sizes = [len(group) for group in call.groups(call.values)]
    inputs = interleaved(call.lead, sizes, call.groups(call.flags))
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
    return [
        dual(y, next(moves), level) if on else y for y, on in zip(found, call.outs, strict=False)
    ]


def interleaved(lead: int, sizes: Sequence[int], flags: Sequence[Flags]) -> list[int]:
    """The order of groups each with its own tangents, where all tangents come at the end."""
    order, start = list(range(lead)), lead
    tangent = lead + sum(sizes)
    for size, on in zip(sizes, flags, strict=True):
        order += range(start, start + size)
        order += range(tangent, tangent + sum(on))
        start, tangent = start + size, tangent + sum(on)
    return order


def for_members(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop for all members at once."""
    call = Call(p, operands, params, Batch, level)
    if call.headed:
        return None
    k = call.mine.index(True)
    n = call.values[k].shape[0]
    call.spread(call.mine, moving=False)
    test = call.graphs.get("cond")
    each_its_own = test is not None and reached(test, call.flags, False)[0]
    if test is not None and each_its_own:  # what a member carries stays when it is done
        call.flags[: call.carries] = call.outs[:] = [True] * call.carries
        both = until_all(test, call.bodies["body"], call.flags, n)
        graphs = dict(zip(("cond", "body"), both, strict=True))
    else:
        graphs = {
            key: mapped(g, call.inner, call.outs if key in call.bodies else [False], n)
            for key, g in call.graphs.items()
        }
    carries, sequences, read = call.groups([*zip(call.values, call.mine, call.flags, strict=True)])
    results = call.again(
        [
            *(x if m or not on else np.broadcast_to(x, (n, *np.shape(x))) for x, m, on in carries),
            *(np.moveaxis(x, 1, 0) if m else x for x, m, _ in sequences),
            *(x for x, _, _ in read),
        ],
        **graphs,
    )
    stacked = call.carries if p.title == "scan" else len(results)
    members = list(results)
    for k in chosen(range(len(results)), call.outs):
        members[k] = batch(np.moveaxis(results[k], 0, 1) if k >= stacked else results[k], level)
        check_roof(results[k], n, level)
    return members


# ---------------------------------------------------------------------------- backward


def both_ways(p: Loop, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
    """The loop there, with a node that knows the loop back."""
    if not records(level):
        return None
    if p.title == "fori_loop":
        p, operands, params = ranged(operands, params)
    if p.title == "while_loop":
        p, params = counted(Call(p, operands, params, Variable, level))
    if params.get("length", 1) == 0:
        return None
    call = Call(p, operands, params, Variable, level)
    edges = [
        edge_of(x) if m and x.dtype.kind in "fc" else None
        for x, m in zip(call.boxes, call.mine, strict=True)
    ]
    call.spread([edge is not None for edge in edges], moving=True)
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


def counted(call: Call) -> Any:
    """A loop with a condition as one of the length that it has here, which another run tells.

    Of several members, it is that of the longest: where a member is done, what it carries stays.
    """
    test, body = call.graphs["cond"], call.graphs["body"]

    def step(*leaves: Any) -> list[Any]:
        return [*body.run(leaves[:-1]), leaves[-1] + 1]

    def as_long_as_it_goes(*leaves: Any) -> list[Any]:
        (going,) = test.run(leaves)
        return [np.where(going, a, b) for a, b in zip(body.run(leaves), leaves, strict=False)]

    zero, n = np.array(0), len(body.inputs)
    order, outputs = [n, *range(n)], [call.carries, *range(call.carries)]
    counting = arranged(derived(body, step, [("k", zero)])[0], order, outputs)
    tested = derived(test, lambda *leaves: test.run(leaves[:-1]), [("k", zero)])[0]
    graphs = {"cond": arranged(tested, order, [0]), "body": counting}
    values = map(unmoved, call.values)
    turns, *_ = call.p(zero, *values, **graphs, carries=call.carries + 1)
    if isinstance(turns, Batch):
        body = derived(body, as_long_as_it_goes)[0]
    while isinstance(turns, Batch):
        turns = np.max(turns._value)
    return LOOPS["scan"], facts(body, call.carries, operator.index(turns))


def unmoved(x: Any) -> Any:
    """A value without the derivatives that are on top of it."""
    return unmoved(x._value) if isinstance(x, (Variable, Dual)) else x


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
            raise GraphError(
                f"{self.title}: backward(create_graph=True) inside a trace; use dz.grad"
            )
        return self.edges, self.back([None if end is None else arrived.get(end) for end in ends])

    @property
    def quietly(self) -> Ways:
        """The ways of the pass that is running, which may be behind a mask."""
        return self.ways._replace(quiet=self.ways.quiet or inside_mask.get())


class Branches(Way):
    """Back through the branch that was taken, which is run again."""

    def there(self) -> tuple[Any, ...]:
        return self.call.again(self.call.values)

    def back(self, gs: list[Any]) -> Sequence[Any]:
        graphs = {key: pulled(g, self.quietly).back for key, g in self.call.bodies.items()}
        given = next(iter(graphs.values())).inputs[len(self.call.values) :]
        seeds = [filled((ALL, g), value) for g, value in zip(gs, given, strict=True)]
        return self.call.again([*self.call.values, *seeds], **graphs)


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
        self.stacks = outs
        return outs[: len(call.outs)]

    def back(self, gs: list[Any]) -> Sequence[Any]:
        call, passes = self.call, self.passes
        if self.quietly.quiet != self.ways.quiet:
            passes = pulled(call.params["body"], self.quietly)
        a, b, n = (sum(map(sum, call.groups(call.flags)[:k])) for k in (1, 2, 3))
        first_read = call.carries + call.sequences
        sums = chosen(call.groups(call.values)[2], call.groups(call.flags)[2])
        operands = [
            *((EACH if k < first_read else ALL, call.values[k]) for k in passes.inputs),
            *((EACH, self.stacks[self.passes.kept[key]]) for key in passes.kept),
            *((CARRIED if k < a else ALL if g is None else EACH, g) for k, g in enumerate(gs)),
            *((CARRIED, np.zeros(np.shape(x), as_array(x).dtype)) for x in sums),
        ]
        order = sorted(range(len(operands)), key=lambda k: operands[k][0])
        body = arranged(passes.back, order, [*range(a), *range(b, n), *range(a, b)])
        places = [place for place, _ in operands]
        found = call.again(
            [filled(operands[k], value) for k, value in zip(order, body.inputs, strict=True)],
            body=body,
            carries=places.count(CARRIED),
            sequences=places.count(EACH),
        )
        carried = a + n - b
        return [*found[:a], *map(backward, found[carried:]), *found[a:carried]]


CARRIED, EACH, ALL = range(3)
"""Operands of a loop: what it carries, what each turn has its own of, what all turns read."""


def filled(operand: tuple[int, Any], value: Value) -> Any:
    """An operand of the loop back: zeros for a cotangent that has not arrived."""
    place, x = operand
    x = np.zeros(value.shape, value.dtype) if x is None else x
    return backward(x) if place == EACH else x


def backward(xs: Any) -> Any:
    """A sequence from its end to its beginning."""
    return xs[::-1] if isinstance(xs, range) else np.flip(xs, 0)


RULES |= {Variable: both_ways, Dual: with_tangents, Batch: for_members}
