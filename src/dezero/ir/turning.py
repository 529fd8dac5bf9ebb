"""What a loop is to Duals and Batches: a loop over values and tangents, or over all members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..batching import Batch, batch, check_roof
from ..box import Box, as_array
from ..config import records
from ..forward import Dual, dual
from .bodies import Flags, arranged, chosen, mapped, pushed, reached, until_all
from .graph import Graph
from .loops import RULES, Loop

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
        self.p, self.params = p, params
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


RULES |= {Dual: with_tangents, Batch: for_members}
