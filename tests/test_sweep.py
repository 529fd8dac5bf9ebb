"""What the sweep does with memory: sums in place, gradients of their own, graphs that are freed."""

import gc
import weakref

import numpy as np
import pytest

import dezero as dz

MASK = np.array([True, False, True, True, False])
PIECES = {
    "elements": [0, 1, -1, 1, 4],
    "slices": [slice(1, None), slice(None, -1), slice(None, None, -2), slice(0, 0)],
    "repeated places": [[0, 0, 2], [2, 2], np.array([[4, 0], [0, 0]])],
    "masks": [MASK, MASK, ~MASK],
    "new axes": [None, (None, slice(1, 3)), ..., (..., 2)],
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_cotangents_of_pieces_add_up(pieces, dtype):
    x = (np.arange(5) + 1).astype(dtype)
    expected = np.zeros_like(x)
    for k, piece in enumerate(pieces):
        np.add.at(expected, piece, np.full(np.shape(x[piece]), k + 1, dtype))

    def f(x):
        return sum((k + 1) * np.sum(x[piece]) for k, piece in enumerate(pieces))

    y, pullback = dz.vjp(f, x)
    for _ in range(2):  # nothing that the graph keeps was added into
        (gx,) = pullback(y.dtype.type(1))
        assert gx.dtype == dtype
        np.testing.assert_array_equal(gx, expected)


def test_pieces_among_other_cotangents():
    def f(x):
        return x[0] * x[1] + np.sum(x * x) + x[1] ** 3 + np.sum(x[1:] * x[:-1]) + np.sum(np.sin(x))

    x = np.array([0.5, -1.0, 2.0])
    expected = 2 * x + np.cos(x) + [x[1] + x[1], 2 * x[0] + 3 * x[1] ** 2 + x[2], x[1]]
    np.testing.assert_allclose(dz.grad(f)(x), expected, rtol=1e-14)
    dz.testing.check_grads(f, (x,), order=2)


def test_pieces_of_an_array_under_the_transforms():
    def f(x):
        return sum(x[k] ** 2 * x[k - 1] for k in range(4))

    x = np.array([1.0, -2.0, 3.0, 0.5])
    h = np.diag(2 * np.roll(x, 1))
    for k in range(4):
        h[k, k - 1] += 2 * x[k]
        h[k - 1, k] += 2 * x[k]
    np.testing.assert_allclose(dz.hessian(f)(x), h)
    np.testing.assert_allclose(dz.jacobian(dz.grad(f), mode="reverse")(x), h)
    v = dz.Variable(x)
    f(v).backward(create_graph=True)
    gx = v.grad
    v.clear_grad()
    np.sum(gx * gx).backward()
    np.testing.assert_allclose(v.grad, 2 * h @ gx.data)


SHARING = {
    "the same sum": lambda x, y: np.sum(x + y),
    "a reshaped one": lambda x, y: np.sum(np.reshape(x, (1, 3)) + y),
    "passed on": lambda x, y: x[0] + y[0] + np.sum(x) + np.sum(y),
    "a product": lambda x, y: np.sum(x * y),
}


@pytest.mark.parametrize("f", SHARING.values(), ids=SHARING)
def test_gradients_are_arrays_of_their_own(f):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 1.0])
    (_, pullback) = dz.vjp(f, x, y)
    first = pullback(1.0)
    before = [g.copy() for g in first]
    for g in first:
        assert g.flags.writeable
        assert not any(np.shares_memory(g, other) for other in (x, y))
        g += 7
    assert not np.shares_memory(*first)
    for g, right in zip(pullback(1.0), before, strict=True):
        np.testing.assert_array_equal(g, right)


def test_a_pullbacks_cotangent_is_not_its_result():
    g = np.ones(3)
    _, pullback = dz.vjp(lambda x: x, np.zeros(3))
    (gx,) = pullback(g)
    assert not np.shares_memory(gx, g)
    (gx,) = pullback(np.broadcast_to(1.0, 3))
    assert gx.flags.writeable


def test_what_a_function_keeps_is_not_its_gradient():
    class Constant(dz.Function):
        def forward(self, x):
            return 2 * x

        def backward(self, _gy):
            return SLOPE

    SLOPE = np.full(2, 2.0)
    gx = dz.grad(lambda x: np.sum(Constant()(x)))(np.ones(2))
    assert not np.shares_memory(gx, SLOPE)


def test_grad_frees_the_graph_while_it_is_swept():
    witnesses, freed = [], []

    class Look(dz.Function):
        def forward(self, x):
            return x + 0

        def backward(self, gy):
            freed.append(witnesses[0]() is None)
            return gy

    def f(x):
        y = np.exp(Look()(x))  # the way back of exp keeps its result
        witnesses.append(weakref.ref(y.data))
        return np.sum(y)

    np.testing.assert_array_equal(dz.grad(f)(np.zeros(2)), np.ones(2))
    assert freed == [True]
    _, pullback = dz.vjp(f, np.zeros(2))
    del witnesses[0]
    for _ in range(2):
        np.testing.assert_array_equal(pullback(np.float64(1))[0], np.ones(2))
    assert freed[1:] == [False, False]


def test_custom_rules_and_solutions_leave_no_cycles():
    f = dz.custom_vjp(np.sin, lambda g, _y, x: g * np.cos(x))
    h = dz.custom_jvp(np.sin, lambda t, _y, x: t[0] * np.cos(x))
    x = np.ones(3)
    calls = [
        lambda: dz.grad(lambda x: np.sum(f(x)))(x),
        lambda: dz.jvp(f, (x,), (x,)),
        lambda: dz.grad(lambda x: np.sum(h(x)))(x),
        lambda: dz.hessian(lambda x: np.sum(f(x) * h(x)))(x),
        lambda: dz.vmap(f)(x),
        lambda: dz.grad(lambda a: dz.root(lambda y, a: y**3 - a, 1.0, a))(2.0),
        lambda: dz.grad(lambda a: dz.minimize(lambda y, a: (y - a) ** 2, 1.0, a))(2.0),
        lambda: dz.grad(lambda a: dz.fixed_point(lambda y, a: (y + a / y) / 2, 1.0, a))(2.0),
    ]
    for call in calls:
        call()
        assert any(cyclic_after(call) == 0 for _ in range(3))  # other threads may leave some


def cyclic_after(call):
    """How many objects a call leaves that only the garbage collector frees."""
    gc.collect()
    gc.freeze()  # what is there already need not be looked through
    gc.disable()
    try:
        call()
        return gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
