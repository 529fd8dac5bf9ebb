"""Numbers and arrays as text: in a few characters, and to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WHOLE = 64
"""Numbers of an array that are written out where there is room for them."""


WIDEST = 30
"""Letters that a box of the drawing has room for."""


def brief(x: Any) -> str:
    """A value in a few characters: a number, a short row, or shape and range."""
    x = np.asarray(x)
    row = text(x, "{:.5g}".format).replace("\n", "") if 0 < x.size <= 6 else ""
    if row and (x.ndim == 0 or len(row) <= WIDEST):
        return row
    return f"{list(x.shape)} {extent(x)}".strip()


def extent(x: Any) -> str:
    """Between which numbers an array's elements are."""
    if x.dtype.kind == "b":
        return f"{np.count_nonzero(x)} of {x.size} true"
    if x.dtype.kind == "c":
        return f"|z| {extent(abs(x))}"
    if x.dtype.kind not in "fiu" or not x.size:
        return ""
    finite = x[np.isfinite(x)]
    lost = f"{x.size - finite.size} not finite" if finite.size < x.size else ""
    return ", ".join(filter(None, (between(finite), lost)))


def between(x: Any) -> str:
    """The smallest and the largest number."""
    if not x.size:
        return ""
    low, high = f"{x.min() + 0:.3g}", f"{x.max() + 0:.3g}"  # no minus before a zero
    return f"{low} … {high}" if x.min() < x.max() else f"all {low}"


def shown(x: Any) -> tuple[str, str]:
    """A value in brief, and to the last digit, or as much of it as a person reads."""
    x = np.asarray(x)
    if x.size <= WHOLE:
        return brief(x), text(x, str)
    more = [f"{x.dtype}{list(x.shape)}", extent(x)]
    if x.dtype.kind in "fiuc":
        more += [f"mean {x.mean():.6g}", f"norm {np.linalg.norm(x.ravel()):.6g}"]
    return brief(x), ", ".join(filter(None, more))


def text(x: Any, number: Callable[[Any], str]) -> str:
    """An array in brackets, each number as long as it is."""
    if x.ndim == 0:
        return number(x[()]) if x.dtype.kind in "fc" else str(x)
    return np.array2string(
        x,
        separator=", ",
        formatter={"float_kind": number, "complex_kind": number, "bool": str},
        max_line_width=10**6,
    )
