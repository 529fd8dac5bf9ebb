"""Writes docs/coverage.md from the cases that prove what it says: ``make generated``.

Every case is run with a spy on the two protocols of NumPy, and on the functions of `dezero.scipy`
that are no ufuncs. A function is covered if a case calls it; the case's modes and operands, and how
it goes under `vmap`, are what the table says.
"""

import contextlib
import functools
import importlib
import itertools
import json
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optree

import dezero as dz
from dezero.box import ROWS, Box, as_array
from dezero.errors import DeZeroError, SequentialWarning

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
LISTS = json.loads((Path(__file__).parent / "coverage.json").read_text())
MIRRORS = ("special", "linalg", "signal")
HOMES = ("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg", "scipy.signal")

OTHER_NAMES = {"numpy.row_stack": "numpy.vstack"}
"""Functions that only call another one."""

UNSEEN = ("numpy.r_", "numpy.c_", "numpy.kaiser")
"""Of the mirror `dezero.numpy` alone; the cases of these names are theirs."""

REASONS = {
    "numpy.broadcast_shapes": "takes shapes, no arrays; NumPy's own",
}
"""What is on the lists and has no case, and why."""


@dataclass
class Facts:
    """What the cases of a function show."""

    modes: set[str] = field(default_factory=set)
    derivative: bool = False
    complex: bool = False
    batched: bool = False
    one_by_one: bool = False


class Spy:
    """Notes which functions a case calls, but not what these call in turn."""

    def __init__(self):
        self.facts, self.called, self.depth = {}, {}, 0

    def watched(self, function, call, args, kwargs=()):
        """The result of a call, noted down with what the function got and gave that is a box."""
        self.depth += 1
        try:
            result = call()
        finally:
            self.depth -= 1
        if not self.depth:
            boxes = self.called.setdefault(function, [])
            made = boxes_in(args[:1] if result is None else result)  # None: it wrote into the first
            boxes += made and [*made, *boxes_in((args, dict(kwargs)))]
        return result

    @contextlib.contextmanager
    def on_the_protocols(self):
        """Inside, NumPy's calls on boxes are noted."""
        ufunc, function = Box.__array_ufunc__, Box.__array_function__
        spy = self

        def array_ufunc(box, f, method, *args, **kwargs):
            call = functools.partial(ufunc, box, f, method, *args, **kwargs)
            return spy.watched(f if method == "__call__" else (f, method), call, args, kwargs)

        def array_function(box, f, types, args, kwargs):
            return spy.watched(f, lambda: function(box, f, types, args, kwargs), args, kwargs)

        Box.__array_ufunc__, Box.__array_function__ = array_ufunc, array_function
        try:
            yield
        finally:
            Box.__array_ufunc__, Box.__array_function__ = ufunc, function

    def wrapped(self, name, function):
        """A function of the mirror whose calls are noted."""

        @functools.wraps(function)
        def call(*args, **kwargs):
            return self.watched(name, lambda: function(*args, **kwargs), args, kwargs)

        return call

    @contextlib.contextmanager
    def cases(self):
        """The tables of cases, imported once more, with the functions of `dezero.scipy` watched."""
        found = {(module, name): function for _, module, name, function in mirrored()}
        others = {name: sys.modules.pop(name) for name in list(sys.modules) if is_cases(name)}
        for title, module, name, function in mirrored():
            setattr(module, name, self.wrapped(title, function))
        try:
            yield importlib.import_module("cases")
        finally:
            for (module, name), function in found.items():
                setattr(module, name, function)
            for name in list(filter(is_cases, sys.modules)):
                del sys.modules[name]
            sys.modules.update(others)

    def note(self, case, batched, one_by_one):
        """What a case that has run tells of the functions that it called."""
        for function, boxes in self.called.items():
            facts = self.facts.setdefault(function, Facts())
            if boxes:
                facts.derivative = True
                facts.modes.update(case.modes)
                facts.complex |= any(x.dtype.kind == "c" for x in boxes)
            facts.batched |= batched
            facts.one_by_one |= one_by_one
        self.called = {}


def boxes_in(tree):
    """The boxes in nested containers."""
    return [x for x in optree.tree_leaves(tree) if isinstance(x, Box)]


def mirrored():
    """The functions of `dezero.scipy` that are no ufuncs: title, module, name, function."""
    found = []
    for last in MIRRORS:
        module = importlib.import_module(f"dezero.scipy.{last}")
        names = set(dir(importlib.import_module(f"scipy.{last}")))
        found += [
            (f"scipy.{last}.{name}", module, name, function)
            for name, function in vars(module).items()
            if name in names and callable(function) and not isinstance(function, (np.ufunc, type))
        ]
    return found


def is_cases(name):
    return name == "cases" or name.startswith("cases.")


def names_of(kind):
    """The names on one of the lists."""
    found = LISTS[kind]
    return list(itertools.chain(*found.values())) if isinstance(found, dict) else found


def batches(case):
    """Whether a case runs for a batch, and whether one member after the other."""
    members = [np.stack([x, x * 0.999]).astype(x.dtype) for x in case.args]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            dz.vmap(case.call)(*members)
    except (DeZeroError, TypeError, ValueError):
        return False, False
    slow = any(issubclass(each.category, SequentialWarning) for each in caught)
    return not slow, slow


def observed():
    """The facts about each function that a case calls, and the names with cases of their own."""
    spy = Spy()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with spy.cases() as cases:
            constant = [
                cases.Case(call, (cases.X,), ())
                for calls in cases.CONSTANT.values()
                for call in calls
            ]
            proofs = [*itertools.chain(*cases.CASES.values(), *cases.SPELLINGS.values())]
            for case in proofs + constant:
                with spy.on_the_protocols():
                    case.call(*(dz.Variable(as_array(x).copy()) for x in case.args))
                called, spy.called = spy.called, {}
                outcome = batches(case)
                spy.called = called
                spy.note(case, *outcome)
            for name in UNSEEN:
                for case in cases.SPELLINGS.get(name.removeprefix("numpy."), ()):
                    spy.called = {name: [dz.Variable(as_array(x)) for x in case.args]}
                    spy.note(case, *batches(case))
    return spy.facts


def functions():
    """Every name of the lists, and every function that has a row, with what the spy calls it."""
    listed = [*map(names_of, ("differentiable", "zero_gradient", "nondifferentiable", "in_place"))]
    found = {name: resolved(name) for name in itertools.chain(*listed)}
    found |= {title: title for title, *_ in mirrored()}
    for home in HOMES:
        module = importlib.import_module(home)
        for name, value in vars(module).items():
            if not name.startswith("_") and callable(value) and known(value):
                found.setdefault(f"{home}.{name}", value)
    return found


def known(function):
    try:
        return function in ROWS
    except TypeError:  # what has no hash is no function
        return False


def resolved(name):
    """What the spy calls a function: itself, or the name of one of the mirror."""
    home, _, last = OTHER_NAMES.get(name, name).rpartition(".")
    function = getattr(importlib.import_module(home), last, None)
    return function if known(function) else name


def missing(facts):
    """Names on the lists that no case calls, and that have no stated reason."""
    return sorted(
        name for name, key in functions().items() if key not in facts and name not in REASONS
    )


HEAD = """\
# Coverage

Which functions take boxes, and how. This page is made from the tests' cases (`make generated`), and
a test fails where it says anything else than they do. A function stands here because a case in
`tests/cases/` calls it; its cases are compared with NumPy's values, with differences to second
order in both modes, and under `vmap` with one member after the other.

- **reverse**, **forward**: `backward`, `grad`, `vjp`; `jvp`. Both to second order, in every mix.
- **vmap**: a batch in one pass; "one by one" where members are called in turn, with a warning.
- **complex**: there are cases with complex operands or results.

"""
YES, NO = "✓", "–"


def page(facts):
    """The whole text."""
    found = functions()
    covered = {name: facts[key] for name, key in found.items() if key in facts}
    lines = [HEAD]
    for home in HOMES:
        mine = sorted(n for n in covered if n.rpartition(".")[0] == home)
        moving = [name for name in mine if covered[name].derivative]
        if moving:
            lines += [f"## {home}\n\n", "| | reverse | forward | second order | vmap | complex |\n"]
            lines += ["|---|---|---|---|---|---|\n", *(row(n, covered[n]) for n in moving), "\n"]
        plain = {name: covered[name] for name in mine if not covered[name].derivative}
        if plain:
            lines.append(f"Values without a derivative: {listed(plain)}.")
            alone = [name for name, each in plain.items() if not each.batched]
            lines.append(f" Of these not in one pass under `vmap`: {listed(alone)}." * bool(alone))
            lines.append("\n\n")
    lines.append("## Not covered\n\n| | why |\n|---|---|\n")
    reasons = REASONS | dict.fromkeys(missing(facts), "no case yet")
    lines += [f"| `{name}` | {reason} |\n" for name, reason in sorted(reasons.items())]
    return "".join(lines)


def listed(names):
    """Functions of a module by their last names."""
    return " ".join(f"`{name.rpartition('.')[2]}`" for name in names)


def row(name, facts):
    """A line of the table."""
    cells = [YES if mode in facts.modes else NO for mode in ("reverse", "forward")]
    cells.append(YES if facts.modes else NO)
    cells.append(YES if facts.batched else "one by one" if facts.one_by_one else NO)
    cells.append(YES if facts.complex else NO)
    return f"| `{name.rpartition('.')[2]}` | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(observed()), encoding="utf-8")
    print(PAGE, file=sys.stderr)
