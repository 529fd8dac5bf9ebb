"""Differences, slopes, integrals and interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..axes import spread
from ..box import Box, as_array, deciding
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import Nondifferentiable
from .nondiff import stopped
from .sorting import at


def part(x: Any, axis: int, start: int | None, stop: int | None = None) -> Any:
    """A slice along one axis."""
    return x[(*(slice(None),) * axis, slice(start, stop))]


def upright(x: Any, axis: int, ndim: int) -> Any:
    """A vector along one axis of `ndim`, so that it broadcasts."""
    return np.reshape(x, tuple(-1 if k == axis else 1 for k in range(ndim)))


# ---- differences ----


@implements(np.diff)
def _diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    a = as_array(a)
    if n == 0:
        return a
    if n < 0:
        raise ShapeError(f"np.diff: n is not negative, as {n} is")
    if not a.ndim:
        raise ShapeError("np.diff: a number has no axis")
    axis = normalize_axis_index(axis, a.ndim)
    edge = tuple(1 if k == axis else size for k, size in enumerate(a.shape))
    parts = [
        x if x.ndim else np.broadcast_to(x, edge)
        for x in (as_array(x) for x in (prepend, a, append) if x is not np._NoValue)
    ]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    subtract = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        a = subtract(part(a, axis, 1), part(a, axis, None, -1))
    return a


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = as_array(ary)
    x = x if x.ndim == 1 else np.reshape(x, -1)
    parts = [np.subtract(x[1:], x[:-1])]
    for ends, place in ((to_begin, 0), (to_end, len(parts) + 1)):
        if ends is not None:
            ends = np.reshape(as_array(ends), -1)
            if not np.can_cast(ends.dtype, x.dtype, casting="same_kind"):
                raise OperandError(f"np.ediff1d: {ends.dtype} does not go into {x.dtype}")
            parts.insert(place, ends.astype(x.dtype))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


# ---- slopes ----


def _spacings(f: Any, steps: tuple[Any, ...], axes: tuple[int, ...]) -> list[Any]:
    """The step along each axis: a number, or the differences of coordinates."""
    if not steps:
        return [1.0] * len(axes)
    if len(steps) == 1 and np.ndim(steps[0]) == 0:
        return [*steps] * len(axes)
    if len(steps) != len(axes):
        raise OperandError(f"np.gradient: {len(steps)} spacings for {len(axes)} axes")
    return [_spacing(x, f.shape[axis]) for x, axis in zip(steps, axes, strict=True)]


def _spacing(x: Any, n: int) -> Any:
    if np.ndim(x) == 0:
        return x
    x = as_array(x)
    if x.shape != (n,):
        raise ShapeError(f"np.gradient: coordinates of shape {x.shape} for {n} values")
    gaps = np.diff(x.astype(float) if x.dtype.kind in "iu" else x)
    # Coordinates that are differentiated by must all be used, also where their gaps are the same.
    return gaps[0] if not isinstance(x, Box) and np.all(gaps == gaps[0]) else gaps


def _central(f: Any, h: Any, axis: int) -> Any:
    """Slopes inside: exact for parabolas."""
    left, middle, right = part(f, axis, None, -2), part(f, axis, 1, -1), part(f, axis, 2)
    if np.ndim(h) == 0:
        return (right - left) / (2.0 * h)
    h1, h2 = h[:-1], h[1:]
    a, b, c = (
        upright(each, axis, f.ndim)
        for each in (
            -h2 / (h1 * (h1 + h2)),
            (h2 - h1) / (h1 * h2),
            h1 / (h2 * (h1 + h2)),
        )
    )
    return a * left + b * middle + c * right


def _at_edges(f: Any, h: Any, axis: int, order: int) -> tuple[Any, Any]:
    """Slopes at the first and the last place, exact for lines (`order` 1) or parabolas (2)."""
    first, last = (h, h) if np.ndim(h) == 0 else (h[0], h[-1])
    f0, f1, f_2, f_1 = (part(f, axis, k, k + 1 or None) for k in (0, 1, -2, -1))
    if order == 1:
        return (f1 - f0) / first, (f_1 - f_2) / last
    f2, f_3 = part(f, axis, 2, 3), part(f, axis, -3, -2)
    if np.ndim(h) == 0:
        start = (-1.5 / h, 2.0 / h, -0.5 / h)
        end = (0.5 / h, -2.0 / h, 1.5 / h)
    else:
        h1, h2 = h[0], h[1]
        start = (
            -(2.0 * h1 + h2) / (h1 * (h1 + h2)),
            (h1 + h2) / (h1 * h2),
            -h1 / (h2 * (h1 + h2)),
        )
        h1, h2 = h[-2], h[-1]
        end = (
            h2 / (h1 * (h1 + h2)),
            -(h2 + h1) / (h1 * h2),
            (2.0 * h2 + h1) / (h2 * (h1 + h2)),
        )
    return (
        start[0] * f0 + start[1] * f1 + start[2] * f2,
        end[0] * f_3 + end[1] * f_2 + end[2] * f_1,
    )


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = _spacings(f, varargs, axes)
    if edge_order not in (1, 2):
        raise ShapeError(f"np.gradient: edge_order is 1 or 2, not {edge_order}")
    kind = f.dtype
    if kind.kind in "iub":
        f = f.astype(float)
        kind = f.dtype
    slopes = []
    for k, h in zip(axes, spacings, strict=True):
        if f.shape[k] < edge_order + 1:
            raise ShapeError(
                f"np.gradient: {f.shape[k]} values along axis {k}; edge_order {edge_order} takes "
                f"{edge_order + 1}"
            )
        first, last = _at_edges(f, h, k, edge_order)
        slopes.append(np.concatenate([first, _central(f, h, k), last], axis=k).astype(kind))
    return slopes[0] if len(axes) == 1 else tuple(slopes)


# ---- integrals ----


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None:
        x = as_array(x)
        dx = upright(np.diff(x), axis, y.ndim) if x.ndim == 1 else np.diff(x, axis=axis)
    return np.sum(dx * (part(y, axis, 1) + part(y, axis, None, -1)) / 2.0, axis)


for name in ("trapezoid", "trapz"):
    if name in vars(np):
        implements(getattr(np, name))(_trapezoid)


# ---- angles ----


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """Whole periods are added: by the angles the derivative is 1, by the period their number."""
    p = as_array(p)
    axis = normalize_axis_index(axis, p.ndim)
    steps = np.diff(p, axis=axis)
    whole = np.result_type(steps.dtype, period.dtype if isinstance(period, Box) else period)
    half, rest = divmod(period, 2) if whole.kind in "iu" else (period / 2, 0)
    short = np.remainder(steps + half, period) - half
    if np.all(deciding(rest) == 0):
        short = np.where((short == -half) & (steps > 0), half, short)
    least = period / 2 if discont is None else discont
    jumps = np.where(np.abs(steps) < least, 0, short - steps)
    rest_of_p = part(p, axis, 1) + np.cumsum(jumps, axis)
    return np.concatenate([part(p, axis, None, 1).astype(whole), rest_of_p.astype(whole)], axis)


# ---- interpolation ----


def _located(xp: Any, x: Any) -> Any:
    """How many of the sorted `xp` are not above each `x`; with more axes, each line by itself."""
    if xp.ndim == 1:
        return np.searchsorted(xp, x, side="right")
    n = xp.shape[-1]
    rank = _ranks(np.concatenate([xp, x], axis=-1))[..., n:]
    return rank - _ranks(x)


def _ranks(x: Any) -> Any:
    """The place of each number in order, along the last axis."""
    return np.argsort(np.argsort(x, axis=-1, kind="stable"), axis=-1)


def _located_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    xp, x = xs
    return p(xp, spread(x, n, mine[1])) if mine[0] else p(xp, x)


located = Nondifferentiable(_located, "located", batching=_located_members)


def _around(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Abscissas within one period, and the points with a neighbour of the next on either side."""
    if np.any(deciding(period) == 0):
        raise ShapeError("np.interp: period is not 0")
    period = np.abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(stopped(xp))
    xp, fp = at(xp, order), at(fp, order)
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


@implements(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Between the points by lines; at a point, the derivative by x is that of the line after it."""
    x, xp, fp = (as_array(each) for each in (x, xp, fp))
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise OperandError("np.interp: x and xp are real, only fp may be complex")
    x, xp = x.astype(float), xp.astype(float)
    fp = fp.astype(np.result_type(fp.dtype, float))
    if xp.ndim != 1 or fp.shape != xp.shape or not len(xp):
        raise ShapeError(
            f"np.interp: xp and fp are vectors of one length, not {xp.shape}, {fp.shape}"
        )
    if period is not None:
        x, xp, fp = _around(x, xp, fp, period)
        left = right = None
    left, right = fp[0] if left is None else left, fp[-1] if right is None else right
    y = _on_lines(np.reshape(x, -1), xp, fp)
    y = np.reshape(y, x.shape)
    return np.where(x < xp[0], left, np.where(x > xp[-1], right, y))


def _on_lines(x: Any, xp: Any, fp: Any) -> Any:
    n = len(xp)
    if n == 1:
        return np.broadcast_to(fp[0], x.shape)
    first = np.clip(located(stopped(xp), stopped(x)) - 1, 0, n - 2)
    x0, x1, y0, y1 = at(xp, first), at(xp, first + 1), at(fp, first), at(fp, first + 1)
    slope = (y1 - y0) / (x1 - x0)
    at_end = stopped(x) == stopped(xp[-1])  # so that the value there is the point's
    y = np.where(at_end, y1, y0) + slope * (x - np.where(at_end, x1, x0))
    if np.any(np.isnan(deciding(y))):  # beside an infinite point, from its neighbour
        lost = np.isnan(y)
        y = np.where(lost, y1 + slope * (x - x1), y)
        y = np.where(lost & ((x == x0) | (y0 == y1) & ~np.isnan(x)), y0, y)
    return y
