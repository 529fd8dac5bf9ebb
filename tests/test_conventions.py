"""The policies of docs/conventions.md: what a derivative is where there is none, or several.

A policy is a list of points: a function, its arguments, and the gradient by each of them of the sum
of the result. Each must hold in reverse and in forward mode, by `Variable.backward` with and
without a graph, and without a warning that NumPy's own call does not give.
"""

import functools
import itertools
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from cases import POLICIES as BY_AREA

import dezero as dz
from dezero.box import plain
from dezero.testing import check_grads

inf, nan, pi = np.inf, np.nan, np.pi
HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "conventions.md"


def silently(fn):
    """NumPy's call, where NumPy itself warns."""

    def call(*xs):
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return fn(*xs)

    return call


log, sqrt, arcsin = map(silently, (np.log, np.sqrt, np.arcsin))
one_over = silently(lambda x: 1 / x)


def assigned(x):
    y = log(x)
    y[0] = 5.0
    return y


KINKS = {
    "abs": [
        (np.abs, [[-2.0, 0.0, -0.0, 3.0]], [[-1, 0, 0, 1]]),
        (np.fabs, [[-2.0, 0.0]], [[-1, 0]]),
        (np.abs, [[0j, 3 + 4j]], [[0, 0.6 + 0.8j]]),
    ],
    "maximum, minimum": [
        (np.maximum, [[1.0, 2, 3], [1.0, 3, 2]], [[0.5, 0, 1], [0.5, 1, 0]]),
        (np.minimum, [[1.0, 2, 3], [1.0, 3, 2]], [[0.5, 1, 0], [0.5, 0, 1]]),
        (lambda x: np.maximum(x, 0), [[-1.0, 0, 1]], [[0, 0.5, 1]]),
        (lambda x: np.maximum(x, x), [[-1.0, 2]], [[1, 1]]),
    ],
    "fmax, fmin": [
        (np.fmax, [[nan, 2, 1], [1.0, nan, 1]], [[0, 1, 0.5], [1, 0, 0.5]]),
        (np.fmin, [[nan, 2, 1], [1.0, nan, 1]], [[0, 1, 0.5], [1, 0, 0.5]]),
    ],
    "max, min": [
        (np.max, [[1.0, 3, 3, 0]], [[0, 0.5, 0.5, 0]]),
        (np.min, [[1.0, 0, 0, 0]], [[0, *[1 / 3] * 3]]),
        (lambda x: np.max(x, axis=1), [[[2.0, 2], [1, 3]]], [[[0.5, 0.5], [0, 1]]]),
        (
            lambda x: np.min(x, axis=(0, 1), keepdims=True),
            [[[1.0, 2], [1, 3]]],
            [[[0.5, 0], [0.5, 0]]],
        ),
        (lambda x: np.sqrt(np.max(x)), [[0.0, -1]], [[inf, 0]]),
        (lambda x: np.max(np.sqrt(x)), [[0.0, 4]], [[0, 0.25]]),
    ],
    "clip": [
        (lambda x: np.clip(x, 0, 1), [[-1.0, 0, 0.5, 1, 2]], [[0, 1, 1, 1, 0]]),
        (np.clip, [[0.0, 1], 0.0, 1.0], [[1, 1], 0, 0]),
        (np.clip, [[5.0, -5, 0], 2.0, 1.0], [[0, 0, 0], 0, 3]),  # crossed: the upper bound, always
    ],
    "steps": [
        *((f, [[-1.5, -0.0, 0.0, 1.0]], [[0.0] * 4]) for f in (np.sign, np.floor, np.ceil)),
        *((f, [[-1.5, 0.5, 1.0]], [[0.0] * 3]) for f in (np.rint, np.trunc, np.round)),
        (np.floor_divide, [[4.0, 5.0], [2.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]),
        (lambda x: x.round(1), [[0.25, 1.0]], [[0.0, 0.0]]),
    ],
    "heaviside": [(np.heaviside, [[-1.0, 0, 1], [0.5, 0.5, 0.5]], [[0, 0, 0], [0, 1, 0]])],
    "remainder": [
        (np.remainder, [[4.0, 5, -5], [2.0, 2, 2]], [[1, 1, 1], [-2, -2, 3]]),
        (np.fmod, [[4.0, 5, -5], [2.0, 2, 2]], [[1, 1, 1], [-2, -2, 2]]),
    ],
}

SINGULAR = {
    "sqrt": [
        (np.sqrt, [[0.0, 4]], [[inf, 0.25]]),
        (lambda x: x**0.5, [[0.0, 4]], [[inf, 0.25]]),
        (np.power, [[0.0, 4], [0.5, 0.5]], [[inf, 0.25], [0, 2 * np.log(4)]]),
        (np.cbrt, [[0.0, 8]], [[inf, 1 / 12]]),
        (np.arcsin, [[-1.0, 0, 1]], [[inf, 1, inf]]),
        (np.arccos, [[-1.0, 0, 1]], [[-inf, -1, -inf]]),
        (np.arccosh, [[1.0]], [[inf]]),
    ],
    "x**0": [
        (lambda x: x**0, [[0.0, 2, inf, nan]], [[0, 0, 0, 0]]),
        (lambda x: x**0.0, [[0.0, -2]], [[0, 0]]),
        (lambda x: np.power(x, np.zeros(3)), [[0.0, 2, -2]], [[0, 0, 0]]),
        (np.power, [[0.0, 2], [0.0, 0]], [[0, 0], [0, np.log(2)]]),
    ],
    "0**y": [
        (lambda y: 0.0**y, [[0.0, 1, 2, 0.5]], [[0, 0, 0, 0]]),
        (np.power, [[0.0, 0, 0], [1.0, 2, 3]], [[1, 0, 0], [0, 0, 0]]),
        (lambda y: np.array([0, 2]) ** y, [[1.0, 1]], [[0, 2 * np.log(2)]]),
    ],
    "prod": [
        (np.prod, [[0.0, 2, 3]], [[6, 0, 0]]),
        (np.prod, [[0.0, 0, 3]], [[0, 0, 0]]),
        (np.prod, [0.0], [1]),
        (np.prod, [[1e-160, 1e-155, 3]], [[3e-155, 3e-160, 1e-315]]),  # no digit lost to underflow
        (lambda x: np.prod(x, axis=1), [[[0.0, 2], [3, 4]]], [[[2, 0], [4, 3]]]),
    ],
    "hypot, arctan2": [
        (np.hypot, [[0.0, 3], [0.0, 4]], [[0, 0.6], [0, 0.8]]),
        (np.arctan2, [[0.0, 0, -0.0], [0.0, -2, -0.0]], [[0, -0.5, 0], [0, 0, 0]]),
    ],
    "std, var": [
        (np.std, [[2.0, 2, 2]], [[0, 0, 0]]),
        (np.std, [[1 + 1j, 1 + 1j]], [[0, 0]]),
        (lambda x: np.std(x, axis=1), [[[2.0, 2], [1, 3]]], [[[0, 0], [-0.5, 0.5]]]),
        (np.var, [[2.0, 2, 2]], [[0, 0, 0]]),
        (np.std, [5.0], [0]),
        (silently(lambda x: np.var(x, ddof=1)), [[5.0]], [[nan]]),
    ],
    "logaddexp": [
        (
            np.logaddexp,
            [[inf, -inf, inf, -inf], [0.0, 0, -inf, -inf]],
            [[1, 0, 1, 0], [0, 1, 0, 0]],
        ),
        (np.logaddexp, [[0.0, inf, -inf], [inf, inf, inf]], [[0, 1, 0], [1, 1, 1]]),
        (np.logaddexp2, [[inf, -inf, -inf], [0.0, 0, -inf]], [[1, 0, 0], [0, 1, 0]]),
    ],
    "sinc": [(np.sinc, [[0.0, 1]], [[0, -1]])],
}

DEAD = {
    "where": [
        (lambda x: np.where(x > 0, np.sqrt(x), 0), [[0.0, 4]], [[0, 0.25]]),
        (lambda x: np.where(x > 0, sqrt(x), 0), [[-1.0, 0, 4]], [[0, 0, 0.25]]),
        (lambda x: np.where(x > 0, log(x), 0), [[-1.0, 0, 4]], [[0, 0, 0.25]]),
        (lambda x: np.where(x > 0, x**0.5, x), [[0.0, 4]], [[1, 0.25]]),
        (lambda x: np.where(x != 0, one_over(x), x), [[0.0, 2]], [[1, -0.25]]),
        (lambda x: np.where(np.abs(x) <= 1, arcsin(x), 0), [[3.0, 0]], [[0, 1]]),
        (lambda x: np.where(x < 9, silently(np.exp)(x), x), [[1e4, 0]], [[1, 1]]),
        (lambda x: np.where(x > 0, silently(np.multiply)(x, log(x)), 0), [[0.0, 1]], [[0, 1]]),
        (lambda x: np.where(x > 0, 0, log(x) / x), [[1.0]], [[0]]),
        (
            lambda x: np.where([True, False], x, log(x) ** 2),
            [
                [1.0, 1],
            ],
            [[1, 0]],
        ),
        (
            lambda x, y: np.where(y != 0, silently(np.divide)(x, y), 0),
            [[1.0, 1], [0.0, 2]],
            [[0, 0.5], [0, -0.25]],
        ),
    ],
    "what was not taken": [
        (lambda x: log(x)[1:], [[0.0, 1, 2]], [[0, 1, 0.5]]),
        (lambda x: log(x)[x > 0], [[0.0, -1, 2]], [[0, 0, 0.5]]),
        (lambda x: log(x)[[2, 2]], [[0.0, -1, 2]], [[0, 0, 1]]),
        (lambda x: np.maximum(log(x), -5.0), [[0.0, 1]], [[0, 1]]),
        (lambda x: np.minimum(one_over(x), 10.0), [[0.0, 1]], [[0, -1]]),
        (lambda x: np.clip(log(x), -5.0, 5.0), [[0.0, 1]], [[0, 1]]),
        (lambda x: np.max(log(x)), [[0.0, 1]], [[0, 1]]),
        (lambda x: np.min(one_over(x)), [[0.0, 1]], [[0, -1]]),
        (lambda x: np.fmax(log(x), 0.0), [[-1.0, 2]], [[0, 0.5]]),
        (lambda x: np.stack([log(x), x])[1], [[0.0, 1]], [[1, 1]]),
    ],
    "what was written over": [(assigned, [[0.0, 2]], [[0, 0.5]])],
}

COMPLEX = {
    "complex": [
        (lambda z: np.abs(z) ** 2, [3 + 4j], [6 + 8j]),
        (np.real, [3 + 4j], [1]),
        (np.imag, [3 + 4j], [1j]),
        (lambda z: np.imag(np.conj(z)), [3 + 4j], [-1j]),
        (lambda z: np.real(z * z), [3 + 4j], [6 - 8j]),
        (lambda z: np.real(np.exp(z)), [0.5j], [np.exp(-0.5j)]),
        (lambda z: np.real(z[[0, 0]] * 1j), [[1j, 2]], [[-2j, 0]]),
    ],
    "real with complex": [
        (lambda x, z: np.real(x * z), [[2.0, 3], [1 + 1j, 2j]], [[1, 0], [2, 3]]),
        (lambda x, z: np.imag(x @ z), [[2.0, 3], [1 + 1j, 2j]], [[1, 2], [2j, 3j]]),
        (lambda x: np.abs(x + 1j), [[0.0, 1]], [[0, 0.5**0.5]]),
        (lambda x: np.real(np.exp(1j * x)), [[0.5]], [[-np.sin(0.5)]]),
        (lambda x: np.real(x.astype(complex) * 1j), [[1.0]], [[0]]),
    ],
}

COUNTED = {
    "repeated indices": [
        (lambda x: x[[0, 0, 2]], [[1.0, 2, 3]], [[2, 0, 1]]),
        (lambda x: x[np.array([[0, 0], [-3, 1]])], [[1.0, 2, 3]], [[3, 1, 0]]),
        (lambda x: x[[1, 1], :, [0, 0]], [[[[1.0], [2]], [[3], [4]]]], [[[[0], [0]], [[2], [2]]]]),
        (lambda x: np.broadcast_to(x, (4, 2)), [[1.0, 2]], [[4, 4]]),
    ],
    "an operand used twice": [
        (lambda x: x + x, [2.0], [2]),
        (lambda x: x * x * x, [2.0], [12]),
        (lambda x: np.concatenate([x, x, x]), [[1.0, 2]], [[3, 3]]),
    ],
    "integer constants": [
        (lambda x: x * np.arange(3), [[1.0, 2, 3]], [[0, 1, 2]]),
        (lambda x: x ** np.arange(3), [[0.0, 0, 2]], [[0, 1, 4]]),
        (lambda x: np.array([[1, 2], [3, 4]]) @ x, [[1.0, 2]], [[4, 6]]),
        (lambda x: np.where(x > 1, x, 2), [[0.0, 3]], [[0, 1]]),
    ],
}

POLICIES = KINKS | SINGULAR | DEAD | COMPLEX | COUNTED | BY_AREA
REVERSE_ONLY = {assigned}  # a Dual cannot be assigned into


def points():
    for name, found in POLICIES.items():
        for k, (call, args, gradients) in enumerate(found):
            xs = tuple(np.asarray(x) for x in args)
            gxs = [np.asarray(g, x.dtype) for g, x in zip(gradients, xs, strict=True)]
            yield pytest.param(call, xs, gxs, id=f"{name}-{k}")


each_point = pytest.mark.parametrize(("call", "xs", "expected"), list(points()))


def agree(found, expected):
    """To the last digits; infinities and NaNs are the same or not."""
    for g, e in zip(found, expected, strict=True):
        assert (g.shape, g.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(g, e, rtol=1e-14, atol=0)


@each_point
def test_policy_in_reverse(call, xs, expected):
    """By `vjp`, `grad` and `backward`; without a policy of its own, a zero is a zero, not None."""
    y, pull = dz.vjp(call, *xs)
    agree(pull(np.ones_like(y)), expected)
    agree(
        dz.grad(lambda *args: silently(np.sum)(call(*args)), tuple(range(len(xs))))(*xs), expected
    )
    vs = [dz.Variable(x) for x in xs]
    call(*vs).backward()
    agree([v.grad for v in vs], expected)


@each_point
def test_policy_with_a_graph(call, xs, expected):
    vs = [dz.Variable(x) for x in xs]
    call(*vs).backward(create_graph=True)
    agree([plain(v.grad) for v in vs], expected)


@each_point
def test_policy_in_forward(call, xs, expected):
    """One direction at a time; a complex number has two."""
    if call in REVERSE_ONLY:
        return
    found = [np.zeros_like(x) for x in xs]
    for k, x in enumerate(xs):
        for at, unit in itertools.product(
            np.ndindex(x.shape), [1, 1j][: 1 + (x.dtype.kind == "c")]
        ):
            txs = [np.zeros_like(each) for each in xs]
            txs[k][at] = unit
            found[k][at] += np.sum(dz.jvp(call, xs, tuple(txs))[1]) * unit
    agree(found, expected)


def test_the_page_and_the_tests_name_the_same_policies():
    rows = re.findall(r"^\|.*\| `([^`|]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    tests = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    others = set(re.findall(r"^def test_(\w+)", tests, re.MULTILINE))
    assert len(rows) == len(set(rows))
    assert POLICIES.keys() <= set(rows)
    assert set(rows) - POLICIES.keys() <= others


# ---- higher orders ----


def taylor(coefficients):
    """What the derivatives of a power series are."""
    p = np.polynomial.Polynomial(coefficients)
    return lambda x, n: p.deriv(n)(x) if n else p(x)


sinc = taylor([0 if k % 2 else (-1) ** (k // 2) * pi**k / math.factorial(k + 1) for k in range(40)])
ORDERS = [
    (lambda x: x**2, 0.0, [0, 0, 2, 0, 0]),
    (lambda x: x**2.0, 0.0, [0, 0, 2, 0]),
    (lambda x: x**3, 0.0, [0, 0, 0, 6, 0]),
    (lambda x: x**1, 0.0, [0, 1, 0, 0]),
    (lambda x: x**0, 0.0, [1, 0, 0]),
    (lambda x: np.power(x, np.array(2.0)), 0.0, [0, 0, 2, 0]),
    (lambda x: 0.0**x, 2.0, [0, 0, 0]),
    (np.square, 0.0, [0, 0, 2, 0]),
    (np.abs, 0.0, [0, 0, 0]),
    (np.floor, 0.5, [0, 0, 0]),
    (lambda x: np.hypot(x, 0.0), 0.0, [0, 0]),
    (lambda x: np.clip(x, -1, 1) ** 2, 1.0, [1, 2, 2, 0]),
    (lambda x: np.where(x > 0, np.sqrt(x), x), 0.0, [0, 1, 0, 0]),
    (lambda x: np.where(x > 0, x, log(x)), 4.0, [4, 1, 0, 0]),
    (lambda x: np.where(x < 9, silently(np.exp)(x), x), 1e4, [1e4, 1, 0]),
    (lambda x: np.stack([log(x), x**2])[1], 0.0, [0, 0, 2]),
    (lambda x: np.prod(np.stack([x, x, 2.0])), 0.0, [0, 0, 4, 0]),
    (lambda x: np.prod(np.stack([x, x, x, x + 1])), 0.0, [0, 0, 0, 6, 24]),
    *((np.sinc, at, [sinc(at, n) for n in range(5)]) for at in (0.0, 0.01, 0.049, 0.2, 0.9)),
]


def derivative(f, modes):
    """The derivative by one number, an order for each letter: forward or reverse."""
    for mode in modes:
        if mode == "r":
            f = dz.grad(f)
        else:
            f = functools.partial(lambda f, x: dz.jvp(f, (x,), (1.0,))[1], f)
    return f


@pytest.mark.parametrize(("f", "x", "expected"), ORDERS)
def test_higher_orders(f, x, expected):
    """In every nesting of the two modes."""
    for n, value in enumerate(expected):
        for modes in itertools.product("fr", repeat=n):
            found = derivative(f, modes)(x)
            np.testing.assert_allclose(found, value, 1e-11, 1e-13, err_msg="".join(modes))


@pytest.mark.parametrize(
    ("call", "xs", "expected"), [p for p in points() if p.id.rsplit("-", 1)[0] in DEAD]
)
def test_what_was_not_taken_stays_out_at_second_order(call, xs, expected):
    """Along (1, 1, …), in every nesting of the two modes."""

    def along(s):
        return silently(np.sum)(call(*(x + s for x in xs)))

    modes = ["rr"] if call in REVERSE_ONLY else ["rr", "rf", "fr", "ff"]
    first = [derivative(along, mode[0])(0.0) for mode in modes]
    np.testing.assert_allclose(first, sum(g.sum() for g in expected), 1e-14)
    second = [derivative(along, mode)(0.0) for mode in modes]
    assert np.all(np.isfinite(second))
    np.testing.assert_allclose(second, second[0], 1e-14)


def test_both_operands_of_a_power_at_zero():
    """∂²xʸ/∂x∂y is 1/x where y is 0, in either order."""
    for first, second in [(0, 1), (1, 0)]:
        mixed = dz.grad(dz.grad(lambda x, y: x**y, first), second)
        np.testing.assert_allclose([mixed(4.0, 0.0), mixed(4.0, 1.0)], [0.25, 1 + np.log(4)], 1e-14)


@pytest.mark.parametrize("x", [[0.0, 2, 3], [0.0, 0, 3], [0.0, 0, 0], [0.0, 2, 0, 3, 0.5]])
def test_products_are_exact_with_zeros_to_third_order(x):
    check_grads(np.prod, [np.array(x)], order=3)
    hessian = [dz.grad(lambda x, k=k: dz.grad(np.prod)(x)[k])(np.array(x)) for k in range(len(x))]
    rest = [
        [0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(len(x))]
        for i in range(len(x))
    ]
    np.testing.assert_allclose(hessian, rest, 1e-15)


DIGITS = [
    (np.expm1, [-35.0], [np.exp(-35)]),
    (np.log1p, [1e-17], [1.0]),
    (np.arcsin, [1 - 1e-12], [1 / np.sqrt((1 - (1 - 1e-12)) * (2 - 1e-12))]),
    (np.arctanh, [1 - 1e-12], [1 / ((1 - (1 - 1e-12)) * (2 - 1e-12))]),
    (np.logaddexp, [0.0, -50.0], [1 / (1 + np.exp(-50)), np.exp(-50) / (1 + np.exp(-50))]),
    (np.arctan2, [1e-200, 1e-200], [5e199, -5e199]),
    (np.arctan2, [1e200, -1e200], [-5e-201, -5e-201]),
    (np.hypot, [3e200, 4e200], [0.6, 0.8]),
    (np.hypot, [3e-200, 4e-200], [0.6, 0.8]),
    (np.divide, [1e-200, 1e-200], [1e200, -1e200]),
    (lambda x: np.std(np.stack([x, x + 1.0])), [1e6], [0.0]),
]


@pytest.mark.parametrize(("f", "xs", "expected"), DIGITS)
def test_derivatives_keep_their_digits(f, xs, expected):
    found = dz.grad(f, tuple(range(len(xs))))(*xs)
    np.testing.assert_allclose(found, expected, 1e-12)
    for k, slope in enumerate(expected):
        txs = tuple(float(j == k) for j in range(len(xs)))
        np.testing.assert_allclose(dz.jvp(f, tuple(xs), txs)[1], slope, 1e-12)


# ---- dtypes ----

FLOATS = [np.float16, np.float32, np.float64, np.complex64, np.complex128]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_gradient_has_the_dtype_of_its_variable(dtype):
    """Whatever it met on the way."""
    x = np.array([1.0, 2.0], dtype)
    for f in [
        lambda x: np.sum(np.abs(x * np.float64(2.0)) ** 2),
        lambda x: np.sum(np.abs(x * np.array([1.0, 2.0]) + 1) ** 2),
        lambda x: np.mean(np.abs(3 * x - 1.5) ** 2.0),
    ]:
        g = dz.grad(f)(x)
        assert (g.dtype, g.shape) == (dtype, (2,))
        assert dz.jvp(f, (x,), (x,))[1].dtype == f(x).dtype
        v = dz.Variable(x)
        f(v).backward()
        assert v.grad.dtype == dtype


@pytest.mark.parametrize("number", [2, 2.0, True, [1, 2], [1.0, 2.0]])
def test_numbers_are_floating_in_a_transform(number):
    """Python's numbers, and lists of them; the derivative by a number is a number."""
    g = dz.grad(lambda x: np.sum(x**2))(number)
    assert np.array_equal(g, 2 * np.asarray(number, float))
    assert type(g) is (np.ndarray if isinstance(number, list) else float)
    _, ty = dz.jvp(lambda x: np.sum(x**2), (number,), (np.ones_like(number, float),))
    assert ty == 2 * np.sum(np.asarray(number, float))
    assert ty.dtype == float


def test_integer_arrays_are_held_and_have_no_derivative():
    n = np.array([1, 2])
    v = dz.Variable(n)
    assert (v * 2).dtype == np.clip(v, None, 5).dtype == np.sum(v).dtype == np.int64
    for attempt in [
        lambda: dz.grad(np.sum)(n),
        lambda: dz.jvp(np.sum, (n,), (n,)),
        lambda: dz.vjp(np.sum, n),
        lambda: np.sum(v).backward(),
        lambda: np.sum(v * 1.5).backward(),
    ]:
        with pytest.raises(TypeError, match="int64"):
            attempt()


# ---- complex numbers ----


@pytest.mark.parametrize("d", [dz.grad, lambda f: lambda z: dz.jvp(f, (z,), (1 + 0j,))])
def test_steps_of_complex_numbers_are_refused(d):
    with pytest.raises(TypeError, match="no derivative"):
        d(lambda z: np.real(np.sign(z)))(1 + 1j)


LOSSES = [
    lambda z: np.sum(np.abs(z) ** 2),
    lambda z: np.sum(np.real(z**3)),
    lambda z: np.abs(np.sum(np.exp(z) * np.array([1j, 2.0]))),
    lambda z: np.imag(np.prod(z)) + np.real(np.mean(np.conj(z) * z[::-1])),
    lambda z: np.std(z) + np.var(z * 1j) + np.real(z @ np.sin(z)),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_complex_gradients_descend(loss):
    """They are ∂L/∂Re z + i ∂L/∂Im z, by differences too; a small step against them descends."""
    z, h = np.array([0.7 - 0.4j, -0.3 + 1.1j]), 1e-6
    g = dz.grad(loss)(z)
    for k, e in enumerate(np.eye(2)):
        slopes = [(loss(z + h * d * e) - loss(z - h * d * e)) / (2 * h) for d in (1, 1j)]
        np.testing.assert_allclose(g[k], slopes[0] + 1j * slopes[1], 1e-8)
    assert loss(z - 1e-3 * g) < loss(z) - 0.9e-3 * np.sum(np.abs(g) ** 2)
    v = dz.Variable(z)
    loss(v).backward()
    np.testing.assert_array_equal(v.grad, g)
