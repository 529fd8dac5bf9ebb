"""The derivative by numerical differences, and how far the automatic one is from it.

Each entry is moved by four small steps (a central difference of 4th order). Where that agrees
badly, other step sizes are tried, and the one that agrees best with its neighbour is taken: the
choice looks at the differences alone, never at the automatic derivative.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, overload

import numpy as np

__all__ = ["Check", "Entry", "Slot", "Slots", "check"]

# Relative, by the bytes of the coarsest real number among the arguments.
TOLERANCE = {2: 5e-2, 4: 1e-3, 8: 1e-6}
TINY = float(np.finfo(float).tiny)
STEP = float(np.finfo(float).eps) ** 0.2  # where the errors of rounding and of the formula meet
MOST_STEPS = 16
UNRESOLVED = 1e-3  # differences that agree no better than this with each other decide nothing

Function = Callable[[list[Any]], float]  # of the leaves of all arguments
Along = Callable[[float], float]  # of one entry's displacement


class Slope(NamedTuple):
    """A numerical derivative: its rounding noise, and how far another step's slope is from it."""

    value: float
    noise: float
    moved: bool
    gap: float = 0.0


UNKNOWN = Slope(math.nan, math.inf, False, math.inf)


@dataclass(frozen=True)
class Slot:
    """A real number: entry `index` of leaf `leaf`; where `unit` is 1j, its imaginary part."""

    leaf: int
    index: int
    unit: complex = 1.0


@dataclass(frozen=True)
class Entry:
    """Both derivatives by one number, and the tolerance that the differences can resolve."""

    slot: Slot
    automatic: float
    numerical: float
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance

    @property
    def size(self) -> float:
        return max(abs(self.automatic), abs(self.numerical))

    @property
    def badness(self) -> float:
        return self.error / self.tolerance


@dataclass
class Check:
    """What the comparison found. `seconds` is for all `total` entries, also when sampled."""

    total: int
    tolerance: float
    checked: int = 0
    failed: int = 0
    seconds: float = 0.0
    max_error: float = 0.0
    worst: Entry | None = None
    flat: set[int] = field(default_factory=set)  # leaves along which the value did not move at all

    @property
    def passed(self) -> bool:
        return self.failed == 0

    def add(self, entry: Entry) -> None:
        self.checked += 1
        self.failed += not entry.passed
        self.max_error = max(self.max_error, entry.error)
        if self.worst is None or entry.badness > self.worst.badness:
            self.worst = entry


class Slots(Sequence[Slot]):
    """Every real number of `leaves`, in order, without making a list of millions."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self.parts = [2 if np.iscomplexobj(leaf) else 1 for leaf in leaves]
        sizes = [np.size(leaf) * parts for leaf, parts in zip(leaves, self.parts, strict=True)]
        self.ends = list(accumulate(sizes))

    def __len__(self) -> int:
        return self.ends[-1]

    @overload
    def __getitem__(self, key: int) -> Slot: ...
    @overload
    def __getitem__(self, key: slice) -> list[Slot]: ...
    def __getitem__(self, key: int | slice) -> Slot | list[Slot]:
        if isinstance(key, slice):
            return [self[k] for k in range(*key.indices(len(self)))]
        if key >= len(self):
            raise IndexError(key)
        leaf = bisect_right(self.ends, key)
        index = key - (self.ends[leaf - 1] if leaf else 0)
        parts = self.parts[leaf]
        return Slot(leaf, index // parts, 1j if index % parts else 1.0)


def check(
    function: Function,
    leaves: Sequence[Any],
    gradients: Sequence[Any],
    chosen: Iterable[Slot],
    total: int,
    tolerance: float | None,
) -> Check:
    """Compare `gradients` of `function` with differences, at the `chosen` of `total` slots."""
    size = min(_real_bytes(leaf) for leaf in leaves)
    result = Check(total, TOLERANCE.get(size, 1e-6) if tolerance is None else tolerance)
    exact = [_double(leaf) for leaf in leaves]
    typical = [float(np.mean(np.abs(leaf))) for leaf in exact]
    moving: set[int] = set()
    for slot in chosen:
        x, automatic = _part(exact[slot.leaf], slot), _part(gradients[slot.leaf], slot)
        along = _along(function, exact, slot)
        usual = 0.1 * typical[slot.leaf] if math.isfinite(typical[slot.leaf]) else 0.0
        scale = max(abs(x), usual) or 1.0
        start = time.perf_counter()
        slope = _difference(along, STEP * scale)
        result.seconds += time.perf_counter() - start
        entry = _entry(slot, automatic, slope, result.tolerance)
        if entry.error > 0.01 * result.tolerance or slope.noise > result.tolerance * entry.size:
            entry = _entry(slot, automatic, _best(along, x, scale), result.tolerance)
        result.add(entry)
        if slope.moved:
            moving.add(slot.leaf)
    result.flat = set(range(len(leaves))) - moving if result.checked == total else set()
    result.seconds *= total / max(result.checked, 1)
    return result


def _double(leaf: Any) -> Any:
    """The leaf in float64 or complex128: differences in single precision tell too little."""
    array = np.asarray(leaf)
    return array.astype(np.result_type(array.dtype, np.float64))


def _real_bytes(leaf: Any) -> int:
    dtype = np.asarray(leaf).dtype
    return dtype.itemsize // (2 if dtype.kind == "c" else 1)


def _part(gradient: Any, slot: Slot) -> float:
    entry = np.asarray(gradient).reshape(-1)[slot.index]
    return float(entry.imag if slot.unit == 1j else entry.real)


def _along(function: Function, leaves: list[Any], slot: Slot) -> Along:
    leaf = leaves[slot.leaf]

    def along(step: float) -> float:
        moved = leaf.copy()
        moved.reshape(-1)[slot.index] += slot.unit * step
        return function([*leaves[: slot.leaf], moved[()], *leaves[slot.leaf + 1 :]])

    return along


def _difference(along: Along, step: float) -> Slope:
    """The slope at 0, to 4th order in the step."""
    if not math.isfinite(step):
        return UNKNOWN
    step = 2.0 ** round(math.log2(step))  # so that adding it rounds nothing away
    values = [along(step), along(-step), along(2 * step), along(-2 * step)]
    near, far = values[0] - values[1], values[2] - values[3]
    noise = 4 * float(np.finfo(float).eps) * max(map(abs, values)) / step
    return Slope((8 * near - far) / (12 * step), noise, len(set(values)) > 1)


def _best(along: Along, x: float, scale: float) -> Slope:
    """The slope at the step where noise and gap are least, from far above `scale` to below `x`."""
    largest, least = 8 * STEP * max(scale, 1.0), STEP * (abs(x) or scale) / 1000
    if not math.isfinite(largest):
        return UNKNOWN
    count = min(MOST_STEPS, math.ceil(math.log(largest / least, 8)))
    tries = [_difference(along, largest / 8**k) for k in range(count + 1)]
    pairs = [b._replace(gap=abs(b.value - a.value)) for a, b in pairwise(tries)]
    finite = [slope for slope in pairs if math.isfinite(slope.gap)]
    return min(finite, key=lambda slope: slope.gap + slope.noise, default=UNKNOWN)


def _entry(slot: Slot, automatic: float, slope: Slope, tolerance: float) -> Entry:
    """The relative error, where a derivative below the noise counts as zero."""
    size = max(abs(automatic), abs(slope.value))
    error = abs(automatic - slope.value) / max(size, slope.noise / tolerance, TINY)
    resolved = 2 * slope.gap / size if size > 0 and slope.gap < UNRESOLVED * size else 0.0
    error = math.inf if math.isnan(error) else error
    return Entry(slot, automatic, slope.value, error, max(tolerance, resolved))
