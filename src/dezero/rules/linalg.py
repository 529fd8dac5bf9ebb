"""Products of vectors, matrices and stacks of them. Linear in each operand.

The operand that stays may be a list, so rules ask `np.ndim` for its number of axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array
from ..dispatch import implements
from ..rows import linear


def _flip_last(x: Any) -> Any:
    """The transposed matrices of a stack."""
    return np.swapaxes(x, -1, -2)


def _matmul_x(g: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == np.ndim(y) == 1:
        return g * y
    if np.ndim(y) == 1:
        return np.expand_dims(g, -1) * y
    if np.ndim(x) == 1:
        return np.matmul(np.expand_dims(g, -2), _flip_last(y))[..., 0, :]
    return np.matmul(g, _flip_last(y))


def _matmul_y(g: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == np.ndim(y) == 1:
        return g * x
    if np.ndim(x) == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if np.ndim(y) == 1:
        return np.matmul(_flip_last(x), np.expand_dims(g, -1))[..., 0]
    return np.matmul(_flip_last(x), g)


matmul = linear(np.matmul, _matmul_x, _matmul_y, broadcasts=True)


def _axes(axes: Any, x: Any, y: Any) -> tuple[list[int], list[int]]:
    """The contracted axes of both operands, from any of NumPy's ways to say them."""
    if np.ndim(axes) == 0:
        n = int(axes)
        return list(range(np.ndim(x) - n, np.ndim(x))), list(range(n))
    left, right = ([a] if np.ndim(a) == 0 else list(a) for a in axes)
    return [a % np.ndim(x) for a in left], [a % np.ndim(y) for a in right]


def _tensordot_x(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = _axes(axes, x, y)
    free_x = [k for k in range(np.ndim(x)) if k not in left]
    free_y = [k for k in range(np.ndim(y)) if k not in right]
    moved = np.tensordot(g, y, (list(range(len(free_x), g.ndim)), free_y))
    order = free_x + [left[k] for k in np.argsort(right)]
    return np.transpose(moved, np.argsort(order))


def _tensordot_y(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = _axes(axes, x, y)
    free_x = [k for k in range(np.ndim(x)) if k not in left]
    free_y = [k for k in range(np.ndim(y)) if k not in right]
    moved = np.tensordot(x, g, (free_x, list(range(len(free_x)))))
    order = [right[k] for k in np.argsort(left)] + free_y
    return np.transpose(moved, np.argsort(order))


linear(np.tensordot, _tensordot_x, _tensordot_y)


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


linear(np.dot, _dot_x, _dot_y, broadcasts=True)
linear(np.inner, _inner_x, _inner_y, broadcasts=True)


@implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.multiply(np.reshape(as_array(a), (-1, 1)), np.reshape(as_array(b), (1, -1)))
