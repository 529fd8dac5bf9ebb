"""The user's lines that a graph came from, each with the function around it."""

from __future__ import annotations

import ast
import linecache
import os
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

Span = tuple[int, int]
"""A first and a last line."""


class Block(NamedTuple):
    """A function of the user's, as its file has it."""

    file: str
    start: int
    lines: list[str]


class Code:
    """The functions in which some lines stand, each once, in the order of the lines.

    Attributes
    ----------
    blocks : list of Block
    places : dict
        For each ``file:line`` which block, and which line of it; nothing if there is no source.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.blocks: list[Block] = []
        self.places: dict[str, tuple[int, int]] = {}
        self._spans: dict[str, tuple[list[Span], list[Span]]] = {}
        around = {line: self._around(*parted(line)) for line in dict.fromkeys(lines)}
        spans = {(parted(line)[0], *span) for line, span in around.items() if span}
        known: dict[tuple[str, int, int], int] = {}
        for line, span in around.items():
            if span is None:
                continue
            path, number = parted(line)
            start, end = widest(span, [each[1:] for each in spans if each[0] == path])
            if (path, start, end) not in known:
                known[path, start, end] = len(self.blocks)
                body = "".join(linecache.getlines(path)[start - 1 : end])
                shown = textwrap.dedent(body).splitlines()
                name = "cell" if "ipykernel_" in path else os.path.basename(path)
                self.blocks.append(Block(name, start, shown))
            self.places[line] = known[path, start, end], number - start

    def _around(self, path: str, number: int) -> Span | None:
        """The lines of the innermost function, or else of the lambda or the statement."""
        text = linecache.getlines(path)
        if not 1 <= number <= len(text):
            return None
        if path not in self._spans:
            self._spans[path] = spans_in("".join(text))
        for spans in self._spans[path]:
            around = [span for span in spans if span[0] <= number <= span[1]]
            if around:
                return max(around)
        return number, number


def parted(line: str) -> tuple[str, int]:
    """A file and a number."""
    path, _, digits = line.rpartition(":")
    return path, int(digits) if digits.isdigit() else 0


def widest(span: Span, others: Iterable[Span]) -> Span:
    """The outermost of the functions around one that are shown, so that no line is shown twice."""
    return min((each for each in others if each[0] <= span[0] and span[1] <= each[1]), default=span)


def spans_in(text: str) -> tuple[list[Span], list[Span]]:
    """Where the functions of a file are; and its statements, and the lambdas in them."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a notebook's cell with commands of its own
        return [], []
    nodes = list(ast.walk(tree))
    functions = [
        span_of(n) for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    lambdas = [span_of(n) for n in nodes if isinstance(n, ast.Lambda)]
    return functions, [*map(span_of, tree.body), *lambdas]


def span_of(node: ast.stmt | ast.Lambda) -> Span:
    """The first and last line of a statement, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)])
    return start, node.end_lineno or start
