"""Passes, each by itself: what they make of small programs, and how much arithmetic is left."""

import numpy as np
import pytest
from counting import arithmetic
from test_ir import rosenbrock, same

import dezero as dz
from dezero.ir import Guard, simplified, trace
from dezero.ir.passes import FOR_MACHINES
from dezero.ir.passes.algebra import algebra
from dezero.ir.passes.broadcasts import late_broadcasts
from dezero.ir.passes.loops import unread
from dezero.ir.passes.sharing import common_subexpressions, constants, dead_code
from dezero.ir.passes.strength import quotients, strength
from dezero.ir.passes.views import late_views

RNG = np.random.default_rng(0)
X, Y, M = np.array([1.5, -2.0, 3.0]), np.array([0.5, 4.0, -1.0]), RNG.normal(size=(2, 3))
C = M * (1 + 2j)
N = np.arange(3)
W = np.asfortranarray(M)


TABLE = [
    # units and opposites
    (algebra, lambda x: 1 * x + 0, (X,), ["v1 = x + 0"]),  # -0.0 + 0 is 0.0
    (algebra, lambda x: x - 0.0, (X,), []),
    (algebra, lambda x: x - -0.0, (X,), ["v1 = x - -0.0"]),
    (algebra, lambda x: x / 1 * -1, (X,), ["v1 = -x"]),
    (algebra, lambda x: np.negative(-x), (X,), ["v1 = -x"]),
    (algebra, lambda z: 1 * z, (C,), ["v1 = 1 * z"]),  # 1 * (inf + 0i) has a NaN
    (algebra, lambda x: x**2 + x**1, (X,), ["v1 = square(x)", "v2 = v1 + x"]),
    (algebra, lambda n: n * 1.0, (N,), ["v1 = n * 1.0"]),  # makes them floating
    (algebra, lambda x: np.real(x) + np.conjugate(x), (X,), ["v1 = x + x"]),
    (algebra, lambda x: np.where(x > 0, x, x), (X,), ["v1 = x > 0"]),
    (
        algebra,
        lambda x: (dz.stop_gradient(x) > 0) != 0,
        (X,),
        ["v1 = stop_gradient(x)", "v2 = x > 0"],
    ),
    (algebra, lambda n: dz.stop_gradient(n) + 1, (N,), ["v1 = n + 1"]),
    # factors
    (strength, lambda x: 100.0 * (2 * x), (X,), ["v1 = 2 * x", "v2 = 200.0 * x"]),
    (strength, lambda x: 2 * (3 * x), (X,), ["v1 = 3 * x", "v2 = 6 * x"]),
    (strength, lambda x: 2 * (0.3 * x), (X,), ["v1 = 0.3 * x", "v2 = 2 * v1"]),  # near 0
    (strength, lambda x: 0.1 * (2 * x), (X,), ["v1 = 2 * x", "v2 = 0.1 * v1"]),  # near the end
    (strength, lambda x: 3 * (5 * x), (X,), ["v1 = 5 * x", "v2 = 3 * v1"]),  # rounded twice
    (strength, lambda x: 1e300 * (2 * (1e8 * x)), (X,), ["v1 = 100000000.0 * x",
        "v2 = 200000000.0 * x", "v3 = 1e+300 * v2"]),
    (strength, lambda n: 2 * (3 * n), (N,), ["v1 = 3 * n", "v2 = 2 * v1"]),
    (strength, lambda x: x + x, (X,), ["v1 = 2 * x"]),
    (strength, lambda x: -(3 * x), (X,), ["v1 = 3 * x", "v2 = -3 * x"]),
    (strength, lambda x: 3 * -x, (X,), ["v1 = -x", "v2 = -3 * x"]),
    (quotients, lambda x: x / 4 + x / 3, (X,), ["v1 = 0.25 * x", "v2 = x / 3", "v3 = v1 + v2"]),
    (quotients, lambda x: x / 2.0**1023 / 2, (X,), ["v1 = x / 8.98846567431158e+307",
        "v2 = 0.5 * v1"]),
    # signs
    (strength, lambda x, y: x + -y, (X, Y), ["v1 = -y", "v2 = x - y"]),
    (strength, lambda x, y: -x + y, (X, Y), ["v1 = -x", "v2 = y - x"]),
    (strength, lambda x, y: x - -y, (X, Y), ["v1 = -y", "v2 = x + y"]),
    (strength, lambda x, y: -x * -y, (X, Y), ["v1 = -x", "v2 = -y", "v3 = x * y"]),
    (strength, lambda x, y: x + -x * y, (X, Y), ["v1 = -x", "v2 = x * y", "v3 = -v2",
        "v4 = x - v2"]),
    (strength, lambda x, y: np.sin(-x * y), (X, Y), ["v1 = -x", "v2 = v1 * y", "v3 = sin(v2)"]),
    (strength, lambda x, y: -(-x / y), (X, Y), ["v1 = -x", "v2 = x / y", "v3 = -v2"]),
    (strength, lambda n: n + -n, (N,), ["v1 = -n", "v2 = n + v1"]),  # they wrap around
    # broadcasts
    (late_broadcasts, lambda x, m: np.broadcast_to(x, (2, 3)) * m, (X, M),
        ["v1 = broadcast_to(x, shape=(2, 3))", "v2 = x * m"]),
    (late_broadcasts, lambda x, m: np.broadcast_to(x, (2, 3)) * 2 - m, (X, M),
        ["v1 = broadcast_to(x, shape=(2, 3))", "v2 = x * 2",
         "v3 = broadcast_to(v2, shape=(2, 3))", "v4 = v2 - m"]),
    (late_broadcasts, lambda x, w: np.broadcast_to(x, (2, 3)) * 2 - w, (X, W),
        ["v1 = broadcast_to(x, shape=(2, 3))", "v2 = v1 * 2", "v3 = v2 - w"]),  # by columns
    (late_broadcasts, lambda x: np.sum(np.broadcast_to(x, (2, 3)) * 2), (X,),
        ["v1 = broadcast_to(x, shape=(2, 3))", "v2 = v1 * 2", "v3 = sum(v2)"]),  # in what order
    (late_broadcasts, lambda x: np.exp(np.broadcast_to(x, (2, 3))) - 1, (X,),
        ["v1 = broadcast_to(x, shape=(2, 3))", "v2 = exp(v1)", "v3 = v2 - 1"]),
    (late_broadcasts, lambda x: np.ones(3) / x, (X,), ["v1 = 1.0 / x"]),
    (late_broadcasts, lambda x: x ** np.full(3, 2.0), (X,), ["v1 = x ** [2., 2., 2.]"]),
    (late_broadcasts, lambda x, m: x[None] + m, (X, M), ["v1 = x[None]", "v2 = v1 + m"]),
    (late_broadcasts, lambda x, m: x.reshape(1, 3) + m, (X, M),
        ["v1 = reshape(x, shape=(1, 3))", "v2 = x + m"]),
    # views
    (late_views, lambda m: np.swapaxes(m.T, 0, 1), (M,), ["v1 = transpose(m)"]),
    (late_views, lambda m: 2 * m.T, (M,), ["v1 = transpose(m)", "v2 = 2 * m",
        "v3 = transpose(v2)"]),
    (late_views, lambda m: np.tanh(m.T).T, (M,), ["v1 = transpose(m)", "v2 = tanh(m)",
        "v3 = transpose(v2)"]),
    (late_views, lambda m: np.sum(m.T, axis=0), (M,), ["v1 = transpose(m)", "v2 = sum(m, axis=1)"]),
    (late_views, lambda m: np.sum(m.T), (M,), ["v1 = transpose(m)", "v2 = sum(m)"]),
    (late_views, lambda m: np.einsum("ij,j->i", m.T, m[:, 0]), (M,), ["v1 = transpose(m)",
        "v2 = m[:, 0]", "v3 = einsum(m, v2, subscripts='ji,j->i', optimize=False)"]),
    (late_views, lambda m: m.reshape(2, 1, 3).reshape(6), (M,),
        ["v1 = reshape(m, shape=(2, 1, 3))", "v2 = reshape(m, shape=(6,))"]),
    (late_views, lambda m: m.reshape(6).reshape(2, 3), (M,),
        ["v1 = reshape(m, shape=6)", "v2 = reshape(v1, shape=(2, 3))"]),  # may copy
    (late_views, lambda x: np.sqrt(x.reshape(3, 1)), (Y**2,), ["v1 = reshape(x, shape=(3, 1))",
        "v2 = sqrt(x)", "v3 = reshape(v2, shape=(3, 1))"]),
    # loops
    (unread, lambda m: dz.scan(lambda c, r: (c + r, c * r), m[0], m)[0], (M,),
        ["v1 = m[0]", "v2 = scan(v1, m, length=2)", "    body(c, r):", "        v1 = c + r",
         "        return v1"]),
    (unread, lambda x, y: dz.fori_loop(0, 3, lambda _i, ab: (ab[0] * 2, ab[1] + y), (x, x))[0],
        (X, Y), ["v1 = fori_loop(0, 3, x)", "    body(_i, ab_0):", "        v1 = ab_0 * 2",
                 "        return v1"]),
    (unread, lambda x, y: dz.fori_loop(0, 3, lambda _i, ab: (ab[1], ab[0] * 2), (x, y))[0],
        (X, Y), ["v1, v2 = fori_loop(0, 3, x, y)", "    body(_i, ab_0, ab_1):",
                 "        v1 = ab_0 * 2", "        return ab_1, v1"]),  # each needs the other
    (unread, lambda x: dz.while_loop(
        lambda ab: np.sum(ab[1]) > 9, lambda ab: (ab[0] * 2, ab[1] * 0), (x, x * 3)
    )[1], (X,), ["v1 = x * 3", "v2 = while_loop(v1)", "    cond(ab_1):",
        "        v1 = sum(ab_1)", "        v2 = v1 > 9", "        return v2", "    body(ab_1):",
        "        v1 = ab_1 * 0", "        return v1"]),
    (unread, lambda x, y: dz.cond(np.sum(x) > 0, lambda: (x * 2, y), lambda: (x, x * 3))[0], (X, Y),
        ["v1 = sum(x)", "v2 = v1 > 0", "v3 = stop_gradient(v2)", "v4 = cond(v3, x)", "    yes(x):",
         "        v1 = x * 2", "        return v1", "    no(x):", "        return x"]),
    # what is computed once, or not at all
    (common_subexpressions, lambda x: x * 2 + 2.0 * x, (X,), ["v1 = x * 2", "v2 = v1 + v1"]),
    (common_subexpressions, lambda x, y: x - y + (y - x), (X, Y),
        ["v1 = x - y", "v2 = y - x", "v3 = v1 + v2"]),
    (common_subexpressions, lambda n: n * 2 + n * 2.0, (N,),
        ["v1 = n * 2", "v2 = n * 2.0", "v3 = v1 + v2"]),
    (dead_code, lambda x: (np.sin(x), np.cos(x))[1], (X,), ["v1 = cos(x)"]),
    (constants, lambda x: x + dz.stop_gradient(X) * 2, (X,), ["v1 = x + [ 3., -4.,  6.]"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "f", "args", "after"), TABLE)
def test_what_a_pass_makes_of_a_program(one, f, args, after):
    """These equations, and a second time there is nothing to do."""
    with np.errstate(all="ignore"):
        graph = trace(f)(*args)
        found = one(graph).verify()
        assert str(found).splitlines() == after
        assert one(found) is found


SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    5e-324,
    1.5e-323,
    -2.2e-308,
    1.7e308,
    -9e307,
    1.1,
    3.0,
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("one", "f", "args"), [row[:3] for row in TABLE])
def test_passes_hold_for_every_number(one, f, args, dtype):
    """To the bit, at both ends of the range, for infinities, NaN and negative zeros."""
    if any(x.dtype.kind != "f" for x in args):
        return
    rng = np.random.default_rng(3)
    with np.errstate(all="ignore"):
        ends = np.finfo(dtype)
        numbers = np.array([*SPECIAL, ends.max, ends.tiny, ends.smallest_subnormal], dtype)
        for _ in range(5):
            xs = [rng.choice(numbers, x.shape) for x in args]
            found, expected = simplified(one(trace(f)(*xs)), FOR_MACHINES)(*xs), f(*xs)
            same(found, expected)
            signs = [np.signbit(y) & ~np.isnan(y) for y in (found, expected)]  # NaN has none
            np.testing.assert_array_equal(*signs, str(xs))


# ---- no more arithmetic than a careful person ----


def rosenbrock_slope(x):
    s, left = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    g = dz.numpy.zeros(x.shape)
    g[1:] = 200 * s
    g[:-1] -= 400 * s * x[:-1] + 2 * left
    return g


def rosenbrock_both(x):
    s, left = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    return np.sum(100 * s**2 + left**2), rosenbrock_slope(x)


def rosenbrock_curved(x, t):
    s, ts = x[1:] - x[:-1] ** 2, t[1:] - 2 * t[:-1] * x[:-1]
    g = dz.numpy.zeros(x.shape)
    g[1:] = 200 * ts
    g[:-1] -= 400 * ts * x[:-1] + 400 * s * t[:-1]
    g[:-1] += 2 * t[:-1]
    return g


def network(w1, b1, w2, b2, x, y):
    return np.mean((np.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2)


def network_both(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    error = h @ w2 + b2 - y
    g = 2 / error.size * error
    inner = g @ w2.T * (1 - h**2)
    slopes = x.T @ inner, np.sum(inner, 0), h.T @ g, np.sum(g, 0)
    return np.mean(error**2), slopes


def margins(w, x, y):
    return np.sum(np.log(1 + np.exp(-y * (x @ w))))


def margins_both(w, x, y):
    e = np.exp(-y * (x @ w))
    return np.sum(np.log(1 + e)), x.T @ (-y * e / (1 + e))


def filtered(w, x):
    return np.sum(np.tanh(w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:]) ** 2)


def filtered_both(w, x):
    y = np.tanh(w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:])
    g = 2 * y * (1 - y**2)
    gx = dz.numpy.zeros(x.shape)
    gx[:-2] = g * w[0]
    gx[1:-1] += g * w[1]
    gx[2:] += g * w[2]
    gw = np.stack([np.sum(g * x[:-2]), np.sum(g * x[1:-1]), np.sum(g * x[2:])])
    return np.sum(y**2), (gw, gx)


def spread(x):
    return np.var(x)


def spread_both(x):
    return np.var(x), 2 / x.size * (x - np.mean(x))


def orbit(y, rate):
    """A step of Runge and Kutta's, of a pendulum's equation in its angle's rate."""
    k1 = -np.sin(y) * rate
    k2 = -np.sin(y + 0.05 * k1) * rate
    k3 = -np.sin(y + 0.05 * k2) * rate
    k4 = -np.sin(y + 0.1 * k3) * rate
    return np.sum((y + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)) ** 2)


def orbit_both(y, rate):
    s1 = np.sin(y)
    k1 = -s1 * rate
    y2 = y + 0.05 * k1
    s2 = np.sin(y2)
    k2 = -s2 * rate
    y3 = y + 0.05 * k2
    s3 = np.sin(y3)
    k3 = -s3 * rate
    y4 = y + 0.1 * k3
    s4 = np.sin(y4)
    k4 = -s4 * rate
    end = y + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    g = 2 * end
    g1 = 0.1 / 6 * g
    g2 = 2 * g1
    d4 = g1 * rate * np.cos(y4)
    g3 = g2 - 0.1 * d4
    d3 = g3 * rate * np.cos(y3)
    g2 = g2 - 0.05 * d3
    d2 = g2 * rate * np.cos(y2)
    g1 = g1 - 0.05 * d2
    d1 = g1 * rate * np.cos(y)
    grate = -np.sum(g1 * s1) - np.sum(g2 * s2) - np.sum(g3 * s3) - np.sum((0.1 / 6) * g * s4)
    return np.sum(end**2), (g - d4 - d3 - d2 - d1, grate)


def normal(*shape):
    return RNG.normal(size=shape)


CAREFUL = {
    "Rosenbrock": (dz.grad(rosenbrock), rosenbrock_slope, (normal(10),)),
    "Rosenbrock and its value": (dz.value_and_grad(rosenbrock), rosenbrock_both, (normal(10),)),
    "Rosenbrock's second derivative": (
        lambda x, t: dz.hvp(rosenbrock, (x,), (t,)),
        rosenbrock_curved,
        (normal(10), normal(10)),
    ),
    "two-layer network": (
        dz.value_and_grad(network, (0, 1, 2, 3)),
        network_both,
        (normal(3, 4), normal(4), normal(4, 2), normal(2), normal(5, 3), normal(5, 2)),
    ),
    "logistic regression": (
        dz.value_and_grad(margins),
        margins_both,
        (normal(3), normal(20, 3), np.sign(normal(20))),
    ),
    "filter": (dz.value_and_grad(filtered, (0, 1)), filtered_both, (normal(3), normal(20))),
    "variance": (dz.value_and_grad(spread), spread_both, (normal(20),)),
    "Runge-Kutta": (dz.value_and_grad(orbit, (0, 1)), orbit_both, (normal(20), np.array(0.7))),
}


@pytest.mark.parametrize(("derivative", "by_hand", "args"), CAREFUL.values(), ids=CAREFUL)
def test_no_more_arithmetic_than_by_hand(derivative, by_hand, args):
    found, careful = trace(derivative)(*args), trace(by_hand)(*args)
    for a, b in zip(flat_of(found(*args)), flat_of(careful(*args)), strict=True):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10)
    found = simplified(found)
    assert arithmetic(found) <= arithmetic(careful), f"{found}\n\n{careful}"


def flat_of(results):
    return dz.trees.flatten(results)[0]


# ---- what is asked on the way back ----


def chosen(x):
    return np.sum(np.where(x > 0, np.log(x) * np.sqrt(np.abs(x)), 0.0))


def cut_out(x):
    return np.sum((x[1:] ** 0.5 * np.log(x[1:]))[1:]) + np.max(1 / x)


POINTS = [[1, 2, 3], [0, 2, 3], [1, 0, 3], [np.nan, 1, 2], [-1, 2, 0], [0, 0, 0], [np.inf, 1, 1]]


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("f", [chosen, cut_out])
@pytest.mark.parametrize("derive", [dz.grad, dz.hessian, lambda f: dz.jacobian(dz.grad(f))])
def test_what_was_not_taken_does_not_count_in_a_replay(f, derive, backend):
    """Whatever came up when it was traced: ``0 * inf``, a NaN of the data's, or nothing."""
    if backend == "llvm":
        pytest.importorskip("llvmlite", reason="machine code is an extra")
    slope = derive(f)
    replayed = dz.jit(slope, backend=backend)
    with np.errstate(all="ignore"):
        for point in POINTS * 2:
            x = np.array(point, float)
            same(replayed(x), slope(x), exact=backend == "numpy")


def test_one_question_for_all_steps_back():
    def f(x):
        for _ in range(5):
            x = np.stack([np.sin(x[0]) * x[1], x[0] / x[1]])
        return np.sum(x)

    graph = trace(dz.grad(f))(np.array([0.5, 2.0]))
    assert sum(isinstance(step, Guard) for step in graph.steps) == 1


def test_the_conjugate_of_truths_is_a_number():
    graph = simplified(trace(np.conj)(np.array([True, False])))
    assert graph(np.array([True, False])).dtype == np.conj(np.array([True])).dtype == np.int8
