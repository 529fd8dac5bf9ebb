"""The primitive: a function of arrays, and what boxes need to know of it.

The rows of the table (`rows.py`) are primitives whose derivative is a line of NumPy; a user's
`Function` (`function.py`) is one with a `forward` and a `backward`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .axes import BatchRule, one_by_one
from .box import Box, as_array, describe, explained, foreign
from .config import observing
from .core import Node, Variable, apart, node_over, revive
from .errors import (
    DeZeroError,
    OperandError,
)
from .needs import Spec

Pulled = tuple[Sequence[Node | None], Sequence[Any]]
"""Where cotangents go, and these."""


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
    opaque : bool
        The way back may be any program, and not linear.
    pointwise : bool
        Each element of a cotangent goes to one element of the operand.
    broadcasts : bool
        A cotangent may need summing back to its operand's shape.
    masks : bool
        Sends exact zeros to what was not taken.
    adds : callable or None
        ``adds(total, g, saved)``: the way back to the first operand added to a sum in place, where
        it would be mostly zeros.
    holomorphic : bool
        On complex numbers, the way back is the conjugate of the way forward.
    settle : callable or None
        ``settle(outs, *tangents, **params)``: of several results that NumPy chooses freely, those
        that move smoothly where the operands move so.
    batching : callable
        The call on many members at once (`axes.py`); by default, on one after the other.
    """

    nondifferentiable = False
    opaque = False

    batching: BatchRule

    def __init__(self, fn: Callable[..., Any], title: str, **traits: Any) -> None:
        self.fn, self.title = fn, title
        # On the instance, not the class: the sweep reads them for every node.
        self.joint = self.masks = self.pointwise = self.broadcasts = False
        self.adds: Callable[..., None] | None = None
        self.settle: Callable[..., Any] | None = None
        self.holomorphic = True
        self.batching = one_by_one
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
            kind, given = type(top), operands
            operands = tuple(
                [  # a list, because a generator costs twice as much
                    x if type(x) is kind and x._level == level else self._operand(x, top, given)
                    for x in given
                ]
            )
        observer = observing()
        if observer is None:
            return top.process(self, operands, params, level)
        return observer.call(
            self, operands, params, lambda: top.process(self, operands, params, level)
        )

    def _operand(self, x: Any, top: Box, operands: tuple[Any, ...]) -> Any:
        """An operand as it is now; those are refused whose meaning would be lost."""
        if type(x) is np.ndarray and x.dtype.kind in "fciub":
            return x
        if isinstance(x, Box):
            if x._level == top._level and x.process is not top.process:
                pair = f"a {type(top).__name__} and a {type(x).__name__}"
                raise OperandError(f"{self.title}: {pair} made by hand do not mix")
            if x._level < top._level:
                return apart(x)  # x may be assigned into
        elif foreign(x):
            raise OperandError(
                f"{self.title}: an operand of type {type(x).__name__}, whose own arithmetic would "
                "be lost; pass np.asarray(…) of it"
            )
        elif not isinstance(x, (bool, int, float, complex)):
            x = as_array(x).copy()  # the user may write into a list
            if x.dtype.kind not in "fciub":
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
        return explained(error, self.title, operands)

    def node(
        self,
        out: Any,
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> Node:
        """The node of one recorded call with one result."""
        return self.nodes((out,), xs, edges, params)[0]

    def nodes(
        self,
        outs: tuple[Any, ...],
        xs: tuple[Any, ...],
        edges: tuple[Node | None, ...],
        params: dict[str, Any],
    ) -> tuple[Node, ...]:
        """The nodes of one recorded call's several results."""
        raise NotImplementedError

    def lift(self, node: Node, level: int) -> tuple[Any, ...]:
        """`saved`, with Variables in the graph instead of arrays, so that rules are recorded."""
        raise NotImplementedError

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        """If joint: where cotangents go, and these; none, if they are on their way already."""
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


class Joint(Primitive):
    """One recorded call with several results, and one way back from all of them.

    Results of a call have the same depth, so their cotangents arrive together; the first that is
    met brings all, and the others have nothing left to do.
    """

    opaque = True

    def __init__(self, p: Primitive, edges: tuple[Node | None, ...]) -> None:
        super().__init__(p.fn, p.title, joint=True, holomorphic=False)
        self.edges = edges
        self.ends: list[weakref.ref[Node]] = []
        self.specs: list[Spec] = []

    def record(self, outs: tuple[Any, ...]) -> tuple[Node, ...]:
        """The nodes of the results."""
        nodes = tuple(node_over(self, out, self.edges) for out in outs)
        self.ends = [weakref.ref(node) for node in nodes]
        self.specs = [Spec.of(out) for out in outs]
        return nodes

    def pull(self, node: Node, arrived: dict[Node, Any], lifted: int | None) -> Pulled:
        ends = [end() for end in self.ends]
        if next(end for end in ends if end in arrived) is not node:
            return (), ()
        gs = tuple(
            arrived[end] if end in arrived else np.zeros(spec.shape, spec.dtype)
            for end, spec in zip(ends, self.specs, strict=True)
        )
        return self.routed(gs, lifted)

    def routed(self, gs: tuple[Any, ...], lifted: int | None) -> Pulled:
        """Where cotangents go, and these."""
        return self.edges, self.pulled(gs, lifted)

    # what `creator` of a result shows

    def seen(self, node: Node) -> Any:
        return self

    def __repr__(self) -> str:
        return f"<a call of {self.title}>"

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The Variables that the results depend on; of one that is gone, its shape and dtype."""
        found = []
        for edge in self.edges:
            v = edge.variable if edge is not None else None
            if edge is not None:
                held = v is not None and v._node is edge
                found.append(v if held else revive(Spec(edge.shape, edge.dtype), edge, 0))
        return tuple(found)

    @property
    def outputs(self) -> tuple[weakref.ref[Variable], ...]:
        """The results, as weak references."""
        nodes = [end() for end in self.ends]
        return tuple(node._variable for node in nodes if node is not None)

    @property
    def generation(self) -> int:
        """The largest generation of the inputs."""
        return max((edge.depth for edge in self.edges if edge is not None), default=0)

    def live(self, outs: tuple[Any, ...]) -> list[Node]:
        """The nodes of the results, made again where nobody holds them any more."""
        pairs = zip(self.ends, outs, strict=True)
        nodes = [end() or node_over(self, out, self.edges) for end, out in pairs]
        self.ends = [weakref.ref(node) for node in nodes]
        return nodes

    def pulled(self, gs: tuple[Any, ...], lifted: int | None) -> tuple[Any, ...]:
        """The operands' cotangents from those of all results."""
        raise NotImplementedError
