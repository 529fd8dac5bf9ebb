"""What a page shows as one that can be opened: loops, their turns, and repeated blocks."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from ..ir.steps import Guard, Step
from .folds import Fold, folded
from .turns import Turns

FOLD_FROM = 60
"""Steps that a person can take in one by one."""


class Outline:
    """The steps of a run as a tree.

    Attributes
    ----------
    steps : tuple of Equation and Guard
    items : list of int and Turns
        The steps by number, those of a loop together.
    number : dict
        The page's number of each value.
    first : int
        Its number of the first step.
    """

    def __init__(
        self, steps: tuple[Step, ...], items: list[Any], number: dict[Any, int], first: int
    ) -> None:
        self.steps, self.items, self.number, self.first = steps, items, number, first

    def data(self) -> list[Any]:
        """The tree as the page knows it: numbers, and what can be opened."""
        tokens = [self.token(item) for item in self.items]
        tree = folded(tokens) if len(self.steps) >= FOLD_FROM else [*range(len(tokens))]
        return [self.branch(each) for each in tree]

    def branch(self, each: Any, name: str = "") -> Any:
        """An item, by its number, or a fold of some."""
        if not isinstance(each, Fold):
            return self.leaf(self.items[each])
        n = len(each.items)
        if each.times:
            titles = list(dict.fromkeys(self.token(self.items[k])[0] for k in flat(each)))
            more = ", …" if len(titles) > 4 else ""
            name = f"{n} × ({', '.join(map(str, titles[:4]))}{more})"
        parts = [self.branch(part, f"{k} of {n}") for k, part in enumerate(each.items, 1)]
        return {"name": name, "items": parts, "makes": []}

    def leaf(self, item: Any) -> Any:
        """A step, or a loop with its turns."""
        if not isinstance(item, Turns):
            return self.first + item
        makes = [self.number[value] for value in item.results]
        return {"name": item.name, "items": [*map(self.leaf, item.items)], "makes": makes}

    def token(self, item: Any) -> tuple[Hashable, str]:
        """What two steps share that are the same step of a loop."""
        step = item if isinstance(item, Turns) else self.steps[item]
        return title_of(step), step.line


def title_of(step: Any) -> str:
    """What a step does, in a word."""
    if isinstance(step, Turns):
        return step.title
    title: str = step.question if isinstance(step, Guard) else step.p.title
    return title


def flat(item: Any) -> Iterator[int]:
    """The numbers in a fold."""
    if isinstance(item, Fold):
        for each in item.items:
            yield from flat(each)
    else:
        yield item
