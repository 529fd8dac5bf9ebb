"""Axes that change their order, or are put in."""

from __future__ import annotations

import numpy as np

from ..steps import Equation
from .calls import Form, by_position, called
from .text import ATOM, Text, shape_text


def turned(name: str, *keys: str) -> Form:
    """Another order of the axes: of a matrix, its transpose."""
    general = by_position(f"np.{name}", *keys)

    def form(xs: list[Text], step: Equation) -> Text:
        ndim = np.ndim(step.operands[0])
        probe = np.broadcast_to(0, range(2, 2 + ndim))
        moved = step.p.fn(probe, **step.params)
        if moved.shape == probe.shape:
            return xs[0]
        if ndim == 2 or not step.params:
            return Text(f"{xs[0].inside(ATOM)}.T", ATOM)
        return general(xs, step)

    return form


def with_new_axes(xs: list[Text], step: Equation) -> Text | None:
    """An array with axes of length 1 put in, by an index of `None`."""
    before, after = np.shape(step.operands[0]), step.results[0].shape
    if not before or 1 in before or tuple(n for n in after if n != 1) != before:
        return None
    if before == after:
        return None
    parts = ["None" if n == 1 else ":" for n in after]
    while parts[-1] == ":":
        parts.pop()  # an index goes on to the last axis by itself
    return Text(f"{xs[0].inside(ATOM)}[{short_of_axes(parts)}]", ATOM)


def short_of_axes(parts: list[str]) -> str:
    """An index of axes, with dots for whole axes before those put in at the end."""
    whole = next(k for k, part in enumerate(parts) if part != ":")
    return ", ".join(["...", *parts[whole:]] if whole > 1 else parts)


def expanded(xs: list[Text], step: Equation) -> Text:
    """New axes."""
    return with_new_axes(xs, step) or by_position("np.expand_dims", "axis")(xs, step)


def reshaped(xs: list[Text], step: Equation) -> Text:
    """Another shape."""
    shape = step.results[0].shape
    if step.params.get("order", "C") == "C":
        found = with_new_axes(xs, step)
        if found:
            return found
    rest = {key: value for key, value in step.params.items() if key != "shape"}
    size = Text("-1" if len(shape) == 1 and shape[0] else shape_text(shape), ATOM)
    return called("np.reshape", [*xs, size], rest)


def broadcast(xs: list[Text], step: Equation) -> Text:
    """As often as a shape says."""
    return called("np.broadcast_to", [*xs, Text(shape_text(step.results[0].shape), ATOM)], {})
