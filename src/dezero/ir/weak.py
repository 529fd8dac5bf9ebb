"""Python's numbers in a trace: what its operators make of them alone does not widen arrays.

``x * (s * 2)`` is of the dtype of `x` for a number `s`. A graph computes ``s * 2`` as an array,
which would widen single precision, so that it is cast to what NumPy would have taken it for; see
NEP 50.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box

NUMBERS = (bool, int, float, complex)
ZEROS: dict[str, Any] = {"b": False, "i": 0, "u": 0, "f": 0.0, "c": 0j}
"""A number of Python's, by the kind of a dtype."""


def is_weak(x: Any) -> bool:
    """Whether something is a number of Python's, or stands for one."""
    return type(x) in NUMBERS or getattr(getattr(x, "_slot", None), "weak", False)


def operator(name: str) -> Callable[..., Any]:
    """An operator of boxes, that remembers what is made of numbers alone."""
    of_boxes = getattr(Box, name)

    def called(self: Any, *others: Any) -> Any:
        out = of_boxes(self, *others)
        if self._slot.weak and all(map(is_weak, others)) and hasattr(out, "_slot"):
            out._slot.weak = True
        return out

    return called


class Weak(Box):
    """A box whose operators keep apart what is made of numbers alone."""

    __slots__ = ()

    __add__, __radd__ = map(operator, ("__add__", "__radd__"))
    __sub__, __rsub__ = map(operator, ("__sub__", "__rsub__"))
    __mul__, __rmul__ = map(operator, ("__mul__", "__rmul__"))
    __truediv__, __rtruediv__ = map(operator, ("__truediv__", "__rtruediv__"))
    __floordiv__, __rfloordiv__ = map(operator, ("__floordiv__", "__rfloordiv__"))
    __mod__, __rmod__ = map(operator, ("__mod__", "__rmod__"))
    __pow__, __rpow__ = map(operator, ("__pow__", "__rpow__"))
    __neg__, __pos__, __abs__ = map(operator, ("__neg__", "__pos__", "__abs__"))


def narrowed(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an elementwise call, with what stands for numbers in the arrays' dtype."""
    made = [isinstance(x, Weak) and is_weak(x) and type(x._value) not in NUMBERS for x in operands]
    if not any(made):
        return operands
    dtypes = [np.dtype(x.dtype) for x in operands if not is_weak(x)]
    return tuple(
        cast(x, dtypes) if numbers and dtypes else x
        for x, numbers in zip(operands, made, strict=True)
    )


def cast(x: Any, dtypes: list[np.dtype[Any]]) -> Any:
    """A number beside arrays of these dtypes."""
    wanted = np.result_type(*dtypes, ZEROS[x.dtype.kind])
    return x if np.result_type(*dtypes, x.dtype) == wanted else x.astype(wanted)
