"""Derivatives of one's own: `custom_vjp`, `custom_jvp`, and `stop_gradient`.

A call of a function with a rule is a call of one primitive, `Custom`: boxes see its arguments and
results only, and what happens inside has no derivative but by the rule. The rule itself is
plain NumPy code on whatever boxes are below, which is why it can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .batching import vmap
from .box import Box, as_array, layers, plain, watch
from .core import Node, is_constant, revive
from .errors import DataError, GradientError, GraphError, OperandError
from .forward import still
from .function import Barrier, transposed
from .primitives import Joint, Primitive
from .rules.nondiff import stopped
from .trees import derived, flatten, is_numbers, moving, tree_map, unflatten

Values = tuple[Any, ...]
Flat = Callable[..., Values]


def stop_gradient(x: Any) -> Any:
    """The same values, as constants: no derivative of any mode or order goes through.

    Parameters
    ----------
    x
        An array, a number, or a nested container; what is no box comes back as it is.

    Returns
    -------
    The same structure. Inside `vmap`, each member keeps its own value.

    Examples
    --------
    >>> from dezero import grad
    >>> grad(lambda x: x * stop_gradient(x**2))(3.0)
    9.0
    """
    return tree_map(lambda leaf: stopped(leaf) if isinstance(leaf, Box) else leaf, x)


def custom_vjp(f: Any = None, vjp: Any = None) -> Any:
    """A function with a reverse rule of its own.

    Forward mode is derived: the rule is linear in the cotangent, and its transpose is the
    derivative along a tangent. Written with NumPy, the rule is right at every order.

    Parameters
    ----------
    f : callable
        Any function of arrays or nested containers. What it is differentiated by must come as an
        argument by position; other arguments (strings, functions, …) are handed through.
    vjp : callable
        ``vjp(gy, y, *args, **kwargs)``: from the cotangent of the result, the result, and the
        arguments of the call, the cotangents of the arguments: a tuple, the thing itself for a
        single argument; None where there is none.

    Returns
    -------
    callable
        With the arguments of `f`; without `f`, a decorator.

    Raises
    ------
    GradientError
        When a derivative is taken and the rule returns another number, structure or shape.
    GraphError
        When a derivative is taken that cannot be derived: the rule leaves NumPy.
    OperandError
        If `f` uses a value that is being differentiated and is no argument.

    Examples
    --------
    >>> from dezero import grad
    >>> @custom_vjp(vjp=lambda gy, y, x: np.clip(gy * 2 * x, -1.0, 1.0))
    ... def clipped_square(x):
    ...     return x**2
    >>> grad(clipped_square)(0.25), grad(clipped_square)(5.0)
    (0.5, 1.0)
    """
    if f is None:
        return lambda f: custom_vjp(f, vjp)
    if not callable(vjp):
        raise OperandError(f"custom_vjp(f, vjp): the rule is a function, not {vjp!r}")
    return derived(_custom, f, vjp, None)


def custom_jvp(f: Any = None, jvp: Any = None) -> Any:
    """A function with a forward rule of its own.

    Reverse mode is derived: the rule is linear in the tangents, and its transpose pulls cotangents
    back. Written with NumPy, the rule is right at every order.

    Parameters
    ----------
    f : callable
        As for `custom_vjp`.
    jvp : callable
        ``jvp(tangents, y, *args, **kwargs)``: from the tuple of the arguments' tangents (zeros
        where nothing moves, None for what is no number), the result, and the arguments of the call,
        the tangent of the result.

    Returns
    -------
    callable
        With the arguments of `f`; without `f`, a decorator.

    Raises
    ------
    GradientError, GraphError, OperandError
        As for `custom_vjp`.

    Examples
    --------
    >>> from dezero import grad
    >>> @custom_jvp(jvp=lambda t, y, x: t[0] / (1 + np.exp(-x)))
    ... def softplus(x):
    ...     return np.logaddexp(0.0, x)
    >>> grad(softplus)(0.0), grad(grad(softplus))(0.0)
    (0.5, 0.25)
    """
    if f is None:
        return lambda f: custom_jvp(f, jvp)
    if not callable(jvp):
        raise OperandError(f"custom_jvp(f, jvp): the rule is a function, not {jvp!r}")
    return derived(_custom, f, None, jvp)


# ---------------------------------------------------------------------------- containers


def _custom(f: Any, vjp: Any, jvp: Any, /, *args: Any, **kwargs: Any) -> Any:
    call = Containers(f, vjp, jvp, args, kwargs)
    if not call.boxes:
        return f(*args, **kwargs)
    p = Custom(call.title, call.forward, vjp and call.backward, jvp and call.pushed)
    outs = p(*call.boxes)
    return unflatten(call.result, outs if isinstance(outs, tuple) else (outs,))


class Containers:
    """One call: between the user's nested containers and the arrays that move."""

    def __init__(self, f: Any, vjp: Any, jvp: Any, args: Values, kwargs: dict[str, Any]) -> None:
        self.f, self.vjp, self.jvp, self.kwargs = f, vjp, jvp, kwargs
        self.title = getattr(f, "__name__", type(f).__name__)
        self.leaves, self.spec = flatten(args, is_numbers)
        self.specs = [flatten(arg, is_numbers)[1] for arg in args]
        self.places = [k for k, leaf in enumerate(self.leaves) if isinstance(leaf, Box)]
        self.boxes = [self.leaves[k] for k in self.places]
        self.result: Any = None
        if any(isinstance(leaf, Box) for leaf in flatten(kwargs)[0]):
            raise OperandError(f"{self.title}: give what is differentiated by position")

    def args(self, xs: Values) -> Values:
        """The user's arguments, with other arrays in the places of those that move."""
        leaves = list(self.leaves)
        for k, x in zip(self.places, xs, strict=True):
            leaves[k] = x
        return unflatten(self.spec, leaves)  # type: ignore[no-any-return]  # a tuple, as args was

    def forward(self, *xs: Any) -> Values:
        """The results of the user's function, as arrays."""
        ys, self.result = flatten(self.f(*self.args(xs), **self.kwargs))
        for y in ys:
            if getattr(as_array(y), "dtype", np.dtype(object)).kind not in "fciub":
                raise DataError(f"{self.title} returned {type(y)}, which is no array and no number")
        return tuple(map(as_array, ys))

    def backward(self, gys: Values, ys: Values, *xs: Any) -> Values:
        """The user's reverse rule; None for what has no cotangent."""
        gy, y = (unflatten(self.result, each) for each in (gys, ys))
        found = self.vjp(gy, y, *self.args(xs), **self.kwargs)
        found = (found,) if len(self.specs) == 1 and not _is_single(found, self.specs) else found
        if not isinstance(found, tuple) or len(found) != len(self.specs):
            many = f"{len(found)} cotangents" if isinstance(found, tuple) else f"{type(found)}"
            raise GradientError(
                f"the vjp rule of {self.title} returned {many} for {len(self.specs)} arguments"
            )
        gxs: list[Any] = []
        for g, spec in zip(found, self.specs, strict=True):
            gxs += [None] * spec.num_leaves if g is None else self.like(spec, g, "vjp")
        what = f"the vjp rule of {self.title}: a cotangent"
        pairs = zip(self.places, xs, strict=True)
        return tuple(
            None if gxs[k] is None else moving(gxs[k], x, what, "argument") for k, x in pairs
        )

    def pushed(self, txs: Values, ys: Values, *xs: Any) -> Values:
        """The user's forward rule."""
        moves = [_still(leaf) for leaf in self.leaves]
        for k, tx in zip(self.places, txs, strict=True):
            moves[k] = tx
        y = unflatten(self.result, ys)
        ty = self.jvp(unflatten(self.spec, moves), y, *self.args(xs), **self.kwargs)
        what = f"the jvp rule of {self.title}: a tangent"
        pairs = zip(self.like(self.result, ty, "jvp"), ys, strict=True)
        return tuple(_still(y) if ty is None else moving(ty, y, what, "result") for ty, y in pairs)

    def like(self, spec: Any, tree: Any, rule: str) -> list[Any]:
        """The parts of what a rule returned, which must have a structure."""
        try:
            return spec.flatten_up_to(tree)  # type: ignore[no-any-return]  # a list
        except ValueError as error:
            raise GradientError(
                f"the {rule} rule of {self.title} returned another structure: {error}"
            ) from error


def _is_single(found: Any, specs: list[Any]) -> bool:
    """Whether a rule wrapped the cotangent of its only argument in a tuple."""
    return isinstance(found, tuple) and len(found) == 1 and specs[0].type is not tuple


def _still(leaf: Any) -> Any:
    """The tangent of a constant; None for what is no number."""
    array = np.asarray(leaf) if not isinstance(leaf, Box) else leaf
    return still(array) if array.dtype.kind in "fciub" else None


# ---------------------------------------------------------------------------- the primitive


class Custom(Primitive):
    """One call of a function with a rule of its own, on arrays.

    The rules are ``backward(gys, ys, *xs)``, which gives a cotangent or None for each operand, and
    ``forward_rule(txs, ys, *xs)``, which gives a tangent for each result. One may be None.
    """

    def __init__(
        self, title: str, fn: Flat, backward: Flat | None, forward_rule: Flat | None
    ) -> None:
        super().__init__(fn, title, batching=_members)
        self.own_backward, self.own_forward = backward, forward_rule
        self.level = -1

    def backward(self, gys: Values, ys: Values, *xs: Any) -> Values:
        """Cotangents of the operands, by the rule or by the transpose of the other."""
        return (self.own_backward or self.transposed_forward)(gys, ys, *xs)

    def forward_rule(self, txs: Values, ys: Values, *xs: Any) -> Values:
        """Tangents of the results, likewise."""
        return (self.own_forward or self.transposed_backward)(txs, ys, *xs)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        outer, self.level = (
            self.level,
            max((x._level for x in operands if isinstance(x, Box)), default=-1),
        )
        try:
            return super().__call__(*operands, **params)
        finally:
            self.level = outer

    def run(self, operands: Values, params: dict[str, Any]) -> Any:
        ys = tuple(y._value if is_constant(y) else y for y in self.fn(*operands))
        return ys[0] if len(ys) == 1 else ys

    def below(self, values: Values) -> Values:
        """Results from below; a box of this level, or above, got in by no argument."""
        if any(isinstance(y, Box) and y._level >= self.level for y in values):
            raise OperandError(
                f"{self.title} has a derivative rule and uses a value that is being differentiated "
                "(or mapped over) without having it as an argument: pass it as one"
            )
        return values

    # reverse mode

    def nodes(
        self, outs: Values, xs: Values, edges: tuple[Node | None, ...], params: dict[str, Any]
    ) -> tuple[Node, ...]:
        return Call(self, xs, self.below(outs), edges).record(outs)

    def transposed_forward(self, gys: Values, ys: Values, *xs: Any) -> Values:
        """A reverse rule from the forward one, which is linear in the tangents."""
        return self.transpose(self.forward_rule, "jvp", gys, ys, xs, xs)

    # forward mode

    def push(self, out: Any, xs: Values, txs: Values, params: dict[str, Any]) -> Any:
        outs = out if isinstance(out, tuple) else (out,)
        if self.level not in {tx._level for tx in txs if isinstance(tx, Box)}:
            self.below(outs)  # else they are series being found, which looks for itself (taylor.py)
        moves = [_still(x) if tx is None else tx for x, tx in zip(xs, txs, strict=True)]
        with watch() as deeds:
            tys = self.forward_rule(tuple(moves), outs, *xs)
        tys = self.guarded(tys, deeds, (*outs, *xs, *moves))
        return tys if isinstance(out, tuple) else tys[0]

    def transposed_backward(self, txs: Values, ys: Values, *xs: Any) -> Values:
        """A forward rule from the reverse one, which is linear in the cotangents."""
        return self.transpose(self.backward, "vjp", txs, ys, xs, ys)

    def transpose(
        self, rule: Flat, name: str, given: Values, ys: Values, xs: Values, where: Values
    ) -> Values:
        """The transpose of a rule that is linear in its first argument, which is like `where`."""
        who = f"the {name} rule of {self.title}"
        with watch() as deeds:
            try:
                found = transposed(lambda *ts: rule(ts, ys, *xs), where, given)
                self.check_linear(rule, ys, xs, where)
            except GraphError as error:
                if not deeds:
                    raise GraphError(f"{who}: {error}") from error
        if deeds:
            raise GraphError(
                f"{who} {deeds[0]}: it cannot be transposed, and the other mode needs a rule of "
                "its own; write it with NumPy on what it is given"
            )
        return found

    def check_linear(self, rule: Flat, ys: Values, xs: Values, where: Values) -> None:
        """Raise if a rule is not linear in its first argument, as far as two points tell.

        What is no more than rounding of numbers of size 1, or of the result's, does not count.
        """
        info = [np.finfo(x.dtype) for x in where if x.dtype.kind in "fc"]
        eps = max((float(each.eps) for each in info), default=0.0)
        far = -min([1e6, *(float(each.max) ** 0.125 for each in info)])
        with np.errstate(all="ignore"):
            near, large = (rule(tuple(_uneven(x, c) for x in where), ys, *xs) for c in (1.0, far))
            rounding = -far * 1e3 * eps * max(1.0, _size(ys))
            for a, b in zip(near, large, strict=True):
                if a is None or b is None:
                    continue
                wide = far * np.asarray(plain(a), complex), np.asarray(plain(b), complex)
                gap, size = np.abs(wide[0] - wide[1]), np.maximum(*map(np.abs, wide))
                if np.any(gap[np.isfinite(gap)] > (eps**0.5 * size + rounding)[np.isfinite(gap)]):
                    raise GraphError("it is not linear in what it is given")

    def guarded(self, values: Values, deeds: list[str], sources: Values) -> Values:
        """What a rule computed behind the boxes' back must not be differentiated again."""
        boxes = [x for x in sources if isinstance(x, Box)]
        if not deeds or not boxes:
            return values
        barrier = Barrier(self.title, deeds[0])
        return tuple(None if x is None else barrier(x, *boxes) for x in values)


def _uneven(x: Any, c: float) -> Any:
    """Numbers between c/2 and 3c/2 in the shape of an array: of constants, noise may be left."""
    zeros = _still(x)
    waves = c + 0.5 * c * np.cos(np.arange(zeros.size)).reshape(zeros.shape)
    return np.asarray(waves, zeros.dtype)


def _size(values: Sequence[Any]) -> float:
    """The largest finite number in some values."""
    arrays = [np.abs(np.asarray(plain(x))) for x in values]
    return max((float(np.max(x, initial=0.0, where=np.isfinite(x))) for x in arrays), default=0.0)


class Call(Joint):
    """A recorded call of a function with a rule of its own."""

    def __init__(self, p: Custom, xs: Values, outs: Values, edges: tuple[Node | None, ...]) -> None:
        super().__init__(p, edges)
        self.custom, self.xs, self.outs, self.level = p, xs, outs, p.level

    def kept(self, node: Node) -> Values:
        return (*self.xs, *self.outs)

    def pulled(self, gs: Values, lifted: int | None) -> Values:
        xs, ys = self.xs, self.outs
        if lifted is not None:
            pairs = zip((*xs, *ys), (*self.edges, *self.live(ys)), strict=True)
            boxes = tuple(v if node is None else revive(v, node, lifted) for v, node in pairs)
            xs, ys = boxes[: len(xs)], boxes[len(xs) :]
        with watch() as deeds:
            found = self.custom.backward(gs, ys, *xs)
        gxs = [self.cotangent(gx, edge) for gx, edge in zip(found, self.edges, strict=True)]
        given = {level for g in gs for level in levels(g)} | {lifted}
        if any(self.level in levels(gx) for gx in gxs) and self.level not in given:
            raise OperandError(
                f"the vjp rule of {self.title} uses a value that is being differentiated without "
                "having it as an argument: pass it as one"
            )
        return self.custom.guarded(tuple(gxs), deeds, (*gs, *ys, *xs))

    def cotangent(self, gx: Any, edge: Node | None) -> Any:
        """What the rule gave for an operand; zeros for nothing."""
        if edge is None:
            return None
        return np.zeros(edge.shape, edge.dtype) if gx is None else as_array(gx)


def levels(x: Any) -> set[int]:
    """The levels of a value's boxes."""
    return {box._level for box in layers(x)}


def _members(p: Custom, _n: int, mine: Any, xs: Values, _params: dict[str, Any]) -> Any:
    """For a whole batch: the function of all members, whose rules are the rules of all members."""
    axes = tuple(0 if m else None for m in mine)

    def backward(gys: Values, ys: Values, *xs: Any) -> Values:
        found = vmap(p.backward, (0, 0, *axes))(gys, ys, *xs)
        pairs = zip(found, mine, strict=True)
        return tuple(g if m or g is None else np.sum(g, axis=0) for g, m in pairs)

    many = Custom(p.title, vmap(p.fn, axes), backward, vmap(p.forward_rule, (axes, 0, *axes)))
    out = many(*xs)
    p.below(out if isinstance(out, tuple) else (out,))
    return out
