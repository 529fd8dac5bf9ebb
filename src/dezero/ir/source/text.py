"""Expressions as text, and constants as a person writes them, to the last bit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import GraphError

LARGEST = 1000
"""Numbers in a constant that may be written out."""


class Text(NamedTuple):
    """An expression, and how strongly its parts are bound: only a weaker one needs brackets.

    Attributes
    ----------
    text : str
    strength : int
    minus : Text or None
        What it is the negative of, if it begins with a minus: ``x + -y`` is ``x - y``.
    """

    text: str
    strength: int
    minus: Any = None

    def inside(self, strength: int) -> str:
        """The expression as a part of one that binds its parts so strongly."""
        return self.text if self.strength >= strength else f"({self.text})"


ATOM, POWER, UNARY, PRODUCT, SUM, BITS, COMPARED, CHOICE = range(8, 0, -1)
"""How strongly Python binds, as its reference says (6.17, operator precedence)."""


def negative(x: Text) -> Text:
    """-x; of a negative, what that is the negative of."""
    return x.minus or Text(f"-{x.inside(UNARY)}", UNARY, x)


def constant(x: Any) -> Text:
    """A constant, to the last bit."""
    if isinstance(x, np.ndarray):
        return array_text(x)
    if isinstance(x, np.generic):
        return Text(f"np.{x.dtype}({number(x.item()).text})", ATOM)
    return number(x)


def number(x: Any) -> Text:
    """A number of Python."""
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        if x < 0 or np.signbit(x):
            return negative(number(-x))
        if isinstance(x, float) and not np.isfinite(x):
            return Text("np.nan" if np.isnan(x) else "np.inf", ATOM)
        return Text(repr(x), ATOM)
    if isinstance(x, complex) and not np.isfinite(x):
        return Text(f"complex({number(x.real).text}, {number(x.imag).text})", ATOM)
    return Text(param(x), ATOM)


def array_text(x: np.ndarray[Any, Any]) -> Text:
    """An array constant."""
    if not x.ndim:
        return constant(x[()])
    kind = "" if x.dtype == float else f", dtype={param(x.dtype)}"
    if not x.size:
        return Text(f"np.zeros({shape_text(x.shape)}{kind})", ATOM)
    if np.all(x == x.flat[0]) and not np.any(np.signbit(np.real(x))):
        shape = shape_text(x.shape)
        if x.flat[0] in (0, 1):
            return Text(f"np.{'ones' if x.flat[0] else 'zeros'}({shape}{kind})", ATOM)
        return full(x)
    return patterned(x, kind) or written_out(x)


def full(x: np.ndarray[Any, Any]) -> Text:
    """An array of one number, whose dtype is that of the number where it can be."""
    value = x.flat[0].item()
    kind = "" if np.result_type(type(value)) == x.dtype else f", dtype={param(x.dtype)}"
    return Text(f"np.full({shape_text(x.shape)}, {number(value).text}{kind})", ATOM)


def written_out(x: np.ndarray[Any, Any]) -> Text:
    """An array, number by number."""
    if x.size > LARGEST:
        raise GraphError(f"the source would hold an array of {x.size} numbers: make it an argument")
    if np.all(x == x.flat[0]) and not np.any(np.isnan(x)) and alike_signs(x):
        return full(x)
    dtype = "" if x.dtype in (float, int, complex, bool) else f", dtype={param(x.dtype)}"
    return Text(f"np.array({listed(x.tolist())}{dtype})", ATOM)


def alike_signs(x: np.ndarray[Any, Any]) -> bool:
    """Whether all numbers are negative, or all not."""
    return x.dtype.kind != "c" and bool(np.all(np.signbit(x) == np.signbit(x.flat[0])))


def patterned(x: np.ndarray[Any, Any], kind: str) -> Text | None:
    """An array that NumPy has a short word for: rows of whole numbers, identities, triangles."""
    if x.ndim == 1 and x.dtype == int and x.size > 2:
        step = int(x[1] - x[0])
        if step and np.array_equal(x, np.arange(x[0], x[0] + step * x.size, step)):
            return Text(range_text(int(x[0]), step, x.size), ATOM)
    if x.ndim == 1 and x.size > 2 and same(x, np.arange(float(x.size))):
        return Text(f"np.arange({float(x.size)})", ATOM)
    if x.ndim != 2:
        return None
    sizes = ", ".join(map(str, dict.fromkeys(x.shape)))
    if same(x, np.eye(*x.shape, dtype=x.dtype)):
        return Text(f"np.eye({sizes}{kind})", ATOM)
    if x.shape[0] == x.shape[1] and same(x, x[0, 0] * np.eye(len(x), dtype=x.dtype)):
        scale = number(x[0, 0].item())
        return Text(f"{scale.text} * np.eye({sizes}{kind})", PRODUCT)
    for k in (0, -1):
        if same(x, np.tril(np.ones(x.shape), k).astype(x.dtype)):
            below = f", k={k}" if k else ""
            return Text(f"np.tri({sizes}{below}{kind})", ATOM)
    return None


def same(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> bool:
    """Whether two arrays are equal to the last bit."""
    return x.dtype == y.dtype and x.tobytes() == y.tobytes()


def range_text(start: int, step: int, size: int) -> str:
    """Whole numbers at one distance."""
    if (start, step) == (size - 1, -1):
        return f"np.arange({size})[::-1]"
    ends = [start, start + step * size] if start or step != 1 else [size]
    return f"np.arange({', '.join(map(str, [*ends, step] if step != 1 else ends))})"


def listed(x: Any) -> str:
    """Numbers in lists."""
    if isinstance(x, list):
        return f"[{', '.join(map(listed, x))}]"
    return number(x).text


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as an argument: of one axis, its length."""
    return param(shape[0] if len(shape) == 1 else shape)


def param(x: Any) -> str:
    """A static parameter."""
    if isinstance(x, np.dtype):
        return x.name if x.name == "bool" else f"np.{x.name}"
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if isinstance(x, np.ndarray):
        return array_text(x).text
    if isinstance(x, np.generic):
        return repr(x.item())
    if isinstance(x, (tuple, list)):
        inner = ", ".join(map(param, x)) + ("," if isinstance(x, tuple) and len(x) == 1 else "")
        return f"({inner})" if isinstance(x, tuple) else f"[{inner}]"
    if isinstance(x, str):
        return f'"{x}"'
    return repr(x)
