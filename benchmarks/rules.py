"""What the derivative of each row and program costs, over its function: time, memory, growth.

    python benchmarks/rules.py [--quick] [--json] [--strict] [--only PART …] [--rows NAME …]

Every public function with a derivative is called on about 100,000 numbers (`_calls.py`). Times are
those of the function on arrays, of its value and gradient (`dz.vjp` and one pullback), and of
`dz.jvp`; "gradient" and "tangent" are what these take beyond the function. What a view costs
(`reshape`, `x[:2]`) is no measure of its gradient, which has to make an array: a function counts as
not less than one copy of its arguments or of its results. Memory is the peak of the new arrays of
value and gradient, over what is needed: the function's own peak and the arguments' gradients.
Growth is by how much more the derivative's time grows than the function's, which counts as not less
than linear, from `n` to `4 n` numbers.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import argparse
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from _calls import call_of, functions, has_derivative, ones
from _harness import Bound, Side, Times, compare, table

import dezero as dz
from dezero.trees import flatten, tree_map

SIZE = 100_000

DEARER = {
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), "see `shared` in rules/elementwise.py"),
    **dict.fromkeys(("special.gammainc", "special.betainc"), "see scipy/special/quadrature.py"),
    **dict.fromkeys(
        ("cholesky", "linalg.cholesky", "scipy.linalg.cholesky", "scipy.linalg.cho_factor"),
        "see `_cholesky_back` in rules/decompositions.py",
    ),
    "scipy.linalg.expm_frechet": "see `_fraction` in scipy/linalg/functions.py",
    "scipy.linalg.lu": "see `_lu_back` in scipy/linalg/factors.py",
    **dict.fromkeys(
        ("scipy.linalg.toeplitz", "scipy.linalg.hankel"),
        "see `_places` in scipy/linalg/structured.py",
    ),
    **dict.fromkeys(("unstack", "dsplit"), "see `np_unstack` in rules/joining.py"),
    **dict.fromkeys(("matvec", "vecmat"), "see `_matvec` in rules/products.py"),
    **dict.fromkeys(("place", "fill_diagonal"), "see rules/placing.py"),
    "delete": "see `np_delete` in rules/layout.py",
    "ptp": "see `_ptp` in rules/statistics.py",
    "poly": "see `np_poly` in rules/polynomials.py",
}
"""What may take more than 8 times its function, and where it says why."""

LARGER = {
    "angle": "a program of the real and the imaginary part, and their quotient",
    "sinc": "a slope that is a difference over a quotient",
    "polydiv": "a few numbers: objects, and no arrays",
    "sums_of_runs": "the places of the runs",
}
LARGER |= {
    f"{library}{name}": why
    for why, libraries, names in [
        (
            "the factors beside what was asked for, and products with them",
            ("", "linalg.", "scipy.linalg."),
            (
                "cho_factor cholesky cond eig eigh eigvals eigvalsh lstsq lu lu_factor lu_solve "
                "matrix_power qr sqrtm svd svdvals"
            ),
        ),
        ("functions of a matrix twice as wide", ("scipy.linalg.",), "expm expm_frechet"),
        (
            "a recurrence by halves, and what it starts from",
            ("", "multiply."),
            "cumprod cumulative_prod nancumprod accumulate",
        ),
        ("the places of the extremes", ("maximum.", "minimum."), "accumulate"),
        (
            "products of pairs, and of these, where the product underflows",
            ("", "multiply."),
            "prod reduce",
        ),
        (
            "the parts of a program, each kept for its gradient",
            ("", "scipy.linalg."),
            "choose corrcoef cov fiedler interp nanstd nanvar ptp",
        ),
        (
            "the parts of a fraction, or of a quadrature, at each number",
            ("special.", "scipy.special."),
            (
                "betainc betaincc betainccinv betaincinv binom comb gammainc gammaincc "
                "gammainccinv gammaincinv hankel1 hankel2 i1e voigt_profile wofz"
            ),
        ),
    ]
    for library in libraries
    for name in names.split()
}
"""What may need more than twice its arguments and results at its peak, and why."""

OBJECTS = 2**14
"""Bytes of the objects around the arrays, which do not count."""

chosen: list[str] = []
"""The names to measure, if not all."""

# ---- a call and its derivatives ----


def gradient_of(call: Callable[..., Any], args: tuple[Any, ...]) -> Side:
    """Value and gradient."""
    gy = tree_map(ones, dz.vjp(call, *args)[0])
    return lambda: dz.vjp(call, *args)[1](gy)


def sides_of(name: str, n: int) -> tuple[dict[str, Side], tuple[Any, ...]] | None:
    """The function and its derivatives, and the arguments; None if it has none."""
    call, args = call_of(name, n)
    if not has_derivative(call, args):
        return None
    txs, results = tuple(map(ones, args)), flatten(call(*args))[0]
    larger = max(args, results, key=size)
    sides: dict[str, Side] = {
        "function": lambda: call(*args),
        "copy": lambda: [np.copy(x) for x in larger],
        "gradient": gradient_of(call, args),
        "tangent": lambda: dz.jvp(call, args, txs),
    }
    return sides, args


def size(arrays: Iterable[Any]) -> int:
    """Bytes of some arrays."""
    return sum(np.asarray(x).nbytes for x in arrays)


def measured(sides: dict[str, Side], quick: bool) -> Times:
    """Times of all sides."""
    return compare(sides, *((3, 0.001) if quick else (9, 0.004)))


def each(n: int) -> Iterable[tuple[str, dict[str, Side], tuple[Any, ...]]]:
    """Those that have a derivative, of the chosen ones."""
    for name in functions():
        if not chosen or name in chosen:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = sides_of(name, n)
                if found is not None:
                    yield name, *found


def ratio(times: Times, side: str) -> float:
    """What a derivative takes beyond the function, over the function or a copy."""
    least = max(times.seconds("function"), times.seconds("copy"))
    return times.excess(side, "function") / least


# ---- time ----


def time_part(quick: bool) -> dict[str, Any]:
    """Microseconds of each function, and the times of its derivatives over it."""
    found = {}
    for name, sides, _ in each(2_000 if quick else SIZE):
        times = measured(sides, quick)
        found[name] = {
            "µs": times.seconds("function") * 1e6,
            **{side: ratio(times, side) for side in ("gradient", "tangent")},
            "whole": times.ratio("gradient", "function"),
        }
    worst = [
        (max(row["gradient"], row["tangent"]), name)
        for name, row in found.items()
        if name not in DEARER
    ]
    bounds = [Bound(f"derivative / function, {name}", most, 8) for most, name in over(worst, 8)]
    return {"rows": found, "bounds": bounds}


def over(worst: list[tuple[float, str]], limit: float) -> list[tuple[float, str]]:
    """All that are above a limit, or the one nearest to it."""
    ranked = sorted(worst, reverse=True)
    return [pair for pair in ranked if pair[0] > limit] or ranked[:1]


def print_times(result: dict[str, Any]) -> None:
    """A line for each row, the dearest first."""
    print("\ntime: the function, and what derivatives take beyond it, over it (or over a copy)")
    ranked = sorted(result["rows"].items(), key=lambda item: -item[1]["gradient"])
    rows = [
        [
            name,
            f"{row['µs']:.0f}",
            *(f"{row[side]:.1f}" for side in ("gradient", "tangent", "whole")),
            "" if max(row["gradient"], row["tangent"]) <= 8 else DEARER.get(name, "above 8"),
        ]
        for name, row in ranked
    ]
    header = ["", "function, µs", "gradient", "tangent", "value and gradient", ""]
    print(table(header, rows))


# ---- memory ----


def peak(side: Side) -> int:
    """The most bytes that a call has at once, of new ones."""
    side()
    tracemalloc.start()
    try:
        side()
        return max(tracemalloc.get_traced_memory()[1] - OBJECTS, 0)
    finally:
        tracemalloc.stop()


def memory_part(quick: bool) -> dict[str, Any]:
    """The peak of value and gradient, over the function's own and the gradients."""
    found = {}
    for name, sides, args in each(20_000 if quick else SIZE):
        needed = size(args) + max(peak(sides["function"]), size(results_of(sides["function"])))
        found[name] = {"kB": needed / 1e3, "gradient": peak(sides["gradient"]) / needed}
    worst = [(row["gradient"], name) for name, row in found.items() if name not in LARGER]
    bounds = [Bound(f"peak / needed, {name}", most, 2) for most, name in over(worst, 2)]
    return {"rows": found, "bounds": bounds}


def results_of(side: Side) -> list[Any]:
    """The arrays that a function returns."""
    return flatten(side())[0]


def print_memory(result: dict[str, Any]) -> None:
    """A line for each row, the largest first."""
    print("\nmemory: what is needed, and the peak of value and gradient over it")
    ranked = sorted(result["rows"].items(), key=lambda item: -item[1]["gradient"])
    rows = [
        [
            name,
            f"{row['kB']:.0f}",
            f"{row['gradient']:.1f}",
            "" if row["gradient"] <= 2 else LARGER.get(name, "above 2"),
        ]
        for name, row in ranked
    ]
    print(table(["", "kB", "value and gradient", ""], rows))


# ---- growth ----


def growth_part(quick: bool) -> dict[str, Any]:
    """How much more the derivative's time grows than the function's, from n to 4 n numbers."""
    n = 2_000 if quick else SIZE // 4
    small = {name: measured(sides, quick) for name, sides, _ in each(n)}
    found = {}
    for name, sides, _ in each(4 * n):
        times = measured(sides, quick)
        grown = {side: times.seconds(side) / small[name].seconds(side) for side in sides}
        least = max(grown["function"], 4)
        found[name] = {side: grown[side] / least for side in ("gradient", "tangent")}
    worst = [(max(row.values()), name) for name, row in found.items()]
    bounds = [Bound(f"growth / function's, {name}", most, 2.5) for most, name in over(worst, 2.5)]
    return {"rows": found, "bounds": bounds}


def print_growth(result: dict[str, Any]) -> None:
    """A line for each row, the fastest first."""
    print("\ngrowth: of the derivative's time over the function's, from n to 4 n numbers")
    ranked = sorted(result["rows"].items(), key=lambda item: -max(item[1].values()))
    rows = [[name, *(f"{x:.1f}" for x in row.values())] for name, row in ranked]
    print(table(["", "gradient", "tangent"], rows))


PARTS: dict[str, harness.Part] = {
    "time": (time_part, print_times),
    "memory": (memory_part, print_memory),
    "growth": (growth_part, print_growth),
}

if __name__ == "__main__":
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--rows", nargs="+", default=[])
    options, sys.argv[1:] = own.parse_known_args()
    chosen += options.rows
    harness.settle()
    sys.exit(harness.main(__doc__, PARTS, issue=4))
