"""Kinds of numbers, in LLVM's words: types, the same in vectors, constants."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Dtype = np.dtype[Any]

BOOL = np.dtype(bool)

INT = np.dtype(np.int64)
"""Of indices and places."""

KINDS = {"f8": "double", "f4": "float", "b1": "i1"} | {
    f"{sign}{size}": f"i{8 * size}" for sign in "iu" for size in (1, 2, 4, 8)
}
"""LLVM's names of what a register holds, by NumPy's."""

FRACTIONS = {"double": 52, "float": 23}
"""How many binary digits a floating-point number of a kind has after its first."""


def kind_of(dtype: Dtype) -> str:
    """What a register of numbers of a dtype holds."""
    return KINDS[f"{dtype.kind}{dtype.itemsize}"]


def memory_kind(dtype: Dtype) -> str:
    """What a number is in memory, where a truth value has a byte."""
    return "i8" if dtype.kind == "b" else kind_of(dtype)


def handles(dtype: Any) -> bool:
    """Whether registers hold numbers of a dtype."""
    dtype = np.dtype(dtype)
    return f"{dtype.kind}{dtype.itemsize}" in KINDS and dtype.isnative


def bytes_of(kind: str) -> int:
    """The size of a number in memory."""
    return {"double": 8, "float": 4, "i1": 1}.get(kind) or int(kind[1:]) // 8


def typed(kind: str, width: int) -> str:
    """The type of a vector, or of a number if it is one alone."""
    return kind if width == 1 else f"<{width} x {kind}>"


def suffix(kind: str, width: int) -> str:
    """The same as it stands in the names of LLVM's functions."""
    letters = {"double": "f64", "float": "f32"}.get(kind, kind)
    return letters if width == 1 else f"v{width}{letters}"


def each(word: str, kind: str, width: int) -> str:
    """The same constant in each lane."""
    return word if width == 1 else f"splat ({kind} {word})"


def literal(x: Any, kind: str, width: int = 1) -> str:
    """A number, the same in each lane. Floats too are written with the digits of a double."""
    if kind in FRACTIONS:
        number = float(np.float32(x)) if kind == "float" else float(x)
        text = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    elif kind == "i1":
        text = "true" if x else "false"
    else:
        text = str(int(x))
    return each(text, kind, width)


def first_lanes(used: int, width: int) -> str:
    """A mask that has the first lanes of a vector."""
    return f"<{', '.join(f'i1 {str(k < used).lower()}' for k in range(width))}>"
