"""The steps of ``dezero grad``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dezero.cli.check import Check, Slots, check
from dezero.cli.point import Point, automatic, choose, evaluator, leaves_of, plain_value
from dezero.cli.problems import UserCodeProblem
from dezero.cli.progress import progress
from dezero.cli.report import Answer, Reply, as_json, as_text
from dezero.cli.target import Target

__all__ = ["gradient"]

FAILED_CHECK = 1
LONG = 2.0  # seconds from which a check is expected to need a bar, on a terminal


def gradient(options: argparse.Namespace, target: Target, given: Mapping[str, Any]) -> Reply:
    """The value, the derivative by each argument, and the check."""
    answer = _answer(options, choose(target, given, options.wrt))
    code = 0 if answer.check is None or answer.check.passed else FAILED_CHECK
    return as_json(answer) if options.json else as_text(answer), code


def _answer(options: argparse.Namespace, point: Point) -> Answer:
    value, point = plain_value(point)
    gradients, seconds = automatic(point)
    leaves = leaves_of(gradients)
    found = None if options.no_check else _checked(options, point, leaves, seconds)
    notes = [f"{name}: integers taken as floating" for name in point.floated]
    notes += [
        f"{name}: integer, held constant; --wrt {name} differentiates by it" for name in point.held
    ]
    notes += _zeros(point, gradients, found)
    if found is not None and not found.passed:
        notes.append(_reason(point, value))
    return Answer(
        function=options.target,
        value=value,
        gradients=dict(zip(point.wrt, gradients, strict=True)),
        leaves=list(zip(point.leaf_names(), leaves, strict=True)),
        seconds=seconds,
        check=found,
        notes=notes,
    )


def _checked(
    options: argparse.Namespace, point: Point, gradients: Sequence[Any], seconds: float
) -> Check:
    leaves = leaves_of(point.values)
    slots = Slots(leaves)
    chosen: Sequence[Any] = slots
    if options.sample is not None and options.sample < len(slots):
        draw = np.random.default_rng(options.seed).choice(len(slots), options.sample, replace=False)
        chosen = [slots[k] for k in np.sort(draw).tolist()]
    shown = options.progress
    if shown is None:
        shown = 4 * len(chosen) * seconds > LONG and sys.stderr.isatty()

    evaluate = evaluator(point)

    def function(moved: list[Any]) -> float:
        try:
            return evaluate(moved)
        except UserCodeProblem as problem:
            if isinstance(problem.__cause__, ValueError | ArithmeticError):
                return math.nan  # outside of its domain: the check then takes smaller steps
            raise

    with np.errstate(all="ignore"):
        bar = progress(chosen, "check", shown)
        return check(function, leaves, gradients, bar, len(slots), options.tolerance)


def _zeros(point: Point, gradients: Sequence[Any], found: Check | None) -> list[str]:
    """A note for each argument by which the derivative is zero throughout."""
    notes, leaf = [], 0
    for name, gradient in zip(point.wrt, gradients, strict=True):
        parts = leaves_of(gradient)
        indices = range(leaf, leaf + len(parts))
        leaf += len(parts)
        if any(np.any(part) for part in parts):
            continue
        if found is None or found.checked < found.total:
            notes.append(f"{name}: derivative zero")
        elif found.flat.issuperset(indices):
            notes.append(f"{name}: derivative zero, the value does not depend on it here")
    return notes


def _reason(point: Point, value: float) -> str:
    """What a failed check may come from."""
    again, _ = plain_value(point)
    if again != value and not np.isnan(value):
        return "two calls gave different values: the function is random or keeps state"
    if not np.isfinite(value):
        return "the value is not finite there"
    return (
        "the function may have a kink, a jump or the edge of its domain there, vary too fast for "
        "differences, or hide a step from the derivative (.data, a cache, a global)"
    )
