"""Transforms of transforms, over every row of the table.

Each operator takes a function of arrays to another function of the same arrays, and has a plain
counterpart that does not differentiate, map or record: differences, loops, or nothing. A pair
``outer(inner(f))`` must be what the plain counterpart of `outer` makes of ``inner(f)``. The rows
stand for all programs: each row that is added to `cases.py` joins.
"""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st

import dezero as dz
from dezero.testing import STEP, difference, steadiest

SCALES = (1.0, 0.999)


def leading(cases):
    """Of a row: its first case with several numbers that are all real, else its first case."""
    usable = [case for case in cases if all(x.dtype.kind == "f" for x in case.args)]
    full = [case for case in usable if all(1 < x.size < 20 for x in case.args)]
    return (full or [case for case in usable if all(x.size for x in case.args)] or usable)[0]


ROWS = {title: leading(cases) for title, cases in CASES.items()}


def directions(xs, seed):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=np.shape(x))) for x in xs]


def flat(ys):
    """The arrays of a result, one after the other."""
    return list(ys) if isinstance(ys, (list, tuple)) else [ys]


# ---- operators: f is a function of arrays that returns a list of them, and so is the result ----


def jvp(f):
    return lambda *xs: dz.jvp(f, xs, tuple(directions(xs, 1)))[1]


def vjp(f):
    def pulled(*xs):
        ys, pullback = dz.vjp(f, *xs)
        return list(pullback(directions(ys, 2)))

    return pulled


def vmap(f):
    return lambda *xs: dz.vmap(f)(*(np.stack([x * s for s in SCALES]) for x in xs))


def jacobian(f):
    return lambda *xs: [
        block for row in dz.jacobian(f, tuple(range(len(xs))))(*xs) for block in row
    ]


def custom_vjp(f):
    """The function's own reverse rule, given by hand; its forward rule is derived."""
    return dz.custom_vjp(f, lambda gys, _ys, *xs: dz.vjp(f, *xs)[1](gys))


def custom_jvp(f):
    return dz.custom_jvp(f, lambda txs, _ys, *xs: dz.jvp(f, xs, txs)[1])


def scan(f):
    """Two steps, of which the second has other numbers."""

    def scanned(*xs):
        step = lambda c, s: (c, f(*(x * s for x in c)))  # noqa: E731
        return dz.scan(step, list(xs), np.array(SCALES), checkpoint=True)[1]

    return scanned


def taylor(f):
    """Coefficients 0, 1 and 2 along a direction, one after the other."""

    def found(*xs):
        c = dz.taylor(lambda xs: f(*xs), xs, 2, tuple(directions(xs, 1)))
        return list(itertools.chain(*map(flat, c)))

    return found


OPERATORS = {
    "jvp": jvp,
    "vjp": vjp,
    "vmap": vmap,
    "jacobian": jacobian,
    "custom_vjp": custom_vjp,
    "custom_jvp": custom_jvp,
    "checkpoint": dz.checkpoint,
    "scan": scan,
    "taylor": taylor,
}

# ---- what each is without derivatives: scalars or arrays to compare, from both sides ----


def slopes(f, xs, txs):
    """The derivative along a direction, by differences."""
    return difference(lambda *a: values(f, a), xs, txs, STEP)


def values(f, xs):
    with dz.no_grad():
        return [np.asarray(y) for y in flat(f(*xs))]


def check_jvp(f, xs, rtol):
    agree(values(jvp(f), xs), lambda how: how(f, xs, directions(xs, 1)), rtol)


def check_vjp(f, xs, rtol):
    """⟨gx, t⟩ is ⟨gy, J t⟩ for a random t."""
    ts, gys = directions(xs, 3), directions(values(f, xs), 2)
    inner = sum(np.sum(g * t) for g, t in zip(values(vjp(f), xs), ts, strict=True))

    def outer(how):
        return [sum(np.sum(np.real(g * ty)) for g, ty in zip(gys, how(f, xs, ts), strict=True))]

    agree([inner], outer, rtol)


def check_vmap(f, xs, _rtol):
    each = [values(f, [x * s for x in xs]) for s in SCALES]
    for found, members in zip(values(vmap(f), xs), zip(*each, strict=True), strict=True):
        np.testing.assert_allclose(found, np.stack(members), 1e-11, 1e-11)


def check_jacobian(f, xs, rtol):
    """Along a random direction."""
    ts, ys = directions(xs, 4), values(f, xs)
    blocks = values(jacobian(f), xs)
    moved = [
        sum(
            np.tensordot(block, t, t.ndim)
            for block, t in zip(blocks[k * len(xs) : (k + 1) * len(xs)], ts, strict=True)
        )
        for k in range(len(ys))
    ]
    agree(moved, lambda how: how(f, xs, ts), rtol)


def check_same(transform):
    def check(f, xs, _rtol):
        for a, b in zip(values(transform(f), xs), values(f, xs), strict=True):
            np.testing.assert_array_equal(a, b)

    return check


def check_scan(f, xs, _rtol):
    each = [values(f, [x * s for x in xs]) for s in SCALES]
    for found, steps in zip(values(scan(f), xs), zip(*each, strict=True), strict=True):
        np.testing.assert_allclose(found, np.stack(steps), 1e-11, 1e-11)


def check_taylor(f, xs, rtol):
    """The value, the derivative along the direction, and half of the derivative of that."""
    ts = directions(xs, 1)
    c, n = values(taylor(f), xs), len(values(f, xs))
    for value, found in zip(values(f, xs), c[:n], strict=True):
        np.testing.assert_allclose(found, value, 1e-12, 1e-12)
    agree(c[n : 2 * n], lambda how: how(f, xs, ts), rtol)
    agree([2 * each for each in c[2 * n :]], lambda how: how(jvp(f), xs, ts), rtol)


CHECKS = {
    "jvp": check_jvp,
    "vjp": check_vjp,
    "vmap": check_vmap,
    "jacobian": check_jacobian,
    "custom_vjp": check_same(custom_vjp),
    "custom_jvp": check_same(custom_jvp),
    "checkpoint": check_same(dz.checkpoint),
    "scan": check_scan,
    "taylor": check_taylor,
}


def agree(found, expected, rtol):
    """Within the tolerance of differences, at the usual step or at the steadiest."""

    def close(how):
        pairs = list(zip(found, expected(how), strict=True))
        size = max((np.max(np.abs(b), initial=0.0) for _, b in pairs), default=0.0)
        floor = max(min(1.0, size), 1e-4)  # what differences of numbers of size 1 can tell from 0
        return all(
            np.all(np.abs(a - b) <= rtol * np.maximum(np.abs(b), floor + 0.01 * size))
            for a, b in pairs
        )

    steady = lambda f, xs, ts: steadiest(lambda *a: values(f, a), list(xs), ts)  # noqa: E731
    if not close(slopes) and not close(steady):
        pairs = [(a, b) for a, b in zip(found, expected(slopes), strict=True)]
        pytest.fail("\n".join(f"{a}\nwhere differences say\n{b}" for a, b in pairs))


def nested(names, f):
    for name in reversed(names):
        f = OPERATORS[name](f)
    return f


def listed(case):
    return lambda *xs: flat(case.call(*xs))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("outer", OPERATORS)
def test_pairs(outer, row):
    case = ROWS[row]
    for inner in OPERATORS.values():
        CHECKS[outer](inner(listed(case)), list(case.args), case.rtol or 1e-7)


THREE = ["jvp", "vjp", "vmap"]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("outer", THREE)
def test_triples(outer, row):
    case = ROWS[row]
    for inner in itertools.product(THREE, repeat=2):
        CHECKS[outer](nested(inner, listed(case)), list(case.args), case.rtol or 1e-7)


# ---- several threads at once ----


def everything(seed):
    """A value of each transform, with numbers of its own."""
    rng = np.random.default_rng(seed)
    x, a = rng.normal(size=3), rng.normal(size=(3, 3)) * 0.3 + np.eye(3)

    def f(x):
        return np.sum(np.tanh(a @ x) ** 2) + np.sum(x**4)

    square = dz.custom_vjp(lambda x: x * x, lambda g, _y, x: 2 * g * x)
    steps = lambda x: dz.scan(lambda c, b: (np.sin(c @ a) + b, c), x, a, checkpoint="binomial")  # noqa: E731
    found = []
    for _ in range(3):
        found += [
            dz.hessian(f)(x),
            dz.vmap(dz.grad(f))(a),
            dz.jacobian(dz.grad(f), mode="reverse")(x),
            dz.grad(lambda x: np.sum(dz.vmap(square)(x)))(x),
            dz.jvp(square, (x,), (x,))[1],
            *dz.taylor(f, x, 4),
            dz.grad(lambda x: np.sum(steps(x)[1]))(x),
            dz.grad(lambda x: f(dz.checkpoint(np.sin)(x)))(x),
            dz.jacobian(lambda b: dz.root(lambda y, b: a @ y + y**3 - b, x, b))(x),
            dz.linearize(f, x)[1](x),
        ]
    return found


def test_eight_threads_give_what_each_gives_alone():
    alone = [everything(seed) for seed in range(8)]
    start = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: (start.wait(), everything(seed))[1], range(8)))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


# ---- any case of any row, under any nest of operators ----

REAL = [
    case
    for cases in CASES.values()
    for case in cases
    if all(x.dtype.kind == "f" and x.size for x in case.args) and not case.rtol
]
NESTABLE = ["jvp", "vjp", "vmap", "custom_vjp", "custom_jvp", "checkpoint", "taylor"]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from(REAL),
    st.lists(st.sampled_from(NESTABLE), min_size=1, max_size=2),
    st.sampled_from(["jvp", "vjp", "vmap"]),
)
def test_any_case_under_any_nest(case, inner, outer):
    CHECKS[outer](nested(inner, listed(case)), list(case.args), 1e-6)
