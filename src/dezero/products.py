"""Products with derivatives, and derivatives of many cases: a few lines over `jvp` and `vjp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import vmap
from .box import Box, as_array, plain
from .errors import CheckError, DifferentiationError, GradientError, OperandError, ShapeError
from .jacobians import split
from .transforms import grad, jvp, vjp
from .trees import NUMBER, as_primal, bare, derived, flatten, is_numbers, moving, tree_map


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
