"""What a function reads besides its arguments: so that a trace is never used when that changed.

Closures, globals, defaults, and what hangs on them: functions are followed into what they read,
objects and containers into what they hold. Modules are not followed but for the attributes that the
code names, and neither are those of the standard library, NumPy and this package.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..debugging import OURS

LIBRARIES = (*OURS, os.path.dirname(os.__file__) + os.sep)
"""Folders of what is no part of a user's program."""

MOST = 10_000
"""Objects that are looked at; a function that reads more is not followed further."""


class Captured:
    """A look at all that a function reads, to be compared with a later one.

    It holds the objects that it saw, so that none of them can be gone and another have its place.
    """

    def __init__(self, f: Any) -> None:
        self.f = f
        self.met: dict[int, Any] = {}
        self.seen = list(self.at(f))

    def changed(self) -> bool:
        """Whether anything is another object, or an array has other numbers in it."""
        return Captured(self.f).seen != self.seen

    def at(self, x: Any) -> Iterator[Any]:
        """The identity of an object, or its numbers, and all below it."""
        if isinstance(x, (np.ndarray, np.generic)):
            x = np.asarray(x)
            digest = hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=16).digest()
            yield x.shape, x.dtype.str, digest
        elif isinstance(x, np.random.Generator):
            yield repr(x.bit_generator.state)
        elif isinstance(x, (bool, int, float, complex, str, bytes, type(None))):
            yield type(x), repr(x)
        elif id(x) in self.met or len(self.met) > MOST:
            yield id(x)
        else:
            self.met[id(x)] = x
            yield id(x)
            for below in self.below(x):
                yield from self.at(below)

    def below(self, x: Any) -> Iterator[Any]:
        """What an object of the user's holds or reads."""
        if isinstance(x, types.FunctionType):
            if not x.__code__.co_filename.startswith(LIBRARIES):
                yield from self.read_by(x)
            yield from (v for v in (getattr(x, "__wrapped__", None),) if v is not None)
        elif isinstance(x, types.MethodType):
            yield from (x.__func__, x.__self__)
        elif isinstance(x, dict):
            yield from x.keys()
            yield from x.values()
        elif isinstance(x, (list, tuple, set, frozenset)):
            yield from x
        elif hasattr(x, "func") and hasattr(x, "args"):  # functools.partial, derivatives
            yield from (x.func, x.args, x.keywords)
        elif hasattr(x, "__dict__") and holds_state(type(x)):
            yield vars(x)

    def read_by(self, f: types.FunctionType) -> Iterator[Any]:
        """What the code of a function reads: cells, defaults, globals, attributes of modules."""
        yield from (f.__defaults__, f.__kwdefaults__)
        for cell in f.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not yet filled
                continue
        names = set(names_in(f.__code__))
        for name in sorted(names):
            if name not in f.__globals__:
                continue
            x = f.__globals__[name]
            if isinstance(x, types.ModuleType):
                if is_users(x):
                    yield from (vars(x)[k] for k in sorted(names & vars(x).keys()))
            else:
                yield x


def names_in(code: types.CodeType) -> Iterator[str]:
    """The names that a piece of code, and those inside it, use."""
    yield from code.co_names
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from names_in(constant)


def holds_state(kind: type) -> bool:
    """Whether the attributes of a class's objects are the program's: its own, or a namespace's."""
    return kind.__name__.endswith("Namespace") or is_users(sys.modules.get(kind.__module__))


def is_users(module: types.ModuleType | None) -> bool:
    """Whether a module is part of the program, and no library."""
    path = getattr(module, "__file__", None) or ""
    if not path:
        return getattr(module, "__name__", "") == "__main__"
    return not any(each in path for each in ("site-packages", "dist-packages", *LIBRARIES))
