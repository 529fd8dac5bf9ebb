"""Factors of matrices: eigenvalues, singular values, QR and Cholesky.

Sources: Giles 2008, "An extended collection of matrix derivative results"; Seeger, Hetzel, Dai,
Meissner & Lawrence 2017, "Auto-differentiating linear algebra"; Wan & Zhang 2019, "Automatic
differentiation for complex valued SVD"; Walter & Lehmann 2010, "On evaluating higher-order
derivatives of the QR decomposition of tall matrices with full column rank"; Roberts & Roberts 2020,
"QR and LQ decomposition matrix backpropagation algorithms for square, wide, and deep matrices";
Murray 2016, "Differentiation of the Cholesky decomposition".

Vectors are determined up to a phase, those of equal values up to how they are turned among
themselves. A tangent is that of one choice; the gradient of what depends on the choice is refused.

Of a Hermitian matrix LAPACK reads one triangle, and the real part of the diagonal: tangents are
read so too, and gradients are by what is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import Box, as_array, deciding
from ..dispatch import implements
from ..errors import LinAlgError, UnsupportedError
from ..rows import primitive, several
from .inverses import adjoint, by_triangle, flip, hermitian_part, mirrored, stacked
from .nondiff import stopped


def product(*factors: Any) -> Any:
    """Of matrices, from the right: a tall one times its adjoint would be a large one."""
    *others, out = factors
    for x in reversed(others):
        out = np.matmul(x, out)
    return out


def diagonal(x: Any) -> Any:
    """Of each matrix of a stack."""
    return np.sum(x * np.eye(x.shape[-1], dtype=x.dtype), axis=-1)


def on_diagonal(g: Any) -> Any:
    """The diagonal matrices of rows of numbers."""
    return np.expand_dims(g, -1) * np.eye(g.shape[-1], dtype=g.dtype)


def by_column(x: Any, factors: Any) -> Any:
    """The columns of matrices times a number each."""
    return x * np.expand_dims(factors, -2)


def _nothing(*gs: Any) -> bool:
    """Whether vectors have no say, as where only values are asked for: then most is not computed.

    Of boxes that is not asked, because zeros may be differentiated too.
    """
    return all(type(g) is np.ndarray and not np.any(g) for g in gs)


def _skew(x: Any) -> Any:
    return (x - adjoint(x)) / 2


# ---- values that are equal ----


def _differences(values: Any) -> Any:
    """At (i, j): value j minus value i."""
    return np.expand_dims(values, -2) - np.expand_dims(values, -1)


def _rounding(values: Any) -> Any:
    """What the values of a matrix may be off by, for each matrix of a stack."""
    size = np.sum(np.abs(stopped(values)), axis=-1, keepdims=True)
    return 8 * float(np.finfo(values.dtype).eps) * size


def _tied(values: Any) -> Any:
    """Which pairs are equal but for rounding; each is with itself."""
    gaps = np.abs(_differences(stopped(values)))
    return np.less_equal(gaps, np.expand_dims(_rounding(values), -1))


def _zero(values: Any) -> Any:
    return np.less_equal(np.abs(stopped(values)), _rounding(values))


def _inverse_but(zero: Any, x: Any) -> Any:
    """1 / x, and 0 for what is `zero`."""
    return np.where(zero, 0, 1 / np.where(zero, 1, x))


def _others(tied: Any) -> Any:
    """Which values are tied with another."""
    return np.logical_and(tied, ~np.eye(tied.shape[-1], dtype=bool))


def _has_ties(values: Any) -> bool:
    return bool(np.any(deciding(_others(_tied(values)))))


def _moves(x: Any) -> bool:
    """Whether a derivative is being taken forwards of what a rule computes."""
    while isinstance(x, Box):
        if type(x)._resting is not Box._resting:
            return True
        x = x._value
    return False


def _inverse_gaps(values: Any) -> Any:
    """At (i, j): 1 / (value j - value i), and 0 where they are equal.

    How vectors of equal values are turned among themselves does not matter to a function of the
    matrix, nor to its derivative.
    """
    return _inverse_but(_tied(values), _differences(values))


def _once(vectors: Any, values: Any, title: str) -> Any:
    """Vectors of which a rule may be made, but no derivative of the rule where values are equal.

    There it would depend on how the turning among them changes. Forwards it is refused. Backwards
    only a later pass takes it, if at all: so it is made infinite, by a root of 0.
    """
    if not isinstance(vectors, Box) or not _has_ties(values):
        return vectors
    if _moves(values) or _moves(vectors):
        raise LinAlgError(f"{title}: no second derivative where values are equal")
    return vectors + 1e-300 * np.sqrt(vectors - stopped(vectors))


def _smooth(p: Any, values: Any) -> Any:
    """Unitary matrices that diagonalize the blocks of equal values of Hermitian ones, `p`.

    Vectors of equal values that are turned so move smoothly with the matrix, if `p` is how it moves
    in their basis (Kato 1980, "Perturbation theory for linear operators", II.6). What is added to
    the blocks keeps them in order.
    """
    p, tied = stopped(p), _tied(values)
    blocks = np.where(tied, p, 0)
    size = np.sqrt(np.sum(np.abs(blocks) ** 2, axis=(-2, -1), keepdims=True))
    order = np.argmax(tied, axis=-1).astype(size.dtype)
    r = np.linalg.eigh(blocks / np.where(size == 0, 1, 4 * size) + on_diagonal(order))[1]
    return by_column(r, np.where(diagonal(np.real(r)) < 0, -1, 1))


def _refuse_choice(depends: Any, size: Any, title: str) -> None:
    """Refuse a derivative where an expression that must be 0 is not, against others of its size."""
    eps = float(np.finfo(size.dtype).eps)
    limit = max(1e-10, 1e3 * eps) + max(1e-6, eps**0.5) * np.max(np.abs(deciding(size)), initial=0)
    if np.any(np.abs(deciding(depends)) > limit):
        raise LinAlgError(
            f"{title}: no derivative here. What is differentiated depends on the phase of vectors, "
            "on which of equal values they belong to, or on how those of equal values are chosen. "
            "(v @ np.diag(f(w)) @ v.T of equal eigenvalues has one that w and v do not tell: take "
            "it by dz.jvp or dz.jacobian(…, mode='forward') of eigh)"
        )


def _check_choice(turning: Any, values: Any, by_value: Any, title: str) -> None:
    """Of a loss that is a function of the matrix, the gradient by turns of vectors, `turning`, is
    Hermitian among those of equal values; and 0 there but on the diagonal, if it depends on the
    values too.
    """
    m, tied, used = stopped(turning), _tied(values), np.not_equal(by_value, 0)
    _refuse_choice(np.where(tied, m - adjoint(m), 0), m, title)
    either = np.logical_or(np.expand_dims(used, -1), np.expand_dims(used, -2))
    _refuse_choice(np.where(np.logical_and(_others(tied), either), m, 0), m, title)


# ---- eigenvalues ----


def _eigh_back(gs: Any, out: Any, *, UPLO: str = "L") -> Any:
    (gw, gv), (w, v) = gs, out
    v = _once(v, w, "eigh")
    if _nothing(gv):
        return by_triangle(product(by_column(v, gw), adjoint(v)), UPLO in "Ll")
    turning = np.matmul(adjoint(v), gv)
    _check_choice(turning, w, gw, "eigh")
    inside = _inverse_gaps(w) * turning + on_diagonal(gw)
    return by_triangle(product(v, inside, adjoint(v)), UPLO in "Ll")


def _eigh_moved(t: Any, out: Any, *, UPLO: str = "L") -> Any:
    """With P = Vᴴ T V: the diagonal of P, and V (F ∘ P), F = 1 / (w_j - w_i) (Giles, 3.1)."""
    w, v = out
    v = _once(v, w, "eigh")
    p = product(adjoint(v), mirrored(t, UPLO in "Ll"), v)
    return np.real(diagonal(p)), np.matmul(v, _inverse_gaps(w) * p)


def _eigh_settled(out: Any, t: Any, *, UPLO: str = "L") -> Any:
    w, v = out
    if not _has_ties(w):
        return out
    return w, np.matmul(v, _smooth(product(adjoint(v), mirrored(t, UPLO in "Ll"), v), w))


several(
    np.linalg.eigh,
    _eigh_back,
    pushes=(_eigh_moved,),
    settle=_eigh_settled,
    named=type(np.linalg.eigh(np.eye(1))),
    batching=stacked,
)


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return np.linalg.eigh(a, UPLO).eigenvalues


def _eig_back(gs: Any, out: Any) -> Any:
    """Of vectors that keep the length 1: gradients along themselves are taken off."""
    (gw, gv), (w, v) = gs, out
    v = _once(v, w, "eig")
    vh, tied = adjoint(v), _tied(w)
    _refuse_choice(np.where(tied, _differences(stopped(gw)), 0), gw, "eig")
    if _nothing(gv):
        return np.linalg.solve(vh, np.expand_dims(gw, -1) * vh)
    turning = np.matmul(vh, gv)
    along = np.real(diagonal(turning))
    turning = turning - by_column(np.matmul(vh, v), along)
    _refuse_choice(np.where(tied, stopped(turning), 0), turning, "eig")
    inside = np.conjugate(_inverse_gaps(w)) * turning + on_diagonal(gw)
    return np.linalg.solve(vh, np.matmul(inside, vh))


def _eig_moved(t: Any, out: Any) -> Any:
    """With P = V⁻¹ T V: the diagonal of P, and V (F ∘ P) but for the part along V (Giles, 3.1)."""
    w, v = out
    v = _once(v, w, "eig")
    p = np.linalg.solve(v, np.matmul(t, v))
    _refuse_choice(np.where(_others(_tied(w)), stopped(p), 0), p, "eig")
    moved = np.matmul(v, _inverse_gaps(w) * p)
    along = np.sum(np.real(np.conjugate(v) * moved), axis=-2)
    return diagonal(p), moved - by_column(v, along)


several(
    np.linalg.eig,
    _eig_back,
    pushes=(_eig_moved,),
    named=type(np.linalg.eig(np.eye(1))),
    batching=stacked,
)


@implements(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return np.linalg.eig(a).eigenvalues


# ---- singular values ----


def _turns(s: Any) -> tuple[Any, Any]:
    """What divides the Hermitian and the skew part of Uᴴ T V in the turns of U and V.

    Half of 1 / (s_j - s_i) and of 1 / (s_j + s_i); 0 where that is the inverse of 0.
    """
    sums = np.expand_dims(s, -2) + np.expand_dims(s, -1)
    zero = _zero(s)
    both = np.expand_dims(zero, -2) & np.expand_dims(zero, -1)
    return _inverse_gaps(s), _inverse_but(both, sums)


def _svd_moved(t: Any, out: Any, *, full_matrices: bool = True) -> Any:
    """Wan & Zhang 2019, with the phase shared between U and V.

    With P = Uᴴ T V, U turns by X + Y and V by X - Y, of which X is the Hermitian part of P over
    s_j - s_i, and Y the skew one over s_j + s_i.
    """
    u, s, vh = out
    u = _once(u, s, "svd")
    k, th = s.shape[-1], adjoint(t)
    first, v, zero = u[..., :k], adjoint(vh)[..., :k], _zero(s)
    p = product(adjoint(first), t, v)
    gaps, sums = _turns(s)
    x, y, inverse = gaps * hermitian_part(p), sums * _skew(p), _inverse_but(zero, s)
    tu = np.matmul(first, x + y) + by_column(_outside(first, np.matmul(t, v)), inverse)
    tv = np.matmul(v, x - y) + by_column(_outside(v, np.matmul(th, first)), inverse)
    ts = np.where(zero, 0, np.real(diagonal(p)))
    return _with_rest(tu, u, k), ts, adjoint(_with_rest(tv, adjoint(vh), k))


def _outside(u: Any, x: Any) -> Any:
    """What of columns is orthogonal to the columns of `u`."""
    return x - product(u, adjoint(u), x)


def _with_rest(tu: Any, u: Any, k: int) -> Any:
    """Tangents of all columns from those of the first k: the others turn only as they must."""
    if u.shape[-1] == k:
        return tu
    rest = -product(u[..., :k], adjoint(tu), u[..., k:])
    return np.concatenate([tu, rest], axis=-1)


def _without_rest(gu: Any, u: Any, k: int, title: str) -> Any:
    """The transposed of that: the gradient by the first k columns alone."""
    if u.shape[-1] == k:
        return gu
    first, rest, by_rest = u[..., :k], u[..., k:], gu[..., k:]
    turning = stopped(np.matmul(adjoint(rest), by_rest))
    _refuse_choice(turning - adjoint(turning), turning, title)
    return gu[..., :k] - product(rest, adjoint(by_rest), first)


def _svd_back(gs: Any, out: Any, *, full_matrices: bool = True) -> Any:
    (gu, gs_, gvh), (u, s, vh) = gs, out
    u = _once(u, s, "svd")
    k, v, zero = s.shape[-1], adjoint(vh), _zero(s)
    if _nothing(gu, gvh):
        return product(by_column(u[..., :k], np.where(zero, 0, gs_)), vh[..., :k, :])
    gu, gv = _without_rest(gu, u, k, "svd"), _without_rest(adjoint(gvh), v, k, "svd")
    u, v = u[..., :k], v[..., :k]
    by_u, by_v = np.matmul(adjoint(u), gu), np.matmul(adjoint(v), gv)
    _check_choice(by_u + by_v, s, gs_, "svd")
    outside_u, outside_v = _outside(u, gu), _outside(v, gv)
    for g in (by_u - by_v, outside_u, outside_v):
        _refuse_choice(np.where(np.expand_dims(zero, -2), stopped(g), 0), g, "svd")
    gaps, sums = _turns(s)
    inside = gaps * _skew(by_u + by_v) + sums * _skew(by_u - by_v)
    inside = inside + on_diagonal(np.where(zero, 0, gs_))
    inverse = _inverse_but(zero, s)
    left = np.matmul(u, inside) + by_column(outside_u, inverse)
    return np.matmul(left, adjoint(v)) + np.matmul(u, adjoint(by_column(outside_v, inverse)))


def _svd_settled(out: Any, t: Any, *, full_matrices: bool = True) -> Any:
    u, s, vh = out
    if not _has_ties(s):
        return out
    k = s.shape[-1]
    first, last = u[..., :k], vh[..., :k, :]
    r = _smooth(hermitian_part(product(adjoint(first), t, adjoint(last))), s)
    u = np.concatenate([np.matmul(first, r), u[..., k:]], axis=-1)
    return u, s, np.concatenate([np.matmul(adjoint(r), last), vh[..., k:, :]], axis=-2)


svd = several(
    np.linalg.svd,
    _svd_back,
    pushes=(_svd_moved,),
    settle=_svd_settled,
    batching=stacked,
)
SVDResult = type(np.linalg.svd(np.eye(1)))


@implements(np.linalg.svd)
def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        return _svd_of_hermitian(a) if compute_uv else _svd_of_hermitian(a).S
    if not compute_uv:
        return svd(as_array(a), full_matrices=False)[1]
    return SVDResult(*svd(as_array(a), full_matrices=full_matrices))


def _svd_of_hermitian(a: Any) -> Any:
    """By its eigenvalues, as NumPy does it."""
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(stopped(w)), axis=-1), -1)
    w = np.take_along_axis(w, order, axis=-1)
    v = np.take_along_axis(v, np.expand_dims(order, -2), axis=-1)
    return SVDResult(v, np.abs(w), adjoint(by_column(v, np.sign(stopped(w)))))


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return _svd(x, compute_uv=False)


# ---- QR ----


def _lower(x: Any, diagonal_too: float) -> Any:
    """What is below the diagonal, and a part of what is on it."""
    n = x.shape[-1]
    return x * (np.tri(n, k=-1) + diagonal_too * np.eye(n)).astype(x.dtype)


def _first_columns(a: Any, k: int, r: Any) -> Any:
    """The first k columns times R⁻¹."""
    return flip(np.linalg.solve(flip(r[..., :k, :k]), flip(a[..., :k])))


def _imaginary_diagonal(x: Any) -> Any:
    return 1j * on_diagonal(np.imag(diagonal(x))) if x.dtype.kind == "c" else 0


def _qr_moved(t: Any, out: Any, *, mode: str = "reduced") -> Any:
    """With X = Qᴴ T R⁻¹, Q turns by the skew Ω that has the lower half of X.

    Walter & Lehmann 2010, (3.4); of a wide matrix, X is that of its first columns.
    """
    q, r = out
    k = min(t.shape[-2:])
    first = q[..., :k]
    right = _first_columns(t, k, r)
    x = np.matmul(adjoint(first), right)
    low = _lower(x, 0.0)
    turn = low - adjoint(low) + _imaginary_diagonal(x)
    tq = np.matmul(first, turn) + _outside(first, right)
    tr = np.matmul(adjoint(first), t) - np.matmul(turn, r[..., :k, :])
    return _with_rest(tq, q, k), _with_zeros(tr, r)


def _with_zeros(x: Any, r: Any) -> Any:
    """The rows of zeros that `r` has below."""
    missing = r.shape[-2] - x.shape[-2]
    if not missing:
        return x
    zeros = np.zeros((*x.shape[:-2], missing, x.shape[-1]), x.dtype)
    return np.concatenate([x, zeros], axis=-2)


def _qr_back(gs: Any, out: Any, *, mode: str = "reduced") -> Any:
    (gq, gr), (q, r) = gs, out
    k, n = min(q.shape[-2], r.shape[-1]), r.shape[-1]
    gq = _without_rest(gq, q, k, "qr")
    q, r, gr = q[..., :k], r[..., :k, :], gr[..., :k, :]
    by_q = np.matmul(adjoint(q), gq)
    turning = by_q - np.matmul(gr, adjoint(r))
    inside = _lower(turning - adjoint(turning), 0.0) + _imaginary_diagonal(turning)
    left = np.matmul(q, inside - by_q) + gq
    first = flip(np.linalg.solve(np.conjugate(r[..., :k, :k]), flip(left)))
    whole = np.matmul(q, gr)
    if n == k:
        return whole + first
    return np.concatenate([whole[..., :k] + first, whole[..., k:]], axis=-1)


qr = several(np.linalg.qr, _qr_back, pushes=(_qr_moved,), batching=stacked)
QRResult = type(np.linalg.qr(np.eye(1)))


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f"np.linalg.qr of a box does not take mode={mode!r}")
    if mode == "r":
        return qr(as_array(a), mode="reduced")[1]
    return QRResult(*qr(as_array(a), mode=mode))


# ---- Cholesky ----


def _cholesky_back(g: Any, out: Any, *, upper: bool = False) -> Any:
    """That of L⁻ᴴ Φ(Lᴴ G) L⁻¹ by the triangle (Murray 2016, (10)).

    About 20 times the work of the factor itself: LAPACK makes that in n³ / 3 steps, and NumPy,
    which has no triangular matrices, solves twice and multiplies in 8 n³.
    """
    if upper:
        g, out = adjoint(g), adjoint(out)
    lh = adjoint(out)
    inside = _lower(np.matmul(lh, g), 0.5)
    left = np.linalg.solve(lh, inside)
    return by_triangle(np.linalg.solve(lh, adjoint(left)), not upper)


def _cholesky_moved(t: Any, out: Any, *, upper: bool = False) -> Any:
    """L Φ(L⁻¹ T L⁻ᴴ), where Φ takes the lower half, and half of the diagonal (Murray 2016, (8))."""
    low = adjoint(out) if upper else out
    half = np.linalg.solve(low, mirrored(t, not upper))
    inside = np.linalg.solve(low, adjoint(half))
    moved = np.matmul(low, _lower(inside, 0.5))
    return adjoint(moved) if upper else moved


primitive(
    np.linalg.cholesky,
    _cholesky_back,
    pushes=(_cholesky_moved,),
    holomorphic=False,
    batching=stacked,
)
