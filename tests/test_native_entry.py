"""Calls in machine code: what is taken, what goes to Python, and that nothing leaks."""

import ctypes
import dataclasses
import gc
import os
import subprocess
import sys
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optree
import pytest

pytest.importorskip("llvmlite")

from dezero.jit.native import entry, layouts, runtime
from dezero.jit.native.assembly import Assembly, module
from dezero.jit.native.entry import Entry, called
from dezero.jit.native.tables import Callee, Constant, Fresh, Given, Unfit
from dezero.jit.path import is_fact
from dezero.trees import flatten

FLOAT = np.dtype(float)
POINT = namedtuple("POINT", "x y")


def kernel(n_in, n_out, n=10, status="0", kind="double"):
    """Code for ``y[k] = (k + 2) * x[0] + x[1] + …``, of `n` numbers."""
    asm = Assembly("i32 @kernel(ptr %arrays)")
    slots = [asm(f"getelementptr ptr, ptr %arrays, i64 {k}") for k in range(n_in + n_out)]
    arrays = [asm(f"load ptr, ptr {slot}") for slot in slots]
    with asm.loop(0, n) as i:
        places = [asm(f"getelementptr {kind}, ptr {x}, i64 {i}") for x in arrays]
        xs = [asm(f"load {kind}, ptr {place}") for place in places[:n_in]]
        for k, place in enumerate(places[n_in:]):
            y = asm(f"fmul {kind} {xs[0]}, {k + 2}.0")
            for x in xs[1:]:
                y = asm(f"fadd {kind} {y}, {x}")
            asm.set(kind, place, y)
    asm.do(f"ret i32 {status}")
    return runtime.Code(runtime.compiled(module(asm)), ["kernel"])


class Program(called()):
    """Takes what its entries take, and says what it was given otherwise."""

    def __init__(self, *entries):
        self.head = None
        for one in reversed(entries):
            one.onward, self.head = self.head, one

    def missed(self, *args, **kwargs):
        return "missed", args, kwargs


def made(*args, tree=0, n=10, results=None, status="0", into=False, settings=(), **kwargs):
    """An entry for arguments of a kind, with results in containers."""
    places, structure = flatten(tree)
    n_in = sum(not is_fact(x) for x in flatten((args, kwargs))[0])
    results = results or [Fresh((n,), FLOAT)] * len(places)
    fresh = [y for y in results if isinstance(y, Fresh)]
    code = kernel(n_in, len(fresh), n, status)
    example = (args, kwargs)
    return Entry(
        Callee(code["kernel"], keep=code, **dict(settings)), example, results, structure, into
    )


X = np.arange(10.0)


def missed(result):
    return isinstance(result, tuple) and bool(result) and isinstance(result[0], str)


# ---- arguments ----


def test_machine_code_is_used_here():
    """On the interpreters that the tests run on, so that the others test something."""
    found = layouts.found()
    assert (found.tag is not None) == (sys.version_info < (3, 13))
    assert found.managed is not None
    assert called() is not entry.Slow


def test_an_array_of_the_kind_and_others():
    f = Program(made(X))
    np.testing.assert_array_equal(f(X), 2 * X)
    fitting = np.empty(11)[1:]
    fitting[:] = X
    np.testing.assert_array_equal(f(fitting), 2 * X)
    swapped = X.astype(">f8")
    unaligned = np.frombuffer(b"?" + X.tobytes(), np.uint8)[1:].view(float)
    unfit = [
        X[:9], X[:, None], X[::-1], np.arange(20.0)[::2], X.astype(np.float32), X.astype(int),
        swapped, unaligned, X.view(np.matrix), np.ma.array(X), [1.0] * 10, 3.0, None, "x", np.sin,
    ]  # fmt: skip
    for x in unfit:
        assert missed(f(x)), x
    for args, kwargs in [((), {}), ((X, X), {}), ((X,), {"x": X}), ((), {"x": X})]:
        result = f(*args, **kwargs)
        assert missed(result)
        assert result[1] == args or result[1][0] is X
        assert result[2] == kwargs or result[2]["x"] is X


def test_numbers():
    """Python's, and NumPy's where an array without axes is expected."""
    f = Program(made(1.5, n=1, results=[Fresh((), FLOAT)]))
    assert f(2.5) == 5.0
    assert type(f(2.5)) is np.float64
    for x in (2, True, 2j, np.float64(2.0), np.array(2.0)):
        assert missed(f(x))
    g = Program(made(np.array(1.5), n=1, results=[Fresh((), FLOAT)]))
    for x in (np.float64(2.5), np.array(2.5)):
        assert g(x) == 5.0
    for x in (2.5, np.float32(2.5), np.int64(2), np.array([2.5])):
        assert missed(g(x))


READ = {
    int: ([0, 1, -1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63)], np.int64),
    complex: ([1 - 2j, complex("nan"), complex(0, -0.0)], np.complex128),
    float: ([0.5, float("inf"), -0.0], np.float64),
    np.float32: (list(np.float32([1.5, -2.5])), np.float32),
    np.complex64: (list(np.complex64([1.5, -2.5j])), np.complex64),
    np.bool_: ([np.True_, np.False_], np.bool_),
    np.int32: (list(np.int32([7, -8])), np.int32),
}


@pytest.mark.parametrize("kind", READ)
def test_what_a_kernel_sees_of_a_number(kind):
    values, dtype = READ[kind]
    asm, size = Assembly("i32 @kernel(ptr %arrays)"), np.dtype(dtype).itemsize
    x = asm("load ptr, ptr %arrays")
    y = asm(f"load ptr, ptr {asm('getelementptr ptr, ptr %arrays, i64 1')}")
    asm.set(f"i{8 * size}", y, asm(f"load i{8 * size}, ptr {x}, align 1"))
    asm.do("ret i32 0")
    code = runtime.Code(runtime.compiled(module(asm)), ["kernel"])
    example = ((values[0],), {})
    one = Entry(
        Callee(code["kernel"], keep=code), example, [Fresh((), np.dtype(dtype))], flatten(0)[1]
    )
    f = Program(one)
    for value in values:
        assert f(value).tobytes() == dtype(value).tobytes()
        assert type(f(value)) is dtype
    if kind is int:
        assert all(missed(f(x)) for x in (2**63, -(2**63) - 1, True, np.int64(1), 1.0))


def test_facts_are_the_same_in_each_call():
    facts = (True, "fast", 2**70, range(3), np.float64, (None,))
    f = Program(made(X, *facts))
    np.testing.assert_array_equal(f(X, *facts), 2 * X)
    for k, other in enumerate((1, "slow", 2**70 + 1, range(4), np.float32, (1,))):
        assert missed(f(X, *facts[:k], other, *facts[k + 1 :]))


def test_containers_of_arguments():
    tree = ({"b": X, "a": [X + 1, None]}, POINT(X + 2, 2.0))
    f = Program(made(*tree, n=1, key=X + 3))
    leaves = [X[0] + 1, X[0], X[0] + 2, 2.0, X[0] + 3]
    assert optree.tree_leaves((tree, {"key": X + 3}))[0] is tree[0]["a"][0]
    np.testing.assert_array_equal(f(*tree, key=X + 3)[:1], 2 * leaves[0] + sum(leaves[1:]))
    np.testing.assert_array_equal(
        f({"a": [X + 1, None], "b": X}, POINT(X + 2, 2.0), key=X + 3), f(*tree, key=X + 3)
    )
    unfit = [
        ({"b": X, "c": [X, None]}, POINT(X, 2.0)),
        ({"b": X}, POINT(X, 2.0)),
        ({"b": X, "a": [X, None], "c": X}, POINT(X, 2.0)),
        ({"b": X, "a": (X, None)}, POINT(X, 2.0)),
        ({"b": X, "a": [X]}, POINT(X, 2.0)),
        ({"b": X, "a": [X, X]}, POINT(X, 2.0)),
        ({"b": X, "a": [X, None]}, (X, 2.0)),
        ({"b": X, "a": [X, None]}, [X, 2.0]),
    ]
    for args in unfit:
        assert missed(f(*args, key=X))
    assert missed(f(*tree))
    assert missed(f(*tree, other=X))
    assert missed(f(*tree, X))
    for strange in ([1.0, 2.0], {1, 2}, np.array(["a"]), X.view(np.matrix)):
        with pytest.raises(Unfit):
            made(strange)


@dataclasses.dataclass
class Model:
    weights: np.ndarray
    name: str = dataclasses.field(default="a", metadata={"static": True})
    scale: float = 1.0


def test_dataclasses():
    f = Program(made(Model(X)))
    np.testing.assert_array_equal(f(Model(X + 1, scale=2.0))[0], 4.0)
    partial = Model(X)
    del partial.weights
    derived = type("Derived", (Model,), {})(X)
    for x in (Model(X, "b"), Model(X, scale=1), Model(X[1:]), partial, derived, X, (X, 1.0)):
        assert missed(f(x))


# ---- results ----


TREES = [0, (0,), [0], {"z": 0, "a": 1}, (0, [1, {"b": 2}], ()), (0, None), POINT(0, [1, 2])]


@pytest.mark.parametrize("tree", TREES)
def test_containers_of_results(tree):
    f = Program(made(X, tree=tree))
    result, n = f(X), len(flatten(tree)[0])
    assert optree.tree_structure(result) == optree.tree_structure(tree)
    order = flatten(result)[0]
    for k in range(n):
        np.testing.assert_array_equal(order[k], (k + 2) * X)
        assert order[k].flags.owndata
    counts = [sys.getrefcount(y) for y in order]
    assert counts == [4] * n  # in order, the result, here and in the call
    if type(tree) is dict:
        assert list(result) == list(tree)


def test_results_that_are_arguments_or_constants():
    constant = np.array([1.0, 2.0])
    results = [Given(1), Fresh((10,), FLOAT), Given(2), Constant(constant), Given(0)]
    f = Program(made(X, X + 1, np.array(2.0), tree=(0, 1, 2, 3, 4), n=1, results=results))
    one, two, zero = X.copy(), X + 1, np.array(3.0)
    y = f(one, two, zero)
    assert y[0] is two
    assert type(y[2]) is np.float64
    assert y[2] == 3.0
    assert y[3] is constant
    assert y[4] is one


def test_shapes_of_results():
    for shape in [(10,), (2, 5), (1, 10, 1), (0,), (3, 0)]:
        n = int(np.prod(shape))
        f = Program(made(X, n=n, results=[Fresh(shape, FLOAT)]))
        y = f(X)
        assert y.shape == shape
        assert y.flags.c_contiguous
        assert y.flags.writeable
        np.testing.assert_array_equal(y.ravel(), 2 * X[:n])


def test_results_written_into_arrays_that_are_given():
    tree = (0, {"a": 1})
    f = Program(made(X, X, tree=tree), made(X, X, tree=tree, into=True))
    y, z = np.empty(10), np.empty(10)
    result = f(X, X, out=(y, {"a": z}))
    assert result[0] is y
    assert result[1]["a"] is z
    np.testing.assert_array_equal(y, 3 * X)
    np.testing.assert_array_equal(z, 4 * X)
    np.testing.assert_array_equal(f(X, X)[1]["a"], z)
    locked, memory = np.empty(10), np.empty(30)
    locked.flags.writeable = False
    x, first, second = memory[5:15], memory[10:20], memory[15:25]
    for out in [
        (y, y), [y, {"a": z}], (y, {"b": z}), (y[1:], {"a": z}), (y, {"a": z[::-1]}), None, y,
        (y, {"a": z.astype(np.float32)}), (locked, {"a": z}), (y, {"a": 1.0}), (y, {"a": y}),
        (first, {"a": second}), (x, {"a": y}), (y, {"a": memory[0:10]}), (y, {"a": first}),
    ]:  # fmt: skip
        assert missed(f(x, X, out=out))
    x[:] = X
    assert f(x, X, out=(second, {"a": z}))[0] is second  # beside it
    np.testing.assert_array_equal(second, 3 * X)
    np.testing.assert_array_equal(x, X)
    over = Program(made(x, into=True, settings={"in_place": True}))
    assert missed(over(x, out=first))
    assert over(x, out=x) is x
    np.testing.assert_array_equal(x, 2 * X)
    with pytest.raises(Unfit):
        made(X, results=[Given(0)], into=True)
    with pytest.raises(Unfit):
        made(X, out=X, into=True)
    counts = [sys.getrefcount(each) for each in (y, z, x)]
    for _ in range(10):
        f(X, X, out=(y, {"a": z}))
        f(X, X, out=(y, {"a": y}))
        over(x, out=x)
    assert counts == [sys.getrefcount(each) for each in (y, z, x)]


def test_pointers_in_the_kernels_own_order():
    code = kernel(2, 2)  # (2 * second + first, 3 * second + first), of three inputs, given swapped
    results, structure = [Fresh((10,), FLOAT)] * 2, flatten((0, 1))[1]
    example = (X, X, X, 1.0), {}
    callee = Callee(code["kernel"], reads=(2, 0), writes=(1, 0), keep=code)
    f = Program(Entry(callee, example, results, structure))
    y, z = f(X, X + 1, X + 2, 2.0)
    np.testing.assert_array_equal(z, 3 * X + 4)
    np.testing.assert_array_equal(y, 4 * X + 6)
    assert missed(f(X, X[1:], X + 2, 2.0))
    assert missed(f(X, X, X + 2, 2))
    into = Program(Entry(callee, example, results, structure, into=True))
    out, unread = (np.empty(10), np.empty(10)), X + 1
    np.testing.assert_array_equal(into(X, unread, X + 2, 2.0, out=out), [y, z])
    assert not missed(into(X, unread, X + 2, 2.0, out=(unread, out[1])))
    assert missed(into(X, unread, out[0], 2.0, out=out))
    with pytest.raises(Unfit):
        Entry(Callee(code["kernel"], writes=(0, 0)), example, results, structure)


# ---- one behind the other ----


def test_entries_are_tried_in_turn():
    wide, single = X.copy(), X.astype(np.float32)
    code = kernel(1, 1, 10, kind="float")
    other = Entry(
        Callee(code["kernel"], keep=code),
        ((single,), {}),
        [Fresh((10,), single.dtype)],
        flatten(0)[1],
    )
    never = made(X, status="1")
    f = Program(never, other, made(X))
    np.testing.assert_array_equal(f(wide), 2 * X)
    assert f(single).dtype == np.float32
    assert missed(Program(never)(X))
    assert missed(Program()(X))


def test_exceptions_come_through():
    class Broken(called()):
        def missed(self, *_args):
            raise KeyError("broken")

    broken = Broken()
    broken.head = None
    with pytest.raises(KeyError, match="broken"):
        broken(X)
    with pytest.raises(AttributeError, match="missed"):
        called()()(X)


def test_a_kernel_may_set_an_exception():
    asm = Assembly("i32 @kernel(ptr %arrays)")
    asm.call("ptr", "@PyErr_NoMemory")
    asm.do("ret i32 -1")
    code = runtime.Code(runtime.compiled(module(asm)), ["kernel"], ["PyErr_NoMemory"])
    one = Entry(Callee(code["kernel"], keep=code), ((X,), {}), [Fresh((10,), FLOAT)], flatten(0)[1])
    with pytest.raises(MemoryError):
        Program(one)(X)


# ---- references, threads, memory ----


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_references_are_counted_right():
    constant, n = np.ones(3), 1000
    results = [Fresh((10,), FLOAT), Given(0), Constant(constant), Fresh((), FLOAT)]
    tree = [{"a": 0, "b": (1, 2)}, 3]
    args = (X.copy(), [X + 1, (X + 2, 2.5)])
    f = Program(made(*args, tree=tree, n=1, results=results, k=None))
    held = [args[0], args[1], args[1][0], args[1][1], args[1][1][0], constant, FLOAT, None, f,
            f.head, f.head.table.words, np.ndarray, float, "a", {}, dict, list, tuple]  # fmt: skip
    f(*args, k=None)
    before = [sys.getrefcount(x) for x in held]
    for _ in range(n):
        f(*args, k=None)
        f(*args)
        f(args[0], [X, (X, "no")], k=None)
    f = Program(f.head)
    after = [sys.getrefcount(x) for x in held]
    assert all(abs(a - b) < n / 2 for a, b in zip(after, before, strict=True))
    assert after[:6] == before[:6]


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no count of memory here")
def test_memory_does_not_grow():
    code, tree, odd = kernel(1, 3), (0, [1], {"k": 2}), X[::-1]
    callee, results, structure = Callee(code["kernel"]), [Fresh((10,), FLOAT)] * 3, flatten(tree)[1]
    f = Program(made(X, tree=tree), made([X], k=1.0))

    def work(n):
        for _ in range(n):
            f(X)
            f([X], k=2.0)
            f(odd)

    def drop(n):
        for _ in range(n):
            Program(Entry(callee, ((X,), {}), results, structure))(X)

    work(10_000)
    drop(1000)
    gc.collect()
    before = resident()
    work(100_000)
    drop(10_000)
    gc.collect()
    assert resident() - before < 1 << 20


def test_eight_threads_at_once():
    n = 1000
    f = Program(
        made(X[:5], n=5),
        made(X, settings={"unlocked": True}),
        made(np.ones(n), n=n, settings={"unlocked": True}),
    )
    start = threading.Barrier(8)

    def run(k):
        start.wait()
        x = X + k
        for _ in range(2000):
            np.testing.assert_array_equal(f(x)[0], 2.0 * k)
            assert f(np.full(n, float(k)))[-1] == 2.0 * k
            assert missed(f(3))
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(8)))


def test_an_entry_may_go_while_it_runs():
    """What runs is held: here the kernel calls Python, which drops all."""
    program = Program()

    def run(_arrays):
        program.head = None
        gc.collect()
        return len(seen) and 1

    seen = []
    back = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(run)
    address = ctypes.cast(back, ctypes.c_void_p).value
    for _ in range(2):
        entries = [Entry(Callee(address), ((X,), {}), [Given(0)], flatten(0)[1]) for _ in range(3)]
        program.__init__(*entries)
        del entries
        result = program(X)
        assert missed(result) if seen else result is X
        seen.append(1)


def test_a_call_inside_of_a_call():
    depth = []

    def run(_arrays):
        depth.append(1)
        return 1 if len(depth) > 50 else int(missed(program(X)))

    back = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(run)
    address = ctypes.cast(back, ctypes.c_void_p).value
    program = Program(Entry(Callee(address), ((X,), {}), [Given(0)], flatten(0)[1]))
    assert missed(program(X))
    assert len(depth) == 51


def test_calls_while_the_interpreter_ends():
    script = """
import numpy as np
from dezero.jit.native.entry import called
class Program(called()):
    def missed(self, *args):
        return len(args)
    def __del__(self):
        print(self(1, 2))
program = Program()
import sys
sys.modules["kept"] = program
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == "2\n"


# ---- where objects are laid out otherwise ----


def test_without_machine_code_all_calls_go_to_python():
    script = """
import numpy as np
from dezero.jit.path import is_fact
from dezero.jit.native import entry, layouts
layouts.found = lambda: (_ for _ in ()).throw(layouts.LayoutError("another"))
assert entry.called() is entry.Slow
class Program(entry.called()):
    def missed(self, *args, **kwargs):
        return args, kwargs
assert Program()(1, k=2) == ((1,), {"k": 2})
import dezero as dz
from dezero.jit.native.hanging import jitted
from dezero.jit.native.paths import LLVM
f, x = jitted()(dz.grad(lambda x: np.sum(x**3)), LLVM), np.arange(3.0)
for k in range(3):
    np.testing.assert_allclose(f(x + k), 3 * (x + k) ** 2)
    np.testing.assert_allclose(f(x + k, out=np.empty(3)), 3 * (x + k) ** 2)
assert f.head is None
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
