"""The row: a NumPy function declared once, with its derivative; both modes come from it.

Four helpers declare rows: `elementwise`, `linear`, `primitive`, `nondifferentiable`. A row's rules
are plain NumPy code, one for each operand. A rule takes the cotangent (or tangent) first, and
then whatever it needs, **by name**: ``out`` for the result, ``x``, ``y``, ``z`` for the operands.
A name with an underscore in front is there for its place only. What no active rule names is not
kept, so the signature of a rule is also the statement of the memory it costs::

    elementwise(np.exp, lambda t, out: t * out)                             # keeps the result
    elementwise(np.multiply, lambda t, _x, y: t * y, lambda t, x, _y: t * x)

Keyword-only parameters of a rule are the keywords of the NumPy function that the row honours.
Broadcasting, dtypes, complex conjugation and missing gradients are dealt with here and in the
sweep, never in a row.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .core import (
    ROWS,
    Box,
    Edge,
    Node,
    Variable,
    _floor,
    as_array,
    edge_of,
    fit,
    new,
    plain,
    revive,
)
from .dispatch import bind, signature
from .errors import GraphError, OperandError
from .primitives import Function, Primitive, depth_over, items

Rule = Callable[..., Any]

OPERANDS = ("x", "y", "z")
PLAIN = frozenset({np.ndarray, float, int, bool, complex, np.float64, np.float32, np.int64})
"""Types that the fast calls take as constants without asking further."""

TABLE: dict[str, Row] = {}
"""Every row by its title. Tests and backends keep their own tables keyed like it."""


class Spec:
    """Shape and dtype of an array that was not kept."""

    __slots__ = ("dtype", "shape")
    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype

    @classmethod
    def of(cls, x: Any) -> Spec:
        return cls(np.shape(x), x.dtype if hasattr(x, "dtype") else np.result_type(x))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        return f"<{self.dtype} of shape {self.shape}, not kept>"


class Needs:
    """What a row's rules name: the order of `saved`, and who needs what."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        codes = [rule.__code__ for rule in rules]
        spelled = [code.co_varnames[1 : code.co_argcount] for code in codes]
        names = {tuple(name.lstrip("_") for name in each) for each in spelled}
        if len(names) != 1:
            raise TypeError(f"the rules of a row must name the same things, not {names}")
        self.names: tuple[str, ...] = names.pop()
        self.by_rule = [{n for n in each if not n.startswith("_")} for each in spelled]
        self.keywords = frozenset(
            name
            for code in codes
            for name in code.co_varnames[
                code.co_argcount : code.co_argcount + code.co_kwonlyargcount
            ]
        )
        self.indices = [OPERANDS.index(n) if n != "out" else -1 for n in self.names]

    def select(self, active: tuple[bool, ...]) -> Callable[..., tuple[Any, ...]] | None:
        """``(out, x, y, …) → saved`` for a pattern of active operands; None if nothing is kept."""
        needed = {n for k, on in enumerate(active) if on for n in self.by_rule[k]}
        if not needed:
            return None
        kept = ", ".join(n if n in needed else "None" for n in self.names)
        arguments = ", ".join(("out", *OPERANDS[: len(active)]))
        # Generated, because it runs once per recorded operation and a loop would cost more
        # than the operation.
        return eval(f"lambda {arguments}: ({kept},)")  # type: ignore[no-any-return]


# ---------------------------------------------------------------------------- nodes


class RowNode(Function, Node):
    """One recorded call of a row; also the `Function` class of that row, for calls by hand.

    A recorded call is its own `creator`, unless an instance was called by hand: then the node in
    the graph names that instance, and the instance keeps a copy of what the node keeps.
    """

    __slots__ = ("_instance", "_last")

    p: ClassVar[Row]

    def forward(self, *xs: Any) -> Any:
        """The row's function on arrays."""
        return self.p.fn(*xs)

    def backward(self, *gys: Any) -> Any:
        """The inputs' cotangents from the result's, as arrays; None for constants."""
        edges = getattr(self, "edges", ())
        if not edges:
            raise GraphError(f"{self.title}: backward before a recorded call keeps nothing to use")
        g = as_array(gys[0])
        saved = self.lift(g._level) if isinstance(g, Box) else self.saved
        conjugate = self.dtype.kind == "c" and self.holomorphic
        gxs = []
        for edge, rule in zip(edges, self.rules, strict=True):
            gx = None
            if edge is not None:
                gx = rule(g.conj(), *saved).conj() if conjugate else rule(g, *saved)
                gx = as_array(fit(gx, edge, self))
            gxs.append(gx)
        return gxs[0] if len(gxs) == 1 else tuple(gxs)

    def lift(self, level: int) -> tuple[Any, ...]:
        lifted = []
        for k, value in zip(self.p.needs.indices, self.saved, strict=False):
            edge = self if k < 0 else self.edges[k]
            known = value is None or isinstance(value, Spec) or edge is None
            lifted.append(value if known else revive(value, edge, level))
        return (*lifted, *self.saved[len(lifted) :])

    @property
    def function(self) -> Any:
        return getattr(self, "_instance", self)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The Variables of the call; one that nobody holds comes back with what was kept of it."""
        last = getattr(self, "_last", None)
        if last is not None:
            return last.inputs  # type: ignore[no-any-return]  # a slot
        return tuple(
            revive(self._kept(k, edge), edge, 0) if edge.variable is None else edge.variable
            for k, edge in enumerate(self.edges)
            if edge is not None
        )

    def _kept(self, k: int, edge: Edge) -> Any:
        for index, value in zip(self.p.needs.indices, self.saved, strict=False):
            if index == k and value is not None:
                return value
        return Spec(edge.shape, edge.dtype)

    @property
    def outputs(self) -> tuple[weakref.ref[Any], ...]:
        """The result of the call, as a weak reference."""
        last = getattr(self, "_last", None)
        return (self._variable,) if last is None else last.outputs

    @property
    def generation(self) -> int:
        """The largest generation of the inputs."""
        return self.depth - 1

    def _primitive(self) -> Primitive:
        return self.p

    def _recorded(self, edge: Any) -> None:
        if edge is None:
            self.edges = ()
            return
        edge._instance = self
        self.edges, self.saved = edge.edges, edge.saved
        self.shape, self.dtype, self.depth = edge.shape, edge.dtype, edge.depth

    def _let_go(self) -> None:
        last = getattr(self, "_last", None)
        earlier = last.edge() if last is not None and last.edge is not None else None
        if earlier is not None:
            del earlier._instance


class ElementwiseNode(RowNode):
    """A call of an elementwise row: its cotangents may need summing over broadcast axes."""

    __slots__ = ()
    broadcasts = True
    pointwise = True


class JointNode(RowNode):
    """A call of a row whose one rule gives the cotangents of all operands."""

    __slots__ = ()
    joint = True

    @property
    def rules(self) -> tuple[Rule, ...]:  # type: ignore[override]  # by the number of operands
        return items(len(self.edges))

    def pull(self, arrived: dict[Edge, Any], lifted: int | None) -> tuple[Any, ...] | None:
        specs, params = self.saved
        return tuple(self.p.rule(arrived[self], specs, **params))


# ---------------------------------------------------------------------------- kinds of rows


class Row(Primitive):
    """A primitive of the table.

    Attributes
    ----------
    rules : tuple of callables
        ``rules[k](t, *needed, **params)`` is the cotangent of operand k.
    pushes : tuple of callables or None
        ``pushes[k](t, *needed, **params)`` is what a tangent of operand k adds to the result's;
        None for linear rows, where that is the function itself.
    Function : type
        The class of its nodes, `creator` of its results.
    """

    base: ClassVar[type[RowNode]] = RowNode
    Function: type[RowNode]
    rules: tuple[Rule, ...] = ()
    rule: Rule
    needs: Needs

    def __init__(self, fn: Callable[..., Any], title: str, name: str | None = None, **traits: Any):
        super().__init__(fn, title)
        name = name or title
        camel = "".join(part.capitalize() for part in name.split("_"))
        body = {"__slots__": (), "p": self, "title": title, "__module__": "dezero.functions"}
        self.Function = type(camel, (self.base,), body | traits)
        self.name = name
        TABLE[title] = self

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Edge | None, ...],
        params: dict[str, Any],
    ) -> Node:
        node = new(self.Function)
        node.edges = edges
        node.saved = self.keep(out, xs, tuple(edge is not None for edge in edges), params)
        node.shape, node.dtype, node.depth = out.shape, out.dtype, depth_over(edges)
        return node  # type: ignore[no-any-return]  # made by object.__new__

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        """What the active operands' rules need, of the result and the operands."""
        raise NotImplementedError


class Elementwise(Row):
    """A ufunc: each rule multiplies by a partial derivative, so it serves both directions."""

    base = ElementwiseNode

    def __init__(
        self,
        fn: Callable[..., Any],
        title: str,
        name: str | None,
        rules: tuple[Rule, ...],
        pushes: tuple[Rule, ...],
        **traits: Any,
    ) -> None:
        super().__init__(fn, title, name, rules=rules, **traits)
        self.rules, self.pushes = rules, pushes
        self.needs = Needs(rules)
        patterns = itertools.product((True, False), repeat=len(rules))
        self.selects = {active: self.needs.select(active) for active in patterns}
        self.nothing = (None,) * len(self.needs.names)

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        select = self.selects[active]
        return select(out, *xs) if select else self.nothing

    def push(self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        needed = [out if k < 0 else xs[k] for k in self.needs.indices]
        parts = [
            rule(tx, *needed) for rule, tx in zip(self.pushes, txs, strict=True) if tx is not None
        ]
        total = sum(parts[1:], start=parts[0])
        return total if np.shape(total) == out.shape else np.broadcast_to(total, out.shape)

    def unary(self) -> Callable[[Any], Any]:
        """The call on one operand, with nothing between NumPy and the node."""
        fn, kind, general = self.fn, self.Function, self.__call__
        select, nothing = self.selects[(True,)], self.nothing
        ndarray, asarray, ref, floor, p = np.ndarray, np.asarray, weakref.ref, _floor.get, self

        def call(a: Any) -> Any:
            if type(a) is not Variable:
                return general(a)
            x = a._data
            try:
                out = fn(x)
            except (TypeError, ValueError) as error:
                raise p.explained(error, (x,)) from error
            if type(out) is not ndarray and not isinstance(out, Box):
                out = asarray(out)
            level = a._level
            v = new(Variable)
            v._data = out
            v._level = level
            v.grad = v.name = None
            if level < floor():
                v._edge = None
                return v
            m = a._edge or edge_of(a)
            v._edge = node = new(kind)
            node.edges = (m,)
            node.saved = select(out, x) if select else nothing
            node.shape = out.shape
            node.dtype = out.dtype
            node.depth = m.depth + 1
            node._variable = ref(v)
            return v

        return call

    def binary(self) -> Callable[[Any, Any], Any]:
        """The call on two operands, with nothing between NumPy and the node."""
        fn, kind, general = self.fn, self.Function, self.__call__
        both, left = self.selects[True, True], self.selects[True, False]
        right, nothing = self.selects[False, True], self.nothing
        ndarray, asarray, ref, floor, p = np.ndarray, np.asarray, weakref.ref, _floor.get, self

        def call(a: Any, b: Any) -> Any:
            if type(a) is Variable:
                x, level = a._data, a._level
                if type(b) is Variable:
                    if b._level != level:
                        return general(a, b)
                    y, select = b._data, both
                elif type(b) in PLAIN:
                    y, select = b, left
                    b = None
                else:
                    return general(a, b)
            elif type(b) is Variable and type(a) in PLAIN:
                x, y, level, select = a, b._data, b._level, right
                a = None
            else:
                return general(a, b)
            try:
                out = fn(x, y)
            except (TypeError, ValueError) as error:
                raise p.explained(error, (x, y)) from error
            if type(out) is not ndarray and not isinstance(out, Box):
                out = asarray(out)
            v = new(Variable)
            v._data = out
            v._level = level
            v.grad = v.name = None
            if level < floor():
                v._edge = None
                return v
            v._edge = node = new(kind)
            if b is None:
                m = a._edge or edge_of(a)
                node.edges = (m, None)
                depth = m.depth
            elif a is None:
                n = b._edge or edge_of(b)
                node.edges = (None, n)
                depth = n.depth
            else:
                m = a._edge or edge_of(a)
                n = b._edge or edge_of(b)
                node.edges = (m, n)
                depth = m.depth
                if n.depth > depth:
                    depth = n.depth
            node.saved = select(out, x, y) if select else nothing
            node.shape = out.shape
            node.dtype = out.dtype
            node.depth = depth + 1
            node._variable = ref(v)
            return v

        return call


class General(Row):
    """A row with parameters: `linear` and `primitive` rows."""

    def __init__(
        self,
        fn: Callable[..., Any],
        title: str,
        rules: tuple[Rule, ...],
        pushes: tuple[Rule, ...] | None,
        **traits: Any,
    ) -> None:
        super().__init__(fn, title, rules=tuple(map(with_params, rules)), **traits)
        self.rules, self.pushes = rules, pushes
        self.needs = Needs(rules)

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        kept: list[Any] = []
        for name, k in zip(self.needs.names, self.needs.indices, strict=True):
            users = [j for j, on in enumerate(active) if on and name in self.needs.by_rule[j]]
            if not users:
                kept.append(None)
            elif k < 0:
                kept.append(out)
            elif self.pushes is None and users == [k]:
                kept.append(Spec.of(xs[k]))  # a linear map's way back knows its operand by shape
            else:
                kept.append(xs[k])
        return (*kept, params)

    def push(self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        moving = [(k, tx) for k, tx in enumerate(txs) if tx is not None]
        if self.pushes is None:
            parts = [self(*xs[:k], tx, *xs[k + 1 :], **params) for k, tx in moving]
        else:
            needed = [out if k < 0 else xs[k] for k in self.needs.indices]
            parts = [self.pushes[k](tx, *needed, **params) for k, tx in moving]
        return sum(parts[1:], start=parts[0])


class Jointly(Row):
    """A function linear in all of its operands together: one rule gives all their cotangents."""

    base = JointNode

    def __init__(self, fn: Callable[..., Any], title: str, rule: Rule, **traits: Any) -> None:
        super().__init__(fn, title, **traits)
        self.rule = rule

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        return (tuple(Spec.of(x) for x in xs), params)

    def push(self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        moves = [np.zeros_like(plain(x)) if tx is None else tx for x, tx in zip(xs, txs, strict=True)]
        return self(*moves, **params)


class Nondifferentiable(Row):
    """A function whose value is asked for without a gradient: comparisons, `argmax`, …"""

    nondifferentiable = True


def with_params(rule: Rule) -> Rule:
    """A rule with keywords, called as the sweep calls it: ``(g, *needed, params)``."""

    def call(g: Any, *saved: Any) -> Any:
        return rule(g, *saved[:-1], **saved[-1])

    return call


# ---------------------------------------------------------------------------- declaring


def elementwise(
    function: Callable[..., Any],
    *rules: Rule,
    name: str | None = None,
    pushes: tuple[Rule, ...] = (),
    fn: Callable[..., Any] | None = None,
    **traits: Any,
) -> Elementwise:
    """Declare a ufunc by its partial derivatives.

    Parameters
    ----------
    function : callable
        A ufunc, or any other function of arrays that broadcasts.
    *rules : callables
        For each operand ``t`` times the partial derivative, by NumPy functions of what it names.
        For complex operands write the complex derivative: the sweep conjugates.
    name : str
        Of the `Function` class and of `dezero`'s function, where NumPy's is not wanted.
    pushes : tuple of callables
        The forward rules, where they differ (functions that are not holomorphic).
    fn : callable
        What computes it on arrays, if that is not `function` itself.
    **traits
        ``masks=True`` if exact zeros go to what was not taken; ``holomorphic=False``.
    """
    row = Elementwise(fn or function, function.__name__, name, rules, pushes or rules, **traits)
    calls = {1: row.unary, 2: row.binary}
    ROWS[function] = calls[len(rules)]() if len(rules) in calls else row
    return row


def linear(fn: Callable[..., Any], *rules: Rule, title: str | None = None, **traits: Any) -> General:
    """Declare a function that is linear in each operand by the transposes.

    Rule k sees operand k by its shape and dtype only (a `Spec`), and the others whole.
    """
    row = General(fn, title or fn.__name__, rules, None, **traits)
    ROWS[fn] = bound(row, fn)
    return row


def jointly_linear(
    fn: Callable[..., Any], rule: Rule, title: str | None = None, **traits: Any
) -> Jointly:
    """Declare a function linear in all operands together: ``rule(g, specs, **params)``.

    It gives a cotangent for each operand. Registering NumPy's spelling is the caller's affair.
    """
    return Jointly(fn, title or fn.__name__, rule, **traits)


def primitive(
    fn: Callable[..., Any],
    *rules: Rule,
    pushes: tuple[Rule, ...],
    title: str | None = None,
    **traits: Any,
) -> General:
    """Declare anything else by its own rules for both directions."""
    row = General(fn, title or fn.__name__, rules, pushes, **traits)
    ROWS[fn] = bound(row, fn)
    return row


def bound(row: General, fn: Any) -> Callable[..., Any]:
    """A row's call in NumPy's words; a ufunc's has no keywords to read."""
    return row if isinstance(fn, np.ufunc) else bind(row, fn, len(row.rules), row.needs.keywords)


def nondifferentiable(*functions: Callable[..., Any]) -> None:
    """Declare functions whose value is plain: boxes are taken off, and no gradient flows."""
    for fn in functions:
        ROWS[fn] = by_position(Nondifferentiable(fn, fn.__name__))


def by_position(row: Row) -> Callable[..., Any]:
    """A row's call in which boxes given by keyword are found too."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(value, Box) for value in kwargs.values()):
            names, _ = signature(row.fn)
            head = names[len(args) : 1 + max(names.index(k) for k in kwargs if k in names)]
            if not set(head) <= kwargs.keys():
                raise OperandError(f"np.{row.title}: give boxes by position")
            args += tuple(kwargs.pop(name) for name in head)
        return row(*args, **kwargs)

    return call
