"""What is computed again where it is needed, instead of stored and read; and what is left out.

A sum of two numbers costs less than to bring it from one pass over memory to the next. So a value
is computed again if that takes few simple steps, and reads no more large arrays than the value
itself would be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...ir.steps import Value
from .instructions import elementary
from .nests import Computed, Nest
from .places import Buffer, Place, memory_of

if TYPE_CHECKING:
    from .lowering import Lowering, Stage

MOST = 6
"""Steps that are taken again for one value, at most."""

SLOW = {"divide", "reciprocal", "sqrt"}
"""Rows that take longer than a number from memory."""


def again(lowering: Lowering, value: Value, nest: Nest) -> list[Computed]:
    """The steps that compute a value in a nest once more; none if it is better stored."""
    steps: dict[Value, Computed] = {}
    leaves: set[Value] = set()

    def visit(x: Value) -> None:
        if x in nest.reads or x in nest.made or x in steps:
            return
        step = lowering.made.get(x)
        kept = x in lowering.places or x.shape != nest.shape
        if step is None or kept or not cheap(step) or len(steps) > MOST:
            leaves.add(x)
            return
        for each in step.equation.operands:
            if isinstance(each, Value):
                visit(each)
        steps[x] = step

    visit(value)
    large = sum(is_large(lowering, x, nest) for x in leaves)
    return [*steps.values()] if value in steps and len(steps) <= MOST and large <= 1 else []


def cheap(step: Computed) -> bool:
    """Whether a step takes about as long as a number from near memory."""
    title = step.equation.p.title
    return not elementary(title) and title not in SLOW


def is_large(lowering: Lowering, x: Value, nest: Nest) -> bool:
    """Whether a value has as many numbers in memory as a nest has indices."""
    if x not in lowering.places:
        return x.shape == nest.shape
    place = lowering.places[x].broadcast(nest.shape)
    pairs = zip(place.strides, place.shape, strict=True)
    return math.prod(n for s, n in pairs if s) == math.prod(nest.shape)


# ---------------------------------------------------------------------------- what is left out


def without_idle(stages: list[Stage], own: set[Buffer]) -> list[Stage]:
    """The stages without what nothing comes of; `own` buffers are not read by others than these."""
    kept: list[Stage] = []
    read: set[Buffer] = set()
    for stage in reversed(stages):
        if isinstance(stage, Nest):
            stage.stores = [s for s in stage.stores if not idle(s[1], own, read)]
            stage.reductions = [r for r in stage.reductions if not idle(r.place, own, read)]
            prune(stage)
        if not isinstance(stage, Nest) or stage.stores or stage.gathering or stage.deposits:
            kept.append(stage)
            read.update(b for place in stage.touched for b in memory_of(place.buffer))
    return kept[::-1]


def idle(place: Place, own: set[Buffer], read: set[Buffer]) -> bool:
    """Whether nothing reads from a place."""
    return place.buffer in own and place.buffer not in read


def prune(nest: Nest) -> None:
    """Leave out the steps that nothing comes of, and what is read for them."""
    wanted = {value for value, _ in nest.stores}
    wanted.update(x for each in nest.gathering for x in each.operands)
    for each in nest.deposits:
        wanted.update((each.value, *each.needs))
    steps = []
    for step in reversed(nest.steps):
        if step.result in wanted:
            steps.append(step)
            wanted.update(step.needs)
    nest.steps = steps[::-1]
    nest.reads = {x: place for x, place in nest.reads.items() if x in wanted}
