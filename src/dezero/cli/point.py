"""Where the derivative is taken: the function, all its arguments, and those to differentiate by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optree

import dezero as dz
from dezero.cli.problems import Problem, UserCodeProblem, user_code
from dezero.cli.target import Target

__all__ = ["Point", "automatic", "choose", "evaluator", "leaves_of", "plain_value"]

REPEATS, ENOUGH = 5, 0.2  # timing: so many runs at most, and no new one after so many seconds


@dataclass(frozen=True)
class Point:
    """A function and its arguments; `wrt` names those to differentiate by, in order."""

    target: Target
    arguments: Mapping[str, Any]
    wrt: Sequence[str]
    floated: Sequence[str]  # those whose integers were taken as floating
    held: Sequence[str]  # integers that nobody asked for
    boxed: bool = False  # the function takes Variables only

    @property
    def values(self) -> Any:
        """The tuple of the values of `wrt`."""
        return tuple(self.arguments[name] for name in self.wrt)

    def leaf_names(self) -> list[str]:
        """``["K", "w['a'][0]", …]``: how to reach each number or array, written in Python."""
        pairs = zip(self.wrt, self.values, strict=True)
        return [path.codify(name) for name, value in pairs for path in optree.tree_accessors(value)]

    def call(self, *values: Any) -> Any:
        """The user's function with `values` for the arguments `wrt`."""
        return self.target.call({**self.arguments, **dict(zip(self.wrt, values, strict=True))})


def leaves_of(tree: Any) -> list[Any]:
    """The numbers and arrays of nested containers, one after the other."""
    return optree.tree_leaves(tree)


# ---- which arguments ----


def choose(
    target: Target, given: Mapping[str, Any], asked: Sequence[str], option: str = "--wrt"
) -> Point:
    """The point with its `wrt`: `asked`, else what is floating, else what is integer."""
    arguments = {**target.defaults, **given}
    kinds = {name: _kind(value) for name, value in arguments.items()}
    for name in asked:
        target.known(option, name)
        if name not in kinds:
            raise Problem(f"{option} {name}: it has no value; give one with --at {name}=…")
        if kinds[name] == "other":
            raise Problem(f"{option} {name}: not numbers: {_short(arguments[name])}")
    candidates = [name for name in (given or arguments) if kinds[name] != "other"]
    floating = [name for name in candidates if kinds[name] == "floating"]
    wrt = list(dict.fromkeys(asked)) or floating or candidates
    if not wrt:
        hollow = [name for name in given if not sum(map(np.size, leaves_of(given[name])))]
        if hollow:
            raise Problem(f"nothing to differentiate by: {', '.join(hollow)} is empty")
        takes = ", ".join(target.names) or "no arguments"
        raise Problem(
            f"nothing to differentiate by: {target.name} takes {takes}; give numbers with --at"
        )
    floated = [name for name in wrt if _has_integers(arguments[name])]
    held = [] if asked else [name for name in candidates if name not in wrt]
    arguments |= {name: _floating(name, arguments[name]) for name in wrt}
    return Point(target, arguments, wrt, floated, held)


def _kind(value: Any) -> str:
    """``"floating"`` with a floating number in it, ``"integer"`` without one, else ``"other"``."""
    kinds = {_leaf_kind(leaf) for leaf in leaves_of(value)}
    if not kinds or "other" in kinds:
        return "other"
    return "floating" if "floating" in kinds else "integer"


def _leaf_kind(leaf: Any) -> str:
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return "integer"  # of any size, which np.asarray would call an object
    if not isinstance(leaf, float | complex | np.ndarray | np.generic):
        return "other"
    kinds = {"i": "integer", "u": "integer", "f": "floating", "c": "floating"}
    return kinds.get(np.asarray(leaf).dtype.kind, "other") if np.size(leaf) else "other"


def _has_integers(value: Any) -> bool:
    return any(_leaf_kind(leaf) == "integer" for leaf in leaves_of(value))


def _floating(name: str, value: Any) -> Any:
    """The value with its integers as floating numbers."""

    def floating(leaf: Any) -> Any:
        if _leaf_kind(leaf) == "floating":
            return leaf
        return leaf.astype(np.float64) if isinstance(leaf, np.ndarray) else float(leaf)

    try:
        return optree.tree_map(floating, value)
    except OverflowError:
        raise Problem(f"--at {name}: an integer too large for a floating number") from None


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "…"


# ---- values and derivatives ----


def evaluator(point: Point) -> Callable[[Sequence[Any]], float]:
    """The value as a function of the list of all numbers and arrays at the point."""
    _, structure = optree.tree_flatten(point.values)

    def evaluate(leaves: Sequence[Any]) -> float:
        boxes = [dz.Variable(np.array(leaf)) for leaf in leaves] if point.boxed else leaves
        with dz.no_grad(), user_code(point.target.path, point.target.name):
            output = point.call(*optree.tree_unflatten(structure, boxes))
        return _scalar(output, point.target.name)

    return evaluate


def plain_value(point: Point) -> tuple[float, Point]:
    """The value by NumPy alone; for a function that takes Variables only, by those."""
    leaves = [np.array(leaf)[()] for leaf in leaves_of(point.values)]
    try:
        return evaluator(point)(leaves), point
    except UserCodeProblem:
        boxed = replace(point, boxed=True)
        return evaluator(boxed)(leaves), boxed


def automatic(point: Point) -> tuple[tuple[Any, ...], float]:
    """The gradient by each argument of `wrt`, and the seconds that one such call takes."""
    function = dz.value_and_grad(point.call, argnums=tuple(range(len(point.wrt))))
    times: list[float] = []
    while not times or (sum(times) < ENOUGH and len(times) < REPEATS):
        start = time.perf_counter()
        doing = user_code(point.target.path, f"differentiating {point.target.name}")
        with doing, np.errstate(all="ignore"):  # the plain call has warned already
            _, gradients = function(*point.values)
        times.append(time.perf_counter() - start)
    return gradients, min(times)


def _scalar(output: Any, name: str) -> float:
    """The output as a float, if it is one real scalar."""
    if isinstance(output, dz.Variable):
        output = output.data
    if output is None:
        raise Problem(f"{name} returned None; does it end with a return?")
    if not isinstance(output, bool | int | float | complex | np.ndarray | np.generic):
        raise Problem(
            f"{name} returned a {type(output).__name__}; a derivative needs one real number"
        )
    array = np.asarray(output)
    if array.ndim:
        raise Problem(
            f"{name} returned an array of shape {array.shape}; a derivative needs one number: "
            f"return its sum, its mean, or one entry"
        )
    if array.dtype.kind == "c":
        raise Problem(
            f"{name} returned a complex number; return a real one, such as its abs or .real"
        )
    if array.dtype.kind != "f":
        raise Problem(
            f"{name} returned {array.dtype}, which has no derivative; return a floating number"
        )
    return float(array)
