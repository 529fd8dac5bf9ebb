"""Loops and branches as functions of functions: `scan`, `fori_loop`, `while_loop`, `cond`.

A Python loop is differentiated as it happens. These say more: that a loop has a carry of one
structure and dtype, so that it can run for a whole batch whose members end at different times, be
cut into checkpointed parts, or (later) be compiled as a loop.
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .box import Box, as_array, deciding, sample
from .config import no_grad, observing
from .errors import DataError, OperandError, ShapeError
from .recompute import checkpoint as checkpointed
from .rules.nondiff import stopped
from .trees import bare, flatten, is_numbers, tree_map, unflatten

Step = Callable[..., Any]


class Part(NamedTuple):
    """A function that a loop calls: on leaves, and as the user wrote it.

    Attributes
    ----------
    run : callable
        Takes leaves and returns a list of leaves.
    leaves : list
        What it is called with first.
    f : callable
        The user's function, …
    args : tuple
        … and its arguments, for their names.
    """

    run: Step
    leaves: list[Any]
    f: Step
    args: tuple[Any, ...]


STAGES: list[Callable[..., list[Any] | None]] = []
"""What writes a loop into a graph (`ir/loops.py`): gives its results, or None to run it here."""


def staged(title: str, operands: list[Any], parts: dict[str, Part], **facts: Any) -> Any:
    """The results of a loop of a program that is traced; None if there is none."""
    return STAGES[0](title, operands, parts, facts) if STAGES else None


# ---------------------------------------------------------------------------- scan


def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    *,
    length: int | None = None,
    checkpoint: Any = None,
) -> tuple[Any, Any]:
    """Carry a value through the steps of a sequence, and collect what each step puts out.

    Parameters
    ----------
    f : callable
        ``f(carry, x) -> (carry, y)``. The carry keeps its structure, shapes and dtypes.
    init
        The first carry: an array, a number, or a nested container.
    xs
        What the steps get, along the first axes of a nested container's arrays; None for nothing.
    length : int, optional
        The number of steps, where `xs` does not tell.
    checkpoint : None, True or "binomial"
        What the backward pass keeps. By default, everything. True: the carries, and one step's
        inner values at a time. "binomial": a number of carries that grows with the logarithm of the
        length, for as many more runs of each step (Griewank & Walther 2000, Algorithm 799: with s
        carries and r runs, C(s + r, s) steps).

    Returns
    -------
    carry, ys
        The last carry, and the y of all steps along a new first axis.

    Raises
    ------
    ShapeError
        If the arrays of `xs` have different lengths, or the carry changes.
    OperandError
        If `f` returns anything but a pair, or `checkpoint` is something else.

    Examples
    --------
    >>> scan(lambda total, x: (total + x, total * x), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 2., 9.]))
    """
    if checkpoint not in (None, True, False, "binomial"):
        raise OperandError(f'scan: checkpoint is None, True or "binomial", not {checkpoint!r}')
    leaves, spec = flatten(xs, is_numbers)
    leaves = [as_array(x) for x in leaves]
    n = _length(leaves, length)
    carry = Carry(init, "scan")

    def checked(values: list[Any], xs: list[Any]) -> tuple[list[Any], Any]:
        pair = f(carry.tree(values), unflatten(spec, xs))
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise OperandError(f"scan: f must return (carry, y), not {type(pair)}")
        return carry.values(pair[0]), pair[1]

    def step(values: list[Any], k: int) -> tuple[list[Any], Any]:
        return checked(values, [leaf[k] for leaf in leaves])

    if n == 0:  # what a step puts out is told by one that is not counted
        with no_grad(), np.errstate(all="ignore"):
            leaves = [np.zeros((1, *x.shape[1:]), x.dtype) for x in leaves]
            _, y = step(carry.start, 0)
        return carry.tree(carry.start), tree_map(_none_of, y)
    structures: list[Any] = []
    held = len(carry.start)

    def flat(*given: Any) -> list[Any]:
        values, y = checked(list(given[:held]), list(given[held:]))
        ys, structure = flatten(y)
        structures.append(structure)
        return [*values, *map(as_array, ys)]

    part = Part(flat, [*carry.start, *(sample(x)[0] for x in leaves)], f, (init, xs))
    outs = staged(
        "scan",
        [*carry.start, *leaves],
        {"body": part},
        carries=held,
        length=n,
        checkpoint=checkpoint,
    )
    if outs is not None:
        return carry.tree(outs[:held]), unflatten(structures[-1], outs[held:])
    values, ys = steps(step, carry.start, n, checkpoint)
    return carry.tree(values), _stacked(ys)


def steps(step: Step, values: list[Any], n: int, checkpoint: Any) -> tuple[list[Any], list[Any]]:
    """The last carry, and what each of `n` steps puts out."""
    if checkpoint == "binomial":
        runs = 1
        while math.comb(2 * runs, runs) < n:
            runs += 1
        return _segment(step, values, 0, n, runs, runs)
    once, ys = checkpointed(step) if checkpoint else step, []
    for k in range(n):
        values, y = once(values, k)
        ys.append(y)
    return values, ys


def _length(leaves: list[Any], length: int | None) -> int:
    """The number of steps."""
    if not all(x.ndim for x in leaves):
        raise ShapeError("scan: xs holds a number, which has no steps; close over it instead")
    sizes = {int(x.shape[0]) for x in leaves}
    if length is not None:
        sizes.add(operator.index(length))
    if len(sizes) != 1:
        raise ShapeError(
            f"scan: xs and length count different numbers of steps: {sorted(sizes)}"
            if sizes
            else "scan: there are no xs; say how many steps with length="
        )
    (n,) = sizes
    if n < 0:
        raise ShapeError(f"scan: length={n} is negative")
    return n


def _none_of(y: Any) -> Any:
    """No arrays like this one, along a new first axis."""
    y = as_array(y)
    return np.zeros((0, *y.shape), y.dtype)


def _stacked(ys: list[Any]) -> Any:
    """The y of all steps, along a new first axis."""
    flat = [flatten(y) for y in ys]
    spec = flat[0][1]
    for _, other in flat:
        if other != spec:
            raise ShapeError(f"scan: y changed its structure from {spec} to {other}")
    columns = zip(*(each for each, _ in flat), strict=True)
    return unflatten(spec, [np.stack([as_array(y) for y in column]) for column in columns])


def _segment(
    step: Step, values: list[Any], first: int, last: int, kept: int, runs: int
) -> tuple[list[Any], list[Any]]:
    """Steps `first` to `last` with at most `kept` carries kept, each step run `runs` times more.

    Cut where one carry is kept: what is before it may be run once less often, what is after it has
    one carry less. With s carries and r runs, C(s + r, s) steps can be done.
    """
    ys: list[Any] = []
    while last - first > 1 and runs > 0:
        size = last - first
        part = max(1, min(size - 1, math.comb(kept + runs - 1, kept)))

        def before(
            values: list[Any], first: int = first, last: int = first + part, kept: int = kept
        ) -> tuple[list[Any], list[Any]]:
            return _segment(step, values, first, last, kept, runs - 1)

        values, more = checkpointed(before)(values)
        ys += more
        first += part
        kept = max(kept - 1, 1)
    for k in range(first, last):
        values, y = step(values, k)
        ys.append(y)
    return values, ys


# ---------------------------------------------------------------------------- loops


def fori_loop(lo: Any, hi: Any, body: Callable[[int, Any], Any], init: Any) -> Any:
    """``for i in range(lo, hi): value = body(i, value)``.

    Parameters
    ----------
    lo, hi : int
        The first i, and the one after the last.
    body : callable
        ``body(i, value) -> value``, of the same structure, shapes and dtypes.
    init
        The first value: an array, a number, or a nested container.

    Returns
    -------
    value
        The last one; `init` if there is no step.

    Raises
    ------
    TypeError
        If `lo` or `hi` is no integer.
    ShapeError
        If a step changes the value's structure, shapes or dtypes.

    Examples
    --------
    >>> print(fori_loop(1, 5, lambda i, x: x * i, 1.0))
    24.0
    """
    carry = Carry(init, "fori_loop")

    def step(i: int, *values: Any) -> list[Any]:
        return carry.values(body(i, carry.tree(list(values))))

    if all(getattr(end, "dtype", np.dtype(int)).kind in "iub" for end in (lo, hi)):
        part = Part(step, [lo, *carry.start], body, (lo, init))
        values = staged(
            "fori_loop", [lo, hi, *carry.start], {"body": part}, carries=len(carry.start)
        )
        if values is not None:
            return carry.tree(values)
    values = carry.start
    for i in range(operator.index(lo), operator.index(hi)):
        values = step(i, *values)
    return carry.tree(values)


def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """``while cond(value): value = body(value)``.

    Inside `vmap` the loop goes on until the last member is done; what is done, stays.

    Parameters
    ----------
    cond : callable
        ``cond(value)``: one truth value.
    body : callable
        ``body(value) -> value``, of the same structure, shapes and dtypes.
    init
        The first value: an array, a number, or a nested container.

    Returns
    -------
    value
        The first one for which `cond` does not hold.

    Raises
    ------
    ShapeError
        If a step changes the value's structure, shapes or dtypes, or the condition is no one truth
        value.

    Examples
    --------
    >>> print(while_loop(lambda x: x > 1.0, lambda x: x / 2, 20.0))
    0.625
    """
    carry = Carry(init, "while_loop")

    def test(*values: Any) -> list[Any]:
        return [cond(carry.tree(list(values)))]

    def step(*values: Any) -> list[Any]:
        return carry.values(body(carry.tree(list(values))))

    parts = {
        "cond": Part(test, carry.start, cond, (init,)),
        "body": Part(step, carry.start, body, (init,)),
    }
    values = staged("while_loop", carry.start, parts, carries=len(carry.start))
    return carry.tree(turns(test, step, carry.start) if values is None else values)


def turns(test: Step, step: Step, values: list[Any]) -> list[Any]:
    """The values after as many steps as it takes until the test does not hold."""
    while True:
        going = answered(truth(test(*values)[0], "while_loop"))
        if not isinstance(going, Box):
            if not going:
                return values
            values = step(*values)
        elif not np.any(deciding(going)):
            return values
        else:
            with unwatched():  # what a member that is done computes does not count
                new = step(*values)
            values = [np.where(going, a, b) for a, b in zip(new, values, strict=True)]


def cond(pred: Any, yes: Callable[..., Any], no: Callable[..., Any], *args: Any) -> Any:
    """``yes(*args) if pred else no(*args)``.

    Inside `vmap`, where `pred` may differ between the members, both are computed, and each member
    takes its own.

    Parameters
    ----------
    pred
        One truth value.
    yes, no : callables
        Take `args`, return the same structure.

    Returns
    -------
    What the chosen one returns.

    Raises
    ------
    ShapeError
        If `pred` is no one truth value; inside `vmap`, if the branches return different structures
        or shapes.

    Examples
    --------
    >>> cond(2.0 > 1.0, np.sqrt, np.negative, 9.0)
    np.float64(3.0)
    >>> from dezero import vmap
    >>> vmap(lambda x: cond(x > 0, np.sqrt, np.negative, x))(np.array([9.0, -2.0]))
    array([3., 2.])
    """
    chosen = truth(pred, "cond")
    if not isinstance(chosen, Box):
        return (yes if chosen else no)(*args)
    leaves, spec = flatten(args)
    structures: list[Any] = []

    def flat(f: Step) -> Step:
        def run(*leaves: Any) -> list[Any]:
            ys, structure = flatten(f(*unflatten(spec, leaves)))
            structures.append(structure)
            if structure != structures[0]:
                raise ShapeError(
                    "cond: the branches return different structures: "
                    f"{structures[0]} and {structure}"
                )
            return ys

        return run

    parts = {name: Part(flat(f), leaves, f, args) for name, f in (("yes", yes), ("no", no))}
    outs = staged("cond", [chosen, *leaves], parts)
    if outs is None:
        chosen = answered(chosen)
        if not isinstance(chosen, Box):
            return (yes if chosen else no)(*args)
        outs = either(chosen, flat(yes), flat(no), leaves)
    return unflatten(structures[0], outs)


def either(chosen: Any, yes: Step, no: Step, leaves: list[Any]) -> list[Any]:
    """Of a truth value for each member, what each one takes."""
    with unwatched():  # what a member does not take may be no number
        first, second = yes(*leaves), no(*leaves)
    pairs = zip(map(as_array, first), map(as_array, second), strict=True)
    return [_chosen(chosen, a, b) for a, b in pairs]


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Inside, a number that is none is no accident."""
    observer = observing()
    aside = contextlib.nullcontext() if observer is None else observer.aside()
    with aside, np.errstate(all="ignore"):
        yield


def _chosen(chosen: Any, a: Any, b: Any) -> Any:
    if a.shape != b.shape:
        raise ShapeError(f"cond: the branches return shapes {a.shape} and {b.shape}")
    return np.where(chosen, a, b)


def truth(x: Any, who: str) -> Any:
    """A predicate as a bool, or as a batch of them."""
    x = stopped(x) if isinstance(x, Box) else x
    if np.shape(x) != ():
        raise ShapeError(f"{who}: the condition has shape {np.shape(x)}, not one truth value")
    return x if isinstance(x, Box) else bool(x)


def answered(chosen: Any) -> Any:
    """A truth value for those who need it now: a trace notes the answer down."""
    return bool(chosen) if isinstance(chosen, Box) and not chosen._settled else chosen


class Carry:
    """The structure, shapes and dtypes that a carry keeps."""

    def __init__(self, init: Any, who: str) -> None:
        leaves, self.spec = flatten(init, is_numbers)
        self.who = who
        self.start = [as_array(x) for x in leaves]
        for x in self.start:
            if x.dtype.kind not in "fciub":
                raise DataError(f"{who}: the carry holds {x.dtype}; arrays and numbers only")
        self.kinds = [(x.shape, x.dtype) for x in self.start]

    def tree(self, values: list[Any]) -> Any:
        """The carry as the user knows it."""
        return unflatten(self.spec, map(bare, values))

    def values(self, tree: Any) -> list[Any]:
        """The arrays of a carry that the user returned, checked."""
        leaves, spec = flatten(tree)
        if spec != self.spec:
            raise ShapeError(
                f"{self.who}: the carry changed its structure from {self.spec} to {spec}"
            )
        values = [as_array(x) for x in leaves]
        for x, (shape, dtype) in zip(values, self.kinds, strict=True):
            if x.shape != shape or x.dtype != dtype:
                raise ShapeError(
                    f"{self.who}: the carry changed from {dtype}{list(shape)} to "
                    f"{x.dtype}{list(x.shape)}; start with what the steps return, for example "
                    "with 0.0 instead of 0"
                )
        return values
