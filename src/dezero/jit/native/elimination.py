"""Linear equations, determinants and Cholesky's factors of small matrices, in the kernel itself.

Gaussian elimination with partial pivoting, row by row, on a copy in the workspace: rows of vectors,
first those of the matrix and then those of the right-hand sides (Golub & Van Loan 2013, "Matrix
computations", 3.2, 3.4 and 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import runtime
from .arrays import Array
from .assembly import Assembly
from .lanes import Lanes


@dataclass(frozen=True)
class Rows:
    """A square matrix of n rows, and to the right of it a few more columns.

    Attributes
    ----------
    array : Array
        Of shape (n, all columns), in the workspace.
    n : int
    lanes : Lanes
    """

    array: Array
    n: int
    lanes: Lanes

    @classmethod
    def new(cls, asm: Assembly, workspace: str, n: int, more: int, like: Array) -> Rows:
        """One in the workspace, with nothing in it."""
        width, stride = layout(n, more, like)
        array = Array(workspace, (n, n + more), (stride, 1), like.dtype)
        return cls(array, n, Lanes(asm, width))

    @property
    def asm(self) -> Assembly:
        return self.lanes.asm

    @property
    def kind(self) -> str:
        return self.array.kind

    # ---- numbers and rows ----

    def place(self, i: str | int, j: str | int) -> str:
        """Where a number is."""
        return self.array.at(self.asm, (i, self.array.strides[0]), (j, 1)).pointer

    def number(self, i: str | int, j: str | int) -> str:
        return self.asm(f"load {self.kind}, ptr {self.place(i, j)}")

    def vectors(self, i: str | int, start: int = 0) -> list[str]:
        """Where the vectors of a row are."""
        columns = range(start, self.array.shape[1], self.lanes.width)
        return [self.place(i, j) for j in columns]

    def load(self, place: str) -> str:
        return self.lanes.load(place, 1, self.array.dtype)

    def store(self, x: str, place: str) -> None:
        self.lanes.store(x, place, 1, self.array.dtype)

    def subtract(self, i: str, factor: str, k: str, start: int = 0) -> None:
        """Subtract from a row another one times a number."""
        of = self.lanes.of(self.kind)
        less = self.asm(f"fneg {of} {self.lanes.splat(factor, self.kind)}")
        for to, by in zip(self.vectors(i, start), self.vectors(k, start), strict=True):
            x = self.lanes.intrinsic("llvm.fma", self.kind, less, self.load(by), self.load(to))
            self.store(x, to)

    def scale(self, instruction: str, k: str, factor: str, start: int = 0) -> None:
        """Multiply a row by a number, or divide it."""
        factor = self.lanes.splat(factor, self.kind)
        for place in self.vectors(k, start):
            self.store(self.lanes.two(instruction, self.kind, self.load(place), factor), place)

    def exchange(self, i: str, k: str) -> None:
        for here, there in zip(self.vectors(i), self.vectors(k), strict=True):
            x, y = self.load(here), self.load(there)
            self.store(y, here)
            self.store(x, there)

    @property
    def left(self) -> Array:
        """The matrix."""
        return replace(self.array, shape=(self.n, self.n))

    @property
    def right(self) -> Array:
        """The columns to the right of it."""
        shape = self.n, self.array.shape[1] - self.n
        return replace(self.array.at(self.asm, (self.n, 1)), shape=shape)

    # ---- elimination ----

    def eliminate(self, check: Callable[[str], None]) -> str:
        """Make the matrix an upper triangle; the place of how often rows were exchanged.

        `check` writes what is to be done about the size of each pivot.
        """
        asm, kind = self.asm, self.kind
        exchanges = asm.variable("i64", "0")
        with asm.loop(0, self.n) as k:
            row, size = self.pivot(k)
            check(size)
            with asm.when(asm(f"icmp ne i64 {row}, {k}")):
                self.exchange(row, k)
                asm.set("i64", exchanges, asm(f"add i64 {asm.get('i64', exchanges)}, 1"))
            pivot = self.number(k, k)
            with asm.loop(asm(f"add i64 {k}, 1"), self.n) as i:
                self.subtract(i, asm(f"fdiv {kind} {self.number(i, k)}, {pivot}"), k)
        return exchanges

    def insist(self, x: str, give_up: str) -> None:
        """Give up unless a number is above 0; so if it is NaN."""
        zero = Lanes(self.asm, 1).constant(0, self.array.dtype)
        self.asm.unless(self.asm(f"fcmp ogt {self.kind} {x}, {zero}"), give_up)

    def pivot(self, k: str) -> tuple[str, str]:
        """The first row, from row k on, with the largest number in column k; and its size."""
        asm, kind, one = self.asm, self.kind, Lanes(self.asm, 1)
        row = asm.variable("i64", k)
        size = asm.variable(kind, one.intrinsic("llvm.fabs", kind, self.number(k, k)))
        with asm.loop(asm(f"add i64 {k}, 1"), self.n) as i:
            x = one.intrinsic("llvm.fabs", kind, self.number(i, k))
            with asm.when(asm(f"fcmp ogt {kind} {x}, {asm.get(kind, size)}")):
                asm.set("i64", row, i)
                asm.set(kind, size, x)
        return asm.get("i64", row), asm.get(kind, size)

    def substitute(self) -> None:
        """The solutions in the place of the right-hand sides."""
        asm = self.asm
        with asm.loop(0, self.n) as step:
            k = asm(f"sub i64 {self.n - 1}, {step}")
            self.scale("fdiv", k, self.number(k, k), self.n)
            with asm.loop(0, k) as i:
                self.subtract(i, self.number(i, k), k, self.n)

    # ---- Cholesky ----

    def factor(self, give_up: str) -> None:
        """The upper triangle whose square, Uᵀ U, the matrix is; its lower triangle is not read."""
        asm, kind = self.asm, self.kind
        one = Lanes(asm, 1)
        with asm.loop(0, self.n) as k:
            square = self.number(k, k)
            self.insist(square, give_up)
            self.scale("fdiv", k, one.intrinsic("llvm.sqrt", kind, square))
            with asm.loop(asm(f"add i64 {k}, 1"), self.n) as i:
                self.subtract(i, self.number(k, i), k)


def layout(n: int, more: int, like: Array) -> tuple[int, int]:
    """The numbers in a vector, and those from one row to the next."""
    width = min(runtime.vector_bytes() // like.dtype.itemsize, 1 << (n + more - 1).bit_length())
    whole, right = (-(-columns // width) * width for columns in (n + more, more))
    return width, max(whole, n + right)


def scratch(n: int, more: int, like: Array) -> int:
    """Bytes of workspace that `Rows` need."""
    return n * layout(n, more, like)[1] * like.dtype.itemsize
