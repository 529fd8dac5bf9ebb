"""`debug`: stops where the first number goes wrong, and says which line of the program it was.

Inside, an `Observer` lies over the recording floor, so each call on boxes comes by here. It is made
under the floor below, unobserved, and then its result is looked at: what a call computes on the
way, in its rules and by the rules of others, is its own affair.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import linecache
import os
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .box import Box, describe, plain
from .config import Observer, observing, recording_floor
from .core import Node, Variable
from .errors import MutationError, NonFiniteError
from .memory import Spent, kept_by
from .needs import Spec
from .primitives import Primitive

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
    ...     y = x * np.log(x)
    Traceback (most recent call last):
    dezero.errors.NonFiniteError: log(float64[2]): the result is not finite: -inf at [1]
      operand 0: float64[2], finite
      File "<doctest dezero.debugging.debug[1]>", line 2, in <module>
        y = x * np.log(x)
    """
    floor = recording_floor.get()
    if isinstance(floor, Observer):
        yield
        return
    recording_floor.set(Debug(floor))
    try:
        yield
    finally:
        observer = observing()
        if observer is not None:
            recording_floor.set(observer.under)  # it may be another than before: see `Config`


# ---------------------------------------------------------------------------- what is remembered


class Account(NamedTuple):
    """A call, in words: what was called, on what, and by which line of the program."""

    what: str
    operands: tuple[str, ...]
    spoilt: tuple[int, ...]  # which operands were not finite
    place: str

    @classmethod
    def of(cls, p: Primitive, operands: tuple[Any, ...]) -> Account:
        flaws = ["; ".join(flaws_of(x)) for x in operands]
        lines = [
            f"\n  operand {k}: {describe(x)}, {f'not finite: {flaw}' if flaw else 'finite'}"
            for k, (x, flaw) in enumerate(zip(operands, flaws, strict=True))
        ]
        what = f"{p.title}({', '.join(map(describe, operands))})"
        return cls(what, tuple(lines), tuple(k for k, f in enumerate(flaws) if f), user_line())

    def derivative(self, g: Any) -> Account:
        """What the backward pass does for this call, with a cotangent of its result."""
        came = f"\n  cotangent of the result: {describe(g)}, finite"
        operands = (*self.operands, came)
        return self._replace(what=f"the derivative of {self.what}", operands=operands)

    def told(self, what: str) -> str:
        """A message about this call."""
        return f"{self.what}: {what}{''.join(self.operands)}{self.place}"


accounts: weakref.WeakKeyDictionary[Node, tuple[Account, list[bytes]]] = weakref.WeakKeyDictionary()
"""Nodes made inside `debug`: by which call, and what the arrays that they keep were like."""


def account_of(node: Node) -> Account:
    """The call that made a node, as far as it is known."""
    if node in accounts:
        return accounts[node][0]
    title = "a leaf" if node.p is None else node.p.title
    return Account(f"{title} of shape {node.shape}", (), (), "")


def user_frame() -> types.FrameType | None:
    """The innermost frame outside this package and NumPy."""
    frame: types.FrameType | None = sys._getframe()
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@functools.cache
def is_ours(path: str) -> bool:
    """Whether a file is one of this package or NumPy."""
    return path.startswith(OURS)


def user_line() -> str:
    """The innermost line outside this package and NumPy, as a traceback shows it."""
    frame = user_frame()
    if frame is None:
        return ""
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
    held = not isinstance(x, (Box, Spec, Spent)) and hasattr(x, "dtype")
    if not held or x.dtype.kind not in "fc":
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


# ---------------------------------------------------------------------------- the observer


class Debug(Observer):
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

    def call(
        self,
        p: Any,
        operands: tuple[Any, ...],
        _params: dict[str, Any] | None,
        process: Callable[[], Any],
    ) -> Any:
        if p.nondifferentiable:
            return process()  # an answer, such as isnan's: no arithmetic
        account, before = Account.of(p, operands), nodes_of(operands)
        with self.aside():
            out = process()
        check(out, account)
        note(nodes_of(out), before, account)
        return out

    def arrived(self, arrived: dict[Node, Any]) -> None:
        for node, g in arrived.items():
            account = account_of(node)
            if node in accounts and accounts[node][1] != fingerprints(node):
                what = "it kept an array that was written into before its backward pass; "
                raise MutationError(account.told(what + "give it a copy, or compute it again"))
            check(g, account, "the sum of its cotangents")

    def pulled(self, node: Node, g: Any, edges: tuple[Node | None, ...], gxs: Any) -> None:
        account = account_of(node).derivative(g)
        for k, (gx, edge) in enumerate(zip(gxs, edges, strict=False)):
            if edge is not None:
                check(gx, account, f"the cotangent of operand {k}")
        before = {node, *(edge for edge in edges if edge is not None), *nodes_of(g)}
        note(nodes_of(tuple(gxs)), before, account)


def check(out: Any, account: Account, what: str = "the result") -> None:
    """Raise if a value that a call gave is not finite."""
    flaws = flaws_of(out)
    if flaws:
        blame = "".join(f"; operand {k} was not finite before" for k in account.spoilt)
        raise NonFiniteError(account.told(f"{what} is not finite: {flaws[0]}{blame}"))


def note(made: Iterable[Node], before: set[Node], account: Account) -> None:
    """Remember which call made some nodes, and those below them that were not there before."""
    stack = list(made)
    while stack:
        node = stack.pop()
        if node.depth and node not in before and node not in accounts:
            accounts[node] = account, fingerprints(node)
            stack += [edge for edge in node.edges if edge is not None]
