"""Products of vectors, matrices and stacks of them. Linear in each operand."""

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
    if x.ndim == y.ndim == 1:
        return g * y
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.matmul(np.expand_dims(g, -2), _flip_last(y))[..., 0, :]
    return np.matmul(g, _flip_last(y))


def _matmul_y(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 1:
        return g * x
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if y.ndim == 1:
        return np.matmul(_flip_last(x), np.expand_dims(g, -1))[..., 0]
    return np.matmul(_flip_last(x), g)


matmul = linear(np.matmul, _matmul_x, _matmul_y, broadcasts=True)


def _axes(axes: Any, x: Any, y: Any) -> tuple[list[int], list[int]]:
    """The contracted axes of both operands, from any of NumPy's ways to say them."""
    if np.ndim(axes) == 0:
        n = int(axes)
        return list(range(x.ndim - n, x.ndim)), list(range(n))
    left, right = ([a] if np.ndim(a) == 0 else list(a) for a in axes)
    return [a % x.ndim for a in left], [a % y.ndim for a in right]


def _tensordot_x(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = _axes(axes, x, y)
    free_x = [k for k in range(x.ndim) if k not in left]
    free_y = [k for k in range(y.ndim) if k not in right]
    moved = np.tensordot(g, y, (list(range(len(free_x), g.ndim)), free_y))
    order = free_x + [left[k] for k in np.argsort(right)]
    return np.transpose(moved, np.argsort(order))


def _tensordot_y(g: Any, x: Any, y: Any, *, axes: Any = 2) -> Any:
    left, right = _axes(axes, x, y)
    free_x = [k for k in range(x.ndim) if k not in left]
    free_y = [k for k in range(y.ndim) if k not in right]
    moved = np.tensordot(x, g, (free_x, list(range(len(free_x)))))
    order = [right[k] for k in np.argsort(left)] + free_y
    return np.transpose(moved, np.argsort(order))


linear(np.tensordot, _tensordot_x, _tensordot_y)


@implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    """NumPy's rules: numbers multiply, vectors and matrices contract last with second to last."""
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return np.tensordot(a, b, (-1, max(b.ndim - 2, 0)))


@implements(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


@implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.multiply(np.reshape(as_array(a), (-1, 1)), np.reshape(as_array(b), (1, -1)))
