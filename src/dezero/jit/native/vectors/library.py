"""Functions of the C library and of SciPy: on vectors where there are such, else one by one."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator

import numpy as np

from .. import runtime
from ..assembly import Assembly
from .operators import Vector, by_parts, call

C_NAMES = {
    **{name: name for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "cbrt", "hypot")},
    **{name: name for name in ("erf", "erfc", "fmod")},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "power": "pow",
}
"""NumPy's and SciPy's names of functions that C's mathematics have, and their names there."""


def letter(kind: str) -> str:
    """At the end of C's names for functions of a kind of number."""
    return "f" if kind == "float" else ""


# ---- vectors ----


def vector_abis(kind: str) -> Iterator[tuple[int, str]]:
    """Widths of the vectors that glibc's libmvec may have functions of, and their prefixes.

    Of the "Vector Function Application Binary Interface" of x86-64 and of AArch64.
    """
    unit = 4 if kind == "float" else 8
    if platform.machine().lower() in ("aarch64", "arm64"):
        yield 16 // unit, f"_ZGVnN{16 // unit}"
        return
    if runtime.has("avx512f"):
        yield 64 // unit, f"_ZGVeN{64 // unit}"
    if runtime.has("avx2"):
        yield 32 // unit, f"_ZGVdN{32 // unit}"
    yield 16 // unit, f"_ZGVbN{16 // unit}"


INEXACT = {("erf", "float")}
"""Functions of libmvec that are at the limit of what errors are allowed."""


def vector_function(title: str, kind: str, width: int, count: int) -> tuple[int, str] | None:
    """How many lanes at a time, and the name, if there is one that fits."""
    if title not in C_NAMES or (title, kind) in INEXACT:
        return None
    for lanes, prefix in vector_abis(kind):
        name = f"{prefix}{'v' * count}_{C_NAMES[title]}{letter(kind)}"
        if width % lanes == 0 and runtime.find(name) is not None:
            return lanes, name
    return None


def vector_call(lanes: int, name: str, *operands: Vector) -> Vector:
    """A call of one of libmvec's functions."""
    convention = "aarch64_vector_pcs " if name.startswith("_ZGVn") else ""

    def one_call(*parts: Vector) -> Vector:
        return call(convention + parts[0].type, f"@{name}", *parts)

    return by_parts(lanes, one_call, *operands)


# ---- one by one ----


@functools.cache
def special(title: str, count: int) -> str | None:
    """The name of one of the functions that SciPy gives to compiled callers.

    Of a function of several kinds of numbers there is one for each, with a name of its own.
    """
    name = title.removeprefix("special.")
    if name == title and hasattr(np, name):  # another function: NumPy's round, i0, …
        return None
    wanted = f"double ({'double, ' * count}int __pyx_skip_dispatch)"
    kinds = ("", "__pyx_fuse_0", "__pyx_fuse_1")
    names = (f"scipy.special.cython_special.{kind}{name}" for kind in kinds)
    return next((each for each in names if runtime.published(each, wanted) is not None), None)


def scalar_function(title: str, kind: str, count: int) -> str | None:
    """The name of a function of single numbers, if there is one."""
    if title in C_NAMES:
        name = C_NAMES[title] + letter(kind)
        return name if runtime.find(name) is not None else None
    return special(title, count)


def missing(title: str, kind: str) -> LookupError:
    """What to raise when there is none."""
    return LookupError(f"no function {title} of {kind} in this process")


def by_lane(title: str, *operands: Vector) -> Vector:
    """A function of single numbers, for each lane."""
    kind = operands[0].kind
    name = scalar_function(title, kind, len(operands))
    if name is None:
        raise missing(title, kind)
    return each(name, "double" if name.startswith("scipy") else kind, *operands)


def each(name: str, kind: str, *operands: Vector) -> Vector:
    """A function of single numbers of a kind, for each lane, as a function of its own."""
    first = operands[0]
    if first.width == 1:
        return one(name, kind, *operands)
    whole = f"@each.{name}.{first.kind}.{first.width}"
    if whole not in first.code.outside:
        define_each(whole, name, kind, operands)
    return call(first.type, whole, *operands)


def define_each(whole: str, name: str, kind: str, operands: tuple[Vector, ...]) -> None:
    """Define it: a loop. It is cold, so that a rare branch to it costs others no registers."""
    first = operands[0]
    arguments = [f"{x.type} %x{i}" for i, x in enumerate(operands)]
    head = f"internal {first.type} {whole}({', '.join(arguments)})"
    code = Assembly(head, "cold noinline nounwind", first.code.outside)
    places = [code.variable(first.type, f"%x{i}") for i in range(len(operands))]
    result = code.variable(first.type, "zeroinitializer")
    with code.loop(0, first.width) as i:
        at = [code(f"getelementptr {first.kind}, ptr {each}, i64 {i}") for each in places]
        lanes = [Vector(code, first.kind, 1, code.get(first.kind, each)) for each in at]
        to = code(f"getelementptr {first.kind}, ptr {result}, i64 {i}")
        code.set(first.kind, to, one(name, kind, *lanes).name)
    code.do(f"ret {first.type} {code.get(first.type, result)}")
    code.need(whole, code.text())


def one(name: str, kind: str, *operands: Vector) -> Vector:
    """A call for one number; SciPy's functions are of double precision."""
    narrow = operands[0].kind == "float" and kind == "double"
    if narrow:
        operands = tuple(x.cast("fpext", "double") for x in operands)
    more = ("i32 0",) if name.startswith("scipy") else ()
    y = call(kind, f'@"{name}"', *operands, more=more)
    return y.cast("fptrunc", "float") if narrow else y
