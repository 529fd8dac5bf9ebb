"""Convolutions. Both ways back of a convolution are convolutions too, and cost no more.

With all products (``"full"``) out[k] = Σ x[i] y[k - i]. Where y lies within x (``"valid"``), the
ends are left out. Turned about, y convolves a cotangent of the one back in the mode of the other:
no padding, and no more products than on the way there. The middle of all (``"same"``) is a slice.

An operand's last `dims` axes are convolved, those before broadcast, so that a batch is one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..axes import pointwise
from ..box import as_array
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import General

MODES = ("full", "same", "valid")


def turned(x: Any, dims: int) -> Any:
    """The other way round along the last axes."""
    return np.flip(x, tuple(range(-dims, 0)))


def convolution(fn: Callable[..., Any], title: str) -> General:
    """The row of a way to convolve: ``fn(x, y, dims=…, mode=…)``, valid only for x not shorter."""

    def by_x(g: Any, _x: Any, y: Any, *, dims: int, mode: str) -> Any:
        return row(g, turned(y, dims), dims=dims, mode="full" if mode == "valid" else "valid")

    def by_y(g: Any, x: Any, _y: Any, *, dims: int, mode: str) -> Any:
        if mode == "valid":
            return row(turned(x, dims), g, dims=dims, mode="valid")
        return row(g, turned(x, dims), dims=dims, mode="valid")

    row = General(fn, title, (by_x, by_y), None, broadcasts=True, batching=pointwise)
    return row


def _directly(x: Any, y: Any, *, dims: int, mode: str) -> Any:
    """Product by product, in NumPy's own loop or the shorter of ours."""
    members = np.broadcast_shapes(x.shape[:-dims], y.shape[:-dims])
    n, m = x.shape[-1], y.shape[-1]
    length = n - m + 1 if mode == "valid" else n + m - 1
    if dims == 1 and math.prod(members) <= min(n, m, length):
        x, y = (np.broadcast_to(a, (*members, a.shape[-1])) for a in (x, y))
        one: Callable[..., Any] = np.convolve
        outs = [one(x[k], y[k], mode) for k in np.ndindex(*members)]
        if not members:
            return outs[0]
        return np.asarray(outs, np.result_type(x, y)).reshape((*members, length))
    return (_by_windows if mode == "valid" else _by_shifts)(x, y, members, dims)


def _window(start: tuple[int, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    return (..., *(slice(k, k + n) for k, n in zip(start, shape, strict=True)))


def _by_shifts(x: Any, y: Any, members: tuple[int, ...], dims: int) -> Any:
    """All products: a shifted copy of the larger operand for each element of the smaller."""
    n, m = x.shape[-dims:], y.shape[-dims:]
    if math.prod(n) < math.prod(m):
        x, y, n, m = y, x, m, n
    whole = tuple(a + b - 1 for a, b in zip(n, m, strict=True))
    out = np.zeros((*members, *whole), np.result_type(x, y))
    ones = (np.newaxis,) * dims
    for k in np.ndindex(*m):
        out[_window(k, n)] += x * y[(..., *k, *ones)]
    return out


def _by_windows(x: Any, y: Any, members: tuple[int, ...], dims: int) -> Any:
    """Where `y` lies within `x`: by the elements of `y`, or of the result if that has fewer."""
    y, m = turned(y, dims), y.shape[-dims:]
    left = tuple(a - b + 1 for a, b in zip(x.shape[-dims:], m, strict=True))
    out = np.zeros((*members, *left), np.result_type(x, y))
    if math.prod(left) < math.prod(m):
        axes = tuple(range(-dims, 0))
        for k in np.ndindex(*left):
            out[(..., *k)] = np.sum(x[_window(k, m)] * y, axis=axes)
        return out
    ones = (np.newaxis,) * dims
    for k in np.ndindex(*m):
        out += x[_window(k, left)] * y[(..., *k, *ones)]
    return out


convolve = convolution(_directly, "convolve")


# ---- NumPy's words ----


def in_mode(x: Any, y: Any, mode: str) -> Any:
    """The convolution of two vectors, of which the first is not the shorter."""
    if mode == "same":
        start = (len(y) - 1) // 2
        return convolve(x, y, dims=1, mode="full")[start : start + len(x)]
    return convolve(x, y, dims=1, mode=mode)


def signals(name: str, a: Any, v: Any, mode: str) -> tuple[Any, Any]:
    """Two operands of one axis that are not empty."""
    if mode not in MODES:
        raise OperandError(f"np.{name}: mode={mode!r} is none of {', '.join(MODES)}")
    a, v = as_array(a), as_array(v)
    if name == "convolve":  # which takes numbers as vectors
        a, v = (x if x.ndim else np.reshape(x, 1) for x in (a, v))
    if a.ndim != 1 or v.ndim != 1 or 0 in a.shape + v.shape:
        raise ShapeError(f"np.{name}: vectors that are not empty, not shapes {a.shape}, {v.shape}")
    return a, v


@implements(np.convolve)
def np_convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """The products of two vectors whose places add up to one place."""
    a, v = signals("convolve", a, v, mode)
    return in_mode(v, a, mode) if len(v) > len(a) else in_mode(a, v, mode)


@implements(np.correlate)
def np_correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The products with a vector, conjugated, at each place of another."""
    a, v = signals("correlate", a, v, mode)
    v = np.conjugate(v) if v.dtype.kind == "c" else v
    if len(v) > len(a):  # NumPy moves the shorter along the longer, and turns the result about
        return np.flip(in_mode(v, np.flip(a), mode))
    return in_mode(a, np.flip(v), mode)
