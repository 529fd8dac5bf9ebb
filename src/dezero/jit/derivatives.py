"""What a path is to boxes: one call, whose derivative is compiled like itself.

The backward pass is one graph of the inputs and the cotangents, traced from the path's own graph
when it is first needed; it computes inner values again instead of keeping them. So are values with
tangents, and the values of all members of a batch. Each is a path, so that derivatives of
derivatives come out of the same three rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..batching import Batch, Roof, batch, roof
from ..box import Box, as_array, new_level
from ..config import records
from ..core import (
    Node,
    Variable,
    apart,
    attach,
    is_constant,
    leaf,
    node_of,
    open_levels,
    opened,
    revive,
    seeds_of,
    sweep,
)
from ..forward import Dual, dual, still
from ..ir.bodies import chosen, reached
from ..masks import inside_mask
from ..memory import note_views
from ..primitives import Joint, Pulled
from ..trees import peeled
from .path import RULES, Path

Flags = tuple[bool, ...]
Program = Callable[..., Any]


class Below:
    """The inputs of a call on boxes of a level, one level below.

    Attributes
    ----------
    mine : tuple of bool
        Which of them are boxes of that level, …
    moved : list of bool
        … and which outputs move with these.
    xs : list
    """

    def __init__(self, path: Path, leaves: Sequence[Any], kind: type[Box], level: int) -> None:
        mine = [isinstance(x, kind) and x._level == level for x in leaves]
        self.mine = tuple(m and not is_constant(x) for x, m in zip(leaves, mine, strict=True))
        self.xs = [x._value if m else apart(x) for x, m in zip(leaves, mine, strict=True)]
        self.boxes = list(chosen(leaves, self.mine))
        if self.mine not in path.moved:
            path.moved[self.mine] = reached(path.graph, self.mine)
        self.moved = path.moved[self.mine]

    @property
    def moves(self) -> bool:
        """Whether there is something to differentiate by, and nothing that rows would refuse."""
        return bool(self.boxes) and all(x.dtype.kind in "fc" for x in self.boxes)


# ---------------------------------------------------------------------------- reverse mode


def recorded(path: Path, leaves: list[Any], level: int) -> list[Any] | None:
    """The outputs as Variables, with one way back."""
    below = Below(path, leaves, Variable, level)
    if not below.moves:
        return None
    outs = path.on(below.xs)
    ends = [as_array(y) for y in chosen(outs, below.moved)]
    nodes: Sequence[Node | None] = [None] * len(ends)
    if records(level):
        edges = [node_of(x) if m else None for x, m in zip(leaves, below.mine, strict=True)]
        nodes = Call(path, below, tuple(edges)).record(tuple(ends))
    vs = [attach(y, node, level) for y, node in zip(ends, nodes, strict=True)]
    for v in vs:
        note_views(v, tuple(leaves))
    return placed(outs, below.moved, vs)


def placed(outs: list[Any], flags: Sequence[bool], others: Iterable[Any]) -> list[Any]:
    """Outputs with others in place of those that are flagged."""
    rest = iter(others)
    return [next(rest) if on else y for y, on in zip(outs, flags, strict=True)]


class Call(Joint):
    """A recorded call of a compiled function."""

    def __init__(self, path: Path, below: Below, edges: tuple[Node | None, ...]) -> None:
        super().__init__(path.p, edges)
        self.path, self.xs, self.mine, self.moved = path, below.xs, below.mine, below.moved
        self.masks = path.p.masks

    def kept(self, _node: Node) -> tuple[Any, ...]:
        return tuple(self.xs)

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        ends = [end() for end in self.ends]
        there = tuple(end in arrived for end in ends)
        if next(chosen(ends, there)) is not node:
            return (), ()
        xs = self.xs
        if lifted is not None:
            whole = zip(xs, self.edges, strict=True)
            xs = [x if edge is None else revive(x, edge, lifted) for x, edge in whole]
        gs = [arrived[end] for end in ends if end in arrived]
        # What is not sought is not computed: zeros for it might meet an infinite slope.
        key = "pullback", self.mine, there, inside_mask.get()
        back = self.path.made(key, lambda: pullback(self.path, self.mine, self.moved, there))
        pulled = zip(chosen(self.edges, self.mine), back((*xs, *gs)), strict=True)
        pairs = [(edge, g) for edge, g in pulled if g is not None]
        return [edge for edge, _ in pairs], [g for _, g in pairs]


def pullback(path: Path, mine: Flags, moved: list[bool], there: Flags) -> Program:
    """The cotangents of some inputs, of the inputs and the cotangents of some outputs."""

    def backward(*leaves: Any) -> tuple[Any, ...]:
        level, n = new_level(), len(mine)
        xs = zip(leaves[:n], mine, strict=True)
        boxes = [attach(as_array(x), None, level) if m else x for x, m in xs]
        nodes = [*map(leaf, chosen(boxes, mine))]
        with opened(level):
            outs = [peeled(y, level) for y in path.stepwise(boxes)]
            pairs = zip(chosen(chosen(outs, moved), there), leaves[n:], strict=True)
            seeds = seeds_of((y, g) for y, g in pairs if is_mine(y, Variable, level))
            # A part of the sweep that called, so that what this one has masked counts.
            stops = frozenset(nodes) if inside_mask.get() else frozenset[Node]()
            found = sweep(seeds, stops=stops) if seeds else {}
        return tuple([found.get(node) for node in nodes])

    return backward


def is_mine(y: Any, kind: type[Box], level: int) -> bool:
    """Whether a value is a box of a kind and a level."""
    return isinstance(y, kind) and y._level == level


# ---------------------------------------------------------------------------- forward mode


def pushed(path: Path, leaves: list[Any], level: int) -> list[Any] | None:
    """The outputs with their tangents."""
    below = Below(path, leaves, Dual, level)
    if not below.moves:
        return None
    if not records(level):
        outs = path.on(below.xs)
        ends = [as_array(y) for y in chosen(outs, below.moved)]
        return placed(outs, below.moved, [dual(y, still(y), level) for y in ends])
    push = path.made(("push", below.mine), lambda: pushforward(path, below.mine, below.moved))
    outs, tangents = push((*below.xs, *(x._tangent for x in below.boxes)))
    pairs = zip(chosen(outs, below.moved), tangents, strict=True)
    return placed(outs, below.moved, [dual(as_array(y), ty, level) for y, ty in pairs])


def pushforward(path: Path, mine: Flags, moved: list[bool]) -> Program:
    """The outputs and the tangents of some, of the inputs and the tangents of some."""

    def forward(*leaves: Any) -> Any:
        level, tangents = new_level(), iter(leaves[len(mine) :])
        xs = zip(leaves, mine, strict=False)
        boxes = [dual(as_array(x), next(tangents), level) if m else x for x, m in xs]
        outs = [peeled(y, level) for y in path.stepwise(boxes)]
        ours = [is_mine(y, Dual, level) for y in outs]
        moves = [y._tangent if m else still(y) for y, m in zip(outs, ours, strict=True)]
        values = [y._value if m else y for y, m in zip(outs, ours, strict=True)]
        return values, list(chosen(moves, moved))

    return forward


# ---------------------------------------------------------------------------- many members


def mapped(path: Path, leaves: list[Any], level: int) -> list[Any] | None:
    """The outputs of all members."""
    if level not in open_levels:
        return None
    below, top = Below(path, leaves, Batch, level), roof.get()
    limit = top.limit if top is not None and top.level == level else None
    many = path.made(("vmap", below.mine, limit), lambda: members(path, below.mine, limit))
    outs, ours = many(below.xs)
    return [batch(as_array(y), level) if m else y for y, m in zip(outs, ours, strict=True)]


def members(path: Path, mine: Flags, limit: int | None) -> Program:
    """The outputs of all members, and which of them differ between these."""

    def every(*leaves: Any) -> Any:
        level, top = new_level(), None
        boxes = [batch(x, level) if m else x for x, m in zip(leaves, mine, strict=True)]
        if limit is not None:
            top = Roof(limit)
            top.level = level
        token = roof.set(top)
        try:
            with opened(level):
                outs = [peeled(y, level) for y in path.stepwise(boxes)]
        finally:
            roof.reset(token)
        ours = [is_mine(y, Batch, level) for y in outs]
        return [y._value if m else y for y, m in zip(outs, ours, strict=True)], ours

    return every


RULES.update({Variable: recorded, Dual: pushed, Batch: mapped})
