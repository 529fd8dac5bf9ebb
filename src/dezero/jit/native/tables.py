"""The table of one call: what its arguments are like, and what becomes of its results.

`caller` reads it. All is stored as words of 8 bytes; objects are given by their addresses, and held
beside the table as long as it is there.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optree

from ...trees import bare, flatten, is_numbers, unflatten
from ..compiled import is_fact
from .caller import Check, Head, Kind, Make
from .layouts import ALIGNED, CONTIGUOUS, SCALARS

NUMBERS = {
    float: (Check.FLOAT, np.dtype(np.float64)),
    int: (Check.INT, np.dtype(np.int64)),
    complex: (Check.COMPLEX, np.dtype(np.complex128)),
}
"""Python's numbers, but for those that are facts: how they are read, and as what a kernel sees them."""

MOST = 4096
"""Words of room on the stack for one call; one with more leaves than fit is left to Python."""


LARGEST = 16
"""Bytes of a number that becomes a scalar."""


class Unfit(Exception):
    """Something that machine code does not read or make; the message says what."""


@dataclass(frozen=True)
class Fresh:
    """A result that the kernel computes, into memory that nothing else has."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Given:
    """A result that is the input `number` itself."""

    number: int


@dataclass(frozen=True)
class Constant:
    """A result that is always the same object."""

    value: Any


Result = Fresh | Given | Constant


class Table:
    """The words of a call's table, and what they refer to.

    Parameters
    ----------
    kernel : int
        The function's address.
    example : tuple
        Arguments of the kind that it is for: ``(args, kwargs)``.
    results : sequence of Fresh, Given, Constant
        The leaves of what is returned.
    structure : PyTreeSpec
        The containers around them.
    constants : iterable of arrays
        What the kernel reads besides.
    unlocked : bool
        Whether other threads run during the kernel.

    Raises
    ------
    Unfit
        If an argument is of another kind than arrays, numbers, facts, and these in tuples, lists,
        dicts and dataclasses.
    """

    def __init__(
        self,
        kernel: int,
        example: tuple[tuple[Any, ...], dict[str, Any]],
        results: Sequence[Result],
        structure: Any,
        constants: Iterable[Any] = (),
        unlocked: bool = False,
    ) -> None:
        self.held: list[Any] = []
        self.leaves: list[Any] = []
        self.numbers: list[Any] = []  # the leaves that are inputs
        self.constants = [np.require(x, requirements="CA") for x in constants]
        self.kinds: list[np.dtype[Any]] = []  # as the kernel sees them
        self.places: list[int] = []  # among the objects
        self.objects = len(example)
        checks = [word for k, x in enumerate(example) for word in self.check(k, x)] + [Check.END]
        if any(map(operator.is_not, self.leaves, flatten(example, is_numbers)[0])):
            raise Unfit("the arguments are in another order")
        fresh = [each for each in results if isinstance(each, Fresh)]
        made = [word for each in fresh for word in self.result(each)]
        makes = [*self.makes(results, structure), Make.END]
        pointers = [x.ctypes.data for x in self.constants]
        head = {
            Head.KERNEL: kernel,
            Head.OBJECTS: self.objects,
            Head.STACK: len(makes),  # as each object of it is a step
            Head.INPUTS: len(self.kinds),
            Head.RESULTS: len(fresh),
            Head.CONSTANTS: len(pointers),
            Head.UNLOCKED: int(unlocked),
            Head.ARRAY: id(np.ndarray),
            Head.EMPTY: self.at({}),
            Head.CONSTANT: Head.CHECK + len(checks),
            Head.RESULT: Head.CHECK + len(checks) + len(pointers),
            Head.MAKE: Head.CHECK + len(checks) + len(pointers) + len(made),
        }
        if self.objects + len(makes) + 3 * (len(self.leaves) + len(fresh)) + len(pointers) > MOST:
            raise Unfit("more arrays than the stack should hold")
        first = [head[k] for k in Head if k != Head.CHECK]
        self.words = np.array([*first, *checks, *pointers, *made, *makes], np.int64)

    def at(self, x: Any) -> int:
        """The address of an object, which is held from now on."""
        self.held.append(x)
        return id(x)

    # arguments

    def check(self, k: int, x: Any) -> Iterator[int]:
        """How the object `k` is recognised, and what is in it."""
        kind = type(x)
        if x is None:
            yield from (Check.SAME, k, id(x))
        elif kind is dict:
            names = [path[0] for path in optree.tree_paths(dict.fromkeys(x, 0))]  # in its order
            yield from (Check.DICT, k, id(kind), len(x), *map(self.at, names))
            yield from self.inside([x[name] for name in names])
        elif kind is list and not is_numbers(x):
            yield from (Check.LIST, k, id(kind), len(x))
            yield from self.inside(x)
        elif kind is tuple or optree.is_namedtuple_class(kind):
            yield from (Check.TUPLE, k, self.at(kind), len(x))
            yield from self.inside(x)
        elif dataclasses.is_dataclass(x):
            fields = sorted(dataclasses.fields(x), key=lambda f: bool(f.metadata.get("static")))
            names = [sys.intern(f.name) for f in fields]
            yield from (Check.FIELDS, k, self.at(kind), len(names), *map(self.at, names))
            yield from self.inside([getattr(x, name) for name in names], fields)
        else:
            yield from self.leaf(k, x)

    def inside(self, items: Sequence[Any], fields: Sequence[Any] = ()) -> Iterator[int]:
        """Of the items of a container, which get the next numbers."""
        first = self.objects
        self.objects += len(items)
        for k, x in enumerate(items):
            if fields and fields[k].metadata.get("static"):
                yield from (Check.SAME, first + k, self.at(x))
            else:
                yield from self.check(first + k, x)

    def leaf(self, k: int, x: Any) -> Iterator[int]:
        """An array, a number, or a fact, which is the same in each call."""
        kind = type(x)
        self.leaves.append(x)
        if is_fact(x):
            yield from (Check.SAME, k, self.at(x))
            return
        self.numbers.append(x)
        self.places.append(k)
        if kind in NUMBERS:
            step, dtype = NUMBERS[kind]
            self.kinds.append(dtype)
            yield from (step, k, id(kind))
            return
        if kind is not np.ndarray and kind not in SCALARS:
            raise Unfit(f"an argument of {kind.__name__}")
        dtype = plain_dtype(x.dtype)
        self.kinds.append(dtype)
        scalar = dtype.type if x.ndim == 0 and dtype.type in SCALARS else np.ndarray
        yield from (Check.ARRAY, k, id(np.ndarray), id(scalar), self.at(dtype))
        yield from (CONTIGUOUS | ALIGNED, x.ndim, *x.shape)

    @property
    def direct(self) -> bool:
        """Whether the arguments themselves are taken, and not only copies of them."""
        flags = (x.flags for x in self.numbers if isinstance(x, np.ndarray))
        ordered = all(each.c_contiguous and each.aligned for each in flags)
        return ordered and all(x.dtype.isnative for x in self.numbers if hasattr(x, "dtype"))

    # results

    def result(self, y: Fresh) -> Iterator[int]:
        """What a kernel's result becomes."""
        dtype = plain_dtype(y.dtype)
        if dtype.itemsize > LARGEST:
            raise Unfit(f"a result of {dtype}")
        kind = Kind.ARRAY if y.shape else Kind.SCALAR
        yield from (kind, self.at(dtype), len(y.shape), *y.shape)

    def makes(self, results: Sequence[Result], structure: Any) -> Iterator[int]:
        """How the results are put into their containers."""
        numbers = itertools.count()
        places = [(y, next(numbers) if isinstance(y, Fresh) else 0) for y in results]
        tree = unflatten(structure, [Place(y, k) for y, k in places])
        try:
            yield from list(self.made(tree))
        except Unfit:
            yield from self.made(tuple(Place(y, k) for y, k in places))
            yield from (Make.CALL, self.at(functools.partial(unflatten, structure)))

    def made(self, tree: Any) -> Iterator[int]:
        """How a container, or what is in one, is made."""
        kind = type(tree)
        if kind is Place:
            yield from self.placed(tree.result, tree.number)
        elif tree is None:
            yield from (Make.CONSTANT, id(tree))
        elif kind is dict:
            yield from (word for x in tree.values() for word in self.made(x))
            yield from (Make.DICT, len(tree), *map(self.at, tree))
        elif kind in (tuple, list):
            yield from (word for x in tree for word in self.made(x))
            yield from (Make.TUPLE if kind is tuple else Make.LIST, len(tree))
        else:
            raise Unfit(f"a result of {kind.__name__}")

    def placed(self, result: Result, number: int) -> Iterator[int]:
        """One leaf."""
        if isinstance(result, Fresh):
            yield from (Make.RESULT, number)
        elif isinstance(result, Constant):
            yield from (Make.CONSTANT, self.at(bare(result.value)))
        else:
            yield from (Make.GIVEN, self.places[result.number])
            if np.ndim(self.numbers[result.number]) == 0:
                yield from (Make.CALL, self.at(bare))


class Place(NamedTuple):
    """Where a leaf of the results is."""

    result: Result
    number: int


def plain_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The one object for a dtype in the machine's byte order, which most arrays have.

    Raises
    ------
    Unfit
        If it is not of numbers.
    """
    if dtype.kind not in "fciub":
        raise Unfit(f"arrays of {dtype}")
    return np.dtype(dtype.type)
