"""The right-hand sides of equations in NumPy's words, as a person writes them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import GraphError
from ..passes.rewriting import filled_with
from ..steps import Equation, Value
from ..tape import index_text as index_in_words
from .text import (
    ATOM,
    BITS,
    COMPARED,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    Text,
    constant,
    negative,
    number,
    param,
    shape_text,
)

Form = Callable[[list[Text], Equation], Text]
"""How an equation is written whose operands have been."""

# ---------------------------------------------------------------------------- constants


def operand(x: Any, step: Equation) -> Text:
    """A constant operand: a literal of Python where the result keeps its shape, dtype and bits.

    A literal takes the dtype of the arrays that it meets (NEP 50); a scalar of NumPy has its own.
    """
    value = filled_with(x)
    if not isinstance(value, np.generic) or value.dtype.kind not in "fciu":
        return constant(x)
    chosen = step.operands[1:] if step.p.title == "where" else step.operands
    others = [y.dtype for y in chosen if isinstance(y, Value)]
    if not others or not (step.p.pointwise or step.p.nondifferentiable):
        return constant(x)
    if np.ndim(x) and not (step.p.pointwise and spread_by_others(step)):
        return constant(x)
    return literal(value, others, [getattr(y, "dtype", y) for y in chosen]) or constant(x)


def spread_by_others(step: Equation) -> bool:
    """Whether the values among the operands alone give the result its shape."""
    return np.broadcast_shapes(*(y.shape for y in step.reads)) == step.results[0].shape


def literal(x: Any, dtypes: list[Any], given: list[Any]) -> Text | None:
    """A NumPy scalar as a literal beside values of some dtypes, if that gives what was given."""
    item, whole = x.item(), np.result_type(*given)
    if not isinstance(item, (int, float, complex)):
        return None  # of more bits than Python's
    try:
        common = np.result_type(item, *dtypes)
    except OverflowError:
        return None
    if common != whole:
        return None
    if x.dtype.kind == "f" and common == x.dtype:
        item = float(str(x))  # the shortest that is rounded to it
    return number(item)


# ---------------------------------------------------------------------------- operators

INFIX = {
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "remainder": ("%", PRODUCT),
    "matmul": ("@", PRODUCT),
    "power": ("**", POWER),
    "bitwise_and": ("&", BITS),
    "equal": ("==", COMPARED),
    "not_equal": ("!=", COMPARED),
    "less": ("<", COMPARED),
    "less_equal": ("<=", COMPARED),
    "greater": (">", COMPARED),
    "greater_equal": (">=", COMPARED),
}


def infix(xs: list[Text], step: Equation) -> Text:
    """Two operands and a sign between them."""
    sign, strength = INFIX[step.p.title]
    left, right = strength, strength + 1
    if strength == COMPARED:
        left = COMPARED + 1  # Python would chain them
    minus = None
    if sign in "*/" and step.results[0].dtype.kind == "f":
        xs, minus = signed(xs, sign)
    return Text(f"{xs[0].inside(left)} {sign} {xs[1].inside(right)}", strength, minus)


NUMBER = re.compile(r"\d[\d.]*(e[-+]?\d+)?")


def signed(xs: list[Text], sign: str) -> tuple[list[Text], Text | None]:
    """The factors of a product or quotient with the sign in front, and what it is the negative of.

    A product's sign is exact, wherever it stands.
    """
    x, y = xs
    if x.minus and y.minus:
        return [x.minus, y.minus], None
    if y.minus and sign == "*" and NUMBER.fullmatch(y.minus.text):
        x, y = y, x
    elif y.minus:
        x, y = negative(x), y.minus
    if not x.minus:
        return xs, None
    return [x, y], Text(f"{x.minus.inside(PRODUCT)} {sign} {y.inside(PRODUCT + 1)}", PRODUCT)


def added(xs: list[Text], step: Equation) -> Text:
    """X + y, or x - y: it is the same to add the negative."""
    x, y = xs
    if step.results[0].dtype.kind in "fc":
        x, y = (y, x) if x.minus and not y.minus else (x, y)
        if y.minus:
            return Text(f"{x.inside(SUM)} - {y.minus.inside(SUM + 1)}", SUM)
    return Text(f"{x.inside(SUM)} + {y.inside(SUM + 1)}", SUM)


def subtracted(xs: list[Text], step: Equation) -> Text:
    """X - y, or x + y."""
    x, y = xs
    if y.minus and step.results[0].dtype.kind in "fc":
        return Text(f"{x.inside(SUM)} + {y.minus.inside(SUM + 1)}", SUM)
    return Text(f"{x.inside(SUM)} - {y.inside(SUM + 1)}", SUM)


def raised(x: str, exponent: str) -> Text:
    """A power, close together where both are short."""
    simple = all(re.fullmatch(r"-?[\w.]+", each) for each in (x, exponent))
    return Text(f"{x}{'**' if simple else ' ** '}{exponent}", POWER)


def squared(xs: list[Text], step: Equation) -> Text:
    """A square; of a scalar, not by ``**``, which there is the C library's `pow`."""
    (x,) = xs
    if step.results[0].ndim:
        return raised(x.inside(POWER + 1), "2")
    if x.text.isidentifier():
        return Text(f"{x.text} * {x.text}", PRODUCT)
    return Text(f"np.square({x.text})", ATOM)


# ---------------------------------------------------------------------------- calls

NAMESPACES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}
SHORT = {"absolute": "abs"}
"""Functions that people call by another name."""


def path_of(p: Any) -> str:
    """Where NumPy has a primitive's function.

    Raises
    ------
    GraphError
        If it is no function of NumPy.
    """
    spaces = NAMESPACES | {"special": sys.modules.get("scipy.special")}
    for prefix, namespace in spaces.items():
        found = getattr(namespace, p.title, None)
        if found is not None and inspect.unwrap(found) is inspect.unwrap(p.fn):
            return f"{prefix}.{SHORT.get(p.title, p.title)}"
    raise GraphError(f"{p.title} is no function of NumPy, and cannot be written as source")


def called(path: str, xs: list[Text], params: dict[str, Any]) -> Text:
    """A call in NumPy's words."""
    named = [f"{key}={param(value)}" for key, value in params.items()]
    return Text(f"{path}({', '.join([*(x.text for x in xs), *named])})", ATOM)


REDUCTIONS = frozenset(["sum", "mean", "prod", "max", "min", "any", "all", "var", "std", "flip"])
"""Functions that go over all axes if none is named."""


def plainly(xs: list[Text], step: Equation) -> Text:
    """The call of a NumPy function of the same name."""
    params = dict(step.params)
    axis = params.get("axis")
    if step.p.title in REDUCTIONS and isinstance(axis, tuple):
        if len(axis) == np.ndim(step.operands[0]) and not params.get("keepdims"):
            del params["axis"]
        elif len(axis) == 1:
            params["axis"] = axis[0]
    return called(path_of(step.p), xs, params)


def by_position(name: str, *keys: str) -> Form:
    """A call with its parameters by position."""

    def form(xs: list[Text], step: Equation) -> Text:
        given = [param(step.params[key]) for key in keys if key in step.params]
        rest = {key: value for key, value in step.params.items() if key not in keys}
        return called(name, [*xs, *(Text(each, ATOM) for each in given)], rest)

    return form


def converted(xs: list[Text], step: Equation) -> Text:
    """Another dtype, also of a number that is no array."""
    dtype = param(step.params["dtype"])
    if not np.shape(step.operands[0]):
        return Text(f"{dtype if dtype[:2] == 'np' else 'np.bool'}({xs[0].text})", ATOM)
    return Text(f"{xs[0].inside(ATOM)}.astype({dtype})", ATOM)


def joined(name: str) -> Form:
    """A call with all operands in a list."""

    def form(xs: list[Text], step: Equation) -> Text:
        inner = ", ".join(x.text for x in xs)
        axis = f", axis={step.params['axis']}" if step.params["axis"] else ""
        return Text(f"np.{name}([{inner}]{axis})", ATOM)

    return form


# ---------------------------------------------------------------------------- axes


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


# ---------------------------------------------------------------------------- places


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
    return Text(f"{xs[0].inside(ATOM)}[{index_text(index)}]", ATOM)


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


def truth(xs: list[Text], step: Equation) -> Text:
    """``x != y``; of truth values and 0, x itself."""
    x, y = step.operands
    if isinstance(x, Value) and x.dtype == bool and np.ndim(y) == 0 and not isinstance(y, Value):
        return xs[0] if not y else infix(xs, step)
    return infix(xs, step)


def summed_products(xs: list[Text], step: Equation) -> Text:
    """`einsum`, which has its subscripts first."""
    subscripts = Text(param(step.params["subscripts"]), ATOM)
    way = step.params.get("optimize")
    return called("np.einsum", [subscripts, *xs], {"optimize": way} if way else {})


def of_complex(xs: list[Text], step: Equation) -> Text:
    """What leaves real numbers as they are."""
    (x,) = step.operands
    return plainly(xs, step) if x.dtype.kind == "c" or not np.ndim(x) else xs[0]


def fixed(text: str) -> Form:
    """A call with its one operand in the place of ``{}``."""
    return lambda xs, _: Text(text.format(xs[0].text), ATOM)


FORMS: dict[str, Form] = {
    **dict.fromkeys(INFIX, infix),
    "not_equal": truth,
    "add": added,
    "subtract": subtracted,
    "power": lambda xs, _: raised(xs[0].inside(POWER + 1), xs[1].inside(UNARY)),
    "square": squared,
    "negative": lambda xs, _: negative(xs[0]),
    "invert": lambda xs, _: Text(f"~{xs[0].inside(UNARY)}", UNARY),
    "getitem": taken,
    "gather": gathered,
    "reshape": reshaped,
    "expand_dims": expanded,
    "broadcast_to": broadcast,
    "transpose": turned("transpose", "axes"),
    "swapaxes": turned("swapaxes", "axis1", "axis2"),
    "moveaxis": turned("moveaxis", "source", "destination"),
    "real": of_complex,
    "conjugate": of_complex,
    "astype": converted,
    "whole": converted,
    "concatenate": joined("concatenate"),
    "stack": joined("stack"),
    "einsum": summed_products,
    "einsum_of_one": summed_products,
    "repeat": by_position("np.repeat", "counts", "axis"),
    "length": fixed("np.linalg.norm({})"),
    "nonzero": fixed("np.nonzero({})[0]"),  # of one axis
    "by_size": lambda xs, step: called("np.argsort", xs, step.params | {"kind": "stable"}),
    "stop_gradient": lambda xs, _: xs[0],
    "frexp": fixed("np.frexp({})[0]"),
    "exponent": fixed("np.frexp({})[1]"),
}
"""How calls are written that are not ``np.title(…)``, by the title of the row."""


def expression(xs: list[Text], step: Equation) -> Text:
    """The right-hand side of an equation."""
    title = step.p.title
    if title in FORMS and (len(xs) == 2 or title not in INFIX) and not wrongly(title, step):
        return FORMS[title](xs, step)
    return plainly(xs, step)


def wrongly(title: str, step: Equation) -> bool:
    """Whether an operator would need parameters."""
    return title in INFIX and bool(step.params)
