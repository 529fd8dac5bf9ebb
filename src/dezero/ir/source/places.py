"""Elements at places: what stands between square brackets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..steps import Equation
from ..tape import index_text as index_in_words
from .calls import called
from .text import ATOM, Text, param


def index_text(index: Any) -> str:
    """An index between brackets, with its arrays written out, and without a start at 0."""
    parts = index if isinstance(index, tuple) else (index,)
    return index_in_words(tuple(map(without_zero, parts)), param)


def without_zero(part: Any) -> Any:
    """A slice from the first element on, as people write it."""
    if not isinstance(part, slice) or part.start != 0 or (part.step or 1) < 0:
        return part
    return slice(None, part.stop, part.step)


def diagonal_of(index: Any, shape: tuple[int, ...]) -> bool:
    """Whether an index takes the diagonal of a square matrix."""
    if len(shape) != 2 or shape[0] != shape[1] or not isinstance(index, tuple):
        return False
    places = [each for each in index if each is not Ellipsis]
    return len(places) == 2 and all(
        isinstance(each, np.ndarray) and np.array_equal(each, np.arange(shape[0]))
        for each in places
    )


def taken(xs: list[Text], step: Equation) -> Text:
    """Elements at fixed places."""
    index = step.params["index"]
    if diagonal_of(index, np.shape(step.operands[0])):
        return Text(f"np.diag({xs[0].text})", ATOM)
    x = xs[0] if np.ndim(step.operands[0]) else called("np.asarray", xs, {})
    return Text(f"{x.inside(ATOM)}[{index_text(index)}]", ATOM)


def gathered(xs: list[Text], step: Equation) -> Text:
    """Elements at places that the data tell."""
    x, *rows = xs
    return Text(f"{x.inside(ATOM)}[{pattern_text(rows, step.params['pattern'])}]", ATOM)


def pattern_text(rows: list[Text], pattern: tuple[Any, ...]) -> str:
    """An index with arrays in the places of their numbers."""
    parts = [rows[k].text if isinstance(k, int) else index_text(k) for k in pattern]
    while len(parts) > 1 and parts[-1] in (":", "..."):
        parts.pop()
    return ", ".join(parts)
