"""`checkpoint`: the same derivatives, from values that are computed again."""

import gc
import weakref

import numpy as np
import pytest

import dezero as dz
from dezero.errors import GraphError
from dezero.testing import check_grads

RNG = np.random.default_rng(4)
W, X = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 3))


def layer(h, w):
    return np.tanh(h @ w) + 0.1 * h


def network(step):
    def loss(x, w):
        for _ in range(3):
            x = step(x, w)
        return np.sum(x**2)

    return loss


def closure(transform):
    """The weights are no argument of the step."""

    def loss(x, w):
        half = w / 2
        step = transform(lambda h: np.tanh(h @ w) + h @ half)
        return np.sum(step(step(x)) ** 2)

    return loss


def containers(transform):
    def loss(x, w):
        step = transform(
            lambda state, k=1.0: {"a": state["a"] @ w * k, "b": (state["b"] + 1, "text")}
        )
        out = step({"a": x, "b": x * 2}, k=0.5)
        return np.sum(out["a"] ** 2) + np.sum(out["b"][0] * out["a"])

    return loss


def nested(transform):
    inner = transform(layer)
    return network(transform(lambda h, w: inner(inner(h, w), w)))


def identity(transform):
    step = transform(lambda h, w: (h, w, h * 2, h))
    return lambda x, w: np.sum(step(x, w)[0] * step(x, w)[2] * step(x @ w, w)[3])


def partly_constant(transform):
    step = transform(lambda h: (np.ones(2), np.sin(h), np.argmax(h, axis=0)))
    return lambda x, w: np.sum(step(x @ w)[1] * step(np.ones((2, 3)))[1]) + np.sum(step(x)[0])


PROGRAMS = {
    "layers": lambda transform: network(transform(layer)),
    "closure": closure,
    "containers": containers,
    "nested": nested,
    "identity": identity,
    "partly constant": partly_constant,
}
every = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


def close(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, 1e-12, 1e-12)


@every
def test_the_derivatives_are_the_same(program):
    f, g = program(dz.checkpoint), program(lambda f: f)
    assert f(X, W) == g(X, W)
    close(dz.grad(f, (0, 1))(X, W), dz.grad(g, (0, 1))(X, W))
    check_grads(f, [X, W], order=2)


@every
def test_nested_with_every_transform(program):
    f, g = program(dz.checkpoint), program(lambda f: f)
    xs = np.stack([X, -X])
    for transform in (
        lambda f: dz.hessian(f, 1)(X, W),
        lambda f: dz.jvp(f, (X, W), (X, W))[1],
        lambda f: dz.vmap(dz.grad(f), (0, None))(xs, W),
        lambda f: dz.grad(lambda w: np.sum(dz.vmap(f, (0, None))(xs, w) ** 2))(W),
        lambda f: dz.grad(lambda w: dz.jvp(lambda x: f(x, w), (X,), (X,))[1])(W),
        lambda f: dz.jacobian(dz.grad(f), mode="reverse")(X, W),
        lambda f: dz.hvp(f, (X, W), (W[:2], W))[1],
    ):
        np.testing.assert_allclose(transform(f), transform(g), 1e-11, 1e-11)


@every
def test_on_variables_to_second_order(program):
    found = []
    for transform in (dz.checkpoint, lambda f: f):
        x, w = dz.Variable(X), dz.Variable(W)
        program(transform)(x, w).backward(create_graph=True)
        g, h = x.grad, w.grad
        x.clear_grad(), w.clear_grad()
        (np.sum(g**2) + np.sum(h**3)).backward()
        found.append((g.data, h.data, x.grad, w.grad))
    close(*found)


def test_inner_values_are_freed_and_computed_twice():
    runs, inner = [], []

    def step(x):
        runs.append(1)
        y = np.sin(x)
        inner.append(weakref.ref(y.data if isinstance(y, dz.Variable) else y))
        return np.exp(y) * y

    gc.disable()
    try:
        x = dz.Variable(np.ones(5))
        y = dz.checkpoint(step)(dz.checkpoint(step)(x))
        assert [each() for each in inner] == [None, None]
        y.backward()
        assert len(runs) == 4
        assert all(each() is None for each in inner)
        g = x.grad
        del y
    finally:
        gc.enable()
    plain = dz.grad(
        lambda x: np.sum(np.exp(np.sin(h := np.exp(np.sin(x)) * np.sin(x))) * np.sin(h))
    )
    np.testing.assert_allclose(g, plain(np.ones(5)), 1e-14)


def test_dropping_the_result_frees_everything():
    gc.disable()
    try:
        x = dz.Variable(np.ones(3))
        y = dz.checkpoint(np.sin)(x * 2)
        kept = weakref.ref(y._node)
        del y
        assert kept() is None
    finally:
        gc.enable()


def test_it_may_be_swept_again_and_by_parts():
    _, pullback = dz.vjp(dz.checkpoint(lambda x: (np.sin(x), np.cos(x))), X)
    one, zero = np.ones_like(X), np.zeros_like(X)
    close(pullback((one, zero)), (np.cos(X),))
    close(pullback((zero, one)), (-np.sin(X),))
    close(pullback((one, one)), (np.cos(X) - np.sin(X),))
    a, b = dz.checkpoint(lambda x: (np.sin(x), np.cos(x)))(v := dz.Variable(X))
    del a
    b.backward()
    np.testing.assert_allclose(v.grad, -np.sin(X))


def test_what_is_assigned_afterwards_changes_nothing():
    v = dz.Variable(np.array([1.0, 2.0]))
    u = v * 1.0
    y = dz.checkpoint(lambda u: u**3)(u)
    u[0] = 5.0
    v.data = np.zeros(2)
    np.sum(y).backward()
    v2 = dz.Variable(np.array([1.0, 2.0]))
    np.sum(dz.checkpoint(lambda u: u**3)(v2)).backward()
    np.testing.assert_array_equal(v2.grad, [3.0, 12.0])


def test_backward_inside_no_grad_computes_again_with_a_graph():
    v = dz.Variable(X)
    y = np.sum(dz.checkpoint(np.sin)(v))
    with dz.no_grad():
        y.backward()
    np.testing.assert_allclose(v.grad, np.cos(X))


def test_plain_arrays_and_no_grad_record_nothing():
    assert type(dz.checkpoint(np.sin)(X)) is np.ndarray
    with dz.no_grad():
        assert dz.checkpoint(np.sin)(dz.Variable(X)).creator is None


def test_other_values_the_second_time_are_no_gradient():
    rng, scale, some = np.random.default_rng(0), [1.0], []
    for f in (lambda x: x * rng.normal(), lambda x: x * scale[0], lambda x: x[len(some) :]):
        v = dz.Variable(np.ones(3))
        some.clear()
        y = np.sum(dz.checkpoint(f)(v))
        scale[0] += 1.0
        some.append(0)
        with pytest.raises(GraphError, match="other values when it was run again"):
            y.backward()
    some.clear()
    y = np.sum(dz.checkpoint(lambda x: x if some else (x * 2, x))(v)[0])
    some.append(0)
    with pytest.raises(GraphError, match="other values when it was run again"):
        y.backward()


def test_an_error_inside_passes_through():
    def f(_x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        dz.grad(dz.checkpoint(f))(1.0)


class Cube(dz.Function):
    def forward(self, x):
        return x**3

    def backward(self, gy):
        return 3 * self.input**2 * gy


def test_inner_values_that_somebody_holds():
    """A list that the function appends to, or a Function that remembers its latest call."""
    kept = []

    def listed(x):
        kept.append(np.sin(x))
        return kept[-1] ** 2 * x

    for f in (listed, lambda x: Cube()(np.sin(x)) * x):
        step = dz.checkpoint(f)
        np.testing.assert_allclose(
            dz.grad(lambda x, s=step: s(s(np.exp(x))) * x)(0.4),
            dz.grad(lambda x, f=f: f(f(np.exp(x))) * x)(0.4),
            1e-14,
        )


def test_behind_a_mask_what_was_not_taken_stays_out():
    log = dz.checkpoint(np.log)
    x = np.array([0.0, 2.0])
    with np.errstate(divide="ignore"):
        g = dz.grad(lambda x: np.sum(np.where(x > 0, log(x), 0.0)))(x)
    np.testing.assert_array_equal(g, [0.0, 0.5])


def test_a_call_can_be_looked_at():
    """Of functions without a class of their own, too: a walk through the graph meets them."""
    u = dz.Variable(X) * 2.0
    custom = dz.custom_vjp(np.sin, lambda g, _y, x: g * np.cos(x))
    for f, title in ((dz.checkpoint(np.sin), "checkpoint(sin)"), (custom, "sin")):
        y = f(u)
        assert repr(y.creator) == f"<a call of {title}>"
        assert y.creator.inputs[0] is u
        assert y.creator.outputs[0]() is y
        assert (y.creator.generation, y.generation) == (1, 2)
    assert repr(dz.vmap(dz.grad(np.sin))) == "<dezero.vmap of <dezero.grad of sin>>"
