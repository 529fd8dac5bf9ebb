"""Rows of linear algebra as stages of a kernel, which `dense.py` writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.steps import Equation, Value
from .arrays import Array
from .dense import DENSE, Call, misfit
from .lowering import Lowering
from .moves import only_arrays
from .places import Place, compact
from .rules import RULES, Rule

if TYPE_CHECKING:
    from .program import Program


@dataclass(eq=False)
class Algebra:
    """A product, a solution, a factor, …; of which what is in memory has no bounds."""

    title: str
    params: dict[str, Any]
    operands: tuple[Place, ...]
    results: tuple[Place, ...]
    workspace: Place

    @property
    def touched(self) -> list[Place]:
        return [*self.operands, *self.results, self.workspace]

    def call(self, program: Program | None = None) -> Call:
        """The row called on arrays; without a program, of addresses that are not known."""
        operands, results = (
            tuple(array(place, program) for place in places)
            for places in (self.operands, self.results)
        )
        return Call(self.title, operands, results, self.params)

    def write(self, program: Program) -> None:
        workspace = program.pointers[self.workspace.buffer]
        DENSE[self.title].emit(program.asm, self.call(program), workspace, program.leave)


def array(place: Place, program: Program | None) -> Array:
    """A place as an array with an address."""
    found = Array("", place.shape, place.strides, place.dtype)
    if program is None:
        return found
    base = program.pointers[place.buffer]
    return Array(base, place.shape, place.strides, place.dtype).at(program.asm, (place.offset, 1))


def algebra(lowering: Lowering, step: Equation) -> None:
    """Operands in memory, of the results' dtype; results that are in order; a workspace."""
    operands, dtype = [], step.results[0].dtype
    for given in step.operands:
        x = given
        if x.dtype != dtype:
            x = Value(given.shape, dtype)
            lowering.same(given, x)
        operands.append(lowering.unbounded(x))
    results = []
    for y in step.results:
        place = lowering.fresh(y)
        in_order = place.strides == compact(place.shape)
        results.append(place if in_order else lowering.whole(y.shape, y.dtype, "work"))
    nothing = lowering.whole((0,), np.uint8, "work")
    stage = Algebra(step.p.title, step.params, tuple(operands), tuple(results), nothing)
    size = DENSE[step.p.title].scratch(stage.call())
    stage.workspace = lowering.whole((size,), np.uint8, "work")
    lowering.stages.append(stage)
    for y, place in zip(step.results, results, strict=True):
        lowering.known(y, place)


def fits_kernel(step: Equation) -> bool:
    """Whether `dense.py` can, of arrays in order."""
    if not only_arrays(step):
        return False
    dtype = step.results[0].dtype
    operands, results = (
        tuple(Array.whole("", x.shape, dtype) for x in xs) for xs in (step.operands, step.results)
    )
    return not misfit(Call(step.p.title, operands, results, step.params))


RULES |= dict.fromkeys(DENSE, Rule(algebra, fits_kernel))
