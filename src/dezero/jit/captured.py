"""What a function reads besides its arguments: so that a trace is never used when that changed.

Closures, globals, defaults, and all that hangs on them: functions are followed into what they read,
classes into their attributes, and every other object into what it holds, as Python's garbage
collector knows it. Of modules, only the attributes that the code names are looked at; the functions
and classes of installed libraries are taken as they are. What is outside of the program (files,
the time) cannot be seen.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import operator
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from ..box import Box
from .objects import PLAIN, WHOLE, below, fact_of, is_library

MOST = 10_000
"""Objects that are looked at: a function that reads more is not watched."""

Place = tuple[types.CodeType | None, str]
"""In which code, and by what name, something is read."""


THE_FUNCTION: Place = (None, "the function")


class Unwatched(Exception):
    """A function that reads what cannot be compared before each call.

    Attributes
    ----------
    place : Place
        Where it is read.
    passing : bool
        Whether it is only so now, inside a transform whose boxes it reads.
    """

    def __init__(self, what: str, place: Place, passing: bool = False) -> None:
        super().__init__(what)
        self.place, self.passing = place, passing


def shown(place: Place) -> str:
    """A name, and the line where it is first read."""
    code, name = place
    lines = (
        f"`{name}` ({each.co_filename}:{line})"
        for each in (codes_in(code) if code is not None else ())
        for line in lines_of(each, name)
    )
    return next(lines, f"`{name}`")


class Captured:
    """A look at all that a function reads, to be compared with a later one.

    It holds the objects that it saw, so that none of them can be gone and another have its place.

    Raises
    ------
    Unwatched
        If that is too much, or a Variable, whose gradient a trace would not carry.
    """

    def __init__(self, f: Any) -> None:
        self.f = f
        self.seen: list[Any] = []  # objects
        self.facts: list[Any] = []  # what these are like, where they can be written into
        self.places: list[Place] = []  # where each is read
        self.opened: list[tuple[Any, tuple[str, ...]]] = []  # each once, and by which names
        self.look()

    def look(self) -> None:
        """Go through everything, in the same order each time."""
        met: set[int] = set()
        stack: list[tuple[Any, Place, tuple[str, ...]]] = [(self.f, THE_FUNCTION, ())]
        seen, places = self.seen, self.places
        while stack:
            x, place, words = stack.pop()
            seen.append(x)
            places.append(place)
            kind = type(x)
            if kind in PLAIN or id(x) in met:
                continue
            met.add(id(x))
            if kind in WHOLE:
                continue
            if kind is types.FunctionType:
                code = x.__code__
                words = () if is_library(code.co_filename) else words_in(code)
                self.opened.append((x, words))
                stack += [(y, (code, word), words) for word, y in read_by(x, words)]
                continue
            self.opened.append((x, words))
            if len(seen) > MOST:
                what = f"reads more than {MOST} objects, by way of {shown(place)}"
                raise Unwatched(what, place)
            if isinstance(x, Box):
                lost = "whose gradient a trace would not carry: make it an argument"
                what = f"reads the {kind.__name__} {shown(place)}, {lost}"
                raise Unwatched(what, place, passing=x._level > 0)
            fact = fact_of(x)
            if fact is not None:
                self.facts.append((len(seen) - 1, fact))
            stack += [(y, place, words) for y in below(x, words)]

    def changed(self) -> bool:
        """Whether anything is another object, or an array has other numbers in it."""
        return self.difference(Captured(self.f)) is not None

    def difference(self, later: Captured) -> Place | None:
        """Where something is read that is another in a later look; the first that is found."""
        alike, long = self.facts == later.facts, len(self.seen) == len(later.seen)
        if alike and long and all(map(operator.is_, self.seen, later.seen)):
            return None
        pairs = enumerate(zip(self.seen, later.seen, strict=False))
        others = [k for k, (a, b) in pairs if not same(a, b)][:1]
        facts = zip(self.facts, later.facts, strict=False)
        others += [min(a[0], b[0]) for a, b in facts if a != b][:1]
        if others or not (alike and long):
            shorter, longer = sorted((self, later), key=lambda each: len(each.seen))
            return longer.places[min([*others, len(shorter.seen), len(longer.seen) - 1])]
        return None


def same(a: Any, b: Any) -> bool:
    """Whether it makes no difference which of two objects is read."""
    if a is b:
        return True
    if type(a) is not type(b) or type(a) not in PLAIN:
        return False
    return repr(a) == repr(b) if isinstance(a, (float, complex)) else a == b


def read_by(f: types.FunctionType, words: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """What the code of a function reads, by name: cells, defaults, globals, what it imports."""
    yield "its code", f.__code__
    yield "a default", f.__defaults__
    yield "a default", f.__kwdefaults__
    yield "an attribute of its own", f.__dict__ or None
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet filled
            continue
    package = f.__globals__.get("__package__")
    for word in words:
        if word in f.__globals__:
            yield word, f.__globals__[word]
        elif word in BUILTINS:
            yield word, BUILTINS[word]
        for module in (word, f"{package}.{word}") if package else (word,):
            if module in sys.modules:
                yield word, sys.modules[module]


BUILTINS = vars(builtins)


@functools.lru_cache(4096)
def words_in(code: types.CodeType) -> tuple[str, ...]:
    """The names that a piece of code, and those inside it, use, also as strings."""
    words: set[str] = set()
    for each in codes_in(code):
        words.update(each.co_names)
        words.update(x for x in each.co_consts if isinstance(x, str) and x.isidentifier())
    return tuple(sorted(words))


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """A piece of code, and those inside it."""
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from codes_in(constant)


def lines_of(code: types.CodeType, name: str) -> Iterator[int]:
    """The lines of a piece of code that use a name."""
    for instruction in dis.get_instructions(code):
        line = instruction.positions.lineno if instruction.positions is not None else None
        if instruction.argval == name and line is not None:
            yield line
