"""The tasks of `jit.py`: functions of many kinds, written once, and their gradients by hand.

A function is written over a namespace `xp` with NumPy's names, of which each library brings its
own, and what NumPy has no name for.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import _by_loops as by_loops
import numpy as np
from _derivatives import rosenbrock

import dezero as dz
from dezero.scipy import special


@dataclass(frozen=True)
class Task:
    """A function to be differentiated by its first argument: an array, or a tuple of arrays.

    Attributes
    ----------
    f : callable
        ``f(xp, params, *data)``, a number.
    by_hand : callable or None
        ``by_hand(params, *data)``: the value and the gradient, as a person writes them with NumPy.
    by_loops : callable or None
        The same as loops over numbers, for Numba.
    args : tuple
    hessian : bool
        Whether the Hessian is wanted instead.
    limit : float or None
        The most of JAX's time that `dz.jit` may take.
    """

    name: str
    f: Callable[..., Any]
    by_hand: Callable[..., Any] | None
    by_loops: Callable[..., Any] | None
    args: tuple[Any, ...]
    hessian: bool = False
    limit: float | None = None

    @property
    def numbers(self) -> int:
        """All that it is given."""
        parts = [each if isinstance(each, tuple) else (each,) for each in self.args]
        return sum(np.size(x) for part in parts for x in part)


# ---------------------------------------------------------------------------- words of each library

NAMES = ("exp", "logaddexp", "mean", "sin", "sqrt", "sum", "tanh")


def words(library: Any, **own: Any) -> Any:
    """NumPy's names as a library has them, and some of its own."""
    return types.SimpleNamespace(**{name: getattr(library, name) for name in NAMES}, **own)


def turns(n: int, body: Callable[[Any], Any], start: Any) -> Any:
    """A function again and again, as Python has it."""
    for _ in range(n):
        start = body(start)
    return start


@functools.cache
def numpy_words() -> Any:
    """NumPy's own, and DeZero's."""
    return words(
        np,
        array=np.array,
        log_sum=lambda x: special.logsumexp(x, axis=-1),
        turns=lambda n, body, y: dz.fori_loop(0, n, lambda _i, y: body(y), y),
    )


@functools.cache
def jax_words() -> Any:
    """JAX's, in float64."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def turns(n: int, body: Callable[[Any], Any], y: Any) -> Any:
        return jax.lax.scan(lambda y, _: (body(y), None), y, None, length=n)[0]

    log_sum = functools.partial(jax.nn.logsumexp, axis=-1)
    return words(jax.numpy, array=np.array, log_sum=log_sum, turns=turns)


@functools.cache
def torch_words() -> Any:
    """PyTorch's, on one thread."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return words(
        torch,
        array=functools.partial(torch.tensor, dtype=torch.float64),
        log_sum=lambda x: torch.logsumexp(x, -1),
        turns=turns,
    )


# ---------------------------------------------------------------------------- chains


def chain_of(steps: int) -> Callable[..., Any]:
    """Sine and products, again and again: three operations each time."""

    def chain(xp: Any, x: Any) -> Any:
        y = x
        for _ in range(steps):
            y = y * x + xp.sin(y)
        return xp.sum(y)

    return chain


def chain_by_hand(steps: int) -> Callable[..., Any]:
    """Likewise."""

    def both(x: Any) -> Any:
        ys = [x]
        for _ in range(steps):
            ys.append(ys[-1] * x + np.sin(ys[-1]))
        gy, gx = np.ones_like(x), np.zeros_like(x)
        for y in ys[-2::-1]:
            gx += gy * y
            gy = gy * x + gy * np.cos(y)
        return np.sum(ys[-1]), gx + gy

    return both


def chains(quick: bool) -> list[Task]:
    """From calls to memory; and longer ones."""
    rng = np.random.default_rng(2)
    sizes = (10, 10_000) if quick else tuple(10**k for k in range(1, 8))
    return [
        Task(
            f"chain of {3 * steps}, {n:,}",
            chain_of(steps),
            chain_by_hand(steps),
            by_loops.chain(steps),
            (rng.uniform(-0.5, 0.5, n),),
            limit=0.4 if n == 10_000 else None,
        )
        for steps in (10, 100)
        for n in (sizes if steps == 10 else (10_000,))
    ]


# ---------------------------------------------------------------------------- Rosenbrock


def rosenbrock_by_hand(x: Any) -> Any:
    """The value and the gradient."""
    s, left = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    g = np.zeros_like(x)
    g[1:] = 200.0 * s
    g[:-1] -= 400.0 * s * x[:-1] + 2.0 * left
    return np.sum(100.0 * s**2 + left**2), g


def rosenbrock_hessian(x: Any) -> Any:
    """Three diagonals."""
    diagonal = np.zeros_like(x)
    diagonal[1:] = 200.0
    diagonal[:-1] += 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    beside = -400.0 * x[:-1]
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def rosenbrocks(quick: bool) -> list[Task]:
    """Values and gradients, and Hessians."""
    rng = np.random.default_rng(0)
    loops = by_loops.rosenbrock, by_loops.rosenbrock_hessian
    xs = {n: rng.normal(size=n) for n in (10, 100, 1000, *(() if quick else (100_000,)))}
    return [
        Task(
            f"Rosenbrock, {n:,}",
            rosenbrock,
            rosenbrock_by_hand,
            loops[0],
            (x,),
            limit=0.15 if n <= 100 else None,
        )
        for n, x in xs.items()
    ] + [
        Task(f"its Hessian, {n:,}", rosenbrock, rosenbrock_hessian, loops[1], (xs[n],), True)
        for n in ((10, 100) if quick else (10, 100, 1000))
    ]


# ---------------------------------------------------------------------------- models


def logistic(xp: Any, w: Any, inputs: Any, labels: Any) -> Any:
    """The loss of logistic regression, of labels -1 and 1."""
    return xp.sum(xp.logaddexp(xp.array(0.0), -labels * (inputs @ w)))


def logistic_by_hand(w: Any, inputs: Any, labels: Any) -> Any:
    """The value and the gradient."""
    margins = labels * (inputs @ w)
    error = -labels / (1.0 + np.exp(margins))
    return np.sum(np.logaddexp(0.0, -margins)), inputs.T @ error


def mixture(xp: Any, params: Any, x: Any) -> Any:
    """The loss of a mixture of Gaussians with diagonal covariances."""
    weights, means, log_scales = params
    apart = (x[:, None, :] - means) * xp.exp(-log_scales)
    each = weights - xp.sum(log_scales, axis=1) - 0.5 * xp.sum(apart**2, axis=2)
    return x.shape[0] * xp.log_sum(weights) - xp.sum(xp.log_sum(each))


def mixture_by_hand(params: Any, x: Any) -> Any:
    """The value and the gradient."""
    weights, means, log_scales = params
    inverse = np.exp(-log_scales)
    apart = (x[:, None, :] - means) * inverse
    each = weights - np.sum(log_scales, axis=1) - 0.5 * np.sum(apart * apart, axis=2)
    most = np.max(each, axis=1, keepdims=True)
    shares = np.exp(each - most)
    totals = np.sum(shares, axis=1, keepdims=True)
    shares /= totals
    top = np.max(weights)
    all_weights = top + np.log(np.sum(np.exp(weights - top)))
    value = len(x) * all_weights - np.sum(most + np.log(totals))
    shared = np.sum(shares, axis=0)
    first = shares[:, :, None] * apart
    slopes = (
        len(x) * np.exp(weights - all_weights) - shared,
        -np.sum(first, axis=0) * inverse,
        shared[:, None] - np.sum(first * apart, axis=0),
    )
    return value, slopes


def classifier(xp: Any, params: Any, inputs: Any, labels: Any) -> Any:
    """The loss of a network of two layers; labels are rows of 0 and 1."""
    first, shift, second, offset = params
    out = xp.tanh(inputs @ first + shift) @ second + offset
    return xp.mean(xp.log_sum(out) - xp.sum(labels * out, axis=1))


def classifier_by_hand(params: Any, inputs: Any, labels: Any) -> Any:
    """The value and the gradient."""
    first, shift, second, offset = params
    hidden = np.tanh(inputs @ first + shift)
    out = hidden @ second + offset
    most = np.max(out, axis=1, keepdims=True)
    shares = np.exp(out - most)
    totals = np.sum(shares, axis=1, keepdims=True)
    value = np.mean((most + np.log(totals))[:, 0] - np.sum(labels * out, axis=1))
    outer = (shares / totals - labels) / len(inputs)
    inner = outer @ second.T * (1.0 - hidden * hidden)
    slopes = inputs.T @ inner, np.sum(inner, axis=0), hidden.T @ outer, np.sum(outer, axis=0)
    return value, slopes


def models(quick: bool) -> list[Task]:
    """Logistic regression, mixtures, networks."""
    rng = np.random.default_rng(1)
    tasks = []
    for n, d in ((1000, 20),):
        data = rng.normal(size=(n, d)), np.sign(rng.normal(size=n))
        task = logistic, logistic_by_hand, by_loops.logistic, (rng.normal(size=d) * 0.1, *data)
        tasks.append(Task(f"logistic regression, {n:,} × {d}", *task))
    sizes = ((1000, 3, 5),) if quick else ((1000, 3, 5), (10_000, 3, 5), (1000, 10, 8))
    for n, d, k in sizes:
        params = rng.normal(size=k), rng.normal(size=(k, d)), rng.normal(size=(k, d)) * 0.3
        parts = mixture, mixture_by_hand, by_loops.mixture, (params, rng.normal(size=(n, d)))
        tasks.append(Task(f"mixture of {k}, {n:,} × {d}", *parts, limit=0.7))
    return tasks


def networks(_quick: bool) -> list[Task]:
    """64 numbers, 128 hidden ones, 10 classes; by the size of a batch."""
    rng, tasks = np.random.default_rng(3), []
    shapes = (64, 128), (128,), (128, 10), (10,)
    params = tuple(rng.normal(size=shape) / np.sqrt(shape[0]) for shape in shapes)
    for n in (1, 32, 256):
        data = rng.normal(size=(n, 64)), np.eye(10)[rng.integers(10, size=n)]
        parts = classifier, classifier_by_hand, by_loops.classifier, (params, *data)
        tasks.append(Task(f"network, batch of {n}", *parts, limit=1.0 if n > 1 else None))
    return tasks


# ---------------------------------------------------------------------------- physics

STEPS, STEP = 1000, 0.01


def orbit(xp: Any, params: Any, target: Any) -> Any:
    """Hunters and prey (Lotka and Volterra) after 1,000 steps of Runge and Kutta's method."""
    a, b, c, d = (params[k] for k in range(4))

    def rates(y: Any, z: Any) -> Any:
        return a * y - b * y * z, c * y * z - d * z

    def step(state: Any) -> Any:
        y, z = state
        y1, z1 = rates(y, z)
        y2, z2 = rates(y + STEP / 2 * y1, z + STEP / 2 * z1)
        y3, z3 = rates(y + STEP / 2 * y2, z + STEP / 2 * z2)
        y4, z4 = rates(y + STEP * y3, z + STEP * z3)
        further = y1 + 2.0 * y2 + 2.0 * y3 + y4, z1 + 2.0 * z2 + 2.0 * z3 + z4
        return y + STEP / 6 * further[0], z + STEP / 6 * further[1]

    y, z = xp.turns(STEPS, step, (xp.array(1.0), xp.array(1.0)))
    return (y - target[0]) ** 2 + (z - target[1]) ** 2


def attraction(xp: Any, x: Any) -> Any:
    """The energy of points that attract each other: of the distances of all pairs."""
    apart = x[:, None, :] - x[None, :, :]
    return xp.sum(1.0 / xp.sqrt(xp.sum(apart**2, axis=2) + 0.1))


def attraction_by_hand(x: Any) -> Any:
    """The value and the gradient."""
    apart = x[:, None, :] - x[None, :, :]
    each = 1.0 / np.sqrt(np.sum(apart * apart, axis=2) + 0.1)
    pull = np.sum(each**3, axis=1)[:, None] * x - each**3 @ x
    return np.sum(each), -2.0 * pull


def physics(quick: bool) -> list[Task]:
    """An equation of motion, and distances of all pairs."""
    rng = np.random.default_rng(4)
    params, target = np.array([1.5, 1.0, 1.0, 3.0]), np.array([1.0, 2.0])
    name = f"Runge and Kutta, {STEPS:,} steps"
    tasks = [Task(name, orbit, None, by_loops.orbit(STEPS, STEP), (params, target))]
    for n in (100,) if quick else (100, 1000):
        parts = attraction, attraction_by_hand, by_loops.attraction, (rng.normal(size=(n, 3)),)
        tasks.append(Task(f"all pairs of {n:,}", *parts))
    return tasks


FAMILIES: dict[str, Callable[[bool], list[Task]]] = {
    "chain": chains,
    "rosenbrock": rosenbrocks,
    "model": models,
    "network": networks,
    "physics": physics,
}


# ---------------------------------------------------------------------------- the libraries


def there(name: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


def mapped(fn: Callable[[Any], Any], args: tuple[Any, ...]) -> list[Any]:
    """The arguments with each array as another."""
    return [tuple(map(fn, x)) if isinstance(x, tuple) else fn(x) for x in args]


def dezero(task: Task) -> Callable[..., Any]:
    """The value and the gradient, or the Hessian, as a function of the arguments."""
    xp, f = numpy_words(), task.f
    transform = dz.hessian if task.hessian else dz.value_and_grad
    made: Callable[..., Any] = transform(lambda *args: f(xp, *args))
    return made


def by_dezero(task: Task, backend: str | None) -> Callable[[], Any]:
    """`dz.jit` with a backend."""
    f, args = dz.jit(dezero(task), backend=backend), task.args
    return lambda: f(*args)


def eager(task: Task) -> Callable[[], Any]:
    """DeZero without `jit`."""
    f, args = dezero(task), task.args
    return lambda: f(*args)


def by_jax(task: Task) -> Callable[[], Any]:
    """JAX's `jit`, with arguments that are arrays of its own; it is waited for."""
    xp, jax = jax_words(), importlib.import_module("jax")
    transform = jax.hessian if task.hessian else jax.value_and_grad
    f = jax.jit(transform(lambda *args: task.f(xp, *args)))
    args = mapped(jax.numpy.asarray, task.args)
    return lambda: jax.block_until_ready(f(*args))


def by_torch(task: Task) -> Callable[[], Any]:
    """PyTorch as it runs without being compiled."""
    xp, torch = torch_words(), importlib.import_module("torch")
    args = mapped(torch.from_numpy, task.args)
    if task.hessian:
        f = torch.func.hessian(lambda *args: task.f(xp, *args))
        return lambda: f(*args)
    single = not isinstance(args[0], tuple)
    leaves = [x.requires_grad_() for x in ([args[0]] if single else args[0])]

    def both() -> Any:
        value = task.f(xp, *args)
        slopes = torch.autograd.grad(value, leaves)
        return value.detach(), slopes[0] if single else slopes

    return both


def by_numba(task: Task) -> Callable[[], Any]:
    """Loops by hand, compiled by Numba."""
    f = importlib.import_module("numba").njit(task.by_loops)
    return lambda: f(*task.args)


MAKERS: dict[str, Callable[[Task], Callable[[], Any]]] = {
    "dz.jit": lambda task: by_dezero(task, None),
    "numpy backend": lambda task: by_dezero(task, "numpy"),
    "JAX jit": by_jax,
    "Numba": by_numba,
    "PyTorch": by_torch,
    "NumPy": lambda task: lambda: task.by_hand(*task.args),  # type: ignore[misc]  # see `makers`
    "eager": eager,
}
"""By the names of sides: ``make(task)()`` is the value and the gradient, or the Hessian."""

MODULES = {"JAX jit": "jax", "Numba": "numba", "PyTorch": "torch"}


def makers(task: Task, *names: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Those of some sides that are here, and do the task."""
    lacks = {"Numba": task.by_loops is None, "NumPy": task.by_hand is None}
    return {
        name: (lambda make=MAKERS[name]: make(task))
        for name in names
        if there(MODULES.get(name, "numpy")) and not lacks.get(name)
    }


def numbers_of(result: Any) -> list[Any]:
    """The arrays of a result, flat."""
    if isinstance(result, (tuple, list)):
        return [x for each in result for x in numbers_of(each)]
    return [np.asarray(result)]


def sides(task: Task, *names: str) -> dict[str, Callable[[], Any]]:
    """Each side of a task, once all agree."""
    found = {name: make() for name, make in makers(task, *names).items()}
    right = numbers_of(next(iter(found.values()))())
    for name, side in found.items():
        for mine, other in zip(numbers_of(side()), right, strict=True):
            scale = np.max(np.abs(other))
            np.testing.assert_allclose(mine, other, 1e-8, 1e-9 * scale, err_msg=name)
    return found
