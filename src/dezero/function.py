"""`Function`: a user's own primitive, made safe.

A call of an instance runs `forward` on a copy of it, which the recorded call keeps: an instance
may be called again, by itself, or by several threads. The sweep asks that copy's `backward` for
the cotangents, with the inputs as they were. A second derivative is either right or an error: what
`backward` computes behind the boxes' back ends at a `Barrier`.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .box import Box, Kept, as_array, new_level, plain, watch
from .config import no_grad, records
from .core import (
    Node,
    Variable,
    as_variable,
    attach,
    node_of,
    node_over,
    opened,
    revive,
    seeds_of,
    sweep,
)
from .errors import GradientError, GraphError, OperandError
from .memory import read_only
from .primitives import Joint, Primitive, Pulled


class Function:
    """An operation: what `creator` of a result is, and the base of a user's own.

    A subclass writes `forward` on arrays and `backward` on cotangents; an instance is called on
    Variables. Written with NumPy or Variables, `backward` is differentiable again; one that reads
    ``.data``, or whose `forward` stored numbers on ``self``, gives right first derivatives, and
    raises `GraphError` when a second derivative goes through it.

    An instance may be called any number of times, in any thread: each call has its own copy of
    what is on ``self``, and `backward` sees it as `forward` left it. Both get arrays that cannot
    be written into.

    Attributes
    ----------
    inputs, outputs
        The Variables of the latest call; `outputs` as weak references.
    input, output
        The first of each.
    generation : int
        The largest generation of the inputs.

    Examples
    --------
    >>> import dezero as dz
    >>> class Cube(dz.Function):
    ...     def forward(self, x):
    ...         return x**3
    ...     def backward(self, gy):
    ...         (x,) = self.inputs
    ...         return 3 * x**2 * gy
    >>> x = dz.Variable(np.array(2.0))
    >>> Cube()(x).backward()
    >>> print(x.grad)
    12.0
    """

    _last: Last
    _gathered: set[str]  # names that some backward has set

    def forward(self, *xs: Any) -> Any:
        """Compute on arrays: one array, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *gys: Any) -> Any:
        """The inputs' gradients from the outputs': one, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def __call__(self, *inputs: Any) -> Any:
        operands = tuple(x if isinstance(x, Box) else as_array(x) for x in inputs)
        self._check_count(operands)
        if not any(isinstance(x, Box) for x in operands):
            operands = tuple(as_variable(x) for x in operands)
        p = self._primitive()
        outs = p(*operands)
        recorded = records(max(x._level for x in operands if isinstance(x, Box)))
        if recorded or not hasattr(self, "_last"):  # what was recorded stays on view
            ys = outs if isinstance(outs, tuple) else (outs,)
            self._called(Last(tuple(as_variable(x) for x in operands), ys, p), ys[0])
        return outs

    def __getstate__(self) -> Any:
        """Copies and pickles are of the instance, not of its calls."""
        found = state(self)
        slots = {name: found.pop(name) for name in list(found) if name not in vars(self)}
        return found, slots

    def _check_count(self, operands: tuple[Any, ...]) -> None:
        """Refuse a call with a number of inputs that cannot be."""
        if not operands:
            raise OperandError(f"{type(self).__name__} was called without an input")

    def _primitive(self) -> Primitive:
        """What a call of this instance is to boxes."""
        return ByHand(self)

    def _called(self, last: Last, y: Any) -> None:
        """After a call: what to show of it. The call before goes on with its own copy."""
        earlier = self._last.primitive() if hasattr(self, "_last") else None
        if earlier is not None:
            earlier.instance = earlier.worker
            earlier.worker._last = self._last
        self._last = last

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The Variables of the latest call."""
        return self._shown().inputs

    @property
    def outputs(self) -> tuple[weakref.ref[Any], ...]:
        """The results of the latest call, as weak references."""
        return self._shown().outputs

    def _shown(self) -> Last:
        if not hasattr(self, "_last"):
            raise GraphError(f"{type(self).__name__} has not been called: no inputs, no outputs")
        return self._last

    @property
    def input(self) -> Any:
        """The first of `inputs`."""
        return self.inputs[0]

    @property
    def output(self) -> Any:
        """The first of `outputs`, None when nobody holds it any more."""
        return self.outputs[0]()

    @property
    def generation(self) -> int:
        """The largest generation of the inputs."""
        return max((x.generation for x in self.inputs), default=0)

    def node_for(self, variable: Any) -> Node:
        """A node that names this instance as the creator of a Variable."""
        inputs = self._last.inputs if hasattr(self, "_last") else ()
        edges = tuple(node_of(x) for x in inputs)
        node = ByHand(self).node(variable._value, tuple(x._value for x in inputs), edges, {})
        node._variable = weakref.ref(variable)
        return node


class Last:
    """What a `Function` instance saw in its latest call."""

    __slots__ = ("inputs", "outputs", "primitive")

    def __init__(self, inputs: tuple[Any, ...], outs: tuple[Any, ...], p: Any) -> None:
        self.inputs = inputs
        self.outputs = tuple(weakref.ref(y) for y in outs)
        self.primitive = weakref.ref(p)


HIDDEN = ("_last", "_busy", "_gathered")  # ours


@functools.cache
def slots_of(kind: Any) -> tuple[str, ...]:
    """The names that instances of a class keep in slots."""
    return tuple(name for each in kind.__mro__ for name in getattr(each, "__slots__", ()))


def state(instance: Any) -> dict[str, Any]:
    """What is on an instance, by name; also in slots."""
    found: dict[str, Any] = vars(instance).copy()  # at once: other threads may be calling it
    for name in HIDDEN:
        found.pop(name, None)
    kind: Any = type(instance)
    for name in slots_of(kind):
        if hasattr(instance, name):
            found[name] = getattr(instance, name)
    return found


def twin_of(instance: Any, deep: bool = False) -> Any:
    """A copy of an instance; a deep one has arrays and containers of its own."""
    twin = object.__new__(type(instance))
    for name, value in state(instance).items():
        own = deep and isinstance(value, (np.ndarray, list, dict, set))
        object.__setattr__(twin, name, value.copy() if own else value)
    return twin


def update(instance: Any, fresh: dict[str, Any]) -> None:
    """Put values on an instance."""
    for name, value in fresh.items():
        setattr(instance, name, value)


def carries_numbers(value: Any) -> bool:
    """Whether a derivative could depend on a value; whole numbers and names cannot carry one."""
    if isinstance(value, (tuple, list, set)):
        return any(carries_numbers(item) for item in value)
    if isinstance(value, dict):
        return any(carries_numbers(item) for item in value.values())
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind not in "biu"
    return not isinstance(value, (int, str, bytes, slice, np.dtype, type, type(None)))


def changed(before: Any, after: Any) -> bool:
    """Whether an attribute's value is another one, or its own copy was written into."""
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return before.shape != after.shape or not np.array_equal(before, after)
    if isinstance(before, (list, dict)) and type(before) is type(after):
        pair = [each.values() if isinstance(each, dict) else each for each in (before, after)]
        return len(before) != len(after) or any(a is not b for a, b in zip(*pair, strict=True))
    return before is not after


class ByHand(Primitive):
    """One call of a user's `Function` instance, as a primitive.

    Attributes
    ----------
    instance
        What the user sees as `creator`: what was called, or its copy after another call.
    owner
        What the user called, weakly.
    worker
        The copy of it that ran `forward`.
    stored
        Names on ``self`` under which `forward` stored numbers.
    """

    def __init__(self, instance: Function) -> None:
        super().__init__(type(instance).forward, type(instance).__name__)
        self.instance, self.worker = instance, twin_of(instance, deep=True)
        self.owner = weakref.ref(instance)
        self.stored: tuple[str, ...] = ()

    def run(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        before, worker = state(self.instance), self.worker
        worker._busy = True
        outs = worker.forward(*map(read_only, operands))
        del worker._busy
        fresh = {
            name: value
            for name, value in state(worker).items()
            if changed(before.get(name, self), value)
        }
        self.stored = tuple(name for name, value in fresh.items() if carries_numbers(value))
        if not hasattr(self.instance, "_busy"):  # else it is in the middle of its own forward
            update(self.instance, fresh)
        ys = tuple(map(self.checked, outs if isinstance(outs, (tuple, list)) else (outs,)))
        if not ys:
            raise OperandError(f"{self.title}.forward returned no array")
        return ys[0] if len(ys) == 1 else ys

    def checked(self, y: Any) -> Any:
        """A result of forward as a plain array of its own."""
        array = np.asarray(plain(y)) if y is not None else None
        if array is None or array.dtype.kind not in "fciub":
            raise OperandError(f"{self.title}.forward must return arrays, not {type(y)}")
        return array if array.flags.writeable else array.copy()

    def nodes(
        self,
        outs: tuple[Any, ...],
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> tuple[Node, ...]:
        return Call(self, xs, outs, edges).record(outs)

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        """The transpose of `backward`, which is linear in the cotangents."""
        outs = out if isinstance(out, tuple) else (out,)
        edges = tuple(node_over(None, as_array(x), ()) for x in xs)
        call = Call(self, xs, outs, edges)
        _ends = call.record(outs)  # held while the call refers to them weakly
        try:
            tys = transposed(lambda *gs: call.pulled(gs, None), outs, txs)
        except GraphError as error:
            raise GraphError(
                f"{self.title} in forward mode, which is the transpose of its backward: {error}"
            ) from error
        return tys if isinstance(out, tuple) else tys[0]


def transposed(
    f: Callable[..., Sequence[Any]], where: Sequence[Any], given: Sequence[Any]
) -> tuple[Any, ...]:
    """What the transpose of a linear function of arrays like `where` makes of `given`.

    The function is recorded at ones: rules that mask treat what is 0 with care. None in its result
    or in `given` is nothing.
    """
    level = new_level()
    ones = [np.ones(x.shape, x.dtype if x.dtype.kind in "fc" else float) for x in where]
    boxes = [attach(x, None, level) for x in ones]
    with opened(level):
        found = f(*boxes)
    seeds = seeds_of(
        (y, g)
        for y, g in zip(found, given, strict=True)
        if g is not None and isinstance(y, Variable) and y._level == level
    )
    nodes = list(map(node_of, boxes))
    arrived = sweep(seeds) if seeds else {}
    return tuple(
        arrived.get(node, np.zeros(x.shape, x.dtype)) for node, x in zip(nodes, ones, strict=True)
    )


class Call(Joint):
    """What the sweep sees of a user's recorded call: one joint way back from all its results."""

    def __init__(
        self,
        p: ByHand,
        xs: tuple[Any, ...],
        outs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
    ) -> None:
        super().__init__(p, edges)
        self.by_hand, self.xs, self.outs = p, xs, outs

    def seen(self, node: Node) -> Function:
        return self.by_hand.instance

    def kept(self, node: Node) -> tuple[Any, ...]:
        return (*self.xs, *self.outs)

    def pulled(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        if lifted is None and not any(isinstance(each, Box) for each in (*gs, *self.xs)):
            return self.plainly(gs)
        return self.differentiably(gs, lifted)

    def plainly(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        """`backward` on arrays, with the Variables of the call where they still hold its data."""
        last = getattr(self.by_hand.instance, "_last", None)
        held = (
            [*last.inputs, *(y() for y in last.outputs)]
            if last is not None and last.primitive() is self.by_hand
            else [None] * (len(self.xs) + len(self.outs))
        )
        boxes = [
            v if isinstance(v, Variable) and v._value is array else Variable(array)
            for v, array in zip(held, (*self.xs, *self.outs), strict=True)
        ]
        with no_grad():
            return self.checked(self.backward(boxes, tuple(map(read_only, gs))))

    def backward(self, boxes: list[Any], gs: tuple[Any, ...]) -> Any:
        """The call's own copy of the instance, asked for cotangents."""
        p, n = self.by_hand, len(self.xs)
        twin, owner = twin_of(p.worker), p.owner()
        for name in getattr(owner, "_gathered", ()):  # what backward adds up, over all calls
            setattr(twin, name, getattr(owner, name))
        twin._last = Last(tuple(boxes[:n]), tuple(boxes[n:]), p)
        before = state(twin)
        gxs = twin.backward(*gs)
        fresh = {name: v for name, v in state(twin).items() if before.get(name, self) is not v}
        if fresh and owner is not None:
            owner._gathered = {*getattr(owner, "_gathered", ()), *fresh}
            update(owner, fresh)
        return gxs

    def differentiably(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        """`backward` on boxes. What it computes behind their back is made to raise later."""

        def boxed(value: Any, node: Node | None) -> Any:
            if lifted is not None and node is not None:
                return revive(value, node, lifted)
            return value if isinstance(value, Box) else value.view(Kept)

        nodes = self.live(self.outs)
        pairs = zip((*self.xs, *self.outs), (*self.edges, *nodes), strict=True)
        boxes = [boxed(value, node) for value, node in pairs]
        gys = tuple(boxed(as_array(g), None) for g in gs)
        with watch() as seen:
            gxs = self.checked(self.backward(boxes, gys), boxes=True)
        stored = [f"used `self.{name}`, which forward stored" for name in self.by_hand.stored]
        deeds = [*stored, *seen]
        # What forward stored does not depend on the cotangents.
        sources = [each for each in (*boxes, *(gys if seen else ())) if isinstance(each, Box)]
        if not deeds or not sources:
            return gxs
        barrier = Barrier(self.title, deeds[0])
        return tuple(barrier(gx, *sources) for gx in gxs)

    def checked(self, gxs: Any, boxes: bool = False) -> tuple[Any, ...]:
        """One gradient for each input, as arrays; one that is None among several is zero."""
        if gxs is None:
            raise GradientError(
                f"{self.title}.backward returned None: a return is missing, or say zero in numbers"
            )
        gxs = tuple(gxs) if isinstance(gxs, (tuple, list)) else (gxs,)
        if len(gxs) != len(self.edges):
            raise GradientError(
                f"{self.title}.backward returned {len(gxs)} gradients for {len(self.edges)} "
                f"inputs of shapes {', '.join(str(np.shape(x)) for x in self.xs)}"
            )
        found = []
        for gx, edge in zip(gxs, self.edges, strict=True):
            if gx is None and edge is not None:
                gx = np.zeros(edge.shape, edge.dtype)
            gx = gx if boxes and isinstance(gx, Box) else np.asarray(plain(gx))
            if edge is not None and gx.dtype.kind not in "fciub":
                raise GradientError(f"{self.title}.backward returned {gx!r}, which is no array")
            found.append(gx)
        return tuple(found)


class Barrier(Primitive):
    """Lets a value pass, and refuses its derivative by what it was secretly computed from."""

    def __init__(self, title: str, deed: str) -> None:
        super().__init__(lambda gx, *_sources: gx, title, joint=True)
        self.deed = deed

    def refuse(self) -> GraphError:
        return GraphError(
            f"{self.title}.backward {self.deed}: its gradient cannot be differentiated again. "
            "Write backward with `self.inputs` as Variables, or with np. functions of them"
        )

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> Node:
        return node_over(self, out, edges)

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        raise self.refuse()

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        raise self.refuse()
