"""What a function captured, as words in memory that machine code compares in nanoseconds.

`Captured` looks at all that a function reads, in Python. Here each object that it saw becomes a few
comparisons (see `caller.Watch`), which hold as long as another look would see the same: of a dict
its entries, of a list its items, of an array its numbers, of a Python object all of its fields.
They may fail for nothing; then Python has a look. An object of a kind that is not known here cannot
be watched, and neither can the function.
"""

from __future__ import annotations

import abc
import ctypes
import functools
import gc
import operator
import re
import sys
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...trees import Derived
from ..captured import Captured
from ..glances import BUILTINS
from ..objects import OUTWARD, PLAIN, WHOLE, below
from .caller import Watch
from .layouts import Layout, inspected, layout, word
from .tables import Unfit

FIXED = frozenset({
    *PLAIN, *WHOLE, tuple, frozenset, range, slice, staticmethod, classmethod, types.MethodType,
    types.BuiltinFunctionType, type(re.compile("")), types.GenericAlias, types.UnionType,
    types.MappingProxyType, types.ClassMethodDescriptorType, operator.itemgetter,
    operator.attrgetter, operator.methodcaller, type(vars(abc.ABC)["_abc_impl"]),
})  # fmt: skip
"""Types whose objects hold the same objects for good."""

MANAGED = 1 << 4
"""The flag of types whose objects' attributes the interpreter manages (CPython, since 3.11)."""

SPREAD = 4
"""How much more memory than its numbers an array with gaps may span, to be watched as a whole."""

ABSENT = object()
"""What a name means that is not there."""


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
        if found is None:
            raise Unfit("this interpreter's objects")
        self.at: Layout = found
        self.held: list[Any] = [captured.seen, captured.glances]
        self.program: list[int] = []
        self.names: dict[int, dict[str, int]] = {}  # that are watched, by dicts' addresses
        opened = {id(x): (x, words) for _, _, x, words, _ in captured.glances}
        for x, words in opened.values():
            self.look(x, words)
        for space, names in self.names.items():
            pairs = [each for name, value in names.items() for each in (id(name), value)]
            self.program += [Watch.NAMES, space, self.tag(space), len(names), *pairs]

    # comparisons

    def watch(self, x: Any, *offsets: int) -> None:
        """Words of an object stay what they are."""
        for offset in offsets:
            self.program += [Watch.WORD, id(x) + offset, word(id(x) + offset)]

    def watch_bytes(self, address: int, n: int) -> None:
        """So does other memory."""
        if n:
            copy = np.frombuffer(ctypes.string_at(address, n), np.uint8)
            self.held.append(copy)
            self.program += [Watch.BYTES, address, copy.ctypes.data, n]

    def tag(self, address: int) -> int:
        """The number that a dict has until it changes, if there is any."""
        return word(address + self.at.tag) if self.at.tag is not None else 0

    def watch_entries(self, space: dict[Any, Any]) -> None:
        """All that is in a dict, and its order."""
        pairs = [id(x) for pair in space.items() for x in pair]
        self.held += [space, *space.keys(), *space.values()]
        self.program += [Watch.ENTRIES, id(space), self.tag(id(space)), len(space), *pairs]

    def watch_names(self, space: dict[str, Any], names: Iterable[str]) -> None:
        """What names mean in a dict, which may have others that change."""
        known = self.names.setdefault(id(space), {})
        self.held.append(space)
        for name in map(sys.intern, names):
            value = space.get(name, ABSENT)
            known[name] = 0 if value is ABSENT else id(value)
            self.held += [name, value]

    def watch_attributes(self, x: Any) -> dict[str, Any]:
        """The dict of an object's attributes is the same one."""
        kind, attributes = type(x), x.__dict__
        offset = (self.at.managed or 0) if kind.__flags__ & MANAGED else kind.__dictoffset__
        if not offset or word(id(x) + offset) != id(attributes):
            raise Unfit(f"the attributes of a {kind.__name__}")
        self.watch(x, offset)
        self.held.append(attributes)
        return attributes  # type: ignore[no-any-return]  # a dict, as its address stands there

    # objects, kind by kind

    def look(self, x: Any, words: Any) -> None:
        """All through which another look would come to something else."""
        kind = type(x)
        if kind is types.FunctionType:
            self.function(x, *words)
        elif kind is types.ModuleType:
            self.watch_names(vars(x), words)
        elif isinstance(x, type):
            self.of_class(x)
        elif isinstance(x, (np.ndarray, np.generic)):
            self.numbers(x)
        elif kind is dict:
            self.watch_entries(x)
        elif kind in (list, set, types.CellType, property, functools.partial, Derived):
            self.watch(x, *self.fields(x))
            if kind is list:
                self.watch_bytes(word(id(x) + self.at.list_items), 8 * len(x))
            if kind is set:
                room = word(id(x) + self.at.set_mask) + 1
                self.watch_bytes(word(id(x) + self.at.set_table), 16 * room)
        elif kind not in FIXED and kind.__module__.partition(".")[0] not in OUTWARD:
            self.thing(x)

    def fields(self, x: Any) -> Iterable[int]:
        """Where an object of a kind that is known has all that it refers to."""
        kind = type(x)
        if kind is list:
            return self.at.list_size, self.at.list_items
        if kind is set:
            return self.at.set_mask, self.at.set_table
        if kind is types.CellType:
            return (self.at.cell,)
        if kind is property:
            return range(object.__basicsize__, kind.__basicsize__, 8)
        return self.slots(functools.partial)

    def slots(self, kind: type) -> set[int]:
        """Where the slots of objects are, which their classes declare."""
        declared = [each for base in kind.__mro__ for each in vars(base).values()]
        kinds = types.MemberDescriptorType
        return {inspected(each, self.at.member) for each in declared if type(each) is kinds}

    def function(
        self, f: types.FunctionType, words: tuple[str, ...], imports: tuple[str, ...]
    ) -> None:
        """Its fields, its cells, and what its names mean."""
        at = self.at
        self.watch_entries(f.__dict__)
        self.watch(f, at.code, at.defaults, at.kwdefaults, at.attributes)
        for cell in f.__closure__ or ():
            self.watch(cell, at.cell)
        package = f.__globals__.get("__package__")
        paths = [f"{package}.{each}".rstrip(".") for each in imports]
        self.watch_names(f.__globals__, [*words, *(["__package__"] if imports else [])])
        self.watch_names(BUILTINS, words)
        self.watch_names(sys.modules, [*imports, *paths])

    def of_class(self, x: type) -> None:
        """The attributes of one of the program's, and what it derives from."""
        if not below(x, ()):
            return  # a library's
        (attributes,) = gc.get_referents(vars(x))
        self.watch_entries(attributes)
        self.watch(x, self.at.kind, self.at.bases)

    def numbers(self, x: Any) -> None:
        """The kind of an array, and its numbers; those of a scalar do not change."""
        kind = type(x)
        if x.dtype.kind not in "fciub" or (kind is not np.ndarray and isinstance(x, np.ndarray)):
            raise Unfit(f"a {kind.__name__} of {x.dtype}")
        if kind is not np.ndarray:
            return
        at = self.at
        self.watch(x, at.data, at.dtype, at.shape, at.strides)
        self.watch_bytes(id(x) + at.ndim, 4)
        if x.ndim:
            for field in (at.shape, at.strides):
                self.watch_bytes(word(id(x) + field), x.ndim * 8)
        self.watch_bytes(*memory_of(x))

    def thing(self, x: Any) -> None:
        """An object of a class written in Python, or of one that hides nothing either."""
        kind = type(x)
        if hasattr(kind, "__wrapped__"):
            raise Unfit(f"a {kind.__name__}")
        if "__wrapped__" in getattr(x, "__dict__", {}):
            self.watch_names(self.watch_attributes(x), ["__wrapped__"])
            return
        self.watch(x, self.at.kind)
        fixed = next((base for base in kind.__mro__ if base in FIXED), None)
        if fixed and kind.__basicsize__ == fixed.__basicsize__ and not kind.__dictoffset__:
            return  # such as a named tuple
        slots, start = self.slots(kind), object.__basicsize__
        others = {each for each in (kind.__dictoffset__, kind.__weakrefoffset__) if each > 0}
        if kind.__itemsize__ or slots | others != {*range(start, kind.__basicsize__, 8)}:
            raise Unfit(f"a {kind.__name__}")
        self.watch(x, *slots)
        if hasattr(x, "__dict__"):
            self.watch_entries(self.watch_attributes(x))


def memory_of(x: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The address and the size of the memory between the first and the last number of an array."""
    first, end = np.lib.array_utils.byte_bounds(x)
    owner: Any = x
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    least, most = np.lib.array_utils.byte_bounds(owner)
    inside = least <= first and end <= most
    dense = x.flags.c_contiguous or x.flags.f_contiguous
    if not dense and (not inside or owner.base is not None or end - first > SPREAD * x.nbytes):
        raise Unfit("an array with gaps")
    return first, end - first if x.size else 0
