"""What derivatives cost: Jacobians, Hessians, gradients of large arrays, and `grad` itself.

    python benchmarks/transforms.py [--quick] [--json] [--strict] [--only PART …]

Peers (requirements.txt) are compared where they are installed: HIPS autograd, PyTorch's
`torch.func`, and JAX without `jit`.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from _derivatives import problems, rosenbrock, sides
from _harness import Bound, Side, compare, table

import dezero as dz
from dezero.core import node_of, sweep

PARTS_OF = {"HIPS autograd": 0.2, "PyTorch": 0.5}
"""The most that a Hessian by 100 parameters may take of a peer's time."""

# ---- Jacobians and Hessians ----


def matrix_part(what: str, quick: bool) -> dict[str, Any]:
    """Milliseconds of each library, and what DeZero's are of them, for each problem."""
    milliseconds, parts, bounds = {}, {}, []
    for problem in problems((10, 100) if quick else (10, 100, 500)):
        times = compare(sides(problem, what), *((3, 0.002) if quick else (21, 0.01)))
        milliseconds[problem.name] = {k: times.seconds(k) * 1e3 for k in times.rounds}
        parts[problem.name] = {k: times.ratio("DeZero", k) for k in times.rounds}
        if what == "hessian" and len(problem.x) == 100:
            bounds += [
                Bound(f"Hessian, {problem.name}, DeZero / {k}", parts[problem.name][k], limit)
                for k, limit in PARTS_OF.items()
                if k in times.rounds
            ]
    return {"what": what, "ms": milliseconds, "of": parts, "bounds": bounds}


def print_matrices(result: dict[str, Any]) -> None:
    """A line for each problem."""
    libraries = list(next(iter(result["ms"].values())))
    peers = libraries[1:]
    print(f"\n{result['what']}: ms, and DeZero's time as a part of the others'")
    rows = [
        [
            problem,
            *(f"{times[k]:.2f}" for k in libraries),
            *(f"{result['of'][problem][k]:.2f}" for k in peers),
        ]
        for problem, times in result["ms"].items()
    ]
    print(table(["", *libraries, *(f"of {k}" for k in peers)], rows))


# ---- gradients of large arrays ----


def rosenbrock_slope(x: Any) -> Any:
    """What a person would derive and write."""
    g, inner = np.zeros_like(x), x[1:] - x[:-1] ** 2
    g[1:] = 200 * inner
    g[:-1] -= 400 * inner * x[:-1] + 2 * (1 - x[:-1])
    return g


def softmax(x: Any) -> Any:
    """The gradient of the logarithm of a sum of exponentials."""
    e = np.exp(x)
    return e / np.sum(e)


SCALARS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sum(x sin x)": (lambda x: np.sum(x * np.sin(x)), lambda x: np.sin(x) + x * np.cos(x)),
    "log(sum(exp x))": (lambda x: np.log(np.sum(np.exp(x))), softmax),
    "mean(log1p(exp -x))": (
        lambda x: np.mean(np.log1p(np.exp(-x))),
        lambda x: (-1 / len(x)) / (1 + np.exp(x)),
    ),
    "mean((x - 1)²)": (lambda x: np.mean((x - 1) ** 2), lambda x: (2 / len(x)) * (x - 1)),
    "Rosenbrock": (lambda x: rosenbrock(np, x), rosenbrock_slope),
}
"""Functions of large arrays, with gradients by hand."""


def gradient_part(quick: bool) -> dict[str, Any]:
    """The gradient's time over the function's in bare NumPy, for each function and size."""
    found: dict[str, Any] = {}
    bounds = []
    for name, (f, slope) in SCALARS.items():
        found[name] = {}
        for n in (20_000,) if quick else (20_000, 100_000, 1_000_000):
            x = np.random.default_rng(0).normal(size=n)
            gradient = dz.grad(f)
            np.testing.assert_allclose(gradient(x), slope(x), rtol=1e-9, atol=1e-12)
            named = {"function": f, "gradient": gradient, "by hand": slope}
            calls: dict[str, Side] = {k: (lambda g=g, x=x: g(x)) for k, g in named.items()}
            times = compare(calls, *((3, 0.002) if quick else (21, 0.01)))
            found[name][f"{n:,}"] = {
                "µs": times.seconds("function") * 1e6,
                "gradient": times.ratio("gradient", "function"),
                "by hand": times.ratio("by hand", "function"),
            }
            bounds.append(
                Bound(f"gradient / function, {name}, {n:,}", times.ratio("gradient", "function"), 4)
            )
    return {"functions": found, "bounds": bounds}


def print_gradients(result: dict[str, Any]) -> None:
    """A line for each function and size."""
    print("\ngradients of large arrays: the function in bare NumPy, and times of it")
    rows = [
        [f"{name}, {n}", f"{each['µs']:.0f}", f"{each['gradient']:.1f}", f"{each['by hand']:.1f}"]
        for name, sizes in result["functions"].items()
        for n, each in sizes.items()
    ]
    print(table(["", "function, µs", "dz.grad", "by hand"], rows))


# ---- grad itself ----


def itself_part(quick: bool) -> dict[str, Any]:
    """Microseconds of `grad(f)(x)` beyond the same operations, recorded and swept by hand."""
    functions: dict[str, Callable[[Any], Any]] = {
        "x": lambda x: x,
        "x * x": lambda x: x * x,
        "sum(sin x)": lambda x: np.sum(np.sin(x)),
    }
    arguments = {"float": 0.5, "0-d": np.array(0.5), "10": np.full(10, 0.5)}
    one, rows, bounds = np.float64(1), {}, []
    for name, f in functions.items():
        for kind, x in arguments.items():
            if np.ndim(x) and not name.startswith("sum"):
                continue
            v, gradient = dz.Variable(np.asarray(x)), dz.grad(f)
            calls: dict[str, Side] = {
                "grad": lambda gradient=gradient, x=x: gradient(x),
                "by hand": lambda f=f, v=v: sweep({node_of(f(v)): one}),
            }
            times = compare(calls, *((7, 0.002) if quick else (41, 0.01)))
            excess = times.excess("grad", "by hand") * 1e6
            rows[f"{name}, {kind}"] = {
                **{k: times.seconds(k) * 1e6 for k in calls},
                "itself": excess,
            }
            bounds.append(Bound(f"µs of grad itself, {name}, {kind}", excess, 5))
    return {"rows": rows, "bounds": bounds}


def print_itself(result: dict[str, Any]) -> None:
    """A line for each function and argument."""
    print("\ngrad itself: µs of grad(f)(x), and of its operations recorded and swept by hand")
    rows = [
        [name, *(f"{each[k]:.1f}" for k in ("grad", "by hand", "itself"))]
        for name, each in result["rows"].items()
    ]
    print(table(["", "grad(f)(x)", "by hand", "itself"], rows))


PARTS: dict[str, harness.Part] = {
    "jacobian": (lambda quick: matrix_part("jacobian", quick), print_matrices),
    "hessian": (lambda quick: matrix_part("hessian", quick), print_matrices),
    "gradient": (gradient_part, print_gradients),
    "itself": (itself_part, print_itself),
}

if __name__ == "__main__":
    harness.settle()
    sys.exit(harness.main(__doc__, PARTS, issue=3))
