"""Arrays that are written out more than once: they get a name, and one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

ARRAY = re.compile(r"np\.array\(\[[^()]*\](?:, dtype=[\w.]+)?\)")
SHORTEST = 20
"""Characters of an array that is worth a line."""


def once(lines: list[str], new_name: Callable[[str], str]) -> list[str]:
    """The lines of a function, each long array in them once."""
    found = Counter(text for line in lines for text in ARRAY.findall(line))
    often = [text for text, n in found.items() if n > 1 and len(text) > SHORTEST]
    names = {text: new_name("c") for text in often}
    first = [f"{name} = {text}" for text, name in names.items()]
    return [*first, *(named(line, names) for line in lines)]


def named(line: str, names: dict[str, str]) -> str:
    """A line with names for arrays; one that is given a name there may be written into later."""
    left, sign, right = line.partition(" = ")
    if right in names:
        return f"{left}{sign}{names[right]}.copy()"
    return ARRAY.sub(lambda m: names.get(m[0], m[0]), line)
