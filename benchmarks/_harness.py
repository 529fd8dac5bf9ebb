"""What every benchmark here shares: one core, paired rounds, medians, tables.

Import it before NumPy and the peers: at import it asks the numerical libraries for one thread, and
keeps the process on one core where the system allows that.

How sides are compared: all are warm (run until they stop getting faster), then rounds are
interleaved, A B C, B C A, …, so that a slow minute of the machine hits every side. A ratio is the
median over rounds of the two times *in that round*. Times are of the processor, spent by all
threads of this process: on an idle machine the same as by the clock, on a busy one still right.
Python's garbage collector is left on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Side = Callable[[], object]

for _library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


# ---- time ----


@dataclass(frozen=True)
class Times:
    """Seconds per call of each side, one number for each round."""

    rounds: Mapping[str, Sequence[float]]

    def seconds(self, side: str) -> float:
        """The median over the rounds."""
        return median(self.rounds[side])

    def ratio(self, side: str, other: str) -> float:
        """The median of the ratios of the two sides within a round."""
        return median(a / b for a, b in zip(self.rounds[side], self.rounds[other], strict=True))

    def excess(self, side: str, other: str) -> float:
        """The median of the seconds that a side takes more than another within a round."""
        return median(a - b for a, b in zip(self.rounds[side], self.rounds[other], strict=True))


def compare(sides: Mapping[str, Side], rounds: int = 41, sample: float = 0.01) -> Times:
    """Time the sides side by side; each round calls each for about `sample` seconds.

    Each is called once before it is timed: what another side left behind in the caches and in
    the allocator is not its cost.
    """
    calls = {name: max(1, round(sample / _warm(side))) for name, side in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for _ in range(rounds):
        for name in order:
            sides[name]()
            times[name].append(_time(sides[name], calls[name]))
        order.append(order.pop(0))
    return Times(times)


def _warm(side: Side) -> float:
    """Run until it stops getting faster; the seconds of the best run."""
    best = _time(side, 1)
    for _ in range(10):
        now = _time(side, 1)
        steady = now > 0.9 * best
        best = min(now, best)
        if steady:
            break
    return max(best, 1e-7)


def _time(side: Side, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        side()
    return (time.process_time() - start) / calls


def seconds(side: Side) -> float:
    """The seconds of a single run."""
    return _time(side, 1)


# ---- memory and processes ----


def settle() -> None:
    """Bring the C library's allocator into the state of a process that has run for a while.

    After a first large array came and went, it keeps what is freed instead of giving it back to the
    system each time, which would cost all sides more than the arithmetic on large arrays.
    """
    bytearray(2**25 - 2**16)


def resident() -> int:
    """Bytes of memory that the process holds now (on Linux; elsewhere its peak)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def high_water(anew: bool = False) -> int:
    """Bytes of memory that the process has held at most, since it began or was asked `anew`.

    Where the system does not count anew (elsewhere than on Linux), since it began.
    """
    if anew:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:
        return resident()


def fresh(code: str) -> Any:
    """Run Python code in a new process and return what it prints, read as JSON.

    Byte code may be written, so that after a first run all packages are read as they are installed.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    return json.loads(run.stdout)


# ---- printing ----


def machine() -> str:
    """One line: processor, Python, NumPy, system."""
    import numpy as np

    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {python}, NumPy {np.__version__}, {sys.platform}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text in columns: the first to the left, the others to the right."""
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    lines = []
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([first.strip().ljust(widths[0]), *rest]).rstrip())
    return "\n".join(lines)


@dataclass(frozen=True)
class Bound:
    """A figure, and the most that it may be."""

    what: str
    figure: float
    limit: float

    @property
    def met(self) -> bool:
        return self.figure <= self.limit

    def __str__(self) -> str:
        mark = "ok  " if self.met else "MISS"
        return f"{mark}  {self.what}: {self.figure:.3g} (at most {self.limit:g})"


# ---- the command ----

Result = dict[str, Any]  # figures, for `--json`; "bounds" is a list of `Bound`
Part = tuple[Callable[[bool], Result | Iterable[Result]], Callable[[Any], None]]  # measure, print


Ending = tuple[Callable[[Result], Result], Callable[[Any], None]]
"""What is made of all results, and printed at the end."""


def main(
    description: str | None,
    parts: Mapping[str, Part],
    issue: int | None = None,
    end: Ending | None = None,
    plot: Callable[[Result, str], None] | None = None,
) -> int:
    """Run the parts asked for; with ``--strict`` return 1 when a bound is missed."""
    options = arguments(description, parts, plot is not None)
    results: Result = {"machine": machine()}
    bounds: list[Bound] = []
    if not options.json:
        print(results["machine"])
    for name in options.only:
        measure, show = parts[name]
        found = measure(options.quick)
        results[name] = []
        for result in [found] if isinstance(found, dict) else found:
            results[name].append(result)
            bounds += result.get("bounds", [])
            if not options.json:
                show(result)
    if end is not None:
        results["end"] = end[0](results)
    if plot is not None and options.plot:
        plot(results, options.plot)
    if options.json:
        print(json.dumps(results, default=vars, indent=1))
        return verdict(options, bounds)
    if end is not None and results["end"]:
        end[1](results["end"])
    if bounds:
        print(f"\nbounds of issue {issue}")
        print("\n".join(map(str, bounds)))
    return verdict(options, bounds)


def arguments(description: str | None, parts: Mapping[str, Part], plot: bool) -> argparse.Namespace:
    """What the command was asked for."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short runs, rough figures")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bound is missed")
    parser.add_argument("--only", choices=parts, nargs="+", default=list(parts), help="these parts")
    if plot:
        parser.add_argument("--plot", metavar="FILE", help="write a chart (needs matplotlib)")
    return parser.parse_args()


def verdict(options: argparse.Namespace, bounds: Iterable[Bound]) -> int:
    """What to exit with."""
    return int(options.strict and not all(bound.met for bound in bounds))
