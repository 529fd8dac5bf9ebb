"""Sums of exponentials that do not overflow, and shares in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from ...axes import every, shift, spread
from ...box import as_array
from ...errors import UnsupportedError
from ...rows import Nondifferentiable, primitive
from ...rules.elementwise import share
from ...rules.nondiff import stopped
from ...rules.reduce import Axis, opened
from .tools import instead_of, times


def members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The batching rule: arrays of one shape, and an axis."""
    xs = [spread(x, n, m) for x, m in zip(xs, mine, strict=True)]
    axis, ndim = params.get("axis"), xs[0].ndim - 1
    return p(*xs, **{**params, "axis": every(xs[0]) if axis is None else shift(axis, ndim)})


def log_sum(a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """SciPy's `logsumexp` without weights."""
    return sp.logsumexp(a, axis, keepdims=keepdims)


def log_weighted_sum(
    a: Any, b: Any, *, axis: Axis = None, keepdims: bool = False, signed: bool = False
) -> Any:
    """SciPy's `logsumexp` of `a` and weights `b` of one shape; with `signed`, without the sign."""
    out = sp.logsumexp(a, axis, b, keepdims, return_sign=signed)
    return out[0] if signed else out


def sign_of_sum(a: Any, b: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sign that SciPy gives with it."""
    return sp.logsumexp(a, axis, b, keepdims, return_sign=True)[1]


def shares(out: Any, a: Any, axis: Axis) -> Any:
    """The share of each exponential in the sum."""
    return np.exp(share(a, opened(out, a, axis)))


def sign_of(terms: Any, axis: Axis) -> Any:
    """The sign of a sum; 1 where there is none."""
    total = stopped(np.sum(terms, axis=axis, keepdims=True))
    return np.where(total < 0, -1, 1)


def by_weight(out: Any, a: Any, b: Any, axis: Axis, signed: bool) -> Any:
    """What each weight is worth; infinite where weights cancel."""
    each = shares(out, a, axis)
    sign = sign_of(b * each, axis) if signed else 1
    cancelled = (opened(out, a, axis) == -np.inf) & (a != -np.inf)
    return sign * np.where(cancelled, np.inf, each)


def by_term(out: Any, a: Any, b: Any, axis: Axis, signed: bool) -> Any:
    """What each of `a` is worth: nothing without weight, even if it is infinite."""
    weightless = b == 0
    return b * np.where(weightless, 0, by_weight(out, a, b, axis, signed))


unweighted = primitive(
    log_sum,
    lambda g, out, x, *, axis=None, keepdims=False: opened(g, x, axis) * shares(out, x, axis),
    pushes=(
        lambda t, out, x, *, axis=None, keepdims=False: np.sum(
            t * shares(out, x, axis), axis=axis, keepdims=keepdims
        ),
    ),
    batching=members,
)
weighted = primitive(
    log_weighted_sum,
    lambda g, out, x, y, *, axis=None, keepdims=False, signed=False: times(
        opened(g, x, axis), by_term(out, x, y, axis, signed)
    ),
    lambda g, out, x, y, *, axis=None, keepdims=False, signed=False: times(
        opened(g, x, axis), by_weight(out, x, y, axis, signed)
    ),
    pushes=(
        lambda t, out, x, y, *, axis=None, keepdims=False, signed=False: np.sum(
            times(t, by_term(out, x, y, axis, signed)), axis=axis, keepdims=keepdims
        ),
        lambda t, out, x, y, *, axis=None, keepdims=False, signed=False: np.sum(
            times(t, by_weight(out, x, y, axis, signed)), axis=axis, keepdims=keepdims
        ),
    ),
    batching=members,
)
sign = Nondifferentiable(sign_of_sum, "sign_of_sum", batching=members)


@instead_of(sp.logsumexp)
def logsumexp(
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """The logarithm of the sum of exponentials, each times its weight in `b`.

    With `return_sign`, that of the absolute sum, and the sum's sign, which is plain.

    Raises
    ------
    UnsupportedError
        For `return_sign` of complex numbers: the value is no analytic function.

    Examples
    --------
    >>> import dezero as dz
    >>> dz.grad(logsumexp)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = as_array(a)
    a = a if a.ndim else a.reshape(1)
    if b is None and not return_sign:
        return unweighted(a, axis=axis, keepdims=keepdims)
    b = 1.0 if b is None else b
    b = np.asarray(b, np.result_type(a.dtype, b)) if isinstance(b, (int, float)) else as_array(b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = (x if x.shape == shape else np.broadcast_to(x, shape) for x in (a, b))
    if not return_sign:
        return weighted(a, b, axis=axis, keepdims=keepdims)
    if a.dtype.kind == "c":
        raise UnsupportedError("logsumexp of complex boxes does not take return_sign=True")
    out = weighted(a, b, axis=axis, keepdims=keepdims, signed=True)
    return out, sign(a, b, axis=axis, keepdims=keepdims)


def centred_shares(t: Any, out: Any, axis: Axis) -> Any:
    """What a direction does to shares, or a cotangent: the same."""
    return out * (t - np.sum(t * out, axis=axis, keepdims=True))


soft = primitive(
    sp.softmax,
    lambda g, out, *, axis=None: centred_shares(g, out, axis),
    pushes=(lambda t, out, *, axis=None: centred_shares(t, out, axis),),
    batching=members,
)
log_soft = primitive(
    sp.log_softmax,
    lambda g, out, *, axis=None: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
    pushes=(lambda t, out, *, axis=None: t - np.sum(np.exp(out) * t, axis=axis, keepdims=True),),
    batching=members,
)


@instead_of(sp.softmax)
def softmax(x: Any, axis: Axis = None) -> Any:
    """Each exponential's share in the sum along an axis, or of all."""
    return soft(x, axis=axis)


@instead_of(sp.log_softmax)
def log_softmax(x: Any, axis: Axis = None) -> Any:
    """The logarithm of `softmax`, also where that is 0."""
    return log_soft(x, axis=axis)
