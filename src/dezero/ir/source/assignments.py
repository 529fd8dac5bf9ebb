"""Steps for which an array is made, and written into."""

from __future__ import annotations

from typing import Any

from ..scatters import added, meets_once
from ..steps import Equation, Value
from .places import diagonal_of, index_text
from .text import ATOM, Text, param, shape_text
from .writer import Statement, Writer


def zeros_for(step: Equation) -> str:
    """The array that a result is added into."""
    (value,) = step.results
    dtype = "" if value.dtype == float else f", dtype={param(value.dtype)}"
    return f"np.zeros({shape_text(step.params['shape'])}{dtype})"


def _scatter(writer: Writer, step: Equation) -> None:
    """Put where it belongs among zeros, or, as a part of a sum, kept until the sum is written."""
    index, (g,) = step.params["index"], step.operands
    (value,) = step.results
    text = writer.operand(g)
    if value in writer.sums:
        writer.parts[value] = index, text
    elif diagonal_of(index, value.shape):
        writer.put(value, Text(f"np.diag({text.text})", ATOM))
    else:
        name = writer.made(value, zeros_for(step))
        writer.lines.append(scattered(name, step, text.text))


def scattered(name: str, step: Equation, text: str) -> str:
    """The line that fills an array of zeros."""
    index = step.params["index"]
    if meets_once(step):
        return f"{name}[{index_text(index)}] = {text}"
    return f"np.add.at({name}, {index_source(index)}, {text})"


def _add(writer: Writer, step: Equation) -> None:
    """A sum; of a scattered part with another array, in place."""
    part = added(step, writer.sums)
    if part not in writer.parts:
        writer.put(step.results[0], writer.expression(step))
        return
    index, text = writer.parts[part]
    (total,) = (x for x in step.operands if x is not part)
    (value,) = step.results
    start = writer.operand(total)
    if total in writer.own and writer.uses[total] == 1:
        writer.texts[value] = start
        writer.own.add(value)
        name = start.text
    else:
        name = writer.made(value, writer.copied(total))
    sign, text = ("-", text.minus) if text.minus else ("+", text)
    writer.lines.append(f"{name}[{index_text(index)}] {sign}= {text.text}")


def _deposit(writer: Writer, step: Equation) -> None:
    """Added among zeros at places that the data tell."""
    g, places = step.operands
    name = writer.made(step.results[0], zeros_for(step))
    rows, pattern = writer.operands(places, step), step.params["pattern"]
    parts = [rows[k].text if isinstance(k, int) else index_source(k) for k in pattern]
    index = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
    writer.lines.append(f"np.add.at({name}, {index}, {writer.operand(g).text})")


def _setitem(writer: Writer, step: Equation) -> None:
    """A part of a copy is written over; of an array that nobody else reads, in place."""
    x, w = step.operands
    (value,) = step.results
    text, start = writer.operand(w, step), writer.operand(x)
    if isinstance(x, Value) and x in writer.own and writer.uses[x] == 1:
        name = start.text
        writer.texts[value] = start
        writer.own.add(value)
    else:
        name = writer.made(value, writer.copied(x))
    writer.lines.append(f"{name}[{index_text(step.params['index'])}] = {text.text}")


def index_source(index: Any) -> str:
    """An index as an expression of its own."""
    parts = index if isinstance(index, tuple) else (index,)
    written = [f"np.s_[{index_text(p)}]" if isinstance(p, slice) else param(p) for p in parts]
    return f"({', '.join(written)},)" if isinstance(index, tuple) else written[0]


ASSIGNMENTS: dict[str, Statement] = {
    "scatter": _scatter,
    "deposit": _deposit,
    "setitem": _setitem,
    "add": _add,
}
"""How they are written, by the title of the row."""
