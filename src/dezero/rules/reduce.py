"""Functions that fold an axis away.

``axis`` and ``keepdims`` mean what they mean in NumPy. `expand` brings a reduced array back to
its operand's shape, and is most of every rule here. NumPy's other keywords are programs over the
rows: ``where=`` puts the fold's unit in place of what is left out, and ``initial=`` is folded in
last.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..axes import over
from ..box import ROWS, as_array, plain
from ..dispatch import bind, implements
from ..errors import OperandError
from ..rows import General, linear, primitive
from .nondiff import stopped

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(a % ndim for a in axes) if ndim else ()


def opened(g: Any, x: Any, axis: Axis) -> Any:
    """A reduced array with its axes back, of length 1; a number broadcasts as it is."""
    if g.ndim in (0, x.ndim):
        return g
    axes = axes_of(axis, x.ndim)
    return np.reshape(g, tuple(1 if k in axes else n for k, n in enumerate(x.shape)))


def expand(g: Any, x: Any, axis: Axis) -> Any:
    """A reduced array repeated along its axes, in the shape of `x`."""
    return np.broadcast_to(opened(g, x, axis), x.shape)


def count(x: Any, axis: Axis) -> int:
    """How many numbers are folded into one."""
    return math.prod([x.shape[k] for k in axes_of(axis, x.ndim)])


total = linear(
    np.sum,
    lambda g, x, *, axis=None, keepdims=False: expand(g, x, axis),
    batching=over,
)
mean = linear(
    np.mean,
    lambda g, x, *, axis=None, keepdims=False: expand(g * (1 / max(count(x, axis), 1)), x, axis),
    batching=over,
)


linear(np.flip, lambda g, *, axis=None: np.flip(g, axis), batching=over)


# the largest and the smallest: ties share equally


def taken(t: Any, out: Any, x: Any, axis: Axis) -> Any:
    """`t` shared among the elements that are the extreme, an exact zero elsewhere."""
    hit = np.equal(x, opened(stopped(out), x, axis))
    ties = np.sum(hit, axis=axes_of(axis, x.ndim), keepdims=True)
    return np.where(hit, t / np.maximum(ties, 1), 0)


extremes = tuple(
    primitive(
        extreme,
        lambda g, out, x, *, axis=None, keepdims=False: taken(opened(g, x, axis), out, x, axis),
        pushes=(
            lambda t, out, x, *, axis=None, keepdims=False: np.sum(
                taken(t, out, x, axis), axis=axis, keepdims=keepdims
            ),
        ),
        masks=True,
        batching=over,
    )
    for extreme in (np.max, np.min, np.nanmax, np.nanmin)
)


# products


def others(x: Any) -> Any:
    """Along the first axis, the product of all elements but each one.

    Pairs up, folds, and hands each child the product of its sibling and of all outside: no
    division, so zeros are as good as any number, at every order of derivative.
    """
    n = len(x)
    if n < 2:
        return np.ones_like(x)
    even, odd = x[0 : n - n % 2 : 2], x[1::2]
    folded = even * odd
    outside = others(np.concatenate([folded, x[n - 1 :]]) if n % 2 else folded)
    pairs = np.stack([outside[: n // 2] * odd, outside[: n // 2] * even], axis=1)
    flat = np.reshape(pairs, (n - n % 2, *x.shape[1:]))
    return np.concatenate([flat, outside[n // 2 :]]) if n % 2 else flat


TINY = 1e-30  # a product as small as this may have lost digits, in single precision too


def prod_slope(out: Any, x: Any, axis: Axis) -> Any:
    """The derivative of a product by each factor, exact with zeros among them."""
    size = np.abs(plain(out))
    if np.all(size > TINY) and np.all(np.isfinite(size)):
        return expand(out, x, axis) / x
    axes = axes_of(axis, x.ndim)
    rest = [k for k in range(x.ndim) if k not in axes]
    order = (*axes, *rest)
    front = np.transpose(x, order)
    folded = np.reshape(front, (-1, *(x.shape[k] for k in rest)))
    return np.transpose(np.reshape(others(folded), front.shape), np.argsort(order))


product = primitive(
    np.prod,
    lambda g, out, x, *, axis=None, keepdims=False: expand(g, x, axis) * prod_slope(out, x, axis),
    pushes=(
        lambda t, out, x, *, axis=None, keepdims=False: np.sum(
            t * prod_slope(out, x, axis), axis=axis, keepdims=keepdims
        ),
    ),
    batching=over,
)


# spread


def centred(x: Any, axis: Axis) -> Any:
    """Deviations from the mean."""
    return x - np.mean(x, axis=axis, keepdims=True)


def var_slope(x: Any, axis: Axis, ddof: int) -> Any:
    """The derivative of the variance: twice the deviation over the degrees of freedom."""
    freedom = count(x, axis) - ddof
    return centred(x, axis) * (2 / freedom if freedom > 0 else math.nan)


def std_slope(out: Any, x: Any, axis: Axis, ddof: int) -> Any:
    """The derivative of the standard deviation, 0 where all numbers are the same."""
    spread = opened(np.where(out == 0, 1, out), x, axis)
    return var_slope(x, axis, ddof) / (2 * spread)


def moved(slope: Any, t: Any, axis: Axis, keepdims: bool) -> Any:
    """What a tangent adds, for a real function of numbers that may be complex."""
    return np.sum(np.real(np.conjugate(slope) * t), axis=axis, keepdims=keepdims)


variance = primitive(
    np.var,
    lambda g, x, *, axis=None, ddof=0, keepdims=False: (
        expand(g, x, axis) * var_slope(x, axis, ddof)
    ),
    pushes=(
        lambda t, x, *, axis=None, ddof=0, keepdims=False: moved(
            var_slope(x, axis, ddof), t, axis, keepdims
        ),
    ),
    batching=over,
)
deviation = primitive(
    np.std,
    lambda g, out, x, *, axis=None, ddof=0, keepdims=False: (
        expand(g, x, axis) * std_slope(out, x, axis, ddof)
    ),
    pushes=(
        lambda t, out, x, *, axis=None, ddof=0, keepdims=False: moved(
            std_slope(out, x, axis, ddof), t, axis, keepdims
        ),
    ),
    batching=over,
)


# keywords that the rows do not know


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
    return np.broadcast_to(mask, x.shape)


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
    return converted(fold(out, initial), out.dtype)


def converted(x: Any, dtype: Any) -> Any:
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
    return begun(np.multiply, out, initial)


def _extreme(row: General, fold: Any, unit: float) -> None:
    @program(row)
    def extreme(
        x: Any, *, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        if where is not True:
            if initial is None:
                raise OperandError(f"np.{row.title} with where= needs initial=, for no elements")
            x = np.where(mask_of(where, x), x, lowest(x.dtype, unit))
        if not count(x, axis):
            return begun(np.add, np.sum(x, axis=axis, keepdims=keepdims), initial)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)  # there is `initial`
            out = row(x, axis=axis, keepdims=keepdims)
        return begun(fold, out, initial)


def lowest(dtype: np.dtype[Any], unit: float) -> Any:
    """A number that no element of a dtype is beyond: `unit`, or the nearest that there is."""
    if dtype.kind in "fc":
        return unit
    upper = unit > 0
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


def shared_out(out: Any, n: Any, warning: str, among_nan: bool) -> Any:
    """A sum divided by its number of summands, with NumPy's warning where there are none.

    Among NaNs that is all that is said, elsewhere NumPy also warns of the division.
    """
    n = np.astype(n, out.real.dtype)
    empty = n <= 0
    if np.any(plain(empty)):
        warnings.warn(warning, RuntimeWarning, stacklevel=2)
        n = np.where(empty, math.nan, n) if among_nan else n
    return out / n


def averaged(
    x: Any, axis: Axis, keepdims: bool, dtype: Any, where: Any, among_nan: bool = False
) -> Any:
    """The mean of the elements of a mask."""
    inside, outside = computing(x, dtype)
    out = np.sum(prepared(x, inside, where, 0), axis=axis, keepdims=keepdims)
    n = numbers_in(x, axis, keepdims, where)
    warning = "Mean of empty slice" + "." * (not among_nan)
    return converted(shared_out(out, n, warning, among_nan), outside)


@program(mean)
def _mean(
    x: Any, *, axis: Axis = None, keepdims: bool = False, dtype: Any = None, where: Any = True
) -> Any:
    if where is True:
        return mean(cast(x, dtype), axis=axis, keepdims=keepdims)
    return averaged(x, axis, keepdims, dtype, where)


def scattered(
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
    freedom = numbers_in(x, axis, keepdims, where) - (ddof if correction is None else correction)
    out = np.sum(squares, axis=axis, keepdims=keepdims)
    warning = "Degrees of freedom <= 0 for slice" + "." * among_nan
    out = shared_out(out, np.maximum(freedom, 0), warning, among_nan)
    return out if inside == outside and dtype is None else converted(out, outside)


def root(v: Any) -> Any:
    """The root of a variance, whose derivative is 0 at 0."""
    return np.where(v == 0, 0, np.sqrt(np.where(v == 0, 1, v)))


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
    def reduce(a: Any, axis: Axis = 0, **kwargs: Any) -> Any:
        return function(a, axis=axis, **kwargs)

    return reduce


for ufunc, function in (
    (np.add, np.sum),
    (np.multiply, np.prod),
    (np.maximum, np.max),
    (np.minimum, np.min),
):
    implements((ufunc, "reduce"))(_reduction(function))
