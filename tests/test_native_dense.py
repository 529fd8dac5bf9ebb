"""Matrix products and linear algebra in kernels, against NumPy; and never a byte out of bounds."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import dezero as dz

pytest.importorskip("llvmlite")

from dezero.ir import simplified, trace
from dezero.jit.native import dense, runtime
from dezero.jit.native.arrays import Array
from dezero.jit.native.assembly import Assembly, module
from dezero.jit.native.dense import DENSE, Call, misfit
from dezero.jit.native.regions import with_kernels
from dezero.jit.replay import OtherPath, compiled
from dezero.trees import flatten

SIZES = (0, 1, 2, 3, 7, 8, 9, 16, 17, 33)

# ---- kernels of one row ----


def described(x: np.ndarray[Any, Any], pointer: str = "") -> Array:
    strides = tuple(s // x.itemsize for s in x.strides)
    return Array(pointer, x.shape, strides, x.dtype)


def call_of(title: str, operands: Any, outs: Any, **params: Any) -> Call:
    return Call(title, *(tuple(map(described, xs)) for xs in (operands, outs)), params)


def kernel(call: Call) -> tuple[Any, int]:
    """The function ``(pointers) -> status`` of a row, and the bytes of workspace it needs."""
    asm = Assembly("i32 @kernel(ptr %arrays)")

    def pointer(k: int) -> str:
        return asm(f"load ptr, ptr {asm(f'getelementptr ptr, ptr %arrays, i64 {k}')}")

    n = len(call.operands)
    arrays = [
        Array(pointer(k), x.shape, x.strides, x.dtype)
        for k, x in enumerate((*call.operands, *call.results))
    ]
    given = Call(call.title, tuple(arrays[:n]), tuple(arrays[n:]), call.params)
    fail, end = asm.label(), asm.label()
    DENSE[call.title].emit(asm, given, pointer(len(arrays)), fail)
    asm.goto(end)
    asm.begin(fail)
    asm.do("ret i32 1")
    asm.begin(end)
    asm.do("ret i32 0")
    names = [
        name[1:]
        for name, text in asm.outside.items()
        if text.startswith("declare") and not name.startswith("@llvm.")
    ]
    code = runtime.Code(runtime.compiled(module(asm)), ["kernel"], names)
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(code["kernel"])
    function.code = code  # type: ignore[attr-defined]
    return function, DENSE[call.title].scratch(call)


class Memory:
    """Arrays in pages of their own, at the end or the start of them, with none around them."""

    def __init__(self, at_end: bool) -> None:
        self.at_end = at_end
        self.protect = ctypes.CDLL(None).mprotect
        self.protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.maps: list[mmap.mmap] = []

    def bytes(self, n: int, step: int) -> Any:
        """That many bytes, on a boundary."""
        page = mmap.PAGESIZE
        size = -(-max(n, 1) // page) * page
        memory = mmap.mmap(-1, size + 2 * page)
        self.maps.append(memory)
        whole = np.frombuffer(memory, np.uint8)
        for start in (0, size + page):
            assert self.protect(whole.ctypes.data + start, page, 0) == 0
        start = page + (size - -(-n // step) * step) * self.at_end
        return whole[start : start + n]

    def copy(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The same array with the same strides."""
        reach = [s * (n - 1) for s, n in zip(x.strides, x.shape, strict=True) if n]
        before = -sum(r for r in reach if r < 0)
        n = x.itemsize + before + sum(r for r in reach if r > 0) if x.size else 0
        out = np.ndarray(x.shape, x.dtype, self.bytes(n, x.itemsize), before if n else 0, x.strides)
        if x.size:
            out[...] = x
        return out


def run(title: str, *operands: Any, memory: Memory | None = None, **params: Any) -> Any:
    """The status and the results of a row, of NumPy's shapes, next to NumPy's results."""
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[title](*operands, **params)
    expected = expected if isinstance(expected, tuple) else (expected,)
    outs = [np.full(np.shape(y), 77, np.result_type(y)) for y in expected]
    call = call_of(title, operands, outs, **params)
    assert misfit(call) == ""
    function, size = kernel(call)
    if memory is None:
        space = np.empty(size + 64, np.uint8)
        work = space[-space.ctypes.data % 64 :]
    else:
        operands, outs = (tuple(map(memory.copy, xs)) for xs in (operands, outs))
        work = memory.bytes(size, 64)
    pointers = [x.__array_interface__["data"][0] for x in (*operands, *outs, work)]
    status = function((ctypes.c_void_p * len(pointers))(*pointers))
    return status, outs, expected


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "matmul": np.matmul,
    "dot": np.dot,
    "inner": np.inner,
    "tensordot": np.tensordot,
    "einsum": lambda a, b, *, subscripts: np.einsum(subscripts, a, b),
    "solve": np.linalg.solve,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda a: tuple(np.linalg.slogdet(a)),
    "cholesky": np.linalg.cholesky,
}

# ---- operands ----


def laid(x: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    """The same numbers, otherwise in memory."""
    if layout == "F":
        return (
            np.asfortranarray(x)
            if x.ndim < 3
            else np.swapaxes(np.swapaxes(x, -1, -2).copy(), -1, -2)
        )
    if layout == "strided":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
        wide[..., 1::2] = x
        return wide[..., 1::2]
    if layout == "backward":
        return np.flip(np.flip(x).copy())
    if layout == "broadcast":
        return np.broadcast_to(x[..., :1, :], x.shape) if x.ndim > 1 and x.size else x
    return np.ascontiguousarray(x)


LAYOUTS = ("C", "F", "strided", "backward", "broadcast")


@dataclass(frozen=True)
class Case:
    title: str
    operands: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)


def products() -> Iterator[Case]:
    """All sizes, all layouts of both operands, in many of their combinations."""
    rng = np.random.default_rng(0)
    for index, m in enumerate((*SIZES, *SIZES, *SIZES)):
        k, n = (
            SIZES[(3 * index + index // 10) % 10],
            SIZES[(7 * index + 2 * (index // 10) + 1) % 10],
        )
        first, second = LAYOUTS[index % 5], LAYOUTS[(index // 5 + index) % 5]
        dtype = ("f8", "f4", "f8", "f4", "i8", "u1")[index % 6]
        scale = 9 if dtype[0] in "iu" else 1
        a, b = (
            laid(
                (scale * rng.normal(size=shape)).astype("i8" if scale > 1 else dtype).astype(dtype),
                layout,
            )
            for shape, layout in (((m, k), first), ((k, n), second))
        )
        yield Case("matmul", (a, b))
        if index < 10:
            yield Case("matmul", (a, b[:, 0] if n else np.zeros(k, dtype)))
            yield Case("matmul", (a[0] if m else np.zeros(k, dtype), b))


def other_products() -> Iterator[Case]:
    """Vectors, stacks, and sums over many axes."""
    rng = np.random.default_rng(1)

    def x(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield from (Case("matmul", (x(n), x(n))) for n in (1, 5, 64, 1001))
    yield Case("matmul", (x(9, 2)[:, 0], x(9, 3)[:, 1]))
    yield Case("matmul", (x(4, 3, 5), x(5, 7)))
    yield Case("matmul", (x(2, 1, 3, 5), x(6, 5, 4)))
    yield Case("matmul", (x(3, 5), x(2, 5, 4)))
    yield Case("matmul", (x(5), x(2, 5, 4)))
    yield Case("matmul", (x(2, 4, 5), x(5)))
    yield Case("matmul", (x(40, 600), x(600, 24)))  # in blocks
    yield Case("matmul", (x(40, 600), x(21, 600).T))
    yield Case("dot", (x(2, 3, 4), x(5, 4, 6)))
    yield Case("dot", (x(3, 4), np.float64(2.0).reshape(())))
    yield Case("inner", (x(3, 4), x(2, 5, 4)))
    yield Case("tensordot", (x(3, 4, 5), x(4, 3, 2)), {"axes": ([1, 0], [0, 1])})
    yield Case("tensordot", (x(3, 4, 5), x(4, 5, 2)), {"axes": 2})
    yield Case("tensordot", (x(3), x(4)), {"axes": 0})
    for subscripts, shapes in {
        "bij,bjk->bik": ((3, 4, 5), (3, 5, 6)),
        "ijb,jkb->ikb": ((3, 4, 9), (4, 5, 9)),
        "ij,j->i": ((9, 33), (33,)),
        "ij,ij->": ((5, 7), (5, 7)),
        "ii,ij->j": ((4, 4), (4, 5)),
        "i,j->ji": ((4,), (5,)),
        "ij,kl->k": ((3, 2), (4, 5)),
        "ij,jk->ki": ((6, 3), (3, 10)),
        "ij,ij->ij": ((3, 1), (1, 4)),
        "acb,bdca->da": ((3, 4, 2), (2, 5, 4, 3)),
    }.items():
        yield Case("einsum", tuple(x(*shape) for shape in shapes), {"subscripts": subscripts})


def matrices() -> Iterator[Case]:
    """Of all sizes, and stacks of them; larger ones by LAPACK."""
    rng = np.random.default_rng(2)
    for index, n in enumerate((*SIZES[1:], dense.SMALL + 1)):
        dtype = ("f8", "f4")[index % 3 == 1]
        a = rng.normal(size=(n, n)).astype(dtype) + n * np.eye(n, dtype=dtype)[::-1]
        layout = LAYOUTS[index % 4]
        positive = laid(a @ a.T + np.eye(n, dtype=dtype), layout)
        a = laid(a, layout)
        yield Case("solve", (a, rng.normal(size=n).astype(dtype)))
        yield Case("solve", (a, laid(rng.normal(size=(n, 3)).astype(dtype), layout)))
        yield Case("inv", (a,))
        yield Case("det", (a,))
        yield Case("slogdet", (a,))
        yield Case("cholesky", (positive,), {"upper": bool(index % 2)})
    stack = rng.normal(size=(2, 3, 4, 4)) + 3 * np.eye(4)
    yield Case("solve", (stack, rng.normal(size=(3, 4, 2))))
    yield Case("solve", (stack[0, 0], rng.normal(size=(5, 4, 1))))
    yield Case("solve", (stack, rng.normal(size=4)))
    yield Case("inv", (stack[:, ::-2],))
    yield Case("det", (stack,))
    yield Case("slogdet", (stack,))
    yield Case("cholesky", (stack @ np.swapaxes(stack, -1, -2),))


def check(case: Case, memory: Memory | None = None) -> None:
    status, outs, expected = run(case.title, *case.operands, memory=memory, **case.params)
    assert status == 0
    for out, y in zip(outs, expected, strict=True):
        if out.dtype.kind in "iu":
            np.testing.assert_array_equal(out, y, case.title)
            continue
        eps = float(np.finfo(out.dtype).eps)
        size = max(1.0, float(np.max(np.abs(y), initial=0)))
        np.testing.assert_allclose(out, y, 256 * eps, 256 * eps * size, err_msg=repr(case.title))


@pytest.mark.parametrize("cases", [products, other_products, matrices])
def test_agrees_with_numpy(cases: Callable[[], Iterator[Case]]) -> None:
    for case in cases():
        check(case)


# ---- memory ----


def guarded() -> None:
    """Everything in pages of its own: a byte read or written beyond is a crash."""
    for at_end in (True, False):
        for cases in (products, other_products, matrices):
            for number, case in enumerate(cases()):
                if (number + at_end) % 2 or cases is other_products:
                    check(case, Memory(at_end))


def python(*words: str) -> subprocess.CompletedProcess[bytes]:
    where = os.path.dirname(__file__)
    return subprocess.run([sys.executable, *words], cwd=where, capture_output=True, check=False)


def test_nothing_is_read_or_written_out_of_bounds() -> None:
    done = python(__file__)
    assert done.returncode == 0, done.stderr.decode()


def test_guard_pages_are_guards() -> None:
    """A kernel that takes its operand for a longer one crashes."""
    program = """
import numpy as np, test_native_dense as t
x, out = np.ones(4000), np.ones(())
function, _ = t.kernel(t.call_of("matmul", (x, x), (out,)))
y = t.Memory(True).copy(np.ones({}))
function((t.ctypes.c_void_p * 4)(x.ctypes.data, y.ctypes.data, out.ctypes.data))
"""
    for n, crashes in ((4000, False), (3999, True)):
        done = python("-c", program.format(n))
        assert (done.returncode < 0) == crashes, done.stderr.decode()


# ---- numbers that are none, and matrices that have no inverse ----


@pytest.mark.parametrize("n", [3, 16, 40])
def test_infinities_and_nan_go_where_numpy_has_them(n: int) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, n, n))
    a[1, 0], a[0, 1], b[0, 2], b[2, 2] = np.nan, np.inf, np.inf, -np.inf
    for left, right in ((a, b), (a, np.asfortranarray(b)), (a.T, b), (a[0], b), (a, b[:, 2])):
        _, (out,), (expected,) = run("matmul", left, right)
        np.testing.assert_allclose(out, expected, 1e-12, 1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 16, dense.SMALL + 1])
def test_singular_matrices_are_given_up(n: int) -> None:
    a = np.ones((n, n)) * (n > 1)
    for title, operands in {"solve": (a, np.ones(n)), "inv": (a,)}.items():
        outs = [np.empty_like(operands[-1])]
        assert status_of(title, operands, outs) == 1
    for title in ("det", "slogdet"):
        status, outs, expected = run(title, a)
        assert status == 0
        np.testing.assert_array_equal(outs, expected)
    a = -np.eye(n)
    assert status_of("cholesky", (a,), [a.copy()]) == 1


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (2, 0), (2, 2)])
def test_nan_is_left_to_numpy(place: tuple[int, int]) -> None:
    """For LAPACK accepts it here and there."""
    a = np.eye(3) + np.ones((3, 3))
    a[place] = np.nan
    assert status_of("inv", (a,), [a.copy()]) == 1
    assert status_of("cholesky", (a,), [a.copy()]) == 1
    assert np.isnan(run("det", a)[1][0])


def status_of(title: str, operands: Any, outs: Any) -> int:
    function, size = kernel(call_of(title, operands, outs))
    work = np.empty(size + 64, np.uint8)[:]
    arrays = (*operands, *outs, work[-work.ctypes.data % 64 :])
    return int(function((ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))))


@pytest.mark.parametrize("n", [4, dense.SMALL + 2])
def test_determinants_do_not_overflow_on_the_way(n: int) -> None:
    scales = np.ones(n)
    scales[:4] = 1e200, -1e200, 1e-200, 1e-200
    matrix = np.diag(scales)[::-1].copy()
    _, (out,), _ = run("det", matrix)
    sign = np.linalg.det(np.eye(n)[::-1])
    np.testing.assert_allclose(out, -sign, 1e-11)
    for scale in (1e-100, 1e100):
        _, (out,), (expected,) = run("det", matrix * scale)
        np.testing.assert_allclose(out, expected, 1e-9)


# ---- other processors, and no SciPy ----


@pytest.mark.parametrize(("size", "features"), [(32, ()), (16, ("neon",)), (16, ())])
def test_narrower_vectors(monkeypatch: Any, size: int, features: tuple[str, ...]) -> None:
    monkeypatch.setattr(runtime, "vector_bytes", lambda: size)
    monkeypatch.setattr(runtime, "has", lambda feature: feature in features)
    for number, case in enumerate((*products(), *other_products(), *matrices())):
        if number % 5 == 0:
            check(case)


def test_without_scipy(monkeypatch: Any) -> None:
    monkeypatch.setattr(runtime, "find", lambda _name: None)
    large, small = np.ones((600, 600)), np.ones((40, 40))
    vector = np.ones(600)
    assert "SciPy" in misfit(call_of("matmul", (large, large), (np.empty((600, 600)),)))
    assert "SciPy" in misfit(call_of("inv", (large,), (np.empty((600, 600)),)))
    assert misfit(call_of("matmul", (large, vector), (vector,))) == ""
    assert misfit(call_of("inv", (small,), (np.empty((40, 40)),))) == ""


def test_large_products_by_blas(monkeypatch: Any) -> None:
    """As if 100 multiplications were many."""
    monkeypatch.setattr(dense, "LARGE", 100)
    monkeypatch.setattr(dense, "write", None)
    rng = np.random.default_rng(4)
    for dtype, first, second in itertools.product(("f8", "f4"), "CF", "CF"):
        a, b = rng.normal(size=(2, 7, 9)).astype(dtype)[:, :, 1:], rng.normal(size=(8, 5))
        check(Case("matmul", (laid(a, first), laid(b.astype(dtype), second))))
        check(Case("matmul", (laid(a[0], first)[1:], laid(b.astype(dtype), second)[:, 2:])))
    a, b = rng.normal(size=(6, 3, 7)), rng.normal(size=(6, 7, 5))
    check(Case("einsum", (a, b), {"subscripts": "aib,abj->ij"}))  # a sum of products


def test_reasons() -> None:
    x, y = np.ones((3, 3)), np.ones((3, 3), np.int64)
    assert "several" in misfit(call_of("matmul", (x, y), (x,)))
    assert "int64" in misfit(call_of("inv", (y,), (y,)))
    assert "complex" in misfit(call_of("matmul", (x + 0j, x + 0j), (x + 0j,)))
    assert "order" in misfit(call_of("matmul", (x, x), (x.T,)))
    assert "empty" in misfit(call_of("inv", (x[:0, :0],), (x[:0, :0],)))
    assert "one operand" in misfit(call_of("einsum", (x,), (x,), subscripts="ij->ij"))
    assert misfit(call_of("sin", (x,), (x,)))


# ---- as parts of kernels ----


def in_one_kernel(f: Callable[..., Any], *args: Any) -> Any:
    """The compiled program, if all of it is one kernel and gives what it does eagerly."""
    graph = with_kernels(simplified(trace(f)(*args)))
    assert [step.p.title for step in graph.steps] == ["kernel"]
    program = compiled(graph)
    for got, want in zip(program(*args), flatten(f(*args))[0], strict=True):
        np.testing.assert_allclose(got, want, 1e-12, 1e-12)
    return program


def network(w: Any, v: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ w) @ v)


def likelihood(a: Any, b: Any) -> Any:
    return b @ np.linalg.solve(a, b) + np.log(np.linalg.det(a)) + np.linalg.slogdet(a)[1]


def turned(a: Any, x: Any) -> Any:
    return dz.fori_loop(0, 4, lambda i, y: a.T @ y / (1 + i), x)


def test_in_kernels() -> None:
    """With elementwise operations, in loops, and in derivatives."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(4, 4)), rng.normal(size=4)
    a = a @ a.T + np.eye(4)
    in_one_kernel(dz.value_and_grad(network, (0, 1, 2)), a, b, rng.normal(size=(7, 4)))
    in_one_kernel(dz.value_and_grad(likelihood, (0, 1)), a, b)
    in_one_kernel(dz.grad(lambda a: np.sum(np.linalg.cholesky(a) * a)), a)
    in_one_kernel(turned, a, b)
    in_one_kernel(lambda a: np.linalg.inv(a)[::2] @ np.pad(a, 1)[1:5, 2:], a)
    whole, single = np.arange(12).reshape(3, 4), b.astype("f4")
    in_one_kernel(lambda n, x, y: (n @ x, n @ y, n @ n.T), whole, b, single)
    in_one_kernel(lambda n: np.linalg.solve(n, np.arange(4)), (9 * a).astype(np.int64))
    program = in_one_kernel(likelihood, a, b)
    with pytest.raises(OtherPath):
        program(0 * a, b)


if __name__ == "__main__":
    guarded()
