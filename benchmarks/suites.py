"""HIPS autograd's own tests, run on DeZero through a thin shim of its public names.

    python benchmarks/suites.py [--failures] [--json] [--strict] [-k EXPRESSION]

The tests are downloaded (the source distribution from the package index, into `.peers/suites`)
and stay as they are; `peer_suites/autograd` stands in for the library. What is skipped is in
`SKIPPED`, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from _harness import table

HERE = Path(__file__).parent
CACHE = HERE.parent / ".peers" / "suites"
SUITE = "autograd-1.9.1"

PRIVATE = "reaches into HIPS autograd's private names"
DEPRECATED = "calls names that HIPS autograd has deprecated"
STATS = "DeZero has no scipy.stats"
OWN = "HIPS autograd's own extension of SciPy's convolve (axes=, dot_axes=)"
SKIPPED = {
    "test_vspaces.py::*": f"{PRIVATE}: vspace",
    "test_logic.py::test_unimplemented_falseyness": f"{PRIVATE}: primitive_vjps",
    "test_misc.py::test_const_graph*": f"{PRIVATE}: const_graph",
    "test_wrappers.py::test_wrapped_name_and_docs": "compares HIPS autograd's own docstrings",
    "test_wrappers.py::test_deprecated_def*": DEPRECATED,
    "test_fft.py::test_rfftn_odd_not_implemented": "DeZero has no such limit",
    "test_graphs.py::test_assignment_raises_error": "DeZero differentiates v[i] = w",
    "test_scipy.py::test_convolve_[gi]*": OWN,
    "test_scipy.py::test_odeint": "DeZero has no scipy.integrate",
    "test_scipy.py::test_mvn_*": STATS,
    **{
        f"test_scipy.py::test_{law}_*": STATS
        for law in ("beta", "chi2", "gamma", "norm", "poisson", "t", "dirichlet")
    },
}
"""Tests by pattern, and why they are not asked of DeZero."""

Outcome = tuple[str, str, str]  # test, outcome, reason


def fetched() -> Path:
    """The folder with the suite's tests, downloaded once."""
    folder = CACHE / SUITE / "tests"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = SUITE.replace("-", "==")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        only = ["--no-deps", "--no-binary", ":all:", "--dest", str(CACHE), wanted]
        subprocess.run([*pip, *only], check=True)
        with tarfile.open(CACHE / f"{SUITE}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return folder


def run(selected: str = "") -> list[Outcome]:
    """What became of each test."""
    tests, shim = fetched(), HERE / "peer_suites"
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.json"
        (Path(scratch) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(shim), os.environ.get("PYTHONPATH", "")]),
            "RESULTS": str(results),
            "REASONS": json.dumps(SKIPPED),
            "PART": selected,
        }
        argv = ["-c", f"{scratch}/pytest.ini", "-p", "plugin", "-p", "no:cacheprovider", "-q"]
        argv += ["--tb=short", *(["-k", selected] if selected else []), str(tests)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *argv], env=env, check=False, capture_output=True
        )
        if not results.exists():
            raise SystemExit(done.stdout.decode() + done.stderr.decode())
        return [tuple(line) for line in json.loads(results.read_text(encoding="utf-8"))]


def summary(outcomes: list[Outcome]) -> str:
    """A line for each file, and one for all."""
    files: dict[str, Counter[str]] = {}
    for test, outcome, _ in outcomes:
        files.setdefault(test.partition("::")[0], Counter())[outcome] += 1
    files["all"] = sum(files.values(), Counter())
    kinds = ("passed", "failed", "skipped")
    return table(["", *kinds], [[f, *(str(n[kind]) for kind in kinds)] for f, n in files.items()])


def main() -> int:
    """Print what passed, what was skipped and why, and what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--failures", action="store_true", help="each failure with its message")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a test fails")
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="these tests, as in pytest")
    options = parser.parse_args()
    outcomes = run(options.k)
    failed: list[Any] = [each for each in outcomes if each[1] == "failed"]
    if options.json:
        print(json.dumps(outcomes, indent=1))
        return int(options.strict and bool(failed))
    print(summary(outcomes))
    reasons = Counter(reason for _, outcome, reason in outcomes if outcome == "skipped")
    print("\nskipped")
    print("\n".join(f"{n:4}  {reason}" for reason, n in reasons.most_common()))
    if options.failures:
        print("\nfailed")
        print("\n".join(f"{test}: {' '.join(why.split())[:300]}" for test, _, why in failed))
    return int(options.strict and bool(failed))


if __name__ == "__main__":
    sys.exit(main())
