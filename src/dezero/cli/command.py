"""The options of the command ``dezero``, and the steps of ``dezero grad``."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import dezero as dz
from dezero.cli.check import Check, Slots, check
from dezero.cli.point import Point, automatic, choose, evaluator, leaves_of, plain_value
from dezero.cli.problems import Problem, UserCodeProblem
from dezero.cli.progress import progress
from dezero.cli.report import SCHEMA, Answer, as_json, as_text
from dezero.cli.target import load
from dezero.cli.values import read_assignments

__all__ = ["main"]

FAILED_CHECK, INTERRUPTED = 1, 130
LONG = 2.0  # seconds from which a check is expected to need a bar, on a terminal

GRAD = """\
Differentiate a function of your own file, written in plain NumPy, at the values you give.

Prints the value, the derivative by each argument, a check against numerical differences, and the
time that both took. The derivative is by every argument given whose value is floating. Integers are
held constant, unless --wrt names them or nothing floating is given: then they are taken as floats.
"""

GRAD_NOTES = """\
values:
  -0.5   1e3   [1.0, 2.0]   "[[1, 2], [3, 4]]"   "{'w': [0.1, 0.2], 'b': 0.0}"   "'a string'"
  @w.npy   @data.csv   @data.csv:COLUMN   @fit.npz   @fit.npz:KEY   @start.json   @start.json:KEY
  Lists of numbers become arrays, dicts and tuples stay containers. A .csv is a table of floats, its
  first line may name the columns. Without :KEY a .npz or a .json object is a dict.

example:
  dezero grad examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0

exit codes:
  0    done, and the check passed (or was not asked for)
  1    the automatic derivative and the numerical one differ
  2    the command line, a file or a value cannot be used, or the function returns no real scalar
  3    your own code raised an exception
  130  interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (``sys.argv[1:]`` when None) and return its exit code.

    As in argparse, a line that cannot be parsed raises `SystemExit` with code 2; ``--help`` and
    ``--version`` with 0.
    """
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except Problem as problem:
        return _tell(problem, options)
    except KeyboardInterrupt:
        return INTERRUPTED


def _tell(problem: Problem, options: argparse.Namespace) -> int:
    if options.traceback and problem.__cause__ is not None:
        traceback.print_exception(problem.__cause__)
    print(f"dezero: {problem}", file=sys.stderr)
    if options.json:
        error = {"message": str(problem), "exit_code": problem.exit_code}
        print(json.dumps({"schema": SCHEMA, "dezero": dz.__version__, "error": error}))
    return problem.exit_code


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # `dezero … | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---- options ----


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dezero", description="Derivatives of NumPy programs.")
    parser.add_argument("--version", action="version", version=f"dezero {dz.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    grad = commands.add_parser(
        "grad",
        help="the value and the derivatives of a function in a file",
        description=GRAD,
        epilog=GRAD_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    grad.set_defaults(run=_grad)
    _grad_options(grad)
    return parser


def _grad_options(grad: argparse.ArgumentParser) -> None:
    add = grad.add_argument
    bar = argparse.BooleanOptionalAction
    add("target", metavar="FILE.py:FUNCTION", help="the file and the function in it")
    add("--at", metavar="NAME=VALUE", action="append", default=[], help="an argument; repeatable")
    add(
        "--wrt",
        metavar="NAME",
        action="append",
        default=[],
        help="differentiate by this; repeatable",
    )
    add("--no-check", action="store_true", help="leave out the check against numerical differences")
    add("--sample", metavar="N", type=_positive(int), help="check only N entries, drawn at random")
    add("--seed", metavar="S", type=int, default=0, help="of that draw (default: 0)")
    add(
        "--tolerance",
        metavar="T",
        type=_positive(float),
        help="of the check, relative (default: 1e-6)",
    )
    add("--json", action="store_true", help="print JSON; what your function prints goes to stderr")
    add("--progress", action=bar, help="a bar on stderr (default: on a terminal, for long checks)")
    add(
        "--traceback",
        action="store_true",
        help="show the full traceback of an exception in your code",
    )


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def positive(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    positive.__name__ = kind.__name__  # argparse says "invalid int value"
    return positive


# ---- dezero grad ----


def _grad(options: argparse.Namespace) -> int:
    given = read_assignments(options.at)
    out = sys.stderr if options.json else sys.stdout
    with contextlib.redirect_stdout(out), load(options.target) as target:
        target.check_names(given)
        answer = _answer(options, choose(target, given, options.wrt))
    _print(json.dumps(as_json(answer), allow_nan=False) if options.json else as_text(answer))
    return 0 if answer.check is None or answer.check.passed else FAILED_CHECK


def _answer(options: argparse.Namespace, point: Point) -> Answer:
    value, point = plain_value(point)
    gradients, seconds = automatic(point)
    leaves = leaves_of(gradients)
    found = None if options.no_check else _checked(options, point, leaves, seconds)
    notes = [*point.notes, *_zeros(point, gradients, found)]
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
