"""Matrices that are made of a few numbers: Toeplitz, companions, blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...box import as_array, deciding
from ...errors import ShapeError


def _vector(x: Any, name: str) -> Any:
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"{name}: a vector is needed, not an array of shape {x.shape}")
    return x


def _places(rows: int, columns: int) -> tuple[Any, Any]:
    """Rows and columns. What they choose is copied; gradients are added up, one by one."""
    return np.arange(rows)[:, None], np.arange(columns)


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix of constant diagonals, by its first column and first row (whose start is c[0])."""
    c = _vector(c, "toeplitz")
    r = np.conjugate(c) if r is None else _vector(r, "toeplitz")
    i, j = _places(len(c), len(r))
    return np.concatenate([np.flip(c, 0), r[1:]])[len(c) - 1 - i + j]


def circulant(c: Any) -> Any:
    """The matrix whose columns are `c`, turned on by one each."""
    c = _vector(c, "circulant")
    i, j = _places(len(c), len(c))
    return c[(i - j) % max(len(c), 1)]


def hankel(c: Any, r: Any = None) -> Any:
    """The matrix of constant antidiagonals, by its first column and last row (0 by default)."""
    c = _vector(c, "hankel")
    r = np.zeros(c.shape, c.dtype) if r is None else _vector(r, "hankel")
    i, j = _places(len(c), len(r))
    return np.concatenate([c, r[1:]])[i + j]


def companion(a: Any) -> Any:
    """The matrix whose eigenvalues are the roots of a polynomial, highest power first."""
    a = _vector(a, "companion")
    if len(a) < 2 or np.any(deciding(a[0]) == 0):
        raise ShapeError("companion: at least two coefficients, the first of them not 0")
    row = -a[1:] / a[0]
    return np.concatenate([row[None], np.eye(len(a) - 2, len(a) - 1, dtype=row.dtype)])


def leslie(f: Any, s: Any) -> Any:
    """The matrix of a population: rates of birth in the first row, of survival below."""
    f, s = _vector(f, "leslie"), _vector(s, "leslie")
    if len(f) != len(s) + 1 or not len(s):
        raise ShapeError(f"leslie: {len(f)} rates of birth and {len(s)} of survival")
    return np.concatenate([f[None], s[:, None] * np.eye(len(s), len(f), dtype=s.dtype)])


def fiedler(a: Any) -> Any:
    """The matrix of distances between numbers."""
    a = _vector(a, "fiedler")
    return np.abs(a[:, None] - a)


def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of one that is 0 elsewhere."""
    blocks = [_block(x) for x in arrs or ([],)]
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        m, n = x.shape
        sides = [np.zeros((m, k), x.dtype) for k in (start, width - start - n)]
        rows.append(np.concatenate([sides[0], x, sides[1]], axis=1))
        start += n
    return np.concatenate(rows, axis=0)


def _block(x: Any) -> Any:
    x = as_array(x)
    if x.ndim > 2:
        raise ShapeError(f"block_diag: a block of shape {x.shape}")
    return np.reshape(x, (1, math.prod(x.shape))) if x.ndim < 2 else x
