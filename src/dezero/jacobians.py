"""Whole derivatives, and products with them: a few lines each over `jvp`, `vjp` and `vmap`.

A Jacobian is `jvp` or a pullback mapped over a basis, all directions in one pass; a Hessian is the
forward Jacobian of the gradient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import Roof, TooLarge, roof, vmap
from .box import Box, as_array, plain
from .errors import (
    CheckError,
    DifferentiationError,
    GradientError,
    OperandError,
    ShapeError,
)
from .forward import in_dtype
from .transforms import grad, jvp, positions, vjp
from .trees import (
    NUMBER,
    as_primal,
    bare,
    derived,
    flatten,
    is_numbers,
    moving,
    tree_map,
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


# ---------------------------------------------------------------------------- products


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, ...]:
    """The product of the Hessian of a scalar function with a direction, without the Hessian.

    Costs a few gradients, whatever the size: forward over reverse (Pearlmutter 1994, "Fast exact
    multiplication by the Hessian").

    Parameters
    ----------
    f : callable
        A function that returns one real number, written with NumPy.
    primals, tangents : tuples
        All arguments, and the direction, in the same structure and shapes.

    Returns
    -------
    tuple
        The product, in the structure of `primals`.

    Raises
    ------
    NonScalarError
        If `f` returns anything but one real number.
    OperandError, GradientError
        If `primals` and `tangents` are no tuples, or not like each other.

    Examples
    --------
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    if not isinstance(primals, (tuple, list)):
        raise OperandError("hvp(f, primals, tangents): two tuples, one entry for each argument")
    gradient = grad(f, tuple(range(len(primals))))
    return jvp(gradient, primals, tangents)[1]  # type: ignore[no-any-return]  # a tuple


def gauss_newton(f: Callable[..., Any], loss: Callable[..., Any]) -> Callable[..., Any]:
    """Products with the Gauss–Newton matrix of ``loss(f(…))``: Jᵀ H J with the loss's Hessian H.

    It is the Hessian without the second derivatives of `f`: positive semidefinite where the loss is
    convex (Schraudolph 2002, "Fast curvature matrix-vector products").

    Parameters
    ----------
    f : callable
        The model: any function of arrays.
    loss : callable
        Takes the result of `f`, returns one real number.

    Returns
    -------
    callable
        ``product(primals, tangents)`` with two tuples like `hvp`; returns a tuple like `primals`.

    Raises
    ------
    OperandError, GradientError
        From `product`, if `primals` and `tangents` are no tuples, or not like each other.
    NonScalarError
        From `product`, if `loss` returns anything but one real number.

    Examples
    --------
    >>> model, half_square = lambda w: w**2, lambda y: 0.5 * np.sum(y * y)
    >>> gauss_newton(model, half_square)((np.array([1.0, 3.0]),), (np.ones(2),))
    (array([ 4., 36.]),)
    """

    def product(primals: Any, tangents: Any) -> Any:
        if not isinstance(primals, (tuple, list)):
            raise OperandError("product(primals, tangents): two tuples, one entry per argument")
        y, pullback = vjp(f, *primals)
        _, ty = jvp(f, primals, tangents)
        return pullback(*hvp(loss, (y,), (ty,)))

    return product


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `f`, and its derivative as a function of tangents that does not call `f` again.

    A pullback is linear, and its own transpose is the derivative: the sweep back is recorded once,
    and each call of the result sweeps that record.

    Parameters
    ----------
    f : callable
        Any function of arrays written with NumPy.
    *primals
        Where: arrays, numbers, or nested containers of them.

    Returns
    -------
    y
        ``f(*primals)``.
    push : callable
        Takes a tangent for each argument, returns that of `y`. May be called any number of times.

    Raises
    ------
    GradientError
        If a tangent is of another structure, shape or kind than its argument.

    Notes
    -----
    Where a slope is infinite (``sqrt`` at 0), a tangent that is 0 there makes NaN; `jvp` says 0.

    Examples
    --------
    >>> y, push = linearize(np.sin, np.zeros(2))
    >>> push(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    y, pullback = vjp(f, *primals)
    _, transposed = vjp(pullback, tree_map(_some_cotangent, y))

    given = [flatten(x, is_numbers) for x in primals]

    def push(*tangents: Any) -> Any:
        moves = [flatten(t, is_numbers) for t in tangents]
        if [spec for _, spec in moves] != [spec for _, spec in given]:
            raise GradientError("linearize: the tangents are not of the structure of the arguments")
        for (txs, _), (xs, _) in zip(moves, given, strict=True):
            for tx, x in zip(txs, xs, strict=True):
                moving(tx, as_primal(x, "linearize"), "linearize: a tangent", "primal")
        return tree_map(bare, transposed(tangents)[0])

    return y, push


def _some_cotangent(y: Any) -> Any:
    """Where to linearize a pullback: anywhere but at 0, where rules treat what is 0 with care."""
    y = as_array(y)
    return np.ones(y.shape, y.dtype if y.dtype.kind in "fc" else float)


# ---------------------------------------------------------------------------- for arrays of cases


def elementwise_grad(f: Callable[..., Any], check: bool = False) -> Callable[..., Any]:
    """The derivative of an elementwise function, for all elements of its first argument at once.

    Parameters
    ----------
    f : callable
        A function whose k-th result depends on the k-th element of its first argument only.
    check : bool
        Make sure of that, by comparing with the derivative along a random direction.

    Returns
    -------
    callable
        With the arguments of `f`; returns an array in the shape of the first.

    Raises
    ------
    ShapeError
        If the result has another shape than the argument.
    CheckError
        With `check`, if the Jacobian is not diagonal.

    Examples
    --------
    >>> elementwise_grad(np.tanh)(np.zeros(3))
    array([1., 1., 1.])
    >>> elementwise_grad(np.cumsum, check=True)(np.zeros(3))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    dezero.errors.CheckError: elementwise_grad(cumsum): the Jacobian of cumsum is not diagonal: ...
    """
    return derived(_elementwise_grad, f, check)


def _elementwise_grad(f: Any, check: bool, /, *args: Any, **kwargs: Any) -> Any:
    name = getattr(f, "__name__", "f")
    g, (x,) = split(f, 0, "elementwise_grad", args, kwargs)
    y, pullback = vjp(g, x)
    if not isinstance(y, (Box, np.ndarray, np.generic, *NUMBER)):
        raise OperandError(f"elementwise_grad({name}): {name} returned {type(y)}, not one array")
    if np.shape(y) != np.shape(x):
        raise ShapeError(
            f"elementwise_grad({name}): {name} made an array of shape {np.shape(y)} of one of "
            f"{np.shape(x)}; use dz.jacobian"
        )
    if as_array(y).dtype.kind != "c" and as_array(x).dtype.kind == "c":
        raise DifferentiationError(
            f"elementwise_grad({name}): a real function of complex numbers has no complex "
            "derivative; use dz.grad"
        )
    (slope,) = pullback(np.ones(np.shape(y), as_array(y).dtype))
    slope = np.conjugate(slope) if as_array(slope).dtype.kind == "c" else slope
    if check:
        _check_diagonal(g, x, slope, name)
    return slope


def _check_diagonal(f: Any, x: Any, slope: Any, name: str) -> None:
    x = as_primal(x, f"elementwise_grad({name})")
    t = np.asarray(np.random.default_rng(0).standard_normal(x.shape), x.dtype)
    moved = plain(as_array(jvp(f, (x,), (t,))[1]))
    expected = plain(as_array(slope * t))
    gap = np.max(np.abs(moved - expected), initial=0.0)
    if not gap <= 1e6 * np.finfo(x.dtype).eps * np.max(np.abs(expected), initial=0.0):
        raise CheckError(
            f"elementwise_grad({name}): the Jacobian of {name} is not diagonal: along a random "
            f"direction the derivative is off by {gap:.2g}; use dz.jacobian"
        )


def per_sample_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """The gradient of a loss for each sample by itself, in one pass.

    Parameters
    ----------
    f : callable
        The loss of one sample: ``f(params, *sample)``, one real number.

    Returns
    -------
    callable
        ``(params, *samples)``, where samples have one axis more in front; returns the gradients by
        `params`, with that axis in front.

    Raises
    ------
    NonScalarError
        If `f` returns anything but one real number for a sample.
    ShapeError
        If the samples count different numbers.
    OperandError
        If there is no sample.

    Examples
    --------
    >>> loss = lambda w, x, y: (w @ x - y) ** 2
    >>> per_sample_grad(loss)(np.ones(2), np.eye(2), np.zeros(2))
    array([[2., 0.],
           [0., 2.]])
    """
    return derived(_per_sample_grad, f)


def _per_sample_grad(f: Any, /, params: Any, *samples: Any, **kwargs: Any) -> Any:
    if not samples:
        raise OperandError("per_sample_grad: called as (params, *samples), with no sample given")
    return vmap(grad(f), (None, *(0 for _ in samples)))(params, *samples, **kwargs)
