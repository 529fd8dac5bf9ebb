"""Hooks: functions that see a gradient on its way, and may put another in its place."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from .box import as_array
from .errors import GradientError, OperandError

hooked: weakref.WeakSet[Any] = weakref.WeakSet()
"""Nodes whose cotangents somebody wants to see. A sweep asks only whether there are any."""


class Hooks:
    """The functions on one value, or on a leaf whatever its value, in the order they came in."""

    __slots__ = ("_functions", "_nodes", "level")

    def __init__(self, level: int) -> None:
        self.level = level  # of the Variable
        self._functions: dict[int, Callable[[Any], Any]] = {}
        self._nodes: weakref.WeakSet[Any] = weakref.WeakSet()

    def __bool__(self) -> bool:
        return bool(self._functions)

    def join(self, node: Any) -> None:
        """Be the hooks of a node."""
        node.hooks = self
        self._nodes.add(node)
        hooked.add(node)

    def add(self, function: Callable[[Any], Any]) -> Handle:
        """One more."""
        if not callable(function):
            raise OperandError(f"register_hook takes a function of the gradient, not {function!r}")
        handle = Handle(self)
        self._functions[handle.number] = function
        return handle

    def drop(self, number: int) -> None:
        """One less; after the last one, the sweeps need not ask any more."""
        self._functions.pop(number, None)
        if not self._functions:
            hooked.difference_update(self._nodes)

    def in_order(self) -> list[Callable[[Any], Any]]:
        """The functions as they are now: one may remove itself while it is called."""
        return list(self._functions.values())


class Handle:
    """The way to take a hook off again."""

    __slots__ = ("_hooks", "number")

    _next = itertools.count().__next__

    def __init__(self, hooks: Hooks) -> None:
        self._hooks, self.number = hooks, Handle._next()

    def remove(self) -> None:
        """Take the hook off. A second time changes nothing."""
        self._hooks.drop(self.number)


def replacement(new: Any, node: Any) -> Any:
    """What a hook returned, which must be like the gradient that it was given."""
    new = as_array(new)
    if new.shape != node.shape or new.dtype != node.dtype:
        raise GradientError(
            f"a hook returned a gradient of shape {new.shape} and dtype {new.dtype} for a Variable "
            f"of shape {node.shape} and dtype {node.dtype}; return one like it, or None to leave "
            "it as it is"
        )
    return new
