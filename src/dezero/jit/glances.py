"""A glance at what a function reads, which tells most of the time that nothing has changed.

Every place where one object can take the place of another is read again, and what is there
compared by identity: all that the long look (`captured.py`) depends on is read here too.
"""

from __future__ import annotations

import builtins
import itertools
import operator
import sys
import types
from collections.abc import Callable
from typing import Any

from .objects import fact_of

BUILTINS = vars(builtins)

Read = Callable[[Any, Any], Any]
Glance = tuple[Callable[[Any, Any], bool], Read, Any, Any, Any]
"""``(alike, read, x, words, held)``: what `read` found in an object, to be found again."""

FIXED = frozenset({tuple, frozenset, types.MethodType})
"""Types of what holds the same objects for ever."""

MISSING = object()
"""In place of what is not there."""


def identical(xs: Any, held: tuple[Any, ...]) -> bool:
    """Whether these are the same objects."""
    xs = tuple(xs)
    return len(xs) == len(held) and all(map(operator.is_, xs, held))


def meanings(f: types.FunctionType, names: Any) -> tuple[Any, ...]:
    """All that decides what `read_by` gives for a function, by the names in its code."""
    words, imports = names
    space, gone = f.__globals__, itertools.repeat(MISSING)
    package = space.get("__package__")
    inside = [f"{package}.{word}".rstrip(".") for word in imports]
    return (
        *(f.__code__, f.__defaults__, f.__kwdefaults__, f.__dict__ or None),
        *map(content, f.__closure__ or ()),
        *map(space.get, words, gone),
        *map(BUILTINS.get, words, gone),
        *map(sys.modules.get, (*imports, *inside), gone),
    )


def content(cell: types.CellType) -> Any:
    """What a variable of a closure is, if it is assigned yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def fact_in(x: Any, _words: Any) -> Any:
    """What can change in an object by itself."""
    return fact_of(x)
