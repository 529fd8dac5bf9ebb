"""What kernels compute again, load side by side, and leave out: fewer passes, the same numbers."""

import numpy as np
import pytest

import dezero as dz
from dezero.ir import loops as ir_loops
from dezero.ir import simplified, trace

pytest.importorskip("llvmlite")

from dezero.jit.native.lowering import Lowering
from dezero.jit.native.nests import Nest
from dezero.jit.sharing import CONSTANT, shown
from dezero.scipy import special
from dezero.trees import flatten

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 5))


def nests(f, *args):
    """The nests of a function, after it gave what it does eagerly."""
    want, got = f(*args), dz.jit(f, backend="llvm")(*args)
    for y, z in zip(flatten(want)[0], flatten(got)[0], strict=True):
        np.testing.assert_allclose(z, y, 1e-12, 1e-12)
    return [s for s in Lowering.of(simplified(trace(f)(*args))).stages if isinstance(s, Nest)]


def work_stored(stages):
    """Shapes of what goes from nest to nest by way of memory."""
    return [p.shape for s in stages for _, p in s.stores if p.buffer.role == "work"]


# ---- computed again ----


def test_a_cheap_value_is_computed_again():
    def f(x):
        apart = x - np.mean(x)  # read by two nests, stored by none
        return np.sum(apart * apart), np.exp(apart / np.sum(np.abs(apart)))

    assert work_stored(nests(f, X)) == [()] * len(work_stored(nests(f, X)))


def test_a_costly_value_is_stored():
    def f(x):
        y = np.exp(x)
        return y / np.sum(y)

    assert work_stored(nests(f, X)).count(X.shape) == 1


def test_two_large_operands_are_worse_than_one_result():
    def f(x, y):
        z = x * y
        return np.sum(z), z - np.max(z)

    stages = nests(f, X, X + 1)
    assert sum(len(s.reads) for s in stages if s.shape == X.shape) <= 5


def test_what_nothing_reads_is_left_out():
    def f(x):
        y = x + 1.0
        return np.sum(y[1:] * np.sum(y))

    for nest in nests(f, X):
        wanted = {v for v, _ in nest.stores} | {v for r in nest.gathering for v in r.operands}
        wanted |= {v for step in nest.steps for v in step.needs}
        assert nest.made >= {step.result for step in nest.steps}
        assert {step.result for step in nest.steps} <= wanted


def test_a_chain_of_cheap_steps_is_not_taken_forever():
    def f(x):
        y = x
        for k in range(20):
            y = y * x + k
        return np.sum(y), y * np.max(y)

    assert len(nests(f, X)) >= 2


# ---- numbers near each other ----


@pytest.mark.parametrize("stride", [-3, -1, 2, 3, 7, 9])
@pytest.mark.parametrize("dtype", [float, np.float32, bool])
def test_numbers_apart_are_loaded_side_by_side(stride, dtype):
    for n in (7, 33, 300):
        x = (RNG.normal(size=n * abs(stride) + 3) * 50).astype(dtype)
        f = dz.jit(lambda x: x[::stride] + x[:1], backend="llvm")  # called here
        np.testing.assert_array_equal(f(x), x[::stride] + x[:1])


def test_rows_of_three():
    x = RNG.normal(size=(70, 3))

    def f(x):
        apart = x[:, None] - x
        return np.sum(np.sqrt(np.sum(apart**2, 2) + 0.1))

    nests(dz.value_and_grad(f), x)


# ---- sums of exponentials ----


@pytest.mark.parametrize(
    "x",
    [
        X,
        X * 1e3,
        np.full((3, 4), -np.inf),
        np.array([[np.inf, 1.0], [-np.inf, 2.0], [np.nan, 0.0]]),
        np.zeros((2, 1)),
        X.astype(np.float32),
    ],
)
def test_logarithms_of_sums_of_exponentials(x):
    close = 1e-6 if x.dtype == np.float32 else 1e-14
    for axis, keepdims in ((None, False), (0, True), (-1, False)):
        f = dz.jit(lambda x: special.logsumexp(x, axis=axis, keepdims=keepdims), backend="llvm")  # noqa: B023
        with np.errstate(all="ignore"):
            want = special.logsumexp(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(f(x), want, close)
        assert f(x).dtype == want.dtype


# ---- loops ----


def of_loop(f, *args):
    graph = simplified(trace(f)(*args))
    memory = shown(graph)
    return [[x in graph.inputs for x in each] + [CONSTANT in each] for each in memory]


def test_results_of_loops_are_in_memory_of_their_own():
    found = of_loop(lambda x: dz.scan(lambda c, row: (c * row, c), x[0], x), X)
    assert not any(any(each) for each in found)


def test_a_loop_that_may_have_no_turn_shows_its_start():
    (found,) = of_loop(lambda x, n: dz.fori_loop(0, n, lambda _i, y: y * 2.0, x), X, np.int64(3))
    assert any(found)


def test_a_loop_whose_turns_swap_shows_its_arguments():
    def f(x, y):
        return dz.scan(lambda c, _: (c[::-1], None), (x, y), length=3)[0]

    assert all(any(each) for each in of_loop(f, X, X + 1))


def test_long_loops_are_compiled_for_a_trace(monkeypatch):
    made = []
    before = ir_loops.COMPILERS[0]
    monkeypatch.setattr(ir_loops, "COMPILERS", [lambda graph: made.append(graph) or before(graph)])

    def f(x, n):
        return dz.fori_loop(0, n, lambda i, y: np.sin(y) * x + i, x)

    graph = trace(lambda x: f(x, 50))(X)
    assert made
    np.testing.assert_array_equal(graph(X), f(X, 50))
    made.clear()
    trace(lambda x: f(x, 3))(X)
    assert not made
