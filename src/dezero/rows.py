"""The row: a NumPy function declared once, with its derivative; both modes come from it.

Five helpers declare rows: `elementwise`, `linear`, `primitive`, `several` (results) and
`nondifferentiable`. A row's rules are plain NumPy code, one for each operand. A rule takes the
cotangent (or tangent) first, and then whatever it needs, **by name**: ``out`` for the result,
``x``, ``y``, ``z`` for the operands.
A name with an underscore in front is there for its place only. What no active rule names is not
kept, so the signature of a rule is also the statement of the memory it costs::

    elementwise(np.exp, lambda t, out: t * out)                             # keeps the result
    elementwise(np.multiply, lambda t, _x, y: t * y, lambda t, x, _y: t * x)

Keyword-only parameters of a rule are the keywords of the NumPy function that the row honours.
Broadcasting, dtypes, complex conjugation and missing gradients are dealt with here and in the
sweep, never in a row.
"""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .axes import pointwise
from .box import ROWS, Box, as_array, describe
from .config import Observer, recording_floor
from .core import Node, Variable, conj, fit, new, node_of, node_over, revive
from .dispatch import bind, signature
from .errors import GraphError, OperandError
from .function import Function, Last
from .needs import Needs, Rule, Spec
from .primitives import Joint, Primitive, Pulled

NUMBERS = frozenset({float, int, bool, complex, np.float64, np.float32, np.int64})
"""Types that the fast calls take as constants without asking further, and …"""

KINDS = "fciub"
"""… the kinds of dtype of the arrays that they take so."""

TABLE: dict[str, Row] = {}
"""Every row by its title. Tests and backends keep their own tables keyed like it."""


# ---------------------------------------------------------------------------- Function classes


class RowFunction(Function):
    """The `Function` class of a row, for calls by hand and for looks at a recorded call.

    ``y.creator`` of a result makes an instance for the look, unless one was called by hand: then
    the node in the graph names that one, and the instance keeps what the node keeps.
    """

    p: ClassVar[Row]
    _node: Node | None = None

    @classmethod
    def of(cls, node: Node) -> RowFunction:
        """The instance that shows a recorded call."""
        node._function = instance = cls()
        instance._node = copy.copy(node)
        del instance._node._function  # a copy without the way back: no cycle
        return instance

    def forward(self, *xs: Any) -> Any:
        """The row's function on arrays."""
        return self.p.fn(*xs)

    def backward(self, *gys: Any) -> Any:
        """The inputs' cotangents from the result's, as arrays; None for constants."""
        if self._node is None:
            raise GraphError(f"{self.p.title}: backward needs a recorded call before it")
        node, p, g = self._node, self.p, as_array(gys[0])
        if p.joint:
            _, gxs = p.pull(node, {node: g}, g._level if isinstance(g, Box) else None)
        else:
            saved = p.lift(node, g._level) if isinstance(g, Box) else node.saved
            conjugate = node.dtype.kind == "c" and p.holomorphic
            gxs = node.back(conj(g) if conjugate else g, saved)
            gxs = tuple(map(conj, gxs)) if conjugate else gxs
        gxs = tuple(
            None if edge is None else as_array(fit(gx, edge, p))
            for edge, gx in zip(node.edges, gxs, strict=True)
        )
        return gxs[0] if len(gxs) == 1 else gxs

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The Variables of the call; one that nobody holds comes back with what was kept of it."""
        last = getattr(self, "_last", None)
        if last is not None or self._node is None:
            return last.inputs if last is not None else ()
        return tuple(
            self._input(k, edge) for k, edge in enumerate(self._node.edges) if edge is not None
        )

    def _input(self, k: int, edge: Node) -> Any:
        v = edge.variable
        assigned = v is not None and v._node is not edge and v.generation
        return revive(self._kept(k, edge), edge, 0) if v is None or assigned else v

    def _kept(self, k: int, edge: Node) -> Any:
        assert self._node is not None
        for index, value in zip(self.p.needs.indices, self._node.saved, strict=False):
            if index == k and value is not None:
                return value
        return Spec(edge.shape, edge.dtype)

    @property
    def outputs(self) -> tuple[weakref.ref[Any], ...]:
        """The result of the call, as a weak reference."""
        last = getattr(self, "_last", None)
        if last is not None or self._node is None:
            return last.outputs if last is not None else ()
        return (self._node._variable,)

    @property
    def generation(self) -> int:
        """The largest generation of the inputs."""
        return self._node.depth - 1 if self._node is not None else super().generation

    def _check_count(self, operands: tuple[Any, ...]) -> None:
        rules = getattr(self.p, "rules", None)
        if not operands or (rules is not None and len(operands) != len(rules)):
            given = ", ".join(map(describe, operands))
            raise OperandError(f"{self.p.title}({given}): a wrong number of operands")

    def _primitive(self) -> Primitive:
        return self.p

    def _called(self, last: Last, y: Any) -> None:
        """The graph's node names this instance, which keeps a copy of that node."""
        earlier = (
            getattr(self._last.outputs[0](), "_node", None) if hasattr(self, "_last") else None
        )
        if earlier is not None and earlier.function is self:
            del earlier._function  # the call before goes on by itself
        self._last, self._node = last, None
        node = getattr(y, "_node", None)
        if node is not None:
            self._node = copy.copy(node)
            node._function = self


# ---------------------------------------------------------------------------- kinds of rows


class Row(Primitive):
    """A primitive of the table.

    Attributes
    ----------
    pushes : tuple of callables or None
        ``pushes[k](t, *needed, **params)`` is what a tangent of operand k adds to the result's;
        None for linear rows, where that is the function itself.
    name : str
        Of the `Function` class, in small letters.
    """

    needs: Needs

    def __init__(self, fn: Callable[..., Any], title: str, name: str | None = None, **traits: Any):
        super().__init__(fn, title, **traits)
        self.name = name or title
        TABLE[title] = self

    def __reduce__(self) -> Any:
        return row_named, (self.title,)

    @functools.cached_property
    def Function(self) -> type[RowFunction]:
        """The class of `creator` of its results."""
        camel = "".join(part.capitalize() for part in self.name.split("_"))
        doc = f"A call of `numpy.{self.title}`."
        body = {"p": self, "__module__": "dezero.functions", "__doc__": doc}
        return type(camel, (RowFunction,), body)

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> Node:
        node = node_over(self, out, edges)
        active = tuple([edge is not None for edge in edges])
        node.back, node.saved = self.back(active), self.keep(out, xs, active, params)
        return node

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        """What the active operands' rules need, of the result and the operands."""
        raise NotImplementedError

    def back(self, active: tuple[bool, ...]) -> Rule:
        """``(gy, saved) → cotangents``, None for operands that are not active."""
        raise NotImplementedError

    def lift(self, node: Node, level: int) -> tuple[Any, ...]:
        lifted = []
        for k, value in zip(self.needs.indices, node.saved, strict=False):
            edge = node if k < 0 else node.edges[k]
            if edge is not None and value is not None and not isinstance(value, Spec):
                value = revive(value, edge, level)
            lifted.append(value)
        return (*lifted, *node.saved[len(lifted) :])

    def seen(self, node: Node) -> RowFunction:
        return self.Function.of(node)


def row_named(title: str) -> Row:
    """A row of the table, for one that was pickled."""
    return TABLE[title]


class Elementwise(Row):
    """A ufunc: each rule multiplies by a partial derivative, so it serves both directions."""

    def __init__(
        self,
        fn: Callable[..., Any],
        title: str,
        name: str | None,
        rules: tuple[Rule, ...],
        pushes: tuple[Rule, ...],
        **traits: Any,
    ) -> None:
        traits = {"pointwise": True, "broadcasts": True, "batching": pointwise, **traits}
        super().__init__(fn, title, name, **traits)
        self.rules, self.pushes = rules, pushes
        self.needs = Needs(rules)
        self.nothing = (None,) * len(self.needs.names)
        self._ways: dict[tuple[bool, ...], tuple[Any, Rule]] = {}

    def way(self, *active: bool) -> tuple[Callable[..., tuple[Any, ...]] | None, Rule]:
        """What selects `saved`, and the way back, for a pattern of active operands."""
        if active not in self._ways:
            self._ways[active] = self.needs.select(active), self.needs.back(self.rules, active)
        return self._ways[active]

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        select, _ = self.way(*active)
        return select(out, *xs) if select else self.nothing

    def back(self, active: tuple[bool, ...]) -> Rule:
        return self.way(*active)[1]

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        needed = [out if k < 0 else xs[k] for k in self.needs.indices]
        parts = [
            rule(tx, *needed) for rule, tx in zip(self.pushes, txs, strict=True) if tx is not None
        ]
        total = sum(parts[1:], start=parts[0])
        return total if total.shape == out.shape else np.broadcast_to(total, out.shape)

    def unary(self) -> Callable[[Any], Any]:
        """The call on one operand, with nothing between NumPy and the node."""
        fn, general = self.fn, self.__call__
        (select, back), nothing = self.way(True), self.nothing
        ndarray, asarray, p = np.ndarray, np.asarray, self
        ref, floor = weakref.ref, recording_floor.get

        def call(a: Any) -> Any:
            if type(a) is not Variable:
                return general(a)
            x, level = a._value, a._level
            unrecorded = level < floor()
            if unrecorded and isinstance(floor(), Observer):
                return general(a)
            try:
                out = fn(x)
            except (TypeError, ValueError) as error:
                raise p.explained(error, (x,)) from error
            if type(out) is not ndarray and not isinstance(out, Box):
                out = asarray(out)
            v = new(Variable)
            v._value = out
            v._level = level
            v.grad = v.name = None
            if unrecorded:
                v._node = None
                return v
            m = a._node or node_of(a)
            v._node = node = Node()
            node.p = p
            node.edges = (m,)
            node.back = back
            node.saved = select(out, x) if select else nothing
            node.shape = m.shape
            node.dtype = out.dtype
            node.depth = m.depth + 1
            node._variable = ref(v)
            if type(out) is not ndarray:
                node.mark = out._mark
            return v

        return call

    def binary(self) -> Callable[[Any, Any], Any]:  # noqa: C901  # the hot path, in one piece
        """The call on two operands, with nothing between NumPy and the node."""
        fn, general = self.fn, self.__call__
        both, left = self.way(True, True), self.way(True, False)
        right, nothing = self.way(False, True), self.nothing
        ndarray, asarray, p = np.ndarray, np.asarray, self
        ref, floor = weakref.ref, recording_floor.get

        def call(a: Any, b: Any) -> Any:  # noqa: C901  # likewise
            if type(a) is Variable:
                x, level = a._value, a._level
                if type(b) is Variable:
                    if b._level != level:
                        return general(a, b)
                    y, way = b._value, both
                elif type(b) in NUMBERS or (type(b) is ndarray and b.dtype.kind in KINDS):
                    y, way = b, left
                else:
                    return general(a, b)
            elif type(b) is Variable and (
                type(a) in NUMBERS or (type(a) is ndarray and a.dtype.kind in KINDS)
            ):
                x, y, level, way = a, b._value, b._level, right
            else:
                return general(a, b)
            unrecorded = level < floor()
            if unrecorded and isinstance(floor(), Observer):
                return general(a, b)
            try:
                out = fn(x, y)
            except (TypeError, ValueError) as error:
                raise p.explained(error, (x, y)) from error
            if type(out) is not ndarray and not isinstance(out, Box):
                out = asarray(out)
            v = new(Variable)
            v._value = out
            v._level = level
            v.grad = v.name = None
            if unrecorded:
                v._node = None
                return v
            v._node = node = Node()
            node.p = p
            if way is left:
                m = a._node or node_of(a)
                node.edges = (m, None)
                depth = m.depth
            elif way is right:
                m = b._node or node_of(b)
                node.edges = (None, m)
                depth = m.depth
            else:
                m = a._node or node_of(a)
                n = b._node or node_of(b)
                node.edges = (m, n)
                depth = m.depth
                depth = max(depth, n.depth)
            # One tuple for a chain of equal shapes: the sweep compares it by identity.
            shape = out.shape
            if shape == m.shape:
                shape = m.shape
            select, node.back = way
            node.saved = select(out, x, y) if select else nothing
            node.shape = shape
            node.dtype = out.dtype
            node.depth = depth + 1
            node._variable = ref(v)
            if type(out) is not ndarray:
                node.mark = out._mark
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
        super().__init__(fn, title, **traits)
        self.rules, self.pushes = rules, pushes
        self.needs = Needs(rules)

        self._ways: dict[tuple[bool, ...], tuple[tuple[Any, ...], Rule]] = {}

    def way(self, active: tuple[bool, ...]) -> tuple[tuple[Any, ...], Rule]:
        """What to keep (by index, and whether as a `Spec`), and the way back, for a pattern."""
        if active not in self._ways:
            plan: list[tuple[int, bool] | None] = []
            for name, k in zip(self.needs.names, self.needs.indices, strict=True):
                users = [j for j, on in enumerate(active) if on and name in self.needs.by_rule[j]]
                # A linear map's way back knows its own operand by shape.
                plan.append((k, self.pushes is None and users == [k]) if users else None)
            rules = [rule if on else None for rule, on in zip(self.rules, active, strict=True)]

            def back(g: Any, saved: tuple[Any, ...]) -> list[Any]:
                *needed, params = saved
                return [None if rule is None else rule(g, *needed, **params) for rule in rules]

            self._ways[active] = tuple(plan), back
        return self._ways[active]

    def back(self, active: tuple[bool, ...]) -> Rule:
        return self.way(active)[1]

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        kept: list[Any] = []
        for step in self.way(active)[0]:
            if step is None:
                kept.append(None)
            else:
                k, as_spec = step
                x = out if k < 0 else xs[k]
                kept.append(Spec.of(x) if as_spec else x)
        return (*kept, params)

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        moving = [(k, tx) for k, tx in enumerate(txs) if tx is not None]
        if self.pushes is None:
            parts = [self(*xs[:k], tx, *xs[k + 1 :], **params) for k, tx in moving]
        else:
            needed = [out if k < 0 else xs[k] for k in self.needs.indices]
            parts = [self.pushes[k](tx, *needed, **params) for k, tx in moving]
        return sum(parts[1:], start=parts[0])


class Several(General):
    """A function with several results: in its rules, the cotangents and `out` are tuples."""

    def nodes(
        self,
        outs: tuple[Any, ...],
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> tuple[Node, ...]:
        return Call(self, outs, xs, edges, params).record(outs)

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        needed = [out if k < 0 else xs[k] for k in self.needs.indices]
        parts = [
            rule(tx, *needed, **params)
            for rule, tx in zip(self.pushes or (), txs, strict=True)
            if tx is not None
        ]
        return tuple(sum(tys[1:], start=tys[0]) for tys in zip(*parts, strict=True))


class Call(Joint):
    """A recorded call of a row with several results."""

    def __init__(
        self,
        row: Several,
        outs: tuple[Any, ...],
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> None:
        super().__init__(row, edges)
        active = tuple(edge is not None for edge in edges)
        self.row, self.back = row, row.back(active)
        self.saved = row.keep(outs, xs, active, params)

    def kept(self, node: Node) -> tuple[Any, ...]:
        return self.saved[:-1]

    def pulled(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        *kept, params = self.saved
        if lifted is not None:
            pairs = zip(self.row.needs.indices, kept, strict=True)
            kept = [None if x is None else self.lifted(k, x, lifted) for k, x in pairs]
        return tuple(self.back(gs, (*kept, params)))

    def lifted(self, k: int, kept: Any, level: int) -> Any:
        """Operand k, or the results, as Variables in the graph."""
        if k < 0:
            pairs = zip(kept, self.live(kept), strict=True)
            return tuple(revive(y, node, level) for y, node in pairs)
        edge = self.edges[k]
        return kept if edge is None else revive(kept, edge, level)


class Jointly(Row):
    """A function linear in all of its operands together: one rule gives all their cotangents."""

    def __init__(self, fn: Callable[..., Any], title: str, rule: Rule, **traits: Any) -> None:
        super().__init__(fn, title, joint=True, holomorphic=False, **traits)
        self.rule, self.needs = rule, Needs(())

    def back(self, active: tuple[bool, ...]) -> Rule:
        return self.rule

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        specs, params = node.saved
        return node.edges, self.rule(arrived[node], specs, **params)

    def keep(
        self, out: Any, xs: tuple[Any, ...], active: tuple[bool, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        return (tuple(Spec.of(x) for x in xs), params)

    def push(
        self, out: Any, xs: tuple[Any, ...], txs: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        moves = [
            np.zeros(spec.shape, spec.dtype) if tx is None else tx
            for spec, tx in zip(map(Spec.of, xs), txs, strict=True)
        ]
        return self(*moves, **params)


class Nondifferentiable(Row):
    """A function whose value is asked for without a gradient: comparisons, `argmax`, …"""

    nondifferentiable = True


def elementwise(
    function: Callable[..., Any],
    *rules: Rule,
    name: str | None = None,
    pushes: tuple[Rule, ...] = (),
    fn: Callable[..., Any] | None = None,
    title: str | None = None,
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
    title : str
        In messages and tables, where the function's own name is taken.
    **traits
        ``masks=True`` if exact zeros go to what was not taken; ``holomorphic=False``.
    """
    own = function.__name__
    row = Elementwise(fn or function, title or own, name or own, rules, pushes or rules, **traits)
    if len(rules) == 1:
        ROWS[function] = row.unary()
    elif len(rules) == 2:
        ROWS[function] = row.binary()
    else:
        ROWS[function] = row
    return row


def linear(
    fn: Callable[..., Any], *rules: Rule, title: str | None = None, **traits: Any
) -> General:
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


def several(
    fn: Callable[..., Any],
    *rules: Rule,
    pushes: tuple[Rule, ...],
    title: str | None = None,
    named: Callable[..., Any] | None = None,
    **traits: Any,
) -> Several:
    """Declare a function with several results, by its own rules for both directions.

    A rule's first parameter is the tuple of the results' cotangents, with zeros for those that
    got none, and `out` the tuple of results; a push returns a tuple of tangents. For complex
    operands a rule is the adjoint with respect to Re⟨g, t⟩: the sweep does not conjugate here.

    Parameters
    ----------
    fn : callable
        Returns a tuple of arrays.
    named : callable
        The named tuple that the results are handed out in.
    """

    @functools.wraps(fn)
    def results(*xs: Any, **params: Any) -> tuple[Any, ...]:
        return tuple(map(as_array, fn(*xs, **params)))

    row = Several(results, title or fn.__name__, rules, pushes, **traits)
    call = bound(row, fn)
    ROWS[fn] = (lambda *args, **kwargs: named(*call(*args, **kwargs))) if named else call
    return row


def bound(row: General, fn: Any) -> Callable[..., Any]:
    """A row's call in NumPy's words; a ufunc's has no keywords to read."""
    return row if isinstance(fn, np.ufunc) else bind(row, fn, len(row.rules), row.needs.keywords)


def nondifferentiable(*functions: Callable[..., Any], **traits: Any) -> None:
    """Declare functions whose value is plain: boxes are taken off, and no gradient flows."""
    for fn in functions:
        ROWS[fn] = by_position(Nondifferentiable(fn, fn.__name__, **traits))


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
