"""`numpy.pad`, axis after axis, by the parts that lie on either side.

Each part is a slice, a constant or a fold of what is there, so the way back adds slices up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..box import as_array
from ..dispatch import implements
from ..errors import OperandError, ShapeError, UnsupportedError
from .indexing import scatter
from .joining import gathered, in_dtype_of, part

Sides = tuple[Any, Any]
Border = Callable[[Any, int, Sides, Sides], Any]
"""``(x, axis, widths, values) → padded``; the values are what the mode's keyword says here."""

FOLDS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _around(x: Any, axis: int, widths: Sides, borders: Sides) -> Any:
    """An array between two borders, which broadcast along the axis."""
    left, right = (
        _spread(in_dtype_of(x, as_array(border)), (*x.shape[:axis], n, *x.shape[axis + 1 :]))
        for border, n in zip(borders, widths, strict=True)
    )
    return np.concatenate([left, x, right], axis)


def _spread(border: Any, shape: tuple[int, ...]) -> Any:
    return border if border.shape == shape else np.broadcast_to(border, shape)


def backwards(start: int, stop: int) -> slice:
    """The elements of a slice from the last to the first."""
    return slice(stop - 1, start - 1 if start else None, -1) if stop > start else slice(0, 0)


def _edges(x: Any, axis: int) -> Sides:
    return part(x, slice(0, 1), axis), part(x, slice(x.shape[axis] - 1, None), axis)


def _edge(x: Any, axis: int, widths: Sides, _values: Sides) -> Any:
    return _around(x, axis, widths, _edges(x, axis))


def _ramp(x: Any, axis: int, widths: Sides, values: Sides) -> Any:
    kind = {"endpoint": False, "dtype": x.dtype, "axis": axis}
    left, right = (
        np.linspace(end, np.squeeze(edge, axis), n, **kind)
        for end, edge, n in zip(values, _edges(x, axis), widths, strict=True)
    )
    return _around(x, axis, widths, (left, np.flip(right, axis)))


def _folded(fold: Any) -> Border:
    """Each border from a fold of the `values` elements that are next to it; None for all."""

    def border(x: Any, axis: int, widths: Sides, values: Sides) -> Any:
        n = x.shape[axis]
        left, right = (n if k is None else min(int(k), n) for k in values)
        if min(left, right) < 0:
            raise ShapeError("np.pad: stat_length cannot be negative")
        if 0 in (left, right) and fold in (np.max, np.min):
            raise ShapeError("np.pad: stat_length of 0 yields no value for padding")
        near = [part(x, slice(0, left), axis), part(x, slice(n - right, None), axis)]
        found = [fold(each, axis=axis, keepdims=True) for each in near]
        if x.dtype.kind in "iu":
            found = [np.round(each).astype(x.dtype) for each in found]
        return _around(x, axis, widths, (found[0], found[1]))

    return border


def _turned(offset: int, odd: bool) -> Border:
    """Mirrored at the edges, which are repeated (`offset` 0) or not (1)."""

    def border(x: Any, axis: int, widths: Sides, _values: Sides) -> Any:
        length = x.shape[axis]
        if length == 1:
            return _edge(x, axis, widths, _values)
        period, (left, right) = length - offset, widths
        while left or right:
            whole = (x.shape[axis] - offset) // period * period
            end = x.shape[axis] - offset
            now = min(whole, left), min(whole, right)
            before = part(x, backwards(offset, offset + now[0]), axis)
            behind = part(x, backwards(end - now[1], end), axis)
            if odd:
                first, last = _edges(x, axis)
                before, behind = 2 * first - before, 2 * last - behind
            x = _around(x, axis, now, (before, behind))
            left, right = left - now[0], right - now[1]
        return x

    return border


def _wrapped(x: Any, axis: int, widths: Sides, _values: Sides) -> Any:
    length, (left, right) = x.shape[axis], widths
    while left or right:
        n = x.shape[axis]
        whole = n // length * length
        now = min(whole, left), min(whole, right)
        before = part(x, slice(whole - now[0], whole), axis)
        behind = part(x, slice(n - whole, n - whole + now[1]), axis)
        x = _around(x, axis, now, (before, behind))
        left, right = left - now[0], right - now[1]
    return x


BORDERS: dict[str, tuple[str | None, Any, Any]] = {
    "constant": ("constant_values", 0, _around),
    "edge": (None, None, _edge),
    "linear_ramp": ("end_values", 0, _ramp),
    **{mode: ("stat_length", None, _folded(fold)) for mode, fold in FOLDS.items()},
    "wrap": (None, None, _wrapped),
}
"""For each mode the keyword that it takes, its default, and how it makes an axis longer."""


def _of(mode: str, kwargs: dict[str, Any]) -> tuple[str | None, Any, Any]:
    if mode in ("reflect", "symmetric"):
        kind = kwargs.get("reflect_type", "even")
        if kind not in ("even", "odd"):
            raise OperandError(f"np.pad: reflect_type is 'even' or 'odd', not {kind!r}")
        return "reflect_type", None, _turned(int(mode == "reflect"), kind == "odd")
    if mode not in BORDERS:
        raise UnsupportedError(f"np.pad of a box does not take mode={mode!r}")
    return BORDERS[mode]


@implements(np.pad)
def np_pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with borders.

    Raises
    ------
    UnsupportedError
        For ``mode="empty"``, whose borders are undefined, and for a function as the mode, which
        writes into plain arrays.
    """
    x = as_array(array)
    widths = _widths(pad_width, x.ndim)
    keyword, default, border = _of(mode, kwargs)
    if not kwargs.keys() <= {keyword}:
        raise OperandError(f"np.pad: mode {mode!r} does not take {', '.join(kwargs)}=")
    given = default if keyword == "reflect_type" else kwargs.get(keyword or "", default)
    if mode == "constant" and isinstance(given, int) and given == 0:
        index = tuple(slice(left, left + n) for (left, _), n in zip(widths, x.shape, strict=True))
        shape = tuple(left + n + right for (left, right), n in zip(widths, x.shape, strict=True))
        return scatter(x, index=index, shape=shape)
    values = [(None, None)] * x.ndim if given is None else _pairs(given, x.ndim)
    for axis, pair in enumerate(widths):
        if not x.shape[axis] and any(pair) and mode != "constant":
            raise ShapeError(f"np.pad: axis {axis} is empty, and has no border but a constant one")
    for axis, (pair, value) in enumerate(zip(widths, values, strict=True)):
        if any(pair):
            x = border(x, axis, pair, value)
    return x if x is not array else np.copy(x)


def _pairs(given: Any, ndim: int) -> list[Sides]:
    """For each axis what counts in front and behind."""
    pairs = np.broadcast_to(gathered(given), (ndim, 2))
    return [(pairs[k, 0], pairs[k, 1]) for k in range(ndim)]


def _widths(given: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(given, dict):
        sides = {normalize_axis_index(axis, ndim): width for axis, width in given.items()}
        given = [sides.get(axis, 0) for axis in range(ndim)]
        given = [each if np.ndim(each) else (each, each) for each in given]
    widths = np.asarray(given)
    if widths.dtype.kind not in "iu":
        raise OperandError(f"np.pad: pad_width is of whole numbers, not {widths.dtype}")
    if np.any(widths < 0):
        raise ShapeError("np.pad: pad_width cannot be negative")
    try:
        return [(int(left), int(right)) for left, right in np.broadcast_to(widths, (ndim, 2))]
    except ValueError as error:
        raise ShapeError(f"np.pad: pad_width of shape {widths.shape} for {ndim} axes") from error
