"""The checker is checked: `check_grads` must catch wrong rules, and must pass right ones."""

import numpy as np
import pytest

import dezero as dz
from dezero import testing
from dezero.box import plain
from dezero.errors import CheckError, DeZeroError
from dezero.rows import TABLE, Elementwise, General
from dezero.testing import check_grads, numerical_diff

X = np.array([0.3, -0.7, 1.9])
M = np.array([[0.5, -1.5, 2.0], [1.0, 0.25, -0.75]])
OFF = 1.0005
BOTH, FORWARD, REVERSE = ("forward", "reverse"), ("forward",), ("reverse",)


def unlisted(row):
    """A row of these tests' own."""
    del TABLE["wrong"]
    return row


def elementwise(fn, *rules, pushes=None):
    return unlisted(Elementwise(fn, "wrong", None, rules, pushes or rules))


def general(fn, *rules, pushes):
    return unlisted(General(fn, "wrong", rules, pushes))


def cosine(t, x):
    return t * np.cos(x)


def cosine_off(t, x):
    return t * np.cos(x) * OFF


sin_off = elementwise(np.sin, cosine_off)
sum_off = general(
    np.sum, lambda g, x: np.broadcast_to(g, x.shape) * OFF, pushes=(lambda t, _x: np.sum(t) * OFF,)
)
square_off = elementwise(lambda x: 3 * x**2, lambda t, x: t * 6 * x * OFF)
stretched = general(
    lambda x: x + np.zeros((2, 3)),
    lambda g, _x: g,  # should sum over the axis that was broadcast
    pushes=(lambda t, _x: t + np.zeros((2, 3)),),
)
first_two = np.array([1.0, 1, 0])

# What is wrong: the function, its arguments, and the modes and orders that must see it.
WRONG = {
    "a partial derivative, by 0.05 %": (sin_off, [X], BOTH, 1),
    "… the way back only": (
        elementwise(np.sin, cosine_off, pushes=(cosine,)),
        [X],
        REVERSE,
        1,
    ),
    "… the way forward only": (
        elementwise(np.sin, cosine, pushes=(cosine_off,)),
        [X],
        FORWARD,
        1,
    ),
    "… at one of a thousand numbers": (
        elementwise(np.sin, lambda t, x: t * np.cos(x) * np.where(x > 4.9955, 1.05, 1)),
        [np.linspace(-5, 5, 1000)],
        BOTH,
        1,
    ),
    "… of a scalar": (sin_off, [0.5], BOTH, 1),
    "… inside a program": (lambda x, y: np.sum(np.exp(sin_off(x) * y), axis=1), [M, X], BOTH, 1),
    "… in a container": (
        lambda p: np.sin(p["a"]) + sin_off(p["b"][0]),
        [{"a": X, "b": [X]}],
        BOTH,
        1,
    ),
    "… of the second result": (lambda x: (np.sin(x), sin_off(x)), [X], BOTH, 1),
    "… of complex numbers": (sin_off, [X + 0.5j], BOTH, 1),
    "a reduction, by 0.05 %": (sum_off, [M], BOTH, 1),
    "the second order, by 0.05 %": (
        elementwise(lambda x: x**3, lambda t, x: t * square_off(x)),
        [X],
        BOTH,
        2,
    ),
    "no second order": (
        elementwise(lambda x: x**3, lambda t, x: t * (3 * plain(x) ** 2)),
        [X],
        BOTH,
        2,
    ),
    "the third order, by 0.05 %": (
        elementwise(
            lambda x: x**4,
            lambda t, x: t * 4 * elementwise(lambda x: x**3, lambda t, x: t * square_off(x))(x),
        ),
        [X],
        BOTH,
        3,
    ),
    "a sign, of one operand": (elementwise(np.subtract, lambda t: t, lambda t: t), [X, X], BOTH, 1),
    "a sign, of one operand, the way back only": (
        elementwise(np.subtract, lambda t: t, lambda t: t, pushes=(lambda t: t, lambda t: -t)),
        [X, X],
        REVERSE,
        1,
    ),
    "operands mixed up": (
        elementwise(np.multiply, lambda t, x, _y: t * x, lambda t, _x, y: t * y),
        [X, X + 1],
        BOTH,
        1,
    ),
    "a conjugate too few": (
        unlisted(Elementwise(np.conjugate, "wrong", None, (lambda t: t,), (np.conjugate,))),
        [X + 0.5j],
        REVERSE,
        1,
    ),
    "axes not transposed": (
        general(
            np.transpose,
            lambda g, x: np.reshape(g, x.shape),
            pushes=(lambda t, _x: np.transpose(t),),
        ),
        [M],
        REVERSE,
        1,
    ),
    "no sum over a broadcast axis": (stretched, [X], REVERSE, 1),
    "a NaN": (elementwise(np.sin, lambda t, x: t * np.cos(x) * np.nan), [X], BOTH, 1),
    "zeros": (elementwise(np.sin, lambda t, _x: np.zeros_like(t)), [X], BOTH, 1),
    "what depends on nothing": (lambda x: np.sin(plain(x)), [X], BOTH, 1),
}


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("f", "args", "modes", "visible"), WRONG.values(), ids=WRONG)
def test_wrong_derivatives_are_caught(f, args, modes, visible, order, mode):
    """In each mode by itself, from the order on that shows it, and not before."""
    if mode in modes and order >= visible:
        with pytest.raises(DeZeroError):
            check_grads(f, args, order=order, modes=[mode])
        with pytest.raises(DeZeroError):
            check_grads(f, args, order=order)
    elif order == 1:
        check_grads(f, args, order=order, modes=[mode])


def test_the_modes_are_compared_with_each_other():
    """Closer than differences can tell: a part in ten million, in one mode."""
    slightly = elementwise(
        np.exp, lambda t, x: t * np.exp(x) * (1 + 8e-8), pushes=(lambda t, x: t * np.exp(x),)
    )
    check_grads(slightly, [3.0], order=1, modes=["forward"])
    check_grads(slightly, [3.0], order=1, modes=["reverse"])
    with pytest.raises(CheckError, match="adjoint identity: the two modes differ by"):
        check_grads(slightly, [3.0], order=1)


SCALES = [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6]
RIGHT = {
    "sin": lambda x, s: s * np.sin(x / s),
    "log": lambda x, s: np.log(np.abs(x) + s),
    "sqrt": lambda x, s: np.sqrt(x + 2 * s),
    "reciprocal": lambda x, s: s / (x + 2 * s),
    "cube": lambda x, _s: x**3,
    "exp": lambda x, s: np.exp(x / s),
    "quadratic form": lambda x, s: x @ np.outer(X, X) @ x / s,
    "mean": lambda x, _s: np.mean(x),
    "constant": lambda _x, s: np.array(s),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("f", RIGHT.values(), ids=RIGHT)
def test_right_derivatives_pass_at_any_scale(f, scale):
    check_grads(lambda x: f(x, scale), [X * scale])


@pytest.mark.parametrize("scale", SCALES)
def test_wrong_derivatives_are_caught_at_any_scale(scale):
    for wrong in [lambda x: scale * sin_off(x / scale), lambda x: sum_off(x * np.cos(x / scale))]:
        with pytest.raises(CheckError):
            check_grads(wrong, [X * scale], order=1)


def test_wrong_derivatives_are_caught_in_small_results():
    with pytest.raises(CheckError):
        check_grads(lambda x: 1e-6 * sin_off(x), [X], order=1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_tolerances_go_with_the_dtype(dtype):
    """A right rule passes in each; 0.05 % is visible in double, 50 % in every precision."""
    x = X.astype(dtype)
    check_grads(lambda x: np.tanh(x) * x, [x], order=1)
    badly = elementwise(np.sin, lambda t, x: t * np.cos(x) * 1.5)
    with pytest.raises(CheckError):
        check_grads(lambda x: 20 * badly(x), [x], order=1)
    with pytest.raises(CheckError):
        check_grads(sin_off, [x.astype(np.result_type(x, np.float64))])


def test_tolerances_can_be_given():
    check_grads(sin_off, [X], rtol=1e-2)
    with pytest.raises(CheckError):
        check_grads(sin_off, [X], rtol=1e-5, atol=0)


@pytest.mark.parametrize("seed", range(10))
def test_any_direction_will_do(seed):
    check_grads(lambda x, y: np.sin(x) @ np.cos(y), [M, X], seed=seed)
    with pytest.raises(CheckError):
        check_grads(lambda x, y: sin_off(x) @ np.cos(y), [M, X], seed=seed)


MESSAGES = [
    (sin_off, {}, r"^forward: \[.*\] where differences say \[.*\] \(off by 0\.000\d+\)$"),
    (sin_off, {"modes": ["reverse"]}, r"^reverse: \S+ where differences say \S+ \(off by \S+\)$"),
    (WRONG["no second order"][0], {}, r"^forward, then forward: \[0\. 0\. 0\.\] where"),
    (WRONG["no second order"][0], {"modes": ["reverse"]}, r"^reverse, then reverse: 0\.0* where"),
    (stretched, {"modes": ["reverse"]}, r"wrong: .* shape \(3,\) came back with shape \(2, 3\)"),
]


@pytest.mark.parametrize(("f", "how", "message"), MESSAGES)
def test_the_message_says_what_and_where_and_by_how_much(f, how, message):
    with pytest.raises((AssertionError, ValueError), match=message) as caught:
        check_grads(f, [X], **how)
    assert isinstance(caught.value, DeZeroError)


RETURNED = {
    "another dtype": (lambda g: g.astype(np.float32), r"gradient float32\(3,\) of float64\(3,\)"),
    "another shape": (lambda g: g[None], r"gradient float64\(1, 3\) of float64\(3,\)"),
    "complex": (lambda g: g + 0j, r"gradient complex128\(3,\) of float64\(3,\)"),
}


@pytest.mark.parametrize(("spoil", "message"), RETURNED.values(), ids=RETURNED)
def test_gradients_of_another_kind_are_caught(spoil, message, monkeypatch):
    """The engine does not make them, so a `vjp` that does stands in for it."""

    def vjp(f, *xs):
        y, pull = dz.vjp(f, *xs)
        return y, lambda gy: tuple(spoil(g) for g in pull(gy))

    monkeypatch.setattr(testing, "vjp", vjp)
    with pytest.raises(CheckError, match=message):
        check_grads(np.sin, [X])


SPOILT = {"another shape": lambda t: t[0], "another dtype": lambda t: t.astype(np.float32)}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_tangents_of_another_kind_are_caught(spoil, monkeypatch):
    def jvp(f, xs, txs):
        y, tys = dz.jvp(f, xs, txs)
        return y, [spoil(t) for t in tys]

    monkeypatch.setattr(testing, "jvp", jvp)
    with pytest.raises(CheckError):
        check_grads(lambda x: np.broadcast_to(x, (2, 3)), [X], modes=["forward"], order=1)


# ---- differences ----

DIFFERENCES = [
    (dz.Square(), 2.0, 4.000000000004),
    (dz.Square(), np.array(2.0), 4.000000000004),
    (lambda x: dz.square(dz.exp(dz.square(x))), dz.Variable(np.array(0.5)), 3.2974426293330694),
    (np.sin, X, np.cos(X)),
    (np.sin, M, np.cos(M)),
    (np.sum, M, np.ones((2, 3))),
    (lambda x: x @ np.array([1.0, 2.0, 3.0]), X, [1, 2, 3]),
    (lambda x: np.stack([x, x * x]), 3.0, 7.0),  # of the sum
    (np.exp, np.float32([0, 1]), [1, np.e]),
    (lambda x: x * x, np.array([1, 2]), [2, 4]),
    (lambda x: x * x, 3, 6),
    (np.sin, np.zeros((0, 3)), np.zeros((0, 3))),
]


@pytest.mark.parametrize(("f", "x", "expected"), DIFFERENCES)
def test_numerical_diff(f, x, expected):
    before = np.array(plain(x))
    found = numerical_diff(f, x)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, 1e-7 if before.dtype != np.float32 else 1e-2)
    np.testing.assert_array_equal(plain(x), before)


def test_numerical_diff_takes_a_step_and_leaves_no_graph():
    seen = []
    numerical_diff(lambda x: seen.append(x * 1.0) or x * x, np.array(1.0), eps=0.5)
    assert sorted(float(v.data) for v in seen) == [0.5, 1.5]
    assert all(v.creator is None for v in seen)
    error = [abs(numerical_diff(np.exp, 0.0, eps=eps) - 1) for eps in (1e-1, 1e-2, 1e-3)]
    np.testing.assert_allclose(error, [1.7e-3, 1.7e-5, 1.7e-7], 0.02)  # of second order
