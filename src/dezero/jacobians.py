"""Whole derivatives: a Jacobian is `jvp` or a pullback mapped over a basis, in one pass.

A Hessian is the forward Jacobian of the gradient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import Roof, TooLarge, roof, vmap
from .box import as_array, plain
from .errors import (
    DifferentiationError,
    OperandError,
)
from .forward import in_dtype
from .transforms import grad, jvp, positions, vjp
from .trees import (
    as_primal,
    bare,
    derived,
    flatten,
    is_numbers,
    unflatten,
)

MODES = ("auto", "forward", "reverse")

ELEMENTS = 2**25
"""The most numbers that one array of a pass over a basis may have: 256 MB of float64."""


# ---------------------------------------------------------------------------- Jacobians


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, mode: str = "auto"
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `f`: each result's derivative by each argument.

    All directions of the basis are computed in one pass, or in a few where an array of it would
    have more than 2**25 numbers.

    Parameters
    ----------
    f : callable
        Any function of arrays written with NumPy.
    argnums : int or tuple of ints
        Which positional arguments to differentiate by.
    mode : "auto", "forward" or "reverse"
        Forward costs one direction for each number of the arguments, reverse one for each number
        of the results. "auto" calls `f` once to count these, and takes the smaller count, forward
        if they are equal.

    Returns
    -------
    callable
        With the arguments of `f`. Returns, in the structure of the result, for each array y in it
        the structure of the argument (a tuple for a tuple of `argnums`) with, for each array x, an
        array of shape ``(*y.shape, *x.shape)``. Of a holomorphic function of complex numbers it
        is the complex derivative.

    Raises
    ------
    DifferentiationError
        If an argument holds integers, or is complex and `f` is not holomorphic there.
    OperandError
        If `mode` or `argnums` is none of those above.

    Examples
    --------
    >>> jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    >>> jacobian(lambda x, k: {"y": np.sin(k * x)})(np.zeros(2), 3.0)
    {'y': array([[3., 0.],
           [0., 3.]])}
    """
    if mode not in MODES:
        raise OperandError(f"jacobian: mode is one of {', '.join(MODES)}, not {mode!r}")
    return derived(_jacobian, f, argnums, mode)


def _jacobian(f: Any, argnums: Any, mode: str, /, *args: Any, **kwargs: Any) -> Any:
    name = getattr(f, "__name__", "f")
    g, chosen = split(f, argnums, "jacobian", args, kwargs)
    xs, spec = flatten(chosen, is_numbers)
    xs = [as_primal(x, f"jacobian({name})") for x in xs]

    def flat(*leaves: Any) -> Any:
        return g(*unflatten(spec, leaves))

    n = sum(x.size for x in xs)
    if mode == "forward" or (mode == "auto" and n == 1):
        blocks, out = _forward(flat, xs)
    else:
        ys, pullback = vjp(flat, *xs)
        if mode == "auto" and n <= sum(np.size(y) for y in flatten(ys)[0]):
            blocks, out = _forward(flat, xs)
        else:
            blocks, out = _reverse(ys, pullback, xs)
    if any(x.dtype.kind == "c" for x in xs):
        _check_holomorphic(flat, xs, name)
    single = not isinstance(argnums, (tuple, list))
    rows = [unflatten(spec, [bare(block) for block in row]) for row in blocks]
    return unflatten(out, [row[0] for row in rows] if single else rows)


def split(f: Any, argnums: Any, who: str, args: Any, kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """A function of the chosen arguments alone, and these."""
    chosen = positions(argnums, len(args), getattr(f, "__name__", "f"), who)

    def g(*values: Any) -> Any:
        full = list(args)
        for k, value in zip(chosen, values, strict=True):
            full[k] = value
        return f(*full, **kwargs)

    return g, tuple(args[k] for k in chosen)


def _forward(f: Callable[..., Any], xs: list[Any]) -> tuple[list[list[Any]], Any]:
    """Blocks of the Jacobian by result and argument, and the structure of the results."""
    spec: Any = None

    def pushed(*txs: Any) -> Any:
        nonlocal spec
        tys, spec = flatten(jvp(f, tuple(xs), txs)[1])
        _check_results(tys)
        return tys

    columns = _over_basis(pushed, xs)
    blocks = [
        [
            np.moveaxis(part, 0, -1).reshape((*part.shape[1:], *x.shape))
            for part, x in zip(_parts(column, xs), xs, strict=True)
        ]
        for column in columns
    ]
    return blocks, spec


def _check_results(ys: list[Any]) -> None:
    """There must be some, and numbers (`jvp` has no tangent for a text)."""
    if not ys or any(isinstance(y, str) for y in ys):
        raise OperandError("jacobian: the function returned no array; is a return missing?")


def _reverse(result: Any, pullback: Any, xs: list[Any]) -> tuple[list[list[Any]], Any]:
    """The same from the other side. Of a real argument, a complex result's imaginary part comes
    with the cotangent 1j.
    """
    ys, spec = flatten(result)
    _check_results(ys)
    ys = [as_array(y) for y in ys]
    dtypes = [y.dtype if y.dtype.kind in "fc" else np.dtype(float) for y in ys]
    seeds = [np.broadcast_to(np.zeros((), t), y.shape) for y, t in zip(ys, dtypes, strict=True)]

    def pulled(*gys: Any) -> Any:
        return list(pullback(unflatten(spec, gys)))

    rows = [_conjugate(row) for row in _over_basis(pulled, seeds)]
    if any(t.kind == "c" for t in dtypes) and any(x.dtype.kind != "c" for x in xs):
        turned = _over_basis(lambda *gys: pulled(*(_turned(g) for g in gys)), seeds)
        rows = [
            row if x.dtype.kind == "c" else row + 1j * imaginary
            for row, imaginary, x in zip(rows, turned, xs, strict=True)
        ]
    by_argument = [_parts(row, ys) for row in rows]
    blocks = []
    for k, (y, t) in enumerate(zip(ys, dtypes, strict=True)):
        parts = [
            part[k] if "c" in (t.kind, x.dtype.kind) else np.real(part[k])
            for part, x in zip(by_argument, xs, strict=True)
        ]
        blocks.append(
            [
                in_dtype(part.reshape((*y.shape, *x.shape)), t)
                for part, x in zip(parts, xs, strict=True)
            ]
        )
    return blocks, spec


def _conjugate(g: Any) -> Any:
    """A cotangent as a row of the Jacobian: pulled back, a derivative comes out conjugated."""
    return np.conjugate(g) if g.dtype.kind == "c" else g


def _turned(g: Any) -> Any:
    """A cotangent times 1j where it is complex, zero where it is real."""
    return 1j * g if g.dtype.kind == "c" else 0 * g


def _over_basis(f: Callable[..., Any], xs: list[Any]) -> list[Any]:
    """What `f` makes of each direction of the space of `xs`, along a new first axis."""
    n = sum(x.size for x in xs)
    if n == 0:
        found = vmap(f)(*(np.zeros((1, *x.shape), x.dtype) for x in xs))
        return [y[:0] for y in found]
    found, start, chunk = [], 0, min(n, max(1, ELEMENTS // n))
    while start < n:
        stop = min(start + chunk, n)
        token = roof.set(Roof(ELEMENTS) if chunk > 1 else None)
        try:
            found.append(vmap(f)(*_basis(xs, start, stop)))
        except TooLarge as error:
            chunk = max(1, min(chunk // 2, ELEMENTS // error.each))
            continue
        finally:
            roof.reset(token)
        start = stop
    if len(found) == 1:
        return list(found[0])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _basis(xs: list[Any], start: int, stop: int) -> list[Any]:
    """Directions `start` to `stop` of the standard basis of the space of `xs`, as batches."""
    first, found = 0, []
    for x in xs:
        e = np.eye(stop - start, x.size, start - first, x.dtype)  # row r: number start + r - first
        found.append(e.reshape((stop - start, *x.shape)))
        first += x.size
    return found


def _parts(rows: Any, xs: list[Any]) -> list[Any]:
    """Rows for all numbers of `xs`, cut into those of each."""
    if len(xs) == 1:
        return [rows]
    stops = np.cumsum([0, *(x.size for x in xs)])
    return [rows[a:b] for a, b in itertools.pairwise(stops)]


def _check_holomorphic(f: Callable[..., Any], xs: list[Any], name: str) -> None:
    """Along one direction, 1j times the tangent must give 1j times the rate (Cauchy-Riemann)."""
    rng = np.random.default_rng(0)
    txs = [
        np.asarray(rng.standard_normal(x.shape) * (1 if x.dtype.kind == "c" else 0), x.dtype)
        for x in xs
    ]
    moved = flatten(jvp(f, tuple(xs), tuple(txs))[1])[0]
    turned = flatten(jvp(f, tuple(xs), tuple(map(_turned, txs)))[1])[0]
    for ty, other in zip(moved, turned, strict=True):
        gap, size = (np.max(np.abs(plain(as_array(t))), initial=0.0) for t in (other - 1j * ty, ty))
        if gap > 1e6 * np.finfo(as_array(ty).dtype).eps * size:
            raise DifferentiationError(
                f"jacobian({name}): {name} is not holomorphic at this point, so it has no complex "
                "derivative; take real and imaginary parts apart, or use dz.vjp or dz.jvp"
            )


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns the Hessian of a scalar function: forward over reverse, batched.

    Parameters
    ----------
    f : callable
        A function that returns one real number, written with NumPy.
    argnums : int or tuple of ints
        Which positional arguments to differentiate by.

    Returns
    -------
    callable
        With the arguments of `f`. For an array x, an array of shape ``(*x.shape, *x.shape)``. For
        containers, their structure twice: ``h["a"]["b"]``; so for a tuple of `argnums`, whose
        gradient is a tuple: ``h[0][1]``.

    Raises
    ------
    NonScalarError
        If `f` returns anything but one real number.
    DifferentiationError
        If an argument holds integers or complex numbers.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return derived(_hessian, f, argnums)


def _hessian(f: Any, argnums: Any, /, *args: Any, **kwargs: Any) -> Any:
    return jacobian(grad(f, argnums), argnums, "forward")(*args, **kwargs)
