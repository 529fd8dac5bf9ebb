"""What a loop is to Variables: a loop there, and one back.

The loop there carries what it did, and collects what the loop back reads. The loop back carries the
cotangents of what was carried, and the sums of those of what all turns read (Griewank & Walther
2008, *Evaluating Derivatives*, ch. 12: what a loop needs on its way back is a stack).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..batching import Batch
from ..box import as_array
from ..config import records
from ..core import Node, Variable, attach, edge_of
from ..errors import GraphError
from ..forward import Dual
from ..masks import inside_mask
from ..primitives import Joint, Pulled
from .bodies import arranged, chosen, derived
from .graph import Graph
from .loops import LOOPS, RULES, Loop
from .splitting import Ways, masks, pulled
from .steps import Value
from .turning import Call


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


RULES[Variable] = both_ways
