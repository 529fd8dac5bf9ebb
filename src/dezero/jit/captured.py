"""What a function reads besides its arguments: so that a trace is never used when that changed.

Closures, globals, defaults, and all that hangs on them: functions are followed into what they read,
classes into their attributes, and every other object into what it holds, as Python's garbage
collector knows it. Of modules, only the attributes that the code names are looked at; the functions
and classes of installed libraries are taken as they are. What is outside of the program (files,
the time) cannot be seen.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import operator
import sys
import types
from collections.abc import Iterator
from typing import Any

from ..box import Box
from ..config import recording_floor
from .glances import BUILTINS, FIXED, Glance, fact_in, identical, meanings
from .objects import PLAIN, WHOLE, below, fact_of, is_library, is_users
from .standing import UNSEEN, can_stand

MOST = 10_000
"""Objects that are looked at: a function that reads more is not watched."""

Place = tuple[types.CodeType | None, str]
"""In which code, and by what name, something is read."""


THE_FUNCTION: Place = (None, "itself, or the object that it is a method of")


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
    return next(lines, f"`{name}`" if code is not None else name)


class Captured:
    """A look at all that a function reads, to be compared with a later one.

    The data of Variables is not compared: they become inputs.

    It holds the objects that it saw, so that none of them can be gone and another have its place.

    Raises
    ------
    Unwatched
        If that is too much, or a box whose gradient a trace would not carry.
    """

    def __init__(self, f: Any) -> None:
        self.f = f
        self.seen: list[Any] = []  # objects
        self.facts: list[Any] = []  # what these are like, where they can be written into
        self.places: list[Place] = []  # where each is read
        self.glances: list[Glance] = []
        self.variables: list[Any] = []
        self.hidden = THE_FUNCTION  # where the last of these is read
        self.unseen: set[str] = set()
        self.look()
        if self.variables and self.unseen:
            raise self.beyond(f"the code names `{min(self.unseen)}`")

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
            if kind in WHOLE or x is recording_floor:  # what is recorded changes no number
                continue
            if kind is types.FunctionType:
                code = x.__code__
                mine = not is_library(code.co_filename)
                words = words_in(code) if mine else ()
                self.unseen |= UNSEEN.intersection(words)
                stack += [(y, (code, word), words) for word, y in read_by(x, mine)]
                names = words, imports_in(code) if mine else ()
                self.glances.append((identical, meanings, x, names, meanings(x, names)))
                continue
            if len(seen) > MOST:
                what = f"reads more than {MOST} objects, by way of {shown(place)}"
                raise Unwatched(what, place)
            if issubclass(kind, Box):
                self.meet(x, place)
                continue
            fact = fact_of(x)
            if fact is not None:
                self.facts.append((len(seen) - 1, fact))
                self.glances.append((operator.eq, fact_in, x, words, fact))
            held = tuple(below(x, words))
            stack += [(y, place, words) for y in held]
            if kind not in FIXED:
                self.glances.append((identical, below, x, words, held))

    def meet(self, x: Box, place: Place) -> None:
        """Keep a Variable; refuse another box."""
        if not can_stand(x):
            lost = "whose gradient a trace would not carry: make it an argument"
            what = f"reads the {type(x).__name__} {shown(place)}, {lost}"
            raise Unwatched(what, place, passing=x._level > 0)
        self.variables.append(x)
        self.hidden = place

    def beyond(self, why: Any, passing: bool = False) -> Unwatched:
        """That a Variable is used in a way that no trace can follow."""
        what = f"reads the Variable {shown(self.hidden)}, and {why}"
        return Unwatched(what, self.hidden, passing)

    def changed(self) -> bool:
        """Whether anything is another object, or an array has other numbers in it.

        A glance at each place where something can become another object tells most of the time.
        """
        if all(alike(read(x, words), held) for alike, read, x, words, held in self.glances):
            return False
        later = Captured(self.f)
        if self.difference(later) is not None:
            return True
        self.glances = later.glances  # another object, but an equal number
        return False

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


def read_by(f: types.FunctionType, mine: bool) -> list[tuple[str, Any]]:
    """What a function reads, by name: cells, and if it is the program's, also what its code names.

    That are defaults, globals, and what it imports when it runs.
    """
    code = f.__code__
    read: list[tuple[str, Any]] = [("its code", code)] if mine else []
    if not mine and is_published(f):
        return read
    if f.__dict__:
        read.append(("an attribute of its own", f.__dict__))
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # not yet filled
            read.append((name, cell.cell_contents))
    if not mine:
        return read
    read += [("a default", each) for each in (f.__defaults__, f.__kwdefaults__) if each]
    space = f.__globals__
    for word in words_in(code):
        if word in space:
            read.append((word, space[word]))
        elif word in BUILTINS:
            read.append((word, BUILTINS[word]))
    package = space.get("__package__")
    for word in imports_in(code):
        names = (word, f"{package}.{word}".rstrip("."))
        read += [(word, sys.modules[name]) for name in names if name in sys.modules]
    return read


def is_published(f: types.FunctionType) -> bool:
    """Whether a function is a library's own, which has it by its name: such as `dezero.sin`.

    One that wraps the program's function, in a closure, has that one's name, or none.
    """
    names = getattr(sys.modules.get(f.__module__), "__dict__", {})
    return names.get(f.__qualname__) is f and not is_users(f.__module__)


@functools.lru_cache(4096)
def words_in(code: types.CodeType) -> tuple[str, ...]:
    """The names that a piece of code, and those inside it, use, also as strings."""
    words: set[str] = set()
    for each in codes_in(code):
        words.update(each.co_names)
        words.update(x for x in each.co_consts if isinstance(x, str) and x.isidentifier())
    return tuple(sorted(words))


@functools.lru_cache(4096)
def imports_in(code: types.CodeType) -> tuple[str, ...]:
    """The modules that a piece of code, and those inside it, import when they run."""
    return tuple(
        instruction.argval
        for each in codes_in(code)
        for instruction in dis.get_instructions(each)
        if instruction.opname == "IMPORT_NAME"
    )


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
