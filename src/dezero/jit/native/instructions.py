"""The table of instructions: what each elementwise row is in registers.

``INSTRUCTIONS[title](lanes, dtype, *operands)`` writes it for operands that have been converted to
the dtypes of NumPy's loop (`loop_of`), of which `dtype` is the first; it gives the result's name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...rows import TABLE
from . import vectors
from .kinds import BOOL, Dtype, handles, kind_of
from .lanes import Lanes

Instruction = Callable[..., str]


def only(kinds: str) -> Callable[[Instruction], Instruction]:
    """Mark an instruction that is for some kinds of dtypes alone."""

    def marked(f: Instruction) -> Instruction:
        f.kinds = kinds  # type: ignore[attr-defined]  # `fits` asks for it
        return f

    return marked


# ---- arithmetic ----


def by_kind(floats: str, signed: str, unsigned: str = "", bits: str = "") -> Instruction:
    """One instruction of LLVM's for each kind of number."""
    names = {"f": floats, "i": signed, "u": unsigned or signed, "b": bits}

    @only("".join(key for key, name in names.items() if name))
    def instruction(lanes: Lanes, dtype: Dtype, *operands: str) -> str:
        return lanes.two(names[dtype.kind], kind_of(dtype), *operands)

    return instruction


def comparison(floats: str, signed: str, unsigned: str = "") -> Instruction:
    """A comparison."""
    names = {"f": f"fcmp {floats}", "i": f"icmp {signed}"}
    names["u"] = names["b"] = f"icmp {unsigned or signed}"

    def instruction(lanes: Lanes, dtype: Dtype, x: str, y: str) -> str:
        return lanes.asm(f"{names[dtype.kind]} {lanes.type(dtype)} {x}, {y}")

    return instruction


def intrinsic(name: str) -> Instruction:
    """One of LLVM's functions, of floating-point numbers."""

    @only("f")
    def instruction(lanes: Lanes, dtype: Dtype, *operands: str) -> str:
        return lanes.intrinsic(name, kind_of(dtype), *operands)

    return instruction


def same(_lanes: Lanes, _dtype: Dtype, x: str) -> str:
    """The number itself."""
    return x


@only("fiu")
def negative(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """``-x``."""
    if dtype.kind == "f":
        return lanes.asm(f"fneg {lanes.type(dtype)} {x}")
    return lanes.two("sub", kind_of(dtype), lanes.constant(0, dtype), x)


@only("fiu")
def square(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """``x * x``."""
    return INSTRUCTIONS["multiply"](lanes, dtype, x, x)


@only("f")
def reciprocal(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """``1 / x``."""
    return lanes.two("fdiv", kind_of(dtype), lanes.constant(1, dtype), x)


@only("fiu")
def absolute(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """The size."""
    if dtype.kind == "f":
        return lanes.intrinsic("llvm.fabs", kind_of(dtype), x)
    if dtype.kind == "u":
        return x
    below = comparison("", "slt")(lanes, dtype, x, lanes.constant(0, dtype))
    return lanes.select(below, kind_of(dtype), negative(lanes, dtype, x), x)


def scaled(factor: float) -> Instruction:
    """A multiple."""

    @only("f")
    def instruction(lanes: Lanes, dtype: Dtype, x: str) -> str:
        return lanes.two("fmul", kind_of(dtype), x, lanes.constant(factor, dtype))

    return instruction


@only("fiu")
def sign(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """-1, 0 or 1; NaN of NaN."""
    zero, kind = lanes.constant(0, dtype), kind_of(dtype)
    above = comparison("ogt", "sgt", "ugt")(lanes, dtype, x, zero)
    below = comparison("olt", "slt", "ult")(lanes, dtype, x, zero)
    least = lanes.constant(0 if dtype.kind == "u" else -1, dtype)
    rest = x if dtype.kind == "f" else zero  # NaN is its own sign
    if dtype.kind == "f":
        rest = lanes.select(is_nan(lanes, dtype, x), kind, x, zero)
    found = lanes.select(below, kind, least, rest)
    return lanes.select(above, kind, lanes.constant(1, dtype), found)


# ---- comparisons and truth ----


def is_nan(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """Whether it is no number."""
    if dtype.kind != "f":
        return lanes.constant(False, BOOL)
    return lanes.asm(f"fcmp uno {lanes.type(dtype)} {x}, {x}")


def against_infinity(floats: str, otherwise: bool) -> Instruction:
    """A comparison of the size with infinity."""

    def instruction(lanes: Lanes, dtype: Dtype, x: str) -> str:
        if dtype.kind != "f":
            return lanes.constant(otherwise, BOOL)
        size = lanes.intrinsic("llvm.fabs", kind_of(dtype), x)
        return comparison(floats, "")(lanes, dtype, size, lanes.constant(np.inf, dtype))

    return instruction


@only("f")
def signbit(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """Whether the sign is that of negative numbers."""
    whole = np.dtype(f"i{dtype.itemsize}")
    bits = lanes.asm(f"bitcast {lanes.type(dtype)} {x} to {lanes.type(whole)}")
    return comparison("", "slt")(lanes, whole, bits, lanes.constant(0, whole))


def logical(word: str) -> Instruction:
    """An operation on truth values."""

    def instruction(lanes: Lanes, dtype: Dtype, *operands: str) -> str:
        bits = (lanes.convert(x, dtype, BOOL) for x in operands)
        return lanes.two(word, "i1", *bits)

    return instruction


def logical_not(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """Whether it is zero."""
    bits = lanes.convert(x, dtype, BOOL)
    return lanes.two("xor", "i1", bits, lanes.constant(True, BOOL))


def invert(lanes: Lanes, dtype: Dtype, x: str) -> str:
    """All bits turned."""
    ones = True if dtype.kind == "b" else np.array(0, dtype) - np.array(1, dtype)
    return lanes.two("xor", kind_of(dtype), x, lanes.constant(ones, dtype))


# ---- choices ----


def extreme(floats: str, signed: str, unsigned: str, skips_nan: bool = False) -> Instruction:
    """The greater or the smaller one; the first of equals."""

    def instruction(lanes: Lanes, dtype: Dtype, x: str, y: str) -> str:
        first = comparison(floats, signed, unsigned)(lanes, dtype, x, y)
        if dtype.kind == "f":
            first = lanes.two("or", "i1", first, is_nan(lanes, dtype, y if skips_nan else x))
        return lanes.select(first, kind_of(dtype), x, y)

    return instruction


maximum, minimum = extreme("oge", "sge", "uge"), extreme("ole", "sle", "ule")


def where(lanes: Lanes, dtype: Dtype, bits: str, yes: str, no: str) -> str:
    """One or the other."""
    return lanes.select(bits, kind_of(dtype), yes, no)


def clip(lanes: Lanes, dtype: Dtype, x: str, low: str, high: str) -> str:
    """The number within bounds; of bounds the wrong way round, the upper."""
    return minimum(lanes, dtype, maximum(lanes, dtype, x, low), high)


INSTRUCTIONS: dict[str, Instruction] = {
    "add": by_kind("fadd", "add", bits="or"),
    "subtract": by_kind("fsub", "sub"),
    "multiply": by_kind("fmul", "mul", bits="and"),
    "divide": by_kind("fdiv", ""),
    "negative": negative,
    "positive": same,
    "reciprocal": reciprocal,
    "square": square,
    "sqrt": intrinsic("llvm.sqrt"),
    "absolute": absolute,
    "fabs": absolute,
    "conjugate": same,
    "copysign": intrinsic("llvm.copysign"),
    "sign": sign,
    "deg2rad": scaled(np.pi / 180),
    "radians": scaled(np.pi / 180),
    "rad2deg": scaled(180 / np.pi),
    "degrees": scaled(180 / np.pi),
    "floor": intrinsic("llvm.floor"),
    "ceil": intrinsic("llvm.ceil"),
    "trunc": intrinsic("llvm.trunc"),
    "rint": intrinsic("llvm.rint"),
    "maximum": maximum,
    "minimum": minimum,
    "fmax": extreme("oge", "sge", "uge", skips_nan=True),
    "fmin": extreme("ole", "sle", "ule", skips_nan=True),
    "where": where,
    "clip": clip,
    "equal": comparison("oeq", "eq"),
    "not_equal": comparison("une", "ne"),
    "less": comparison("olt", "slt", "ult"),
    "less_equal": comparison("ole", "sle", "ule"),
    "greater": comparison("ogt", "sgt", "ugt"),
    "greater_equal": comparison("oge", "sge", "uge"),
    "logical_and": logical("and"),
    "logical_or": logical("or"),
    "logical_xor": logical("xor"),
    "logical_not": logical_not,
    "bitwise_and": by_kind("", "and", bits="and"),
    "bitwise_or": by_kind("", "or", bits="or"),
    "bitwise_xor": by_kind("", "xor", bits="xor"),
    "invert": invert,
    "isnan": is_nan,
    "isfinite": against_infinity("olt", True),
    "isinf": against_infinity("oeq", False),
    "signbit": signbit,
}


def instruction(title: str) -> Instruction:
    """What a row is in registers: of this table, or a function of `vectors`."""
    return INSTRUCTIONS.get(title) or functools.partial(mathematics, title)


def mathematics(title: str, lanes: Lanes, dtype: Dtype, *operands: str) -> str:
    """An elementary function."""
    return vectors.apply(lanes.asm, title, kind_of(dtype), lanes.width, *operands)


def elementary(title: str) -> bool:
    """Whether a row takes many instructions."""
    return title not in INSTRUCTIONS


def loop_of(title: str, dtypes: list[Any], result: Dtype) -> list[Dtype] | None:
    """The dtypes in which NumPy would compute, for operands and result; None if it is not known.

    Parameters
    ----------
    dtypes : list
        Of the operands; ``int``, ``float`` or ``bool`` for Python's numbers.
    """
    if title == "where":
        return [BOOL, result, result, result]
    if title in ("clip", "sinc"):
        return [result] * (len(dtypes) + 1)
    ufunc: Any = np.power if title == "power" else TABLE[title].fn  # the row has Python's operator
    try:
        found = ufunc.resolve_dtypes((*dtypes, None))
    except (TypeError, AttributeError):
        return None
    return list(found)


def fits(title: str, loop: list[Dtype] | None, result: Dtype) -> bool:
    """Whether the table has an elementwise row for these dtypes."""
    if loop is None or loop[-1] != result or not all(map(handles, loop)):
        return False
    first, *rest = loop[1:-1] if title == "where" else loop[:-1]
    if any(dtype != first for dtype in rest):  # NumPy compares whole numbers of two kinds
        return False
    if title not in INSTRUCTIONS:
        signed = first.kind in "fi" and first == result
        return signed and vectors.known(title, kind_of(first), len(loop) - 1)
    return first.kind in getattr(INSTRUCTIONS[title], "kinds", "fiub")
