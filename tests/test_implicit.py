"""Roots, fixed points and minima: where they are, their derivatives at every order, misuse."""

import itertools

import numpy as np
import pytest

import dezero as dz
from dezero.errors import (
    ConvergenceError,
    DataError,
    LinAlgError,
    OperandError,
    ShapeError,
)
from dezero.testing import check_grads

RNG = np.random.default_rng(6)
A = RNG.normal(size=(3, 3)) * 0.2 + np.eye(3)
B = RNG.normal(size=3)


def root_of_cubics(b):
    return dz.root(lambda x, b: A @ x + 0.1 * x**3 - b, np.zeros(3), b)


def equilibrium(t):
    return dz.fixed_point(lambda x, t: np.tanh(0.4 * A @ x + t), np.zeros(3), t)


def valley(k):
    return dz.minimize(
        lambda x, k: np.sum((x - k) ** 4) + 0.5 * np.sum(x**2) + 0.3 * x[0] * x[1], np.zeros(3), k
    )


SOLUTIONS = [root_of_cubics, equilibrium, valley]


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_derivatives_of_both_modes_and_three_orders(solution):
    check_grads(solution, [B], order=3)


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_mapped_over_each_member_ends_by_itself(solution):
    many = np.stack([B, 0.5 * B, np.zeros(3), -2 * B])
    found = dz.vmap(solution)(many)
    np.testing.assert_allclose(found, np.stack([solution(b) for b in many]), 1e-9, 1e-11)
    slopes = dz.vmap(dz.jacobian(solution))(many)
    alone = np.stack([dz.jacobian(solution)(b) for b in many])
    np.testing.assert_allclose(slopes, alone, 1e-8, 1e-10)
    total = dz.jacobian(lambda m: np.sum(dz.vmap(solution)(m), axis=0))(many)
    np.testing.assert_allclose(np.moveaxis(total, 1, 0), alone, 1e-8, 1e-10)


@pytest.mark.parametrize("modes", ["".join(m) for m in itertools.product("rf", repeat=3)])
def test_a_square_root_to_third_order(modes):
    for f in (
        lambda a: dz.root(lambda x, a: x * x - a, 1.0, a),
        lambda a: dz.fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0, a),
        lambda a: dz.minimize(lambda x, a: x**3 / 3 - a * x, 1.0, a),
    ):
        for mode in modes:
            f = dz.grad(f) if mode == "r" else (lambda a, f=f: dz.jvp(f, (a,), (1.0,))[1])
        np.testing.assert_allclose(f(4.0), 3 / 8 * 4.0**-2.5, 1e-9)


def test_containers_constants_and_the_structure_of_the_start():
    def f(x, p, k, kind):
        assert kind == "text"
        return {"u": x["u"] - p["a"] * k, "v": x["v"] ** 2 - p["b"] * k}

    x0 = {"u": 0.0, "v": np.ones(2)}
    p = {"a": 1.5, "b": np.array([2.0, 8.0])}
    x = dz.root(f, x0, p, 2, "text")
    assert x["u"] == 3.0
    np.testing.assert_allclose(x["v"], [2.0, 4.0])
    g = dz.grad(
        lambda p: np.sum(dz.root(f, x0, p, 2, "text")["v"]) + dz.root(f, x0, p, 2, "text")["u"]
    )(p)
    assert g["a"] == pytest.approx(2.0)
    np.testing.assert_allclose(g["b"], [2 / 4, 2 / 8])


def test_complex_roots():
    z = dz.root(lambda z, a: z * z - a, 1 + 1j, -4.0)
    np.testing.assert_allclose(z, 2j, atol=1e-12)
    slope = dz.jacobian(lambda a: dz.root(lambda z, a: z * z - a, 1 + 1j, a))(-4.0 + 0j)
    np.testing.assert_allclose(slope, 1 / (2 * 2j))


def test_single_precision():
    x = dz.root(lambda x, a: x**2 - a, np.float32(1), np.float32(2))
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, np.sqrt(2), 1e-6)


def test_the_start_has_no_derivative():
    assert dz.grad(lambda x0: dz.root(lambda x: x**2 - 2.0, x0))(1.0) == 0.0


def test_the_minimum_of_rosenbrock_from_afar():
    f = lambda x, a: (a - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2  # noqa: E731
    x0 = np.array([-1.2, 1.0])
    np.testing.assert_allclose(dz.minimize(f, x0, 1.0), [1.0, 1.0], 1e-9)
    slope = dz.jacobian(lambda a: dz.minimize(f, x0, a))(1.0)
    np.testing.assert_allclose(slope, [1.0, 2.0], 1e-8)


@pytest.mark.parametrize(
    ("f", "start", "low"),
    [
        (np.cos, 0.5, np.pi),  # all of these start where the function bends downwards
        (lambda x: (x**2 - 1) ** 2, 0.1, 1.0),
        (lambda x: np.sum((x**2 - 1) ** 2), np.array([0.1, 0.2]), np.ones(2)),
        (lambda x: np.sum((x**2 - 1) ** 2), np.array([0.1, 0.2], np.float32), np.ones(2)),
        (lambda x: -np.exp(-(x**2)), 2.0, 0.0),
        (lambda x: x**4, 1.0, 0.0),
    ],
)
def test_minima_from_hills(f, start, low):
    np.testing.assert_allclose(dz.minimize(f, start), low, 1e-6, 1e-6)


def test_a_valley_has_a_lowest_point_but_no_derivative():
    f = lambda x, a: (x[0] + x[1] - a) ** 2  # noqa: E731
    for dtype in (np.float64, np.float32):
        x = dz.minimize(f, np.zeros(2, dtype), dtype(1))
        np.testing.assert_allclose(np.sum(x), 1.0, 1e-5)
    with pytest.raises(LinAlgError, match="no derivative: the Hessian is singular"):
        dz.grad(lambda a: np.sum(dz.minimize(f, np.zeros(2), a)))(1.0)


def test_a_solver_of_ones_own_is_made_precise():
    calls = []

    def rough(g, x0):
        calls.append(g(x0))
        return x0 + 0.9

    assert dz.root(lambda x, a: x**2 - a, 1.0, 4.0, solver=rough) == pytest.approx(2.0, rel=1e-14)
    assert dz.minimize(lambda x, a: (x - a) ** 4 + x**2, 1.0, 0.0, solver=rough) == pytest.approx(
        0.0
    )
    assert calls == [-3.0, 2.0]


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def closed(solve):
    return lambda: dz.grad(lambda w: solve(lambda x: x * x - w * x, w))(2.0)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: dz.root(lambda x: x**2 + 1.0, 0.7), ConvergenceError, "no end after 100 steps"),
        (lambda: dz.root(lambda x: x**2 + 1.0, 0.0), LinAlgError, "root: the Jacobian is singular"),
        (lambda: dz.root(lambda x: x**2 - 2, 100.0, max_steps=2), ConvergenceError, "2 steps"),
        (lambda: dz.fixed_point(lambda x: 2 * x + 1, 1.0), ConvergenceError, "infinity"),
        (lambda: dz.fixed_point(lambda x: -x, 1.0, max_steps=9), ConvergenceError, "9 steps"),
        (
            lambda: dz.minimize(lambda x: x[0] ** 2 - x[1] ** 2, np.array([1.0, 0.0])),
            ConvergenceError,
            "saddle",
        ),
        (lambda: dz.minimize(np.exp, 0.0, max_steps=20), ConvergenceError, "20 steps"),
        (lambda: dz.minimize(lambda z: np.abs(z) ** 2, 1j), DataError, "complex"),
        (
            lambda: dz.minimize(lambda x: x, np.ones(2)),
            dz.errors.NonScalarError,
            "returned an array",
        ),
        (lambda: dz.root(lambda x: np.stack([x, x]), 1.0), ShapeError, r"\(2,\).*\(\)"),
        (lambda: dz.root(lambda x: [x], 1.0), ShapeError, "f returned"),
        (
            lambda: dz.root(lambda x, a: x - a, np.ones(1, np.float32), np.ones(1)),
            DataError,
            "root: f returned float64 where x0 is float32",
        ),
        (lambda: dz.root(lambda x: x, np.zeros(0)), DataError, "no number"),
        (lambda: dz.root(lambda x: x, "text"), DataError, "root: x0"),
        (closed(dz.root), OperandError, "root.*pass it as one"),
        (closed(dz.fixed_point), OperandError, "fixed_point.*pass it as one"),
        (closed(dz.minimize), OperandError, "minimize.*pass it as one"),
    ],
)
def test_misuse(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---- found by attack: solutions that are 0 up to rounding ----


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_solution_that_is_zero_but_for_rounding(start):
    off = lambda x: x - 0.3 + 0.1 + 0.2  # noqa: E731  # never exactly 0
    for x in (
        dz.root(off, start),
        dz.minimize(lambda x: off(x) ** 2, start),
        dz.fixed_point(lambda x: x - off(x) / 2, start),
    ):
        assert abs(x) < 1e-15


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_of_centred_points(seed):
    points = np.random.default_rng(seed).normal(size=(4, 2))
    points -= points.mean(axis=0)
    for start in (np.ones(2), np.zeros(2)):
        f = lambda k, start=start: dz.minimize(  # noqa: E731
            lambda x, k: k * np.sum((x - points) ** 2), start, k
        )
        np.testing.assert_allclose(f(0.7), 0.0, atol=1e-15)
        np.testing.assert_allclose(dz.jacobian(f)(0.7), 0.0, atol=1e-14)


def test_a_derivative_that_is_zero_but_for_rounding():
    share = lambda a: np.exp(a) / np.sum(np.exp(a))  # noqa: E731
    g = dz.grad(lambda a: dz.root(lambda x, a: x + np.sum(share(a)) - 1, 1.0, a))(B)
    np.testing.assert_allclose(g, 0.0, atol=1e-15)
    big = dz.grad(lambda a, n: dz.root(lambda x, a, _n: x * a - 1, 1.0, a, n), (0, 1))(2.0, 6e23)
    assert big == (-0.25, 0.0)
