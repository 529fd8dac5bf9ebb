"""Repeated blocks in a sequence of steps: what a loop of Python leaves behind."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST = 3
"""Repetitions that are worth folding."""

LONGEST = 300
"""Steps of the longest block that is looked for: the search costs as much for each step."""


@dataclass(frozen=True)
class Fold:
    """Steps that can be shown as one: a block repeated (its parts are folds or steps), or a part.

    Attributes
    ----------
    items : list of int and Fold
        Steps by number.
    times : int
        How often the block is repeated; 0 for one of the repetitions.
    period : int
        Steps in one repetition.
    """

    items: list[Any]
    times: int
    period: int


def folded(tokens: Sequence[Hashable], first: int = 0) -> list[Any]:
    """Steps `first`, `first + 1`, … with each run of equal blocks as a `Fold`, also inside blocks.

    Examples
    --------
    >>> folded("xaaaz")
    [0, Fold(items=[1, 2, 3], times=3, period=1), 4]
    """
    n = len(tokens)
    runs = run_lengths(tokens)
    items: list[Any] = []
    at = 0
    while at < n:
        repeats = {p: 1 + int(run[at]) // p for p, run in enumerate(runs, 1) if at < len(run)}
        best = max(
            (p for p, r in repeats.items() if r >= LEAST),
            key=lambda p: (p * repeats[p], -p),
            default=0,
        )
        if not best:
            items.append(first + at)
            at += 1
            continue
        times = repeats[best]
        block = tokens[at : at + best]
        parts = [folded(block, first + at + k * best) for k in range(times)] if best > 1 else []
        inner = [Fold(part, 0, best) for part in parts] or [*range(first + at, first + at + times)]
        items.append(Fold(inner, times, best))
        at += times * best
    return items


def run_lengths(tokens: Sequence[Hashable]) -> list[np.ndarray[Any, Any]]:
    """For each period p, how many tokens from each place on equal the ones p further."""
    n = len(tokens)
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(token, len(numbers)) for token in tokens], int)
    runs = []
    for p in range(1, min(n // LEAST, LONGEST) + 1):
        equal = codes[:-p] == codes[p:]
        ends = np.where(equal, len(equal), np.arange(len(equal)))  # of the run of each place
        ends = np.minimum.accumulate(ends[::-1])[::-1]
        runs.append(ends - np.arange(len(equal)))
    return runs
