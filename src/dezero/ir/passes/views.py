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
from .rewriting import (
    EXACT,
    NUMBERS,
    Known,
    Rule,
    elementwise_in,
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
    (x,), (y,) = step.operands, step.results
    if not in_order(step):
        return None
    if shape_of(x) == y.shape:
        return x
    made = known.by(x, *RESHAPING)
    if made is None or not in_order(made):
        return None
    return instead(step, "reshape", *made.operands, shape=y.shape)


def in_order(step: Equation) -> bool:
    """Whether the numbers keep their order, with the last axis changing fastest."""
    return bool(step.params.get("order", "C") == "C")


# ---- behind elementwise rows ----


def _pointwise(step: Equation, known: Known) -> Any:
    """The same on what all operands but numbers are views of, if of the same shape and alike."""
    views = [known.by(x, *PERMUTING, *RESHAPING) for x in step.operands]
    if not any(views) or len(step.results) > 1:
        return None
    (y,) = step.results
    pairs = list(zip(step.operands, views, strict=True))
    for x, view in pairs:
        if view is None:
            if not isinstance(x, NUMBERS):
                return None
        elif x.shape != y.shape or not known.only(x, step):
            return None
    wholes = [x if view is None else view.operands[0] for x, view in pairs]
    shapes = {shape_of(view.operands[0]) for view in views if view is not None}
    kinds = {kind_of(view, step) for view in views if view is not None}
    if len(shapes) > 1 or len(kinds) > 1 or None in kinds:
        return None
    (kind,), whole = kinds, Value(shapes.pop(), y.dtype)
    first = Equation(step.p, tuple(wholes), step.params, (whole,), step.line)
    if kind == RESHAPING:
        return first, instead(step, "reshape", whole, shape=y.shape)
    return first, transposed(step, whole, kind)


def kind_of(view: Equation, step: Equation) -> Any:
    """The order of a permutation; of a new shape, that it is one that a row may be moved before.

    A reshape may copy, and NumPy has other loops for arrays whose numbers do not lie in a row.
    """
    if view.p.title in PERMUTING:
        return order_of(view)
    return RESHAPING if step.p.title in EXACT and in_order(view) else None


# ---- into rows that take axes as they are ----


def _folded(step: Equation, known: Known) -> Any:
    """A fold of an array whose axes were permuted: over the same axes, where they were."""
    made = known.by(step.operands[0], *PERMUTING)
    if made is None:
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
        if made is not None:
            back = np.argsort(order_of(made))
            letters[k], operands[k] = "".join(letters[k][i] for i in back), made.operands[0]
            params = step.params | {"subscripts": f"{','.join(letters)}->{output}"}
            return replace(step, operands=tuple(operands), params=params)
    return None
