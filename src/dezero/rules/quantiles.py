"""Medians and quantiles, as programs over order statistics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import as_array, deciding
from ..dispatch import implements
from ..errors import BoundsError, OperandError, ShapeError
from .keywords import converted
from .nondiff import stopped
from .reduce import Axis
from .sorting import by_size, checked, lined, picked, ranked, reopened


def spoilt(y: Any, lines: Any) -> Any:
    """NaN where a line has a NaN in it."""
    if lines.dtype.kind not in "fc" or not np.any(np.isnan(deciding(lines))):
        return y
    return np.where(np.any(np.isnan(lines), axis=0), np.nan, y)


@implements(np.median)
def _median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    a, axis = checked(a, axis, out, np.median)
    x = lined(a, axis)
    n = len(x)
    if n:
        ranks = np.arange((n - 1) // 2, n // 2 + 1)
        middle = ranked(x, np.reshape(ranks, (-1, *(1,) * (x.ndim - 1))))
    else:
        middle = x
    return reopened(spoilt(np.mean(middle, axis=0), x), a, axis, keepdims)


# ---- quantiles ----

Rank = Callable[[Any, Any], Any]

CONTINUOUS: dict[str, tuple[float, float]] = {
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (0.5, 0.5),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3.0, 1 / 3.0),
    "normal_unbiased": (3 / 8.0, 3 / 8.0),
}
"""Plotting positions (α, β) of the interpolating methods (Hyndman & Fan, "Sample quantiles in
statistical packages", The American Statistician 50, 1996, definitions 4 to 9)."""


def _stepped(at: Any, stays: Callable[[Any, Any], Any]) -> Any:
    """The next whole rank above, or below where the rank `stays`."""
    low = np.floor(at)
    return np.maximum(np.where(stays(at - low, at), low, low + 1), 0)


STEPPED: dict[str, Rank] = {
    "inverted_cdf": lambda n, q: _stepped(n * q - 1, lambda part, _: part == 0),
    "closest_observation": lambda n, q: _stepped(
        n * q - 1 - 0.5, lambda part, at: (part == 0) & (np.floor(at) % 2 == 1)
    ),
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.round((n - 1) * q),
}
"""The rank of the one element that other methods take."""

JUMPING: dict[str, tuple[Rank, Callable[[Any, Any], Any]]] = {
    "averaged_inverted_cdf": (
        lambda n, q: n * q - 1,
        lambda part, _: np.where(part == 0, 0.5, 1.0),
    ),
    "midpoint": (
        lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
        lambda _, at: np.where(at % 1 == 0, 0.0, 0.5),
    ),
}
"""Rank, and share of the upper one of two elements, of methods that take means of two."""


def position(method: str, n: Any, q: Any) -> tuple[Any, Any]:
    """Where between the ranks a quantile is: the rank, and how to weigh its upper neighbour."""
    if method in JUMPING:
        rank, share = JUMPING[method]
        at = rank(n, q)
        return at, lambda part: share(part, at)
    if method == "linear":
        at = (n - 1) * q
    else:
        a, b = CONTINUOUS[method]
        at = n * q + (a + q * (1 - a - b)) - 1
    return at, lambda part: part


def between(low: Any, high: Any, share: Any, weak: bool) -> Any:
    """Between two elements, from the nearer one; so the ends are hit exactly."""
    rest = 1 - share
    if weak:  # a Python number for q does not decide about the dtype
        kind = low.dtype if low.dtype.kind == "f" else np.dtype(float)
        share, rest = share.astype(kind), rest.astype(kind)
    way = high - low
    return np.where(share >= 0.5, high - way * rest, low + way * share)


def quantiles(x: Any, n: Any, q: Any, method: str, weak: bool) -> Any:
    """Quantiles of the `n` smallest elements along the first axis of `x`."""
    n = np.astype(as_array(n), q.dtype if q.dtype.kind == "f" else np.intp)
    if method in STEPPED or (method == "linear" and q.dtype.kind in "biu"):
        rank = STEPPED.get(method, STEPPED["lower"])(n, stopped(q))
        return ranked(x, np.astype(rank, np.intp))
    where, share = position(method, n, q)
    floor, last = np.floor(stopped(where)), np.maximum(n - 1, 0)
    low, high = np.clip(floor, 0, last), np.clip(floor + 1, 0, last)
    both = ranked(x, np.astype(np.concatenate([low, high]), np.intp))
    return between(
        both[: len(low)], both[len(low) :], converted(share(where - low), where.dtype), weak
    )


def weighted_quantiles(x: Any, q: Any, weights: Any) -> Any:
    """The first element at which the weights so far, in order, are the part `q` of all.

    Raises
    ------
    ShapeError
        If a weight is negative, or the weights of a line are all 0, infinite or NaN.
    """
    if np.any(deciding(weights) < 0):
        raise ShapeError("weights= of quantiles are not negative")
    cdf = np.cumsum(picked(weights, by_size(x, axis=0), 0), 0, float)
    cdf = cdf / cdf[-1:]
    if np.any(np.isnan(deciding(cdf))):
        raise ShapeError("weights= of quantiles are finite, and not all 0")
    cdf = np.where(cdf == 0, -1, cdf.astype(q.dtype) if q.dtype.kind == "f" else cdf)
    rank = np.stack([np.sum(cdf < each, axis=0) for each in q])
    return np.minimum(rank, len(x) - 1)


def _weights(weights: Any, a: Any, axis: Axis, method: str) -> Any:
    """Weights in the shape of the array, without a derivative: quantiles are steps of them."""
    if method != "inverted_cdf":
        raise ShapeError(f"only the method 'inverted_cdf' supports weights=, not {method!r}")
    return stopped(np.broadcast_to(aligned(as_array(weights), a, axis), a.shape))


def aligned(weights: Any, a: Any, axis: Any) -> Any:
    """Weights, with those along `axis` only in a shape that broadcasts with the array."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise OperandError("weights= of another shape than the array: say along which axis=")
    if weights.shape != tuple(a.shape[k] for k in axis):
        raise ShapeError(f"weights= of shape {weights.shape} along the axes {axis} of {a.shape}")
    shape = tuple(n if k in axis else 1 for k, n in enumerate(a.shape))
    return np.reshape(np.transpose(weights, np.argsort(axis)), shape)


def _quantile_function(function: Any, unit: int, passes_nan: bool) -> None:
    """Register a function of NumPy for quantiles, in parts of a `unit`."""

    def call(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        a, axis = checked(a, axis, out, function)
        weak = type(q) in (int, float)
        q = as_array(q) if unit == 1 else np.true_divide(as_array(q), unit)
        _check_quantiles(function, a, q, method)
        x = lined(a, axis)
        several = np.reshape(q, (-1, *(1,) * (x.ndim - 1)))
        line_weights = None
        if weights is not None:
            line_weights = lined(_weights(weights, a, axis, method), axis)
        y = (_of_numbers if passes_nan else _of_all)(x, several, method, weak, line_weights)
        return reopened(np.reshape(y, (*q.shape, *x.shape[1:])), a, axis, keepdims)

    implements(function)(call)


def _of_all(x: Any, q: Any, method: str, weak: bool, weights: Any) -> Any:
    if weights is None:
        y = quantiles(x, len(x), q, method, weak)
    else:
        y = ranked(x, weighted_quantiles(stopped(x), q, weights))
    return spoilt(y, x)


def _of_numbers(x: Any, q: Any, method: str, weak: bool, weights: Any) -> Any:
    """Without the NaNs, which are last in order."""
    number = ~np.isnan(x) if x.dtype.kind == "f" else np.full(x.shape, True)
    n = np.sum(number, axis=0)
    if np.any(deciding(n) == 0):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
    if weights is None:
        return quantiles(x, n, q, method, weak)
    rank = weighted_quantiles(stopped(x), q, np.where(number, weights, 0))
    return ranked(x, np.minimum(rank, np.maximum(n - 1, 0)))


def _check_quantiles(function: Any, a: Any, q: Any, method: str) -> None:
    name = f"np.{function.__name__}"
    if a.dtype.kind == "c":
        raise OperandError(f"{name}: complex numbers have no order")
    if q.ndim > 2:
        raise ShapeError(f"{name}: q is a number or has one axis, not {q.ndim}")
    if not np.all((deciding(q) >= 0) & (deciding(q) <= 1)):
        raise ShapeError(f"{name}: q is out of range (quantiles 0 to 1, percentiles 0 to 100)")
    if method not in {"linear", *STEPPED, *CONTINUOUS, *JUMPING}:
        raise ShapeError(f"{name}: no method {method!r}")
    if not a.size:
        raise BoundsError(f"{name} of no elements has no value")


for function, unit, passes_nan in (
    (np.quantile, 1, False),
    (np.percentile, 100, False),
    (np.nanquantile, 1, True),
    (np.nanpercentile, 100, True),
):
    _quantile_function(function, unit, passes_nan)


@implements(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """The mean of the one or two in the middle of those that are numbers."""
    a, axis = checked(a, axis, out, np.nanmedian)
    x = lined(a, axis)
    if not x.size:
        return np.median(a, axis, keepdims=bool(keepdims is not np._NoValue and keepdims))
    n = np.sum(~np.isnan(x), axis=0)
    if np.any(deciding(n) == 0):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
    ranks = np.stack([np.maximum(n - 1, 0) // 2, np.minimum(n // 2, len(x) - 1)])
    return reopened(np.mean(ranked(x, ranks), axis=0), a, axis, keepdims)
