"""Derivatives of higher order: Taylor coefficients beside derivatives of derivatives.

    python benchmarks/taylor.py [--quick] [--json]

Milliseconds of all coefficients of exp(sin(x)) / (1 + x²) up to an order, of a number and of an
array. Nested derivatives stop at an order at which they take seconds.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import argparse
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from _harness import Side, compare, table

import dezero as dz

ORDERS = (1, 2, 4, 8, 16, 32, 64)
NESTED = 8
"""The last order of nested derivatives: each order more doubles their time, or worse."""


def program(x: Any) -> Any:
    """The function."""
    return np.exp(np.sin(x)) / (1 + x * x)


def nested(x: Any, order: int) -> list[Any]:
    """The coefficients by `jvp` of `jvp` of …"""
    f, found = program, []
    for k in range(order + 1):
        found.append(f(x) / math.factorial(k))
        f = lambda x, f=f: dz.jvp(f, (x,), (np.ones_like(x),))[1]  # noqa: E731
    return found


def measured(quick: bool) -> Iterator[dict[str, Any]]:
    """Milliseconds by the number of numbers and the order, of both ways."""
    for n in (1, 10_000):
        x = np.linspace(0.1, 1.0, n)
        for order in ORDERS[:5] if quick else ORDERS:
            sides: dict[str, Side] = {"taylor": lambda x=x, k=order: dz.taylor(program, x, k)}
            if order <= (NESTED // 2 if quick else NESTED):
                sides["nested"] = lambda x=x, k=order: nested(x, k)
                np.testing.assert_allclose(dz.taylor(program, x, order), nested(x, order), 1e-7)
            times = compare(sides, *((3, 0.002) if quick else (11, 0.02)))
            yield {"n": n, "order": order, **{way: times.seconds(way) * 1e3 for way in sides}}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="short runs, rough figures")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    found = list(measured(options.quick))
    if options.json:
        print(json.dumps({"machine": harness.machine(), "taylor": found}, indent=1))
        return 0
    rows = [
        [str(row["n"]), str(row["order"]), *(_shown(row.get(k)) for k in ("taylor", "nested"))]
        for row in found
    ]
    print(harness.machine())
    print(table(["numbers", "order", "taylor, ms", "nested jvp, ms"], rows))
    return 0


def _shown(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.2f}"


if __name__ == "__main__":
    sys.exit(main())
