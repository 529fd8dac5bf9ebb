"""Loops and branches: each is a statement of Python, with the steps of its graphs inside."""

from __future__ import annotations

import re
from typing import Any

from ..graph import Graph
from ..steps import Equation, Value
from .names import users_names
from .text import ATOM, COMPARED, Text
from .wrapping import WIDTH
from .writer import Statement, Writer


def held(writer: Writer, x: Any) -> Text:
    """An operand that a loop reads again and again: computed before it."""
    text = writer.operand(x)
    if isinstance(x, Value) and not text.text.isidentifier():
        name = writer.name_for(x)
        writer.lines.append(f"{name} = {text.text}")
        text = writer.texts[x] = Text(name, ATOM)
    return text


def part(writer: Writer, graph: Graph, inputs: list[Text]) -> tuple[list[str], list[Text]]:
    """The lines of a graph that a loop calls, and what it gives."""
    inner = Writer(graph, writer.statements, writer.taken, users_names(graph))
    for y in graph.outputs:  # they get the names that the loop has for them
        if isinstance(y, Value) and inner.uses[y] == 1:
            inner.users.pop(y, None)
    inner.texts.update(zip(graph.inputs, inputs, strict=True))
    for step in graph.steps:
        inner.step(step)
    return inner.lines, [inner.operand(y) for y in graph.outputs]


def passed_on(lines: list[str], names: list[Text], values: list[Text]) -> list[str]:
    """Lines, and the one that gives new values to names that change, if any does.

    A value that is computed where nobody needs the old one any more is given the name there.
    """
    pairs = {name.text: x.text for name, x in zip(names, values, strict=True)}
    for name, text in list(pairs.items()):
        if name == text:
            del pairs[name]
            continue
        at = next((k for k, line in enumerate(lines) if line.startswith(f"{text} = ")), None)
        others = [each for key, each in pairs.items() if key != name]
        if at is None or any(word(name).search(each) for each in (*lines[at + 1 :], *others)):
            continue
        lines = lines[:at] + [word(text).sub(name, line) for line in lines[at:]]
        pairs = {key: word(text).sub(name, each) for key, each in pairs.items() if key != name}
    if pairs:
        lines = [*lines, f"{', '.join(pairs)} = {', '.join(pairs.values())}"]
    return lines


def word(name: str) -> re.Pattern[str]:
    """A name where it stands alone in a line."""
    return re.compile(rf"(?<![\w.]){re.escape(name)}\b")


def indented(lines: list[str]) -> list[str]:
    """Lines inside of a statement."""
    return [f"    {line}" for line in lines] or ["    pass"]


class Turn:
    """The names of a loop: of what it carries, and of what it reads."""

    def __init__(self, writer: Writer, step: Equation, first: int) -> None:
        n, body = step.params["carries"], step.params["body"]
        sequences = step.params.get("sequences", 0)
        starts = step.operands[first : first + n]
        self.sequences = [held(writer, x) for x in step.operands[first + n :][:sequences]]
        self.read = [held(writer, x) for x in step.operands[first + n + sequences :]]
        given = body.inputs[first // 2 :][:n]
        self.carries = [
            Text(writer.new_name(writer.users.get(y) or x.name or "x"), ATOM)
            for y, x in zip(step.results, given, strict=False)
        ]
        writer.lines += passed_on([], self.carries, [writer.operand(x) for x in starts])
        writer.texts.update(zip(step.results, self.carries, strict=False))

    def turned(self, writer: Writer, graph: Graph, *more: Text) -> list[str]:
        """One turn, where `more` is what it gets before what is carried."""
        lines, outs = part(writer, graph, [*more, *self.carries, *self.read])
        return passed_on(lines, self.carries, outs)


def _fori(writer: Writer, step: Equation) -> None:
    lo, hi = (writer.operand(x).text for x in step.operands[:2])
    turn, body = Turn(writer, step, 2), step.params["body"]
    i = Text(writer.new_name(body.inputs[0].name or "i"), ATOM)
    writer.lines.append(f"for {i.text} in range({hi if lo == '0' else f'{lo}, {hi}'}):")
    writer.lines += indented(turn.turned(writer, body, i))


def _while(writer: Writer, step: Equation) -> None:
    turn = Turn(writer, step, 0)
    lines, (going,) = part(writer, step.params["cond"], [*turn.carries, *turn.read])
    writer.lines.append("while True:" if lines else f"while {going.text}:")
    if lines:
        writer.lines += indented([*lines, f"if not {going.inside(COMPARED)}:", "    break"])
    writer.lines += indented(turn.turned(writer, step.params["body"]))


def _scan(writer: Writer, step: Equation) -> None:
    turn, body = Turn(writer, step, 0), step.params["body"]
    n, m = len(turn.carries), len(turn.sequences)
    each = [Text(writer.new_name(value.name or "x"), ATOM) for value in body.inputs[n : n + m]]
    columns = [Text(writer.name_for(y), ATOM) for y in step.results[n:]]
    writer.lines += [f"{name.text} = []" for name in columns]
    over = ", ".join(x.text for x in turn.sequences)
    over = (
        over if m == 1 else f"zip({over}, strict=True)" if m else f"range({step.params['length']})"
    )
    writer.lines.append(f"for {', '.join(x.text for x in each) or '_'} in {over}:")
    lines, outs = part(writer, body, [*turn.carries, *each, *turn.read])
    lines += [f"{y.text}.append({x.text})" for y, x in zip(columns, outs[n:], strict=True)]
    writer.lines += indented(passed_on(lines, turn.carries, outs[:n]))
    writer.lines += [f"{name.text} = np.stack({name.text})" for name in columns]
    writer.texts.update(zip(step.results[n:], columns, strict=True))


def _cond(writer: Writer, step: Equation) -> None:
    chosen, *read = step.operands
    texts = [held(writer, x) for x in read]
    yes, no = (part(writer, step.params[key], texts) for key in ("yes", "no"))
    test = writer.operand(chosen)
    text = f"{yes[1][0].text} if {test.text} else {no[1][0].text}" if step.results else ""
    if len(step.results) == 1 and not (yes[0] or no[0]) and len(text) < WIDTH:
        writer.made(step.results[0], text)
        writer.own.clear()  # it may be an operand itself
        return
    names = [Text(writer.name_for(y), ATOM) for y in step.results]
    for head, (lines, outs) in ((f"if {test.text}:", yes), ("else:", no)):
        writer.lines += [head, *indented(passed_on(lines, names, outs))]
    writer.texts.update(zip(step.results, names, strict=True))


LOOPS: dict[str, Statement] = {
    "fori_loop": _fori,
    "while_loop": _while,
    "scan": _scan,
    "cond": _cond,
}
"""How they are written, by the title of the row."""
