"""Functions that fold an axis away.

``axis`` and ``keepdims`` mean what they mean in NumPy. `expand` brings a reduced array back to
its operand's shape, and is most of every rule here. NumPy's other keywords are in `keywords.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import over
from ..box import deciding
from ..rows import linear, primitive
from .elementwise import kept
from .indexing import scatter
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
    hit, axes = np.equal(x, opened(stopped(out), x, axis)), axes_of(axis, x.ndim)
    if few(hit, axes):
        places = np.nonzero(hit)
        return scatter(np.broadcast_to(t, x.shape)[places], index=places, shape=x.shape)
    ties = np.sum(hit, axis=axes, keepdims=True)
    return kept(t / np.maximum(ties, 1), hit)


def few(hit: Any, axes: tuple[int, ...]) -> bool:
    """Whether so few elements are the extreme, and none ties, that zeros cost more than they do."""
    if not isinstance(hit, np.ndarray):  # but a batch, or a number
        return False
    found = np.count_nonzero(hit)
    return bool(8 * found < hit.size and found == np.count_nonzero(np.any(hit, axis=axes)))


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


def by_factor(t: Any, out: Any, x: Any, axis: Axis) -> Any:
    """`t` times the derivative of a product by each factor, exact with zeros among them."""
    size = np.abs(deciding(out))
    if np.all(size > TINY) and np.all(np.isfinite(size)):
        return t * opened(out, x, axis) / x
    axes = axes_of(axis, x.ndim)
    rest = [k for k in range(x.ndim) if k not in axes]
    order = (*axes, *rest)
    front = np.transpose(x, order)
    folded = np.reshape(front, (-1, *(x.shape[k] for k in rest)))
    return t * np.transpose(np.reshape(others(folded), front.shape), np.argsort(order))


product = primitive(
    np.prod,
    lambda g, out, x, *, axis=None, keepdims=False: by_factor(opened(g, x, axis), out, x, axis),
    pushes=(
        lambda t, out, x, *, axis=None, keepdims=False: np.sum(
            by_factor(t, out, x, axis), axis=axis, keepdims=keepdims
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
