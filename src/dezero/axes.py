"""How a call looks with one more axis in front: the batching rules that rows share.

A batching rule is ``rule(p, n, mine, xs, params)``: the call ``p(*xs, **params)`` for `n` members
at once, where the operands that are `mine` have the members along a new first axis and the others
are the same for all. It returns the result with the members in front. Rules are plain NumPy code,
so they run on whatever a batch holds. Axis numbers in `params` are the members' own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .box import as_array
from .dispatch import signature
from .errors import OperandError, SequentialWarning

BatchRule = Callable[..., Any]


def shift(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes of a member with `ndim` axes, as axes of the batch; NumPy takes 0 and -1 of a number."""
    if ndim == 0 and axis in (0, -1):
        return ()
    return tuple(k + 1 for k in normalize_axis_tuple(axis, ndim))


def every(x: Any) -> tuple[int, ...]:
    """All of a member's axes, as axes of the batch."""
    return tuple(range(1, x.ndim))


def lined_up(x: Any, ndim: int) -> Any:
    """A batch whose members get axes of length 1 in front, up to `ndim`: so they broadcast."""
    missing = ndim - (x.ndim - 1)
    return x.reshape((x.shape[0], *(1,) * missing, *x.shape[1:])) if missing > 0 else x


def spread(x: Any, n: int, is_batch: bool) -> Any:
    """An operand as a batch, also if it is the same for all members."""
    x = as_array(x)
    return x if is_batch else np.broadcast_to(x, (n, *x.shape))


# ---- rules ----


def pointwise(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of functions that broadcast: the members' axes are lined up at the back."""
    if len(xs) == 1:
        return p(*xs, **params)
    ranks = [
        (x.ndim if hasattr(x, "ndim") else np.ndim(x)) - m for x, m in zip(xs, mine, strict=True)
    ]
    ndim = max(ranks)
    if ndim > min(ranks):
        xs = [lined_up(x, ndim) if m else x for x, m in zip(xs, mine, strict=True)]
    return p(*xs, **params)


def over(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of reductions by ``axis``, None for all of them at once."""
    (x,) = xs
    axis = params.get("axis")
    axes = every(x) if axis is None else shift(axis, x.ndim - 1)
    return p(x, **{**params, "axis": axes})


def along(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of functions along one ``axis``, None for the flattened array."""
    (x,) = xs
    axis = params.get("axis")
    if axis is None or x.ndim == 1:
        keep = params.get("keepdims") and axis is None
        out = p(x.reshape((n, -1)), **{**params, "axis": 1})
        return out.reshape((n, *(1,) * (x.ndim - 1))) if keep else out
    return p(x, **{**params, "axis": normalize_axis_index(axis, x.ndim - 1) + 1})


def named(rule: BatchRule, **defaults: Any) -> BatchRule:
    """A rule for functions of one array whose other arguments may have come by position."""

    def batched(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
        names, _ = signature(p.fn)
        given = {**defaults, **dict(zip(names, xs, strict=False)), **params}
        return rule(p, n, mine[:1], (given.pop(names[0]),), given)

    return batched


def one_by_one(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Of anything else: a call for each member, and a warning, because it is slow."""
    if n == 0:
        raise OperandError(f"vmap: {p.title} has no batching rule, and no member to call it on")
    warnings.warn(
        f"vmap: {p.title} has no batching rule and runs once for each of the {n} members",
        SequentialWarning,
        stacklevel=2,
    )
    outs = [
        p(*(x[k] if m else x for x, m in zip(xs, mine, strict=True)), **params) for k in range(n)
    ]
    if isinstance(outs[0], tuple):
        return tuple(np.stack([as_array(y) for y in ys]) for ys in zip(*outs, strict=True))
    return np.stack([as_array(y) for y in outs])
