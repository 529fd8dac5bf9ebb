"""Functions of functions. `jvp` and `vjp` are the base; the others are a few lines over them.

Arguments and results may be nested containers (dict, list, tuple, namedtuple, …): what is
differentiated are the arrays and numbers in them. A list of plain numbers is an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .box import Box, as_array, new_level
from .core import Node, Variable, attach, leaf, node_of, open_levels, own, seeds_of, sweep
from .errors import GradientError, NonScalarError, OperandError
from .forward import Dual, dual, still
from .trees import (
    NUMBER,
    as_primal,
    bare,
    derived,
    flatten,
    is_numbers,
    moving,
    peeled,
    settled,
    tree_map,
    unflatten,
)


class Watched:
    """Arguments inside Variables of a level of their own, and the way back to their shape."""

    __slots__ = ("boxed", "given", "level", "nodes", "spec")

    def __init__(self, args: tuple[Any, ...], who: str) -> None:
        self.level = level = new_level()
        self.given, self.spec = flatten(args, is_numbers)
        variables = [attach(as_primal(x, who), None, level) for x in self.given]
        self.nodes = list(map(leaf, variables))
        self.boxed: tuple[Any, ...] = self.spec.unflatten(variables)

    def call(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a function returns, without boxes of transforms that have ended inside."""
        level = self.level
        open_levels.add(level)
        try:
            result = f(*args, **kwargs)
        finally:
            open_levels.discard(level)
        if isinstance(result, Variable) and result._level == level:
            return result
        return tree_map(lambda y: peeled(y, self.level), result)

    def mine(self, y: Any) -> bool:
        """Whether a value was computed from the arguments."""
        return isinstance(y, Variable) and y._level == self.level

    def unboxed(self, tree: Any) -> Any:
        """A result without this level's boxes."""
        return tree_map(lambda y: settled(y._value) if self.mine(y) else y, tree)

    def pull(self, seeds: dict[Node, Any]) -> tuple[Any, ...]:
        """The arguments' cotangents, in their shape; a number's is a number."""
        found = sweep(seeds) if seeds else {}
        gxs = []
        for x, node in zip(self.given, self.nodes, strict=True):
            none = node not in found
            g = np.zeros(node.shape, node.dtype) if none else settled(own(found.pop(node)))
            g = g if g.dtype == node.dtype else g.astype(node.dtype)  # byte order
            gxs.append(g.item() if isinstance(x, NUMBER) and not isinstance(g, Box) else g)
        return self.spec.unflatten(gxs)  # type: ignore[no-any-return]  # a tuple, as args was


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

    Raises
    ------
    DifferentiationError
        If an argument holds integers.
    GradientError
        From `pullback`, if the cotangent is not like `y`.

    Examples
    --------
    >>> y, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    watched = Watched(primals, "vjp")
    ys, spec = flatten(watched.call(f, *watched.boxed))

    def pullback(gy: Any) -> tuple[Any, ...]:
        gys, given = flatten(gy)
        if given != spec:
            raise GradientError(f"pullback: the cotangent has structure {given}, not {spec}")
        what = "pullback: a cotangent"
        pairs = [(y, moving(g, y, what, "result")) for y, g in zip(ys, gys, strict=True)]
        return watched.pull(seeds_of((y, g) for y, g in pairs if watched.mine(y)))

    return tree_map(bare, watched.unboxed(unflatten(spec, ys))), pullback


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

    Raises
    ------
    OperandError
        If `primals` and `tangents` are no tuples.
    DifferentiationError
        If an argument holds integers.
    GradientError
        If the tangents are not like the arguments.
    GraphError
        If `f` calls a `Function` whose backward cannot be transposed.

    Examples
    --------
    >>> jvp(np.sin, (np.zeros(2),), (np.array([1.0, 2.0]),))
    (array([0., 0.]), array([1., 2.]))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise OperandError("jvp(f, primals, tangents): two tuples, one entry for each argument")
    level = new_level()
    xs, spec = flatten(tuple(primals), is_leaf=is_numbers)
    txs, moved = flatten(tuple(tangents), is_leaf=is_numbers)
    if spec != moved:
        raise GradientError(f"jvp: primals of structure {spec}, tangents of {moved}")
    duals = []
    for x, tx in zip(xs, txs, strict=True):
        x = as_primal(x, "jvp")
        duals.append(dual(x, moving(tx, x, "jvp: a tangent", "primal"), level))
    ys, spec = flatten(f(*unflatten(spec, duals)))
    ys = [peeled(y, level) for y in ys]
    mine = [isinstance(y, Dual) and y._level == level for y in ys]
    values = [settled(y._value) if ours else y for y, ours in zip(ys, mine, strict=True)]
    moves = [
        settled(y._tangent) if ours else None if isinstance(y, str) else still(as_array(y))
        for y, ours in zip(ys, mine, strict=True)
    ]
    return unflatten(spec, map(bare, values)), unflatten(spec, map(bare, moves))


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

    Raises
    ------
    NonScalarError, DifferentiationError
        As `grad`.

    Examples
    --------
    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    return derived(_value_and_grad, f, argnums, has_aux)


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
    >>> grad(lambda p: np.sum(p["w"] * p["b"]))({"b": 3.0, "w": np.ones(2)})
    {'b': 2.0, 'w': array([3., 3.])}
    >>> grad(grad(np.tanh))(0.0)
    -0.0
    """
    return derived(_grad, f, argnums, has_aux)


def _grad(f: Any, argnums: Any, has_aux: bool, /, *args: Any, **kwargs: Any) -> Any:
    _, aux, gradient = _differentiated(f, argnums, has_aux, args, kwargs)
    return (gradient, aux) if has_aux else gradient


def _value_and_grad(f: Any, argnums: Any, has_aux: bool, /, *args: Any, **kwargs: Any) -> Any:
    y, aux, gradient = _differentiated(f, argnums, has_aux, args, kwargs)
    return (y, aux) if has_aux else y, gradient


def _differentiated(
    f: Any, argnums: Any, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """The value of `f`, what came with it, and the gradient."""
    name = getattr(f, "__name__", "f")
    chosen = positions(argnums, len(args), name)
    watched = Watched(tuple([args[k] for k in chosen]), f"grad({name})")
    full = list(args)
    for k, boxed in zip(chosen, watched.boxed, strict=True):
        full[k] = boxed
    y = watched.call(f, *full, **kwargs)
    aux = None
    if has_aux:
        if not (isinstance(y, tuple) and len(y) == 2):
            raise OperandError(f"grad({name}, has_aux=True): {name} must return (value, aux)")
        y, aux = y[0], watched.unboxed(y[1])
    seeds = {}
    if watched.mine(y):
        node, value = node_of(y), bare(settled(y._value))
        if node.shape or node.dtype.kind != "f":
            check_scalar(y, name)
        seeds[node] = node.dtype.type(1)
        del node
    else:
        value = y
        check_scalar(y, name)
    del y  # the graph is freed while it is swept
    gradients = watched.pull(seeds)
    return value, aux, gradients if isinstance(argnums, (tuple, list)) else gradients[0]


def positions(argnums: Any, n: int, name: str, who: str = "grad") -> tuple[int, ...]:
    """`argnums` as positions counted from the front."""
    if type(argnums) is int and 0 <= argnums < n:
        return (argnums,)
    chosen = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    whole = [k for k in chosen if isinstance(k, (int, np.integer)) and not isinstance(k, bool)]
    found = tuple(int(k + n if k < 0 else k) for k in whole)
    valid = len(found) == len(chosen) == len(set(found)) and all(0 <= k < n for k in found)
    if not valid or not found:
        raise OperandError(
            f"{who}({name}): argnums={argnums!r} does not choose among {n} positional arguments"
        )
    return found


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
    if dtype.kind not in "fciu":
        raise NonScalarError(f"grad({name}): {name} returned {dtype}, not one real number")
    if dtype.kind == "c":
        raise NonScalarError(
            f"grad({name}): {name} returned a complex number; take its real part or abs(y)**2"
        )
