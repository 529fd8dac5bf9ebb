"""What a row's rules need: read off their signatures, and kept for the way back.

A rule names what it uses, so a row knows what to keep of a call, and what not.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

Rule = Callable[..., Any]

OPERANDS = ("x", "y", "z", "w")


class Spec:
    """Shape and dtype of an array that was not kept."""

    __slots__ = ("dtype", "shape")
    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype

    @classmethod
    def of(cls, x: Any) -> Spec:
        if hasattr(x, "dtype"):
            return cls(x.shape, x.dtype)
        return cls(np.shape(x), np.result_type(x))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        return f"<{self.dtype} of shape {self.shape}, not kept>"


class Needs:
    """What a row's rules name: the order of `saved`, and who needs what."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        codes = [rule.__code__ for rule in rules]
        spelled = [code.co_varnames[1 : code.co_argcount] for code in codes]
        names = {tuple(name.lstrip("_") for name in each) for each in spelled} or {()}
        if len(names) != 1:
            raise TypeError(f"the rules of a row must name the same things, not {names}")
        self.names: tuple[str, ...] = names.pop()
        self.by_rule = [{n for n in each if not n.startswith("_")} for each in spelled]
        self.keywords = frozenset(
            name
            for code in codes
            for name in code.co_varnames[
                code.co_argcount : code.co_argcount + code.co_kwonlyargcount
            ]
        )
        known = ("out", *OPERANDS[: len(rules)])
        if not set(self.names) <= set(known):
            raise TypeError(f"a rule names what it needs by {', '.join(known)}, not {self.names}")
        self.indices = [known.index(n) - 1 for n in self.names]

    def select(self, active: tuple[bool, ...]) -> Callable[..., tuple[Any, ...]] | None:
        """``(out, x, y, …) → saved`` for a pattern of active operands; None if nothing is kept."""
        needed = {n for k, on in enumerate(active) if on for n in self.by_rule[k]}
        if not needed:
            return None
        kept = ", ".join(n if n in needed else "None" for n in self.names)
        arguments = ", ".join(("out", *OPERANDS[: len(active)]))
        return generated(f"lambda {arguments}: ({kept},)", {})

    def back(self, rules: tuple[Rule, ...], active: tuple[bool, ...]) -> Rule:
        """``(t, saved) → cotangents`` for a pattern of active operands, None for the others.

        Generated like `select`; a rule that is the identity costs no call at all.
        """
        needed = "".join(f", s[{k}]" for k in range(len(self.names)))
        same = (lambda t: t).__code__.co_code
        parts = [
            "None" if not on else "t" if rule.__code__.co_code == same else f"r{k}(t{needed})"
            for k, (rule, on) in enumerate(zip(rules, active, strict=True))
        ]
        known = {f"r{k}": rule for k, rule in enumerate(rules)}
        return generated(f"lambda t, s: ({', '.join(parts)},)", known)


@functools.cache
def _compiled(source: str) -> types.CodeType:
    (code,) = compile(source, f"{__file__} <row>", "eval").co_consts[:1]
    return code  # type: ignore[no-any-return]  # of the lambda that the source is


def generated(source: str, known: dict[str, Any]) -> Callable[..., tuple[Any, ...]]:
    """The function that a lambda's source is. Generated, because these run once or twice for each
    recorded operation, and a loop over names would cost more than the operation.
    """
    return types.FunctionType(_compiled(source), known)
