"""What an operation costs beyond NumPy's own work: time, memory, import, size.

    python benchmarks/overhead.py [--quick] [--json] [--strict] [--only PART …]

The work is a chain of 300 operations, 100 times y = y * x + f(y), and its derivative by x. Forward
means with recording. Peers (requirements.txt) are compared where they are installed.
"""

from __future__ import annotations

import _harness as harness  # first: it sets the number of threads before NumPy is loaded

# isort: split
import gc
import importlib
import importlib.util
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _harness import Bound, Times, compare, fresh, resident, seconds, table
from _peers import OPERATIONS, chain, sides

import dezero as dz

SIZES = {"scalar": (), "100": (100,), "10,000": (10_000,)}
FUNCTIONS = ("sin", "square")  # issue 2's chain, and one of cheap arithmetic only
LIMITS = {
    "scalar": {"PyTorch": 0.65, "HIPS autograd": 0.25, "MyGrad": 0.25},
    "100": {"PyTorch": 0.65, "HIPS autograd": 0.25, "MyGrad": 0.25},
    "10,000": {"NumPy": 1.15},
}

# ---- the parts ----


def time_part(quick: bool) -> Iterator[dict[str, Any]]:
    """Microseconds per operation, for each chain and size."""
    rounds, sample = (7, 0.003) if quick else (41, 0.01)
    for f in FUNCTIONS:
        for size, shape in SIZES.items():
            found = sides(f, np.full(shape, 0.5))
            forward = compare({name: side[0] for name, side in found.items()}, rounds, sample)
            both = compare({name: side[1] for name, side in found.items()}, rounds, sample)
            yield {"f": f, "size": size, **time_rows(f, size, forward, both)}


def time_rows(f: str, size: str, forward: Times, both: Times) -> dict[str, Any]:
    """The figures of one table, and the bounds that hold for it."""

    def microseconds(times: Times) -> dict[str, float]:
        return {name: times.seconds(name) / OPERATIONS * 1e6 for name in times.rounds}

    ours = [name for name in both.rounds if name.startswith("DeZero")]
    return {
        "forward": microseconds(forward),
        "both": microseconds(both),
        "ratios": {
            name: {other: both.ratio(name, other) for other in both.rounds if other not in ours}
            for name in ours
        },
        "bounds": [
            Bound(f"{size}, {name} / {other}", both.ratio(name, other), limit)
            for name in ours
            for other, limit in LIMITS[size].items()
            if f == "sin" and other in both.rounds
        ],
    }


def print_times(result: dict[str, Any]) -> None:
    """One table, with what DeZero's time is of each other one's."""
    ours = list(result["ratios"])
    print(f"\ny = y * x + {result['f']}(y), {result['size']}: µs per operation")
    rows = [
        [
            name,
            f"{result['forward'][name]:.2f}",
            f"{both:.2f}",
            *(f"{result['ratios'][us][name]:.2f}" if name not in ours else "" for us in ours),
        ]
        for name, both in result["both"].items()
    ]
    header = ["", "forward", "with backward", *(f"{us.split(', ')[1]} is" for us in ours)]
    print(table(header, rows))


def node_part(quick: bool) -> dict[str, Any]:
    """Bytes that a recorded operation holds, in a graph kept alive by its last output.

    Counted by tracemalloc: everything that Python and NumPy allocate. The numbers in the arrays are
    kept apart (NumPy's own tracemalloc domain); bare arrays tell the size of the objects alone.
    """
    steps = 300 if quick else 3000
    x0 = np.full((), 0.5)
    bare, _ = held(lambda: [np.full((), 0.5) for _ in range(3 * steps)], 3 * steps)
    result = {"array object": bare}
    makers: dict[str, Callable[[], Any]] = {"DeZero": lambda: chain(dz.Variable(x0), np.sin, steps)}
    if importlib.util.find_spec("autograd"):
        autograd: Any = importlib.import_module("autograd")
        anp: Any = importlib.import_module("autograd.numpy")
        recorded = autograd.make_vjp(lambda x: chain(x, anp.sin, steps))
        makers["HIPS autograd"] = lambda: recorded(x0)
    if importlib.util.find_spec("mygrad"):
        mygrad: Any = importlib.import_module("mygrad")
        makers["MyGrad"] = lambda: chain(mygrad.tensor(x0), mygrad.sin, steps)
    for name, make in makers.items():
        make()
        result[name], result[f"{name}, numbers"] = held(make, 3 * steps)
    return result


def held(make: Callable[[], Any], operations: int) -> tuple[float, float]:
    """Bytes per operation of what `make` returns: of objects, and of the arrays' numbers."""

    def sizes() -> dict[int, int]:
        gc.collect()
        total = {0: 0, np.lib.tracemalloc_domain: 0}
        for trace in tracemalloc.take_snapshot().traces:
            total[trace.domain] += trace.size
        return total

    tracemalloc.start()
    try:
        before = sizes()
        kept = make()
        after = sizes()
        del kept
    finally:
        tracemalloc.stop()
    objects, numbers = ((after[k] - before[k]) / operations for k in before)
    return objects, numbers


def print_nodes(result: dict[str, Any]) -> None:
    """A line for each library."""
    print(
        "\nbytes per recorded operation, without the arrays' numbers (the array object is in them)"
    )
    rows = [[name, f"{size:.0f}"] for name, size in result.items() if "numbers" not in name]
    print(table(["", "bytes"], rows))


def import_part(quick: bool) -> dict[str, Any]:
    """Milliseconds that each import adds in a fresh process, what it loads, and its size."""
    code = (
        "import json, time\nt = [time.process_time()]\n"
        "for name in ('numpy', 'optree', 'dezero'):\n"
        "    __import__(name); t.append(time.process_time())\n"
        "print(json.dumps([1e3 * (b - a) for a, b in zip(t, t[1:])]))"
    )
    fresh(code)
    times = list(zip(*(fresh(code) for _ in range(5 if quick else 21)), strict=True))
    numpy_ms, optree_ms, dezero_ms = map(median, times)
    loaded = fresh(
        "import json, sys; before = set(sys.modules)\n"
        "import dezero; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    known = {*sys.stdlib_module_names, "numpy", "optree", "dezero", "typing_extensions"}
    roots = {name.partition(".")[0] for name in loaded}
    added = [a + b for a, b in zip(times[1], times[2], strict=True)]
    package, optree_size = (size_of(name) for name in ("dezero", "optree"))
    return {
        "numpy ms": numpy_ms,
        "optree ms": optree_ms,
        "dezero ms": dezero_ms,
        "other modules": sorted(name for name in roots - known if not name.startswith("__")),
        "dezero MB": package,
        "optree MB": optree_size,
        "bounds": [
            Bound("ms that `import dezero` adds to `import numpy`", median(added), 50),
            Bound("MB installed beyond NumPy", package + optree_size, 3),
        ],
    }


def size_of(package: str) -> float:
    """MB on disk of a package, its compiled files included."""
    specification = importlib.util.find_spec(package)
    assert specification is not None
    assert specification.origin is not None
    folder = Path(specification.origin).parent
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def print_imports(result: dict[str, Any]) -> None:
    """A line for each package."""
    print("\nimport, in fresh processes, and size on disk")
    rows = [
        [
            name,
            f"{result[f'{name} ms']:.1f}",
            f"{result[f'{name} MB']:.2f}" if name != "numpy" else "",
        ]
        for name in ("numpy", "optree", "dezero")
    ]
    print(table(["", "ms", "MB"], rows))
    others = ", ".join(result["other modules"]) or "none"
    print(f"modules loaded beyond these and the standard library: {others}")


def chain_part(quick: bool) -> dict[str, Any]:
    """Seconds to record, sweep and free long chains of scalars."""
    lengths = [6_000, 48_000] if quick else [25_000, 50_000, 100_000, 200_000]
    chain_run(lengths[0])
    rows = [min((chain_run(n) for _ in range(3)), key=lambda row: row["total"]) for n in lengths]
    first, last = (row["total"] / row["operations"] for row in (rows[0], rows[-1]))
    return {
        "rows": rows,
        "bounds": [
            Bound("time per operation, longest / shortest chain", last / first, 1.5),
            Bound("part of the graph left when dropped", max(row["left"] for row in rows), 0),
        ],
    }


def chain_run(operations: int) -> dict[str, float]:
    """Seconds of one chain, and whether its first array outlives it."""
    kept = [dz.Variable(np.array(0.25)) * 2.0]
    witness = weakref.ref(kept[0].data)
    forward = seconds(lambda: kept.append(chain(kept[0], np.sin, operations // 3)))
    del kept[0]
    backward = seconds(kept[0].backward)
    gc.disable()  # freed by reference counting alone
    try:
        free = seconds(kept.clear)
        left = witness() is not None
    finally:
        gc.enable()
    total = forward + backward + free
    return {
        "operations": operations,
        "forward": forward,
        "backward": backward,
        "free": free,
        "total": total,
        "left": float(left),
    }


def print_chains(result: dict[str, Any]) -> None:
    """A line for each length."""
    print("\nlong chains of scalars: seconds, and µs per operation")
    rows = [
        [
            f"{row['operations']:,}",
            *(f"{row[k]:.3f}" for k in ("forward", "backward", "free")),
            f"{1e6 * row['total'] / row['operations']:.2f}",
        ]
        for row in result["rows"]
    ]
    print(table(["operations", "forward", "backward", "free", "µs each"], rows))


def flat_part(quick: bool) -> dict[str, Any]:
    """Growth of the process over a long loop under `no_grad`, on arrays of 100 numbers."""
    operations = 100_000 if quick else 1_000_000
    x = dz.Variable(np.full(100, 0.5))
    with dz.no_grad():
        y = chain(x, np.sin, operations // 30)
        before = resident()
        for _ in range(10):
            y = y * x + chain(x, np.sin, operations // 30)
        grown = (resident() - before) / 1e6
    what = f"MB that {operations:,} operations under no_grad add"
    return {"operations": operations, "grown MB": grown, "bounds": [Bound(what, grown, 1)]}


def print_flat(result: dict[str, Any]) -> None:
    """One line."""
    print(f"\n{result['operations']:,} operations under no_grad: {result['grown MB']:+.2f} MB")


PARTS: dict[str, harness.Part] = {
    "time": (time_part, print_times),
    "node": (node_part, print_nodes),
    "import": (import_part, print_imports),
    "chain": (chain_part, print_chains),
    "flat": (flat_part, print_flat),
}


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, PARTS, issue=2))
