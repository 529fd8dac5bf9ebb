"""Calls of BLAS and LAPACK: the functions that SciPy publishes for compiled callers.

Arguments are passed by their addresses, whole numbers have 32 bits, and matrices are written
column by column.
"""

from __future__ import annotations

import contextlib

from . import runtime
from .assembly import Assembly
from .products import Product
from .tiles import inside, zeroed

MODULES = {"gemm": "scipy.linalg.cython_blas"}

LARGEST = 2**31 - 1


def name_of(function: str, kind: str) -> str:
    """The full name of a function for doubles or floats."""
    module = MODULES.get(function, "scipy.linalg.cython_lapack")
    return f"{module}.{'d' if kind == 'double' else 's'}{function}"


def available(function: str, kind: str) -> bool:
    """Whether there is such a function."""
    return runtime.find(name_of(function, kind)) is not None


def call(asm: Assembly, function: str, kind: str, *arguments: str | int | float) -> None:
    """Call a function; numbers are put where their addresses can be given.

    Of the arguments, addresses are names that begin with ``%``, and other words are letters.
    """
    places = []
    for x in arguments:
        if isinstance(x, int):
            places.append(asm.variable("i32", str(x)))
        elif isinstance(x, float):
            places.append(asm.variable(kind, f"{x:e}"))
        else:
            places.append(x if x.startswith("%") else asm.variable("i8", str(ord(x))))
    asm.call("void", f"@{name_of(function, kind)}", *(f"ptr {each}" for each in places))


# ---- products ----


def leading(one: int, other: int, size: int) -> bool:
    """Whether strides are those of a matrix with columns, or rows, of some size."""
    return one == 1 and size <= other <= LARGEST


def is_matrix_product(p: Product) -> bool:
    """Whether each of the arrays is a matrix as Fortran has it, or the transpose of one."""
    v, r, k = p.v, p.r, p.k
    return (
        max(v.size, r.size, k.size) <= LARGEST
        and (v.a, r.b) == (0, 0)
        and leading(v.c, r.c, v.size)
        and (leading(v.b, k.b, v.size) or leading(k.b, v.b, k.size))
        and (leading(k.a, r.a, k.size) or leading(r.a, k.a, r.size))
    )


def gemm(asm: Assembly, p: Product) -> None:
    """The product; of matrices written row by row, BLAS sees the transposes."""
    v, r, k = p.v, p.r, p.k
    by_row, by_column = v.b == 1, k.a == 1
    if p.sums_outside:
        zeroed(asm, p.c)
    with contextlib.ExitStack() as stack:
        p = inside(asm, p, stack)
        call(
            asm, "gemm", p.c.kind, "NT"[not by_row], "NT"[not by_column], v.size, r.size, k.size,
            1.0, p.b.pointer, k.b if by_row else v.b, p.a.pointer, r.a if by_column else k.a,
            float(p.sums_outside), p.c.pointer, r.c,
        )  # fmt: skip
