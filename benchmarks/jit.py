"""What `dz.jit` makes of functions and gradients, beside JAX, Numba, PyTorch and NumPy by hand.

    python benchmarks/jit.py [--quick] [--json] [--strict] [--only PART …] [--plot FILE]

All sides compute in float64 on one thread, get arrays of their own library (but for "call", where
they are NumPy's), are warm, and agree first. A peer that is not installed (requirements.txt) is
left out. `dz.jit` is compiled anew here: nothing comes from the disk.
"""

from __future__ import annotations

import os

os.environ["DEZERO_CACHE_DIR"] = ""
os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1 "
    + os.environ.get("XLA_FLAGS", "")
)

import _harness as harness  # before NumPy: it sets the number of threads

# isort: split
import contextlib
import ctypes
import functools
import gc
import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import _tasks as tasks
import numpy as np
from _harness import Bound, Side, compare, fresh, high_water, seconds, table
from _tasks import FAMILIES, Task, makers, sides, there

import dezero as dz

Result = dict[str, Any]

PEERS = ("JAX jit", "Numba", "PyTorch", "NumPy")
"""Whom `dz.jit` is compared with."""

HALF = 0.5
"""The most of the eager gradient's time that the `numpy` backend may take on small arrays."""


def measured(calls: dict[str, Side], quick: bool) -> harness.Times:
    """The times of some sides."""
    return compare(calls, *((3, 0.002) if quick else (21, 0.01)))


# ---------------------------------------------------------------------------- a call


def a_call(quick: bool) -> Result:
    """The gradient of a sum of squared sines, of 10 numbers; and x + 1 of several arguments."""
    found, bounds = {}, []
    x = np.linspace(0.0, 1.0, 10)
    cases: dict[str, tuple[Callable[[Any], Callable[..., Any]], tuple[Any, ...]]] = {
        "gradient, 10 numbers": (lambda xp: lambda x: xp.sum(xp.sin(x) ** 2), (x,))
    } | {
        f"x + 1 of {n} arrays": (lambda _xp: lambda *args: args[0] + 1.0, (np.ones(3),) * n)
        for n in (1, 3, 10)
    }
    for name, (function, args) in cases.items():
        calls = called(function, args, derived=name.startswith("gradient"))
        times = measured(calls, quick)
        found[name] = {k: times.seconds(k) * 1e6 for k in calls}
        if name.startswith("gradient"):
            bounds.append(Bound(f"dz.jit, µs of a call, {name}", found[name]["dz.jit"], 1.0))
            if "JAX jit" in calls:
                figure = times.ratio("dz.jit", "JAX jit")
                bounds.append(Bound(f"dz.jit / JAX jit, a call, {name}", figure, 0.1))
    return {"µs": found, "bounds": bounds}


def called(function: Any, args: tuple[Any, ...], derived: bool) -> dict[str, Side]:
    """A function, or its gradient, called with NumPy's arrays, for NumPy's arrays."""
    f = function(np)
    calls: dict[str, Side] = {}
    for name, backend in (("dz.jit", None), ("numpy backend", "numpy")):
        compiled = dz.jit(dz.grad(f) if derived else f, backend=backend)
        calls[name] = lambda compiled=compiled: compiled(*args)
    if there("jax"):
        xp, jax = tasks.jax_words(), importlib.import_module("jax")
        g = jax.jit(jax.grad(function(xp)) if derived else function(xp))
        calls["JAX jit"] = lambda: np.asarray(g(*args))
    if there("torch"):
        xp, torch = tasks.torch_words(), importlib.import_module("torch")
        h = function(xp)

        def by_torch() -> Any:
            given = [torch.from_numpy(x).requires_grad_(derived) for x in args]
            if not derived:
                return h(*given).numpy()
            return torch.autograd.grad(h(*given), given)[0].numpy()

        calls["PyTorch"] = by_torch
    calls["NumPy"] = (lambda: 2.0 * np.sin(*args) * np.cos(*args)) if derived else lambda: f(*args)
    right = np.asarray(calls["NumPy"]())
    for name, side in calls.items():
        np.testing.assert_allclose(side(), right, 1e-9, err_msg=name)
    return calls


def print_calls(result: Result) -> None:
    """A line for each case."""
    names = list(next(iter(result["µs"].values())))
    rows = [[case, *(f"{each[k]:.2f}" for k in names)] for case, each in result["µs"].items()]
    print("\na call, NumPy's arrays in and out: µs")
    print(table(["", *names], rows))


# ---------------------------------------------------------------------------- the tasks


def run_family(name: str, quick: bool) -> Iterable[Result]:
    """Microseconds of each side, and what part of the peers' `dz.jit` takes; a result a task."""
    for task in FAMILIES[name](quick):
        calls = sides(task, "dz.jit", *PEERS)
        times = measured(calls, quick)
        parts = {k: times.ratio("dz.jit", k) for k in calls if k != "dz.jit"}
        bounds = []
        if task.limit is not None and "JAX jit" in parts:
            bounds = [Bound(f"dz.jit / JAX jit, {task.name}", parts["JAX jit"], task.limit)]
        yield {
            "task": task.name,
            "µs": {k: times.seconds(k) * 1e6 for k in calls},
            "of": parts,
            "bounds": bounds,
        }
        del calls
        gc.collect()


NAMED: set[str] = set()
"""What has been printed above a column of figures."""


def print_task(result: Result) -> None:
    """A line for a task, under the names of the columns."""
    if "tasks" not in NAMED:
        NAMED.add("tasks")
        print("\nvalue and gradient: µs; in brackets, the time of dz.jit as a part of it")
        print(f"{'':30}{'dz.jit':>12}" + "".join(f"{peer:>20}" for peer in PEERS))
    cells = [f"{result['task']:30}", f"{result['µs']['dz.jit']:12,.1f}"]
    for peer in PEERS:
        known = peer in result["µs"]
        cell = f"{result['µs'][peer]:,.1f} ({result['of'][peer]:.2f})" if known else ""
        cells.append(f"{cell:>20}")
    print("".join(cells).rstrip(), flush=True)


# ---------------------------------------------------------------------------- compiling


def small_tasks() -> list[Task]:
    """One or two of each family."""
    chosen = ("chain of 30, 10", "chain of 300", "Rosenbrock, 100", "Hessian, 10", "logistic")
    chosen += ("mixture", "batch of 32", "Runge", "all pairs of 100")
    known = [task for make in FAMILIES.values() for task in make(True)]
    return [next(task for task in known if word in task.name) for word in chosen]


def first_calls(quick: bool) -> Iterable[Result]:
    """Milliseconds of the first call, in which a function is traced and compiled."""
    ratios = []
    for task in small_tasks():
        made = makers(task, "dz.jit", "numpy backend", "JAX jit", "Numba")
        for make in made.values():
            make()()  # imports, tables
        rounds: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(1 if quick else 5):
            for name, make in made.items():
                rounds[name].append(seconds(lambda make=make: make()()))
        times = harness.Times(rounds)
        yield {"task": task.name, "ms": {k: times.seconds(k) * 1e3 for k in made}}
        if "JAX jit" in made:
            ratios.append(times.ratio("dz.jit", "JAX jit"))
    if ratios:
        mean = geometric_mean(ratios)
        yield {"mean": mean, "bounds": [Bound("dz.jit / JAX jit, first calls", mean, 0.25)]}


def print_compile(result: Result) -> None:
    """A line for a task."""
    names = ("dz.jit", "numpy backend", "JAX jit", "Numba")
    if "compile" not in NAMED:
        NAMED.add("compile")
        print("\nthe first call, traced and compiled: ms")
        print(f"{'':30}" + "".join(f"{name:>15}" for name in names))
    if "task" in result:
        cells = (f"{result['ms'][k]:15.1f}" if k in result["ms"] else f"{'':15}" for k in names)
        print(f"{result['task']:30}{''.join(cells)}".rstrip(), flush=True)
    else:
        print(f"dz.jit takes {result['mean']:.3f} of JAX's time (geometric mean)")


# ---------------------------------------------------------------------------- memory


def large_tasks(quick: bool) -> list[Task]:
    """Those of much memory."""
    words = ("chain of 30, 1,000,000", "Rosenbrock, 100,000", "Hessian, 1,000", "pairs of 1,000")
    words += ("mixture of 5, 10,000", "batch of 256")
    known = [task for make in FAMILIES.values() for task in make(False)]
    found = [next(task for task in known if word in task.name) for word in words]
    return found[:2] if quick else found


def peak(name: str, side: str) -> dict[str, float]:
    """Megabytes that this process needs at most: in all, for a first call, and for more calls."""
    task = next(task for task in large_tasks(False) if task.name == name)
    makers(FAMILIES["rosenbrock"](True)[0], side)[side]()()  # the library, and what it needs once
    given_back()
    whole, before = high_water(), high_water(anew=True)
    call = makers(task, side)[side]()
    call()
    first = high_water() - before
    given_back()
    whole, before = max(whole, high_water()), high_water(anew=True)
    for _ in range(3):
        call()
    found = {"whole": max(whole, high_water()), "first": first, "calls": high_water() - before}
    return {what: size / 2**20 for what, size in found.items()}


def given_back() -> None:
    """Let the C library give back what is free, so that what is needed next is seen."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def peaks(quick: bool) -> Iterable[Result]:
    """The peak of memory of a process of each side's own."""
    for task in large_tasks(quick):
        found = {}
        for side in makers(task, "dz.jit", "JAX jit"):
            path = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})"
            run = f"import jit, json; print(json.dumps(jit.peak({task.name!r}, {side!r})))"
            found[side] = fresh(f"{path}; {run}")
        bounds = []
        if "JAX jit" in found:
            bounds = [
                Bound(
                    f"dz.jit / JAX jit, peak of memory, {what}, {task.name}",
                    found["dz.jit"][what] / max(found["JAX jit"][what], 1e-9),
                    1.0,
                )
                for what in ("whole", "calls")
            ]
        yield {"task": task.name, "MB": found, "bounds": bounds}


def print_peak(result: Result) -> None:
    """A line for a task."""
    if "memory" not in NAMED:
        NAMED.add("memory")
        print("\npeak of memory, in all (first call, others): MB")
    cells = (
        f"{k} {v['whole']:7,.0f} ({v['first']:.1f}, {v['calls']:.1f})"
        for k, v in result["MB"].items()
    )
    print(f"{result['task']:30}{'    '.join(cells)}", flush=True)


# ---------------------------------------------------------------------------- without LLVM


def replays(quick: bool) -> Iterable[Result]:
    """The `numpy` backend beside the gradient as it is without `jit`, and by hand."""
    for family in ("rosenbrock", "network", "model"):
        for task in FAMILIES[family](True):
            calls = sides(task, "numpy backend", "eager", "NumPy")
            times = measured(calls, quick)
            figure = times.ratio("numpy backend", "eager")
            small = task.numbers < 500 or family == "rosenbrock"
            bounds = [Bound(f"numpy backend / eager, {task.name}", figure, HALF)] if small else []
            found = {k: times.seconds(k) * 1e6 for k in calls}
            yield {"task": task.name, "µs": found, "of eager": figure, "bounds": bounds}


def print_replay(result: Result) -> None:
    """A line for a task."""
    if "replay" not in NAMED:
        NAMED.add("replay")
        print('\n`backend="numpy"`, eager, and by hand: µs')
    cells = (f"{k} {v:9,.1f}" for k, v in result["µs"].items())
    print(f"{result['task']:30}{'    '.join(cells)}    of eager {result['of eager']:.2f}")


# ---------------------------------------------------------------------------- together


def means(results: Result) -> Result:
    """Geometric means over all tasks of the parts that ran."""
    found = [each["of"] for family in FAMILIES for each in results.get(family, ())]
    known = {peer: [of[peer] for of in found if peer in of] for peer in PEERS}
    return {peer: geometric_mean(of) for peer, of in known.items() if of}


def print_means(result: Result) -> None:
    """One line."""
    cells = (f"of {peer} {mean:.3f}" for peer, mean in result.items())
    print(f"\ndz.jit takes, of the others' time (geometric means): {', '.join(cells)}")


def plot(results: Result, path: str) -> None:
    """A chart of the times of each task, as multiples of `dz.jit`'s."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    found = [each for family in FAMILIES for each in results.get(family, ())]
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.3 * len(found)), layout="constrained")
    places = [*range(len(found), 0, -1)]
    for peer, mark in zip(PEERS, "os^D", strict=True):
        known = [
            (each["of"][peer], y)
            for each, y in zip(found, places, strict=True)
            if peer in each["of"]
        ]
        axes.plot([1 / part for part, _ in known], [y for _, y in known], mark, label=peer)
    axes.axvline(1.0, color="black", label="dz.jit")
    axes.set(xscale="log", xlabel="time, as a multiple of dz.jit's", title=results["machine"])
    axes.set_yticks(places, [each["task"] for each in found])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


PARTS: dict[str, harness.Part] = {
    "call": (a_call, print_calls),
    **{name: (functools.partial(run_family, name), print_task) for name in FAMILIES},
    "compile": (first_calls, print_compile),
    "memory": (peaks, print_peak),
    "replay": (replays, print_replay),
}

if __name__ == "__main__":
    harness.settle()
    sys.exit(harness.main(__doc__, PARTS, issue=6, end=(means, print_means), plot=plot))
