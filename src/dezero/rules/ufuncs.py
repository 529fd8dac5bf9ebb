"""Ufuncs with keywords, and their methods, as programs over rows.

`out=` of any function is here too: the result is assigned into a box, and nothing else can take it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..box import ROWS, Box, as_array, unsupported
from ..dispatch import implements
from ..errors import OperandError, UnsupportedError
from .indexing import assign, scatter

ASSOCIATIVE = (np.logaddexp, np.logaddexp2, np.hypot, np.fmax, np.fmin)
"""May be folded in any order, and so in pairs."""

HARMLESS = {"casting": ("same_kind",), "order": ("K", "C", "A", None), "subok": (True, False)}
"""Keywords of ufuncs that change nothing at these values: a box has its order, and no subclass."""


@implements("out=")
def into(out: Any, result: Any, function: Any) -> Any:
    """A result, assigned into the box or boxes that were given as ``out=``."""
    if out is None:
        return result
    if isinstance(out, tuple):
        results = result if isinstance(result, tuple) else (result,)
        written = tuple(into(*pair, function) for pair in zip(out, results, strict=True))
        return written if isinstance(result, tuple) else written[0]
    if not isinstance(out, Box):
        raise unsupported(function, kwargs=["out"])
    if out.shape != np.shape(result):
        raise OperandError(f"out= has shape {out.shape}, the result {np.shape(result)}")
    assign(out, ..., result)
    return out


@implements("ufunc.__call__")
def called(ufunc: Any, *args: Any, out: Any = None, where: Any = True, **kwargs: Any) -> Any:
    """A ufunc with keywords: ``dtype=``, ``out=``, and ``where=`` if there is an ``out=``."""
    xs, outs = args[: ufunc.nin], out if out is not None else args[ufunc.nin :] or None
    kwargs = {k: v for k, v in kwargs.items() if v not in HARMLESS.get(k, ())}
    dtype = kwargs.pop("dtype", None)
    if kwargs and ufunc.signature is None:
        raise unsupported(ufunc, kwargs=kwargs)
    if dtype is not None:
        xs = _converted(ufunc, xs, np.dtype(dtype))
    if where is True:
        return into(outs, ROWS[ufunc](*xs, **kwargs), ufunc)
    if outs is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__} of a box with where= and without out= leaves numbers undefined; "
            f"instead: np.where(mask, np.{ufunc.__name__}(…), other)"
        )
    with np.errstate(all="ignore"):
        result = ROWS[ufunc](*xs, **kwargs)
    if ufunc.nout > 1 or not isinstance(outs[0], Box):
        raise unsupported(ufunc, kwargs=["where"] if ufunc.nout > 1 else ["out"])
    (out,) = outs
    mask = np.broadcast_to(where, out.shape)
    assign(out, mask, np.broadcast_to(result, out.shape)[mask])
    return out


def _converted(ufunc: Any, xs: tuple[Any, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Operands in the dtypes that a ufunc computes in if its result is to have `dtype`."""
    arrays = tuple(map(as_array, xs))
    signature = (None,) * ufunc.nin + (dtype,) * ufunc.nout
    given = tuple(x.dtype for x in arrays) + (None,) * ufunc.nout
    try:
        found = ufunc.resolve_dtypes(given, signature=signature)
    except TypeError as error:
        raise OperandError(f"{ufunc.__name__}: {error}") from error
    return tuple(
        x if x.dtype == kind else x.astype(kind) for x, kind in zip(arrays, found, strict=False)
    )


def _known(ufunc: Any, method: str) -> Callable[..., Any]:
    """The row of a ufunc of two numbers that has a derivative."""
    row = ROWS[ufunc]
    if ufunc.nin != 2 or ufunc.nout != 1 or ufunc.signature is not None:
        raise unsupported(ufunc, method)
    return row


# ---- methods ----


@implements("ufunc.outer")
def outer(ufunc: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """Each element of `a` with each of `b`."""
    _known(ufunc, "outer")
    a, b = as_array(a), as_array(b)
    return called(ufunc, np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **kwargs)


@implements("ufunc.reduce")
def reduce(
    ufunc: Any,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """A fold: in pairs where the order does not matter, else one element after the other."""
    row, x = _known(ufunc, "reduce"), as_array(a)
    x = x if dtype is None else x.astype(dtype)
    start = ufunc.identity if initial is None else initial
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if where is not True:
        if start is None:
            raise OperandError(f"np.{ufunc.__name__}.reduce with where= needs initial=")
        x = np.where(where, x, start)
    front = np.moveaxis(x, tuple(axes), tuple(range(len(axes))))
    front = np.reshape(front, (-1, *front.shape[len(axes) :])) if front.size else front
    if len(axes) > 1 and ufunc not in ASSOCIATIVE:
        raise OperandError(f"np.{ufunc.__name__}.reduce folds one axis only: its order matters")
    if 0 in [x.shape[k] for k in axes]:
        if start is None:
            raise OperandError(f"np.{ufunc.__name__}.reduce of no elements has no value")
        rest = [n for k, n in enumerate(x.shape) if k not in axes]
        total: Any = np.full(rest, start, x.dtype)
    else:
        first = () if initial is None else (initial,)
        total = _folded(row, front, first, pairs=ufunc in ASSOCIATIVE)
    if keepdims:
        total = np.reshape(total, tuple(1 if k in axes else n for k, n in enumerate(x.shape)))
    return into(out, total, ufunc)


def _folded(row: Callable[..., Any], x: Any, first: tuple[Any, ...], pairs: bool) -> Any:
    """What comes first and all elements along the first axis, in one."""
    while pairs and len(x) > 1:
        n = len(x)
        halves = row(x[0 : n - n % 2 : 2], x[1::2])
        x = np.concatenate([halves, x[n - 1 :]]) if n % 2 else halves
    return functools.reduce(row, (*first, *(x[k] for k in range(len(x)))))


@implements("ufunc.accumulate")
def accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """A running fold, one element after the other."""
    row, x = _known(ufunc, "accumulate"), as_array(array)
    x = np.moveaxis(x if dtype is None else x.astype(dtype), axis, 0)
    totals = [x[0]] if len(x) else []
    for k in range(1, len(x)):
        totals.append(row(totals[-1], x[k]))
    return into(out, np.moveaxis(np.stack(totals), 0, axis) if totals else x, ufunc)


@implements("ufunc.at")
def at(ufunc: Any, a: Any, indices: Any, *b: Any) -> None:
    """``a[indices] = ufunc(a[indices], b)``, where a repeated index counts as often as it occurs.

    Raises
    ------
    UnsupportedError
        If a place occurs twice and the ufunc is no sum: its turns would follow one another.
    """
    if not isinstance(a, Box):
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at: a box cannot be written into a plain ndarray; fill an array "
            "made with `a = dz.numpy.zeros(shape)`"
        )
    if ufunc in (np.add, np.subtract):
        (g,) = b
        shape = np.shape(np.empty(a.shape, bool)[indices])
        moved = scatter(np.broadcast_to(as_array(g), shape), index=indices, shape=a.shape)
        assign(a, ..., ROWS[ufunc](a, moved))
        return
    places = np.arange(a.size).reshape(a.shape)[indices]
    if np.size(np.unique(places)) != np.size(places):
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at of a box with an index that occurs twice is not supported; "
            "np.add.at and np.subtract.at are"
        )
    assign(a, indices, ROWS[ufunc](a[indices], *b))
