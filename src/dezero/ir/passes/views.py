"""Axes moved later, to where they meet what undoes them, or a row that takes axes as they are.

Permutations of axes and new shapes cost nothing by themselves, but stand between equations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..graph import Graph
from ..steps import Equation, Value
from .layout import elementwise_in
from .rewriting import (
    EXACT,
    NUMBERS,
    Known,
    Rule,
    instead,
    rewritten,
    shape_of,
)

PERMUTING = ("transpose", "swapaxes", "moveaxis")
RESHAPING = ("reshape", "expand_dims", "squeeze")
FOLDING = ("sum", "mean", "prod", "max", "min", "any", "all")


def late_views(graph: Graph) -> Graph:
    """Move permutations of axes and new shapes behind elementwise rows, and into other rows."""
    if not {p.title for p in graph.rows} & {*PERMUTING, *RESHAPING}:
        return graph
    rules: dict[str, Rule] = dict.fromkeys(elementwise_in(graph), _pointwise)
    rules |= dict.fromkeys(PERMUTING, _permuted) | dict.fromkeys(RESHAPING, _reshaped)
    rules |= dict.fromkeys(FOLDING, _folded)
    return rewritten(graph, rules | {"einsum": _einsum, "einsum_of_one": _einsum})


# ---- one after the other ----


def order_of(step: Equation) -> tuple[int, ...]:
    """Which axis of its operand each axis of the result of a permutation is."""
    x, params = step.operands[0], step.params
    axes = list(range(len(shape_of(x))))
    if step.p.title == "transpose":
        given = params.get("axes")
        return tuple(axes[::-1]) if given is None else tuple(axes[k] for k in given)
    if step.p.title == "swapaxes":
        i, k = params["axis1"], params["axis2"]
        axes[i], axes[k] = axes[k], axes[i]
        return tuple(axes)
    numbered = np.empty(axes)  # each axis as long as its number says, and so of no memory
    return np.moveaxis(numbered, params["source"], params["destination"]).shape


def transposed(step: Equation, x: Any, order: tuple[int, ...]) -> Any:
    """A permutation of axes in the place of an equation."""
    if order == tuple(range(len(order))):
        return x
    if order == tuple(range(len(order)))[::-1]:
        return instead(step, "transpose", x)
    return instead(step, "transpose", x, axes=order)


def _permuted(step: Equation, known: Known) -> Any:
    order = order_of(step)
    made = known.by(step.operands[0], *PERMUTING)
    if made is not None:
        first = order_of(made)
        return transposed(step, made.operands[0], tuple(first[k] for k in order))
    return step.operands[0] if order == tuple(range(len(order))) else None


def _reshaped(step: Equation, known: Known) -> Any:
    """One new shape for two, of which one only puts or takes axes of length 1.

    Any other may copy, and after it the numbers lie in another order, which sums show.
    """
    (x,), (y,) = step.operands, step.results
    if not in_order(step):
        return None
    if shape_of(x) == y.shape:
        return x
    made = known.by(x, *RESHAPING)
    if made is None or not in_order(made):
        return None
    base = made.operands[0]
    if long_axes(shape_of(x)) not in (long_axes(shape_of(base)), long_axes(y.shape)):
        return None
    return base if shape_of(base) == y.shape else instead(step, "reshape", base, shape=y.shape)


def long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without axes of length 1."""
    return tuple(n for n in shape if n != 1)


def in_order(step: Equation) -> bool:
    """Whether the numbers keep their order, with the last axis changing fastest."""
    return bool(step.params.get("order", "C") == "C")


# ---- behind elementwise rows ----


def _pointwise(step: Equation, known: Known) -> Any:
    """The same on what an operand is a view of, if the others are numbers."""
    arrays = [k for k, x in enumerate(step.operands) if not isinstance(x, NUMBERS)]
    if len(arrays) != 1 or len(step.results) > 1:
        return None
    (k,), (y,) = arrays, step.results
    view = known.by(step.operands[k], *PERMUTING, *RESHAPING)
    if view is None or step.operands[k].shape != y.shape or not known.only(view.results[0], step):
        return None
    base = view.operands[0]
    if known.is_spread(base):
        return None  # what is computed of it is laid out in rows as it is now
    whole = Value(shape_of(base), y.dtype)
    operands = (*step.operands[:k], base, *step.operands[k + 1 :])
    first = replace(step, operands=operands, results=(whole,))
    if view.p.title in PERMUTING:
        return first, transposed(step, whole, order_of(view))
    if step.p.title in EXACT and in_order(view):  # a reshape may copy: other loops, other bits
        return first, instead(step, "reshape", whole, shape=y.shape)
    return None


# ---- into rows that take axes as they are ----


def _folded(step: Equation, known: Known) -> Any:
    """A fold of an array whose axes were permuted: over the same axes, where they were."""
    made = known.by(step.operands[0], *PERMUTING)
    if made is None or known.is_spread(step.operands[0]):
        return None
    order, axis = order_of(made), step.params.get("axis")
    x = made.operands[0]
    if axis is None:
        return replace(step, operands=(x,))
    over = normalize_axis_tuple(axis, len(order))
    left = [k for i, k in enumerate(order) if i not in over]
    if step.params.get("keepdims") or left != sorted(left):
        return None
    axes = tuple(sorted(order[k] for k in over))
    return Equation(
        step.p,
        (x,),
        step.params | {"axis": axes if isinstance(axis, tuple) else axes[0]},
        step.results,
        step.line,
    )


def _einsum(step: Equation, known: Known) -> Any:
    """A sum of products of arrays whose axes were permuted: their letters are."""
    inputs, output = step.params["subscripts"].split("->")
    letters, operands = inputs.split(","), list(step.operands)
    for k, x in enumerate(operands):
        made = known.by(x, *PERMUTING)
        if made is not None and not known.is_spread(x):
            back = np.argsort(order_of(made))
            letters[k], operands[k] = "".join(letters[k][i] for i in back), made.operands[0]
            params = step.params | {"subscripts": f"{','.join(letters)}->{output}"}
            return replace(step, operands=tuple(operands), params=params)
    return None
