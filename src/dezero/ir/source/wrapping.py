"""Long lines wrapped as formatters do: at the last brackets, or one item or term on a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

WIDTH = 88
INDENT = 4

OPERATORS = (
    (",",),
    (" if ", " else "),
    (" == ", " != ", " < ", " <= ", " > ", " >= "),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " // ", " % ", " @ "),
    (" ** ",),
)
"""What an expression is divided at, the loosest first."""

HEAD = re.compile(r"(return |assert (?:not )?|while |if |for .*? in |[^=]*? [-+]?= |)(.*?)(:?)")
"""A statement: how it begins, its expression, and how it ends."""


class Parts(NamedTuple):
    """An expression between the signs that it is divided at."""

    items: list[str]
    signs: list[str]


def wrapped(line: str) -> list[str]:
    """A statement, as the lines that it takes; a comment stays on the last one."""
    body = line.lstrip(" ")
    pad = line[: len(line) - len(body)]
    if len(line) <= WIDTH:
        return [line]
    body, *comment = body.split("  # ")
    found = HEAD.fullmatch(masked(body))  # signs of equality in brackets are others
    assert found is not None
    head, text, tail = (body[slice(*found.span(k))] for k in (1, 2, 3))
    lines = statement(pad, head, text, tail)
    return [*lines[:-1], "  # ".join([lines[-1], *comment])]


def statement(pad: str, head: str, text: str, tail: str) -> list[str]:
    """A statement opened at the last brackets of its expression, or at ones around it."""
    parts, at = divided(text), last_bracket(text)
    few = parts is None or (len(parts.signs) == 1 and parts.signs[0] != ",")
    if at >= 0 and few and len(pad) + len(head) + at + 1 <= WIDTH:
        opening, inner, closing = head + text[: at + 1], text[at + 1 : -1], text[-1]
    elif parts:
        opening, inner, closing = head + "(", text, ")"
    else:
        return [pad + head + text + tail]
    return [pad + opening, *inside(pad + " " * INDENT, inner), pad + closing + tail]


def inside(pad: str, text: str, end: str = "") -> list[str]:
    """What stands in brackets: on one line, or divided, or opened further."""
    if len(pad) + len(text) + len(end) <= WIDTH:
        return [pad + text + end]
    parts, at = divided(text), last_bracket(text)
    if parts and parts.signs[0] == ",":
        return [line for item in parts.items for line in inside(pad, item, ",")]
    if parts:
        pieces = [parts.items[0], *map("".join, zip(parts.signs, parts.items[1:], strict=True))]
        ends = [""] * (len(pieces) - 1) + [end]
        return [x for each, e in zip(pieces, ends, strict=True) for x in inside(pad, each, e)]
    if at < 0:
        return [pad + text + end]
    inner = inside(pad + " " * INDENT, text[at + 1 : -1])
    return [pad + text[: at + 1], *inner, pad + text[-1] + end]


def divided(text: str) -> Parts | None:
    """An expression at its loosest operators; None if it has none."""
    bare = masked(text)
    for signs in OPERATORS:
        pattern = "|".join(map(re.escape, signs))
        if re.search(pattern, bare[1:]):
            return parted(text, [m.span() for m in re.finditer(pattern, bare) if m.start()])
    return None


def parted(text: str, spans: list[tuple[int, int]]) -> Parts:
    """A text without the signs at some places, and these."""
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    items = [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    signs = [text[a:b].lstrip() for a, b in spans]
    return Parts([item for item in items if item], signs)


def masked(text: str) -> str:
    """The text with what is inside of brackets and strings blanked out."""
    return "".join(c if not depth else "." for c, depth in nested(text))


def nested(text: str) -> Iterator[tuple[str, int]]:
    """Each character, and how deep in brackets and strings it stands."""
    depth, quote = 0, ""
    for c in text:
        if quote:
            yield c, depth + 1
            quote = "" if c == quote else quote
            continue
        if c in ")]}":
            depth -= 1
        yield c, depth
        if c in "([{":
            depth += 1
        elif c in "\"'":
            quote = c


def last_bracket(text: str) -> int:
    """Where the brackets open that the text ends with; -1 if it does not, or they are empty."""
    if text[-1] not in ")]}":
        return -1
    bare = masked(text)
    at = max(bare.rfind(c) for c in "([{")
    return at if at + 2 < len(text) else -1
