"""The keywords of folds that their rows do not know: ``dtype``, ``initial``, ``where`` and others.

They are programs over the rows: ``where=`` puts the fold's unit in place of what is left out, and
``initial=`` is folded in last.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import ROWS, as_array, deciding
from ..dispatch import bind, implements
from ..errors import OperandError, ShapeError
from ..rows import General
from .nondiff import stopped
from .reduce import Axis, count, deviation, extremes, mean, product, total, variance


def program(row: General) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what a row's function is with keywords that the row does not take (a decorator)."""

    def register(written: Callable[..., Any]) -> Callable[..., Any]:
        own = row.needs.keywords

        def call(x: Any, **params: Any) -> Any:
            return row(x, **params) if params.keys() <= own else written(as_array(x), **params)

        ROWS[row.fn] = bind(call, row.fn, 1, own | (written.__kwdefaults__ or {}).keys())
        return written

    return register


def mask_of(where: Any, x: Any) -> Any:
    """A mask in the shape of `x`; it says which elements, and has no derivative."""
    mask = stopped(as_array(where))
    if mask.dtype != bool:
        raise OperandError(f"where= is a mask of booleans, not of {mask.dtype}")
    try:
        return np.broadcast_to(mask, x.shape)
    except ValueError as error:
        raise ShapeError(f"where= of shape {mask.shape} for an array of {x.shape}") from error


def cast(x: Any, dtype: Any) -> Any:
    """An array in the ``dtype=`` of a fold, which drops no imaginary parts and no fractions."""
    if not np.can_cast(x.dtype, dtype, "same_kind"):
        raise OperandError(f"dtype={np.dtype(dtype)} cannot hold what {x.dtype} can")
    return converted(x, np.dtype(dtype))


def prepared(x: Any, dtype: Any, where: Any, unit: Any) -> Any:
    """An operand in the dtype to compute in, and with the fold's unit where it is left out."""
    x = x if dtype is None else cast(x, dtype)
    return x if where is True else np.where(mask_of(where, x), x, unit)


def without_nan(x: Any, unit: Any) -> Any:
    """An array with the fold's unit in place of what is not a number."""
    x = as_array(x)
    return np.where(np.isnan(x), unit, x) if x.dtype.kind in "fc" else x


def begun(fold: Callable[..., Any], out: Any, initial: Any) -> Any:
    """A result into which an initial value is folded, in the dtype that it has without it."""
    if initial is None:
        return out
    if np.ndim(initial):
        raise OperandError(f"initial= is a number, not an array of shape {np.shape(initial)}")
    initial = as_array(initial)
    if initial.dtype.kind == "c" != out.dtype.kind:
        raise OperandError(f"initial= is complex, and the result {out.dtype}")
    return fold(out, converted(initial, out.dtype))


def converted(x: Any, dtype: Any) -> Any:
    """The same in a dtype."""
    return x if x.dtype == dtype else x.astype(dtype)


@program(total)
def _sum(
    x: Any,
    *,
    axis: Axis = None,
    keepdims: bool = False,
    dtype: Any = None,
    initial: Any = None,
    where: Any = True,
) -> Any:
    out = np.sum(prepared(x, dtype, where, 0), axis=axis, keepdims=keepdims)
    out = out if dtype is None else converted(out, np.dtype(dtype))
    return begun(np.add, out, initial)


@program(product)
def _prod(
    x: Any,
    *,
    axis: Axis = None,
    keepdims: bool = False,
    dtype: Any = None,
    initial: Any = None,
    where: Any = True,
) -> Any:
    out = np.prod(prepared(x, dtype, where, 1), axis=axis, keepdims=keepdims)
    out = out if dtype is None else converted(out, np.dtype(dtype))
    return begun(np.multiply, out, initial)


def _extreme(row: General, fold: Any, unit: float) -> None:
    @program(row)
    def extreme(
        x: Any, *, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        if where is not True:
            if initial is None:
                raise OperandError(f"np.{row.title} with where= needs initial=, for no elements")
            x = np.where(mask_of(where, x), x, lowest(x.dtype, fold, unit))
        if initial is None:
            return row(x, axis=axis, keepdims=keepdims)
        if not count(x, axis):
            none = converted(np.sum(x, axis=axis, keepdims=keepdims), x.dtype)
            return begun(np.add, none, initial)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)  # there is `initial`
            out = row(x, axis=axis, keepdims=keepdims)
        return begun(fold, out, initial)


def lowest(dtype: np.dtype[Any], fold: Any, unit: float) -> Any:
    """A number that no element of a dtype is beyond: `unit`, or the nearest that there is."""
    if dtype.kind in "fc":
        return unit
    upper = fold in (np.minimum, np.fmin)
    if dtype.kind == "b":
        return upper
    return np.iinfo(dtype).max if upper else np.iinfo(dtype).min


for extreme, fold, unit in zip(
    extremes,
    (np.maximum, np.minimum, np.fmax, np.fmin),
    (-math.inf, math.inf, math.nan, math.nan),
    strict=True,
):
    _extreme(extreme, fold, unit)
implements(np.amax)(ROWS[np.max])
implements(np.amin)(ROWS[np.min])


def computing(x: Any, dtype: Any) -> tuple[Any, Any]:
    """In which dtype NumPy averages, and in which it gives the average."""
    dtype = np.dtype(dtype or (x.dtype if x.dtype.kind in "fc" else float))
    return (np.dtype("f4") if dtype.char == "e" else dtype), dtype


def numbers_in(x: Any, axis: Axis, keepdims: bool, where: Any) -> Any:
    """How many numbers are folded into each one."""
    if where is True:
        return np.array(count(x, axis))
    return np.sum(mask_of(where, x), axis=axis, keepdims=keepdims)


def shared_out(out: Any, n: Any, freedom: Any, warning: str, among_nan: bool) -> Any:
    """The sum of `n` numbers divided by `freedom`, with NumPy's warning where there is none.

    Among NaNs that is all that is said, and nothing is NaN without a derivative; elsewhere NumPy
    warns of the division too.
    """
    divisor = np.astype(freedom, out.real.dtype)
    empty = divisor <= 0
    if np.any(deciding(empty)):
        warnings.warn(warning, RuntimeWarning, stacklevel=2)
        if among_nan:
            y = out / np.where(empty, math.nan, divisor)
            return np.where(n == 0, math.nan, y)
    return out / divisor


def averaged(
    x: Any, axis: Axis, keepdims: bool, dtype: Any, where: Any, among_nan: bool = False
) -> Any:
    """The mean of the elements of a mask."""
    inside, outside = computing(x, dtype)
    out = np.sum(prepared(x, inside, where, 0), axis=axis, keepdims=keepdims)
    n = numbers_in(x, axis, keepdims, where)
    warning = "Mean of empty slice" + "." * (not among_nan)
    return converted(shared_out(out, n, n, warning, among_nan), outside)


@program(mean)
def _mean(
    x: Any, *, axis: Axis = None, keepdims: bool = False, dtype: Any = None, where: Any = True
) -> Any:
    if where is True:
        return mean(x if dtype is None else cast(x, dtype), axis=axis, keepdims=keepdims)
    return averaged(x, axis, keepdims, dtype, where)


def scattered(  # noqa: PLR0913  # NumPy's own keywords
    x: Any,
    *,
    axis: Axis = None,
    keepdims: bool = False,
    ddof: Any = 0,
    correction: Any = None,
    dtype: Any = None,
    where: Any = True,
    mean: Any = None,
    among_nan: bool = False,
) -> Any:
    """The variance of the elements of a mask, by its definition."""
    if correction is not None and ddof:
        raise OperandError("ddof= and correction= are two names of one thing; give one of them")
    inside, outside = computing(x, dtype)
    x = cast(x, inside)
    if mean is None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # the variance will say it
            mean = averaged(x, axis, True, None, where, among_nan)
    away = x - mean
    away = away if where is True else np.where(mask_of(where, x), away, 0)
    squares = away * away if away.dtype.kind != "c" else away.real**2 + away.imag**2
    n = numbers_in(x, axis, keepdims, where)
    freedom = np.maximum(n - (ddof if correction is None else correction), 0)
    out = np.sum(squares, axis=axis, keepdims=keepdims)
    warning = "Degrees of freedom <= 0 for slice" + "." * among_nan
    out = shared_out(out, n, freedom, warning, among_nan)
    return out if inside == outside and dtype is None else converted(out, outside)


def root(v: Any) -> Any:
    """The root of a variance, whose derivative is 0 at 0; NaN stays as it is."""
    rising = v > 0
    return np.where(rising, np.sqrt(np.where(rising, v, 1)), np.where(v == 0, 0, v))


@program(variance)
def _var(
    x: Any,
    *,
    dtype: Any = None,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
    **params: Any,
) -> Any:
    return scattered(x, dtype=dtype, where=where, mean=mean, correction=correction, **params)


@program(deviation)
def _std(
    x: Any,
    *,
    dtype: Any = None,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
    **params: Any,
) -> Any:
    return root(scattered(x, dtype=dtype, where=where, mean=mean, correction=correction, **params))


def _answer(function: Any, left_out: Callable[[Any], Any], combine: Any) -> None:
    """`all` and `any` of the elements of a mask."""
    row = ROWS[function]

    def call(a: Any, *args: Any, where: Any = True, **kwargs: Any) -> Any:
        if where is True or where is np._NoValue:
            return row(a, *args, **kwargs)
        a = as_array(a)
        return row(combine(a, left_out(mask_of(where, a))), *args, **kwargs)

    implements(function)(call)


_answer(np.all, np.logical_not, np.logical_or)
_answer(np.any, lambda mask: mask, np.logical_and)


# the same by ufunc methods, whose axis is the first unless told


def _reduction(function: Any) -> Any:
    def reduce(a: Any, axis: Axis = 0, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        a = as_array(a) if dtype is None else cast(as_array(a), dtype)
        return ROWS["out="](out, function(a, axis=axis, **kwargs), function)

    return reduce


for ufunc, function in (
    (np.add, np.sum),
    (np.multiply, np.prod),
    (np.maximum, np.max),
    (np.minimum, np.min),
    (np.logical_and, np.all),
    (np.logical_or, np.any),
):
    implements((ufunc, "reduce"))(_reduction(function))
