"""Products of vectors, matrices and stacks of them, and linear equations.

The operand that stays may be a list, so rules ask `np.ndim` for its number of axes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import lined_up, pointwise
from ..box import as_array
from ..dispatch import implements
from ..errors import ShapeError
from ..needs import Spec
from ..rows import linear, primitive


def _flip_last(x: Any) -> Any:
    """The transposed matrices of a stack."""
    return np.swapaxes(x, -1, -2)


def _matmul_x(g: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == np.ndim(y) == 1:
        return g * y
    if np.ndim(y) == 1:
        return np.expand_dims(g, -1) * y
    if np.ndim(x) == 1 and np.ndim(y) == 2:
        return np.matmul(y, g)
    if np.ndim(x) == 1:
        return np.matmul(np.expand_dims(g, -2), _flip_last(y))[..., 0, :]
    return np.matmul(g, _flip_last(y))


def _matmul_y(g: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == np.ndim(y) == 1:
        return g * x
    if np.ndim(x) == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if np.ndim(y) == 1 and np.ndim(x) == 2:
        return np.matmul(g, x)
    if np.ndim(y) == 1:
        return np.matmul(_flip_last(x), np.expand_dims(g, -1))[..., 0]
    return np.matmul(_flip_last(x), g)


def _matmul_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """Batches of vectors against one matrix are the rows of one product; else a stack of them."""
    x, y = map(as_array, xs)
    rank_x, rank_y = (a.ndim - m for a, m in zip((x, y), mine, strict=True))
    if rank_x == 0 or rank_y == 0:
        raise ShapeError("matmul: a member of the batch is a number; multiply with `*`")
    if not mine[1] and rank_y <= 2:
        rows = x.shape[:-1]
        return p(x.reshape((math.prod(rows), x.shape[-1])), y).reshape((*rows, *y.shape[1:]))
    if not mine[0] and rank_y == 1:
        if rank_x == 1:
            return p(y, x)
        if rank_x == 2:
            return p(y, _flip_last(x))
    if rank_x == 1:
        x = np.expand_dims(x, -2)
    if rank_y == 1:
        y = np.expand_dims(y, -1)
    rank = max(rank_x, rank_y, 2)
    out = p(lined_up(x, rank) if mine[0] else x, lined_up(y, rank) if mine[1] else y)
    out = out[..., 0] if rank_y == 1 else out
    if rank_x == 1:
        out = out[..., 0] if rank_y == 1 else out[..., 0, :]
    return out


matmul = linear(np.matmul, _matmul_x, _matmul_y, broadcasts=True, batching=_matmul_members)


def contracted_axes(axes: Any, x: Any, y: Any) -> tuple[list[int], list[int]]:
    """The contracted axes of both operands, from any of NumPy's ways to say them."""
    if np.ndim(axes) == 0:
        n = int(axes)
        return list(range(np.ndim(x) - n, np.ndim(x))), list(range(n))
    left, right = ([a] if np.ndim(a) == 0 else list(a) for a in axes)
    return [a % np.ndim(x) for a in left], [a % np.ndim(y) for a in right]


def _tensordot_x(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = contracted_axes(axes, x, y)
    free_x = [k for k in range(np.ndim(x)) if k not in left]
    free_y = [k for k in range(np.ndim(y)) if k not in right]
    moved = np.tensordot(g, y, (list(range(len(free_x), g.ndim)), free_y))
    order = free_x + [left[k] for k in np.argsort(right)]
    return np.transpose(moved, np.argsort(order))


def _tensordot_y(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = contracted_axes(axes, x, y)
    free_x = [k for k in range(np.ndim(x)) if k not in left]
    free_y = [k for k in range(np.ndim(y)) if k not in right]
    moved = np.tensordot(x, g, (free_x, list(range(len(free_x)))))
    order = [right[k] for k in np.argsort(left)] + free_y
    return np.transpose(moved, np.argsort(order))


def _contracted(n: int, mine: Any, xs: Any, left: list[int], right: list[int]) -> Any:
    """`tensordot` of the members' axes `left` and `right`, counted from the front."""
    x, y = map(as_array, xs)
    moved_left, moved_right = ([k + m for k in a] for a, m in zip((left, right), mine, strict=True))
    if mine[0] and mine[1]:
        free_x = [k for k in range(1, x.ndim) if k not in moved_left]
        free_y = [k for k in range(1, y.ndim) if k not in moved_right]
        folded = math.prod(x.shape[k] for k in moved_left)
        rows, columns = [x.shape[k] for k in free_x], [y.shape[k] for k in free_y]
        a = np.transpose(x, (0, *free_x, *moved_left)).reshape((n, math.prod(rows), folded))
        b = np.transpose(y, (0, *moved_right, *free_y)).reshape((n, folded, math.prod(columns)))
        return np.matmul(a, b).reshape((n, *rows, *columns))
    out = np.tensordot(x, y, (moved_left, moved_right))
    return out if mine[0] else np.moveaxis(out, x.ndim - len(left), 0)


def _ranks(mine: Any, xs: Any) -> tuple[int, ...]:
    return tuple(np.ndim(x) - m for x, m in zip(xs, mine, strict=True))


def _tensordot_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    members = [
        Spec((1,) * rank, x.dtype)
        for rank, x in zip(_ranks(mine, xs), map(as_array, xs), strict=True)
    ]
    left, right = contracted_axes(params.get("axes", 2), *members)
    return _contracted(n, mine, xs, left, right)


linear(np.tensordot, _tensordot_x, _tensordot_y, batching=_tensordot_members)


def _dot_axes(y: Any) -> tuple[int, int]:
    """`dot` contracts the last axis with the second to last, or with the only one."""
    return -1, max(np.ndim(y) - 2, 0)


def _dot_x(g: Any, x: Any, y: Any) -> Any:
    numbers = np.ndim(x) == 0 or np.ndim(y) == 0
    return g * y if numbers else _tensordot_x(g, x, y, axes=_dot_axes(y))


def _dot_y(g: Any, x: Any, y: Any) -> Any:
    numbers = np.ndim(x) == 0 or np.ndim(y) == 0
    return g * x if numbers else _tensordot_y(g, x, y, axes=_dot_axes(y))


def _inner_x(g: Any, x: Any, y: Any) -> Any:
    numbers = np.ndim(x) == 0 or np.ndim(y) == 0
    return g * y if numbers else _tensordot_x(g, x, y, axes=(-1, -1))


def _inner_y(g: Any, x: Any, y: Any) -> Any:
    numbers = np.ndim(x) == 0 or np.ndim(y) == 0
    return g * x if numbers else _tensordot_y(g, x, y, axes=(-1, -1))


def _dot_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    ranks = _ranks(mine, xs)
    if 0 in ranks:
        return pointwise(np.multiply, n, mine, xs, {})
    if max(ranks) <= 2:
        return _matmul_members(np.matmul, n, mine, xs, {})
    return _contracted(n, mine, xs, [ranks[0] - 1], [max(ranks[1] - 2, 0)])


def _inner_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    ranks = _ranks(mine, xs)
    if 0 in ranks:
        return pointwise(np.multiply, n, mine, xs, {})
    return _contracted(n, mine, xs, [ranks[0] - 1], [ranks[1] - 1])


linear(np.dot, _dot_x, _dot_y, broadcasts=True, batching=_dot_members)
linear(np.inner, _inner_x, _inner_y, broadcasts=True, batching=_inner_members)


@implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    a, b = (x if x.ndim == 1 else np.reshape(x, -1) for x in map(as_array, (a, b)))
    return np.einsum("i,j->ij", a, b)


# ---- equations ----


def _columns(b: Any, vector: bool) -> Any:
    """A right-hand side as a matrix."""
    return np.expand_dims(b, -1) if vector else b


def _solve_a(g: Any, out: Any, x: Any, y: Any) -> Any:
    vector = np.ndim(y) == 1
    gb = np.linalg.solve(_flip_last(x), _columns(g, vector))
    return -np.matmul(gb, _flip_last(_columns(out, vector)))


def _solve_b(g: Any, _out: Any, x: Any, y: Any) -> Any:
    vector = np.ndim(y) == 1
    gb = np.linalg.solve(_flip_last(x), _columns(g, vector))
    return gb[..., 0] if vector else gb


def _solve_moved_a(t: Any, out: Any, x: Any, y: Any) -> Any:
    vector = np.ndim(y) == 1
    moved = -np.linalg.solve(x, np.matmul(t, _columns(out, vector)))
    return moved[..., 0] if vector else moved


def _solve_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """One matrix for all members is factored once: their right-hand sides are its columns."""
    a, b = map(as_array, xs)
    rank_a, rank_b = _ranks(mine, (a, b))
    vector = rank_b == 1
    if mine[1]:
        b = _columns(b, vector)
    if mine[1] and not mine[0] and rank_a == 2 and rank_b <= 2:
        columns = np.moveaxis(b, 0, -1)  # (m, k, n)
        flat = columns.reshape((columns.shape[0], math.prod(columns.shape[1:])))
        out = np.moveaxis(p(a, flat).reshape(columns.shape), -1, 0)
        return out[..., 0] if vector else out
    rank = max(rank_a, rank_b, 2)
    a = lined_up(a, rank) if mine[0] else a
    out = p(a, lined_up(b, rank) if mine[1] else b)
    return out[..., 0] if vector and mine[1] else out


primitive(
    np.linalg.solve,
    _solve_a,
    _solve_b,
    pushes=(_solve_moved_a, lambda t, _out, x, _y: np.linalg.solve(x, t)),
    broadcasts=True,
    batching=_solve_members,
)
