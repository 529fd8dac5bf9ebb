"""Rows of linear algebra in kernels: which can be there, what memory they need, and their code.

Small matrices are dealt with in the kernel itself (`tiles.py`, `elimination.py`), larger ones by
BLAS and LAPACK. Where a matrix is singular, or not positive definite, the kernel is given up, and
NumPy says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import fortran
from .arrays import Array
from .assembly import Assembly
from .determinants import determinant, sign_and_log
from .elimination import Rows, scratch
from .lanes import Lanes
from .plans import plan
from .products import LETTERS, Product, product
from .tiles import steps, write

LARGE = 512**3
"""Multiplications from which on the product of two matrices is left to BLAS."""

SMALL = 48
"""Rows of a matrix up to which it is factored in the kernel."""

FLOATS = (np.dtype("f8"), np.dtype("f4"))


@dataclass(frozen=True)
class Call:
    """A row called on arrays, with its results.

    When only their kinds are known yet, pointers are empty.
    """

    title: str
    operands: tuple[Array, ...]
    results: tuple[Array, ...]
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Rows of the matrices."""
        return self.operands[0].shape[-1]

    @property
    def small(self) -> bool:
        return self.n <= SMALL


@dataclass(frozen=True)
class Dense:
    """What a row is as code.

    Attributes
    ----------
    misfit : callable
        ``misfit(call)`` says why it cannot be in a kernel; an empty word if it can.
    scratch : callable
        ``scratch(call)`` is how many bytes of workspace it needs.
    emit : callable
        ``emit(asm, call, workspace, give_up)`` writes the code, with the address of the workspace,
        on a boundary of 64 bytes, and the block to go to if it fails for these numbers.
    """

    misfit: Callable[[Call], str]
    scratch: Callable[[Call], int]
    emit: Callable[[Assembly, Call, str, str], None]


def misfit(call: Call) -> str:
    """Why a call cannot be in a kernel; an empty word if it can."""
    if call.title not in DENSE:
        return "no linear algebra"
    arrays = (*call.operands, *call.results)
    dtype = arrays[0].dtype
    if any(x.dtype != dtype for x in arrays):
        return "arrays of several dtypes"
    if dtype not in FLOATS and not (call.title in LETTERS and dtype.kind in "iu"):
        return f"{dtype} is not float64 or float32"
    if not all(x.compact for x in call.results):
        return "a result that is not in order"
    return DENSE[call.title].misfit(call)


# ---- products ----


def product_of(call: Call) -> Product:
    """The axes of a product."""
    return product(
        LETTERS[call.title](*call.operands, **call.params), *call.operands, *call.results
    )


def by_blas(p: Product) -> bool:
    """Whether BLAS is to multiply."""
    return large(p) and fortran.available("gemm", p.c.kind)


def large(p: Product) -> bool:
    """Whether it is one that BLAS is good for."""
    work = p.r.size * p.v.size * p.k.size
    return work >= LARGE and p.c.dtype in FLOATS and fortran.is_matrix_product(p)


def product_misfit(call: Call) -> str:
    """It can be in a kernel, unless it is so large that only BLAS is good for it."""
    if len(call.operands) != 2:
        return "a sum of one operand"
    p = product_of(call)
    if large(p) and not by_blas(p):
        return "large matrices, and no BLAS that code can call (SciPy is not installed)"
    return ""


def product_scratch(call: Call) -> int:
    """A panel of an operand."""
    p = product_of(call)
    return 0 if by_blas(p) or not p.c.size else plan(p).scratch(p)


def product_code(asm: Assembly, call: Call, workspace: str, _give_up: str) -> None:
    """By tiles, or by BLAS."""
    p = product_of(call)
    if not p.c.size:
        return
    if by_blas(p):
        fortran.gemm(asm, p)
    else:
        write(asm, p, plan(p), workspace)


# ---- stacks of matrices ----


@contextlib.contextmanager
def members(asm: Assembly, *arrays: tuple[Array, int]) -> Iterator[list[Array]]:
    """Loops over the members of stacks, which are broadcast; each array with its axes in one."""
    found = [x for x, _ in arrays]
    with contextlib.ExitStack() as stack:
        for back in range(max(x.ndim - core for x, core in arrays), 0, -1):
            size = max((x.shape[-core - back] for x, core in arrays if x.ndim >= core + back))
            i = stack.enter_context(steps(asm, size))
            for k, (x, core) in enumerate(arrays):
                if x.ndim >= core + back and x.shape[-core - back] != 1:
                    found[k] = found[k].at(asm, (i, x.strides[-core - back]))
        cores = [core for _, core in arrays]
        pairs = zip(found, cores, strict=True)
        yield [x.axes(range(x.ndim - core, x.ndim)) for x, core in pairs]


def matrix_misfit(call: Call) -> str:
    """Small ones are factored in the kernel, others by LAPACK."""
    if any(x.size == 0 for x in call.operands):
        return "an empty matrix"
    function = LAPACK[call.title]
    if not call.small and not fortran.available(function, call.operands[0].kind):
        return f"more than {SMALL} rows, and no LAPACK that code can call (SciPy is not installed)"
    return ""


def copied(asm: Assembly, x: Array, to: Array) -> None:
    """Copy a matrix."""
    with steps(asm, x.shape[0]) as i, steps(asm, x.shape[1]) as j:
        value = asm(f"load {x.kind}, ptr {element(asm, x, i, j)}")
        asm.do(f"store {x.kind} {value}, ptr {element(asm, to, i, j)}")


def element(asm: Assembly, x: Array, *index: str | int) -> str:
    """Where an element is."""
    return x.at(asm, *zip(index, x.strides, strict=True)).pointer


def by_column(pointer: str, rows: int, columns: int, like: Array) -> Array:
    """A matrix as Fortran has it."""
    return Array(pointer, (rows, columns), (1, rows), like.dtype)


def ok(asm: Assembly, info: str, give_up: str) -> None:
    """Give up unless LAPACK has succeeded."""
    asm.unless(asm(f"icmp eq i32 {asm.get('i32', info)}, 0"), give_up)


# ---- equations ----


def right_sides(call: Call) -> int:
    """How many right-hand sides each matrix has."""
    if call.title == "inv":
        return call.n
    b = call.operands[1]
    return 1 if b.ndim == 1 else b.shape[-1]


def solve_scratch(call: Call) -> int:
    """The matrix and the right-hand sides."""
    a, k = call.operands[0], right_sides(call)
    if call.small:
        return scratch(call.n, k, a)
    return (call.n + k) * call.n * a.dtype.itemsize + 4 * call.n


def solve_code(asm: Assembly, call: Call, workspace: str, give_up: str) -> None:
    """`solve`, and `inv` as the solution for the unit matrix."""
    n, k = call.n, right_sides(call)
    core = 1 if call.title == "solve" and call.operands[1].ndim == 1 else 2
    cores = ((call.operands[0], 2), *((x, core) for x in (*call.operands[1:], *call.results)))
    solution = solve_in_kernel if call.small else solve_by_lapack
    with members(asm, *cores) as (a, *b, x):
        columns = [each if each.ndim == 2 else as_column(each) for each in (*b, x)]
        solution(asm, a, columns[0] if b else None, columns[-1], (n, k), workspace, give_up)


def as_column(x: Array) -> Array:
    """A vector as a matrix."""
    return Array(x.pointer, (*x.shape, 1), (*x.strides, 0), x.dtype)


def unit(asm: Assembly, x: Array) -> None:
    """Make a matrix the unit matrix."""
    zero, one = (Lanes(asm, 1).constant(number, x.dtype) for number in (0, 1))
    with asm.loop(0, x.shape[0]) as i, asm.loop(0, x.shape[1]) as j:
        same = asm(f"icmp eq i64 {i}, {j}")
        value = asm(f"select i1 {same}, {x.kind} {one}, {x.kind} {zero}")
        asm.do(f"store {x.kind} {value}, ptr {element(asm, x, i, j)}")


def solve_in_kernel(
    asm: Assembly, a: Array, b: Array | None, x: Array, size: tuple[int, int], *rest: str
) -> None:
    """By elimination; without `b`, the inverse."""
    (n, k), (workspace, give_up) = size, rest
    rows = Rows.new(asm, workspace, n, k, a)
    right = rows.right
    copied(asm, a, rows.left)
    if b is None:
        unit(asm, right)
    else:
        copied(asm, b, right)
    rows.eliminate(lambda pivot: rows.insist(pivot, give_up))
    rows.substitute()
    copied(asm, right, x)


def solve_by_lapack(
    asm: Assembly, a: Array, b: Array | None, x: Array, size: tuple[int, int], *rest: str
) -> None:
    """The same by ``gesv``."""
    (n, k), (workspace, give_up) = size, rest
    left = by_column(workspace, n, n, a)
    right = by_column(left.at(asm, (n, n)).pointer, n, k, a)
    pivots = right.at(asm, (n, k)).pointer
    copied(asm, a, left)
    if b is None:
        unit(asm, right)
    else:
        copied(asm, b, right)
    info = asm.variable("i32", "0")
    fortran.call(asm, "gesv", a.kind, n, k, left.pointer, n, pivots, right.pointer, n, info)
    ok(asm, info, give_up)
    copied(asm, right, x)


# ---- determinants ----


def det_scratch(call: Call) -> int:
    """The matrix, and what was exchanged."""
    a = call.operands[0]
    if call.small:
        return scratch(call.n, 0, a)
    return call.n**2 * a.dtype.itemsize + 4 * call.n


def det_code(asm: Assembly, call: Call, workspace: str, _give_up: str) -> None:
    """`det` and `slogdet`."""
    cores = ((call.operands[0], 2), *((x, 0) for x in call.results))
    factors = factors_in_kernel if call.small else factors_by_lapack
    finish = determinant if call.title == "det" else sign_and_log
    with members(asm, *cores) as (a, *outs):
        diagonal, odd, singular = factors(asm, a, workspace)
        for value, out in zip(finish(asm, diagonal, odd, singular), outs, strict=True):
            asm.do(f"store {out.kind} {value}, ptr {out.pointer}")


def factors_in_kernel(asm: Assembly, a: Array, workspace: str) -> tuple[Array, str, str]:
    """The diagonal of U, whether the number of exchanges is odd, and whether a pivot was 0."""
    rows = Rows.new(asm, workspace, a.shape[0], 0, a)
    copied(asm, a, rows.left)
    place = asm.variable("i1", "false")

    def note(pivot: str) -> None:
        zero = asm(f"fcmp oeq {a.kind} {pivot}, {Lanes(asm, 1).constant(0, a.dtype)}")
        asm.set("i1", place, asm(f"or i1 {asm.get('i1', place)}, {zero}"))

    exchanges = asm.get("i64", rows.eliminate(note))
    return rows.left.diagonal, asm(f"trunc i64 {exchanges} to i1"), asm.get("i1", place)


def factors_by_lapack(asm: Assembly, a: Array, workspace: str) -> tuple[Array, str, str]:
    """The same by ``getrf``."""
    n = a.shape[0]
    left = by_column(workspace, n, n, a)
    pivots, info = left.at(asm, (n, n)).pointer, asm.variable("i32", "0")
    copied(asm, a, left)
    fortran.call(asm, "getrf", a.kind, n, n, left.pointer, n, pivots, info)
    odd = asm.variable("i1", "false")
    with asm.loop(0, n) as i:
        other = asm(f"load i32, ptr {asm(f'getelementptr i32, ptr {pivots}, i64 {i}')}")
        here = asm(f"trunc i64 {asm(f'add i64 {i}, 1')} to i32")
        moved = asm(f"icmp ne i32 {other}, {here}")
        asm.set("i1", odd, asm(f"xor i1 {asm.get('i1', odd)}, {moved}"))
    singular = asm(f"icmp ne i32 {asm.get('i32', info)}, 0")
    return left.diagonal, asm.get("i1", odd), singular


# ---- Cholesky ----


def cholesky_scratch(call: Call) -> int:
    """The matrix, if LAPACK does not factor it where it is."""
    return scratch(call.n, 0, call.operands[0]) if call.small else 0


def cholesky_code(asm: Assembly, call: Call, workspace: str, give_up: str) -> None:
    """The lower factor, or the upper one, from the same triangle."""
    upper = call.params.get("upper", False)
    with members(asm, (call.operands[0], 2), (call.results[0], 2)) as (a, x):
        n = a.shape[0]
        if call.small:
            rows = Rows.new(asm, workspace, n, 0, a)
            copied(asm, a if upper else a.axes((1, 0)), rows.left)
            rows.factor(give_up)
            copied(asm, rows.left, x if upper else x.axes((1, 0)))
        else:
            copied(asm, a, x)
            info = asm.variable("i32", "0")
            fortran.call(asm, "potrf", a.kind, "UL"[upper], n, x.pointer, n, info)
            ok(asm, info, give_up)
        clear(asm, x if upper else x.axes((1, 0)))


def clear(asm: Assembly, x: Array) -> None:
    """Zeros below the diagonal."""
    zero = Lanes(asm, 1).constant(0, x.dtype)
    with asm.loop(1, x.shape[0]) as i, asm.loop(0, i) as j:
        asm.do(f"store {x.kind} {zero}, ptr {element(asm, x, i, j)}")


LAPACK = {"solve": "gesv", "inv": "gesv", "det": "getrf", "slogdet": "getrf", "cholesky": "potrf"}
"""The functions for large matrices."""

DENSE: dict[str, Dense] = {
    **dict.fromkeys(LETTERS, Dense(product_misfit, product_scratch, product_code)),
    **dict.fromkeys(("solve", "inv"), Dense(matrix_misfit, solve_scratch, solve_code)),
    **dict.fromkeys(("det", "slogdet"), Dense(matrix_misfit, det_scratch, det_code)),
    "cholesky": Dense(matrix_misfit, cholesky_scratch, cholesky_code),
}
"""By the titles of rows."""
