"""Checks of derivatives: by differences, of both modes against each other, at any order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .box import Box, as_array, plain
from .config import no_grad
from .core import Variable, as_variable
from .errors import CheckError, OperandError
from .transforms import jvp, vjp
from .trees import as_primal, flatten, unflatten

TOLERANCE = {"e": 2e-2, "f": 2e-3, "d": 1e-7, "g": 1e-7, "F": 2e-3, "D": 1e-7, "G": 1e-7}
"""Relative, by dtype character: what a derivative in that precision can keep."""

STEP = float(np.finfo(np.float64).eps) ** 0.2
"""Where the error of 4th-order differences and rounding are of one size, at scale 1."""


def numerical_diff(f: Callable[..., Any], x: Any, eps: float = 1e-4) -> Any:
    """The derivative of ``f(x)`` (of its sum, if it is an array) by central differences.

    Parameters
    ----------
    f : Function or callable
        Takes and returns a Variable.
    x : Variable, array or number
        Where.
    eps : float
        The step, in the units of `x`. The error is of the order of its square.

    Returns
    -------
    ndarray or scalar
        In the shape of `x`.

    Examples
    --------
    >>> import dezero as dz
    >>> print(numerical_diff(dz.Square(), dz.Variable(np.array(2.0))))
    4.000000000004
    """
    data = np.asarray(plain(as_variable(x)))
    slopes = np.empty(data.shape, np.result_type(data, np.float64))
    with no_grad():
        for k in np.ndindex(data.shape):
            step = np.zeros(data.shape)
            step[k] = eps
            up, down = (plain(f(Variable(as_array(data + s)))) for s in (step, -step))
            slopes[k] = np.sum((up - down) / (2 * eps))
    return slopes[()]


def difference(f: Callable[..., list[Any]], xs: list[Any], txs: list[Any], h: float) -> list[Any]:
    """The directional derivative of several results by 4th-order central differences.

    Abramowitz & Stegun 25.3.6 without the remainder: (8 (f₁ - f₋₁) - (f₂ - f₋₂)) / 12 h.
    """
    with np.errstate(all="ignore"):
        return _difference(f, xs, txs, h)


def _difference(f: Callable[..., list[Any]], xs: list[Any], txs: list[Any], h: float) -> list[Any]:
    at = {
        k: f(*(x + np.asarray(k * h * tx, x.dtype) for x, tx in zip(xs, txs, strict=True)))
        for k in (-2, -1, 1, 2)
    }
    return [
        (8 * (a - b) - (c - d)) / (12 * h)
        for a, b, c, d in zip(at[1], at[-1], at[2], at[-2], strict=True)
    ]


def steadiest(f: Callable[..., list[Any]], xs: list[Any], txs: list[Any]) -> list[Any]:
    """The differences that are surest: that change least from a tenfold step to this one.

    Rounding counts as change, so a step that is lost in it does not look steady.
    """
    eps = np.finfo(np.float64).eps
    largest = max((float(np.max(np.abs(x), initial=1.0)) for x in xs), default=1.0)
    height = max((_size(y) for y in f(*xs)), default=0.0)
    best, least = difference(f, xs, txs, STEP), np.inf
    before = None
    for k in range(int(np.ceil(np.log10(largest))) + 1, -9, -1):
        step = STEP * 10.0**k
        slopes = difference(f, xs, txs, step)
        if before is not None:
            with np.errstate(all="ignore"):
                change = max(map(_size, map(np.subtract, slopes, before)), default=0.0)
            doubt = (change + eps * height / step) / (max(map(_size, slopes), default=0.0) or 1.0)
            if doubt < least:
                best, least = slopes, doubt
        before = slopes
    return best


def _plain_values(f: Callable[..., list[Any]], *args: Any) -> list[Any]:
    with no_grad():
        return [np.asarray(plain(y)) for y in f(*args)]


def _size(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("forward", "reverse"),
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of `f` at `args` along one random direction.

    Each mode is compared with 4th-order differences; both, with each other by the adjoint
    identity ⟨gy, J tx⟩ = ⟨Jᵀ gy, tx⟩; and then the derivatives themselves are checked the same
    way, up to `order`.

    Parameters
    ----------
    f : callable
        A function of arrays, smooth around `args`.
    args : sequence
        Arrays, numbers, or nested containers of them.
    order : int
        How many derivatives to take.
    modes : sequence of "forward" and "reverse"
    rtol, atol : float
        Relative and absolute tolerance. If not given, `rtol` goes by the dtype of the arguments
        (1e-7 for float64), and `atol` is that part of the function's size, at most of 1.
    seed : int
        Of the directions.

    Raises
    ------
    CheckError
        If anything disagrees, saying what, by how much, and in which order and mode.

    Examples
    --------
    >>> check_grads(np.sin, [0.5])
    """
    if not isinstance(args, (list, tuple)):
        raise OperandError("check_grads(f, args): args is a list, one entry for each argument")
    if isinstance(modes, str) or not modes or not set(modes) <= {"forward", "reverse"}:
        raise OperandError(f'check_grads: modes are of "forward" and "reverse", not {modes!r}')
    leaves, spec = flatten(tuple(args))
    xs = [plain(as_primal(x, "check_grads")) for x in leaves]

    def flat(*values: Any) -> list[Any]:
        ys = [as_array(y) for y in flatten(f(*unflatten(spec, values)))[0]]
        if not ys:
            raise OperandError("check_grads: f returned nothing to check; is a return missing?")
        return ys

    widest = max(xs, key=lambda x: -x.dtype.itemsize // (1 + (x.dtype.kind == "c")))
    tol = TOLERANCE[widest.dtype.char] if rtol is None else rtol
    if atol is None:  # what is small against the function and its slope is zero
        values = _plain_values(flat, *xs)
        txs = [np.ones(x.shape, x.dtype) for x in xs]
        slopes = difference(functools.partial(_plain_values, flat), xs, txs, STEP)
        scale = max(map(_size, (*values, *slopes)), default=1.0)
        atol = tol * (min(1.0, scale) if scale > 1e-9 else 1.0)
    _check(flat, xs, order, tuple(modes), (tol, atol), seed, "")


def _check(  # noqa: C901  # two modes, each optional
    f: Callable[..., list[Any]],
    xs: list[Any],
    order: int,
    modes: tuple[str, ...],
    tolerance: tuple[float, float],
    seed: int,
    where: str,
) -> None:
    """One order of `check_grads`; then the same of the derivatives."""
    rng = np.random.default_rng(seed)
    txs = [_direction(rng, x) for x in xs]
    with no_grad():
        gys = [_direction(rng, plain(y)) for y in f(*xs)]
    compare = functools.partial(_compare, *tolerance)
    ys, tys = jvp(f, tuple(xs), tuple(txs)) if "forward" in modes else ([], [])
    gxs = vjp(f, *xs)[1](gys) if "reverse" in modes else ()
    for what, moves, ends in (("forward: tangent", tys, ys), ("reverse: gradient", gxs, xs)):
        for t, x in zip(moves, ends, strict=False):
            if t.shape != x.shape or t.dtype != x.dtype:
                raise CheckError(f"{where}{what} {t.dtype}{t.shape} of {x.dtype}{x.shape}")

    def agree(slopes: list[Any]) -> None:
        for ty, slope in zip(tys, slopes, strict=False):
            compare(where + "forward", ty, slope, np.abs(slope))
        if gxs:
            size = _inner(list(map(np.abs, gys)), list(map(np.abs, slopes)))
            compare(where + "reverse", _inner(gxs, txs), _inner(gys, slopes), size)

    plainly = functools.partial(_plain_values, f)
    # Differences are taken in double precision: single has no digits to spare for them.
    wide, moving = ([x.astype(np.result_type(x, np.float64)) for x in each] for each in (xs, txs))
    try:
        agree(difference(plainly, wide, moving, STEP))
    except CheckError:  # the step may not suit the scale of the function
        agree(steadiest(plainly, wide, moving))
    if tys and gxs:
        pair = _inner(gys, tys), _inner(gxs, txs)
        eps = float(max(np.finfo(x.dtype).eps for x in xs))
        if abs(pair[0] - pair[1]) > max(eps**0.5, 1e-12) * max(*map(abs, pair), 1.0):
            raise CheckError(
                f"{where}adjoint identity: the two modes differ by {abs(pair[0] - pair[1]):.2g}"
            )
    if order > 1:
        derived: dict[str, Callable[..., list[Any]]] = {
            "forward": lambda *a: jvp(f, a, tuple(txs))[1],
            "reverse": lambda *a: list(vjp(f, *a)[1](gys)),
        }
        for mode in modes:
            then = f"{where}{mode}, then "
            _check(derived[mode], xs, order - 1, modes, tolerance, seed + 1, then)


def _compare(rtol: float, atol: float, what: str, got: Any, want: Any, size: Any) -> None:
    gap = np.abs(np.subtract(got, want))
    if not np.all(gap <= atol + rtol * np.max(size, initial=0.0)):
        raise CheckError(
            f"{what}: {_short(got)} where differences say {_short(want)} (off by {np.max(gap):.2g})"
        )


def _direction(rng: np.random.Generator, x: Any) -> Any:
    t = rng.standard_normal(x.shape)
    if x.dtype.kind == "c":
        t = t + 1j * rng.standard_normal(x.shape)
    return np.asarray(t, x.dtype if x.dtype.kind in "fc" else np.float64)


def _inner(gs: Sequence[Any], ts: Sequence[Any]) -> float:
    """Re ⟨g, t⟩ over all parts."""
    parts = (np.sum(np.real(np.conj(plain(g)) * plain(t))) for g, t in zip(gs, ts, strict=True))
    return float(sum(parts))


def _short(x: Any) -> str:
    return np.array2string(np.asarray(plain(x) if isinstance(x, Box) else x), threshold=6)
