"""Loop nests: what is computed at each index of a shape, and where it goes.

One nest is one pass over memory. Its steps are elementwise equations whose results stay in
registers; what it ends in are stores and reductions. One axis runs over vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...ir.steps import Equation, Value
from .instructions import elementary
from .kinds import Dtype
from .places import Place

if TYPE_CHECKING:
    from .program import Program


@dataclass(frozen=True)
class Computed:
    """An elementwise equation, with the dtypes of NumPy's loop: operands, then result."""

    equation: Equation
    loop: tuple[Dtype, ...]

    @property
    def result(self) -> Value:
        return self.equation.results[0]

    @property
    def needs(self) -> list[Value]:
        """The values that it is computed from."""
        return [x for x in self.equation.operands if isinstance(x, Value)]


@dataclass(frozen=True)
class Reduction:
    """A value from all that are computed along some axes.

    Attributes
    ----------
    operands : tuple of Value
        The second, if there is one, says where each number is from.
    dtype : dtype
        In which it is computed.
    """

    title: str
    operands: tuple[Value, ...]
    dtype: Dtype
    place: Place


@dataclass(frozen=True)
class Lookup:
    """Numbers at places that are computed: read, or added to.

    Attributes
    ----------
    value : Value
        What is read; or what is added.
    place : Place
        The array, seen in the nest's shape, at the first place of each axis that is looked up in.
    rows : tuple of (Value, int)
        The places along such axes, with the stride there.
    allowed : Value or None
        Whether a place is within the array.
    """

    value: Value
    place: Place
    rows: tuple[tuple[Value, int], ...]
    allowed: Value | None

    @property
    def result(self) -> Value:
        return self.value

    @property
    def needs(self) -> list[Value]:
        """The values that say where."""
        rows = [row for row, _ in self.rows]
        return rows if self.allowed is None else [*rows, self.allowed]


@dataclass(eq=False)
class Nest:
    """A pass over the indices of a shape.

    Attributes
    ----------
    shape : tuple of int
    steps : list of Computed, Lookup
    reads : dict
        The places of values that are read from memory, seen in this shape.
    stores : list of (Value, Place)
    reductions : list of Reduction
    axes : frozenset of int or None
        Those that are reduced.
    deposits : list of Lookup
        What is added at places that are computed.
    running : list of Reduction
        Those of which all that there is on the way is stored.
    made : set of Value
        What the steps compute.
    """

    shape: tuple[int, ...]
    steps: list[Computed | Lookup] = field(default_factory=list)
    reads: dict[Value, Place] = field(default_factory=dict)
    stores: list[tuple[Value, Place]] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)
    axes: frozenset[int] | None = None
    deposits: list[Lookup] = field(default_factory=list)
    running: list[Reduction] = field(default_factory=list)
    made: set[Value] = field(default_factory=set)

    def add(self, step: Computed | Lookup) -> None:
        """Compute one more value."""
        self.steps.append(step)
        self.made.add(step.result)

    @property
    def gathering(self) -> list[Reduction]:
        """All that is gathered."""
        return [*self.reductions, *self.running]

    @property
    def lookups(self) -> list[Lookup]:
        return [*(s for s in self.steps if isinstance(s, Lookup)), *self.deposits]

    @property
    def places(self) -> list[Place]:
        """All that the nest reads and stores, in its own shape."""
        stores = (place for _, place in self.stores)
        others = [each.place for each in self.lookups] + [each.place for each in self.running]
        return [*self.reads.values(), *stores, *others]

    @property
    def touched(self) -> list[Place]:
        """All that the nest reads and writes."""
        return [*self.places, *(each.place for each in self.reductions)]

    def write(self, program: Program) -> None:
        if math.prod(self.shape) or self.reductions:
            program.nest(self)


# ---------------------------------------------------------------------------- axes


@dataclass
class Axis:
    """One loop of a nest.

    Attributes
    ----------
    extent : int
    reduced : bool
    strides : list of int
        Of the places, in their order.
    bounds : list
        Of the places: a pair, or None.
    """

    extent: int
    reduced: bool
    strides: list[int]
    bounds: list[tuple[int, int] | None]


def axes_of(nest: Nest) -> list[Axis]:
    """The loops of a nest, adjacent axes as one where all places allow."""
    axes: list[Axis] = []
    reduced = nest.axes or frozenset()
    for k, extent in enumerate(nest.shape):
        bounds = [
            place.bounds[k] if place.bounds and place.bounds[k] != (0, extent) else None
            for place in nest.places
        ]
        new = Axis(extent, k in reduced, [place.strides[k] for place in nest.places], bounds)
        if extent == 1 and not any(bounds):
            continue
        if axes and joins(axes[-1], new):
            new.extent *= axes[-1].extent
            axes[-1] = new
        else:
            axes.append(new)
    return axes


def joins(outer: Axis, inner: Axis) -> bool:
    """Whether two axes are one for every place."""
    if outer.reduced != inner.reduced or any(outer.bounds) or any(inner.bounds):
        return False
    pairs = zip(outer.strides, inner.strides, strict=True)
    return all(a == b * inner.extent for a, b in pairs)


# ---------------------------------------------------------------------------- which axis


PLAIN, COSTLY, APART, ACROSS = 1, 20, 10, 15
"""What a step costs in a vector; an elementary function; numbers that lie apart; a reduction across
lanes. Only their order of size matters."""


FEW = 8
"""Numbers that are written one by one."""

BRIEF = 256
"""Numbers that are over too soon for it to matter how fast each is."""


def vectors_for(nest: Nest, axes: list[Axis], vector_bytes: int) -> tuple[Axis | None, int]:
    """The axis that runs over vectors, and the numbers in one.

    Most often the last, where numbers lie side by side; if that is short, perhaps another.
    """
    if not axes or nest.deposits or small(nest):
        return (axes[-1] if axes else None), 1
    # What one half of a double vector waits for, the other fills; but it takes longer to compile.
    most = (1 + (math.prod(nest.shape) > BRIEF)) * vector_bytes // largest(nest)
    if axes[-1].extent >= 2 * most and not (nest.running and axes[-1].reduced):
        return axes[-1], most
    able = [a for a in axes if not (nest.running and a.reduced)]
    if not able:
        return axes[-1], 1
    best = min(reversed(able), key=lambda axis: cost(nest, axis, most))
    return best, width_of(best, most)


def small(nest: Nest) -> bool:
    """Whether a nest is written number by number, without a loop."""
    titles = (step.equation.p.title for step in nest.steps if isinstance(step, Computed))
    return math.prod(nest.shape) <= (2 if any(map(elementary, titles)) else FEW)


def width_of(axis: Axis, most: int) -> int:
    """The numbers in a vector along an axis: as many as a register holds, or as are needed."""
    needed = 1 << (axis.extent - 1).bit_length() if axis.extent > 1 else 1
    return max(1, min(most, needed))


def cost(nest: Nest, axis: Axis, most: int) -> float:
    """What the nest costs for one number along all other axes, in vectors along this one."""
    vectors = -(-axis.extent // width_of(axis, most))
    apart = sum(stride not in (0, 1) for stride in axis.strides)
    across = ACROSS * len(nest.reductions) if axis.reduced else 0
    each = work(nest) + PLAIN * len(axis.strides) + APART * apart
    return (vectors * each + across) / max(axis.extent, 1)


def work(nest: Nest) -> int:
    """What the steps cost for one vector."""
    titles = [step.equation.p.title for step in nest.steps if isinstance(step, Computed)]
    return sum(COSTLY if elementary(title) else PLAIN for title in titles)


def largest(nest: Nest) -> int:
    """The bytes of the largest numbers that the nest has in registers."""
    dtypes = [place.dtype for place in nest.places]
    dtypes += [d for step in nest.steps if isinstance(step, Computed) for d in step.loop]
    dtypes += [x.dtype for each in nest.reductions for x in each.operands]
    dtypes += [each.dtype for each in (*nest.reductions, *nest.running)]
    return max((d.itemsize for d in dtypes), default=8)
