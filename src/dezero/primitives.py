"""What is called on boxes: the primitive, and `Function`, a user's own primitive.

The rows of the table (`rows.py`) are primitives whose derivative is a line of NumPy. A user's
`Function` is one too: its instance is wrapped in a `ByHand`, its recorded call is a `Call`, and the
sweep asks the instance's `backward` for the cotangents. What makes that safe is here: an
instance may be called again, its inputs' data may be rebound, and a second derivative is
either right or an error.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import operator
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from .core import (
    Box,
    Edge,
    Node,
    Variable,
    as_array,
    as_variable,
    attach,
    edge_of,
    new,
    no_grad,
    plain,
    revive,
)
from .errors import (
    BoundsError,
    DeZeroError,
    GradientError,
    GraphError,
    OperandError,
    ShapeError,
    ThreadError,
)


@functools.cache
def items(n: int) -> tuple[Callable[..., Any], ...]:
    """The rules of a node whose cotangents come all at once: take the k-th."""
    return tuple(operator.itemgetter(k) for k in range(n))


class Primitive:
    """A function of arrays, and what boxes need to know of it.

    Called on boxes, the box of the highest level says what it means (`Box.process`); called on
    plain arrays, it is `fn`.

    Attributes
    ----------
    fn : callable
        The function on plain arrays.
    title : str
        The name in messages, graphs and tables.
    """

    nondifferentiable = False

    def __init__(self, fn: Callable[..., Any], title: str) -> None:
        self.fn, self.title = fn, title

    def __call__(self, *operands: Any, **params: Any) -> Any:
        level = -1
        top = None
        for x in operands:
            if isinstance(x, Box) and x._level > level:
                top, level = x, x._level
        if top is not None:
            return top.process(self, operands, params, level)
        return self.run(operands, params)

    def run(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The value on plain arrays."""
        try:
            return self.fn(*operands, **params)
        except DeZeroError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise self.explained(error, operands) from error

    def explained(self, error: Exception, operands: tuple[Any, ...]) -> DeZeroError:
        """NumPy's complaint in the library's words: the operation and the shapes."""
        given = ", ".join(describe(x) for x in operands)
        kind: type[DeZeroError] = OperandError
        if isinstance(error, IndexError):
            kind = BoundsError
        elif isinstance(error, ValueError):
            kind = ShapeError
        return kind(f"{self.title}({given}): {error}")

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Edge | None, ...],
        params: dict[str, Any],
    ) -> Node:
        """The node of one recorded call with one result."""
        raise NotImplementedError

    def ports(
        self, outs: tuple[Any, ...], xs: tuple[Any, ...], edges: tuple[Edge | None, ...]
    ) -> tuple[Node, ...]:
        """The edges of one recorded call's several results."""
        raise NotImplementedError

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        """The tangent of the result; `txs` has None for operands that do not move."""
        raise NotImplementedError


def depth_over(edges: tuple[Edge | None, ...]) -> int:
    """The depth of a value computed from these."""
    return 1 + max(edge.depth for edge in edges if edge is not None)


def describe(x: Any) -> str:
    """An operand in a message: type and shape of arrays, the value of anything short."""
    x = plain(x)
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{list(x.shape)}"
    text = repr(x)
    return text if len(text) < 40 else f"<{type(x).__name__}>"


class Function:
    """An operation: what `creator` of a result is, and the base of a user's own.

    A subclass writes `forward` on arrays and `backward` on cotangents; an instance is called on
    Variables. Written with NumPy or Variables, `backward` is differentiable again; one that reads
    ``.data``, or that uses arrays stored on ``self`` by `forward`, gives right first derivatives,
    and raises `GraphError` when a second derivative goes through it.

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

    __slots__ = ()
    _last: Last

    def forward(self, *xs: Any) -> Any:
        """Compute on arrays: one array, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *gys: Any) -> Any:
        """The inputs' gradients from the outputs': one, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def __call__(self, *inputs: Any) -> Any:
        operands = tuple(x if isinstance(x, Box) else as_array(x) for x in inputs)
        if not any(isinstance(x, Box) for x in operands):
            operands = tuple(as_variable(x) for x in operands)
        self._let_go()
        p = self._primitive()
        outs = p(*operands)
        ys = outs if isinstance(outs, tuple) else (outs,)
        edge = getattr(ys[0], "_edge", None)
        self._last = Last(tuple(as_variable(x) for x in operands), ys, p, edge)
        self._recorded(edge)
        return outs

    def _primitive(self) -> Primitive:
        return ByHand(self)

    def _recorded(self, edge: Edge | None) -> None:
        """Hook: the call left this edge."""

    def _let_go(self) -> None:
        """Before another call: the graph of the one before must not see it."""
        last = getattr(self, "_last", None)
        earlier = last.primitive() if last is not None else None
        if earlier is not None:
            earlier.instance = copy.copy(self)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The Variables of the latest call."""
        return self._last.inputs

    @property
    def outputs(self) -> tuple[weakref.ref[Any], ...]:
        """The results of the latest call, as weak references."""
        return self._last.outputs

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

    def edge_to(self, variable: Any) -> Edge:
        """An edge that names this instance as the creator of a Variable."""
        last = getattr(self, "_last", None)
        edges = tuple(edge_of(x) for x in last.inputs) if last is not None else ()
        xs = tuple(x._data for x in last.inputs) if last is not None else ()
        call = ByHand(self).node(variable._data, xs, edges, {})
        call._variable = weakref.ref(variable)
        return call


class Last:
    """What a `Function` instance saw in its latest call."""

    __slots__ = ("edge", "inputs", "outputs", "primitive")

    def __init__(
        self, inputs: tuple[Any, ...], outs: tuple[Any, ...], p: Any, edge: Edge | None
    ) -> None:
        self.inputs = inputs
        self.outputs = tuple(weakref.ref(y) for y in outs)
        self.primitive = weakref.ref(p)
        self.edge = None if edge is None else weakref.ref(edge)


class ByHand(Primitive):
    """One call of a user's `Function` instance, as a primitive."""

    def __init__(self, instance: Function) -> None:
        super().__init__(instance.forward, type(instance).__name__)
        self.instance = instance
        self.stored: tuple[str, ...] = ()  # arrays that forward put on self

    def run(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        with alone(self.instance):
            before = dict(vars(self.instance))
            outs = self.fn(*operands)
            self.stored = tuple(
                name
                for name, value in vars(self.instance).items()
                if before.get(name) is not value and has_floats(value)
            )
        single = not isinstance(outs, (tuple, list))
        ys = tuple(self.checked(y) for y in ((outs,) if single else outs))
        return ys[0] if single or len(ys) == 1 else ys

    def checked(self, y: Any) -> Any:
        """A result of forward as a plain array."""
        y = np.asarray(plain(y)) if y is not None else None
        if y is None or y.dtype.kind not in "fciub":
            raise OperandError(f"{self.title}.forward must return arrays, not {type(y)}")
        return y

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Edge | None, ...],
        params: dict[str, Any],
    ) -> Call:
        call = Call(self, xs, (out,), edges)
        call.shape, call.dtype = out.shape, out.dtype
        return call

    def ports(
        self, outs: tuple[Any, ...], xs: tuple[Any, ...], edges: tuple[Edge | None, ...]
    ) -> tuple[Node, ...]:
        call = Call(self, xs, outs, edges)
        ports = tuple(Port(call, out) for out in outs)
        call.ends = tuple(weakref.ref(port) for port in ports)
        return ports

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        raise GraphError(
            f"{self.title} is a Function with a backward only: forward mode does not know it"
        )


@contextlib.contextmanager
def alone(instance: Any) -> Iterator[None]:
    """One thread at a time inside an instance's `forward`, which may keep its state on self."""
    me = threading.get_ident()
    if vars(instance).setdefault("_thread", me) != me:
        raise ThreadError(
            f"{type(instance).__name__}: one instance was called by two threads at once; "
            "make an instance for each thread"
        )
    try:
        yield
    finally:
        vars(instance).pop("_thread", None)


def has_floats(value: Any) -> bool:
    """Whether a value carries numbers that a derivative could depend on."""
    if isinstance(value, (tuple, list)):
        return any(has_floats(item) for item in value)
    if isinstance(value, dict):
        return any(has_floats(item) for item in value.values())
    if isinstance(value, (float, complex, Box)):
        return True
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fcO"


class Call(Node):
    """The recorded call of a user's `Function`."""

    __slots__ = ("ends", "outs", "p", "xs")

    joint = True
    holomorphic = False

    def __init__(
        self,
        p: ByHand,
        xs: tuple[Any, ...],
        outs: tuple[Any, ...],
        edges: tuple[Edge | None, ...],
    ) -> None:
        self.p, self.xs, self.outs, self.edges = p, xs, outs, edges
        self.saved = ()
        self.ends: tuple[weakref.ref[Port], ...] = ()
        self.depth = depth_over(edges) if edges else 1

    @property
    def rules(self) -> tuple[Callable[..., Any], ...]:  # type: ignore[override]  # by length
        return items(len(self.edges))

    @property
    def title(self) -> str:  # type: ignore[override]  # the instance's
        return self.p.title

    @property
    def function(self) -> Function:
        return self.p.instance

    def holds(self, array: Any) -> bool:
        return any(
            isinstance(kept, np.ndarray) and np.may_share_memory(kept, array)
            for kept in map(plain, (*self.xs, *self.outs))
        )

    def pull(self, arrived: dict[Edge, Any], lifted: int | None) -> tuple[Any, ...] | None:
        return self.cotangents((arrived[self],), lifted)

    def cotangents(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        """What the instance's `backward` says, checked."""
        boxed = any(isinstance(each, Box) for each in (*gs, *self.xs))
        if lifted is not None or boxed:
            return self.differentiably(gs, lifted)
        last = getattr(self.p.instance, "_last", None)
        twin = self.p.instance
        current = (
            last is not None
            and last.primitive() is self.p
            and all(v._data is x for v, x in zip(last.inputs, self.xs, strict=True))
            and all(getattr(y(), "_data", None) is out for y, out in zip(last.outputs, self.outs, strict=True))
        )
        with no_grad():
            if current:
                return self.checked(twin.backward(*gs))
            twin, _alive = self.twin(
                tuple(Variable(x) for x in self.xs), tuple(Variable(out) for out in self.outs)
            )
            return self.checked(twin.backward(*gs))

    def twin(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Function, Any]:
        """The instance as it was at this call; the second value keeps its outputs alive."""
        twin = copy.copy(self.p.instance)
        twin._last = Last(inputs, outputs, self.p, None)
        return twin, outputs

    def differentiably(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        """`backward` on boxes. What it computes behind their back is made to raise later."""
        watched: list[str] = []

        def seal(value: Any, edge: Edge | None) -> Any:
            if lifted is not None and edge is not None:
                return Sealed.around(value, edge, lifted, watched)
            if isinstance(value, Variable):
                return Sealed.around(value._data, edge_of(value), value._level, watched)
            return value if isinstance(value, Box) else value.view(Kept)

        inputs = tuple(seal(x, edge) for x, edge in zip(self.xs, self.edges, strict=True))
        ends = tuple(end() for end in self.ends) or (self,)
        outputs = tuple(seal(y, end) for y, end in zip(self.outs, ends, strict=True))
        gys = tuple(seal(g, None) for g in gs)
        twin, _alive = self.twin(inputs, outputs)
        gxs = tuple(unsealed(gx) for gx in self.checked(twin.backward(*gys), boxes=True))
        behind = [f"used `self.{name}`, which forward stored" for name in self.p.stored] + watched
        if not behind:
            return gxs
        sources = [unsealed(each) for each in (*inputs, *gys) if isinstance(each, Box)]
        barrier = Barrier(self.title, behind[0])
        return tuple(barrier(gx, *sources) for gx in gxs)

    def checked(self, gxs: Any, boxes: bool = False) -> tuple[Any, ...]:
        """One gradient for each input, as arrays; a missing one is zero."""
        gxs = tuple(gxs) if isinstance(gxs, (tuple, list)) else (gxs,)
        if len(gxs) != len(self.edges):
            raise GradientError(
                f"{self.title}.backward returned {len(gxs)} gradients for {len(self.edges)} inputs"
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


class Port(Node):
    """The edge of one of several results of a call."""

    __slots__ = ("call",)

    joint = True
    holomorphic = False

    def __init__(self, call: Call, out: Any) -> None:
        self.call, self.edges, self.saved = call, call.edges, ()
        self.shape, self.dtype, self.depth = out.shape, out.dtype, call.depth

    @property
    def rules(self) -> tuple[Callable[..., Any], ...]:  # type: ignore[override]  # by length
        return self.call.rules

    @property
    def title(self) -> str:  # type: ignore[override]  # the call's
        return self.call.title

    @property
    def function(self) -> Function:
        return self.call.function

    def holds(self, array: Any) -> bool:
        return self.call.holds(array)

    def pull(self, arrived: dict[Edge, Any], lifted: int | None) -> tuple[Any, ...] | None:
        """Siblings have the same depth, so they arrive together; the first brings all along."""
        ends = [end() for end in self.call.ends]
        if next(end for end in ends if end in arrived) is not self:
            return None
        gs = tuple(
            np.zeros(out.shape, out.dtype) if end is None or end not in arrived else arrived[end]
            for end, out in zip(ends, self.call.outs, strict=True)
        )
        return self.call.cotangents(gs, lifted)


# ---------------------------------------------------------------------------- second derivatives


class Sealed(Variable):
    """A Variable inside a `backward` that is being differentiated: it notes who reads its data."""

    __slots__ = ("_watched",)
    _watched: list[str]

    @classmethod
    def around(cls, data: Any, edge: Edge | None, level: int, watched: list[str]) -> Sealed:
        sealed: Sealed = new(cls)
        sealed._data, sealed._edge, sealed._level = data, edge, level
        sealed.grad = sealed.name = None
        sealed._watched = watched
        return sealed

    @property
    def data(self) -> Any:
        self._watched.append("read `.data`")
        return self._data

    def item(self, *args: Any) -> Any:
        self._watched.append("called `.item()`")
        return super().item(*args)

    def tolist(self) -> Any:
        self._watched.append("called `.tolist()`")
        return super().tolist()


def unsealed(value: Any) -> Any:
    """A Sealed one as the Variable that it stands for."""
    if not isinstance(value, Sealed):
        return value
    if value._edge is None:
        return attach(value._data, None, value._level)
    return revive(value._data, value._edge, value._level)


class Kept(np.ndarray[Any, Any]):
    """A plain array where a `backward` may expect a Variable: it has `.data` too."""

    @property
    def data(self) -> Any:  # type: ignore[override]  # a Variable's, not a buffer's
        return self.view(np.ndarray)


class Barrier(Primitive):
    """Lets a value pass, and refuses its derivative by what it was secretly computed from."""

    def __init__(self, title: str, deed: str) -> None:
        super().__init__(lambda gx, *sources: gx, title)
        self.deed = deed

    def refuse(self, *_: Any) -> Any:
        raise GraphError(
            f"{self.title}.backward {self.deed}: its gradient cannot be differentiated again. "
            "Write backward with `self.inputs` as Variables, or with np. functions of them"
        )

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Edge | None, ...],
        params: dict[str, Any],
    ) -> Node:
        node = Wall(self)
        node.edges, node.saved = edges, ()
        node.shape, node.dtype, node.depth = out.shape, out.dtype, depth_over(edges)
        return node

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        return self.refuse()


class Wall(Node):
    """The node of a `Barrier`: nothing goes back through it."""

    __slots__ = ("barrier",)
    joint: ClassVar[bool] = True
    title = "barrier"

    def __init__(self, barrier: Barrier) -> None:
        self.barrier = barrier

    def pull(self, arrived: dict[Edge, Any], lifted: int | None) -> tuple[Any, ...] | None:
        self.barrier.refuse()
        return None

