"""The table of one call: what its arguments are like, and what becomes of its results.

`caller` reads it. All is stored as words of 8 bytes; objects are given by their addresses, and held
beside the table as long as it is there.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optree

from ...trees import bare, flatten, is_numbers, unflatten
from ..path import is_fact
from .caller import Check, Head, Kind, Make
from .layouts import ALIGNED, CONTIGUOUS, SCALARS, WRITEABLE

NUMBERS = {float: Check.FLOAT, int: Check.INT, complex: Check.COMPLEX}
"""How Python's numbers are read, but for those that are facts; kernels see 64 bits, or twice."""

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


@dataclass(frozen=True)
class Callee:
    """Machine code, and how it is to be called.

    Attributes
    ----------
    address : int
        Of ``i32 kernel(ptr arrays)``. The pointers are those of the numbers that it reads, then of
        those that it writes, then of the constants'. It returns 0; above 0 if these numbers do not
        go its way; below 0 if it has set an exception.
    reads : tuple of int or None
        Which of the inputs it gets, in this order; all, if nothing is said.
    writes : tuple of int or None
        Which of the fresh results, likewise.
    constants : tuple of arrays
        What it reads besides.
    unlocked : bool
        Whether other threads run meanwhile: for one that takes long.
    in_place : bool
        Whether a result may be written over an input: if each number is read before it is written.
    keep : object
        What is to live as long, such as its `Code`.
    """

    address: int
    reads: tuple[int, ...] | None = None
    writes: tuple[int, ...] | None = None
    constants: tuple[Any, ...] = ()
    unlocked: bool = False
    in_place: bool = False
    keep: Any = None


class Table:
    """The words of a call's table, and what they refer to.

    Parameters
    ----------
    kernel : Callee
    example : tuple
        Arguments of the kind that it is for: ``(args, kwargs)``.
    results : sequence of Fresh, Given, Constant
        The leaves of what is returned.
    structure : PyTreeSpec
        The containers around them.
    into : bool
        Whether the kernel writes into arrays given as the keyword ``out``, which has the structure
        of what is returned.

    Attributes
    ----------
    words : array
        The table itself.
    direct : bool
        Whether arguments like the example are taken as they are, and not only copies of them.

    Raises
    ------
    Unfit
        If an argument is of another kind than arrays, numbers, facts, and these in tuples, lists,
        dicts and dataclasses.
    """

    def __init__(
        self,
        kernel: Callee,
        example: tuple[tuple[Any, ...], dict[str, Any]],
        results: Sequence[Result],
        structure: Any,
        into: bool = False,
    ) -> None:
        self.held: list[Any] = [kernel]
        self.leaves: list[Any] = []
        self.numbers: list[Any] = []  # the leaves that are inputs
        self.places: list[int] = []  # of the inputs among the objects
        self.outs: list[int] = []  # of the arrays to write into
        self.objects = len(example)
        self.constants = [np.require(x, requirements=["C", "A"]) for x in kernel.constants]
        fresh = [each for each in results if isinstance(each, Fresh)]
        count = len([x for x in flatten(example, is_numbers)[0] if not is_fact(x)])
        self.reads = range(count) if kernel.reads is None else kernel.reads
        self.writes = range(len(fresh)) if kernel.writes is None else kernel.writes
        if sorted(self.writes) != [*range(len(fresh))]:
            raise Unfit("a kernel that computes something else")
        self.rest = len(self.reads) + len(fresh) + len(kernel.constants)
        checks = self.checks(example, unflatten(structure, results) if into else None)
        parts = {
            Head.CONSTANT: [x.ctypes.data for x in self.constants],
            Head.RESULT: [word for k, each in enumerate(fresh) for word in self.result(k, each)],
            Head.SIZES: [bytes_of(x) for x in self.given(self.numbers, fresh)],
            Head.MAKE: [*self.makes(results, structure), Make.END],
        }
        head = {
            Head.KERNEL: kernel.address,
            Head.OBJECTS: self.objects,
            Head.STACK: len(parts[Head.MAKE]),  # as each object of it is a step
            Head.POINTERS: self.rest + 1,
            Head.RESULTS: len(fresh),
            Head.CONSTANTS: len(self.constants),
            Head.UNLOCKED: int(kernel.unlocked),
            Head.EMPTY: self.at({}),
            Head.IN_PLACE: int(kernel.in_place),
        }
        self.words = np.array(laid_out(head, checks, parts), np.int64)
        self.direct = is_direct(self.numbers)
        del self.leaves, self.numbers  # which may be large

    def checks(self, example: Any, out: Any) -> list[int]:
        """How such arguments are recognised."""
        full = example
        if out is not None:
            if "out" in example[1]:
                raise Unfit("an argument called `out`")
            full = example[0], example[1] | {"out": out}
        checks = [word for k, x in enumerate(full) for word in self.check(k, x)]
        if any(map(operator.is_not, self.leaves, flatten(example, is_numbers)[0])):
            raise Unfit("the arguments are in another order")
        return [*checks, Check.END]

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
            names = [path[0] for path in paths_in(dict.fromkeys(x, 0))]  # in its order
            yield from (Check.DICT, k, id(kind), len(x), *map(self.at, names))
            yield from self.inside([x[name] for name in names])
        elif kind is list and not is_numbers(x):
            yield from (Check.LIST, k, id(kind), len(x))
            yield from self.inside(x)
        elif kind is tuple or optree.is_namedtuple_class(kind):
            yield from (Check.TUPLE, k, self.at(kind), len(x))
            yield from self.inside(x)
        elif kind in (Fresh, Given, Constant):
            yield from self.out(k, x)
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
            yield from (NUMBERS[kind], k, id(kind), self.slot())
            return
        if kind is not np.ndarray and kind not in SCALARS:
            raise Unfit(f"an argument of {kind.__name__}")
        dtype = plain_dtype(x.dtype)
        scalar = dtype.type if x.ndim == 0 and dtype.type in SCALARS else np.ndarray
        yield from (Check.ARRAY, k, id(np.ndarray), self.slot(), id(scalar), self.at(dtype))
        yield from (CONTIGUOUS | ALIGNED, x.ndim, *x.shape)

    def slot(self) -> int:
        """The kernel's pointer to the input that was met last."""
        number = len(self.numbers) - 1
        return self.reads.index(number) if number in self.reads else self.rest

    def given(self, inputs: Sequence[Any], fresh: Sequence[Any]) -> list[Any]:
        """What the kernel gets, but for the constants."""
        return [*(inputs[k] for k in self.reads), *(fresh[k] for k in self.writes)]

    def out(self, k: int, y: Result) -> Iterator[int]:
        """An array to write into."""
        if not isinstance(y, Fresh):
            raise Unfit("a result that the kernel does not compute, written into an array")
        self.outs.append(k)
        dtype = plain_dtype(y.dtype)
        yield from (Check.ARRAY, k, id(np.ndarray), self.rest, id(np.ndarray), self.at(dtype))
        yield from (CONTIGUOUS | ALIGNED | WRITEABLE, len(y.shape), *y.shape)

    # results

    def result(self, k: int, y: Fresh) -> Iterator[int]:
        """What a kernel's result becomes."""
        dtype = plain_dtype(y.dtype)
        if dtype.itemsize > LARGEST:
            raise Unfit(f"a result of {dtype}")
        if self.outs:
            yield from (Kind.INTO, self.outs[k])
        else:
            yield from (Kind.ARRAY if y.shape else Kind.SCALAR, self.at(dtype))
        slot = len(self.reads) + self.writes.index(k)
        yield from (bytes_of(y), slot, len(y.shape), *y.shape)

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


def laid_out(head: dict[Head, int], checks: list[int], parts: dict[Head, list[int]]) -> list[int]:
    """The words of a table: the head, which says where each part begins; checks; the parts.

    Raises
    ------
    Unfit
        If that would take too much of the stack.
    """
    start = Head.CHECK + len(checks)
    for key, words in parts.items():
        head[key] = start
        start += len(words)
    room = head[Head.OBJECTS] + head[Head.STACK] + 3 * head[Head.POINTERS] + head[Head.RESULTS]
    if room > MOST:
        raise Unfit("more arrays than the stack should hold")
    first = [head[key] for key in Head if key != Head.CHECK]
    return [*first, *checks, *itertools.chain.from_iterable(parts.values())]


def bytes_of(x: Any) -> int:
    """The size of an array, or of a result; numbers have no place that another could have."""
    if isinstance(x, (np.ndarray, Fresh)):
        return math.prod(x.shape) * x.dtype.itemsize
    return 0


def is_direct(numbers: list[Any]) -> bool:
    """Whether the arrays among arguments can be read by a kernel."""
    arrays = [x for x in numbers if isinstance(x, np.ndarray)]
    return all(x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative for x in arrays)


paths_in: Callable[[Any], list[tuple[Any, ...]]] = optree.tree_paths


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
