"""Compiled functions that Python calls in machine code."""

from __future__ import annotations

import functools
import threading
from typing import Any

from ..compiled import Jitted, Known
from ..path import Path
from .entry import called, code, holds
from .tables import Unfit
from .watches import Watches, watched

PATIENCE = 64
"""Calls through Python, at most, between two tries to do without it."""

CHAIN = 64
"""Paths that are tried without Python; the oldest gives way."""

LINKING = threading.RLock()
"""One thread at a time changes what follows what."""


@functools.cache
def jitted() -> type[Jitted]:
    """The class of compiled functions that call their entries in machine code, if that can be."""
    space = {"__slots__": (), "__doc__": Jitted.__doc__, "__module__": Jitted.__module__}
    return type("Jitted", (called(), Jitted), space)


class Present:
    """What hangs on a function: the present watches of what it captured, and paths.

    Something may change at each call and yet mean the same, such as a number that is computed
    anew: then making watches each time would cost more than it saves.
    """

    def __init__(self) -> None:
        self.watches: Watches | None = None
        self.paths: list[Path] = []  # that are hung, the newest first
        self.hung: Watches | None = None  # what their entries watch
        self.made = self.waited = 0
        self.reason = ""  # why there are none

    def renewed(self, known: Known) -> Watches | None:
        """Watches that hold, if there are any."""
        if self.watches is not None and holds(self.watches):
            return self.watches
        self.waited += 1
        if self.reason or self.waited < min(self.made, PATIENCE):
            return None
        self.made, self.waited = self.made + 1, 0
        try:
            watches = watched(known.captured)
        except Unfit as reason:
            self.reason = str(reason)
            return None
        if known.captured.changed():  # since the look that came before
            return None
        self.watches = watches
        return watches


def hang(jitted: Any, known: Known, path: Path) -> None:
    """Let calls like the last one go to the entries of the path that it took, before all others."""
    if code() is None or not usable(path, jitted):
        return
    with LINKING:
        present = known.present = known.present or Present()
        watches, hung = present.renewed(known), path in present.paths
        if watches is None or (hung and present.hung is watches):
            return
        if not hung:
            kept = {each for paths in known.paths.values() for each in paths}
            others = [each for each in present.paths if each in kept]
            present.paths = [path, *others[: CHAIN - 1]]
        present.hung = watches
        entries = [entry for each in present.paths for entry in usable(each, jitted)]
        for entry in entries:
            entry.watches = watches  # of all of them, before one leads to another
        onward = None
        for entry in reversed(entries):  # so that a call meanwhile is never led in a circle
            entry.onward, onward = onward, entry
        jitted.head = onward


def usable(path: Path, jitted: Any) -> list[Any]:
    """The entries that take arguments as they are, and ``out=`` if it is not the function's."""
    return [
        entry
        for entry in path.entries
        if entry.table.direct and not (entry.table.outs and jitted.own_out)
    ]
