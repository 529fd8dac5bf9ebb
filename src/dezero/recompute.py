"""`checkpoint`: values that are computed again in the backward pass instead of being kept.

The function runs as usual. Then the graph that it left is dropped, and one node stands in its
place, whose edges go to what was there before: the arguments, and whatever else the function found
in its closure. When a cotangent comes back, the function runs again, and a sweep through its new
graph brings the cotangents down to there (Griewank 1992; Chen et al. 2016, arXiv:1604.06174).
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .batching import Batch
from .box import Box, parts_of, plain
from .config import Observer, recording_floor
from .core import Node, Variable, apart, attach, node_of, open_levels, opened, seeds_of, sweep
from .errors import GraphError
from .primitives import Joint, Primitive, Pulled
from .trees import derived, flatten, is_numbers, tree_map, unflatten

Values = tuple[Any, ...]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose inner values are not kept for the backward pass.

    They are computed once more when it comes: a program that is cut into checkpointed parts keeps
    the parts' ends, and one part's inner values at a time. In nested derivatives, the innermost
    `grad` saves memory.

    Parameters
    ----------
    f : callable
        Any function of arrays or nested containers. It may use Variables, and values of running
        transforms, that are no arguments. It must compute the same when it is run again.

    Returns
    -------
    callable
        With the arguments and results of `f`.

    Raises
    ------
    GraphError
        In the backward pass, if `f` computes other values than before.

    Examples
    --------
    >>> from dezero import grad
    >>> layer = checkpoint(lambda x: np.sin(np.exp(-x)))
    >>> print(f"{grad(layer)(0.0):.6f}")  # -cos(1)
    -0.540302
    """
    return derived(_checkpoint, f)


def _checkpoint(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    given = tree_map(as_it_is, (args, kwargs))
    results, spec = flatten(f(*args, **kwargs))
    level = max((v._level for v in recorded(results)), default=-1)
    ends = recorded(results, level)
    if not ends:
        return unflatten(spec, results)
    arguments = flatten(given, is_numbers)[0]
    p = Again(f, given, [*arguments, *results], level)
    known = (v for x in arguments for v in variables(x) if v._level == level)
    starts = {*boundary(set(map(node_of, ends))), *map(node_of, known)}
    nodes = Replay(p, tuple(v._value for v in ends), tuple(starts)).record(tuple(ends))
    turned = {id(v): attach(v._value, node, level) for v, node in zip(ends, nodes, strict=True)}
    return unflatten(spec, [rebuilt(y, lambda v: turned.get(id(v), v)) for y in results])


# ---------------------------------------------------------------------------- looking into boxes


def variables(y: Any) -> list[Variable]:
    """The outermost Variables in a value: itself, or what a batch or a dual number holds."""
    if isinstance(y, Variable):
        return [y]
    return [v for part in parts_of(y) for v in variables(part)] if isinstance(y, Box) else []


def recorded(results: list[Any], level: int | None = None) -> list[Variable]:
    """The Variables in some results, of one level or of any, that a call has computed."""
    found = (v for y in results for v in variables(y) if level in (None, v._level))
    return [v for v in found if v._node is not None and v._node.depth]


def rebuilt(y: Any, f: Callable[[Variable], Any]) -> Any:
    """A value with `f` of each of its outermost Variables in its place."""
    if isinstance(y, Variable):
        return f(y)
    if isinstance(y, list):
        return [rebuilt(each, f) for each in y]
    if not isinstance(y, Box):
        return y
    other = object.__new__(type(y))
    for name in y._marks:
        setattr(other, name, getattr(y, name))
    for name in y._parts:
        setattr(other, name, rebuilt(getattr(y, name), f))
    return other


def as_it_is(x: Any) -> Any:
    """A value as it is now, whatever is assigned to its Variables or into them later."""
    return rebuilt(x, apart)


def held(x: Any) -> Any:
    """The same value; where the Variables it was made of are gone, its own stand for their nodes.

    So that a checkpoint inside finds that they were there before.
    """
    for v in variables(x):
        node = node_of(v)
        if node.variable is None:
            node._variable = weakref.ref(v)
    return x


def batch_levels(y: Any) -> Iterator[int]:
    """The levels of the batches in a value."""
    if isinstance(y, Batch):
        yield y._level
    for part in parts_of(y) if isinstance(y, Box) else ():
        yield from batch_levels(part)


def boundary(ends: set[Node]) -> list[Node]:
    """The nodes below `ends` that were there before: those that somebody still holds.

    What was computed on the way is held by nobody when the function has returned. If it is, the
    sweep will not meet it again, and goes on to the arguments or to leaves: more work, the same
    result.
    """
    found, seen, stack = [], set(ends), list(ends)
    while stack:
        for edge in stack.pop().edges:
            if edge is None or edge in seen:
                continue
            seen.add(edge)
            v = edge.variable
            if v is not None and v._node is edge:  # else it was assigned into since
                found.append(edge)
            else:
                stack.append(edge)
    return found


# ---------------------------------------------------------------------------- the node


class Again(Primitive):
    """A call that can be made again."""

    def __init__(self, f: Any, given: Any, leaves: list[Any], level: int) -> None:
        super().__init__(f, f"checkpoint({getattr(f, '__name__', type(f).__name__)})")
        self.given, self.level = given, level
        self.floor = recording_floor.get()
        self.batches = {level for leaf in leaves for level in batch_levels(leaf)}

    def ends(self) -> list[Variable]:
        """The results of another call, recorded as the first was."""
        token = recording_floor.set(self.floor)
        try:
            with contextlib.ExitStack() as stack:
                for level in self.batches - open_levels:
                    stack.enter_context(opened(level))
                args, kwargs = tree_map(held, self.given)
                results, _ = flatten(self.fn(*args, **kwargs))
        finally:
            recording_floor.reset(token)
        return recorded(results, self.level)


class Replay(Joint):
    """What stands in the graph for a call whose inner values were not kept."""

    def __init__(self, p: Again, values: Values, starts: tuple[Node, ...]) -> None:
        super().__init__(p, starts)
        self.again, self.values, self.starts = p, values, frozenset(starts)

    def routed(self, gs: Values, lifted: int | None) -> Pulled:
        floor = self.again.floor
        observer = floor if isinstance(floor, Observer) else None  # this is the user's program
        # Nothing but the sweep holds the new graph, so that it goes as it is swept.
        found = sweep(self.seeds(gs), lifted=lifted, stops=self.starts, observer=observer)
        return tuple(found), tuple(found.values())

    def seeds(self, gs: Values) -> dict[Node, Any]:
        """The cotangents of the results of another run."""
        ends = self.again.ends()
        self.check([v._value for v in ends])
        return seeds_of(zip(ends, gs, strict=True))

    def check(self, values: list[Any]) -> None:
        """Raise if the second run has come to other values than the first."""
        before, after = (list(map(plain, each)) for each in (self.values, values))
        if len(before) == len(after) and all(map(alike, before, after)):
            return
        raise GraphError(
            f"{self.title}: the function computed other values when it was run again. It must not "
            "use random numbers without a fixed seed, or anything that changes in between"
        )


def alike(x: Any, y: Any) -> bool:
    """Whether two arrays differ by rounding at the most."""
    if np.shape(x) != np.shape(y):
        return False
    eps = np.finfo(x.dtype).eps if x.dtype.kind in "fc" else 0.0
    scale = np.max(np.abs(x), initial=0.0, where=np.isfinite(x))
    return bool(np.allclose(x, y, eps**0.5, scale * eps**0.5, equal_nan=True))
