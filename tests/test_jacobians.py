"""Jacobians, Hessians and products with them, against each other, formulas and differences."""

import itertools

import numpy as np
import pytest

import dezero as dz
from dezero import jacobians
from dezero.errors import (
    CheckError,
    DifferentiationError,
    NonScalarError,
    OperandError,
    ShapeError,
)
from dezero.testing import difference

RNG = np.random.default_rng(8)
MODES = ["auto", "forward", "reverse"]


def close(a, b, rtol=1e-13):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_allclose(a, b, rtol, rtol)


def by_differences(f, x):
    """The Jacobian of f at x, a direction at a time."""
    columns = []
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = 1.0
        columns.append(difference(lambda x: [f(x)], [x], [e.reshape(x.shape)], 1e-3)[0])
    return np.stack(columns, -1).reshape((*np.shape(f(x)), *x.shape))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


W = RNG.normal(size=(4, 3))
MAPS = {
    "tall": (lambda x: np.tanh(W @ x) * x[0], (3,)),
    "wide": (lambda x: np.sum(x * x[::-1], axis=1), (2, 4)),
    "square": (lambda x: np.cumsum(np.sin(x)), (5,)),
    "scalar": (np.prod, (3,)),
    "of a scalar": (lambda x: np.stack([x, x**2, np.sin(x)]), ()),
    "matrices": (lambda x: x @ x.T, (2, 3)),
    "constant": (lambda x: np.ones(2), (3,)),  # noqa: ARG005
    "whole numbers": (np.argsort, (3,)),
    "filled": (lambda x: _filled(x), (3,)),  # noqa: PLW0108
    "branch": (lambda x: x * 2 if x[0] > 5 else x**2, (3,)),
}


def _filled(x):
    y = dz.numpy.zeros(4)
    y[1:] = x**2
    y[0] = y[1] * y[2]
    return y


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MAPS)
def test_a_jacobian_is_what_differences_say(name, mode):
    f, shape = MAPS[name]
    x = np.asarray(RNG.uniform(0.3, 1.3, shape))
    found = dz.jacobian(f, mode=mode)(x)
    expected = by_differences(lambda x: np.asarray(dz.as_variable(f(x)).data, float), x)
    np.testing.assert_allclose(found, expected, 1e-9, 1e-9)
    assert np.shape(found) == (*np.shape(f(x)), *shape)


@pytest.mark.parametrize("mode", MODES)
def test_containers_on_both_sides(mode):
    def f(p, s):
        return {"y": p["w"] @ p["v"] * s, "z": (np.sum(p["v"]), p["w"])}

    p = {"w": RNG.normal(size=(2, 3)), "v": RNG.normal(size=3)}
    by_p, by_s = dz.jacobian(f, (0, 1), mode)(p, 2.0)["y"]
    close(by_p["w"], 2.0 * np.einsum("ij,k->ijk", np.eye(2), p["v"]))
    close(by_p["v"], 2.0 * p["w"])
    close(by_s, p["w"] @ p["v"])
    total, whole = dz.jacobian(f, mode=mode)(p, 2.0)["z"]
    close(total["v"], np.ones(3))
    close(total["w"], np.zeros((2, 3)))
    close(whole["w"], np.eye(6).reshape((2, 3, 2, 3)))
    close(whole["v"], np.zeros((2, 3, 3)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(mode, dtype):
    x = np.array([0.5, 1.0, 2.0], dtype)
    found = dz.jacobian(lambda x: x * x[::-1], mode=mode)(x)
    assert found.dtype == dtype
    assert dz.hessian(rosenbrock)(x).dtype == dtype


@pytest.mark.parametrize("mode", MODES)
def test_numbers(mode):
    assert dz.jacobian(lambda x: x**3, mode=mode)(2.0) == 12.0
    assert isinstance(dz.jacobian(lambda x: x**3, mode=mode)(2.0), np.float64)
    close(dz.jacobian(lambda x, y: [x * y, y], (0, 1), mode)(2.0, 3.0), [[3.0, 2.0], [0.0, 1.0]])


@pytest.mark.parametrize("mode", MODES)
def test_complex_numbers(mode):
    z = RNG.normal(size=3) + 1j * RNG.normal(size=3)
    f = lambda z: np.exp(z) * z[::-1] * (1 + 2j)  # noqa: E731
    expected = (1 + 2j) * (np.diag(np.exp(z) * z[::-1]) + np.diag(np.exp(z))[:, ::-1])
    close(dz.jacobian(f, mode=mode)(z), expected)
    x = z.real.copy()
    expected = (1 + 2j) * (np.diag(np.exp(x) * x[::-1]) + np.diag(np.exp(x))[:, ::-1])
    close(dz.jacobian(f, mode=mode)(x), expected)
    mixed = dz.jacobian(lambda x: (np.real(f(x)), f(x)), mode=mode)(x)
    close(mixed[0], expected.real.copy())
    close(mixed[1], expected)
    for g in (np.abs, np.conjugate, np.real, lambda z: z * np.conj(z)):
        with pytest.raises(DifferentiationError, match="not holomorphic"):
            dz.jacobian(g, mode=mode)(z)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_to_differentiate(mode):
    assert dz.jacobian(np.sin, mode=mode)(np.zeros(0)).shape == (0, 0)
    assert dz.jacobian(np.sum, mode=mode)(np.zeros(0)).shape == (0,)
    assert dz.jacobian(lambda x: x[:0], mode=mode)(np.zeros(3)).shape == (0, 3)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_chunks_give_the_same_and_keep_below_the_roof(mode, monkeypatch):
    x = RNG.normal(size=20)
    f = lambda x: np.sin(np.outer(x, x) @ x)  # noqa: E731
    whole = dz.jacobian(f, mode=mode)(x)
    monkeypatch.setattr(jacobians, "ELEMENTS", 3 * 400)
    sizes = []
    process = dz.batching.Batch.process

    def seen(p, operands, params, level):
        out = process(p, operands, params, level)
        sizes.append(out._value.size)
        return out

    monkeypatch.setattr(dz.batching.Batch, "process", staticmethod(seen))
    close(dz.jacobian(f, mode=mode)(x), whole)
    assert max(sizes) <= 3 * 400
    sizes.clear()
    monkeypatch.setattr(jacobians, "ELEMENTS", 10)  # not even one direction fits: one at a time
    close(dz.jacobian(f, mode=mode)(x), whole)
    assert max(sizes) == 400


def test_auto_takes_the_cheaper_side():
    calls = []

    def f(x):
        calls.append(type(x))
        return x[:2] * x[2]

    dz.jacobian(f)(np.ones(3))
    assert calls == [dz.Variable]
    calls.clear()
    dz.jacobian(lambda x: np.stack([f(x), f(x)]))(np.ones(3))
    assert calls[-1] is dz.Dual


# ---- Hessians ----


def test_the_hessian_of_rosenbrock():
    x = RNG.normal(size=6)
    n = len(x)
    h = np.zeros((n, n))
    for k in range(n - 1):
        h[k, k] += 1200 * x[k] ** 2 - 400 * x[k + 1] + 2
        h[k + 1, k + 1] += 200
        h[k, k + 1] = h[k + 1, k] = -400 * x[k]
    close(dz.hessian(rosenbrock)(x), h)


def test_hessians_of_containers_are_blocks():
    def f(p, q):
        return np.sum(p["a"] ** 2) * p["b"] + np.sum(q * p["a"])

    p, q = {"a": np.array([1.0, 2.0]), "b": 3.0}, np.array([0.5, 0.25])
    h = dz.hessian(f)(p, q)
    close(h["a"]["a"], 6.0 * np.eye(2))
    close(h["a"]["b"], 2 * p["a"])
    close(h["b"]["a"], 2 * p["a"])
    close(h["b"]["b"], 0.0)
    by_p, (qp, qq) = dz.hessian(f, (0, 1))(p, q)
    close(by_p["a"][0]["b"], 2 * p["a"])
    close(by_p["a"][1], np.eye(2))
    close(qp["a"], np.eye(2))
    close(qp["b"], np.zeros(2))
    close(qq, np.zeros((2, 2)))


def test_of_a_number():
    assert dz.hessian(lambda x: x**3)(2.0) == 12.0


def test_third_derivatives_by_any_three():
    x = np.array([0.4, -0.3])
    f = lambda x: np.sum(np.exp(x) * x[0])  # noqa: E731
    e = np.exp(x)
    t = np.zeros((2, 2, 2))
    t[0, 0, 0] = (3 + x[0]) * e[0]
    t[1, 1, 1] = x[0] * e[1]
    t[0, 1, 1] = t[1, 0, 1] = t[1, 1, 0] = e[1]
    for first, second in itertools.product(MODES, MODES):
        third = dz.jacobian(dz.jacobian(dz.grad(f), mode=first), mode=second)(x)
        close(third, t, 1e-12)


# ---- products ----


def network(p, x):
    return np.tanh(x @ p["w"]) @ p["v"]


P = {"w": RNG.normal(size=(3, 4)), "v": RNG.normal(size=(4, 2))}
X = RNG.normal(size=(5, 3))


def flat(tree):
    return np.concatenate([np.ravel(tree[k]) for k in ("v", "w")])


def test_hvp_is_the_hessian_times_the_direction():
    loss = lambda p: np.mean(network(p, X) ** 2)  # noqa: E731
    t = {"w": RNG.normal(size=(3, 4)), "v": RNG.normal(size=(4, 2))}
    (found,) = dz.hvp(loss, (P,), (t,))
    h = dz.hessian(loss)(P)
    for row in ("v", "w"):
        expected = sum(np.tensordot(h[row][k], t[k], np.ndim(t[k])) for k in t)
        close(found[row], expected, 1e-11)


def test_hvp_of_several_arguments():
    found = dz.hvp(lambda x, y: x**2 * y, (3.0, 2.0), (1.0, 10.0))
    assert found == (2 * 2.0 * 1.0 + 2 * 3.0 * 10.0, 2 * 3.0 * 1.0)


def test_gauss_newton_is_the_product_of_the_three():
    target = RNG.normal(size=(5, 2))
    loss = lambda y: np.sum(np.log(np.cosh(y - target)))  # noqa: E731
    t = {"w": RNG.normal(size=(3, 4)), "v": RNG.normal(size=(4, 2))}
    (found,) = dz.gauss_newton(lambda p: network(p, X), loss)((P,), (t,))
    jacobian = dz.jacobian(lambda p: network(p, X))(P)
    j = np.concatenate([jacobian[k].reshape((10, -1)) for k in ("v", "w")], axis=1)
    h = dz.hessian(loss)(network(P, X)).reshape((10, 10))
    close(flat(found), j.T @ h @ j @ flat(t), 1e-11)


@pytest.mark.parametrize("name", MAPS)
def test_linearize_is_jvp(name):
    f, shape = MAPS[name]
    x = np.asarray(RNG.uniform(0.3, 1.3, shape))
    y, push = dz.linearize(f, x)
    for _ in range(2):
        t = np.asarray(RNG.normal(size=shape))
        value, moved = dz.jvp(f, (x,), (t,))
        np.testing.assert_array_equal(y, value)
        np.testing.assert_allclose(push(t), moved, 1e-13, 1e-13)


def test_linearize_calls_the_function_once_and_composes():
    calls = []

    def f(p, x):
        calls.append(1)
        return {"y": network(p, x), "z": np.sin(x)}

    _, push = dz.linearize(f, P, X)
    tx = RNG.normal(size=(7, 5, 3))
    many = dz.vmap(push, (None, 0))(P, tx)
    assert calls == [1]
    for k in range(7):
        _, expected = dz.jvp(f, (P, X), (P, tx[k]))
        for name in expected:
            close(many[name][k], expected[name], 1e-12)
    slope = dz.grad(lambda s: dz.linearize(lambda x: np.sin(s * x), 2.0)[1](1.0))(3.0)
    close(slope, np.cos(6.0) - 6 * np.sin(6.0))


def test_linearize_where_a_slope_is_infinite():
    _, push = dz.linearize(np.sqrt, np.array([0.0, 4.0]))
    with np.errstate(divide="ignore"):
        moved = push(np.ones(2))
    np.testing.assert_array_equal(moved, [np.inf, 0.25])


# ---- arrays of cases ----


def test_elementwise_grad():
    x = RNG.uniform(0.3, 1.3, (2, 3))
    close(dz.elementwise_grad(np.log, check=True)(x), 1 / x)
    close(dz.elementwise_grad(lambda x, k: x**k)(x, 3), 3 * x**2)
    close(dz.elementwise_grad(dz.elementwise_grad(np.sin))(x), -np.sin(x))
    assert dz.elementwise_grad(np.exp)(0.0) == 1.0
    z = x + 1j
    close(dz.elementwise_grad(np.sin, check=True)(z), np.cos(z))


@pytest.mark.parametrize("f", [np.cumsum, lambda x: x * x[::-1], lambda x: x + 1e-6 * np.sum(x)])
def test_elementwise_grad_checks_that_the_jacobian_is_diagonal(f):
    with pytest.raises(CheckError, match="not diagonal"):
        dz.elementwise_grad(f, check=True)(np.array([0.3, 0.5, 0.9]))


def test_per_sample_grad():
    def loss(p, x, y, scale=1.0):
        return scale * np.sum((network(p, x) - y) ** 2)

    y = RNG.normal(size=(5, 2))
    found = dz.per_sample_grad(loss)(P, X, y, scale=2.0)
    for k in range(5):
        one = dz.grad(loss)(P, X[k], y[k], scale=2.0)
        for name in P:
            close(found[name][k], one[name], 1e-12)


# ---- misuse ----


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: dz.jacobian(np.sin, mode="sideways"), OperandError, "auto, forward, reverse"),
        (lambda: dz.jacobian(3), OperandError, "jacobian takes a function"),
        (lambda: dz.jacobian(np.sin, 1)(np.ones(2)), OperandError, r"jacobian\(sin\): argnums=1"),
        (lambda: dz.jacobian(np.sin)(np.arange(3)), DifferentiationError, "floating"),
        (lambda: dz.jacobian(np.sin)("x"), dz.errors.DataError, "jacobian"),
        (lambda: dz.hessian(np.sin)(np.ones(2)), NonScalarError, "sin returned an array"),
        (lambda: dz.hessian(lambda z: np.real(z * z))(1j), DifferentiationError, "holomorphic"),
        (lambda: dz.hvp(np.sum, np.ones(2), np.ones(2)), OperandError, "two tuples"),
        (lambda: dz.elementwise_grad(np.sum)(np.ones(2)), ShapeError, "dz.jacobian"),
        (lambda: dz.elementwise_grad(np.abs)(np.ones(2) * 1j), DifferentiationError, "dz.grad"),
        (lambda: dz.elementwise_grad(lambda x: (x, x))(np.ones(2)), OperandError, "one array"),
        (lambda: dz.linearize(np.sin, 1.0)[1](np.ones(2)), dz.errors.GradientError, "shape"),
        (lambda: dz.linearize(np.sin, 1.0)[1](1.0, 2.0), dz.errors.GradientError, "structure"),
    ],
)
def test_misuse(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---- found by review ----


def test_whole_numbers_have_floating_derivatives_in_every_mode():
    f = lambda x: (x > 0) * np.array([1, 2, 3])  # noqa: E731
    for mode in MODES:
        close(dz.jacobian(f, mode=mode)(np.ones(3)), np.zeros((3, 3)))
    assert dz.jvp(lambda x: np.argmax(x), (np.ones(3),), (np.ones(3),))[1].dtype == float  # noqa: PLW0108


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("result", [None, "text", {}])
def test_a_function_that_returns_no_array_is_refused(mode, result):
    with pytest.raises(OperandError, match="returned no array"):
        dz.jacobian(lambda _x: result, mode=mode)(np.ones(3))


def test_a_batch_inside_the_function_does_not_shrink_the_chunks():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(dz.vmap(lambda a: a * x)(np.ones((2000, 20))), axis=0)

    close(dz.jacobian(f, mode="forward")(np.ones(20)), 2000 * np.eye(20))
    assert len(calls) == 1


def test_per_sample_grad_without_samples():
    with pytest.raises(OperandError, match="no sample"):
        dz.per_sample_grad(np.sum)(np.ones(2))
