"""Polynomials by their coefficients, the highest power first, and their roots."""

from __future__ import annotations

import itertools
import operator
import warnings
from typing import Any

import numpy as np

from ..axes import pointwise
from ..box import as_array, deciding
from ..dispatch import implements
from ..errors import OperandError, ShapeError, UnsupportedError
from ..rows import General


def coefficients(p: Any, name: str) -> Any:
    """An operand as a vector, or as what else NumPy takes here."""
    if isinstance(p, np.poly1d):
        raise UnsupportedError(f"np.{name}: np.poly1d holds no boxes; pass its `.coeffs`")
    p = as_array(p)
    return p if p.ndim else np.reshape(p, 1)


def vector(x: Any, name: str) -> Any:
    """An operand as a vector; anything of more axes is refused."""
    x = coefficients(x, name)
    if x.ndim != 1:
        raise ShapeError(f"np.{name}: a vector, not an array of shape {x.shape}")
    return x


def leading(hits: Any, name: str) -> int:
    """How many elements in front are hits; inside vmap, of each member alike."""
    hits = np.reshape(hits, (-1, hits.shape[-1]))
    counts = {int(n) for n in np.sum(np.logical_and.accumulate(hits, axis=-1), axis=-1)}
    if len(counts) > 1:
        raise OperandError(f"vmap: np.{name} gives members of a batch different lengths")
    return counts.pop() if counts else 0


# ---- values ----


def _horner(p: Any, x: Any) -> Any:
    y: Any = np.zeros(np.broadcast_shapes(p.shape[1:], x.shape), x.dtype)
    for c in p[:1]:
        y = np.asarray(y * x + c)
    for c in p[1:]:
        y *= x
        y += c
    return y


def _slope(x: Any, y: Any) -> Any:
    """The polynomial's derivative at the points."""
    degrees = np.arange(len(x) - 1, 0, -1)
    return polynomial(x[:-1] * np.reshape(degrees, (-1, *(1,) * y.ndim)), y)


def _by_coefficients(g: Any, x: Any, y: Any) -> Any:
    """The sums of `g` times each power, from the lowest on."""
    if not len(x):
        return np.zeros(x.shape, g.dtype)
    axes = tuple(k for k, n in enumerate(g.shape) if x.shape[k + 1] != n)
    terms = itertools.accumulate([y] * (len(x) - 1), operator.mul, initial=g)
    sums = [np.sum(term, axis=axes, keepdims=True) if axes else term for term in terms]
    return np.stack(sums[::-1])


def _polynomial_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    c, x = xs
    c = np.moveaxis(c, 0, 1) if mine[0] else np.expand_dims(c, 1)
    return p(c, x if mine[1] else np.expand_dims(x, 0))


polynomial: General = General(
    _horner,
    "polyval",
    (lambda g, x, y: _by_coefficients(g, x, y), lambda g, x, y: g * _slope(x, y)),
    (lambda t, _x, y: polynomial(t, y), lambda t, x, y: t * _slope(x, y)),
    broadcasts=True,
    batching=_polynomial_members,
)
"""Of coefficients along the first axis, whose others broadcast with the points'."""


@implements(np.polyval)
def np_polyval(p: Any, x: Any) -> Any:
    """The polynomial's values, by Horner's rule."""
    if isinstance(x, np.poly1d):
        raise UnsupportedError("np.polyval: np.poly1d holds no boxes; pass numbers")
    p, x = coefficients(p, "polyval"), as_array(x)
    ndim, own = max(p.ndim - 1, x.ndim), p.ndim - 1
    if own < ndim:
        p = np.reshape(p, (len(p), *(1,) * (ndim - own), *p.shape[1:]))
    return polynomial(
        p, x if x.ndim == ndim else np.reshape(x, (*(1,) * (ndim - x.ndim), *x.shape))
    )


def _powers(x: Any, *, n: int, increasing: bool) -> Any:
    out = np.empty((*x.shape, n), x.dtype)
    rising = out if increasing else out[..., ::-1]
    rising[..., :1], rising[..., 1:] = 1, x[..., np.newaxis]
    np.multiply.accumulate(rising[..., 1:], axis=-1, out=rising[..., 1:])
    return out


def _powers_by(g: Any, x: Any, *, n: int, increasing: bool) -> Any:
    """The derivative of the polynomial that has a row of `g` as its coefficients."""
    total: Any = np.zeros(x.shape, g.dtype)
    for k in range(n - 1, 0, -1):
        total = total * x + k * g[..., k if increasing else -k - 1]
    return total


def _powers_moved(t: Any, x: Any, *, n: int, increasing: bool) -> Any:
    if n < 2:
        return np.zeros((*x.shape, n), t.dtype)
    steps = np.arange(1, n) if increasing else np.arange(n - 1, 0, -1)
    slopes = steps * powers(x, n=n - 1, increasing=increasing)
    first = np.zeros((*x.shape, 1), x.dtype)
    parts = [first, slopes] if increasing else [slopes, first]
    return np.expand_dims(t, -1) * np.concatenate(parts, axis=-1)


powers: General = General(_powers, "vander", (_powers_by,), (_powers_moved,), batching=pointwise)
"""The powers of each number, along a last axis."""


@implements(np.vander)
def np_vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix of powers of a vector."""
    x = vector(x, "vander")
    n = len(x) if N is None else N
    if n < 0:
        raise ShapeError(f"np.vander: {n} columns")
    x = x.astype(np.promote_types(x.dtype, int))
    if n == 0:
        return np.expand_dims(x, 1)[:, :0]
    return powers(x, n=n, increasing=bool(increasing))


# ---- arithmetic ----


def _of_one_length(a1: Any, a2: Any, name: str) -> list[Any]:
    """Both with zeros in front up to the longer one's length."""
    both = [coefficients(a, name) for a in (a1, a2)]
    n = max(map(len, both))
    return [a if len(a) == n else np.concatenate([np.zeros(n - len(a), a.dtype), a]) for a in both]


@implements(np.polyadd)
def np_polyadd(a1: Any, a2: Any) -> Any:
    """The sum."""
    return np.add(*_of_one_length(a1, a2, "polyadd"))


@implements(np.polysub)
def np_polysub(a1: Any, a2: Any) -> Any:
    """The difference."""
    return np.subtract(*_of_one_length(a1, a2, "polysub"))


def _trimmed(p: Any, name: str) -> Any:
    """Without the zeros in front; one number stays."""
    p = vector(p, name)
    return p[min(leading(deciding(p) == 0, name), len(p) - 1) :] if len(p) else np.zeros(1)


@implements(np.polymul)
def np_polymul(a1: Any, a2: Any) -> Any:
    """The product; zeros in front of an operand are left out, as NumPy does."""
    return np.convolve(_trimmed(a1, "polymul"), _trimmed(a2, "polymul"))


@implements(np.polydiv)
def np_polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Quotient and remainder, by long division."""
    u, v = vector(u, "polydiv") + 0.0, vector(v, "polydiv") + 0.0
    dtype = np.result_type(u.dtype, v.dtype)
    if len(u) < len(v):
        return np.zeros(1, dtype), _remainder(u.astype(dtype))
    n, scale = len(v), 1.0 / v[0]
    window, quotient, left = u[:n].astype(dtype), [], []
    for k in range(n, len(u) + 1):
        digit = scale * window[0]
        window = window - digit * v
        quotient.append(digit)
        if k < len(u):
            left.append(window[:1])
            window = np.concatenate([window[1:], u[k : k + 1]])
    return np.stack(quotient), _remainder(np.concatenate([*left, window]))


def _remainder(r: Any) -> Any:
    """Without what is nearly 0 in front, to NumPy's tolerance; one number stays."""
    return r[min(leading(np.isclose(deciding(r), 0), "polydiv"), len(r) - 1) :]


@implements(np.polyder)
def np_polyder(p: Any, m: int = 1) -> Any:
    """The derivative of order `m`."""
    p, m = vector(p, "polyder"), int(m)
    if m < 0:
        raise OperandError("np.polyder: m is negative; np.polyint integrates")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@implements(np.polyint)
def np_polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The integral of order `m`, with the constants `k`."""
    p, m = vector(p, "polyint"), int(m)
    if m < 0:
        raise OperandError("np.polyint: m is negative; np.polyder differentiates")
    k = np.zeros(m) if k is None else vector(k, "polyint")
    if len(k) == 1 and m > 1:
        k = np.broadcast_to(k, m)
    if len(k) < m:
        raise ShapeError(f"np.polyint: {len(k)} constants for {m} integrals")
    for each in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[each : each + 1]])
    return p


# ---- fitting ----


@implements(np.polyfit)
def np_polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """The polynomial nearest to points, in the sense of least squares.

    The derivative is one by the points and weights, through `numpy.linalg.lstsq`.
    """
    x, y = vector(x, "polyfit") + 0.0, as_array(y) + 0.0
    order = int(deg) + 1
    if deg < 0 or not x.size or y.ndim not in (1, 2) or len(x) != len(y):
        raise ShapeError(f"np.polyfit of degree {deg}: shapes {x.shape} and {y.shape}")
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    powers, values = np.vander(x, order), y
    if w is not None:
        w = vector(w, "polyfit") + 0.0
        if len(w) != len(y):
            raise ShapeError(f"np.polyfit: {len(w)} weights of {len(y)} points")
        powers = _weighed(powers, w[:, None])
        values = _weighed(values, w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    c, rest, rank, s = np.linalg.lstsq(powers, values, rcond)
    c = (c.T / scale).T
    if np.any(deciding(rank) != order) and not full:
        warnings.warn("np.polyfit is poorly conditioned", np.exceptions.RankWarning, stacklevel=3)
    if full:
        return c, rest, rank, s, rcond
    return (c, _covariance(powers, scale, rest, y.ndim, cov)) if cov else c


def _weighed(a: Any, w: Any) -> Any:
    """Times weights, in the dtype of what is weighed, as NumPy's ``a *= w`` leaves it."""
    if not np.can_cast(w.dtype, a.dtype, "same_kind"):
        raise OperandError(f"np.polyfit: weights of {w.dtype} for points of {a.dtype}")
    out = a * w
    return out if out.dtype == a.dtype else out.astype(a.dtype)


def _covariance(powers: Any, scale: Any, rest: Any, ndim: int, cov: Any) -> Any:
    """Of the fitted coefficients; of each column's, along a third axis."""
    points, order = powers.shape
    base = np.linalg.inv(np.dot(powers.T, powers)) / np.outer(scale, scale)
    factor: Any = 1
    if cov != "unscaled":
        if points <= order:
            raise ShapeError(f"np.polyfit: the covariance of {points} points has no scale")
        factor = rest / (points - order)
    return (base if ndim == 1 else base[:, :, None]) * factor


# ---- roots ----


@implements(np.poly)
def np_poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these roots, or with the eigenvalues of a matrix as roots.

    A product for each root, on so few numbers that the time is that of recording the calls.
    """
    zeros = coefficients(seq_of_zeros, "poly")
    if zeros.ndim == 2 and 0 != zeros.shape[0] == zeros.shape[1]:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim != 1:
        raise ShapeError(f"np.poly: a vector or a square matrix, not shape {zeros.shape}")
    if not len(zeros):
        return 1.0
    if zeros.dtype.kind in "iub":
        zeros = zeros.astype(float)
    p = monic(zeros)
    return np.real(p) if zeros.dtype.kind == "c" and _closed(deciding(zeros)) else p


def _ends(x: Any) -> tuple[Any, Any]:
    """A polynomial of 1 and one of 0, for each vector of zeros."""
    shape = (*x.shape[:-1], 1)
    return np.ones(shape, x.dtype), np.zeros(shape, x.dtype)


def _grown(p: Any, zero: Any, none: Any) -> Any:
    """The polynomial times x - zero."""
    return np.concatenate([p, none], axis=-1) - zero * np.concatenate([none, p], axis=-1)


def _monic(x: Any) -> Any:
    p, none = _ends(x)
    for k in range(x.shape[-1]):
        p = _grown(p, x[..., k : k + 1], none)
    return p


def _by_zeros(g: Any, x: Any) -> Any:
    """Back through the factors from the last on; before each stands the product of the others."""
    p, none = _ends(x)
    before, found = [p], []
    for k in range(x.shape[-1] - 1):
        before.append(_grown(before[-1], x[..., k : k + 1], none))
    for k in range(x.shape[-1] - 1, -1, -1):
        rest = g[..., 1:]
        found.append(np.einsum("...i,...i->...", rest, before[k]))
        g = g[..., :-1] - x[..., k : k + 1] * rest
    return -np.stack(found[::-1], axis=-1)


def _zeros_moved(t: Any, x: Any) -> Any:
    p, none = _ends(x)
    moved: Any = none
    for k in range(x.shape[-1]):
        zero, step = x[..., k : k + 1], t[..., k : k + 1]
        moved = _grown(moved, zero, none) - step * np.concatenate([none, p], axis=-1)
        p = _grown(p, zero, none)
    return moved


monic = General(_monic, "poly", (_by_zeros,), (_zeros_moved,), batching=pointwise)
"""The polynomial with the zeros along the last axis, and 1 before the highest power."""


def _closed(zeros: Any) -> bool:
    """Whether complex numbers come in pairs of conjugates."""
    return bool(np.all(np.sort(zeros) == np.sort(np.conjugate(zeros))))


def _roots(p: Any) -> Any:
    if p.ndim == 1:
        return np.roots(p)
    flat = p.reshape((-1, p.shape[-1]))
    found = [np.roots(each) for each in flat]
    return np.stack(found).reshape((*p.shape[:-1], -1))


def _slopes(out: Any, x: Any) -> Any:
    """What a root moves by for each coefficient: minus a power of it over p'(root).

    By the implicit function theorem at p(root) = 0.
    """
    n = x.shape[-1]
    powers = [out**k for k in range(n - 1, -1, -1)]
    by_root = sum((n - 1 - k) * x[..., k : k + 1] * powers[k + 1] for k in range(n - 1))
    return -np.stack(powers, axis=-1) / np.expand_dims(by_root, -1)


roots = General(
    _roots,
    "roots",
    (lambda g, out, x: np.einsum("...i,...ij->...j", g, _slopes(out, x)),),
    (lambda t, out, x: np.einsum("...j,...ij->...i", t, _slopes(out, x)),),
    batching=pointwise,
)


@implements(np.roots)
def np_roots(p: Any) -> Any:
    """The roots of a polynomial without a multiple one; at such, the derivative is infinite."""
    p = vector(p, "roots")
    zeros = leading(deciding(p) == 0, "roots")
    if len(p) - zeros < 2:
        return np.zeros(0)
    return roots(p[zeros:] if zeros else p)
