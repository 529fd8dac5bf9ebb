"""Whose memory is whose: values that were written over, and Variables that show others' arrays.

NumPy lets arrays share memory and be written into; a graph of values cannot. What this file
remembers is what makes the difference visible: `check_written` refuses a sweep through values that
are gone, and assignment (`rules/indexing.py`) refuses to change two Variables at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .box import plain
from .errors import MutationError

written: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""Nodes whose array was written over after they were made (``x.data += …``), with that array."""


def kept_by(node: Any) -> Iterator[Any]:
    """What the way back from a node would read, one by one."""
    stack = list(node.p.kept(node)) if node.p is not None else []
    while stack:
        each = stack.pop()
        if isinstance(each, tuple):
            stack.extend(each)
        else:
            yield each


def check_written(roots: Iterable[Any]) -> None:
    """Raise if a node below `roots` kept an array that has been written over since.

    A written node cannot be reached from what was computed after the writing, so whoever reaches
    it and shares its memory has kept the old values. Only runs while such nodes are alive.
    """
    seen, stack = set(roots), list(roots)
    while stack:
        node = stack.pop()
        lower = (each._node for each in kept_by(node) if hasattr(each, "_node"))
        for edge in (*node.edges, *lower):
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    arrays = [written[node] for node in seen if node in written]
    for node in seen if arrays else ():
        for each in map(plain, kept_by(node)):
            if isinstance(each, np.ndarray) and any(np.may_share_memory(each, a) for a in arrays):
                raise MutationError(
                    f"{node.p.title} of shape {node.shape} kept an array that was written over "
                    "(`v.data += …`) before its backward pass; "
                    "write `v.data = v.data + …`, or compute the result again"
                )


def read_only(x: Any) -> Any:
    """A view that refuses to be written into."""
    view: Any = np.asarray(x).view()
    view.flags.writeable = False
    return view


def note_views(v: Any, sources: tuple[Any, ...]) -> None:
    """Remember that a Variable shows another one's memory: assignment must know."""
    data = plain(v._value)
    if not isinstance(data, np.ndarray):
        return
    for source in sources:
        memory = plain(source._value) if type(source) is type(v) else None
        shown = data is memory or (
            data.base is not None
            and isinstance(memory, np.ndarray)
            and np.may_share_memory(data, memory)
        )
        if not shown:
            continue
        known = getattr(source, "_root", None)
        root = known() if known is not None else None
        root = source if root is None else root
        v._root = weakref.ref(root)
        if not hasattr(root, "_views"):
            root._views = weakref.WeakValueDictionary()
        root._views[id(v)] = v


class Spent:
    """In place of the array of a view that was assigned into its own root: it is no value now."""

    __array_ufunc__ = None

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype = array.shape, array.dtype

    def __repr__(self) -> str:
        return "<view spent: its root was assigned to>"


def views_of(v: Any) -> list[Any]:
    """The living Variables that show a part of one's memory."""
    return list(v._views.values()) if hasattr(v, "_views") else []


def related(v: Any) -> list[Any]:
    """A Variable and all that show a part of the same memory."""
    root = v._root() if hasattr(v, "_root") else None
    root = v if root is None else root
    return [v, *(each for each in (root, *views_of(root)) if each is not v)]


def forget_views(v: Any) -> None:
    """A Variable with a new array shows nobody's memory, and nobody shows its."""
    root = v._root() if hasattr(v, "_root") else None
    if root is not None:
        root._views.pop(id(v), None)
    for view in views_of(v):
        del view._root
    for name in ("_root", "_views", "_window"):
        if hasattr(v, name):
            delattr(v, name)
