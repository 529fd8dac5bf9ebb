"""Solutions of equations, differentiated by the implicit function theorem.

Where r(x, θ) = 0 defines x(θ), its derivative solves ∂r/∂x · tx = -∂r/∂θ · tθ (e.g. Krantz & Parks
2013, "The Implicit Function Theorem", ch. 3): a linear system at the solution, whatever the way
there. That rule is NumPy code over `jvp` and `jacobian`, so it is differentiated in its turn, at
every order. The system is dense: n unknowns cost n² numbers and n³ operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .axes import pointwise
from .box import as_array, plain
from .custom import custom_jvp, levels
from .errors import ConvergenceError, DataError, LinAlgError, OperandError, ShapeError
from .jacobians import hessian, jacobian
from .loops import while_loop
from .primitives import Primitive
from .transforms import grad, jvp
from .trees import as_primal, bare, flatten, is_numbers, tree_map, unflatten

Residual = Callable[..., Any]


def root(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    solver: Callable[..., Any] | None = None,
    max_steps: int = 100,
) -> Any:
    """The x with ``f(x, *args) = 0``, as a function of `args` that can be differentiated.

    Newton's method with exact Jacobians and halved steps where the residual would grow.

    Parameters
    ----------
    f : callable
        Takes x and `args`, returns the structure and shapes of x. What it is differentiated by must
        come in `args`.
    x0
        Where to start: an array, a number, or a nested container. The result does not depend on
        it, and has no derivative by it.
    *args
        Arguments of `f`.
    solver : callable, optional
        ``solver(g, x0)`` finds a root of the function g of x alone, by any means; it need not be a
        precise one, for Newton's method goes on from there.
    max_steps : int
        Steps of Newton's method at the most.

    Returns
    -------
    x
        In the structure of `x0`.

    Raises
    ------
    ConvergenceError
        If the steps do not suffice.
    LinAlgError
        If the Jacobian is singular on the way, or at the root.

    Examples
    --------
    >>> cube_root = lambda a: root(lambda x, a: x**3 - a, 1.0, a)
    >>> print(cube_root(8.0))
    2.0
    >>> from dezero import grad
    >>> print(f"{grad(cube_root)(8.0):.12f}")  # 1 / (3 · 2²)
    0.083333333333
    """
    space = Space(x0, "root")

    def residual(x: Any, *values: Any) -> Any:
        return space.pack(f(space.unpack(x), *values), "f")

    def find(x: Any, *values: Any) -> Any:
        x = space.led_by(solver, lambda y: f(y, *values), x)
        return newton(lambda x: residual(x, *values), x, max_steps, "root")

    return solution(space, find, residual, args)


def fixed_point(f: Callable[..., Any], x0: Any, *args: Any, max_steps: int = 10_000) -> Any:
    """The x with ``x = f(x, *args)``, as a function of `args` that can be differentiated.

    Applies `f` again and again until nothing moves: `f` must contract around the solution.

    Parameters
    ----------
    f : callable
        Takes x and `args`, returns the structure and shapes of x. What it is differentiated by must
        come in `args`.
    x0
        Where to start: an array, a number, or a nested container. There is no derivative by it.
    *args
        Arguments of `f`.
    max_steps : int
        Applications of `f` at the most.

    Returns
    -------
    x
        In the structure of `x0`.

    Raises
    ------
    ConvergenceError
        If the steps do not suffice.

    Examples
    --------
    >>> square_root = lambda a: fixed_point(lambda x, a: (x + a / x) / 2, 1.0, a)
    >>> print(square_root(9.0))
    3.0
    >>> from dezero import grad
    >>> print(f"{grad(square_root)(9.0):.12f}")  # 1 / (2 · 3)
    0.166666666667
    """
    space = Space(x0, "fixed_point")

    def apply(x: Any, *values: Any) -> Any:
        return space.pack(f(space.unpack(x), *values), "f")

    def find(x: Any, *values: Any) -> Any:
        return iterated(lambda x: apply(x, *values), x, max_steps)

    def residual(x: Any, *values: Any) -> Any:
        return apply(x, *values) - x

    return solution(space, find, residual, args)


def minimize(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    solver: Callable[..., Any] | None = None,
    max_steps: int = 200,
) -> Any:
    """The x where ``f(x, *args)`` has a local minimum, as a function of `args`.

    Newton's method with exact Hessians, damped where it would climb (Levenberg 1944). The
    derivative is that of the root of the gradient.

    Parameters
    ----------
    f : callable
        Takes x and `args`, returns one real number. What the minimum is differentiated by must come
        in `args`.
    x0
        Where to start: an array, a number, or a nested container of real numbers. The result has no
        derivative by it.
    *args
        Arguments of `f`.
    solver : callable, optional
        ``solver(g, x0)`` finds a minimum of the function g of x alone, by any means; it need not be
        a precise one, for Newton's method goes on from there.
    max_steps : int
        Steps at the most.

    Returns
    -------
    x
        In the structure of `x0`.

    Raises
    ------
    ConvergenceError
        If the steps do not suffice, or lead to a point that is no minimum.
    LinAlgError
        If the Hessian is singular at the minimum.

    Examples
    --------
    >>> ridge = lambda k: minimize(lambda x, k: (x - 3.0) ** 2 + k * x**2, 0.0, k)
    >>> print(ridge(0.5))
    2.0
    >>> from dezero import grad
    >>> print(f"{grad(ridge)(0.5):.12f}")  # -3 / (1 + k)²
    -1.333333333333
    """
    space = Space(x0, "minimize")
    if space.start.dtype.kind == "c":
        raise DataError(
            "minimize: x0 holds complex numbers; minimise over real and imaginary parts"
        )

    def height(x: Any, *values: Any) -> Any:
        return f(space.unpack(x), *values)

    def find(x: Any, *values: Any) -> Any:
        x = space.led_by(solver, lambda y: f(y, *values), x)
        return descended(lambda x: height(x, *values), x, max_steps)

    return solution(space, find, grad(height), args)


# ---------------------------------------------------------------------------- the theorem


def solution(space: Space, find: Residual, residual: Residual, args: tuple[Any, ...]) -> Any:
    """What `find` finds, with its derivatives by the floating numbers in `args`."""
    who = space.who
    leaves, spec = flatten(args, is_numbers)
    places = [k for k, leaf in enumerate(leaves) if floating(leaf)]

    def filled(f: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, *moving: Any) -> Any:
            values = list(leaves)
            for k, value in zip(places, moving, strict=True):
                values[k] = value
            return f(x, *unflatten(spec, values))

        return call

    r = filled(residual)

    def found(x: Any, *moving: Any) -> Any:
        y = filled(find)(x, *moving)
        known = {level for each in (x, *moving) for level in levels(each)}
        if not known.issuperset(levels(y)):
            raise OperandError(
                f"{who}: the function uses a value that is being differentiated (or mapped over) "
                "and is no argument: pass it as one"
            )
        return y

    def rule(tangents: tuple[Any, ...], x: Any, _x0: Any, *moving: Any) -> Any:
        _, moved = jvp(lambda *values: r(x, *values), moving, tangents[1:])
        j = jacobian(r)(x, *moving)
        if np.any(np.linalg.cond(plain(j)) * np.finfo(x.dtype).eps > 0.1):
            raise LinAlgError(f"{who}: the solution has no derivative: {singular(who)}")
        return -np.linalg.solve(j, moved)

    x = custom_jvp(found, rule)(space.start, *(leaves[k] for k in places))
    return tree_map(bare, space.unpack(x))


def floating(x: Any) -> bool:
    """Whether a leaf can be differentiated by."""
    return isinstance(x, (float, complex, list)) or getattr(x, "dtype", np.dtype(int)).kind in "fc"


class Space:
    """Nested containers of arrays as vectors, and back."""

    def __init__(self, x0: Any, who: str) -> None:
        leaves, self.spec = flatten(x0, is_numbers)
        leaves = [as_primal(x, f"{who}: x0") for x in leaves]
        if not sum(x.size for x in leaves):
            raise DataError(f"{who}: x0 holds no number")
        self.who, self.shapes = who, [x.shape for x in leaves]
        self.start = np.concatenate([np.ravel(x) for x in leaves])

    def pack(self, tree: Any, source: str) -> Any:
        """A vector of what `source` gave, which must be like x0."""
        leaves, spec = flatten(tree)
        leaves = [as_array(x) for x in leaves]
        shapes = [x.shape for x in leaves]
        if spec != self.spec:
            raise ShapeError(f"{self.who}: {source} returned {spec} where x is {self.spec}")
        if shapes != self.shapes:
            raise ShapeError(
                f"{self.who}: {source} returned arrays of {shapes} where x has {self.shapes}"
            )
        vector = np.concatenate([np.ravel(x) for x in leaves])
        if vector.dtype != self.start.dtype:
            raise DataError(
                f"{self.who}: {source} returned {vector.dtype} where x0 is {self.start.dtype}; "
                f"start with x0 of {vector.dtype}"
            )
        return vector

    def led_by(self, solver: Callable[..., Any] | None, g: Callable[..., Any], x: Any) -> Any:
        """Where a user's solver leads from x; x itself if there is none."""
        return x if solver is None else self.pack(solver(g, self.unpack(x)), "the solver")

    def unpack(self, vector: Any) -> Any:
        """The containers of a vector's numbers."""
        parts, first = [], 0
        for shape in self.shapes:
            last = first + math.prod(shape)
            parts.append(np.reshape(vector[first:last], shape))
            first = last
        return unflatten(self.spec, parts)


# ---------------------------------------------------------------------------- ways to a solution
# All are loops over NumPy functions, so that they also run on a batch of problems.


def largest(x: Any) -> Any:
    """The maximum norm."""
    return np.max(np.abs(x))


def precision(x: Any) -> float:
    """The relative size of a step that counts as none: three quarters of the digits."""
    return math.pow(np.finfo(x.dtype).eps, 0.75)


STALLED = 8
"""So many steps without getting nearer mean that what is left is rounding, if it is small."""


def converged(step: Any, x: Any, first: Any, stalled: Any) -> Any:
    """Whether a step is nothing beside x, or small and as good as it gets."""
    eps = float(np.finfo(x.dtype).eps)
    size = np.maximum(largest(x), first)
    nothing = largest(step) <= np.maximum(precision(x) * largest(x), eps * eps * first)
    return nothing | ((stalled >= STALLED) & (largest(step) <= 64 * eps * np.maximum(size, 1)))


def nearer(left: Any, least: Any, stalled: Any) -> tuple[Any, Any]:
    """The least that was left so far, and how many steps did not lessen it."""
    size = largest(left)
    return np.minimum(size, least), np.where(size < least, 0, stalled + 1)


def ended(done: Any, left: Any, who: str, max_steps: int) -> None:
    """Raise if a loop has come to its last step without an end, or left the numbers."""
    if not np.all(np.isfinite(plain(left))):
        raise ConvergenceError(f"{who}: the steps run away to infinity; start elsewhere")
    if not np.all(plain(done)):
        raise ConvergenceError(
            f"{who}: no end after {max_steps} steps; what is left is of size "
            f"{np.max(np.abs(plain(left))):.3g}. Start nearer, or give more max_steps"
        )


def solved(matrix: Any, right: Any, who: str) -> Any:
    """The solution of linear equations, on the way."""
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{who}: {singular(who)} on the way; start elsewhere") from error


def singular(who: str) -> str:
    """What is singular."""
    return f"the {'Hessian' if who == 'minimize' else 'Jacobian'} is singular"


def iterated(f: Callable[[Any], Any], x: Any, max_steps: int) -> Any:
    """``f(f(… f(x)))`` until nothing moves."""
    y = f(x)
    first = largest(y - x)

    def going(carry: Any) -> Any:
        x, y, (_, stalled), k = carry
        return ~converged(y - x, y, first, stalled) & (k < max_steps)

    def advance(carry: Any) -> Any:
        _, x, progress, k = carry
        y = f(x)
        return x, y, nearer(y - x, *progress), k + 1

    with np.errstate(all="ignore"):  # what runs away is found at the end
        x, y, (_, stalled), _ = while_loop(going, advance, (x, y, (first, 0), 1))
    ended(converged(y - x, y, first, stalled), y - x, "fixed_point", max_steps)
    return y


def newton(r: Callable[[Any], Any], x: Any, max_steps: int, who: str) -> Any:
    """A root by Newton's method; a step is halved until the residual is no larger than before."""

    def step_from(x: Any, y: Any) -> Any:
        return solved(jacobian(r)(x), y, who)

    def shortened(x: Any, y: Any, step: Any) -> Any:
        """Where a step leads, and the residual there."""

        def too_far(carry: Any) -> Any:
            step, _, there = carry
            worse = ~(largest(there) <= largest(y))  # also where it is NaN
            return worse & (largest(step) > precision(x) * largest(x))

        def halve(carry: Any) -> Any:
            step = carry[0] / 2
            return step, x - step, r(x - step)

        return while_loop(too_far, halve, (step, x - step, r(x - step)))[1:]

    def going(carry: Any) -> Any:
        x, _, step, (_, stalled), k = carry
        return ~converged(step, x, first, stalled) & (k < max_steps)

    def advance(carry: Any) -> Any:
        x, y, step, progress, k = carry
        x, y = shortened(x, y, step)
        return x, y, step_from(x, y), nearer(y, *progress), k + 1

    y = r(x)
    step = step_from(x, y)
    first = largest(step)
    with np.errstate(all="ignore"):
        start = x, y, step, (largest(y), 0), 0
        x, y, step, (_, stalled), _ = while_loop(going, advance, start)
    ended(converged(step, x, first, stalled), y, who, max_steps)
    return x - step


lowest = Primitive(
    lambda h: np.linalg.eigvalsh(h)[..., 0],
    "the lowest eigenvalue",
    nondifferentiable=True,
    batching=pointwise,
)
"""Of a symmetric matrix: how it bends the most downwards. For decisions only."""

FIRST = 1e-4
"""Damping of a Newton step, relative to the Hessian, where a step has climbed."""


def descended(f: Callable[[Any], Any], x: Any, max_steps: int) -> Any:
    """A local minimum by Newton's method; what would climb is damped towards the gradient."""
    least = 16 * float(np.finfo(x.dtype).eps)

    def step_from(x: Any, damping: Any) -> Any:
        """A step down, also where the Hessian bends downwards: what it lacks is added."""
        h, g = hessian(f)(x), grad(f)(x)
        size = largest(h)
        size = np.where(size == 0, 1.0, size)
        lacking = np.where(lowest(h) > least * size, 0.0, FIRST * size - 2 * lowest(h))
        damped = h + (damping * size + lacking) * np.eye(g.size, dtype=g.dtype)
        return solved(damped, g, "minimize"), g

    def done(carry: Any) -> Any:
        x, _, damping, step, _, (_, stalled), _ = carry
        return converged(step, x, first, stalled) & ((damping <= least) | (stalled >= STALLED))

    def going(carry: Any) -> Any:
        *_, g, _, k = carry
        return ~done(carry) & (k < max_steps) & np.all(np.isfinite(g))

    def advance(carry: Any) -> Any:
        x, fx, damping, step, g, progress, k = carry
        y = x - step
        fy = f(y)
        rounding = 8 * float(np.finfo(x.dtype).eps) * np.abs(fx)
        better = (fy <= fx + rounding) & (np.sum(step * g) >= 0)
        calmer = np.where(damping > FIRST, damping / 10, least)
        damping = np.where(better, calmer, np.maximum(10 * damping, FIRST))
        x, fx = np.where(better, y, x), np.where(better, fy, fx)
        step, g = step_from(x, damping)
        return x, fx, damping, step, g, nearer(g, *progress), k + 1

    damping = np.asarray(least, x.dtype)
    step, g = step_from(x, damping)
    first = largest(step)
    with np.errstate(all="ignore"):
        start = x, f(x), damping, step, g, (largest(g), 0), 0
        end = while_loop(going, advance, start)
    x, _, _, step, g, *_ = end
    ended(done(end), g, "minimize", max_steps)
    h = hessian(f)(x)
    if np.any(plain(lowest(h)) < -(least**0.5) * plain(largest(h))):
        raise ConvergenceError("minimize: the way led to a saddle point; start elsewhere")
    return x - step
