"""Inverses, pseudo-inverses, least squares and determinants.

Sources: Giles 2008, "An extended collection of matrix derivative results", and, for the
pseudo-inverse, Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate". The derivative of a pseudo-inverse, and so of a least
squares solution, is that among matrices of the same rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array, deciding
from ..dispatch import implements
from ..errors import LinAlgError
from ..rows import General, primitive, several
from .nondiff import stopped


def flip(x: Any) -> Any:
    """The transposed matrices of a stack."""
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """The conjugate transposed matrices of a stack."""
    return np.conjugate(flip(x)) if x.dtype.kind == "c" else flip(x)


def hermitian_part(x: Any) -> Any:
    """The Hermitian part of matrices: what of a tangent, or a cotangent, a Hermitian one has."""
    return (x + adjoint(x)) / 2


def lower_part(x: Any, k: int = 0) -> Any:
    """An exact 0 above diagonal k."""
    return np.where(np.tri(x.shape[-2], x.shape[-1], k, dtype=bool), x, 0)


def upper_part(x: Any, k: int = 0) -> Any:
    """An exact 0 below diagonal k."""
    return np.where(np.tri(x.shape[-2], x.shape[-1], k - 1, dtype=bool), 0, x)


def mirrored(x: Any, lower: bool = True, conjugate: bool = True) -> Any:
    """The Hermitian, or symmetric, matrix by the triangle that is read."""
    half, rest = (lower_part(x), lower_part(x, -1)) if lower else (upper_part(x), upper_part(x, 1))
    if not conjugate or x.dtype.kind != "c":
        return half + flip(rest)
    return np.where(np.eye(x.shape[-1], dtype=bool), np.real(half), half) + adjoint(rest)


def by_triangle(g: Any, lower: bool = True) -> Any:
    """The adjoint of `mirrored`: the cotangent of the triangle that is read, 0 in the other."""
    both = g + adjoint(g)
    half = lower_part(both, -1) if lower else upper_part(both, 1)
    return np.where(np.eye(g.shape[-1], dtype=bool), np.real(g), half)


def over_matrix(factor: Any) -> Any:
    """One number for each matrix of a stack, such that it multiplies that."""
    return np.expand_dims(factor, (-2, -1))


def trace(x: Any) -> Any:
    """The sum of the diagonal, of each matrix of a stack."""
    return np.sum(x * np.eye(x.shape[-1], dtype=x.dtype), axis=(-2, -1))


def stacked(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The batching rule of functions of a matrix: a batch is one more axis of a stack."""
    (x,) = xs
    if x.ndim < 3:
        raise LinAlgError(f"{p.title}: {x.ndim - 1}-dimensional array given; a matrix is needed")
    return p(x, **params)


# ---- inverses ----

primitive(
    np.linalg.inv,
    lambda g, out: -np.matmul(np.matmul(flip(out), g), flip(out)),
    pushes=(lambda t, out: -np.matmul(np.matmul(out, t), out),),
    batching=stacked,
)


def _is_wide(x: Any) -> bool:
    return bool(x.shape[-2] < x.shape[-1])


def _pinv_moved(t: Any, out: Any, x: Any) -> Any:
    """-P T P + P Pᴴ Tᴴ (1 - A P) + (1 - P A) Tᴴ Pᴴ P (Golub & Pereyra 1973, eq. 4.12)."""
    if _is_wide(x):  # so that no product is larger than its factors
        return flip(_pinv_moved(flip(t), flip(out), flip(x)))
    th, ph = adjoint(t), adjoint(out)
    inner = np.matmul(th, ph)
    return (
        np.matmul(np.matmul(out, ph), th - np.matmul(np.matmul(th, x), out))
        + np.matmul(inner - np.matmul(out, np.matmul(x, inner)), out)
        - np.matmul(np.matmul(out, t), out)
    )


def _pinv_back(g: Any, out: Any, x: Any) -> Any:
    """-Pᴴ G Pᴴ + (1 - A P) Gᴴ P Pᴴ + Pᴴ P Gᴴ (1 - P A), the adjoint of the above."""
    if _is_wide(x):
        return flip(_pinv_back(flip(g), flip(out), flip(x)))
    gh, ph = adjoint(g), adjoint(out)
    inner = np.matmul(out, gh)
    return (
        np.matmul(gh - np.matmul(x, inner), np.matmul(out, ph))
        + np.matmul(ph, inner - np.matmul(np.matmul(inner, out), x))
        - np.matmul(ph, np.matmul(g, ph))
    )


def _pinv_by_x(
    g: Any, out: Any, x: Any, *, rcond: Any = None, hermitian: bool = False, rtol: Any = None
) -> Any:
    if not hermitian:
        return _pinv_back(g, out, x)
    return by_triangle(_pinv_back(g, out, mirrored(x)))


def _pinv_pushed(
    t: Any, out: Any, x: Any, *, rcond: Any = None, hermitian: bool = False, rtol: Any = None
) -> Any:
    if not hermitian:
        return _pinv_moved(t, out, x)
    return _pinv_moved(mirrored(t), out, mirrored(x))


primitive(np.linalg.pinv, _pinv_by_x, pushes=(_pinv_pushed,), holomorphic=False, batching=stacked)

# ---- least squares ----


def _columns(b: Any) -> Any:
    return np.expand_dims(b, -1) if np.ndim(b) == 1 else b


def _solution(a: Any, b: Any, *, rcond: Any = None) -> Any:
    return np.linalg.lstsq(a, b, rcond)[0]


def _pseudo_inverse(a: Any, rcond: Any) -> Any:
    """The one that has the singular values that `lstsq` has counted."""
    eps = float(np.finfo(as_array(a).dtype).eps) if rcond == -1 else rcond
    return np.linalg.pinv(a, eps)


def _solution_by_a(g: Any, out: Any, x: Any, y: Any, *, rcond: Any = None) -> Any:
    p, (g, s, b) = _pseudo_inverse(x, rcond), map(_columns, (g, out, y))
    ph = adjoint(p)
    pulled = np.matmul(ph, g)
    return (
        np.matmul(b - np.matmul(x, s), adjoint(np.matmul(p, pulled)))
        + np.matmul(np.matmul(ph, s), adjoint(g - np.matmul(adjoint(x), pulled)))
        - np.matmul(pulled, adjoint(s))
    )


def _solution_by_b(g: Any, _out: Any, x: Any, _y: Any, *, rcond: Any = None) -> Any:
    return np.matmul(adjoint(_pseudo_inverse(x, rcond)), g)


def _solution_moved_by_a(t: Any, out: Any, x: Any, y: Any, *, rcond: Any = None) -> Any:
    p, (s, b) = _pseudo_inverse(x, rcond), map(_columns, (out, y))
    ph, th = adjoint(p), adjoint(t)
    inner = np.matmul(th, np.matmul(ph, s))
    moved = (
        np.matmul(p, np.matmul(ph, np.matmul(th, b - np.matmul(x, s))))
        + inner
        - np.matmul(p, np.matmul(x, inner) + np.matmul(t, s))
    )
    return np.reshape(moved, out.shape)


def _solution_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """One matrix for all members: their right-hand sides are its columns. Else a stack."""
    a, b = map(as_array, xs)
    if mine[1] and not mine[0]:
        columns = np.moveaxis(b, 0, -1)
        out = p(a, np.reshape(columns, (columns.shape[0], -1)), **params)
        return np.moveaxis(np.reshape(out, (a.shape[-1], *columns.shape[1:])), -1, 0)
    vector = b.ndim - mine[1] == 1
    right = np.expand_dims(b, -1) if vector else b
    out = np.matmul(_pseudo_inverse(a, params.get("rcond")), right)
    return out[..., 0] if vector else out


solution: General = General(
    _solution,
    "lstsq",
    (_solution_by_a, _solution_by_b),
    (
        _solution_moved_by_a,
        lambda t, _out, x, _y, *, rcond=None: solution(x, t, rcond=rcond),
    ),
    holomorphic=False,
    batching=_solution_members,
)


@implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The residuals are left out, as in NumPy, where the rank is not full, or they are all 0."""
    a, b = as_array(a), as_array(b)
    if (dtype := np.result_type(a.dtype, b.dtype)).kind in "fc":
        a, b = np.astype(a, dtype, copy=False), np.astype(b, dtype, copy=False)
    out, values = solution(a, b, rcond=rcond), np.linalg.svdvals(a)
    m, n = a.shape
    eps = float(np.finfo(values.dtype).eps)
    cut = max(m, n) * eps if rcond is None else eps if rcond < 0 else rcond
    s = stopped(values)
    rank = np.sum(np.greater(s, cut * s[:1]), axis=-1, dtype=np.intc)
    if m <= n or np.any(deciding(rank) < n):
        return out, np.zeros(0, values.dtype), rank, values
    rest = _columns(b - np.matmul(a, out))
    return out, np.sum(np.real(np.conjugate(rest) * rest), axis=0), rank, values


# ---- determinants ----


def _adjugate_of_small(x: Any) -> Any:
    """By products alone, so exact where `x` is singular, or 0, at every order of derivative.

    The method of Faddeev and Le Verrier (Householder 1964, "The theory of matrices in numerical
    analysis", 6.7).
    """
    n = x.shape[-1]
    one = np.eye(n, dtype=x.dtype)
    m = one * np.ones_like(x)
    for k in range(1, n):
        xm = np.matmul(x, m)
        m = over_matrix(trace(xm) / k) * one - xm
    return m


def _adjugate(x: Any, k: int) -> Any:
    """The determinant times the inverse, by the Schur complement of all rows but the last `k`."""
    r = x.shape[-1] - k
    block, above, left, corner = x[..., :r, :r], x[..., :r, r:], x[..., r:, :r], x[..., r:, r:]
    inverse = np.linalg.inv(block)
    left, right = np.matmul(left, inverse), np.matmul(inverse, above)
    rest = corner - np.matmul(left, above)
    small = _adjugate_of_small(rest)
    d = over_matrix(trace(np.matmul(rest, small)) / k)
    top = [d * inverse + np.matmul(right, np.matmul(small, left)), -np.matmul(right, small)]
    bottom = [-np.matmul(small, left), small]
    whole = np.concatenate([np.concatenate(top, -1), np.concatenate(bottom, -1)], -2)
    return over_matrix(np.linalg.det(block)) * whole


def _regular_inverse(x: Any) -> Any:
    """The inverse, None where it is too large to take two derivatives of it."""
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return None
    size = [np.max(np.sum(np.abs(deciding(m)), -1), -1, initial=0) for m in (x, inverse)]
    limit = float(np.finfo(inverse.dtype).eps) ** -0.25
    return None if np.any(size[0] * size[1] > limit) else inverse


def _cofactors(out: Any, x: Any) -> Any:
    """The derivative of a determinant by the elements, exact where it is 0 too.

    Near singular matrices, in the basis of the singular vectors: there all but the last few rows
    are regular (Stewart 1998, "On the adjugate matrix").
    """
    inverse = _regular_inverse(x)
    if inverse is not None and np.all(deciding(out) != 0):
        return over_matrix(out) * flip(inverse)
    u, s, vh = np.linalg.svd(stopped(x))
    s, nearly = deciding(s), float(np.finfo(s.dtype).eps) ** 0.5
    k = max(1, int(np.max(np.sum(s <= nearly * s[..., :1], axis=-1), initial=0)))
    turned = np.matmul(np.matmul(adjoint(u), x), adjoint(vh))
    back = np.matmul(np.matmul(adjoint(vh), _adjugate(turned, k)), adjoint(u))
    return flip(back) * over_matrix(np.linalg.det(u) * np.linalg.det(vh))


primitive(
    np.linalg.det,
    lambda g, out, x: over_matrix(g) * _cofactors(out, x),
    pushes=(lambda t, out, x: np.sum(t * _cofactors(out, x), axis=(-2, -1)),),
    batching=stacked,
)


def _slogdet_back(gs: Any, out: Any, x: Any) -> Any:
    """The derivative of log det A is tr A⁻¹ dA; the sign is exp(i Im log det A)."""
    (by_sign, by_log), (sign, _) = gs, out
    if sign.dtype.kind == "c":
        by_log = by_log + 1j * np.real(np.conjugate(by_sign) * sign * 1j)
    return over_matrix(by_log) * adjoint(np.linalg.inv(x))


def _slogdet_moved(t: Any, out: Any, x: Any) -> Any:
    sign, _ = out
    moved = trace(np.linalg.solve(x, t))
    if sign.dtype.kind == "c":
        return sign * 1j * np.imag(moved), np.real(moved)
    return np.zeros_like(sign), moved


several(
    np.linalg.slogdet,
    _slogdet_back,
    pushes=(_slogdet_moved,),
    named=type(np.linalg.slogdet(np.eye(1))),
    batching=stacked,
)
