"""From a call in NumPy's words to a primitive: signatures, keywords, and other spellings.

`ROWS` (in `box`) maps each NumPy function to what it does on boxes. Three kinds of entries:

- a ufunc maps to its primitive's call, with no step between (the hot path);
- any other function with a row maps to `bind(p, function)`, which reads NumPy's own signature, so
  that keywords are honoured or refused by name, never ignored;
- a function that is a short program over others is written out and registered with `implements`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .box import ROWS, unsupported
from .errors import OperandError


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what NumPy functions do on boxes (a decorator)."""

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            ROWS[function] = implementation
        return implementation

    return register


@functools.cache
def signature(function: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Parameter names of a NumPy function, in order, and the defaults of those that have one."""
    parameters = inspect.signature(function).parameters.values()
    names = tuple(each.name for each in parameters)
    return names, {each.name: each.default for each in parameters if each.default is not each.empty}


def bind(p: Any, function: Any, operands: int, honoured: frozenset[str]) -> Callable[..., Any]:
    """A call of `function` as one of ``p(*operands, **params)``; `p` is a row, or a program.

    A keyword that is given and not at its default must be one that the rules take as well.

    Raises
    ------
    UnsupportedError
        If a keyword is given that the rules do not take.
    OperandError
        If the call would not be one of NumPy's function either.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == operands and not kwargs:
            return p(*args)
        names, defaults = signature(function)
        given = dict(zip(names, args, strict=False))
        twice = given.keys() & kwargs.keys()
        given |= kwargs
        if len(args) > len(names) or twice or not given.keys() <= set(names):
            raise OperandError(f"np.{function.__name__} takes ({', '.join(names)})")
        try:
            xs = [given.pop(name) for name in names[:operands]]
        except KeyError as missing:
            raise OperandError(f"np.{function.__name__} needs its argument {missing}") from None
        params = {
            name: value
            for name, value in given.items()
            if value is not defaults.get(name) and not _same_text(value, defaults.get(name))
        }
        if not params.keys() <= honoured:
            raise unsupported(function, kwargs=sorted(params.keys() - honoured))
        return p(*xs, **params)

    return call


def _same_text(value: Any, default: Any) -> bool:
    return isinstance(value, str) and value == default
