"""Rules of one's own: both modes of either, every order, containers, and what is refused."""

import functools

import numpy as np
import pytest

import dezero as dz
from dezero.errors import DataError, GradientError, GraphError, OperandError
from dezero.testing import check_grads

X, Y = np.array([0.3, 0.7, -0.4]), np.array([1.2, -0.4, 0.8])


def product(x, y):
    return np.sin(x) * y


def product_vjp(gy, _out, x, y):
    return gy * np.cos(x) * y, gy * np.sin(x)


def product_jvp(t, _out, x, y):
    return t[0] * np.cos(x) * y + t[1] * np.sin(x)


BOTH = {
    "vjp": dz.custom_vjp(product, product_vjp),
    "jvp": dz.custom_jvp(product, product_jvp),
    "vjp, decorated": dz.custom_vjp(vjp=product_vjp)(product),
    "jvp, decorated": dz.custom_jvp(jvp=product_jvp)(product),
}
every = pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)


@every
def test_both_modes_and_three_orders(f):
    check_grads(f, [X, Y], order=3)
    check_grads(lambda x: f(x, Y), [X], order=2)
    check_grads(lambda x: f(x, x * 2), [X], order=2)


def third(f):
    return dz.jacobian(dz.hessian(lambda x, y: np.sum(f(x, y) ** 2), (0, 1)), (0, 1))


@every
def test_third_derivatives_are_those_of_the_function(f):
    np.testing.assert_allclose(
        np.concatenate([np.ravel(a) for a in _leaves(third(f)(X, Y))]),
        np.concatenate([np.ravel(a) for a in _leaves(third(product)(X, Y))]),
        1e-12,
        1e-12,
    )


def _leaves(tree):
    return [leaf for each in tree for leaf in _leaves(each)] if isinstance(tree, tuple) else [tree]


@every
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_mapped_over(f, axes):
    """Inside and outside of derivatives, nested too."""
    xs = [np.array(0.5) if axis is None else x for x, axis in zip((X, Y), axes, strict=True)]
    grid = [np.outer(x, [1.0, 2.0]) for x in (X, Y)]
    twice = lambda f: dz.vmap(dz.vmap(f), 1)  # noqa: E731
    for points, transform in ((xs, lambda f: dz.vmap(f, axes)), (grid, twice)):

        def loss(f, transform=transform):
            return lambda x, y: np.sum(transform(f)(x, y) ** 2)

        for got, want in zip(
            dz.grad(loss(f), (0, 1))(*points), dz.grad(loss(product), (0, 1))(*points), strict=True
        ):
            np.testing.assert_allclose(got, want, 1e-13)
        t = tuple(map(np.ones_like, points))
        np.testing.assert_allclose(
            dz.jvp(loss(f), points, t)[1], dz.jvp(loss(product), points, t)[1], 1e-13
        )
    inner = lambda f: dz.vmap(dz.grad(lambda x, y: np.sum(f(x, y)), (0, 1)), axes)  # noqa: E731
    for got, want in zip(inner(f)(*xs), inner(product)(*xs), strict=True):
        np.testing.assert_allclose(got, want, 1e-13)


@every
def test_on_variables(f):
    x, y = dz.Variable(X), dz.Variable(Y)
    np.sum(f(x, y)).backward(create_graph=True)
    np.testing.assert_allclose(x.grad.data, np.cos(X) * Y)
    g = x.grad
    x.clear_grad(), y.clear_grad()
    np.sum(g).backward()
    np.testing.assert_allclose(x.grad, -np.sin(X) * Y)
    np.testing.assert_allclose(y.grad, np.cos(X))


def test_the_rule_is_what_counts():
    """Not what the function does: it may do what has no derivative here."""
    f = dz.custom_vjp(
        lambda x: np.asarray(np.frompyfunc(float, 1, 1)(x), float), lambda g, _y, x: g * x
    )
    np.testing.assert_array_equal(dz.grad(lambda x: np.sum(f(x)))(X), X)
    np.testing.assert_array_equal(dz.jvp(f, (X,), (Y,))[1], X * Y)
    np.testing.assert_array_equal(dz.hessian(lambda x: np.sum(f(x)))(X), np.eye(3))


def test_containers_keywords_and_other_arguments():
    def model(p, x, kind, scale=1.0):
        h = getattr(np, kind)(p["w"] * x)
        return {"y": scale * h + p["b"][0], "n": h * 2}

    def rule(g, y, p, x, kind, scale=1.0):
        assert kind == "tanh"
        h = y["n"] / 2
        inner = (scale * g["y"] + 2 * g["n"]) * (1 - h * h)
        return {"w": inner * x, "b": [g["y"]]}, inner * p["w"], None

    f = dz.custom_vjp(model, rule)
    p = {"w": X, "b": [Y]}

    def loss(f):
        def call(p, x):
            out = f(p, x, "tanh", scale=3.0)
            return np.sum(out["y"] * out["n"])

        return call

    found, expected = (dz.grad(loss(g), (0, 1))(p, Y) for g in (f, model))
    np.testing.assert_allclose(found[0]["w"], expected[0]["w"], 1e-13)
    np.testing.assert_allclose(found[0]["b"][0], expected[0]["b"][0], 1e-13)
    np.testing.assert_allclose(found[1], expected[1], 1e-13)
    check_grads(loss(f), [p, Y], order=2)


def test_an_argument_without_a_cotangent_and_one_of_whole_numbers():
    f = dz.custom_vjp(lambda x, k, y: x[k] * y, lambda g, _out, _x, _k, y: (None, None, 2 * g * y))
    gx, gy = dz.grad(lambda x, y: np.sum(f(x, np.array([0, 2]), y)), (0, 1))(X, Y[:2])
    np.testing.assert_array_equal(gx, np.zeros(3))
    np.testing.assert_array_equal(gy, 2 * Y[:2])


def test_a_single_argument_may_come_in_a_tuple_or_not():
    for rule in (lambda g, _y, x: g * x, lambda g, _y, x: (g * x,)):
        assert dz.grad(dz.custom_vjp(np.exp, rule))(3.0) == 3.0
    pair = dz.custom_vjp(lambda p: p[0] * p[1], lambda g, _y, p: (g * p[1], g * p[0]))
    assert dz.grad(pair)((2.0, 5.0)) == (5.0, 2.0)


def test_closed_over_values_of_outer_transforms_are_differentiated():
    def outer(w):
        f = dz.custom_vjp(lambda x: w * x**2, lambda g, _y, x: g * w * 2 * x)
        return dz.grad(f)(3.0) * w

    assert dz.grad(outer)(2.0) == 2 * 2.0 * 6.0
    w = dz.Variable(np.array(2.0))
    dz.grad(dz.custom_vjp(lambda x: w * x**2, lambda g, _y, x: g * w * 2 * x))(3.0).backward()
    assert w.grad == 6.0


CLOSED = {
    "the function, reverse": lambda w: dz.custom_vjp(lambda x: x * w, lambda g, _y, _x: g)(w * 2),
    "the function, forward": lambda w: dz.custom_jvp(lambda x: x * w, lambda t, _y, _x: t[0])(
        w * 2
    ),
    "the rule": lambda w: dz.custom_vjp(lambda x: x, lambda g, _y, _x: g * w)(w * 2),
}


@pytest.mark.parametrize("program", CLOSED.values(), ids=CLOSED)
def test_closed_over_values_of_the_same_transform_are_refused(program):
    with pytest.raises(OperandError, match="pass it as one"):
        dz.grad(program)(3.0)


def test_closed_over_members_are_refused():
    f = lambda x: dz.custom_vjp(lambda y: y * x, lambda g, _out, _y: g * x)(x + 1)  # noqa: E731
    with pytest.raises(OperandError, match="mapped over"):
        dz.vmap(f)(X)


def clipping(g, _y, _x):
    return np.clip(g, 0, 0.5)


def wrong(vjp):
    return lambda: dz.grad(lambda x, y: np.sum(dz.custom_vjp(product, vjp)(x, y)))(X, Y)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (wrong(lambda g, _o, _x, _y: g), GradientError, "product returned .* for 2 arguments"),
        (wrong(lambda g, _o, _x, _y: (g, g, g)), GradientError, "3 cotangents for 2 arguments"),
        (wrong(lambda g, _o, _x, _y: (g[:2], g)), GradientError, r"product.*\(2,\).*\(3,\)"),
        (wrong(lambda g, _o, _x, _y: ({"a": g}, g)), GradientError, "product"),
        (wrong(lambda g, _o, _x, _y: (g * 1j, g)), GradientError, "complex128"),
        (lambda: dz.custom_vjp(product), OperandError, "the rule is a function"),
        (lambda: dz.custom_jvp(product, 3), OperandError, "the rule is a function"),
        (lambda: dz.custom_vjp(3, product_vjp), OperandError, "takes a function"),
        (
            lambda: dz.grad(dz.custom_jvp(np.sin, lambda t, _y, _x: np.stack([t[0], t[0]])))(1.0),
            GradientError,
            "shape",
        ),
        (
            lambda: dz.jvp(dz.custom_vjp(np.sin, lambda g, _y, x: g.data * x), (1.0,), (1.0,)),
            GraphError,
            "vjp rule of sin read `.data`",
        ),
        (
            lambda: dz.jvp(dz.custom_vjp(np.square, clipping), (1.0,), (2.0,)),
            GraphError,
            "vjp rule of square: it is not linear",
        ),
        (
            lambda: dz.grad(dz.custom_jvp(np.sin, lambda t, _y, _x: t[0].item()))(1.0),
            GraphError,
            r"jvp rule of sin called `.item\(\)`",
        ),
        (
            lambda: dz.grad(dz.grad(dz.custom_vjp(np.sin, lambda g, _y, x: g * np.cos(x.data))))(
                1.0
            ),
            GraphError,
            "differentiated again",
        ),
        (
            lambda: dz.grad(dz.custom_vjp(lambda _x: "text", lambda g, _y, _x: g))(1.0),
            DataError,
            "no number",
        ),
        (
            lambda: dz.grad(lambda x: dz.custom_vjp(product, product_vjp)(1.0, y=x))(1.0),
            OperandError,
            "by position",
        ),
    ],
)
def test_misuse(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---- stop_gradient ----


def test_stop_gradient_in_every_mode():
    f = lambda x: x * dz.stop_gradient(x**2)  # noqa: E731
    assert dz.grad(f)(3.0) == 9.0
    assert dz.grad(dz.grad(f))(3.0) == 0.0
    assert dz.jvp(f, (3.0,), (1.0,))[1] == 9.0
    np.testing.assert_array_equal(dz.vmap(dz.grad(f))(X), X**2)
    np.testing.assert_array_equal(dz.grad(lambda x: np.sum(dz.vmap(f)(x)))(X), X**2)
    assert [c for c in dz.jacobian(lambda x: x * dz.stop_gradient(x))(X).diagonal()] == list(X)  # noqa: C416


def test_stop_gradient_of_containers_and_plain_values():
    v = dz.Variable(X)
    kept = dz.stop_gradient({"v": v, "x": X, "n": 3, "text": "a"})
    assert kept["x"] is X
    assert (kept["n"], kept["text"]) == (3, "a")
    assert not isinstance(kept["v"], dz.Variable)
    np.testing.assert_array_equal(kept["v"], X)


# ---- a user's Function in forward mode ----


class Cube(dz.Function):
    def forward(self, x):
        return x**3

    def backward(self, gy):
        return 3 * self.input**2 * gy


class Stored(dz.Function):
    """Keeps what it needs on itself: right at first order, and refused beyond."""

    def forward(self, x):
        self.slope = np.cos(x)
        return np.sin(x)

    def backward(self, gy):
        return gy * self.slope


class Two(dz.Function):
    def forward(self, x, y):
        return x * y, x + y

    def backward(self, g, h):
        x, y = self.inputs
        return g * y + h, g * x + h


def test_a_function_is_pushed_forward():
    np.testing.assert_allclose(dz.jvp(Cube(), (X,), (Y,))[1], 3 * X**2 * Y)
    np.testing.assert_allclose(dz.jvp(Stored(), (X,), (Y,))[1], np.cos(X) * Y)
    _, (a, b) = dz.jvp(Two(), (X, Y), (Y, X))
    np.testing.assert_allclose(a, Y * Y + X * X)
    np.testing.assert_allclose(b, X + Y)
    check_grads(Cube(), [X], order=3)
    check_grads(lambda x, y: functools.reduce(np.multiply, Two()(x, y)), [X, Y], order=2)
    np.testing.assert_allclose(dz.jacobian(Cube(), mode="forward")(X), np.diag(3 * X**2))


def test_a_function_that_hides_is_refused_at_second_order():
    for second in (
        lambda x: dz.hvp(lambda x: np.sum(Stored()(x) ** 2), (x,), (Y,)),
        dz.grad(lambda x: np.sum(dz.jvp(Stored(), (x,), (Y,))[1])),
    ):
        with pytest.raises(GraphError, match=r"Stored.*`self\.slope`"):
            second(X)


RULES = [lambda g, _y, x: np.clip(g * x, -1, 1), lambda g, _y, _x: np.abs(g)]


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: dz.jvp(f, (X,), (Y,)),
        lambda f: dz.jacobian(f, mode="forward")(X),
        lambda f: dz.vmap(lambda x: dz.jvp(f, (x,), (1.0,)))(X),
        lambda f: dz.grad(lambda x: np.sum(dz.jvp(f, (x,), (Y,))[1]))(X),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_not_linear_has_no_transpose(derivative, rule):
    """Nor in a batch, nor where it is linear near by."""
    f = dz.custom_vjp(np.square, rule)
    np.testing.assert_array_equal(dz.grad(lambda x: np.sum(f(x)))(X), rule(np.ones(3), None, X))
    with pytest.raises(GraphError, match="not linear"):
        derivative(f)


def test_linear_rules_are_not_refused():
    """Whose result is rounding only, at any scale and precision, and without a warning."""
    p = np.array([0.2, 0.3, 0.5])
    kl = lambda q: np.sum(p * (np.log(p) - (q - np.log(np.sum(np.exp(q))))))  # noqa: E731
    derived = dz.custom_jvp(kl, lambda t, _y, q: dz.jvp(kl, (q,), (t[0],))[1])
    np.testing.assert_allclose(dz.grad(derived)(np.log(p)), 0.0, atol=1e-15)
    sm = lambda x: np.exp(x) / np.sum(np.exp(x))  # noqa: E731
    soft = dz.custom_vjp(sm, lambda g, y, _x: y * (g - np.sum(g * y)))
    for seed in range(20):
        x = 5 * np.random.default_rng(seed).normal(size=4)
        np.testing.assert_allclose(
            dz.jvp(soft, (x,), (x,))[1], dz.jvp(sm, (x,), (x,))[1], 1e-9, 1e-12
        )
    twice = dz.custom_jvp(lambda x: x * 2, lambda t, _y, _x: t[0] * 2)
    for dtype in (np.float16, np.float32, np.float64):
        with np.errstate(all="raise"):
            g = dz.grad(lambda x: np.sum(twice(x)))(np.full(2, 3, dtype))
        np.testing.assert_array_equal(g, np.full(2, 2, dtype))


@pytest.mark.parametrize("x", [np.float32(2e-4), np.float32(1), 1e-9, 1.0, 1e9])
def test_a_rule_that_is_not_linear_is_refused_at_any_scale(x):
    f = dz.custom_vjp(lambda x: 1 + x, lambda g, _y, _x: np.clip(g, -1, 1))
    with pytest.raises(GraphError, match="not linear"):
        dz.jvp(f, (x,), (x * 0 + 1,))
