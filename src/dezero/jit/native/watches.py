"""What a function captured, as words in memory that machine code compares in nanoseconds.

`Captured` walks through what a function reads, in Python. Here the same objects become a program of
comparisons (see `caller.Watch`): as long as all hold, another walk would find nothing changed. They
may fail for nothing, such as another global of the same module: then Python has a look.
"""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from ...trees import Derived
from ..captured import LIBRARIES, Captured, holds_state, is_users, names_in
from .caller import Watch
from .layouts import Layout, inspected, layout, word
from .tables import Unfit

PLAIN = (bool, int, float, complex, str, bytes, type(None))
"""Types whose objects never change."""

ABSENT = object()
"""What a name means that is not there."""

MANAGED = 1 << 4
"""The flag of types whose objects' attributes the interpreter manages (CPython, since 3.11)."""


class Watches:
    """A program of comparisons, and what it refers to."""

    __slots__ = ("held", "words")

    def __init__(self, program: list[int], held: list[Any]) -> None:
        self.words = np.array([*program, Watch.END], np.uint64).view(np.int64)
        self.held = held


ALWAYS = Watches([], [])
"""Those of what reads nothing that could change."""


def watched(captured: Captured) -> Watches:
    """Comparisons for all that a look at a function saw.

    Raises
    ------
    Unfit
        If something has to be looked at by Python at each call; the message says what.
    """
    made = Watching(captured)
    return Watches(made.program, made.held)


class Watching:
    """Watches, as they are being written."""

    def __init__(self, captured: Captured) -> None:
        found = layout()
        if found is None or found.tag is None:
            raise Unfit("this interpreter's objects")
        self.at: Layout = found
        self.tag: int = found.tag
        self.held: list[Any] = [captured]
        self.program: list[int] = []
        self.spaces: dict[int, dict[str, Any]] = {}  # whose names are watched, by identity
        self.names: dict[int, dict[str, int]] = {}
        for x in captured.met.values():
            self.look(x)
        for key, space in self.spaces.items():
            pairs = [each for k, v in self.names[key].items() for each in (id(k), v)]
            self.program += [Watch.NAMES, key, self.word_of(space, self.tag), len(pairs) // 2]
            self.program += pairs

    # comparisons

    def word_of(self, x: Any, offset: int) -> int:
        return word(id(x) + offset)

    def watch(self, x: Any, offset: int) -> None:
        """A word of an object stays what it is."""
        self.program += [Watch.WORD, id(x) + offset, self.word_of(x, offset)]

    def watch_bytes(self, address: int, n: int) -> None:
        """So does other memory."""
        if n:
            copy = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_uint8 * n).from_address(address))
            copy = copy.copy()
            self.held.append(copy)
            self.program += [Watch.BYTES, address, copy.ctypes.data, n]

    def watch_name(self, space: dict[str, Any], name: str) -> Any:
        """What a name means in a namespace, which may have others that change."""
        value = space.get(name, ABSENT)
        self.spaces[id(space)] = space
        names = self.names.setdefault(id(space), {})
        names[name] = 0 if value is ABSENT else id(value)
        self.held += [space, name, value]
        return value

    def refer(self, x: Any) -> None:
        """Something that an object refers to: what it is must be known from its identity."""
        self.held.append(x)
        if isinstance(x, np.ndarray):
            self.watch_array(x)
        elif isinstance(x, np.generic):
            if x.dtype.kind in "OV":
                raise Unfit(f"a {type(x).__name__}")
        elif isinstance(x, np.random.Generator):
            raise Unfit("a generator of random numbers")
        elif isinstance(x, PLAIN) and type(x) not in PLAIN:
            raise Unfit(f"a {type(x).__name__}")

    def watch_array(self, x: np.ndarray[Any, Any]) -> None:
        """The kind of an array, and its numbers."""
        if x.dtype.hasobject or not (x.flags.c_contiguous or x.flags.f_contiguous):
            raise Unfit("an array of objects, or one that is not contiguous")
        for offset in (self.at.data, self.at.dtype, self.at.shape, self.at.strides):
            self.watch(x, offset)
        self.watch_bytes(id(x) + self.at.ndim, 4)
        if x.ndim:
            for offset in (self.at.shape, self.at.strides):
                self.watch_bytes(self.word_of(x, offset), 8 * x.ndim)
        self.watch_bytes(self.word_of(x, self.at.data), x.nbytes)

    # objects, as `Captured.below` follows them

    def look(self, x: Any) -> None:
        """All through which another walk would come to something else."""
        self.refer(x)
        if isinstance(x, types.FunctionType):
            self.function(x)
        elif isinstance(x, types.MethodType):
            self.refer(x.__func__)
            self.refer(x.__self__)
        elif isinstance(x, dict):
            self.mapping(x)
        elif isinstance(x, (list, tuple, set, frozenset)):
            self.sequence(x)
        elif isinstance(x, functools.partial) or (hasattr(x, "func") and hasattr(x, "args")):
            self.partial(x)
        elif hasattr(x, "__dict__"):
            self.instance(x)

    def function(self, f: types.FunctionType) -> None:
        for offset in (self.at.code, self.at.defaults, self.at.kwdefaults, self.at.attributes):
            self.watch(f, offset)
        if self.word_of(f, self.at.attributes):
            self.refer(self.watch_name(vars(f), "__wrapped__"))
        if f.__code__.co_filename.startswith(LIBRARIES):
            return
        self.refer(f.__defaults__)
        self.refer(f.__kwdefaults__)
        for cell in f.__closure__ or ():
            self.watch(cell, self.at.cell)
            if self.word_of(cell, self.at.cell):
                self.refer(cell.cell_contents)
        names = set(names_in(f.__code__))
        for name in names:
            x = self.watch_name(f.__globals__, name)
            if not isinstance(x, types.ModuleType):
                self.refer(x)
            elif is_users(x):
                for each in names:
                    self.refer(self.watch_name(vars(x), each))

    def mapping(self, x: dict[Any, Any]) -> None:
        kind = type(x)
        if kind.keys is not dict.keys or kind.values is not dict.values:
            raise Unfit(f"a {kind.__name__}")
        self.watch(x, self.tag)
        for each in (*dict.keys(x), *dict.values(x)):
            self.refer(each)

    def sequence(self, x: Any) -> None:
        kind = type(x)
        if isinstance(x, set) or kind.__iter__ not in (
            list.__iter__, tuple.__iter__, frozenset.__iter__
        ):  # fmt: skip
            raise Unfit(f"a {kind.__name__}")
        if isinstance(x, list):
            self.watch(x, self.at.list_size)
            self.watch(x, self.at.list_items)
            self.watch_bytes(self.word_of(x, self.at.list_items), 8 * len(x))
        for each in x:
            self.refer(each)

    def partial(self, x: Any) -> None:
        if type(x) not in (functools.partial, Derived):
            raise Unfit(f"a {type(x).__name__}")
        for name in ("func", "args", "keywords"):
            self.watch(x, inspected(getattr(functools.partial, name), self.at.member))
            self.refer(getattr(x, name))

    def instance(self, x: Any) -> None:
        """An object with attributes, which are another object that was seen."""
        self.watch(x, self.at.kind)
        if not holds_state(type(x)):
            return
        offset = type(x).__dictoffset__
        if type(x).__flags__ & MANAGED:
            offset = self.at.managed or 0
        if not offset or self.word_of(x, offset) != id(vars(x)):
            raise Unfit(f"the attributes of a {type(x).__name__}")
        self.watch(x, offset)
