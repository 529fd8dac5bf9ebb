"""Machine code against eager: every row, every dtype, guard pages, threads, shared memory.

All cases go through when ``DEZERO_EVERY_CASE`` is set; else a sample.
"""

import ctypes
import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from cases import CASES, CONSTANT, SPELLINGS, X, some
from test_programs import MANY, PROGRAMS, Program, arrays_of, loss

import dezero as dz
from dezero.ir import simplified, trace
from dezero.rows import TABLE

pytest.importorskip("llvmlite")

from hypothesis import given, settings
from test_native import WHOLE
from test_native_dense import Memory

from dezero.jit.native import program, threads
from dezero.jit.native.kernel import Kernel
from dezero.jit.native.regions import with_kernels
from dezero.jit.replay import OtherPath, compiled

EVERY = bool(os.environ.get("DEZERO_EVERY_CASE"))
RNG = np.random.default_rng(0)


def flat(y):
    return [x for each in y for x in flat(each)] if isinstance(y, (list, tuple)) else [y]


def near(found, expected, scale=0.0, close=1e-12):
    """One shape and dtype; whole numbers are equal, others up to a part of the largest."""
    for a, b in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if b.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b)
            continue
        part = 1e-5 if b.dtype in (np.dtype("f4"), np.dtype("c8")) else close
        size = np.max(np.abs(b), initial=scale, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, part, part * size)


def checked(f, *args, others=(), close=1e-12):
    """Compare at the point of the trace, and at others of the same path."""
    size = max((float(np.max(np.abs(x), initial=0)) for x in map(np.asarray, args)), default=0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = compiled(with_kernels(simplified(trace(f)(*args))))
        for at in (args, *others):
            near(flat(run(*at)), flat(f(*at)), size, close)


# ---- every row ----


def derived(case):
    """The function itself, and its derivatives."""
    yield case.call
    y = case.call(*case.args)
    if isinstance(y, (list, tuple)) or np.asarray(y).dtype.kind not in "fc":
        return
    g, *ts = (
        RNG.normal(size=np.shape(x)).astype(np.asarray(x).dtype)
        for x in map(np.asarray, (y, *case.args))
    )
    if "reverse" in case.modes:
        yield lambda *a: list(dz.vjp(case.call, *a)[1](g))
    if "forward" in case.modes:
        yield lambda *a: dz.jvp(case.call, a, tuple(ts))[1]
    if "forward" in case.modes and "reverse" in case.modes and EVERY:
        tangent = lambda *b: dz.jvp(case.call, b, tuple(ts))[1]  # noqa: E731
        yield lambda *a: list(dz.vjp(tangent, *a)[1](g))


def sampled(n, table):
    return (table if EVERY else some(table, n)).items()


@pytest.mark.parametrize("table", [CASES, SPELLINGS], ids=["rows", "spellings"])
def test_values_and_derivatives_of_rows(table):
    for _title, cases in sampled(1, table):
        for case in cases:
            for f in () if case.fills else derived(case):
                checked(f, *case.args)


def test_batches():
    for cases in list(some(CASES, 1).values())[:: 1 if EVERY else 4]:
        for case in cases:
            if not (case.fills or case.ragged):
                checked(dz.vmap(case.call), *(np.stack([x, x * 0.9]) for x in case.args))


def test_values_without_derivative():
    for calls in CONSTANT.values():
        for f in calls:
            checked(f, X)


# ---- every dtype, and numbers of all kinds ----

KINDS = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
MIXED = [("i8", "u8"), ("u8", "i1"), ("f4", "i4"), ("b1", "f8"), ("u1", "f8"), ("i4", "u4")]
EXACT = {
    "negative", "positive", "reciprocal", "square", "sqrt", "absolute", "fabs", "conjugate", "sign",
    "floor", "ceil", "trunc", "rint", "add", "subtract", "multiply", "divide", "copysign",
    "maximum", "minimum", "fmax", "fmin",
}  # fmt: skip
UFUNCS = {
    title: TABLE[title].fn
    for title in sorted(CASES.keys() | CONSTANT.keys())
    if hasattr(np, title) and title in TABLE and getattr(TABLE[title].fn, "signature", "") is None
}


def numbers(dtype, seed):
    """All that is special about a dtype, among others; in another order for each seed."""
    dtype, rng = np.dtype(dtype), np.random.default_rng(seed)
    if dtype.kind == "f":
        t = np.finfo(dtype)
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, t.max, -t.max, t.tiny, t.smallest_subnormal]
        special += [1, -1, 0.5, 1.5, 2.5, -2.5, 2.0**31, 2.0**63, *rng.normal(size=18)]
    elif dtype.kind == "b":
        special = rng.integers(0, 2, 35)
    else:
        t = np.iinfo(dtype)
        special = [t.min, t.max, 0, 1, 2, 3, t.max - 1, t.min + 1]
        special += [*rng.integers(t.min, t.max, 27, dtype, endpoint=True)]
    return rng.permutation(np.array(special, dtype))


def same_bits(title, found, expected):
    """NaN, infinities and signs of zeros too; but for `EXACT` rows, up to 4 units of the last."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), title
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, title)
        return
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), title)
    there = ~np.isnan(expected)
    a, b = found[there], expected[there]
    np.testing.assert_array_equal(np.signbit(a), np.signbit(b), title)
    apart = np.where(a == b, 0, np.abs(a.astype(float) - b) / np.spacing(np.abs(b)))
    assert np.max(apart, initial=0) <= (0 if title in EXACT else 4), title


def taken(ufunc, xs):
    """Whether NumPy, and the row, take these."""
    try:
        trace(ufunc)(*xs)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("title", UFUNCS)
def test_every_dtype(title):
    ufunc = UFUNCS[title]
    pairs = [(d,) for d in KINDS] if ufunc.nin == 1 else [*zip(KINDS, KINDS, strict=True), *MIXED]
    many = [tuple(numbers(d, k) for k, d in enumerate(pair)) for pair in pairs]
    if title in ("maximum", "minimum", "fmax", "fmin"):  # NumPy takes either of two zeros
        many = [tuple(np.where(x == 0, abs(x), x) for x in xs) for xs in many]

    def f(*leaves):
        found = [ufunc(*leaves[k : k + ufunc.nin]) for k in range(0, len(leaves), ufunc.nin)]
        return flat(found)

    with np.errstate(all="ignore"):
        leaves = [x for xs in many if taken(ufunc, xs) for x in xs]
        found = compiled(with_kernels(trace(f)(*leaves)))(*leaves)
        for a, b in zip(found, f(*leaves), strict=True):
            same_bits(title, a, b)


NARROW = np.arange(-100, 100, 7).astype("i1")
BYTES = np.arange(0, 250, 9).astype("u1")


@pytest.mark.parametrize("dtype", KINDS)
def test_reductions_and_conversions(dtype):
    x = (RNG.normal(size=(3, 19)) * 3).astype(dtype)
    x = np.abs(x) if x.dtype.kind == "f" else x
    titles = ["sum", "prod", "max", "min", "all", "any", "mean", "var"]
    titles += ["argmax", "argmin", "cumsum", "cumprod", "count_nonzero"]
    close = 1e-5 if dtype == "f4" else 1e-12
    for axis in (None, 0, 1):
        checked(lambda x, k=axis: [getattr(np, t)(x, axis=k) for t in titles], x, close=close)
    checked(lambda x: [x.astype(d) for d in KINDS], x)
    checked(lambda x: [np.sum(x.astype(d), 1) for d in KINDS], x, close=close)


@pytest.mark.parametrize("x", [X, X.astype("f4"), NARROW], ids=["f8", "f4", "i1"])
@pytest.mark.parametrize("number", [2.5, 2, True, -1])
def test_numbers_of_python_give_way(x, number):
    checked(lambda x, s: (x * s, s - x, np.maximum(x, s), x / s, x < s), x, number)


def test_numbers_that_a_dtype_does_not_have():
    checked(lambda x: (x < 300, x > -300, x == 1000, x != 1000, x >= 2**40), NARROW)
    checked(lambda x: (x < 300, x > -1, x == -1, np.clip(x, -5, 50), ~x, x // 7, x % 7), BYTES)


@pytest.mark.parametrize("dtype", KINDS[1:9])
def test_places_of_every_dtype(dtype):
    """Also where the array is longer than the dtype's largest number."""
    x = RNG.normal(size=(300, 3))
    k = np.array([0, 5, 100, 120, 3] if dtype[0] == "u" else [0, -5, 100, -120, 3], dtype)
    checked(lambda x, k: x[k], x, k)
    checked(dz.grad(lambda x, k: np.sum(x[k] ** 2)), x, k)


# ---- shapes ----

SHAPES = [(), (1,), (0,), (0, 3), (3, 0), (2, 1, 3), (2, 0, 3), (2, 3, 4, 2, 3), (1,) * 4, (2,) * 9]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape):
    x = RNG.normal(size=shape)
    axes = [None, (), *range(min(len(shape), 4)), *([-1] if shape else [0])]
    if shape:
        axes.append((0, len(shape) - 1)[: min(2, len(shape))])
    for axis, kept in itertools.product(axes, (False, True)):
        checked(
            lambda x, k=axis, b=kept: (np.sum(x, k, keepdims=b), np.any(x > 1, k, keepdims=b)), x
        )
    for axis in range(min(len(shape), 3)):
        moves = [np.cumsum, np.flip, lambda x, k: np.roll(x, 1, k), lambda x, k: np.repeat(x, 2, k)]
        moves += [lambda x, k: np.concatenate([x, x * 2], k), lambda x, k: np.diff(x, axis=k)]
        checked(lambda x, k=axis: [f(x, k) for f in moves], x)  # noqa: B023
    checked(lambda x: (x.T * 2, x.T.reshape(-1), np.ravel(x) + 1, x, x), x)
    checked(dz.grad(lambda x: np.sum(np.pad(x * x, 1)) + np.sum(x.T)), x)


@pytest.mark.parametrize(
    "name", ["transposed", "backward", "apart", "repeated", "unaligned", "swapped"]
)
def test_layouts_of_inputs(name):
    x = RNG.normal(size=(8, 9, 10))
    raw = np.zeros(8 * 40 + 1, np.uint8)[1:].view(float)
    raw[:] = 1.5
    layout = {
        "transposed": x.T, "backward": x[::-1, ::-2], "apart": x[1:, :, ::3], "unaligned": raw,
        "repeated": np.broadcast_to(x[:1], x.shape), "swapped": x.astype(">f8"),
    }[name]  # fmt: skip
    checked(lambda x: (x * 2 + np.sum(x, axis=-1, keepdims=True), np.sin(x)), layout)


def padded(x):
    """Zeros around it, which are nowhere in memory."""
    return dz.vjp(lambda z: z[1:-1, 2:], np.zeros((len(x) + 2, x.shape[1] + 2)))[1](x)[0]


PADDED = {
    "alone": lambda p: p,
    "reduced": lambda p: (np.sum(p, 0), np.max(p, 1), np.argmin(p), np.var(p)),
    "running": lambda p: (np.cumsum(p, 1), np.cumprod(p + 1, 0)),
    "joined": lambda p: (np.concatenate([p, p]), np.stack([p, p], 1), np.roll(p, 1)),
    "seen": lambda p: (p[1:], p[::-1, ::2], p[0, 0], p.T.reshape(-1)),
    "gathered": lambda p: (p[[0, -1, 1]], p[:, [1, 1]], np.repeat(p, 2, 0)),
    "multiplied": lambda p: p @ p.T,
    "again": padded,
    "broadcast": lambda p: p[:, None] * p[None],
    "carried": lambda p: dz.fori_loop(0, 2, lambda i, y: y * p + i, p),
    "scanned": lambda p: dz.scan(lambda c, row: (c + row, c * row), p[0], p),
}


@pytest.mark.parametrize("name", PADDED)
def test_padded(name):
    for shape in ((5, 6), (17, 33), (2, 40)):
        checked(lambda x: [PADDED[name](padded(x)), padded(x)], RNG.normal(size=shape))


def written_over(x):
    z = x * 1
    z[::2] = x[::2] * 3
    w = z * 1
    w[:, ::-1] = z
    z[0] = w[0]
    z[1:] = z[:-1] * 1
    a = np.sum(z, 0)
    z[:] = z * a
    return z, w, a, z[[0, -1]]


def long(x):
    """More steps than are written twice."""
    y = x
    for _ in range(30):
        y = y * 0.9 + x * 0.1 + np.tanh(y) * 0.01
    last = y[:, ::-1] + padded(x)[1:-1, 2:] * y
    return y, np.sum(y, 0), np.max(y, 1), np.cumsum(y, 1), last, np.argmax(y, 1), y[[0, 1]], y > 0


@pytest.mark.parametrize("f", [written_over, long])
def test_of_all_that_is_in_memory(f):
    for shape in ((5, 6), (17, 33), (40, 2)):
        x = RNG.normal(size=shape)
        checked(f, x)
        checked(dz.grad(lambda x: sum(np.sum(y * y) for y in f(x)[:3])), x)


# ---- loops ----


def halved(x, most):
    return dz.while_loop(lambda z: np.sum(z * z) > most, lambda z: z * 0.5, x)


BODIES = {
    "swap": lambda _i, ab: (ab[1], ab[0]),
    "turn": lambda i, ab: (ab[1] + i, ab[0] * 0.5),
    "same": lambda _i, ab: ab,
    "twice": lambda _i, ab: (ab[1], ab[1]),
    "constant": lambda _i, ab: (np.ones(ab[0].shape), ab[0]),
    "backward": lambda _i, ab: (ab[1][::-1], ab[0] + 1),
    "loop": lambda i, ab: dz.fori_loop(0, i, lambda _j, cd: (cd[1], cd[0]), ab),
    "branch": lambda i, ab: dz.cond(np.sum(ab[0]) > i, lambda c: (c[1], c[1]), lambda c: c, ab),
    "scan": lambda _i, ab: (dz.scan(lambda c, x: (c + x, c * x), ab[0][0], ab[1])[1], ab[0]),
    "while": lambda i, ab: (halved(ab[1], i * i + 1), ab[0]),
    "product": lambda _i, ab: (np.tanh(ab[0] @ ab[1].T @ ab[0]), ab[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("shape", [(2, 2), (5, 4)])
def test_carries(name, shape):
    x = RNG.normal(size=shape)
    for lo, hi in ((0, 3), (3, 0), (-2, 2)):
        f = lambda x, s=(lo, hi): dz.fori_loop(*s, BODIES[name], (x, x * 2))  # noqa: E731
        checked(f, x, others=[(-x,)])
        if name != "while":
            checked(dz.grad(lambda x: np.sum(f(x)[0] * x)), x)  # noqa: B023


@pytest.mark.parametrize("dtype", ["i8", "i4", "i1", "u1"])
def test_bounds_of_loops(dtype):
    x, k = RNG.normal(size=7), np.array([9, 1, 3, 7], dtype)
    body = lambda i, y: y * 0.5 + i  # noqa: E731
    checked(lambda x, k: dz.fori_loop(k[1], k[2], body, x), x, k, others=[(x, k[::-1].copy())])
    checked(lambda x, k: dz.fori_loop(0, k, body, x), x, k[2], others=[(x, k[1] * 0)])


# ---- guards ----


def test_what_can_fail_stays_behind_guards():
    """A guard that NumPy decides, before what fails on the other path, or never ends there."""

    def f(x, y):
        if np.sum(np.linalg.svd(x)[1]) > 1:
            return np.sum(np.linalg.eigh(y)[0])
        return np.sum(y)

    def g(x, y):
        if np.sum(np.linalg.svd(x)[1]) > 1:
            return dz.while_loop(lambda z: np.sum(z) > 0, lambda z: z * y[0, 0], y)
        return y

    one = np.eye(3)
    for each, bad in ((f, np.nan * one), (g, one)):
        run = compiled(with_kernels(simplified(trace(each)(one, -one))))
        near(run(one, -one), [each(one, -one)])
        with pytest.raises(OtherPath):
            run(0 * one, bad)


# ---- threads ----


@pytest.mark.parametrize("count", [1, 3, 7])
def test_threads(monkeypatch, count):
    """As if all nests had enough to do."""
    monkeypatch.setattr(threads, "ENOUGH", 1)
    before = dz.get_num_threads()
    dz.set_num_threads(count)
    try:
        for name in WHOLE.keys() - {"repeat some", "assignment"}:
            close = 1e-6 if name == "small floats" else 1e-12
            for shape in ((37, 41), (5, 100)):
                checked(WHOLE[name], RNG.normal(size=shape), close=close)
        for n in (0, 1, 31, 32, 33, 63, 64, 65, 500):
            checked(lambda x: (np.sum(x * x), x + 1, np.max(x, initial=0.0)), RNG.normal(size=n))
    finally:
        dz.set_num_threads(before)


# ---- memory ----


def apart(stages):
    """A plan in which no two share memory."""
    PLANNED(stages)
    touched = {b for stage in stages for p in stage.touched for b in program.memory_of(p.buffer)}
    end = 0
    for each in (b for b in touched if b.role == "work"):
        each.number = end
        end += -(-each.bytes // program.ALIGNED) * program.ALIGNED
    return end


PLANNED = program.planned


@settings(MANY, max_examples=30)
@given(**PROGRAMS | {"shapes": PROGRAMS["shapes"].map(lambda _: ((5, 2, 3), (5, 2, 3)))})
def test_what_shares_memory_is_never_needed_at_once(calls, shapes, seed):
    xs = arrays_of(shapes, seed)
    with np.errstate(all="ignore"):
        graph = simplified(trace(dz.grad(loss(Program(calls)), (0, 1)))(*xs))
        expected = compiled(with_kernels(graph))(*xs)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program, "planned", apart)
            found = compiled(with_kernels(graph))(*xs)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


EARLY = {
    "fori_loop": lambda x: dz.fori_loop(0, 3, lambda _i, y: np.tanh(y) * x, x),
    "swapped": lambda x: dz.fori_loop(0, 3, lambda _i, ab: (ab[1], ab[0] + x), (x, x * 2))[0],
    "while_loop": lambda x: halved(x, 0.1),
    "scan": lambda x: dz.scan(lambda c, row: (c + row, c * row), x[0], x)[1],
    "nested": lambda x: dz.fori_loop(0, 2, lambda _i, y: EARLY["swapped"](y * x), x),
    "cond": lambda x: dz.cond(np.sum(x) > 0, np.cumsum, lambda x: x.reshape(-1), x).reshape(
        x.shape
    ),
}


@pytest.mark.parametrize("name", EARLY)
def test_what_is_read_late_is_still_there(name):
    """What a loop gives is read when much has been written since."""

    def f(x):
        early, y = EARLY[name](x), x
        for _ in range(4):
            y = np.cumsum(y, 0) - np.sum(y)
        return np.cumsum(early, 1) * y[::-1]

    checked(f, RNG.normal(size=(5, 6)))


def guarded(at_end):
    """A kernel's call with each array in pages of its own."""

    def call(self, *arrays):
        memory = Memory(at_end)
        values = zip(arrays, self.graph.inputs, strict=True)
        given = [memory.copy(np.require(x, v.dtype, ("C", "A"))) for x, v in values]
        outs = [memory.copy(np.zeros(y.shape, y.dtype)) for y in self.graph.outputs]
        pointers = [*given, *outs, *map(memory.copy, self.constants)]
        pointers = [x.__array_interface__["data"][0] for x in pointers]
        status = self.function((ctypes.c_void_p * len(pointers))(*pointers))
        assert status == 0
        return tuple(x.copy() for x in outs)

    return call


def in_pages():
    """What reads and writes in all ways, of many lengths; a byte beyond an array is a crash."""
    for at_end, n in itertools.product((True, False), range(0, 71, 1 if EVERY else 10)):
        Kernel.__call__ = guarded(at_end)
        k = np.arange(n)[::-1].copy()
        for dtype in ("f8", "f4", "i4", "i1", "b1"):
            x = (RNG.normal(size=(3, n)) * 40).astype(dtype)
            close = 1e-5 if dtype == "f4" else 1e-12
            checked(lambda x, k: (x[0, 1:], x[:, ::-2], x.T, x[1][k], np.any(x, 0)), x, k)
            checked(lambda x: [np.cumsum(x, 0), np.cumsum(x, 1), np.sum(x, 1)], x, close=close)
            checked(lambda x: [np.concatenate([x, x], 1)[:, 1::2], np.roll(x, 2)], x)
            if n:
                checked(lambda x: [np.max(x, 0), np.argmax(x, 1)], x)
        x = RNG.normal(size=(3, n))
        checked(dz.grad(lambda x: np.sum(np.diff(x) ** 2) + np.sum(np.pad(x * x, 3))), x)
        checked(dz.grad(lambda x, k: np.sum(x[:, k] ** 2 * x[1:2])), x, k)
        checked(lambda x, m: np.sum(np.where(m, x, x[::-1]), 0), x, x > 0)
    for f in WHOLE.values() if EVERY else ():
        checked(f, RNG.normal(size=(5, 6)), close=1e-6)


def test_no_byte_out_of_bounds():
    command = [sys.executable, __file__]
    where = os.path.dirname(__file__)
    done = subprocess.run(command, cwd=where, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


if __name__ == "__main__":
    in_pages()
