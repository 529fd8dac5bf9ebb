"""Functions of functions. `jvp` and `vjp` are the base; the others are a few lines over them.

Arguments and results may be nested containers (dict, list, tuple, namedtuple, …): what is
differentiated are the arrays and numbers in them. A list of plain numbers is an array.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from .box import Box, as_array, new_level, plain
from .core import Node, Variable, attach, node_of, own, sweep
from .errors import DataError, DifferentiationError, GradientError, NonScalarError, OperandError
from .forward import Dual, dual

NUMBER = (bool, int, float, complex)
flatten: Any = optree.tree_flatten
unflatten: Any = optree.tree_unflatten
tree_map: Any = optree.tree_map


def is_numbers(x: Any) -> bool:
    """Whether a list holds only numbers, in lists of lists or not: then it is an array."""
    return (
        isinstance(x, list) and bool(x) and all(isinstance(e, NUMBER) or is_numbers(e) for e in x)
    )


def leaf(x: Any, who: str) -> Any:
    """A leaf of an argument as floating or complex data that can be differentiated by.

    Python's own numbers are made floating; an integer array is refused.
    """
    if isinstance(x, (*NUMBER, list)):
        x = np.asarray(x)
        if x.dtype.kind in "iub":
            x = x.astype(np.float64)
    elif isinstance(x, np.generic):
        x = np.asarray(x)
    dtype = getattr(x, "dtype", None)
    if dtype is None or not hasattr(x, "shape") or dtype.kind not in "fciub":
        raise DataError(f"{who}: cannot differentiate by {type(x)}: arrays and numbers only")
    if dtype.kind not in "fc":
        raise DifferentiationError(
            f"{who}: cannot differentiate by {dtype} data; make it floating: x.astype(float)"
        )
    return x


class Watched:
    """Arguments inside Variables of a level of their own, and the way back to their shape."""

    def __init__(self, args: tuple[Any, ...], who: str) -> None:
        self.level = new_level()
        self.given, self.spec = flatten(args, is_leaf=is_numbers)
        self.variables = [attach(leaf(x, who), None, self.level) for x in self.given]
        self.nodes = [node_of(v) for v in self.variables]
        self.boxed: tuple[Any, ...] = unflatten(self.spec, self.variables)

    def mine(self, y: Any) -> bool:
        """Whether a value was computed from the arguments."""
        return isinstance(y, Variable) and y._level == self.level

    def unboxed(self, tree: Any) -> Any:
        """A result without this level's boxes."""
        return tree_map(lambda y: y._data if self.mine(y) else y, tree)

    def pull(self, seeds: dict[Node, Any]) -> tuple[Any, ...]:
        """The arguments' cotangents, in their shape; a number's is a number."""
        found = sweep(seeds) if seeds else {}
        gxs = []
        for x, node in zip(self.given, self.nodes, strict=True):
            g = found.get(node)
            g = np.zeros(node.shape, node.dtype) if g is None else own(g)
            gxs.append(g.item() if isinstance(x, NUMBER) and not isinstance(g, Box) else g)
        return unflatten(self.spec, gxs)  # type: ignore[no-any-return]  # a tuple, as args was


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f`, and the function that pulls a cotangent of it back to the arguments.

    Parameters
    ----------
    f : callable
        Any function of arrays written with NumPy.
    *primals
        Where to evaluate it: arrays, numbers, or nested containers of them.

    Returns
    -------
    y
        ``f(*primals)``.
    pullback : callable
        Given a cotangent in the structure, shape and dtype of `y`, the tuple of the arguments'
        cotangents. May be called any number of times.

    Examples
    --------
    >>> y, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    watched = Watched(primals, "vjp")
    ys, spec = flatten(f(*watched.boxed))

    def pullback(gy: Any) -> tuple[Any, ...]:
        gys, given = flatten(gy)
        if given != spec:
            raise GradientError(f"pullback: the cotangent has structure {given}, not {spec}")
        seeds: dict[Node, Any] = {}
        for y, g in zip(ys, gys, strict=True):
            g = as_array(g)
            if g.shape != np.shape(y):
                raise GradientError(
                    f"pullback: a cotangent of shape {g.shape} for a result of {np.shape(y)}"
                )
            if watched.mine(y):
                node = node_of(y)
                g = g if g.dtype == node.dtype else g.astype(node.dtype)
                seeds[node] = seeds[node] + g if node in seeds else g
        return watched.pull(seeds)

    return watched.unboxed(unflatten(spec, ys)), pullback


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` and its directional derivative: ``(y, ty)``.

    Parameters
    ----------
    f : callable
        Any function of arrays written with NumPy.
    primals, tangents : tuples
        The arguments, and how each moves, in the same structure and shapes.

    Returns
    -------
    y, ty
        ``f(*primals)`` and the rate at which it changes, in the same structure.

    Examples
    --------
    >>> jvp(np.sin, (0.0,), (2.0,))
    (0.0, 2.0)
    """
    level = new_level()
    xs, spec = flatten(tuple(primals), is_leaf=is_numbers)
    txs, moved = flatten(tuple(tangents), is_leaf=is_numbers)
    if spec != moved:
        raise GradientError(f"jvp: primals of structure {spec}, tangents of {moved}")
    duals = []
    for x, tx in zip(xs, txs, strict=True):
        x, tx = leaf(x, "jvp"), as_array(tx)
        if x.shape != tx.shape:
            raise GradientError(f"jvp: a tangent of shape {tx.shape} for a primal of {x.shape}")
        duals.append(dual(x, tx, level))
    ys, spec = flatten(f(*unflatten(spec, duals)))
    mine = [isinstance(y, Dual) and y._level == level for y in ys]
    values = [y._data if ours else y for y, ours in zip(ys, mine, strict=True)]
    moves = [
        y._tangent if ours else np.zeros_like(as_array(plain(y)))
        for y, ours in zip(ys, mine, strict=True)
    ]
    return unflatten(spec, map(bare, values)), unflatten(spec, map(bare, moves))


def bare(y: Any) -> Any:
    """A 0-d array as NumPy itself would return it: a scalar."""
    return y[()] if type(y) is np.ndarray and y.ndim == 0 else y


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns the value of `f` and its gradient.

    Parameters
    ----------
    f : callable
        A function that returns one real number, written with NumPy.
    argnums : int or tuple of ints
        Which positional arguments to differentiate by.
    has_aux : bool
        `f` returns ``(y, aux)``; `aux` is handed through.

    Returns
    -------
    callable
        With the arguments of `f`; returns ``(y, gradient)``, or ``((y, aux), gradient)``. See
        `grad` for the gradient.

    Examples
    --------
    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    call = functools.partial(_value_and_grad, f, argnums, has_aux)
    return functools.update_wrapper(call, f)


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The gradient function of a scalar function.

    Parameters
    ----------
    f : callable
        A function that returns one real number, written with NumPy.
    argnums : int or tuple of ints
        Which positional arguments to differentiate by.
    has_aux : bool
        `f` returns ``(y, aux)``; `aux` is handed through.

    Returns
    -------
    callable
        With the arguments of `f`. Returns the gradient in the structure of the argument (a tuple
        of gradients for a tuple of `argnums`), each in the shape and dtype of its array; of a
        Python number, a Python number. With `has_aux`, ``(gradient, aux)``.
        For complex arguments it is ∂f/∂Re z + i ∂f/∂Im z, so that ``z - rate * gradient`` descends
        (PyTorch's convention; JAX and HIPS autograd return its conjugate).

    Raises
    ------
    NonScalarError
        If `f` returns anything but one real number.
    DifferentiationError
        If an argument to differentiate by holds integers.

    Examples
    --------
    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(lambda p: np.sum(p["w"] * p["b"]))({"w": np.ones(2), "b": 3.0})
    {'b': 2.0, 'w': array([3., 3.])}
    >>> grad(grad(np.tanh))(0.0)
    -0.0
    """
    call = functools.partial(_grad, f, argnums, has_aux)
    return functools.update_wrapper(call, f)


def _grad(f: Any, argnums: Any, has_aux: bool, /, *args: Any, **kwargs: Any) -> Any:
    y, gradient = _value_and_grad(f, argnums, has_aux, *args, **kwargs)
    return (gradient, y[1]) if has_aux else gradient


def _value_and_grad(f: Any, argnums: Any, has_aux: bool, /, *args: Any, **kwargs: Any) -> Any:
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    name = getattr(f, "__name__", "f")
    if not chosen or not all(isinstance(k, int) and -len(args) <= k < len(args) for k in chosen):
        raise OperandError(
            f"grad({name}): argnums={argnums!r}, but there are {len(args)} positional arguments"
        )
    watched = Watched(tuple(args[k] for k in chosen), f"grad({name})")
    full = list(args)
    for k, boxed in zip(chosen, watched.boxed, strict=True):
        full[k] = boxed
    y = f(*full, **kwargs)
    aux = None
    if has_aux:
        if not (isinstance(y, tuple) and len(y) == 2):
            raise OperandError(f"grad({name}, has_aux=True): {name} must return (value, aux)")
        y, aux = y[0], watched.unboxed(y[1])
    check_scalar(y, name)
    mine = watched.mine(y)
    seeds = {node_of(y): np.ones((), y.dtype)} if mine else {}
    gradients = watched.pull(seeds)
    value = bare(y._data) if mine else y
    return (value, aux) if has_aux else value, (
        gradients[0] if isinstance(argnums, int) else gradients
    )


def check_scalar(y: Any, name: str) -> None:
    """A gradient is of one real number."""
    if not isinstance(y, (Box, *NUMBER, np.generic, np.ndarray)):
        raise NonScalarError(f"grad({name}): {name} returned {type(y)}, not one real number")
    shape, dtype = np.shape(y), getattr(y, "dtype", None) or np.result_type(y)
    if shape != ():
        raise NonScalarError(
            f"grad({name}): {name} returned an array of shape {shape}, not one real number; "
            "reduce it (`.sum()`, `.mean()`), or take one element"
        )
    if dtype.kind == "c":
        raise NonScalarError(
            f"grad({name}): {name} returned a complex number; take its real part or abs(y)**2"
        )
