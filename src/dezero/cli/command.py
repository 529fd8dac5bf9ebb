"""The options of the command ``dezero``, and what its commands share."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import dezero as dz
from dezero.cli.gradient import gradient
from dezero.cli.graphs import source, trace, view
from dezero.cli.problems import Problem
from dezero.cli.report import headed
from dezero.cli.target import load
from dezero.cli.values import read_assignments

__all__ = ["main"]

INTERRUPTED = 130

VALUES = """\
values:
  -0.5   1e3   [1.0, 2.0]   "[[1, 2], [3, 4]]"   "{'w': [0.1, 0.2], 'b': 0.0}"   "'a string'"
  @w.npy   @data.csv   @data.csv:COLUMN   @fit.npz   @fit.npz:KEY   @start.json   @start.json:KEY
  Lists of numbers become arrays, dicts and tuples stay containers. A .csv is a table of floats, its
  first line may name the columns. Without :KEY a .npz or a .json object is a dict.
"""

GRAD = """\
Differentiate a function of your own file, written in plain NumPy, at the values you give.

Prints the value, the derivative by each argument, a check against numerical differences, and the
time that both took. The derivative is by every argument given whose value is floating. Integers are
held constant, unless --wrt names them or nothing floating is given: then they are taken as floats.
"""

GRAD_NOTES = f"""\
{VALUES}
example:
  dezero grad examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0

exit codes:
  0    done, and the check passed (or was not asked for)
  1    the automatic derivative and the numerical one differ
  2    the command line, a file or a value cannot be used, or the function returns no real scalar
  3    your own code raised an exception
  130  interrupted
"""

TRACE = """\
Print what a function of your own file asks NumPy for, one line for each operation.

Inputs are the arguments given that are floating, and arrays of integers. Lone integers are held
constant, unless nothing floating is given: then they are taken as floats. What your function prints
goes to stderr.
"""

SOURCE = """\
Print a function of your own file, or its gradient, as plain NumPy source that stands alone.

Inputs are the arguments given that are floating, and arrays of integers; the source is for their
shapes, and for the path that the program takes on them. Lone integers are held constant, unless
nothing floating is given: then they are taken as floats. What your function prints goes to stderr.
"""

VIEW = """\
Write a page that steps through a function of your own file, forward and then backward.

The page is one file, which needs no network. Inputs are the arguments given that are floating, and
arrays of integers. Lone integers are held constant, unless nothing floating is given: then they are
taken as floats. What your function prints goes to stderr.
"""

GRAPH_NOTES = f"""\
{VALUES}
examples:
  dezero trace examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0 --values --adjoints
  dezero source examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0 --grad K,r
  dezero view examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0 -o page.html

exit codes:
  0    done
  2    the command line, a file or a value cannot be used, or the program cannot be shown so
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
        return _run(options)
    except Problem as problem:
        return _tell(problem, options)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    given = read_assignments(options.at)
    out = sys.stdout if options.run is gradient and not options.json else sys.stderr
    with contextlib.redirect_stdout(out), load(options.target) as target:
        target.check_names(given)
        reply, code = options.run(options, target, given)
    _print(reply if isinstance(reply, str) else json.dumps(reply, allow_nan=False))
    return int(code)


def _tell(problem: Problem, options: argparse.Namespace) -> int:
    if options.traceback and problem.__cause__ is not None:
        traceback.print_exception(problem.__cause__)
    print(f"dezero: {problem}", file=sys.stderr)
    if options.json:
        error = {"message": str(problem), "exit_code": problem.exit_code}
        print(json.dumps(headed(error=error)))
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

    def command(run: Any, name: str, purpose: str, text: str, notes: str) -> Any:
        made = commands.add_parser(
            name,
            help=purpose,
            description=text,
            epilog=notes,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        _shared_options(made)
        return made.add_argument

    purpose = "the value and the derivatives of a function in a file"
    _grad_options(command(gradient, "grad", purpose, GRAD, GRAD_NOTES))
    purpose = "the operations of a function, line by line"
    _trace_options(command(trace, "trace", purpose, TRACE, GRAPH_NOTES))
    purpose = "a function, or its gradient, as NumPy source"
    _source_options(command(source, "source", purpose, SOURCE, GRAPH_NOTES))
    purpose = "a page that steps through a function"
    _view_options(command(view, "view", purpose, VIEW, GRAPH_NOTES))
    return parser


def _shared_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("target", metavar="FILE.py:FUNCTION", help="the file and the function in it")
    add("--at", metavar="NAME=VALUE", action="append", default=[], help="an argument; repeatable")
    add("--json", action="store_true", help="print JSON; what your function prints goes to stderr")
    add(
        "--traceback",
        action="store_true",
        help="show the full traceback of an exception in your code",
    )


def _grad_options(add: Callable[..., Any]) -> None:
    bar = argparse.BooleanOptionalAction
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
    add("--progress", action=bar, help="a bar on stderr (default: on a terminal, for long checks)")


def _trace_options(add: Callable[..., Any]) -> None:
    add("--values", action="store_true", help="show the values too")
    add("--adjoints", action="store_true", help="add the derivative by each name")


def _source_options(add: Callable[..., Any]) -> None:
    add(
        "--grad",
        metavar="NAME,…",
        nargs="?",
        const="",
        help="the source of the gradient, by these arguments (default: by all that are floating)",
    )


def _view_options(add: Callable[..., Any]) -> None:
    add("-o", "--output", metavar="FILE", help="the file to write")
    add("--dot", action="store_true", help="Graphviz's DOT text instead; without -o it is printed")


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def positive(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    positive.__name__ = kind.__name__  # argparse says "invalid int value"
    return positive
