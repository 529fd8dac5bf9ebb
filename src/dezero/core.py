"""The heart of DeZero: boxes, the graph that they leave behind, and the sweep back through it.

Vocabulary, used everywhere
---------------------------
``x y``     values (primals)
``tx ty``   tangents: how values move when the input moves
``gx gy``   cotangents: how the result moves when values move; "gradients" when the result is a loss
``p``       a primitive: one row of the table, a NumPy function with its derivative
``out``     what a primitive returned
``level``   which transform a box belongs to; the highest level among the operands handles a call
``edge``    one value's identity at one moment: where its cotangent will arrive
``node``    an edge that was computed: it knows its operands' edges and the rules back to them

A `Box` holds an array. NumPy's own protocols bring every call on a box to one table, `ROWS`
(function → row); what a call means is the box's affair. `Variable` is the box that records:
it computes, and leaves a `Node` with what the backward pass needs and nothing else. `sweep`
then pulls a cotangent from the result back to the leaves, one generation at a time.

This file imports NumPy and the library's errors, and knows no derivative at all.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import operator
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from .errors import (
    ConversionError,
    DataError,
    DifferentiationError,
    GradientError,
    GraphError,
    MutationError,
    ThreadError,
    UnsupportedError,
)

ROWS: dict[Any, Callable[..., Any]] = {}
"""The narrow waist: NumPy function (or Python operator) → what it does on boxes."""

new_level: Callable[[], int] = itertools.count(1).__next__
"""Opens a level. Numbers only grow, over all threads, so an inner transform's is always higher."""

_floor: ContextVar[int] = ContextVar("floor", default=0)
"""Levels below it do not record. `no_grad` raises it above every level opened so far, and a
transform called inside opens a higher one, which records as it should."""


# ---------------------------------------------------------------------------- configuration


class _Config:
    """Settings that change behaviour, each per context (thread, task); assign to change one."""

    __slots__ = ()
    _settings: ClassVar[tuple[ContextVar[Any], ...]] = (_floor,)

    @property
    def enable_backprop(self) -> bool:
        """Whether operations on Variables leave a graph behind."""
        return _floor.get() == 0

    @enable_backprop.setter
    def enable_backprop(self, value: bool) -> None:
        _floor.set(0 if value else new_level())


Config = _Config()


@contextlib.contextmanager
def using_config(name: str, value: Any) -> Iterator[None]:
    """Set ``Config.<name>`` inside a ``with`` block (or a decorated function), then restore it.

    Examples
    --------
    >>> with using_config("enable_backprop", False):
    ...     y = Variable(np.array(2.0)) ** 2
    >>> y.creator is None
    True
    """
    before = [(setting, setting.get()) for setting in Config._settings]
    setattr(Config, name, value)
    try:
        yield
    finally:
        for setting, old in before:
            setting.set(old)


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Record nothing inside a ``with`` block: results have no creator and memory stays flat."""
    return using_config("enable_backprop", False)


# ---------------------------------------------------------------------------- the graph


class Edge:
    """One value's identity at one moment: where its cotangent arrives in a sweep."""

    __slots__ = ("__weakref__", "_variable", "depth", "dtype", "shape")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    depth: int  # 0 for a leaf, else one more than the deepest operand
    _variable: weakref.ref[Variable]

    @property
    def variable(self) -> Variable | None:
        """The Variable that holds this value, or None when nobody does any more."""
        return self._variable()


class Leaf(Edge):
    """The edge of a value that no recorded operation computed."""

    __slots__ = ()

    def __init__(self, variable: Variable) -> None:
        self.shape = variable._data.shape
        self.dtype = variable._data.dtype
        self.depth = 0
        self._variable = weakref.ref(variable)


class Node(Edge):
    """An edge that was computed: ``gx = rules[k](gy, *saved)`` is the way back to operand k.

    `edges` are the operands' edges as they were when the call was made, None for constants, so
    that nothing assigned to a Variable afterwards can redirect a gradient. A node refers to its
    own Variable weakly: a graph has no cycles, and dropping its end frees all of it.
    """

    __slots__ = ("edges", "saved")

    edges: tuple[Edge | None, ...]
    saved: tuple[Any, ...]
    rules: ClassVar[tuple[Callable[..., Any], ...]] = ()
    title: ClassVar[str] = "node"
    broadcasts: ClassVar[bool] = False  # a cotangent may need summing back to its operand's shape
    pointwise: ClassVar[bool] = False  # each element's cotangent goes to one element
    holomorphic: ClassVar[bool] = True  # complex: the way back is the conjugate of the way forward
    masks: ClassVar[bool] = False  # sends exact zeros to what was not taken
    joint: ClassVar[bool] = False  # one call of `pull` gives the cotangents of all operands

    @property
    def function(self) -> Any:
        """What the user sees as `creator`."""
        return self

    def lift(self, level: int) -> tuple[Any, ...]:
        """`saved`, with Variables in the graph instead of arrays: the rule can be recorded."""
        raise NotImplementedError

    def pull(self, arrived: dict[Edge, Any], lifted: int | None) -> tuple[Any, ...] | None:
        """Of a joint node: the operands' cotangents, or None if they are already on their way."""
        raise NotImplementedError

    def holds(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether the rules would read memory of this array."""
        return any(shares(kept, array) for kept in self.saved)


def shares(kept: Any, array: np.ndarray[Any, Any]) -> bool:
    """Whether something a node saved may overlap the memory of an array."""
    if isinstance(kept, tuple):
        return any(shares(item, array) for item in kept)
    if isinstance(kept, Box):
        kept = kept._data
    return isinstance(kept, np.ndarray) and np.may_share_memory(kept, array)


_written: weakref.WeakKeyDictionary[Edge, Any] = weakref.WeakKeyDictionary()
"""Edges whose array was written over after they were made (``x.data += …``), with that array."""

_leaf_lock = threading.Lock()


def edge_of(variable: Variable) -> Edge:
    """The edge of the value that a Variable holds now."""
    edge = variable._edge
    if edge is None:
        edge = variable._edge = Leaf(variable)
    return edge


def attach(data: Any, edge: Edge | None, level: int) -> Variable:
    """A Variable around a result; as_array first, since a box never holds a NumPy scalar."""
    v = new(Variable)
    v._data = data
    v._edge = edge
    v._level = level
    v.grad = None
    v.name = None
    if edge is not None:
        edge._variable = weakref.ref(v)
    return v


def revive(data: Any, edge: Edge, level: int) -> Variable:
    """The Variable of an edge, or another one in its place if it is gone or holds new data."""
    variable = edge.variable
    if variable is not None and variable._data is data and variable._edge is edge:
        return variable
    variable = attach(data, None, level)
    variable._edge = edge
    return variable


def sweep(
    seeds: dict[Edge, Any], kept: dict[Edge, Any] | None = None, lifted: int | None = None
) -> dict[Edge, Any]:
    """Pull cotangents back through the graph and return what arrives at each leaf.

    Nodes wait by depth, and a node's operands are always less deep than the node: taking the
    deepest first meets each node once, when all of its cotangents have arrived. All state is
    local, so sweeps may run in several threads, inside one another, and fail half-way.

    Parameters
    ----------
    seeds
        Where to start: the cotangent of each result, of its shape and dtype.
    kept
        If given, receives the cotangents of inner nodes too.
    lifted
        Apply the rules to Variables of this level, so that cotangents can be differentiated again.
    """
    if _written:
        check_written(seeds)
    deepest = max(edge.depth for edge in seeds)
    waiting: list[dict[Edge, Any] | None] = [None] * (deepest + 1)
    for edge, seed in seeds.items():
        waiting[edge.depth] = {**(waiting[edge.depth] or {}), edge: seed}
    quiet = None  # entered with the first row that masks: 0 * inf is no accident from there on
    try:
        for depth in range(deepest, 0, -1):
            arrived = waiting[depth]
            if arrived is None:
                continue
            waiting[depth] = None
            if kept is not None:
                kept.update(arrived)
            node: Any
            for node, g in arrived.items():
                saved = node.saved
                if node.joint:
                    g = node.pull(arrived, lifted)
                    saved = ()
                    if g is None:
                        continue
                elif lifted is not None:
                    saved = node.lift(lifted)
                if node.masks and quiet is None:
                    quiet = np.errstate(divide="ignore", invalid="ignore")
                    quiet.__enter__()
                conjugate = node.dtype.kind == "c" and node.holomorphic and not node.joint
                if conjugate:
                    g = g.conj()
                for edge, rule in zip(node.edges, node.rules):
                    if edge is None:
                        continue
                    gx = rule(g, *saved)
                    if conjugate:
                        gx = gx.conj()
                    if quiet and saved and node.pointwise:
                        gx = annul(g, gx)
                    if gx.shape != edge.shape or gx.dtype is not edge.dtype:
                        gx = fit(gx, edge, node)
                    row = waiting[edge.depth]
                    if row is None:
                        waiting[edge.depth] = {edge: gx}
                    elif edge in row:
                        row[edge] = row[edge] + gx
                    else:
                        row[edge] = gx
    finally:
        if quiet is not None:
            quiet.__exit__(None, None, None)
    return waiting[0] or {}


def fit(gx: Any, edge: Edge, node: Node) -> Any:
    """A cotangent in the shape and dtype of the value that it belongs to."""
    if gx.shape != edge.shape:
        if not node.broadcasts:
            raise GradientError(
                f"{node.title}: the gradient of an operand of shape {edge.shape} came back "
                f"with shape {gx.shape}"
            )
        extra = gx.ndim - len(edge.shape)
        ones = [k for k, n in enumerate(edge.shape) if n == 1 != gx.shape[k + extra]]
        gx = gx.sum(axis=(*range(extra), *(k + extra for k in ones)), keepdims=True)
        gx = gx.reshape(edge.shape)
    if gx.dtype != edge.dtype:
        if edge.dtype.kind not in "fc":
            raise DifferentiationError(
                f"{node.title}: cannot differentiate by {edge.dtype} data; "
                "make it floating: x.astype(float)"
            )
        if edge.dtype.kind == "f" and gx.dtype.kind == "c":
            gx = gx.real
        gx = gx.astype(edge.dtype)
    return gx


def annul(g: Any, gx: Any) -> Any:
    """``0 * inf`` is 0 where the cotangent is an exact zero: what was not taken does not count.

    One dot product tells whether there is a NaN at all (policy: docs/conventions.md).
    """
    if isinstance(gx, Box):
        suspicious = not np.all(np.isfinite(plain(gx)))
    else:
        square = np.vdot(gx, gx)
        suspicious = bool(square != square)
    return np.where((g == 0) & ~np.isfinite(gx), 0, gx) if suspicious else gx


def check_written(roots: Iterable[Edge]) -> None:
    """Raise if a node below `roots` kept an array that has been written over since.

    A written edge cannot be reached from what was computed after the writing, so whoever reaches
    it and shares its memory has kept the old values. Only runs while such edges are alive.
    """
    seen, stack = set(roots), list(roots)
    while stack:
        for edge in getattr(stack.pop(), "edges", ()):
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    for array in [_written[edge] for edge in seen if edge in _written]:
        for node in seen:
            if isinstance(node, Node) and node.holds(array):
                raise MutationError(
                    f"{node.title} of shape {node.shape} kept an array that was written over "
                    "(`v.data += …`) before its backward pass; "
                    "write `v.data = v.data + …`, or compute the result again"
                )


# ---------------------------------------------------------------------------- boxes


def as_array(x: Any) -> Any:
    """Arrays and boxes as they are; numbers, NumPy scalars and lists as arrays.

    Examples
    --------
    >>> as_array(np.float64(2.0))
    array(2.)
    """
    return x if type(x) is np.ndarray or isinstance(x, Box) else np.asarray(x)


def as_variable(x: Any) -> Box:
    """A box as it is; anything else in a new Variable."""
    return x if isinstance(x, Box) else Variable(as_array(x))


def plain(x: Any) -> Any:
    """What is left when every box around it is taken off."""
    while isinstance(x, Box):
        x = x._data
    return x


def _method(function: Any) -> Callable[..., Any]:
    """An array method that is its NumPy function."""

    def method(self: Box, /, *args: Any, **kwargs: Any) -> Any:
        return ROWS[function](self, *args, **kwargs)

    method.__name__ = function.__name__
    method.__doc__ = f"The same as `numpy.{function.__name__}` of this array."
    return method


class Box:
    """What all boxes share: an array inside, a level, and the manners of a NumPy array.

    A subclass says what a primitive means on it in `process`, which gets all operands of a call
    in which one of its boxes has the highest level.
    """

    __slots__ = ("__weakref__", "_data", "_level")
    __array_priority__ = 200
    __hash__ = object.__hash__

    _data: Any
    _level: int

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        raise NotImplementedError

    # NumPy's two protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            row = ROWS.get(ufunc)
        else:
            row = ROWS.get((ufunc, method))
        if row is None:
            raise unsupported(ufunc, method, kwargs)
        return row(*args, **kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        row = ROWS.get(function)
        if row is None:
            raise unsupported(function)
        return row(*args, **kwargs)

    # places where only plain numbers can live

    def _refuse(self, what: str) -> ConversionError:
        kind = type(self).__name__
        return ConversionError(
            f"{what} would cut the {kind} from its graph without a word. For the plain numbers "
            "write `v.data`; to collect boxes in an array, `dz.numpy.array([v, w])`; to fill an "
            "array with them, make it with `a = dz.numpy.zeros(shape)` and then `a[i] = v`"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._refuse("Making a plain ndarray (np.asarray(v), np.array([v]), a[i] = v)")

    def __float__(self) -> float:
        raise self._refuse("float(v)")

    def __complex__(self) -> complex:
        raise self._refuse("complex(v)")

    def __int__(self) -> int:
        if self.dtype.kind in "fc":
            raise self._refuse("int(v)")
        return int(self._data)

    def __index__(self) -> int:
        return operator.index(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def item(self, *args: Any) -> Any:
        """One element as a plain Python number, cut from the graph."""
        return plain(self).item(*args)

    def tolist(self) -> Any:
        """The elements as plain Python numbers in lists, cut from the graph."""
        return plain(self).tolist()

    # an array's manners

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]  # any array's shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype  # type: ignore[no-any-return]  # any array's dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self._data.size  # type: ignore[no-any-return]  # any array's size

    @property
    def T(self) -> Any:
        return ROWS[np.transpose](self)

    @property
    def real(self) -> Any:
        return ROWS[np.real](self)

    @property
    def imag(self) -> Any:
        return ROWS[np.imag](self)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return ROWS[operator.getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        ROWS[operator.setitem](self, index, value)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # operators

    def __add__(self, other: Any) -> Any:
        return ROWS[np.add](self, other)

    def __radd__(self, other: Any) -> Any:
        return ROWS[np.add](other, self)

    def __sub__(self, other: Any) -> Any:
        return ROWS[np.subtract](self, other)

    def __rsub__(self, other: Any) -> Any:
        return ROWS[np.subtract](other, self)

    def __mul__(self, other: Any) -> Any:
        return ROWS[np.multiply](self, other)

    def __rmul__(self, other: Any) -> Any:
        return ROWS[np.multiply](other, self)

    def __truediv__(self, other: Any) -> Any:
        return ROWS[np.divide](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ROWS[np.divide](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ROWS[np.floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ROWS[np.floor_divide](other, self)

    def __mod__(self, other: Any) -> Any:
        return ROWS[np.remainder](self, other)

    def __rmod__(self, other: Any) -> Any:
        return ROWS[np.remainder](other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return ROWS[np.power](self, other)

    def __rpow__(self, other: Any) -> Any:
        return ROWS[np.power](other, self)

    def __matmul__(self, other: Any) -> Any:
        return ROWS[np.matmul](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ROWS[np.matmul](other, self)

    def __neg__(self) -> Any:
        return ROWS[np.negative](self)

    def __pos__(self) -> Any:
        return ROWS[np.positive](self)

    def __abs__(self) -> Any:
        return ROWS[np.absolute](self)

    def __eq__(self, other: object) -> Any:
        return ROWS[np.equal](self, other)

    def __ne__(self, other: object) -> Any:
        return ROWS[np.not_equal](self, other)

    def __lt__(self, other: Any) -> Any:
        return ROWS[np.less](self, other)

    def __le__(self, other: Any) -> Any:
        return ROWS[np.less_equal](self, other)

    def __gt__(self, other: Any) -> Any:
        return ROWS[np.greater](self, other)

    def __ge__(self, other: Any) -> Any:
        return ROWS[np.greater_equal](self, other)

    # methods

    sum, mean, prod = _method(np.sum), _method(np.mean), _method(np.prod)
    max, min, clip = _method(np.max), _method(np.min), _method(np.clip)
    var, std, cumsum = _method(np.var), _method(np.std), _method(np.cumsum)
    dot, ravel, flatten = _method(np.dot), _method(np.ravel), _method(np.ravel)
    squeeze, swapaxes = _method(np.squeeze), _method(np.swapaxes)
    conj, conjugate = _method(np.conjugate), _method(np.conjugate)
    copy, round = _method(np.copy), _method(np.round)
    argmax, argmin, argsort = _method(np.argmax), _method(np.argmin), _method(np.argsort)
    all, any, nonzero = _method(np.all), _method(np.any), _method(np.nonzero)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The same as `numpy.reshape`; the shape as one tuple or as several numbers."""
        return ROWS[np.reshape](self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def astype(self, dtype: Any) -> Any:
        """The same array in another dtype; its gradient comes back in this one's."""
        return ROWS["astype"](self, dtype=np.dtype(dtype))

    def transpose(self, *axes: Any) -> Any:
        """The same as `numpy.transpose`; the axes as one tuple or as several numbers."""
        return ROWS[np.transpose](self, axes[0] if len(axes) == 1 else axes or None)


new: Callable[[Any], Any] = object.__new__


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

    __slots__ = ("_edge", "_root", "_views", "grad", "name")

    _edge: Edge | None
    grad: Any
    name: str | None
    _root: weakref.ref[Variable]  # of a view: the Variable whose memory it shows
    _views: list[weakref.ref[Variable]]  # the views of this one

    def __init__(self, data: Any, name: str | None = None) -> None:
        if data is not None:
            check_data(data)
        self._data = data
        self._edge = None
        self._level = 0
        self.grad = None
        self.name = name

    @property
    def data(self) -> Any:
        """The array. Assigning rebinds it; what was computed from the old one stays right."""
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        old, edge = self._data, self._edge
        if isinstance(data, np.generic):
            data = np.asarray(data)
        elif data is not None:
            check_data(data)
        if data is old and edge is not None and data is not None:
            _written[edge] = old
            if edge.depth:
                data = old.copy()
        self._data = data
        if isinstance(edge, Leaf):
            self._edge = None

    @property
    def creator(self) -> Any:
        """The `Function` that computed this Variable, None for a leaf."""
        return self._edge.function if isinstance(self._edge, Node) else None

    @property
    def generation(self) -> int:
        """0 for a leaf, else one more than the generation of its function."""
        return self._edge.depth if self._edge is not None else 0

    def set_creator(self, function: Any) -> None:
        """Say by hand which `Function` computed this Variable."""
        self._edge = function.edge_to(self)

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
        if self._data is None:
            raise DataError("backward() of variable(None): there is no data")
        if self.dtype.kind not in "fc":
            raise DifferentiationError(
                f"backward() of {self.dtype} data: only floating or complex data has a "
                "derivative; make it so with x.astype(float)"
            )
        edge, seed = edge_of(self), self.grad
        if seed is None:
            seed = np.ones_like(self._data)
        elif np.shape(seed) != self.shape:
            raise GradientError(
                f"backward(): the seed in `grad` has shape {np.shape(seed)}, data {self.shape}"
            )
        if create_graph:
            seed = seed if isinstance(seed, Box) else attach(as_array(seed), None, self._level)
        elif isinstance(seed, Variable):
            seed = seed._data
        kept: dict[Edge, Any] | None = {} if retain_grad else None
        with using_config("enable_backprop", True) if create_graph else contextlib.nullcontext():
            leaves = sweep({edge: seed}, kept, self._level if create_graph else None)
            with _leaf_lock:
                for leaf, g in leaves.items():
                    variable = leaf.variable
                    if variable is not None and leaf is not edge:
                        old = variable.grad
                        variable.grad = own(g) if old is None else as_array(old + g)
        for inner, g in (kept or {}).items():
            variable = inner.variable
            if variable is not None:
                variable.grad = own(g)
        if isinstance(edge, Leaf):
            self.grad = seed
        elif not retain_grad:
            self.grad = None

    def clear_grad(self) -> None:
        """Forget `grad`, so that the next backward pass starts afresh."""
        self.grad = None

    cleargrad = clear_grad

    def __repr__(self) -> str:
        return "variable(" + str(plain(self)).replace("\n", "\n" + " " * 9) + ")"

    def __reduce__(self) -> Any:
        if self._level:
            raise GraphError("a Variable inside a running transform cannot be pickled or copied")
        return _restore, (self._data, self.name, plain(self.grad))

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute below this level, and record."""
        if p.nondifferentiable:
            return p(*(x._data if isinstance(x, Variable) else x for x in operands), **params)
        edges: list[Edge | None] = []
        xs = []
        for x in operands:
            mine = isinstance(x, Variable) and x._level == level
            xs.append(x._data if mine else x)
            edges.append(edge_of(x) if mine else None)
        out = p(*xs, **params)
        recording = level >= _floor.get()
        if isinstance(out, tuple):
            ports = p.ports(out, tuple(xs), tuple(edges)) if recording else [None] * len(out)
            return tuple(attach(y, port, level) for y, port in zip(out, ports, strict=True))
        out = as_array(out)
        node = p.node(out, tuple(xs), tuple(edges), params) if recording else None
        v = attach(out, node, level)
        if len(xs) == 1 and isinstance(out, np.ndarray) and (out is xs[0] or out.base is not None):
            note_view(v, operands[0])
        return v


def note_view(view: Variable, source: Variable) -> None:
    """Remember that a Variable may show another one's memory: assignment must know."""
    if not np.may_share_memory(view._data, source._data):
        return
    known = getattr(source, "_root", None)
    root = known() if known is not None else source
    if root is None:
        return
    view._root = weakref.ref(root)
    views = getattr(root, "_views", [])
    if len(views) >= 16:
        views = [each for each in views if each() is not None]
    root._views = [*views, weakref.ref(view)]


def own(g: Any) -> Any:
    """A gradient as an array of its own: two leaves never share one, and no leaf shares a view."""
    return g if isinstance(g, Box) else np.array(g)


def check_data(data: Any) -> None:
    """Refuse what a box cannot hold, naming its type."""
    if type(data) is np.ndarray:
        if data.dtype.kind not in "fciub":
            raise DataError(f"an array of {data.dtype} is not supported: numbers only")
        return
    hint = ""
    if isinstance(data, np.ndarray):
        hint = "; its own arithmetic would be lost, pass np.asarray(data)"
    elif isinstance(data, Box):
        hint = "; it is a box already (dz.as_variable leaves boxes as they are)"
    elif isinstance(data, (int, float, complex, list, tuple, np.generic)):
        hint = "; make it an array with np.array(data), or call dz.as_variable(data)"
    elif hasattr(data, "__array_function__") and hasattr(data, "dtype"):
        return
    raise DataError(f"{type(data)} is not supported{hint}")


def _restore(data: Any, name: str | None, grad: Any) -> Variable:
    """A pickled Variable comes back as a leaf."""
    variable = Variable(data, name)
    variable.grad = grad
    return variable


def unsupported(function: Any, method: str = "__call__", kwargs: Any = ()) -> UnsupportedError:
    """The error for a NumPy call that has no row, naming the nearest that has one."""
    module = getattr(function, "__module__", None) or "numpy"
    prefix = module.removeprefix("numpy").removeprefix(".")
    name = ".".join(filter(None, (prefix, getattr(function, "__name__", str(function)))))
    if "out" in kwargs:
        return UnsupportedError(
            f"np.{name}: a box cannot be written into an existing array (`out=`, or `a += v` and "
            "`a[i] += v` on a plain ndarray). Write `a = a + v`, or fill an array made with "
            "`a = dz.numpy.zeros(shape)`"
        )
    if method != "__call__":
        return UnsupportedError(f"np.{name}.{method} of a box is not supported")
    if kwargs:
        keywords = ", ".join(f"{key}=" for key in kwargs)
        return UnsupportedError(f"np.{name} of a box does not take {keywords}")
    known = {getattr(key, "__name__", ""): key for key in ROWS}
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; the nearest that is: np.{near[0]}" if near else ""
    return UnsupportedError(
        f"np.{name} has no derivative here and is not supported on boxes{hint}. "
        "For a value without a gradient pass `v.data`"
    )
