"""The user's lines that a graph came from, each with the function around it."""

from __future__ import annotations

import ast
import linecache
import os
import textwrap
from typing import NamedTuple

Span = tuple[int, int]
"""A first and a last line."""


class Block(NamedTuple):
    """A function of the user's, as its file has it."""

    file: str
    start: int
    lines: list[str]


class Code:
    """The functions in which the lines of a graph stand, each once."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._places: dict[str, tuple[int, int] | None] = {}
        self._known: dict[tuple[str, int, int], int] = {}
        self._spans: dict[str, tuple[list[Span], list[Span]]] = {}

    def place(self, line: str) -> tuple[int, int] | None:
        """Of ``file:line``: which block, and which line of it; None if there is no such source."""
        if line not in self._places:
            self._places[line] = self._found(line)
        return self._places[line]

    def _found(self, line: str) -> tuple[int, int] | None:
        path, _, digits = line.rpartition(":")
        number = int(digits) if digits.isdigit() else 0
        text = linecache.getlines(path)
        if not 1 <= number <= len(text):
            return None
        start, end = self._around(path, text, number)
        key = path, start, end
        if key not in self._known:
            self._known[key] = len(self.blocks)
            body = textwrap.dedent("".join(text[start - 1 : end])).splitlines()
            self.blocks.append(Block(os.path.basename(path), start, body))
        return self._known[key], number - start

    def _around(self, path: str, text: list[str], number: int) -> Span:
        """The first and last line of the innermost function, or else of the statement."""
        if path not in self._spans:
            self._spans[path] = spans_in("".join(text))
        for spans in self._spans[path]:
            around = [span for span in spans if span[0] <= number <= span[1]]
            if around:
                return max(around)
        return number, number


def spans_in(text: str) -> tuple[list[Span], list[Span]]:
    """Where the functions of a file are, and its statements."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a notebook's cell with commands of its own
        return [], []
    functions = [span_of(n) for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    return functions, [span_of(n) for n in tree.body]


def span_of(node: ast.stmt) -> Span:
    """The first and last line of a statement, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)])
    return start, node.end_lineno or start
