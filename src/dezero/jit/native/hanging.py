"""Compiled functions that Python calls in machine code."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from ..compiled import Jitted, Known
from .entry import called, holds
from .tables import Unfit
from .watches import Watches, watched

PATIENCE = 64
"""Calls through Python, at most, between two tries to do without it."""


@functools.cache
def jitted() -> type[Jitted]:
    """The class of compiled functions that call their entries in machine code, if that can be."""
    space = {"__slots__": (), "__doc__": Jitted.__doc__, "__module__": Jitted.__module__}
    return type("Jitted", (called(), Jitted), space)


class Present:
    """The present watches of what a function captured, and how often they were made.

    Something may change at each call and yet mean the same, such as a number that is computed
    anew: then making watches each time would cost more than it saves.
    """

    def __init__(self) -> None:
        self.watches: Watches | None = None
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


def hang(jitted: Any, known: Known) -> None:
    """Let calls go to the entries of a function's paths.

    Each path has a list of ``entries``, which is empty where only Python can call it.
    """
    paths = (path for each in known.paths.values() for path in each)
    found = [entry for path in paths for entry in path.entries if entry.table.direct]
    entries = [entry for entry in found if not entry.table.outs]
    if not jitted.own_out:
        entries += [entry for entry in found if entry.table.outs]
    if not entries:
        return
    present = vars(known).setdefault("present", Present())
    watches = present.renewed(known)
    if watches is None:
        return
    for entry in entries:
        entry.watches = watches  # all of them, before one leads to another
    for entry, onward in itertools.pairwise([*entries, None]):
        entry.onward = onward
    jitted.head = entries[0]
