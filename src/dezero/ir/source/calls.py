"""Calls in NumPy's words."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import GraphError
from ..steps import Equation
from .text import ATOM, Text, param

Form = Callable[[list[Text], Equation], Text]
"""How an equation is written whose operands have been."""


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
