"""A plugin of pytest for a peer's suite: skips what is not asked of DeZero, and writes results.

In the environment: REASONS, a JSON file of ``[pattern, reason]``, and RESULTS, where the JSON of
``[test, outcome, reason]`` goes. A test is ``file.py::name``, a pattern is of `fnmatch`.
"""

import json
import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

REASONS = json.loads(os.environ["REASONS"])
results = []


def name_of(nodeid):
    """A test without the folders above it."""
    return nodeid.rpartition("/")[2]


def pytest_collection_modifyitems(items):
    """Mark what is skipped; a pattern that fits nothing is out of date."""
    used = set()
    for item in items:
        for pattern, reason in REASONS.items():
            if fnmatch(name_of(item.nodeid), pattern):
                item.add_marker(pytest.mark.skip(reason=reason))
                used.add(pattern)
    stale = REASONS.keys() - used
    if stale and not os.environ.get("PART"):
        raise pytest.UsageError(f"no test for {sorted(stale)}")


def pytest_runtest_logreport(report):
    """Keep one line for each test."""
    if report.when == "call" or report.outcome != "passed":
        why = report.longrepr[2] if report.skipped else ""
        if report.failed:
            why = getattr(
                getattr(report.longrepr, "reprcrash", None), "message", str(report.longrepr)
            )
        results.append([name_of(report.nodeid), report.outcome, why.removeprefix("Skipped: ")])


def pytest_collectreport(report):
    """A module that does not load fails as one test."""
    if report.failed:
        results.append([name_of(report.nodeid), "failed", str(report.longrepr)[-400:]])


def pytest_sessionfinish():
    """Hand the lines over."""
    Path(os.environ["RESULTS"]).write_text(json.dumps(results), encoding="utf-8")
