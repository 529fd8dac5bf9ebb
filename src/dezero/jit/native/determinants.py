"""Determinants from the diagonal of a triangular factor."""

from __future__ import annotations

from .arrays import Array
from .assembly import Assembly
from .lanes import Lanes

SAFE = {"double": 1e280, "float": 1e30}
"""Products that are smaller than this, and larger than its inverse, have lost nothing."""


def by_libm(asm: Assembly, kind: str, name: str, x: str) -> str:
    """``log`` or ``exp``, as the C library has it."""
    return asm.call(kind, f"@{name}{'' if kind == 'double' else 'f'}", f"{kind} {x}")


def sign_and_log(asm: Assembly, diagonal: Array, odd: str, singular: str) -> list[str]:
    """The sign of a determinant, and the logarithm of its size.

    Parameters
    ----------
    odd : str
        Whether the sign is changed by an odd number of exchanges.
    singular : str
        Whether the matrix is singular.
    """
    kind, one = diagonal.kind, Lanes(asm, 1)
    zero, unit, minus, infinite = (
        one.constant(x, diagonal.dtype) for x in (0.0, 1.0, -1.0, float("-inf"))
    )
    negative, total = asm.variable("i1", odd), asm.variable(kind, zero)
    with asm.loop(0, diagonal.shape[0]) as i:
        u = asm(f"load {kind}, ptr {diagonal.at(asm, (i, diagonal.strides[0])).pointer}")
        below = asm(f"fcmp olt {kind} {u}, {zero}")
        asm.set("i1", negative, asm(f"xor i1 {asm.get('i1', negative)}, {below}"))
        size = by_libm(asm, kind, "log", one.intrinsic("llvm.fabs", kind, u))
        asm.set(kind, total, asm(f"fadd {kind} {asm.get(kind, total)}, {size}"))
    sign = one.select(asm.get("i1", negative), kind, minus, unit)
    return [
        one.select(singular, kind, zero, sign),
        one.select(singular, kind, infinite, asm.get(kind, total)),
    ]


def determinant(asm: Assembly, diagonal: Array, odd: str, singular: str) -> list[str]:
    """The product of the diagonal; by logarithms where it could overflow on the way."""
    kind, one = diagonal.kind, Lanes(asm, 1)
    numbers = 0.0, 1.0, -1.0, SAFE[kind], 1 / SAFE[kind]
    zero, unit, minus, most, least = (one.constant(x, diagonal.dtype) for x in numbers)
    unsafe = asm.variable("i1", "false")
    total = asm.variable(kind, one.select(odd, kind, minus, unit))
    with asm.loop(0, diagonal.shape[0]) as i:
        u = asm(f"load {kind}, ptr {diagonal.at(asm, (i, diagonal.strides[0])).pointer}")
        product = asm(f"fmul {kind} {asm.get(kind, total)}, {u}")
        asm.set(kind, total, product)
        size = one.intrinsic("llvm.fabs", kind, product)
        for test, limit in (("ule", least), ("uge", most)):
            outside = asm(f"fcmp {test} {kind} {size}, {limit}")
            asm.set("i1", unsafe, asm(f"or i1 {asm.get('i1', unsafe)}, {outside}"))
    with asm.when(asm.get("i1", unsafe)):
        sign, log = sign_and_log(asm, diagonal, odd, singular)
        size = by_libm(asm, kind, "exp", log)
        asm.set(kind, total, asm(f"fmul {kind} {sign}, {size}"))
    return [one.select(singular, kind, zero, asm.get(kind, total))]
