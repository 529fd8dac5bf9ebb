"""Taylor coefficients: by formulas, by nested derivatives, and by the number of operations."""

import contextlib
import gc
import inspect
import itertools
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import CASES, SPELLINGS, some
from cases.special import LADDERS

import dezero as dz
from dezero.box import ROWS
from dezero.errors import (
    AssignmentError,
    DifferentiationError,
    GradientError,
    GraphError,
    OperandError,
)
from dezero.primitives import Primitive
from dezero.rows import TABLE, elementwise, linear
from dezero.taylor import RULES

ALL = some(CASES, 12) | some(SPELLINGS, 5)


def close(a, b, rtol):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_allclose(a, b, rtol, rtol * max(1.0, np.max(np.abs(b), initial=0.0)))


# ---- formulas ----


def binomial(a, k):
    return math.prod((a - j) / (j + 1) for j in range(k))


def sinc_coefficient(x, k):
    """πᵏ/k! ∫ sᵏ cos(πxs + kπ/2) ds from 0 to 1: what differentiating under the integral gives."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    s = (nodes + 1) / 2
    integral = np.sum(weights * s**k * np.cos(np.pi * (x * s + k / 2))) / 2
    return np.pi**k / math.factorial(k) * integral


def odd(coefficient):
    """Of an odd function, by the number of its odd power."""
    return lambda k: coefficient(k // 2) if k % 2 else 0.0


def polynomial(*first):
    return lambda k: first[k] if k < len(first) else 0.0


def over_factorial(derivative):
    """By the derivatives."""
    return lambda k: derivative(k) / math.factorial(k)


def solved(x):
    """The second number of the solution of [[1 - x, 0], [-x, 1]] · y = ones, 1 / (1 - x)."""
    zero = 0 * x
    matrix = np.stack([np.stack([1 - x, zero]), np.stack([-x, 1 + zero])])
    return np.linalg.solve(matrix, np.ones(2))[1]


def polynomial_by_powers(x):
    return np.sum(x ** np.array([0, 1, 2, 5]) * np.array([1.0, 2.0, 3.0, 4.0]))


ORDER = 20
BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147, 115975]
TANGENT = [1, 2, 16, 272, 7936, 353792]  # by its number, times its odd factorial

FORMULAS = {
    "exp": (np.exp, 0.3, over_factorial(lambda _k: np.exp(0.3))),
    "exp2": (np.exp2, 0.3, over_factorial(lambda k: 2**0.3 * np.log(2) ** k)),
    "expm1": (np.expm1, 1e-9, over_factorial(lambda k: 1 + 1e-9 if k else 1e-9 + 5e-19)),
    "log": (np.log, 2.0, lambda k: -((-0.5) ** k) / k if k else np.log(2)),
    "log1p": (np.log1p, 0.0, lambda k: -((-1.0) ** k) / k if k else 0.0),
    "sin": (np.sin, 0.3, over_factorial(lambda k: np.sin(0.3 + k * np.pi / 2))),
    "cos": (np.cos, 0.3, over_factorial(lambda k: np.cos(0.3 + k * np.pi / 2))),
    "tan": (np.tan, 0.0, odd(lambda m: TANGENT[m] / math.factorial(2 * m + 1))),
    "tanh": (np.tanh, 0.0, odd(lambda m: (-1) ** m * TANGENT[m] / math.factorial(2 * m + 1))),
    "arctan": (np.arctan, 0.0, odd(lambda m: (-1) ** m / (2 * m + 1))),
    "arctanh": (np.arctanh, 0.0, odd(lambda m: 1 / (2 * m + 1))),
    "arcsin": (np.arcsin, 0.0, odd(lambda m: math.comb(2 * m, m) / 4**m / (2 * m + 1))),
    "sinh": (np.sinh, 0.0, odd(lambda m: 1 / math.factorial(2 * m + 1))),
    "sqrt": (np.sqrt, 2.0, lambda k: binomial(0.5, k) * 2 ** (0.5 - k)),
    "cbrt": (np.cbrt, 2.0, lambda k: binomial(1 / 3, k) * 2 ** (1 / 3 - k)),
    "reciprocal": (np.reciprocal, 2.0, lambda k: 0.5 * (-0.5) ** k),
    "quotient": (lambda x: (1 + x) / (1 - x), 0.0, lambda k: 2.0 if k else 1.0),
    "solve": (solved, 0.0, lambda _k: 1.0),
    "whole power": (lambda x: x**7, 0.5, lambda k: math.comb(7, k) * 0.5 ** (7 - k)),
    "whole power at 0": (lambda x: x**7, 0.0, lambda k: float(k == 7)),
    "power 0 at 0": (lambda x: x**0, 0.0, polynomial(1.0)),
    "whole powers at 0": (polynomial_by_powers, 0.0, polynomial(1.0, 2.0, 3.0, 0.0, 0.0, 4.0)),
    "power 2**70": (lambda x: x ** float(2**70), 1.0, lambda k: binomial(2.0**70, k)),
    "negative power": (lambda x: x**-3, 2.0, lambda k: binomial(-3, k) * 2.0 ** (-3 - k)),
    "real power": (lambda x: x**2.5, 1.3, lambda k: binomial(2.5, k) * 1.3 ** (2.5 - k)),
    "power of a number": (lambda x: 3.0**x, 0.5, over_factorial(lambda k: 3**0.5 * np.log(3) ** k)),
    "moving power": (lambda x: (x * x) ** x / x ** (2 * x), 1.5, polynomial(1.0)),
    "prod at 0": (lambda x: np.prod(np.stack([x, 1 + x, 1 + x])), 0.0, polynomial(0.0, 1, 2, 1)),
    "prod near 0": (lambda x: np.prod(np.stack([x, 1 + x])), 1e-3, polynomial(1.001e-3, 1.002, 1)),
    "sinc at 0": (np.sinc, 0.0, lambda k: sinc_coefficient(0.0, k)),
    "sinc near 0": (np.sinc, 0.04, lambda k: sinc_coefficient(0.04, k)),
    "sinc at 0.2": (np.sinc, 0.2, lambda k: sinc_coefficient(0.2, k)),
    "sinc": (np.sinc, 0.97, lambda k: sinc_coefficient(0.97, k)),
    "sinc far away": (np.sinc, 2.6, lambda k: sinc_coefficient(2.6, k)),
    "hypot": (lambda x: np.hypot(x, 1.0), 0.0, lambda k: 0.0 if k % 2 else binomial(0.5, k // 2)),
    "logaddexp": (lambda x: np.logaddexp(x, -x) - np.log(2 * np.cosh(x)), 0.4, polynomial(0.0)),
    "arctan2": (lambda x: np.arctan2(x, 1.0) - np.arctan(x), 0.4, polynomial(0.0)),
    "exp(exp(x) - 1)": (lambda x: np.exp(np.expm1(x)), 0.0, over_factorial(lambda k: BELL[k])),
}
LAST = {"tan": 11, "tanh": 11, "exp(exp(x) - 1)": 10, "power 2**70": 4}


@pytest.mark.parametrize("name", FORMULAS)
def test_coefficients_by_formula(name):
    f, x, formula = FORMULAS[name]
    order = LAST.get(name, ORDER)
    c = dz.taylor(f, x, order)
    expected = np.array([formula(k) for k in range(order + 1)])
    np.testing.assert_allclose(c, expected, 1e-11, 2e-14 * max(1.0, np.max(np.abs(expected))))


def test_they_add_up_to_the_function():
    """A long way from 0, along a line through nested containers of arrays."""

    def f(p):
        hidden = np.tanh(p["w"] @ p["x"] + p["b"][0])
        return {"y": np.exp(-np.sum(hidden**2)), "z": (hidden / (2 + np.cos(p["x"][:2])), 3.0)}

    rng = np.random.default_rng(0)
    x = {"b": [rng.normal(size=2)], "w": rng.normal(size=(2, 3)), "x": rng.normal(size=3)}
    d = {"b": [rng.normal(size=2)], "w": rng.normal(size=(2, 3)), "x": rng.normal(size=3)}
    c = dz.taylor(f, x, 25, d)
    t = 0.1
    far = f({"b": [x["b"][0] + t * d["b"][0]], "w": x["w"] + t * d["w"], "x": x["x"] + t * d["x"]})
    assert [each["z"][1] for each in c] == [3.0] + [0.0] * 25
    for name, part in (("y", lambda y: y), ("z", lambda z: z[0])):
        near = sum(part(each[name]) * t**k for k, each in enumerate(c))
        np.testing.assert_allclose(near, part(far[name]), 1e-12)


# ---- every row ----

EVERY = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{title}-{k}")
        for title, cases in ALL.items()
        for k, case in enumerate(cases)
        if "forward" in case.modes
    ],
)


def random_like(xs, seed):
    rng = np.random.default_rng(seed)

    def drawn(x):
        t = rng.normal(size=x.shape)
        return np.asarray(t + 1j * rng.normal(size=x.shape) if x.dtype.kind == "c" else t, x.dtype)

    return tuple(map(drawn, xs))


def by_nested_derivatives(f, xs, txs, order):
    found = []
    for k in range(order + 1):
        found.append(np.asarray(f(*xs)) / math.factorial(k))
        f = lambda *a, f=f: dz.jvp(f, a, txs)[1]  # noqa: E731
    return found


@EVERY
def test_coefficients_by_nested_derivatives(case):
    """On the straight line through a case's point, and on a curve (a line after a function)."""
    ds = random_like(case.args, 3)
    rtol = case.rtol or 1e-8
    found = dz.taylor(lambda xs: case.call(*xs), case.args, 4, ds)
    for c, expected in zip(found, by_nested_derivatives(case.call, case.args, ds, 4), strict=True):
        close(c, expected, rtol)
    curve = curved(case, ds)
    zero, one = (np.array(0.0),), (np.array(1.0),)
    found = dz.taylor(curve, zero[0], 3)
    for c, expected in zip(found, by_nested_derivatives(curve, zero, one, 3), strict=True):
        close(c, expected, rtol)


def curved(case, ds):
    """A case's function on a curve through its point: no coefficient of an operand is 0."""

    def curve(t):
        way = np.sin(t) + t * t
        return case.call(*(x + d * way for x, d in zip(case.args, ds, strict=True)))

    return curve


def test_a_rule_of_its_own_is_a_rows():
    """No rule stands for a row that is gone, and each is needed: its push would go in a circle."""
    assert set(RULES) <= set(TABLE.values())


# ---- cost ----


@pytest.fixture
def calls(monkeypatch):
    """Counts calls of primitives on arrays."""
    run, counted = Primitive.run, []
    monkeypatch.setattr(
        Primitive, "run", lambda p, *args: (counted.append(p.title), run(p, *args))[1]
    )
    return counted


def cost(calls, f, order):
    """How many operations coefficients take. Inside `jvp`, every one of them is a primitive's."""
    calls.clear()
    dz.jvp(lambda e: dz.taylor(lambda t: f(e * t), 0.0, order), (1.0,), (1.0,))
    return len(calls)


@pytest.mark.parametrize("title", CASES)
def test_cost_grows_with_the_square_of_the_order(title, calls):
    """Twice the order, four times the operations at most.

    Eight times is the third power: of as many functions as there are orders, the square for each.
    That of `lstsq` is made of equations whose matrices are series too.
    """
    case = next(case for case in CASES[title] if "forward" in case.modes)
    curve = curved(case, random_like(case.args, 3))
    some, more = cost(calls, curve, 16), cost(calls, curve, 32)
    most = 8 if title in (*LADDERS, "lstsq") else 4.7 if title in ("sinc", "sici") else 4.2
    assert more < most * some


def test_nested_derivatives_would_double(calls):
    """What all this is for: exp(sin(x)) to order 10 by a fiftieth of the operations."""

    def f(x):
        return np.exp(np.sin(x))

    dz.taylor(f, 0.3, 10)
    ours = len(calls)
    calls.clear()
    by_nested_derivatives(f, (np.array(0.3),), (np.array(1.0),), 10)
    assert ours * 50 < len(calls)


def test_a_long_program_needs_no_deep_stack():
    def long(x):
        for _ in range(3_000):
            x = x * 0.5 + np.sin(x) * 0.5
        return x

    c = dz.taylor(long, 0.5, 3)
    assert c[0] == long(0.5)
    np.testing.assert_allclose(c[1], dz.grad(long)(0.5), 1e-9)


@pytest.mark.parametrize("f", [np.sin, np.tan, np.log, np.sinc, np.arctan2, np.hypot])
def test_a_high_order_needs_no_deep_stack(f):
    """A hundred frames for 40 coefficients, of which the 30th is a nearby point's, moved."""
    g = (lambda x: f(x, 2.0)) if f in (np.arctan2, np.hypot) else f
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        c = dz.taylor(g, 0.5, 40)
    finally:
        sys.setrecursionlimit(limit)
    moved = sum(math.comb(k, 30) * c[k] * 1e-4 ** (k - 30) for k in range(30, 41))
    np.testing.assert_allclose(moved, dz.taylor(g, 0.5001, 30)[30], 1e-6, 1e-40)


@pytest.mark.parametrize("f", [np.sin, np.std, np.prod, np.sinc, lambda x: x**x, lambda x: x**2.5])
def test_nothing_is_left_behind(f):
    """Unfinished results refer to each other in circles, which are cut when they are finished."""
    gc.collect()
    gc.disable()
    try:
        dz.taylor(f, np.array([0.5, 0.7]), 4)
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- other transforms, inside and outside ----

DIRECTIONS = {"forward": lambda f: lambda x: dz.jvp(f, (x,), (1.0,))[1], "reverse": dz.grad}


def twisted(x):
    return np.exp(np.sin(x)) * x**3 / (1 + x * x) + np.where(x > 0, np.tanh(x), 0.0)


C = dz.taylor(twisted, 0.4, 8)


@pytest.mark.parametrize("d", DIRECTIONS.values(), ids=DIRECTIONS)
def test_a_derivative_shifts_the_coefficients(d):
    """c[k]' = (k + 1) c[k + 1], from inside and from outside, and twice."""
    for k in range(5):
        outside = d(lambda x, k=k: dz.taylor(twisted, x, k)[k])(0.4)
        np.testing.assert_allclose(outside, (k + 1) * C[k + 1], 1e-11)
        twice = d(d(lambda x, k=k: dz.taylor(twisted, x, k)[k]))(0.4)
        np.testing.assert_allclose(twice, (k + 1) * (k + 2) * C[k + 2], 1e-10)
    inside = dz.taylor(d(twisted), 0.4, 6)
    np.testing.assert_allclose(inside, [(k + 1) * C[k + 1] for k in range(7)], 1e-10)
    inside = dz.taylor(d(d(twisted)), 0.4, 4)
    np.testing.assert_allclose(inside, [(k + 1) * (k + 2) * C[k + 2] for k in range(5)], 1e-10)


def test_taylor_of_taylor():
    for j, k in itertools.product(range(4), repeat=2):
        c = dz.taylor(lambda x, k=k: dz.taylor(twisted, x, k)[k], 0.4, j)[j]
        np.testing.assert_allclose(c, math.comb(j + k, k) * C[j + k], 1e-10)


def test_many_at_once():
    x = np.array([0.4, -0.3, 1.5])
    each = np.array([dz.taylor(twisted, one, 5) for one in x]).T
    np.testing.assert_allclose(dz.vmap(lambda x: dz.taylor(twisted, x, 5))(x), each, 1e-12)
    inside = dz.taylor(dz.vmap(twisted), x, 5)
    np.testing.assert_allclose(inside, each, 1e-12)
    directions = dz.vmap(lambda d: dz.taylor(np.prod, x, 3, d)[1])(np.eye(3))
    np.testing.assert_allclose(directions, dz.grad(np.prod)(x), 1e-14)


def test_branches_of_powers_and_sinc_differ_between_members():
    """A 0 among the members takes the careful way, and what is near 0 its own series, for all."""
    x = np.array([0.0, 0.5, 2.0])
    for f in (np.sinc, lambda x: x**1.5, lambda x: x ** np.array(2), np.square):
        found = dz.vmap(lambda x, f=f: dz.taylor(f, x, 3))(x)
        each = np.array([dz.taylor(f, one, 3) for one in x]).T
        np.testing.assert_allclose(found, each, 1e-12, 1e-15)
    found = dz.vmap(lambda x, y: dz.taylor(lambda t: t**y, x, 2))(x + 1, x)
    np.testing.assert_allclose(found[1], x * (x + 1) ** (x - 1), 1e-12)


def test_a_whole_exponent_may_be_differentiated_by():
    """∂/∂y of the coefficient y x**(y - 1), though x**y by products would not know y."""
    slope = dz.grad(lambda y: dz.taylor(lambda x: x**y, 3.0, 1)[1])(2.0)
    np.testing.assert_allclose(slope, 3.0 + 2 * 3.0 * np.log(3.0), 1e-13)


CONFUSIONS = [  # in x at 4, with e the derivative of a function
    (lambda x, e: x * e(lambda y: x + y)(1.0), (4.0, 1.0, 0.0)),
    (lambda x, e: x * e(lambda y: x * y)(2.0), (16.0, 8.0, 1.0)),
    (lambda x, e: x * e(lambda y: x * y * y)(x), (128.0, 96.0, 24.0)),
    (lambda x, e: x * e(lambda _y: x)(2.0), (0.0, 0.0, 0.0)),
    (lambda x, e: e(lambda y: np.where(y > x, x * y, y / x))(5.0), (4.0, 1.0, 0.0)),
    (lambda x, e: e(lambda y: np.prod(np.stack([x, y, y])))(3.0), (24.0, 6.0, 0.0)),
]
SLOPES = {**DIRECTIONS, "taylor": lambda f: lambda x: dz.taylor(f, x, 1)[1]}


@pytest.mark.parametrize("e", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize(("program", "expected"), CONFUSIONS)
def test_perturbations_are_not_confused(program, expected, e):
    assert dz.taylor(lambda x: program(x, e), 4.0, 2) == expected
    outside = [d(lambda x: program(x, SLOPES["taylor"]))(4.0) for d in DIRECTIONS.values()]
    assert outside == [expected[1]] * 2


def test_captured_boxes_are_differentiated_by():
    w = dz.Variable(np.array(0.4))
    c = dz.taylor(lambda t: twisted(w + t), 0.0, 3)
    c[3].backward()
    np.testing.assert_allclose(w.grad, 4 * C[4], 1e-11)
    v = dz.Variable(np.array(0.4))
    dz.taylor(twisted, v, 3)[3].backward()
    np.testing.assert_allclose(v.grad, 4 * C[4], 1e-11)
    moved = dz.taylor(twisted, dz.Dual(0.4, 1.0), 3)[3].tangent
    np.testing.assert_allclose(moved, 4 * C[4], 1e-11)


def test_threads():
    """Each has its own lines, and levels keep them apart."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _k: dz.taylor(twisted, 0.4, 8), range(64)))
    assert set(found) == {C}


# ---- programs ----


def filled(x):
    y = dz.numpy.zeros(3)
    y[0] = x[1] ** 2
    y[1:] = np.sin(x)
    return y


def overwritten(x):
    y = np.copy(x)
    z = np.sin(y)
    y[0] = y[1] ** 2
    return np.concatenate([z[:1], y])


def test_assignment():
    x = np.array([0.3, 2.0])
    for f, same in [
        (filled, lambda x: np.stack([x[1] ** 2, np.sin(x[0]), np.sin(x[1])])),
        (overwritten, lambda x: np.stack([np.sin(x[0]), x[1] ** 2, x[1]])),
    ]:
        np.testing.assert_array_equal(dz.taylor(f, x, 4), dz.taylor(same, x, 4))


def test_views_of_each_other_are_not_assigned_into():
    def f(x):
        y = np.copy(x)
        view = y[:1]
        view[0] = 1.0
        return y

    with pytest.raises(AssignmentError, match="view of another"):
        dz.taylor(f, np.ones(2), 1)


def test_results_of_one_call_twice_are_two():
    """Inside a rule a call is made once; a program that assigns into one result keeps the other."""

    def f(x):
        y, z = np.sin(x), np.sin(x)
        y[0] = 5.0
        return z

    np.testing.assert_array_equal(dz.taylor(f, np.ones(2), 3), dz.taylor(np.sin, np.ones(2), 3))


def test_what_no_grad_computes_is_constant():
    def held(x):
        with dz.no_grad():
            factor = x * x
        return factor * x

    assert dz.taylor(held, 3.0, 2) == (27.0, 9.0, 0.0)
    with dz.no_grad():
        assert dz.taylor(lambda x: x * x, 3.0, 2) == (9.0, 6.0, 1.0)


def test_functions_without_a_derivative_see_the_value():
    def f(x):
        return x * (x > 0) + np.argmax(x) - len(x) * np.floor(x)

    c = dz.taylor(f, np.array([-1.0, 2.0]), 2)
    np.testing.assert_array_equal(c, [[3.0, -1.0], [0.0, 1.0], [0.0, 0.0]])


def test_what_is_not_taken_stays_out():
    c = dz.taylor(lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1)), x * x), 0.0, 2)
    assert c == (0.0, 0.0, 1.0)
    with np.errstate(all="ignore"):
        assert dz.taylor(lambda x: np.where(x > 0, np.log(x), x * x), 0.0, 2) == (0.0, 0.0, 1.0)


def test_singular_points_are_those_of_nested_derivatives_and_quiet():
    for f, x in [
        (np.sqrt, 0.0),
        (np.arcsin, 1.0),
        (lambda x: x**0.5, 0.0),
        (lambda x: x**1.5, 0.0),
        (lambda x: x**np.inf, 0.5),
        (np.abs, 0.0),
        (lambda x: np.maximum(x, -x) * x, 0.0),
        (lambda x: np.clip(x, 0, 1) ** 2, 0.0),
        (lambda x: np.floor(x) * x, 2.0),
        (lambda x: np.heaviside(x, 0.5) * x, 0.0),
    ]:
        found = dz.taylor(f, x, 3)
        with np.errstate(all="ignore"):
            expected = by_nested_derivatives(f, (np.array(x),), (np.array(1.0),), 3)
        np.testing.assert_array_equal(found, expected)


class Polar(Primitive):
    """A primitive with two results: radius and angle."""

    def __init__(self):
        super().__init__(lambda x, y: (np.hypot(x, y), np.arctan2(y, x)), "polar")

    def push(self, out, xs, txs, _params):
        (r, _angle), (x, y), (tx, ty) = out, xs, txs
        return (x * tx + y * ty) / r, (x * ty - y * tx) / (r * r)


def test_several_results():
    def apart(t):
        x, y = 1 + t, 2 - t * t
        return np.hypot(x, y), np.arctan2(y, x)

    found = dz.taylor(lambda t: Polar()(1 + t, 2 - t * t), 0.0, 6)
    np.testing.assert_allclose(found, dz.taylor(apart, 0.0, 6), 1e-12, 1e-15)


def test_a_users_row():
    """One that names `out`, and one that is linear."""
    kept = dict(TABLE)
    try:
        soft = elementwise(softplus, lambda t, out: t * (1 - np.exp(-out)))
        turn = linear(turned, lambda g, *, n: turned(g, n=-n))
    finally:
        for title in TABLE.keys() - kept.keys():
            del ROWS[globals()[title]], TABLE[title]
    x = np.array([0.3, -2.0])
    expected = dz.taylor(lambda x: np.log1p(np.exp(x)), x, 6)
    np.testing.assert_allclose(dz.taylor(soft, x, 6), expected, 1e-12, 1e-15)
    found = dz.taylor(lambda x: turn(x * x, n=1), x, 2)
    np.testing.assert_array_equal(found, [[4.0, 0.09], [-4.0, 0.6], [1.0, 1.0]])


def softplus(x):
    return np.log1p(np.exp(x))


def turned(x, *, n):
    return np.roll(x, n)


def test_dtypes_and_shapes():
    for dtype in (np.float32, np.complex64, np.float64, np.complex128):
        for shape in ((), (3,), (2, 0)):
            x = np.full(shape, 0.5, dtype)
            for c in dz.taylor(lambda x: np.sin(x) * x**2.5 / (2 + np.sinc(x)) - 1, x, 5):
                assert (c.dtype, c.shape) == (dtype, shape)
    c = dz.taylor(lambda x: x * np.ones((2, 1)), np.ones(3), 2)
    assert [each.shape for each in c] == [(2, 3)] * 3
    assert dz.taylor(lambda x: x**2, 3, 2) == (9.0, 6.0, 1.0)
    np.testing.assert_array_equal(dz.taylor(np.sum, [1, 2], 1, [0, 3]), (3.0, 3.0))


def test_a_complex_direction():
    """abs(z)² along i from 1 + i is 1 + (1 + t)²."""
    c = dz.taylor(lambda z: np.real(z * np.conj(z)), 1 + 1j, 3, 1j)
    assert c == (2.0, 2.0, 1.0, 0.0)
    c = dz.taylor(lambda z: np.abs(z) ** 2, np.array(1 + 1j), 3, 1j)
    np.testing.assert_allclose(c, (2.0, 2.0, 1.0, 0.0), 1e-14, 1e-15)


def test_order_0_is_the_value():
    assert dz.taylor(lambda x: x**3, 2.0, 0) == (8.0,)
    assert dz.taylor(lambda _x: 3.0, 2.0, 1) == (3.0, 0.0)


# ---- functions with a derivative of their own ----


class Quotients(dz.Function):
    """Two results, and a backward that uses them."""

    def forward(self, x, y):
        return x / y, y / x

    def backward(self, g, h):
        (x, y), (p, q) = self.inputs, (out() for out in self.outputs)
        return g / y - h * q / x, h / x - g * p / y


class Numbers(dz.Function):
    """A backward with a first derivative only."""

    def forward(self, x):
        self.slope = np.cos(x)
        return np.sin(x)

    def backward(self, gy):
        return gy * self.slope


@dz.custom_jvp(jvp=lambda t, y, _x: t[0] * (1 - np.exp(-y)))
def by_jvp(x):
    return np.logaddexp(0.0, x)


@dz.custom_vjp(vjp=lambda g, _y, x: g / (1 + np.exp(-x)))
def by_vjp(x):
    return np.logaddexp(0.0, x)


def quotients(x):
    p, q = Quotients()(np.sin(x), 1 + x)
    return p * p + q


OWN = {
    "function": (quotients, lambda x: (np.sin(x) / (1 + x)) ** 2 + (1 + x) / np.sin(x)),
    "custom_jvp": (by_jvp, softplus),
    "custom_vjp": (by_vjp, softplus),
    "checkpoint": (dz.checkpoint(twisted), twisted),
    "scan": (
        lambda x: dz.scan(lambda c, k: (c * k * x, c), x, np.arange(1.0, 4.0), checkpoint=True)[0],
        lambda x: 6 * x**4,
    ),
}


@pytest.mark.filterwarnings("ignore::dezero.errors.SequentialWarning")
@pytest.mark.parametrize(("f", "same"), OWN.values(), ids=OWN)
def test_derivatives_of_ones_own(f, same):
    c = dz.taylor(same, 0.4, 7)
    np.testing.assert_allclose(dz.taylor(f, 0.4, 7), c, 1e-12, 1e-14)
    np.testing.assert_allclose(dz.grad(lambda x: dz.taylor(f, x, 5)[5])(0.4), 6 * c[6], 1e-10)
    np.testing.assert_allclose(dz.vmap(lambda x: dz.taylor(f, x, 7)[7])(np.full(2, 0.4)), c[7])


def test_a_checkpoint_of_what_moves_along_a_line():
    def outer(x, inner):
        return dz.taylor(lambda t: inner(x * t), 0.7, 4)[4]

    slopes = [dz.grad(outer)(0.4, f) for f in (dz.checkpoint(twisted), twisted)]
    np.testing.assert_allclose(*slopes, 1e-13)
    around = dz.grad(dz.checkpoint(lambda x: outer(x, twisted)))(0.4)
    np.testing.assert_allclose(around, slopes[1], 1e-13)


def test_a_rule_that_captures_what_moves_is_refused():
    def f(x):
        return dz.custom_jvp(lambda z: z * x, lambda t, _y, _z: t[0] * x)(x + 1.0)

    with pytest.raises(OperandError, match="pass it as one"):
        dz.taylor(f, 1.0, 2)


def test_a_backward_that_cannot_be_differentiated_does_to_first_order():
    assert dz.taylor(Numbers(), 0.4, 1) == (np.sin(0.4), np.cos(0.4))
    with pytest.raises(GraphError, match=r"Numbers.*self\.slope"):
        dz.taylor(Numbers(), 0.4, 2)


# ---- errors ----


@pytest.mark.parametrize("order", [-1, 1.0, True, None, "2"])
def test_the_order_is_a_whole_number(order):
    with pytest.raises(OperandError, match="whole number from 0 on"):
        dz.taylor(np.sin, 1.0, order)


@pytest.mark.parametrize(
    ("x", "direction", "error", "words"),
    [
        (np.ones(2), np.ones(3), GradientError, r"direction of shape \(3,\) for a point of \(2,\)"),
        (1.0, (1.0,), GradientError, "structure"),
        ({"a": 1.0}, {"b": 1.0}, GradientError, "structure"),
        (np.ones(2), np.ones(2) * 1j, GradientError, "complex128"),
        (np.arange(3), None, DifferentiationError, r"int64.*astype\(float\)"),
    ],
)
def test_points_and_directions_are_checked(x, direction, error, words):
    with pytest.raises(error, match=f"taylor.*{words}"):
        dz.taylor(np.sin, x, 1, direction)


def test_an_error_half_way_leaves_nothing_wrong():
    def f(x):
        with contextlib.suppress(GraphError):
            Numbers()(x)
        with contextlib.suppress(ValueError):
            np.reshape(x, (5, 5))
        return x * x

    np.testing.assert_array_equal(dz.taylor(f, np.ones(2), 2), [[1, 1], [2, 2], [1, 1]])


def test_no_plain_numbers_by_accident():
    for cut in (float, complex, np.asarray):
        with pytest.raises(TypeError):
            dz.taylor(cut, 1.0, 1)
    shown = []
    dz.taylor(lambda x: shown.append(repr(x)) or x, 1.5, 1)
    assert shown == ["series(1.5, …)"]
