"""Which derivative do I want? The cost of each way to one, over the size of input and output.

    python benchmarks/choices.py [--quick] [--json] [--only PART …]

`ways`: the gradient of Rosenbrock's function by hand, by differences, by formulas that SymPy
derives (where it is installed), and automatically in both directions. `modes`: the Jacobian of a
map from n to m numbers, forward and in reverse.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _harness import Side, compare, seconds, table

import dezero as dz

# ---- ways to a gradient ----


def rosenbrock(x: Any) -> Any:
    """The function; its minimum is at ones."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def by_hand(x: Any) -> Any:
    """What a person would derive and write."""
    g = np.zeros_like(x)
    inner = x[1:] - x[:-1] ** 2
    g[1:] += 200 * inner
    g[:-1] -= 400 * inner * x[:-1] + 2 * (1 - x[:-1])
    return g


def by_differences(x: Any) -> Any:
    """Central differences, two calls for each number."""
    g, h = np.empty_like(x), 6e-6
    for k in range(len(x)):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        g[k] = (rosenbrock(up) - rosenbrock(down)) / (2 * h)
    return g


def by_formulas(n: int) -> Callable[[Any], Any]:
    """Formulas that SymPy derives, made into one NumPy function."""
    sympy: Any = importlib.import_module("sympy")
    x = sympy.symbols(f"x:{n}")
    f = sum(100 * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2 for k in range(n - 1))
    made = sympy.lambdify([x], [sympy.diff(f, each) for each in x], "numpy", cse=True)
    return lambda value: np.array(made(value))


def ways_part(quick: bool) -> Iterator[dict[str, Any]]:
    """Microseconds of a gradient, and its largest error, for each way and size."""
    for n in (2, 10, 100) if quick else (2, 10, 100, 1000):
        x = np.random.default_rng(0).uniform(-1, 1, n)
        forward, reverse = dz.jacobian(rosenbrock, mode="forward"), dz.grad(rosenbrock)
        found: dict[str, Callable[[Any], Any]] = {
            "the function alone": rosenbrock,
            "by hand": by_hand,
            "differences": by_differences,
            "automatic, reverse (grad)": reverse,
            "automatic, forward": forward,
        }
        derived = 0.0
        if importlib.util.find_spec("sympy") and n <= 100:
            made: list[Any] = []
            derived = seconds(lambda made=made, n=n: made.append(by_formulas(n)))
            found["symbolic (SymPy)"] = made[0]
        sides: dict[str, Side] = {name: (lambda f=f, x=x: f(x)) for name, f in found.items()}
        times = compare(sides, *((5, 0.002) if quick else (21, 0.01)))
        right = by_hand(x)
        yield {
            "n": n,
            "µs": {name: times.seconds(name) * 1e6 for name in found},
            "of the function": {name: times.ratio(name, "the function alone") for name in found},
            "error": {
                name: float(np.max(np.abs(f(x) - right)) / np.max(np.abs(right)))
                for name, f in found.items()
                if f is not rosenbrock
            },
            "seconds to derive": derived,
        }


def print_ways(result: dict[str, Any]) -> None:
    """One table for a size."""
    print(f"\ngradient of Rosenbrock's function of {result['n']} numbers")
    error, times = result["error"], result["of the function"]
    rows = [
        [name, f"{us:.1f}", f"{times[name]:.1f}", f"{error[name]:.0e}" if error.get(name) else ""]
        for name, us in result["µs"].items()
    ]
    print(table(["", "µs", "times f", "relative error"], rows))
    if result["seconds to derive"]:
        print(f"deriving the formulas, once: {result['seconds to derive']:.2f} s")


# ---- forward or reverse ----


def modes_part(quick: bool) -> Iterator[dict[str, Any]]:
    """Microseconds of the Jacobian of tanh(A x) by mode."""
    sizes = (1, 10, 100) if quick else (1, 10, 100, 1000)
    for n in sizes:
        for m in sizes:
            rng = np.random.default_rng(0)
            a, x = rng.normal(size=(m, n)) / n, rng.normal(size=n)

            def f(x: Any, a: Any = a) -> Any:
                return np.tanh(np.sin(a @ x))

            found = {mode: dz.jacobian(f, mode=mode) for mode in ("forward", "reverse")}
            sides: dict[str, Side] = {k: (lambda j=j, x=x: j(x)) for k, j in found.items()}
            times = compare(sides, *((5, 0.002) if quick else (11, 0.01)))
            yield {"n": n, "m": m, **{k: times.seconds(k) * 1e6 for k in found}}


def print_modes(result: dict[str, Any]) -> None:
    """One line for a pair of sizes."""
    n, m, forward, reverse = (result[k] for k in ("n", "m", "forward", "reverse"))
    first = "\nJacobian of n → m numbers, µs\n" if n == m == 1 else ""
    print(f"{first}{n:5} → {m:<5} forward {forward:9.0f}   reverse {reverse:9.0f}")


PARTS: dict[str, harness.Part] = {
    "ways": (ways_part, print_ways),
    "modes": (modes_part, print_modes),
}


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, PARTS))
