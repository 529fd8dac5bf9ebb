"""What `dz.jit` saves: gradients replayed by the `numpy` backend, eager, by hand, and JAX's `jit`.

    python benchmarks/jit.py [--quick] [--json] [--strict] [--only PART …]

Arguments and results are NumPy arrays on all sides. JAX (requirements.txt) is compared where it is
installed, in float64 on the processor; it is waited for.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _derivatives import HIDDEN, half_squares, network, rosenbrock
from _harness import Bound, Side, compare, seconds, table

import dezero as dz

HALF = 0.5
"""The most of the eager gradient's time that a compiled one may take on small arrays."""


@dataclass(frozen=True)
class Task:
    """A function over a namespace, to be differentiated by its first argument.

    Attributes
    ----------
    f : callable
        ``f(xp, *args)``
    slope : callable
        ``slope(*args)``: the value and the gradient, as a person writes them with NumPy.
    small : bool
        Whether the time is that of calls, and not of arithmetic.
    """

    name: str
    f: Callable[..., Any]
    slope: Callable[..., Any]
    args: tuple[Any, ...]
    small: bool


# ---- the tasks ----


def rosenbrock_by_hand(x: Any) -> Any:
    """The value and the gradient."""
    s, left = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    g = np.zeros_like(x)
    g[1:] = 200.0 * s
    g[:-1] -= 400.0 * s * x[:-1] + 2.0 * left
    return np.sum(100.0 * s**2 + left**2), g


def network_by_hand(w: Any, inputs: Any, targets: Any) -> Any:
    """Likewise."""
    cut = HIDDEN * inputs.shape[1]
    hidden = np.tanh(inputs @ w[:cut].reshape(-1, HIDDEN) + w[cut : cut + HIDDEN])
    error = hidden @ w[cut + HIDDEN :] - targets
    inner = np.outer(error, w[cut + HIDDEN :]) * (1 - hidden**2)
    first = (inputs.T @ inner).ravel()
    g = np.concatenate([first, np.sum(inner, axis=0), hidden.T @ error])
    return 0.5 * np.sum(error**2), g


STEPS = 10


def chain(xp: Any, x: Any) -> Any:
    """Sine and products, ten times over."""
    y = x
    for _ in range(STEPS):
        y = y * x + xp.sin(y)
    return xp.sum(y)


def chain_by_hand(x: Any) -> Any:
    """Likewise."""
    ys = [x]
    for _ in range(STEPS):
        ys.append(ys[-1] * x + np.sin(ys[-1]))
    gy, gx = np.ones_like(x), np.zeros_like(x)
    for y in ys[-2::-1]:
        gx = gx + gy * y
        gy = gy * x + gy * np.cos(y)
    return np.sum(ys[-1]), gx + gy


def rosenbrock_tasks(_quick: bool) -> list[Task]:
    """Of 10 to 1,000 numbers."""
    rng = np.random.default_rng(0)
    return [
        Task(f"Rosenbrock, {n:,}", rosenbrock, rosenbrock_by_hand, (rng.normal(size=n),), n < 1000)
        for n in (10, 100, 1000)
    ]


def network_tasks(_quick: bool) -> list[Task]:
    """One hidden layer, of a few inputs and of many."""
    rng = np.random.default_rng(1)
    tasks = []
    for n in (10, 1000):
        inputs, targets = rng.normal(size=(n, 4)), rng.normal(size=n)
        w = rng.normal(size=HIDDEN * 6) * 0.3
        args = (w, inputs, targets)
        tasks.append(
            Task(f"network, {n:,}", half_squares(network), network_by_hand, args, n < 1000)
        )
    return tasks


def chain_tasks(quick: bool) -> list[Task]:
    """From calls to memory."""
    rng = np.random.default_rng(2)
    return [
        Task(f"chain, {n:,}", chain, chain_by_hand, (rng.normal(size=n) * 0.5,), n < 1000)
        for n in ((10, 10_000) if quick else (10, 1000, 10_000, 100_000, 1_000_000))
    ]


# ---- the sides ----


def jax_or_none() -> Any:
    """JAX in float64, if it is installed."""
    if importlib.util.find_spec("jax") is None:
        return None
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def compilers(task: Task) -> dict[str, Callable[[], Callable[..., Any]]]:
    """How each library makes the compiled value and gradient."""
    f, jax = task.f, jax_or_none()
    made = {"dz.jit": lambda: dz.jit(dz.value_and_grad(lambda *args: f(np, *args)))}
    if jax is not None:

        def by_jax() -> Callable[..., Any]:
            compiled = jax.jit(jax.value_and_grad(lambda *args: f(jax.numpy, *args)))
            return lambda *args: jax.block_until_ready(compiled(*args))

        made["JAX jit"] = by_jax
    return made


def sides_of(task: Task) -> dict[str, Callable[..., Any]]:
    """The value and the gradient in each way; they must agree."""
    functions = {name: make() for name, make in compilers(task).items()}
    functions["eager"] = dz.value_and_grad(lambda *args: task.f(np, *args))
    functions["by hand"] = task.slope
    value, slope = task.slope(*task.args)
    for name, function in functions.items():
        a, b = function(*task.args)
        np.testing.assert_allclose(a, value, 1e-9, err_msg=name)
        np.testing.assert_allclose(b, slope, 1e-9, 1e-9, err_msg=name)
    return functions


def run_part(tasks: list[Task], quick: bool) -> dict[str, Any]:
    """Microseconds of each side, and what the compiled function's are of the others'."""
    microseconds, parts, bounds = {}, {}, []
    for task in tasks:
        calls: dict[str, Side] = {
            name: (lambda f=f, task=task: f(*task.args)) for name, f in sides_of(task).items()
        }
        times = compare(calls, *((3, 0.002) if quick else (21, 0.01)))
        microseconds[task.name] = {k: times.seconds(k) * 1e6 for k in calls}
        parts[task.name] = {k: times.ratio("dz.jit", k) for k in calls if k != "dz.jit"}
        if task.small:
            figure = parts[task.name]["eager"]
            bounds.append(Bound(f"jit / eager, {task.name}", figure, HALF))
    return {"µs": microseconds, "of": parts, "bounds": bounds}


def print_runs(result: dict[str, Any]) -> None:
    """A line for each task."""
    sides = list(next(iter(result["µs"].values())))
    others = sides[1:]
    rows = [
        [
            name,
            *(f"{times[k]:.1f}" for k in sides),
            *(f"{result['of'][name][k]:.2f}" for k in others),
        ]
        for name, times in result["µs"].items()
    ]
    print("\nvalue and gradient: µs, and the time of dz.jit as a part of the others'")
    print(table(["", *sides, *(f"of {k}" for k in others)], rows))


# ---- what a call costs, and a trace ----


def call_part(quick: bool) -> dict[str, Any]:
    """Microseconds of a call that does next to nothing, by the number of its arguments."""
    jax, found = jax_or_none(), {}
    for n in (1, 3, 10):
        args = [np.ones(3)] * n

        def f(*args: Any) -> Any:
            return args[0] + 1.0

        compiled = dz.jit(f)
        calls: dict[str, Side] = {
            "dz.jit": lambda compiled=compiled, args=args: compiled(*args),
            "NumPy": lambda f=f, args=args: f(*args),
        }
        if jax is not None:
            by_jax = jax.jit(f)
            calls["JAX jit"] = lambda g=by_jax, args=args: jax.block_until_ready(g(*args))
        times = compare(calls, *((3, 0.002) if quick else (21, 0.01)))
        found[f"{n}"] = {k: times.seconds(k) * 1e6 for k in calls}
    return {"arguments": found}


def print_calls(result: dict[str, Any]) -> None:
    """A line for each number of arguments."""
    sides = list(next(iter(result["arguments"].values())))
    rows = [[n, *(f"{each[k]:.1f}" for k in sides)] for n, each in result["arguments"].items()]
    print("\na call of x + 1 on 3 numbers, by the number of arguments: µs")
    print(table(["", *sides], rows))


def loop_task() -> Task:
    """A loop of a thousand turns, which is one equation."""

    def f(xp: Any, x: Any) -> Any:
        if xp is np:
            return dz.fori_loop(0, 1000, lambda _i, y: np.sin(y) * 1.01, x)
        lax = importlib.import_module("jax.lax")
        return lax.fori_loop(0, 1000, lambda _i, y: xp.sin(y) * 1.01, x)

    return Task("loop of 1,000 turns, value", f, f, (np.full(3, 0.5),), False)


def compile_part(quick: bool) -> dict[str, Any]:
    """Milliseconds of the first call, in which it is traced and compiled."""
    found = {}
    for task in (*rosenbrock_tasks(quick)[:1], *network_tasks(quick)[:1], *chain_tasks(quick)[:1]):
        made = compilers(task)
        seconds(lambda made=made, task=task: made["dz.jit"]()(*task.args))  # imports, tables
        found[task.name] = {
            name: min(seconds(lambda make=make, task=task: make()(*task.args)) for _ in range(3))
            * 1e3
            for name, make in made.items()
        }
    task, jax = loop_task(), jax_or_none()
    makers = {"dz.jit": (dz.jit, np)} | ({"JAX jit": (jax.jit, jax.numpy)} if jax else {})
    found[task.name] = {
        name: min(
            seconds(lambda make=make, xp=xp: make(lambda x: task.f(xp, x))(*task.args))
            for _ in range(3)
        )
        * 1e3
        for name, (make, xp) in makers.items()
    }
    return {"ms": found}


def print_compiles(result: dict[str, Any]) -> None:
    """A line for each task."""
    sides = list(next(iter(result["ms"].values())))
    rows = [[name, *(f"{each[k]:.1f}" for k in sides)] for name, each in result["ms"].items()]
    print("\nthe first call, traced and compiled: ms")
    print(table(["", *sides], rows))


PARTS: dict[str, harness.Part] = {
    "call": (call_part, print_calls),
    "rosenbrock": (lambda quick: run_part(rosenbrock_tasks(quick), quick), print_runs),
    "network": (lambda quick: run_part(network_tasks(quick), quick), print_runs),
    "chain": (lambda quick: run_part(chain_tasks(quick), quick), print_runs),
    "compile": (compile_part, print_compiles),
}

if __name__ == "__main__":
    harness.settle()
    sys.exit(harness.main(__doc__, PARTS, issue=5))
