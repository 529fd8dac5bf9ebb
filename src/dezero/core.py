"""The heart of DeZero: the Variable, the graph that it leaves behind, and the sweep back.

Vocabulary, used everywhere
---------------------------
``x y``     values (primals)
``tx ty``   tangents: how values move when the input moves
``gx gy``   cotangents: how the result moves when values move; "gradients" when the result is a loss
``p``       a primitive: one row of the table, a NumPy function with its derivative
``out``     what a primitive returned
``level``   which transform a box belongs to; the highest level among the operands handles a call
``node``    one value's identity at one moment: what it was computed from, and the way back
``edge``    an operand's node, as another node refers to it: where a cotangent arrives

A `Variable` is the box that records: called, it computes, and leaves a `Node` with what the
backward pass needs and nothing else. `sweep` then pulls a cotangent from the result back to the
leaves, deepest first. Nothing here knows any derivative: a node brings its own way back.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .box import Box, as_array, check_data, deciding, note, plain
from .config import Observer, observing, records, using_config
from .errors import (
    DataError,
    DifferentiationError,
    GradientError,
    GraphError,
    OperandError,
)
from .hooks import Handle, Hooks, hooked, replacement
from .masks import annul, ask, behind_mask, inside_mask, resolve
from .memory import check_written, forget_views, note_views, read_only, related, written

FLOAT64 = np.dtype(np.float64)


# ---------------------------------------------------------------------------- the graph


class Node:
    """One value's identity at one moment, and how it was computed.

    ``back(gy, saved)`` gives the operands' cotangents, and the k-th arrives at ``edges[k]``.
    Edges are the operands' nodes as they were when the call was made, None for constants, so
    that nothing assigned to a Variable afterwards can redirect a gradient. A leaf has depth 0 and
    no edges. A node refers to its own Variable weakly: a graph has no cycles, and dropping its
    end frees all of it.
    """

    __slots__ = (
        "__weakref__", "_function", "_variable", "back", "depth", "dtype", "edges", "hooks",
        "mark", "p", "saved", "shape",
    )  # fmt: skip

    p: Any  # a Primitive (primitives.py); None for a leaf
    edges: tuple[Node | None, ...]
    saved: tuple[Any, ...]
    back: Callable[..., Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    depth: int  # one more than the deepest operand's
    _variable: weakref.ref[Variable]
    _function: Any  # what the user sees as `creator`, once seen or if called by hand
    hooks: Hooks  # of those among `hooked`
    mark: Any  # what a graph that is being written calls this value: see `Box._mark`

    @property
    def variable(self) -> Variable | None:
        """The Variable that holds this value, or None when nobody does any more."""
        known = getattr(self, "_variable", None)
        return known() if known is not None else None

    @property
    def function(self) -> Any:
        """The `Function` instance that the user sees as `creator`."""
        if self.p is None:
            return None
        known = getattr(self, "_function", None)
        return self.p.seen(self) if known is None else known


def node_over(p: Any, out: Any, edges: tuple[Node | None, ...]) -> Node:
    """The node of a value that `p` computed from others."""
    node = Node()
    node.p, node.edges, node.saved = p, edges, ()
    node.shape, node.dtype = out.shape, out.dtype
    if isinstance(out, Box):
        node.mark = out._mark
    depth = 0
    for edge in edges:
        if edge is not None and edge.depth > depth:
            depth = edge.depth
    node.depth = depth + 1
    return node


def leaf(variable: Variable) -> Node:
    """The new node of a Variable whose value no recorded operation computed."""
    node, data = Node(), variable._value
    node.p, node.edges, node.saved = None, (), ()
    node.shape, node.dtype, node.depth = data.shape, data.dtype, 0
    if isinstance(data, Box):
        node.mark = data._mark
    node._variable = weakref.ref(variable)
    if hasattr(variable, "_hooks") and variable._hooks:
        variable._hooks.join(node)
    variable._node = node
    return node


_retained: weakref.WeakValueDictionary[int, Variable] = weakref.WeakValueDictionary()
"""Results left with a gradient, by identity: the next plain backward pass takes it away."""

open_levels: set[int] = set()
"""Levels of the transforms that are running, in any thread."""


class opened:  # noqa: N801  # a `with`, without what a generator would cost
    """While a transform runs, its level is among the open ones."""

    __slots__ = ("level",)

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> None:
        open_levels.add(self.level)

    def __exit__(self, *_: object) -> None:
        open_levels.discard(self.level)


_leaf_lock = threading.Lock()


def node_of(variable: Variable) -> Node:
    """The node of the value that a Variable holds now."""
    node = variable._node
    if node is None:
        node = leaf(variable)
    return node


def attach(
    data: Any, node: Node | None, level: int, kind: type[Variable] | None = None
) -> Variable:
    """A Variable around an array, as the holder of a node's value."""
    v: Variable = new(kind or Variable)
    v._value, v._node, v._level = data, node, level
    v.grad = v.name = None
    if node is not None:
        node._variable = weakref.ref(v)
    return v


def revive(data: Any, node: Node, level: int, fresh: bool = False) -> Variable:
    """The Variable of a node, or another one in its place if it is gone or holds new data."""
    variable = node.variable
    if not fresh and variable is not None and variable._value is data and variable._node is node:
        return variable
    variable = attach(data, None, level)
    variable._node = node
    return variable


def apart(x: Any) -> Any:
    """A value as it is now: what is assigned into its box later, or to its `data`, is not in it."""
    if isinstance(x, Variable):
        return x.__copy__()
    return x._twin() if isinstance(x, Box) else x


def sweep(  # noqa: C901  # the one loop whose every Python call is paid per operation
    seeds: dict[Node, Any],
    kept: dict[Node, Any] | None = None,
    lifted: int | None = None,
    stops: frozenset[Node] = frozenset(),
    observer: Observer | None = None,
) -> dict[Node, Any]:
    """Pull cotangents back through the graph and return what arrives at each leaf.

    Nodes wait by depth, and a node's operands are always less deep than the node: taking the
    deepest first meets each node once, when all of its cotangents have arrived. All state is
    local, so sweeps may run in several threads, inside one another, and fail half-way.

    Parameters
    ----------
    seeds
        Where to start: the cotangent of each result, of its shape and dtype. Empty afterwards.
    kept
        If given, receives the cotangents of inner nodes too.
    lifted
        Apply the rules to Variables of this level, so that cotangents can be differentiated again.
    stops
        Nodes to take for leaves: this sweep is a part of the one that is running.
    observer
        Who looks on. If somebody is observing the caller, it is he.
    """
    above = observing()
    if above is not None and above.looks:
        with above.aside():
            return sweep(seeds, kept, lifted, stops, above)
    if written:
        check_written(seeds)
    deepest = max([node.depth for node in seeds])
    waiting: list[dict[Node, Any] | None] = [None] * (deepest + 1)
    while seeds:  # taken out: a graph that nobody else holds is freed while it is swept
        node, seed = seeds.popitem()
        waiting[node.depth] = {node: seed, **(waiting[node.depth] or {})}
    reached: dict[Node, Any] = {}
    watched = stops or hooked or observer is not None or kept is not None
    sums: list[set[Node] | None] = [None] * (deepest + 1)  # of which nodes waiting is a sum
    ndarray = np.ndarray
    quiet = None  # entered with the first row that masks
    doubts: list[Any] | None = None if watched else []
    try:
        if stops and inside_mask.get():
            quiet = behind_mask()
            quiet.__enter__()
        for depth in range(deepest, -1, -1):
            arrived = waiting[depth]
            if arrived is None:
                continue
            waiting[depth] = sums[depth] = summed = None  # what has been swept may go
            if watched:
                if stops:
                    reached.update((n, arrived.pop(n)) for n in stops & arrived.keys())
                if hooked:
                    call_hooks(arrived, lifted)
                if observer is not None:
                    observer.arrived(arrived)
                if kept is not None and depth:
                    kept.update(arrived)
            if not depth:
                reached |= arrived
                break
            for node, g in arrived.items():
                p, saved, edges = node.p, node.saved, node.edges
                if p.masks and quiet is None and not p.opaque:
                    quiet = behind_mask()
                    quiet.__enter__()
                if p.joint:
                    if doubts and p.opaque:
                        ask(doubts)
                        doubts = []
                    edges, gxs = p.pull(node, arrived, lifted)
                    if p.masks and quiet is None:  # what it masks comes before it
                        quiet = behind_mask()
                        quiet.__enter__()
                elif p.adds and observer is None and added_in_place(node, g, waiting, sums):
                    continue
                else:
                    if lifted is not None:
                        saved = p.lift(node, lifted)
                    if node.dtype is FLOAT64 or node.dtype.kind != "c" or not p.holomorphic:
                        gxs = node.back(g, saved)
                    else:
                        gxs = [conj(gx) for gx in node.back(conj(g), saved)]
                    if quiet and saved and p.pointwise:
                        gxs = [annul(g, gx, doubts) for gx in gxs]
                if observer is not None:
                    observer.pulled(node, g, edges, gxs)
                k = -1  # counted by hand: `zip` or `enumerate` would cost a tenth of the sweep
                for gx in gxs:
                    k += 1
                    edge = edges[k]
                    if edge is None:
                        continue
                    shape = edge.shape  # shared by calls that do not change it (rows.py)
                    if gx.dtype is not edge.dtype or (
                        shape is not node.shape and gx.shape != shape
                    ):
                        gx = fit(gx, edge, p)
                    row = waiting[edge.depth]
                    if row is None:
                        waiting[edge.depth] = {edge: gx}
                    elif edge not in row:
                        row[edge] = gx
                    else:
                        summed = sums[edge.depth]
                        if summed is None:
                            summed = sums[edge.depth] = set()
                        if edge in summed and type(gx) is ndarray:
                            row[edge] += gx  # into an array that the sweep has made itself
                        else:
                            row[edge] = row[edge] + gx
                            summed.add(edge)
        if doubts:
            resolve(doubts, reached.values())
    finally:
        if quiet is not None:
            quiet.__exit__(None, None, None)
    return reached


def seeds_of(pairs: Iterable[tuple[Variable, Any]]) -> dict[Node, Any]:
    """Where a sweep starts: the cotangents of Variables, added up where these share a node."""
    seeds: dict[Node, Any] = {}
    for v, g in pairs:
        node = node_of(v)
        seeds[node] = seeds[node] + g if node in seeds else g
    return seeds


def call_hooks(arrived: dict[Node, Any], lifted: int | None) -> None:
    """Show complete cotangents to the hooks on their values, and take what these return instead."""
    for node in [node for node in arrived if node in hooked]:
        for hook in node.hooks.in_order():
            g = arrived[node] if lifted is None else boxed(arrived[node], lifted)
            new = hook(g if isinstance(g, Box) else read_only(g))
            if lifted is None and isinstance(new, Variable) and new._level == node.hooks.level:
                new = new._value  # in a plain pass, what is made of this graph's values is numbers
            if new is not None:
                arrived[node] = replacement(new, node)


def added_in_place(
    node: Node,
    g: Any,
    waiting: list[dict[Node, Any] | None],
    sums: list[set[Node] | None],
) -> bool:
    """Try to add what a node's cotangent gives to a sum that the sweep has made itself.

    A cotangent of a few elements is mostly zeros as one of the whole array: a program that reads
    an array part by part would pay for all of it each time.
    """
    (edge,) = node.edges
    if edge is None or type(g) is not np.ndarray or g.dtype != edge.dtype:
        return False
    row = waiting[edge.depth] = waiting[edge.depth] or {}
    summed = sums[edge.depth] = sums[edge.depth] or set()
    if edge not in row:
        row[edge] = np.zeros(edge.shape, edge.dtype)
        summed.add(edge)
    elif edge not in summed or type(row[edge]) is not np.ndarray:
        return False
    node.p.adds(row[edge], g, node.saved)
    return True


def conj(g: Any) -> Any:
    """The complex conjugate of a cotangent, None if there is none."""
    return None if g is None else g.conj()


def fit(gx: Any, node: Node, p: Any) -> Any:
    """A cotangent from `p` in the shape and dtype of the value that it belongs to."""
    if gx.shape != node.shape:
        if not p.broadcasts:
            raise GradientError(
                f"{p.title}: the gradient of an operand of shape {node.shape} came back "
                f"with shape {gx.shape}"
            )
        extra = gx.ndim - len(node.shape)
        ones = [k for k, n in enumerate(node.shape) if n == 1 != gx.shape[k + extra]]
        if extra:
            gx = gx.sum(axis=tuple(range(extra)))
        if ones:
            gx = gx.sum(axis=tuple(ones), keepdims=True)
    if gx.dtype != node.dtype:
        if node.dtype.kind not in "fc":
            raise DifferentiationError(
                f"{p.title}: cannot differentiate by {node.dtype} data; "
                "make it floating: x.astype(float)"
            )
        if node.dtype.kind == "f" and gx.dtype.kind == "c":
            gx = gx.real
        gx = gx.astype(node.dtype)
    return gx


# ---------------------------------------------------------------------------- Variable


new: Callable[[Any], Any] = object.__new__


def as_variable(x: Any) -> Box:
    """A box as it is; anything else in a new Variable."""
    return x if isinstance(x, Box) else Variable(as_array(x))


class Variable(Box):
    """A box that remembers how its array was computed.

    Parameters
    ----------
    data : ndarray or None
        The array. A number or a list is refused; `as_variable` takes both.
    name : str, optional
        For people who read the graph.

    Attributes
    ----------
    grad : ndarray or Variable or None
        The derivative of whatever `backward` was called on, in the shape and dtype of `data`:
        an ndarray after a plain `backward()`, a Variable after ``backward(create_graph=True)``.
        Complex: ∂L/∂Re z + i ∂L/∂Im z, so that ``z - rate * z.grad`` descends.

    Raises
    ------
    DataError
        If `data` is no array, or one that cannot be computed with (objects, strings, masks).

    Examples
    --------
    >>> x = Variable(np.array(3.0))
    >>> y = x**2 + 1.0
    >>> y.backward()
    >>> print(y.data, x.grad)
    10.0 6.0
    """

    __slots__ = ("_hooks", "_node", "grad", "name")

    _hooks: Hooks  # of one that was a leaf when they came
    _node: Node | None
    grad: Any
    name: str | None

    def __init__(self, data: Any, name: str | None = None) -> None:
        if data is not None:
            check_data(data)
        self._value = data
        self._node = None
        self._level = 0
        self.grad = None
        self.name = name

    @property
    def data(self) -> Any:
        """The array. Assigning rebinds it; what was computed from the old one stays right."""
        note("read `.data`")
        return self._value

    @data.setter
    def data(self, data: Any) -> None:
        old, node = self._value, self._node
        if isinstance(data, np.generic):
            data = np.asarray(data)
        elif data is not None:
            check_data(data)
        if data is old and data is not None:
            for shown in related(self):
                if shown._node is not None:
                    written[shown._node] = old
                    if not shown._node.depth:
                        shown._node = None
            if node is not None and node.depth:
                data = old.copy()
        else:
            forget_views(self)
        self._value = data
        fits = data is not None and node is not None and data.shape == node.shape
        if node is not None and not (node.depth and fits and data.dtype == node.dtype):
            self._node = None  # a leaf again; a result keeps its creator if the new data fits

    @property
    def creator(self) -> Any:
        """The `Function` that computed this Variable, None for a leaf."""
        return self._node.function if self._node is not None else None

    @property
    def generation(self) -> int:
        """0 for a leaf, else one more than the generation of its function."""
        return self._node.depth if self._node is not None else 0

    def set_creator(self, function: Any) -> None:
        """Say by hand which `Function` computed this Variable."""
        if not hasattr(function, "node_for") or isinstance(function, type):
            raise OperandError(
                f"set_creator takes an instance of a Function, not {function!r} of {type(function)}"
            )
        self._node = function.node_for(self)

    def backward(self, retain_grad: bool = False, create_graph: bool = False) -> None:
        """Put the derivative of this Variable by each leaf it came from into their `grad`.

        The seed is `grad` of this Variable if it was set, else ones of its shape and dtype.
        Gradients are added to those that leaves already have; see `clear_grad`.

        Parameters
        ----------
        retain_grad : bool
            Keep the gradients of results too; otherwise they are None afterwards.
        create_graph : bool
            Leave Variables in `grad`, which can be differentiated again.

        Raises
        ------
        DifferentiationError
            If integers would have to be differentiated by.
        GraphError
            If a function on the way cannot be differentiated (again).
        """
        if self._level and self._level not in open_levels:
            raise GraphError(
                "this value came out of a transform that has ended, and so has its graph"
            )
        if self._level and isinstance(self._value, Box):
            raise GraphError(
                "backward() inside a transform does not reach the Variables below it; use dz.grad"
            )
        seed, node = self._seed(create_graph), node_of(self)
        kept: dict[Node, Any] | None = {} if retain_grad or _retained else None
        recording = using_config("enable_backprop", True)
        with recording if create_graph else contextlib.nullcontext():
            leaves = sweep({node: seed}, kept, self._level if create_graph else None)
            if create_graph:
                leaves = {each: boxed(g, self._level) for each, g in leaves.items()}
            with _leaf_lock:
                for each, g in leaves.items():
                    variable = each.variable  # none of a value that was assigned into
                    if variable is not None and not variable.generation and each is not node:
                        variable.grad = added(variable.grad, g, each.dtype)
        self.grad = None if node.depth else leaves[node]
        for inner, g in (kept or {}).items():
            variable = inner.variable
            if variable is not None:
                variable.grad = own(g) if retain_grad else None
                if retain_grad:
                    _retained[id(variable)] = variable
                else:
                    _retained.pop(id(variable), None)

    def register_hook(self, hook: Callable[[Any], Any]) -> Handle:
        """Have a function see the gradient of this Variable in every backward pass.

        It is called when the gradient is complete, before it goes further, also where the Variable
        itself is gone by then. Several are called in the order in which they came.

        Parameters
        ----------
        hook : callable
            ``hook(g)`` returns None, or what goes on in place of `g`, in its shape and dtype. Here
            `g` is an ndarray that cannot be written into; in ``backward(create_graph=True)`` it is
            a Variable, and what the hook computes of it is differentiated as well.

        Returns
        -------
        Handle
            Its `remove()` takes the function off again. On a result, a hook belongs to the value
            that the Variable has now. On a leaf it stays, whatever data the leaf is given.

        Raises
        ------
        GradientError
            In the backward pass, if a hook returns anything else.

        Examples
        --------
        >>> x = Variable(np.array([3.0, 4.0]))
        >>> handle = x.register_hook(lambda g: g / np.sqrt(np.sum(g**2)))
        >>> np.sum(x**2).backward()
        >>> x.grad
        array([0.6, 0.8])
        >>> handle.remove()
        """
        node = node_of(self)
        if node not in hooked:
            hooks = Hooks(self._level)
            hooks.join(node)
            if not node.depth:
                self._hooks = hooks
        return node.hooks.add(hook)

    def _seed(self, create_graph: bool) -> Any:
        """The cotangent to start from: `grad` if it was set, else ones."""
        if self._value is None:
            raise DataError("backward() of variable(None): there is no data")
        if self.dtype.kind not in "fc":
            raise DifferentiationError(
                f"backward() of {self.dtype} data: only floating or complex data has a "
                "derivative; make it so with x.astype(float)"
            )
        seed = np.ones_like(self._value) if self.grad is None else as_array(self.grad)
        if not isinstance(seed, Box) and seed.dtype.kind not in "fciub":
            raise GradientError(f"backward(): the seed in `grad` is an array of {seed.dtype}")
        if seed.shape != self.shape:
            raise GradientError(
                f"backward(): the seed in `grad` has shape {seed.shape}, data {self.shape}"
            )
        if seed.dtype != self.dtype:
            seed = seed.astype(self.dtype)
        if create_graph:
            return boxed(seed, self._level)
        return seed._value if isinstance(seed, Variable) else seed

    def clear_grad(self) -> None:
        """Forget `grad`, so that the next backward pass starts afresh."""
        self.grad = None

    cleargrad = clear_grad

    def __repr__(self) -> str:
        return "variable(" + str(deciding(self)).replace("\n", "\n" + " " * 9) + ")"

    def __copy__(self) -> Variable:
        if is_constant(self):
            return attach(self._value, None, self._level, Constant)
        return revive(self._value, node_of(self), self._level, fresh=True)

    def __deepcopy__(self, memo: Any) -> Variable:
        if self.generation:
            raise GraphError(
                "a deep copy of a result would be cut from its graph: copy `v.data`, or v.copy()"
            )
        return _restore(np.array(self._value), self.name, plain(self.grad))

    def __reduce__(self) -> Any:
        if self._level:
            raise GraphError("a Variable inside a running transform cannot be pickled or copied")
        if self.generation:
            raise GraphError("a pickled result would be cut from its graph: pickle `v.data`")
        return _restore, (self._value, self.name, plain(self.grad))

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute below this level, and record."""
        if p.nondifferentiable:
            return p(*(x._value if isinstance(x, Variable) else x for x in operands), **params)
        edges: list[Node | None] = []
        xs = []
        for x in operands:
            mine = isinstance(x, Variable) and x._level == level
            if mine and x._value is None:
                raise OperandError(f"{p.title}(None): a variable(None) holds no data")
            xs.append(x._value if mine else x)
            edges.append(edge_of(x) if mine else None)
        out = p(*xs, **params)
        kind = Variable if any(edges) else Constant
        recording = kind is Variable and records(level)
        if isinstance(out, tuple):
            nodes: Any = [None] * len(out)
            if recording:
                nodes = p.nodes(out, tuple(xs), tuple(edges), params)
            vs = tuple(attach(y, node, level, kind) for y, node in zip(out, nodes, strict=True))
            for v in vs:
                note_views(v, operands)
            return vs
        out = as_array(out)
        node = p.node(out, tuple(xs), tuple(edges), params) if recording else None
        v = attach(out, node, level, kind)
        if not p.pointwise:
            note_views(v, operands)
        return v


class Constant(Variable):
    """Numbers that are computed with and never differentiated by, as those of an ndarray.

    Whole ones that `dezero.numpy` made, and what is computed of nothing else. One into which a
    Variable has been assigned is a result like any other.
    """

    __slots__ = ()


def edge_of(x: Variable) -> Node | None:
    """Where a cotangent for a Variable arrives: nowhere, if it is a constant."""
    return None if is_constant(x) else node_of(x)


def is_constant(x: Any) -> bool:
    """Whether a value is a box without a derivative."""
    return type(x) is Constant and not x.generation


def boxed(g: Any, level: int) -> Any:
    """A cotangent that can be differentiated, also if a rule gave plain zeros."""
    return g if isinstance(g, Box) else attach(as_array(g), None, level)


def holders(x: Any) -> int:
    """How often Python counts an array as held, the caller's argument included."""
    return sys.getrefcount(x)


ALONE = holders(np.empty(0))
"""What a function counts of an array that it was given and nobody else holds."""


def own(g: Any) -> Any:
    """A gradient of its own: two leaves never share one, and no leaf shares a view."""
    if type(g) is np.ndarray:
        alone = sys.getrefcount(g) == ALONE and g.flags.owndata and g.flags.writeable
        return g if alone else np.array(g)
    if isinstance(g, Variable):
        return g.__copy__()
    return g if isinstance(g, Box) else np.array(g)


def added(old: Any, g: Any, dtype: np.dtype[Any]) -> Any:
    """A leaf's gradient after one more has arrived, in the leaf's dtype, byte order included."""
    g = g if g.dtype == dtype else g.astype(dtype)
    if old is None:
        return own(g)
    if np.shape(old) != g.shape:
        raise GradientError(
            f"a gradient of shape {g.shape} cannot be added to one of {np.shape(old)} in `grad`; "
            "call clear_grad() after giving a Variable data of another shape"
        )
    return as_array(old + g)


def _restore(data: Any, name: str | None, grad: Any) -> Variable:
    """A pickled Variable comes back as a leaf."""
    variable = Variable(data, name)
    variable.grad = grad
    return variable
