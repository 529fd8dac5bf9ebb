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
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .box import Box, as_array, foreign, plain
from .core import Node, Variable, _floor, as_variable, attach, new, no_grad, node_of, revive
from .errors import (
    BoundsError,
    DeZeroError,
    GradientError,
    GraphError,
    OperandError,
    ShapeError,
    ThreadError,
)


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
    joint : bool
        `pull` gives the operands' cotangents, instead of the `back` of its nodes.
    pointwise : bool
        Each element of a cotangent goes to one element of the operand.
    broadcasts : bool
        A cotangent may need summing back to its operand's shape.
    masks : bool
        Sends exact zeros to what was not taken.
    holomorphic : bool
        On complex numbers, the way back is the conjugate of the way forward.
    """

    nondifferentiable = False

    def __init__(self, fn: Callable[..., Any], title: str, **traits: bool) -> None:
        self.fn, self.title = fn, title
        # On the instance, not the class: the sweep reads them for every node.
        self.joint = self.masks = self.pointwise = self.broadcasts = False
        self.holomorphic = True
        for trait, value in traits.items():
            setattr(self, trait, value)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        level = -1
        top = None
        for x in operands:
            if isinstance(x, Box) and x._level > level:
                top, level = x, x._level
        if top is None:
            return self.run(operands, params)
        if not self.nondifferentiable:
            operands = tuple(self._operand(x, top, operands) for x in operands)
        return top.process(self, operands, params, level)

    def _operand(self, x: Any, top: Box, operands: tuple[Any, ...]) -> Any:
        """An operand as it is now; those are refused whose meaning would be lost."""
        if isinstance(x, Box):
            if x._level == top._level and x.process is not top.process:
                pair = f"a {type(top).__name__} and a {type(x).__name__}"
                raise OperandError(f"{self.title}: {pair} made by hand do not mix")
            if isinstance(x, Variable) and x._level < top._level:
                return revive(x._value, node_of(x), x._level, fresh=True)  # x may be assigned into
        elif foreign(x):
            raise OperandError(
                f"{self.title}: an operand of type {type(x).__name__}, whose own arithmetic would "
                "be lost; pass np.asarray(…) of it"
            )
        elif isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind not in "fciub":
            given = ", ".join(describe(each) for each in operands)
            raise OperandError(f"{self.title}({given}): numbers only")
        return x

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
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> Node:
        """The node of one recorded call with one result."""
        raise NotImplementedError

    def nodes(
        self, outs: tuple[Any, ...], xs: tuple[Any, ...], edges: tuple[Node | None, ...]
    ) -> tuple[Node, ...]:
        """The nodes of one recorded call's several results."""
        raise NotImplementedError

    def lift(self, node: Node, level: int) -> tuple[Any, ...]:
        """`saved`, with Variables in the graph instead of arrays, so that rules are recorded."""
        raise NotImplementedError

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> tuple[Any, ...]:
        """If joint: the operands' cotangents; none, if they are on their way already."""
        raise NotImplementedError

    def kept(self, node: Node) -> tuple[Any, ...]:
        """The arrays that the way back would read."""
        return node.saved

    def seen(self, node: Node) -> Any:
        """The `Function` instance to show as `creator`."""
        raise NotImplementedError

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        """The tangent of the result; `txs` has None for operands that do not move."""
        raise NotImplementedError


def depth_over(edges: tuple[Node | None, ...]) -> int:
    """The depth of a value computed from these."""
    return 1 + max((edge.depth for edge in edges if edge is not None), default=0)


def describe(x: Any) -> str:
    """An operand in a message: type and shape of arrays, the value of anything short."""
    x = plain(x)
    if isinstance(x, (np.ndarray, np.generic)):
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

    _last: Last

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
        levels = [x._level for x in operands if isinstance(x, Box)]
        if hasattr(self, "_last") and max(levels) < _floor.get():
            return copy.copy(self)._primitive()(*operands)  # what was recorded stays on view
        self._let_go()
        p = self._primitive()
        outs = p(*operands)
        ys = outs if isinstance(outs, tuple) else (outs,)
        self._last = Last(tuple(as_variable(x) for x in operands), ys, p)
        self._called(getattr(ys[0], "_node", None))
        return outs

    def _check_count(self, operands: tuple[Any, ...]) -> None:
        """Refuse a call with a number of inputs that cannot be."""
        if not operands:
            raise OperandError(f"{type(self).__name__} was called without an input")

    def _primitive(self) -> Primitive:
        """What a call of this instance is to boxes."""
        return ByHand(self)

    def _let_go(self) -> None:
        """Before another call: the graph of the one before keeps the instance as it was."""
        last = getattr(self, "_last", None)
        earlier = last.primitive() if last is not None else None
        if earlier is not None:
            earlier.instance = copy.copy(self)

    def _called(self, node: Node | None) -> None:
        """After a call, which left this node, or None where nothing is recorded."""

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

    def node_for(self, variable: Any) -> Node:
        """A node that names this instance as the creator of a Variable."""
        last = getattr(self, "_last", None)
        inputs = last.inputs if last is not None else ()
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
        if not ys:
            raise OperandError(f"{self.title}.forward returned no array")
        return ys[0] if len(ys) == 1 else ys

    def checked(self, y: Any) -> Any:
        """A result of forward as a plain array."""
        array = np.asarray(plain(y)) if y is not None else None
        if array is None or array.dtype.kind not in "fciub":
            raise OperandError(f"{self.title}.forward must return arrays, not {type(y)}")
        return array

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> Node:
        return self.nodes((out,), xs, edges)[0]

    def nodes(
        self, outs: tuple[Any, ...], xs: tuple[Any, ...], edges: tuple[Node | None, ...]
    ) -> tuple[Node, ...]:
        call = Call(self, xs, outs, edges)
        nodes = tuple(self._node(call, out) for out in outs)
        call.ends = tuple(weakref.ref(node) for node in nodes)
        return nodes

    def _node(self, call: Call, out: Any) -> Node:
        node = Node()
        node.p, node.edges, node.saved = call, call.edges, ()
        node.shape, node.dtype, node.depth = out.shape, out.dtype, depth_over(call.edges)
        return node

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


class Call(Primitive):
    """What the sweep sees of a user's recorded call: one joint way back from all its results."""

    def __init__(
        self,
        p: ByHand,
        xs: tuple[Any, ...],
        outs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
    ) -> None:
        super().__init__(p.fn, p.title, joint=True, holomorphic=False)
        self.by_hand, self.xs, self.outs, self.edges = p, xs, outs, edges
        self.ends: tuple[weakref.ref[Node], ...] = ()

    def seen(self, node: Node) -> Function:
        return self.by_hand.instance

    def kept(self, node: Node) -> tuple[Any, ...]:
        return (*self.xs, *self.outs)

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> tuple[Any, ...]:
        """Results of a call have the same depth, so they arrive together; the first brings all."""
        ends = [end() for end in self.ends]
        if next(end for end in ends if end in arrived) is not node:
            return ()
        gs = tuple(
            arrived[end] if end in arrived else np.zeros(out.shape, out.dtype)
            for end, out in zip(ends, self.outs, strict=True)
        )
        boxed = any(isinstance(each, Box) for each in (*gs, *self.xs))
        if lifted is not None or boxed:
            return self.differentiably(gs, lifted)
        with no_grad():
            return self.plainly(gs)

    def plainly(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        """`backward` on arrays, of the instance itself if it still shows what it saw here."""
        instance = self.by_hand.instance
        last = getattr(instance, "_last", None)
        if last is not None and last.primitive() is self.by_hand:
            seen = [v._value for v in last.inputs] + [
                getattr(y(), "_value", None) for y in last.outputs
            ]
            if all(a is b for a, b in zip(seen, (*self.xs, *self.outs), strict=True)):
                return self.checked(instance.backward(*gs))
        inputs, outputs = (tuple(map(Variable, arrays)) for arrays in (self.xs, self.outs))
        return self.checked(self.twin(inputs, outputs).backward(*gs))

    def twin(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> Function:
        """The instance as it was at this call. Whoever calls it keeps the outputs alive."""
        twin = copy.copy(self.by_hand.instance)
        twin._last = Last(inputs, outputs, self.by_hand)
        return twin

    def differentiably(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        """`backward` on boxes. What it computes behind their back is made to raise later."""
        watched: list[str] = []

        def seal(value: Any, node: Node | None) -> Any:
            if lifted is not None and node is not None:
                return Sealed.around(value, node, lifted, watched)
            if isinstance(value, Variable):
                return Sealed.around(value._value, node_of(value), value._level, watched)
            return value if isinstance(value, Box) else value.view(Kept)

        inputs = tuple(seal(x, edge) for x, edge in zip(self.xs, self.edges, strict=True))
        outputs = tuple(seal(y, end()) for y, end in zip(self.outs, self.ends, strict=True))
        gys = tuple(seal(g, None) for g in gs)
        found = self.checked(self.twin(inputs, outputs).backward(*gys), boxes=True)
        gxs = tuple(unsealed(gx) for gx in found)
        stored = [f"used `self.{name}`, which forward stored" for name in self.by_hand.stored]
        deeds = stored + watched
        if not deeds:
            return gxs
        sources = [unsealed(each) for each in (*inputs, *gys) if isinstance(each, Box)]
        barrier = Barrier(self.title, deeds[0])
        return tuple(barrier(gx, *sources) for gx in gxs)

    def checked(self, gxs: Any, boxes: bool = False) -> tuple[Any, ...]:
        """One gradient for each input, as arrays; a missing one is zero."""
        if gxs is None:
            raise GradientError(
                f"{self.title}.backward returned None: a return is missing, or say zero in numbers"
            )
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


# ---------------------------------------------------------------------------- second derivatives


class Sealed(Variable):
    """A Variable inside a `backward` that is being differentiated: it notes who reads its data."""

    __slots__ = ("_watched",)
    _watched: list[str]

    @classmethod
    def around(cls, data: Any, node: Node | None, level: int, watched: list[str]) -> Sealed:
        sealed: Sealed = new(cls)
        sealed._value, sealed._node, sealed._level = data, node, level
        sealed.grad = sealed.name = None
        sealed._watched = watched
        return sealed

    @property  # type: ignore[misc]  # read only
    def data(self) -> Any:
        self._watched.append("read `.data`")
        return self._value

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
    if value._node is None:
        return attach(value._value, None, value._level)
    return revive(value._value, value._node, value._level)


class Kept(np.ndarray[Any, Any]):
    """A plain array where a `backward` may expect a Variable: it has `.data` too."""

    @property
    def data(self) -> Any:
        return self.view(np.ndarray)


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
        node = Node()
        node.p, node.edges, node.saved = self, edges, ()
        node.shape, node.dtype, node.depth = out.shape, out.dtype, depth_over(edges)
        return node

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> tuple[Any, ...]:
        raise self.refuse()

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        raise self.refuse()
