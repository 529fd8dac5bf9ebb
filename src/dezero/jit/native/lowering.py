"""From a graph to machine code: which loops there are, and where the numbers lie between them.

`Lowering` takes the equations of a graph one after the other and makes stages of them: mostly loop
nests (`nests.py`). An elementwise equation joins the first nest of its shape that runs when its
operands are there; then they stay in registers. Views of arrays are never computed: they are
places that are read. A value gets memory only when something needs it there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...ir.graph import Graph
from ...ir.steps import Equation, Value
from ...rows import TABLE
from .assembly import Assembly, module
from .instructions import fits, loop_of
from .lanes import handles
from .nests import Nest, Reduction, Step, Writer
from .places import Buffer, Place, compact
from .reductions import REDUCTIONS

ON_STACK = 1 << 15
"""Bytes between the stages that are kept on the stack; more are asked for."""

ALIGNED = 64


class Lowering:
    """The stages of a graph, and where its values lie.

    Attributes
    ----------
    stages : list of Nest
    places : dict
        Where the values lie that are in memory.
    ready : dict
        The stage from which on they do.
    home : dict
        The stage in whose registers the others are.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stages: list[Nest] = []
        self.places: dict[Value, Place] = {}
        self.ready: dict[Value, int] = {}
        self.home: dict[Value, int] = {}
        self.constants: list[np.ndarray[Any, Any]] = []
        self.weak = weak_inputs(graph)
        self.outputs = {y: k for k, y in reversed([*enumerate(graph.outputs)])}
        for k, x in enumerate(graph.inputs):
            self.known(x, self.whole(x.shape, x.dtype, "input", k), 0)
        for step in graph.steps:
            assert isinstance(step, Equation)
            self.equation(step)
        for k, y in enumerate(graph.outputs):
            self.output(y, k)

    # ---- memory ----

    def whole(self, shape: Any, dtype: Any, role: str, number: int = 0) -> Place:
        """All of a new buffer."""
        buffer = Buffer(role, math.prod(shape), np.dtype(dtype), number)
        return Place(buffer, 0, compact(shape), tuple(shape))

    def known(self, value: Value, place: Place, ready: int) -> Place:
        self.places[value], self.ready[value] = place, ready
        return place

    def fresh(self, value: Value) -> Place:
        """Memory for a value: where the caller wants it, if it is a result."""
        if value in self.outputs:
            return self.whole(value.shape, value.dtype, "output", self.outputs[value])
        return self.whole(value.shape, value.dtype, "work")

    def memory(self, value: Value) -> Place:
        """Where a value lies; it is stored if it was in registers."""
        if value not in self.places:
            home = self.home[value]
            place = self.known(value, self.fresh(value), home + 1)
            self.stages[home].stores.append((value, place))
        return self.places[value]

    def constant(self, x: np.ndarray[Any, Any]) -> Value:
        """An array that is part of the program, as a value."""
        self.constants.append(np.ascontiguousarray(x))
        value = Value(x.shape, x.dtype)
        self.known(value, self.whole(x.shape, x.dtype, "constant", len(self.constants) - 1), 0)
        return value

    def compacted(self, value: Value) -> Place:
        """A copy of a value that is an array in order."""
        place = self.whole(value.shape, value.dtype, "work")
        self.copied(value, place)
        return place

    def copied(self, value: Value, place: Place) -> None:
        """Copy a value to a place."""
        nest = self.stages[self.nest(value.shape, [value])]
        if value not in nest.reads and not self.inside(value, nest):
            nest.reads[value] = self.memory(value)
        nest.stores.append((value, place))

    # ---- nests ----

    def inside(self, value: Value, nest: Nest) -> bool:
        """Whether a value is in the registers of a nest."""
        home = self.home.get(value)
        return home is not None and self.stages[home] is nest

    def nest(self, shape: tuple[int, ...], operands: list[Value]) -> int:
        """The number of the first nest of a shape that has operands at hand; a new one if none."""
        low = 0
        for x in operands:
            home = self.home.get(x)
            if home is None:
                low = max(low, self.ready[x])
            else:
                low = max(low, home if x.shape == shape else home + 1)
        for k in range(low, len(self.stages)):
            if isinstance(self.stages[k], Nest) and self.stages[k].shape == shape:
                return k
        self.stages.append(Nest(shape))
        return len(self.stages) - 1

    def read(self, value: Value, nest: Nest) -> None:
        """See to it that a nest has a value."""
        if value in nest.reads or (self.inside(value, nest) and value.shape == nest.shape):
            return
        nest.reads[value] = self.memory(value).broadcast(nest.shape)

    # ---- equations ----

    def equation(self, step: Equation) -> None:
        """Lower one equation, with arrays among its operands as values."""
        operands = tuple(
            self.constant(x) if isinstance(x, np.ndarray) and x.ndim else x for x in step.operands
        )
        step = Equation(step.p, operands, step.params, step.results, step.line)
        RULES.get(step.p.title, Lowering.pointwise)(self, step)

    def make(self, title: str, operands: tuple[Any, ...], result: Value, **params: Any) -> Value:
        """Lower an equation that is part of another one."""
        self.equation(Equation(TABLE[title], operands, params, (result,)))
        return result

    def pointwise(self, step: Equation) -> None:
        (result,) = step.results
        operands = [x for x in step.operands if isinstance(x, Value)]
        for x in operands:
            if x.shape != result.shape and x in self.places and self.places[x].bounds:
                self.known(x, self.compacted(x), len(self.stages))
        nest_number = self.nest(result.shape, operands)
        nest = self.stages[nest_number]
        for x in operands:
            self.read(x, nest)
        loop = loop_for(step, self.weak)
        assert loop is not None
        nest.steps.append(Step(step, tuple(loop)))
        self.home[result] = nest_number

    def view(self, step: Equation) -> None:
        """Something that NumPy shows of an array without computing."""
        (x, *_), (result,) = step.operands, step.results
        fn = functools.partial(step.p.fn, **step.params)
        place, ready = self.memory(x).view(fn), self.ready[x]
        if place is None:
            place, ready = self.compacted(x).view(fn), len(self.stages)
        assert place is not None, step
        self.known(result, place, ready)

    def alias(self, step: Equation) -> None:
        """The same numbers under another name."""
        (x,), (result,) = step.operands, step.results
        if x in self.places:
            self.known(result, self.places[x], self.ready[x])
        else:
            self.cast(step)

    def cast(self, step: Equation) -> None:
        """The same numbers as another dtype."""
        (x,), (result,) = step.operands, step.results
        number = self.nest(result.shape, [x])
        nest = self.stages[number]
        self.read(x, nest)
        same = Equation(TABLE["positive"], (x,), {}, (result,))
        nest.steps.append(Step(same, (result.dtype, result.dtype)))
        self.home[result] = number

    def reduction(self, step: Equation) -> None:
        (x,), (result,) = step.operands, step.results
        title, dtype = step.p.title, result.dtype
        if title in ("all", "any"):
            dtype = np.dtype(bool)
        if title == "count_nonzero":
            x = self.make("not_equal", (x, 0), Value(x.shape, np.dtype(bool)))
        axes = frozenset(normalize_axis_tuple(axes_in(step, x), x.ndim))
        count = math.prod(x.shape[k] for k in axes)
        target = result
        if title == "mean":
            title, target = "sum", Value(result.shape, dtype)
        number = self.nest_reducing(x, axes)
        nest = self.stages[number]
        nest.axes = axes
        self.read(x, nest)
        place = self.known(target, self.fresh(target), number + 1)
        nest.reductions.append(Reduction(title, x, dtype, place))
        if target is not result:
            self.make("divide", (target, dtype.type(count)), result)

    def nest_reducing(self, x: Value, axes: frozenset[int]) -> int:
        """A nest that has a value, and reduces these axes if any."""
        number = self.nest(x.shape, [x])
        for k in range(number, len(self.stages)):
            nest = self.stages[k]
            if nest.shape == x.shape and nest.axes in (None, axes):
                return k
        self.memory(x)
        self.stages.append(Nest(x.shape))
        return len(self.stages) - 1

    def scatter(self, step: Equation) -> None:
        """Zeros, but for a part that shows through bounds; or a copy into them."""
        (g,), (result,) = step.operands, step.results
        shape, index = step.params["shape"], step.params["index"]
        place = self.memory(g)
        found = framed(place, index, shape)
        if found is not None:
            self.known(result, found, self.ready[g])
            return
        target = self.fresh(result)
        zeros = Value(result.shape, result.dtype)
        self.filled(0, zeros)
        self.copied(zeros, target)
        part = target.view(lambda a: a[index])
        assert part is not None
        nest = Nest(part.shape, reads={g: place.broadcast(part.shape)}, stores=[(g, part)])
        self.stages.append(nest)
        self.known(result, target, len(self.stages))

    def filled(self, x: Any, value: Value) -> None:
        """A number everywhere."""
        step = Equation(TABLE["positive"], (value.dtype.type(x),), {}, (value,))
        self.home[value] = self.nest(value.shape, [])
        self.stages[self.home[value]].steps.append(Step(step, (value.dtype, value.dtype)))

    def fill(self, step: Equation) -> None:
        """`zeros_like` and `ones_like`."""
        self.filled(step.p.title == "ones_like", step.results[0])

    def joining(self, step: Equation) -> None:
        """`concatenate` and `stack`: each part is stored where it belongs."""
        (result,) = step.results
        axis = step.params["axis"]
        target = self.fresh(result)
        stacked = step.p.title == "stack"
        start = 0
        for x in step.operands:
            size = 1 if stacked else x.shape[axis]
            place = target.view(functools.partial(part_of, axis, start, size, stacked))
            assert place is not None
            start += size
            if place.size:
                self.copied(x, place)
        self.known(result, target, len(self.stages))

    def output(self, y: Value, k: int) -> None:
        """See to it that a result is in its own memory."""
        if y not in self.places:
            self.memory(y)
        place = self.places[y]
        if not (place.whole and place.buffer.role == "output" and place.buffer.number == k):
            self.copied(y, self.whole(y.shape, y.dtype, "output", k))


def part_of(axis: int, start: int, size: int, stacked: bool, x: Any) -> Any:
    """A part of an array along an axis."""
    axis %= x.ndim
    index = (slice(None),) * axis
    return x[(*index, start)] if stacked else x[(*index, slice(start, start + size))]


def framed(place: Place, index: Any, shape: tuple[int, ...]) -> Place | None:
    """An array with zeros around it, if the index is made of slices that step by 1."""
    index = index if isinstance(index, tuple) else (index,)
    if place.bounds or len(index) > len(shape):
        return None
    if not all(isinstance(k, slice) for k in index) or len(place.shape) != len(shape):
        return None
    index = (*index, *(slice(None),) * (len(shape) - len(index)))
    ranges = [k.indices(n) for k, n in zip(index, shape, strict=True)]
    if any(step != 1 for _, _, step in ranges):
        return None
    bounds = tuple((r[0], n) for r, n in zip(ranges, place.shape, strict=True))
    strides = tuple(s if n > 1 else 0 for s, n in zip(place.strides, place.shape, strict=True))
    return Place(place.buffer, place.offset, strides, shape, bounds)


def axes_in(step: Equation, x: Value) -> tuple[int, ...]:
    """The axes that a reduction is over."""
    axis = step.params.get("axis")
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if np.ndim(axis) == 0 else tuple(axis)


def weak_inputs(graph: Graph) -> dict[Value, type]:
    """The inputs that are Python's numbers, whose dtype gives way to that of arrays."""
    return {
        x: type(given)
        for x, given in zip(graph.inputs, graph.example, strict=False)
        if isinstance(given, (bool, int, float))
    }


def loop_for(step: Equation, weak: dict[Value, type]) -> list[Any] | None:
    """The dtypes in which NumPy would compute an elementwise equation."""
    dtypes: list[Any] = []
    for x in step.operands:
        if isinstance(x, Value):
            dtypes.append(weak.get(x, x.dtype))
        elif type(x) in (bool, int, float):
            dtypes.append(type(x))
        elif isinstance(x, (np.generic, np.ndarray)):
            dtypes.append(x.dtype)
        else:
            return None
    return loop_of(step.p.title, dtypes, step.results[0].dtype)


# ---------------------------------------------------------------------------- what can be lowered


VIEWS = {
    "getitem", "reshape", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims",
    "broadcast_to", "flip",
}  # fmt: skip

RULES: dict[str, Callable[[Lowering, Equation], None]] = {
    **dict.fromkeys(VIEWS, Lowering.view),
    **dict.fromkeys((*REDUCTIONS, "mean"), Lowering.reduction),
    "astype": Lowering.cast,
    "copy": Lowering.alias,
    "stop_gradient": Lowering.alias,
    "real": Lowering.alias,
    "scatter": Lowering.scatter,
    "zeros_like": Lowering.fill,
    "ones_like": Lowering.fill,
    "concatenate": Lowering.joining,
    "stack": Lowering.joining,
}
"""How equations are lowered that are not elementwise."""


def basic(index: Any) -> bool:
    """Whether an index picks a part of an array that is not computed."""
    each = index if isinstance(index, tuple) else (index,)
    plain = (slice, int, np.integer, type(None), type(Ellipsis))
    return all(isinstance(k, plain) and not isinstance(k, bool) for k in each)


def lowers(step: Equation, weak: dict[Value, type]) -> bool:
    """Whether an equation can be machine code."""
    title = step.p.title
    if TABLE.get(title) is not step.p or len(step.results) != 1 or step.parts:
        return False
    values = [*step.reads, *step.results]
    arrays = [x for x in step.operands if isinstance(x, np.ndarray)]
    if not all(handles(x.dtype) for x in (*values, *arrays)):
        return False
    if title in RULES:
        check = CHECKS.get(title, lambda step: only(step))
        return check(step)
    return not step.params and fits(title, loop_for(step, weak), step.results[0].dtype)


def only(step: Equation) -> bool:
    """Whether all operands are values."""
    return all(isinstance(x, Value) for x in step.operands)


def check_reduction(step: Equation) -> bool:
    if not only(step) or not set(step.params) <= {"axis", "keepdims"}:
        return False
    (x,) = step.operands
    if step.p.title in ("max", "min") and not math.prod(x.shape):
        return False
    if step.p.title in ("max", "min"):
        return bool(x.dtype == step.results[0].dtype)
    if step.p.title == "mean":
        return x.dtype.kind == "f" and step.results[0].dtype == x.dtype and x.dtype.itemsize > 2
    return True


def check_index(step: Equation) -> bool:
    return only(step) and basic(step.params["index"])


def check_joining(step: Equation) -> bool:
    return only(step) and all(x.dtype == step.results[0].dtype for x in step.operands)


def check_cast(step: Equation) -> bool:
    (x,), (y,) = step.operands, step.results
    if not isinstance(x, Value):
        return False
    whole = x.dtype.kind == "f" and y.dtype.kind in "iu"
    return not whole or y.dtype in (np.dtype("i8"), np.dtype("i4"))


CHECKS: dict[str, Callable[[Equation], bool]] = {
    **dict.fromkeys((*REDUCTIONS, "mean"), check_reduction),
    "getitem": check_index,
    "scatter": check_index,
    "reshape": lambda step: only(step) and step.params.get("order", "C") == "C",
    "concatenate": check_joining,
    "stack": check_joining,
    "astype": check_cast,
    "real": lambda step: only(step) and step.results[0].dtype.kind == "f",
    "zeros_like": lambda step: not step.params,
    "ones_like": lambda step: not step.params,
}


# ---------------------------------------------------------------------------- the text


def planned(stages: list[Nest]) -> int:
    """Give each work buffer its part of the memory between the stages; the bytes that are needed.

    Two of them share memory if one is read for the last time before the other is written.
    """
    spans: dict[Buffer, list[int]] = {}
    for k, nest in enumerate(stages):
        for place in (*nest.places, *(each.place for each in nest.reductions)):
            if place.buffer.role == "work":
                spans.setdefault(place.buffer, [k, k])[1] = k
    taken: list[tuple[int, int, Buffer]] = []  # end, offset, buffer
    most = 0
    for buffer, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        taken = [each for each in taken if each[0] >= start]
        size = -(-buffer.bytes // ALIGNED) * ALIGNED
        offset = 0
        for _, begins, other in sorted(taken, key=lambda each: each[1]):
            if offset + size <= begins:
                break
            offset = max(offset, begins + -(-other.bytes // ALIGNED) * ALIGNED)
        buffer.number = offset
        taken.append((end, offset, buffer))
        most = max(most, offset + size)
    return most


class Pointers(dict[Buffer, str]):
    """The addresses of buffers, loaded when they are first asked for."""

    def __init__(self, asm: Assembly, starts: dict[str, int], work: str) -> None:
        super().__init__()
        self.asm, self.starts, self.work = asm, starts, work
        self.at: dict[tuple[str, int], str] = {}

    def __missing__(self, buffer: Buffer) -> str:
        key = buffer.role, buffer.number
        if buffer.role == "work":
            where = f"getelementptr i8, ptr {self.work}, i64 {buffer.number}"
            return self.asm(where)
        if key not in self.at:
            slot = self.starts[buffer.role] + buffer.number
            name = f"%a{slot}"
            place = f"getelementptr ptr, ptr %arrays, i64 {slot}"
            self.asm.first += [f"  {name}s = {place}", f"  {name} = load ptr, ptr {name}s"]
            self.at[key] = name
        return self.at[key]


def written(lowering: Lowering, vector_bytes: int) -> Assembly:
    """The kernel as text: ``i32 @kernel(ptr %arrays)``, of inputs, outputs and constants."""
    asm = Assembly("i32 @kernel(ptr %arrays)")
    graph = lowering.graph
    starts = {"input": 0, "output": len(graph.inputs)}
    starts["constant"] = starts["output"] + len(graph.outputs)
    size = planned(lowering.stages)
    work = block = ""
    if size > ON_STACK:
        block = asm.call("ptr", "@malloc", f"i64 {size + ALIGNED}")
        past = asm(f"getelementptr i8, ptr {block}, i64 {ALIGNED - 1}")
        work = asm.call("ptr", "@llvm.ptrmask.p0.i64", f"ptr {past}", f"i64 {-ALIGNED}")
    elif size:
        work = "%work"
        asm.first.append(f"  %work = alloca [{size} x i8], align {ALIGNED}")
    pointers = Pointers(asm, starts, work)
    for nest in lowering.stages:
        Writer(asm, nest, pointers, vector_bytes).write()
    if block:
        asm.call("void", "@free", f"ptr {block}")
    asm.do("ret i32 0")
    return asm


def text_of(graph: Graph, vector_bytes: int) -> tuple[str, list[np.ndarray[Any, Any]], list[str]]:
    """The module of a graph, the arrays that are part of it, and the functions that it calls."""
    lowering = Lowering(graph)
    asm = written(lowering, vector_bytes)
    calls = [
        name[1:]
        for name, text in asm.outside.items()
        if text.startswith("declare") and not name.startswith("@llvm.")
    ]
    return module(asm), lowering.constants, calls
