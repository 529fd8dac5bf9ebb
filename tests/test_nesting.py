"""Derivatives inside derivatives: perturbations and levels that must not be confused.

Each nesting is spelled by its modes from the outside in: "fr" is forward over reverse.
"""

import contextvars
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import dezero as dz
from dezero.testing import check_grads

PAIRS = ["rr", "rf", "fr", "ff"]
TRIPLES = ["".join(modes) for modes in itertools.product("rf", repeat=3)]


def forward(f):
    return lambda x: dz.jvp(f, (x,), (np.ones_like(x) if np.ndim(x) else 1.0,))[1]


D = {"r": dz.grad, "f": forward}


def nested(modes):
    return [D[mode] for mode in modes]


# ---- perturbation confusion (https://doi.org/10.1007/s10990-008-9037-1) ----

CONFUSIONS = [
    (lambda d, e: d(lambda x: x * e(lambda y: x + y)(1.0))(1.0), 1.0),
    (lambda d, e: d(lambda x: x * e(lambda y: x * y)(2.0))(4.0), 8.0),
    (lambda d, e: d(lambda x: x * e(lambda y: x * y * y)(x))(3.0), 54.0),  # x · 2x² → 6x²
    (lambda d, e: d(lambda x: x * e(lambda _y: x)(2.0))(4.0), 0.0),
    (lambda d, e: d(e(lambda y: y * y))(4.0), 2.0),
    (lambda d, e: d(lambda x: e(lambda y: x * y)(x) * x)(5.0), 10.0),
    (lambda d, e: d(lambda x: e(lambda y: np.sin(x * y))(2.0))(0.5), np.cos(1) - np.sin(1)),
    (lambda d, e: d(lambda x: e(lambda y: np.where(y > x, x * y, y / x))(3.0))(2.0), 1.0),
    (lambda d, e: d(lambda x: e(lambda y: np.stack([x, y, x * y])[2])(3.0))(2.0), 1.0),
    (lambda d, e: d(lambda x: e(lambda y: np.prod(np.stack([x, y, y])))(3.0))(2.0), 6.0),
    (lambda d, e: d(lambda x: e(lambda y: np.maximum(x, y) * x)(3.0))(2.0), 1.0),
]


@pytest.mark.parametrize("modes", PAIRS)
@pytest.mark.parametrize(("program", "expected"), CONFUSIONS)
def test_perturbations_are_not_confused(program, expected, modes):
    np.testing.assert_allclose(program(*nested(modes)), expected, 1e-14)


@pytest.mark.parametrize("modes", TRIPLES)
def test_three_levels(modes):
    """∂/∂x x · ∂/∂y y · ∂/∂z xyz is d/dx x² · 2y, and a z of another level is another z."""
    d, e, f = nested(modes)

    def program(x):
        return x * e(lambda y: y * f(lambda z: x * y * z)(7.0))(3.0)

    assert d(program)(2.0) == 2 * 2 * 2 * 3
    assert d(e(f(lambda x: x**4)))(2.0) == 48
    assert d(lambda x: x * e(lambda y: y * f(lambda z: z * y)(x))(x))(5.0) == 2 * 2 * 5


@pytest.mark.parametrize("modes", PAIRS)
def test_arrays_and_closures(modes):
    """Mixed second derivatives of a function of two arrays, one of them captured."""
    d, e = nested(modes)
    x, y = np.array([0.5, 1.5, -1.0]), np.array([[1.0, 2, 3], [4, 5, 6]])

    def inner(x):
        g = e(lambda y: np.sum(np.sin(y @ x)))(y)
        return np.sum(g * g) if modes[1] == "r" else np.sum(g * x[0])

    found = d(lambda s: inner(x * s))(2.0)
    h = 1e-5
    np.testing.assert_allclose(found, (inner(x * (2 + h)) - inner(x * (2 - h))) / (2 * h), 1e-8)


@pytest.mark.parametrize("modes", PAIRS)
def test_a_constant_of_an_inner_level_stays_one(modes):
    """An outer box that went through an inner transform unused comes back as it was."""
    d, e = nested(modes)
    kept = []

    def f(x):
        e(lambda y: kept.append(x * 2.0) or y)(1.0)
        return kept[-1] * x

    assert d(f)(3.0) == 12.0


def test_a_box_that_leaks_from_an_inner_level_is_no_wrong_number():
    """It is still recorded where it was, so its own transform's argument has no part in ours."""
    leaked = []
    dz.grad(lambda y: leaked.append(y * y) or y)(3.0)
    assert dz.grad(lambda x: x * np.sum(leaked[0].data))(2.0) == 9.0


# ---- transforms and `backward` ----


def test_backward_inside_grad():
    """A program that differentiates for itself, by Variables of its own, is differentiated."""

    def plain_inside(x):
        v = dz.Variable(np.array(3.0))
        (v * v).backward()
        return x * v.grad

    assert dz.grad(plain_inside)(2.0) == 6.0
    assert forward(plain_inside)(2.0) == 6.0


def test_backward_by_the_argument_inside_grad():
    """With a graph, what it leaves depends on the argument; without, it is a number."""

    def slope(x, create_graph):
        y = x**3
        y.backward(create_graph=create_graph)
        return x.grad * x

    assert dz.grad(slope)(2.0, True) == 9 * 2.0**2
    assert dz.grad(slope)(2.0, False) == 3 * 2.0**2


def test_gradients_of_captured_variables():
    """`grad` of a function of a level-0 Variable is in that Variable's graph."""
    for d in D.values():
        w = dz.Variable(np.array(3.0))
        g = d(lambda x: x * x * w * w)(2.0)  # noqa: B023
        assert isinstance(g, dz.Variable)
        assert g.data == 36.0
        assert w.grad is None
        g.backward()
        assert w.grad == 2 * 2 * 2 * 3


def test_value_and_gradient_are_both_in_the_captured_graph():
    w = dz.Variable(np.array([1.0, 2.0]))
    y, g = dz.value_and_grad(lambda x: np.sum(np.sin(x * w)))(np.array([0.5, 0.25]))
    (y + np.sum(g * g)).backward()

    def loss(w):
        x = np.array([0.5, 0.25])
        g = w * np.cos(x * w)
        return np.sum(np.sin(x * w)) + np.sum(g * g)

    np.testing.assert_allclose(w.grad, dz.grad(loss)(w.data), 1e-14)


def test_a_variable_as_the_argument():
    """The derivative by a Variable is a Variable of its graph, to any order."""
    v = dz.Variable(np.array(2.0))
    g = dz.grad(lambda x: x**3)(v)
    h = dz.grad(dz.grad(lambda x: x**3))(v * 1.0)
    assert (g.data, h.data) == (12.0, 12.0)
    (g + h).backward()
    assert v.grad == 12.0 + 6.0
    _, t = dz.jvp(lambda x: x**3, (v,), (dz.Variable(np.array(1.0)),))
    v.clear_grad()
    t.backward()
    assert v.grad == 12.0


def test_a_dual_by_hand_through_grad():
    """Level 0 of forward mode: the derivative's own tangent comes out."""
    g = dz.grad(lambda x: x**3)(dz.Dual(2.0, 1.0))
    assert (g.value, g.tangent) == (12.0, 12.0)


def test_grad_leaves_the_outer_graph_alone():
    v = dz.Variable(np.array(2.0))
    y = v * v
    dz.grad(lambda x: x * y.data)(1.0)
    dz.grad(lambda x: np.sum(x * y))(dz.Variable(np.array(1.0)))
    assert v.grad is None
    y.backward()
    assert v.grad == 4.0


# ---- no_grad ----

UNRECORDED = [
    (lambda: dz.grad(lambda x: x * x)(3.0), 6.0),
    (lambda: dz.grad(dz.grad(lambda x: x**3))(3.0), 18.0),
    (lambda: forward(dz.grad(lambda x: x**3))(3.0), 18.0),
    (lambda: dz.grad(forward(lambda x: x**3))(3.0), 18.0),
    (lambda: dz.vjp(np.square, 3.0)[1](1.0)[0], 6.0),
    (lambda: dz.jvp(np.square, (3.0,), (1.0,))[1], 6.0),
]


@pytest.mark.parametrize(("program", "expected"), UNRECORDED)
def test_transforms_inside_no_grad_work(program, expected):
    v = dz.Variable(np.array(1.0))
    with dz.no_grad():
        assert program() == expected
        assert (v * v).creator is None
    assert (v * v).creator is not None


def test_no_grad_inside_a_transform_stops_the_gradient():
    """What is computed under it is a constant of that level, and of those below."""

    def f(x):
        with dz.no_grad():
            c = x * x
        return x * c

    assert dz.grad(f)(3.0) == 9.0
    assert dz.grad(dz.grad(f))(3.0) == 0.0
    v = dz.Variable(np.array(3.0))
    f(v).backward()
    assert v.grad == 9.0


def test_no_grad_between_two_levels():
    """Inner transforms record, the outer one does not see them."""

    def f(x):
        with dz.no_grad():
            slope = dz.grad(lambda y: x * y * y)(3.0)
        return x * slope

    assert dz.grad(f)(2.0) == 12.0

    def g(x):
        return dz.grad(lambda y: y * y * unrecorded(x * y))(3.0)

    def unrecorded(z):
        with dz.no_grad():
            return z * 1.0

    assert dz.grad(g)(2.0) == 0.0
    assert g(2.0) == 2 * 3 * 6.0


def test_a_transform_that_fails_leaves_no_trace():
    def fail(_x):
        with dz.no_grad():
            raise ValueError("on purpose")

    for d in D.values():
        with pytest.raises(ValueError, match="on purpose"):
            d(lambda x: d(fail)(x) * x)(1.0)  # noqa: B023
        assert d(lambda x: x * x)(3.0) == 6.0
    assert dz.Config.enable_backprop


# ---- threads ----


def work(k):
    """Nested derivatives, `backward`, and settings, with numbers that depend on `k`."""
    rng = np.random.default_rng(k)
    x, a = rng.normal(size=(5, 3)), rng.normal(size=(3, 3))

    def f(x):
        return np.sum(np.tanh(x @ a) ** 2 * (k + 1))

    found = []
    for _ in range(20):
        gradient = dz.grad(f)(x)
        curvature = dz.jvp(dz.grad(f), (x,), (gradient,))[1]
        v, w = dz.Variable(x), dz.Variable(a)
        y = np.sum(np.sin(v @ w))
        with dz.no_grad():
            unrecorded = (v * 2.0).creator
        y.backward(create_graph=True)
        g, v.grad = v.grad, None
        np.sum(g * g).backward()
        found.append([gradient, curvature, v.grad, w.grad.data, y.data, unrecorded is None])
    return found


def test_eight_threads_give_what_each_gives_alone():
    alone = [work(k) for k in range(8)]
    start = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda k: start.wait() * 0 or work(k), range(8)))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(itertools.chain(*one), itertools.chain(*other), strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.all([row[-1] for rows in together for row in rows])


def test_threads_that_share_a_leaf_lose_no_gradient():
    v = dz.Variable(np.ones(3))

    def add_up(_):
        for _ in range(50):
            np.sum(v * 2.0).backward()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_up, range(8)))
    np.testing.assert_array_equal(v.grad, np.full(3, 8 * 50 * 2.0))


def test_one_threads_settings_are_not_anothers():
    v = dz.Variable(np.array(1.0))
    with dz.no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: (v * v).creator).result() is not None
        assert contextvars.copy_context().run(lambda: (v * v).creator) is None


# ---- order after order ----


@pytest.mark.parametrize("modes", TRIPLES)
def test_third_derivatives(modes):
    f = lambda x: np.sum(np.exp(np.sin(x)) * x)  # noqa: E731
    third = f
    for mode in reversed(modes):
        third = D[mode](third)
    x, s = 0.7, np.sin
    c = np.cos(x)
    first = np.exp(s(x)) * np.array([1, c, c * c - s(x), c**3 - 3 * s(x) * c - c])
    np.testing.assert_allclose(third(x), x * first[3] + 3 * first[2], 1e-13)


def test_check_grads_through_a_program_that_differentiates():
    """A step of gradient descent, differentiated by its start and its rate."""

    def step(w, rate):
        loss = lambda w: np.mean((np.tanh(w @ np.arange(6.0).reshape(3, 2)) - 0.5) ** 2)  # noqa: E731
        return loss(w - rate * dz.grad(loss)(w))

    check_grads(step, [np.array([0.1, -0.2, 0.15]), 0.3], order=2)


# ---- values that outlive the transform that made them ----


def filled_inside(x):
    y = x * 1.0

    def inner(t):
        y[0] = t * x[0]
        return y[0] * t

    g = dz.grad(inner)(x[2])
    return np.sum(y) + g


def kept_in_a_list(x):
    box = []
    dz.grad(lambda t: box.append(t * x) or t)(2.0)
    return box[0] * x


def test_a_value_may_outlive_an_inner_transform():
    """Its outer part is differentiated as ever."""
    assert dz.grad(filled_inside)(np.array([1.0, 2.0, 3.0])).tolist() == [9.0, 1.0, 4.0]
    assert dz.grad(kept_in_a_list)(3.0) == 12.0
    assert dz.jvp(kept_in_a_list, (3.0,), (1.0,)) == (18.0, 12.0)


def test_backward_inside_a_transform_does_not_forget_what_is_below():
    """A Variable that was there before would get no gradient: said, not left at None."""

    def f(x):
        w = dz.Variable(np.array(2.0))
        (w * w * x).backward()
        return w.grad * x

    with pytest.raises(dz.errors.GraphError, match=r"dz\.grad"):
        dz.grad(f)(3.0)


def test_a_derivative_on_a_class_is_a_method():
    class Model:
        rate = 3.0

        def loss(self, x):
            return self.rate * x**2

        slope = dz.grad(loss, argnums=1)

    assert Model().slope(2.0) == 12.0


def test_a_value_of_a_transform_that_has_ended_has_no_graph():
    p = dz.Variable(np.ones(2))
    dz.grad(lambda t: (p.__setitem__(0, t), p[0] * t)[1])(3.0)
    with pytest.raises(dz.errors.GraphError, match="ended"):
        np.sum(p * p).backward()


# ---- assignment between the making of an inner transform and its end ----


def argument_overwritten(x):
    x = np.copy(x)

    def inner(v):
        y = v * v
        x[0] = 100.0  # what v is was said before
        return np.sum(y)

    return np.sum(dz.grad(inner)(x))


def captured_overwritten(x):
    x = np.copy(x)

    def inner(v):
        y = v * x * x
        x[0] = 100.0
        return np.sum(y)

    return np.sum(dz.grad(inner)(np.ones(2)))


@pytest.mark.parametrize(
    ("program", "value", "slope"),
    [(argument_overwritten, 6.0, [2.0, 2.0]), (captured_overwritten, 5.0, [2.0, 4.0])],
)
def test_what_an_inner_transform_was_given_stays(program, value, slope):
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(dz.grad(program)(x), slope)
    np.testing.assert_array_equal(dz.jvp(program, (x,), (np.ones(2),)), (value, np.sum(slope)))
    np.testing.assert_array_equal(dz.vmap(program)(x[None]), [value])
    np.testing.assert_array_equal(dz.taylor(program, x, 1), (value, np.sum(slope)))


def inner_into_outer(x):
    """An inner transform's box in a copy of an outer one's."""

    def inner(y):
        v = x * 1.0
        v[0] = y
        return np.sum(v * v * x)

    return dz.grad(inner)(x[1])  # 2 x₀ x₁


def test_a_box_holds_an_inner_transforms():
    x = np.array([0.5, 1.5, -0.7])
    slopes = [3.0, 1.0, 0.0]
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(dz.jacobian(inner_into_outer, mode=mode)(x), slopes, 1e-14)
    found = dz.taylor(inner_into_outer, x, 2, np.ones(3))
    np.testing.assert_allclose(found, [1.5, 4.0, 2.0], 1e-14)
    h = dz.jacobian(dz.jacobian(inner_into_outer, mode="forward"), mode="forward")(x)
    np.testing.assert_allclose(h, [[0, 2, 0], [2, 0, 0], [0, 0, 0]], atol=1e-14)


# ---- what was not taken, forward over reverse ----

DEAD = {
    "x**1.5": lambda x: x**1.5,
    "sin sqrt": lambda x: np.sin(np.sqrt(x)),
    "sqrt x": lambda x: np.sqrt(x) * x,
    "1 / (1 + sqrt)": lambda x: 1 / (1 + np.sqrt(x)),
    "log": np.log,
    "arccos": lambda x: np.arccos(1 - x) ** 2,
}


@pytest.mark.parametrize("f", DEAD.values(), ids=DEAD)
def test_second_derivatives_of_what_was_not_taken(f):
    """In every nesting of two derivatives, behind `where` and behind an index."""
    x, t = np.array([0.0, 0.25]), np.ones(2)
    alive = dz.hessian(lambda y: np.sum(f(y)))(x[1:])[0, 0]
    masked = lambda x: np.sum(np.where(x > 0, f(x), 0.0))  # noqa: E731
    with np.errstate(all="ignore"):
        for g in (masked, lambda x: np.sum(f(x)[1:])):
            want = [[0.0, 0.0], [0.0, alive]]
            np.testing.assert_allclose(dz.hessian(g)(x), want, 1e-12)
            np.testing.assert_allclose(dz.jacobian(dz.grad(g), mode="reverse")(x), want, 1e-12)
            np.testing.assert_allclose(dz.hvp(g, (x,), (t,))[0], [0.0, alive], 1e-12)
            many = dz.vmap(dz.hessian(g))(np.stack([x, x]))
            np.testing.assert_allclose(many, [want, want], 1e-12)


def test_a_zero_that_moves_is_no_zero():
    """Of x √y at the origin the mixed derivative is not finite: inf or NaN, but no number."""
    with np.errstate(all="ignore"):
        h = dz.hessian(lambda v: v[0] * np.sqrt(v[1]))(np.zeros(2))
        assert not np.isfinite(h[0, 1])
        assert not np.isfinite(h[1, 0])
        mixed = forward(lambda x: dz.grad(lambda y: x * np.sqrt(y))(0.0))(0.0)
        assert not np.isfinite(mixed)
