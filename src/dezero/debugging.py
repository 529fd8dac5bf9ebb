"""`debug`: stops where the first number goes wrong, and says which line of the program it was.

Inside, a `Watch` lies over the recording floor, so each call on boxes comes by here. It is made
under the floor below, unwatched, and then its result is looked at: what a call computes on the
way, in its rules and by the rules of others, is its own affair.
"""

from __future__ import annotations

import contextlib
import hashlib
import linecache
import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .box import Box, plain
from .core import Node, Variable, Watch, recording_floor, watching
from .errors import MutationError, NonFiniteError
from .memory import kept_by
from .primitives import Primitive, describe

OURS = tuple(os.path.dirname(path) + os.sep for path in (__file__, np.__file__))
"""Folders of files in which no user's line is."""


@contextlib.contextmanager
def debug() -> Iterator[None]:
    """Inside a ``with`` block (or a decorated function), stop at the first sign of trouble.

    Every operation on Variables, dual numbers and batches is looked at, and so is every step of a
    backward pass. It is slow, and for this thread (or task) only.

    Raises
    ------
    NonFiniteError
        Where an operation, or its derivative, gives a NaN or an infinity. The message names the
        operation, its operands, and the line of the program that called it.
    MutationError
        In a backward pass, where an array that was recorded inside `debug` has been written into.

    Examples
    --------
    >>> x = Variable(np.array([2.0, 0.0]))
    >>> with debug():
    ...     y = x * np.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    dezero.errors.NonFiniteError: log(float64[2]): the result is not finite: -inf at [1]
      operand 0: float64[2], finite
      File "<doctest dezero.debugging.debug[1]>", line 2, in <module>
        y = x * np.log(x)  # doctest: +ELLIPSIS
    """
    if watching() is None:
        recording_floor.set(Debug(recording_floor.get()))
        try:
            yield
        finally:
            watch = watching()
            assert watch is not None
            recording_floor.set(watch.under)
    else:
        yield


# ---------------------------------------------------------------------------- what is remembered


class Deed(NamedTuple):
    """A call, in words: what was called, on what, and by which line of the program."""

    what: str
    operands: tuple[str, ...]
    spoilt: tuple[int, ...]  # which operands were not finite
    place: str

    @classmethod
    def of(cls, p: Primitive, operands: tuple[Any, ...]) -> Deed:
        flaws = ["; ".join(flaws_of(x)) for x in operands]
        lines = [
            f"\n  operand {k}: {describe(x)}, {f'not finite: {flaw}' if flaw else 'finite'}"
            for k, (x, flaw) in enumerate(zip(operands, flaws, strict=True))
        ]
        what = f"{p.title}({', '.join(map(describe, operands))})"
        return cls(what, tuple(lines), tuple(k for k, f in enumerate(flaws) if f), user_line())

    @property
    def derivative(self) -> Deed:
        """What the backward pass does for this call."""
        return self._replace(what=f"the derivative of {self.what}")

    @property
    def told(self) -> str:
        """Operands and place, below a message."""
        return "".join(self.operands) + self.place


deeds: weakref.WeakKeyDictionary[Node, tuple[Deed, list[bytes]]] = weakref.WeakKeyDictionary()
"""Nodes made inside `debug`: by which call, and what the arrays that they keep were like."""


def deed_of(node: Node) -> Deed:
    """The call that made a node, as far as it is known."""
    if node in deeds:
        return deeds[node][0]
    title = "a leaf" if node.p is None else f"{node.p.title}, called outside dz.debug(),"
    return Deed(f"{title} of shape {node.shape}", (), (), "")


def user_line() -> str:
    """The innermost line outside this package and NumPy, as a traceback shows it."""
    frame = sys._getframe()
    while frame.f_code.co_filename.startswith(OURS):
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    path, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(path, line, frame.f_globals).strip()
    place = f'\n  File "{path}", line {line}, in {frame.f_code.co_name}'
    return f"{place}\n    {text}" if text else place


def fingerprints(node: Node) -> list[bytes]:
    """What the arrays are like that a node keeps for the way back."""
    arrays = (x for x in map(plain, kept_by(node)) if isinstance(x, np.ndarray))
    return [hashlib.blake2b(x.tobytes(), digest_size=16).digest() for x in arrays]


# ---------------------------------------------------------------------------- looking into boxes


def parts(x: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The plain arrays in a value, with what they are in their boxes, and the boxes themselves."""
    yield name, x
    if isinstance(x, Box):
        for part in x._parts:
            inner = name if part == "_value" else f"{name} {part[1:]}".strip()
            yield from parts(getattr(x, part), inner)
    elif isinstance(x, (tuple, list)):
        for each in x:
            yield from parts(each, name)


def flaws_of(x: Any) -> list[str]:
    """What is not finite in a value, and where."""
    return [f"{name} {flaw}".strip() for name, part in parts(x) if (flaw := flaw_of(part))]


def flaw_of(x: Any) -> str:
    """The first number that is not finite in an array, and where; empty if there is none."""
    x = np.asarray(x) if isinstance(x, (float, complex)) else x
    if isinstance(x, Box) or getattr(x, "dtype", np.dtype(int)).kind not in "fc":
        return ""
    bad = ~np.isfinite(x)
    many = np.count_nonzero(bad)
    if not many:
        return ""
    first = tuple(np.argwhere(bad)[0])
    at = f" at [{', '.join(map(str, first))}]" if first else ""
    return f"{x[first]}{at}" + (f", and {many - 1} more" if many > 1 else "")


def nodes_of(x: Any) -> set[Node]:
    """The nodes of the Variables in a value."""
    found = (part._node for _, part in parts(x) if isinstance(part, Variable))
    return {node for node in found if node is not None}


# ---------------------------------------------------------------------------- the watch


class Debug(Watch):
    """Looks at each call and each step back."""

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        token = recording_floor.set(self.under)
        try:
            # What NumPy would warn of is about to be an error.
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                yield
        finally:
            recording_floor.reset(token)

    def call(self, p: Any, operands: tuple[Any, ...], process: Callable[[], Any]) -> Any:
        deed, before = Deed.of(p, operands), nodes_of(operands)
        with self.aside():
            out = process()
        if not p.nondifferentiable:
            check(out, deed, "the result")
            note(nodes_of(out), before, deed)
        return out

    def arrived(self, arrived: dict[Node, Any]) -> None:
        for node, g in arrived.items():
            deed = deed_of(node)
            if node in deeds and deeds[node][1] != fingerprints(node):
                raise MutationError(
                    f"{deed.what} kept an array that was written into before its backward pass: "
                    f"give it a copy, or compute the result again{deed.told}"
                )
            check(g, deed, "the sum of the cotangents that reached it")

    def pulled(self, node: Node, g: Any, gxs: Any) -> None:
        deed = deed_of(node).derivative
        for k, (gx, edge) in enumerate(zip(gxs, node.edges, strict=False)):
            if edge is not None:
                came = f"\n  cotangent that came in: {describe(g)}, finite"
                check(gx, deed._replace(place=came + deed.place), f"the cotangent of operand {k}")
        before = {node, *(edge for edge in node.edges if edge is not None), *nodes_of(g)}
        note(nodes_of(tuple(gxs)), before, deed)


def check(out: Any, deed: Deed, what: str) -> None:
    """Raise if a value that a call gave is not finite."""
    flaws = flaws_of(out)
    if flaws:
        blame = "".join(f"; operand {k} was not finite before" for k in deed.spoilt)
        raise NonFiniteError(f"{deed.what}: {what} is not finite: {flaws[0]}{blame}{deed.told}")


def note(made: Iterable[Node], before: set[Node], deed: Deed) -> None:
    """Remember which call made some nodes, and those below them that were not there before."""
    stack = list(made)
    while stack:
        node = stack.pop()
        if node.depth and node not in before and node not in deeds:
            deeds[node] = deed, fingerprints(node)
            stack += [edge for edge in node.edges if edge is not None]
