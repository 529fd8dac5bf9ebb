"""Data that changes between a forward pass and its backward pass: right, or an error.

Rebinding (``x.data = new``) is harmless, because nodes keep the arrays that they saw. Writing
(``x.data += …``) into an array that a node kept cannot be undone, so the sweep refuses.
"""

import numpy as np
import pytest

import dezero as dz
from dezero import Variable
from dezero.errors import AssignmentError, DeZeroError, GraphError, MutationError

VALUES = np.array([0.5, 1.0, 1.5, 2.0])


class Cube(dz.Function):
    """A user's own, by `self.inputs`."""

    def forward(self, x):
        return x**3

    def backward(self, gy):
        return 3 * self.inputs[0] ** 2 * gy


class CubeOfData(Cube):
    def backward(self, gy):
        return 3 * self.input.data**2 * gy


def cube(x):
    return Cube()(x)


def cube_of_data(x):
    return CubeOfData()(x)


def assigned(x):
    y = x * 1.0
    y[0] = x[1] * x[2]
    return y * x


USES = {  # what a graph may keep of x
    "square": lambda x: x * x,
    "exp": np.exp,
    "sqrt of a square": lambda x: np.sqrt(x * x),
    "add": lambda x: x + x,
    "scale": lambda x: 3.0 * x,
    "sum": lambda x: np.sum(x) * np.ones(4),
    "slice": lambda x: x[1:] * x[1:],
    "gather": lambda x: x[[0, 2]] * x[[0, 2]],
    "reshape": lambda x: x.reshape(2, 2) @ x.reshape(2, 2),
    "ravel": lambda x: np.ravel(x) ** 3,
    "transpose": lambda x: x.T * 2.0,
    "stack": lambda x: np.stack([x, x * x]),
    "where": lambda x: np.where(x > 1.0, x * x, x),
    "max": lambda x: np.max(x) * x,
    "prod": np.prod,
    "division": lambda x: 1.0 / x,
    "user": cube,
    "user, data": cube_of_data,
    "user, of a view": lambda x: Cube()(x[1:]),
    "assigned": assigned,
}


def gradient(use, values=VALUES):
    return dz.grad(lambda x: np.sum(use(x)))(values)


# ---------------------------------------------------------------------------- rebinding


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("new", [np.full(4, 9.0), np.ones(2), np.array(3.0), None, np.arange(4)])
def test_rebinding_the_data_is_harmless(use, new):
    """The old graph differentiates what was computed, in the old shape; a new one the new."""
    x = Variable(VALUES.copy())
    y = np.sum(USES[use](x))
    x.data = new
    y.backward()
    np.testing.assert_allclose(x.grad, gradient(USES[use]))
    if new is not None and new.dtype == float and new.shape == (4,):
        x.cleargrad()
        np.sum(USES[use](x)).backward()
        np.testing.assert_allclose(x.grad, gradient(USES[use], new))


@pytest.mark.parametrize("use", ["square", "exp", "slice", "user", "user, data", "where"])
def test_rebinding_before_a_second_derivative(use):
    x = Variable(VALUES.copy())
    y = np.sum(USES[use](x))
    x.data = np.full(4, 9.0)
    if use == "user, data":
        y.backward(create_graph=True)
        with pytest.raises(GraphError):
            np.sum(x.grad * x.grad).backward()
        return
    y.backward(create_graph=True)
    first = x.grad
    x.cleargrad()
    np.sum(first * first).backward()
    want = dz.grad(lambda x: np.sum(dz.grad(lambda x: np.sum(USES[use](x)))(x) ** 2))(VALUES)
    np.testing.assert_allclose(x.grad, want)


def test_rebinding_a_result():
    """The data of a result may be replaced; what comes after sees the new, before it the old."""
    x = Variable(VALUES.copy())
    h = np.exp(x)
    y = h * h
    h.data = np.ones(4)
    z = h * h
    assert z.data.tolist() == [1.0] * 4
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad, 2 * np.exp(VALUES) ** 2)
    x.cleargrad()
    np.sum(z).backward()  # through the new h, and then through exp as it was
    np.testing.assert_allclose(x.grad, 2 * np.exp(VALUES))


def test_a_gradient_of_another_shape_is_not_added():
    """`grad` from before the data changed shape does not broadcast into the new one's."""
    for old, new in [((), (3,)), ((3,), ()), ((2,), (3,)), ((1, 3), (3,))]:
        x = Variable(np.ones(old))
        np.sum(x * x).backward()
        x.data = np.full(new, 2.0)
        y = np.sum(x * x)
        try:
            y.backward()
        except DeZeroError:
            continue
        assert x.grad.shape == new
        np.testing.assert_array_equal(x.grad, np.full(new, 4.0))


def test_a_user_function_may_be_looked_at_after_rebinding():
    x = Variable(np.array(2.0))
    f = Cube()
    y = f(x)
    x.data = np.array(5.0)
    y.data = np.array(0.0)
    y.backward()
    assert x.grad == 12.0
    assert f.input is x


# ---------------------------------------------------------------------------- writing


def _quietly(x):
    with dz.no_grad():
        return x[1:]


WHO = {  # who is written, between forward and backward: (x, h, y) are leaf, middle, result
    "leaf": lambda x, _h, _y: x,
    "middle": lambda _x, h, _y: h,
    "result": lambda _x, _h, y: y,
    "view of the leaf": lambda x, _h, _y: x[:2],
    "reshaped leaf": lambda x, _h, _y: x.reshape(2, 2),
    "transposed leaf": lambda x, _h, _y: x.T,
    "view of the middle": lambda _x, h, _y: h[1:],
    "view of the result": lambda _x, _h, y: y[...] if y.ndim else y.reshape(1),
    "view of a view": lambda x, _h, _y: x[1:].reshape(3, 1),
    "view without gradient": lambda x, _h, _y: _quietly(x),
}


@pytest.mark.parametrize("who", WHO)
def test_writing_is_refused_or_harmless(who):
    wrong = []
    for name, use in USES.items():
        x = Variable(VALUES.copy())
        h = x * 1.0
        y = use(h) + use(x)
        written = WHO[who](x, h, y)
        total = np.sum(y)
        written.data += 1.0
        try:
            total.backward()
        except MutationError:
            continue
        if not np.allclose(x.grad, 2 * gradient(use)):
            wrong.append(name)
    assert not wrong


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("use", USES)
def test_writing_after_a_view_was_used(use, create_graph):
    x = Variable(VALUES.copy())
    part = x[:]
    total = np.sum(USES[use](part))
    x.data *= 2.0
    try:
        total.backward(create_graph=create_graph)
    except MutationError:
        return
    np.testing.assert_allclose(getattr(x.grad, "data", x.grad), gradient(USES[use]))


@pytest.mark.parametrize("use", USES)
def test_writing_before_a_second_derivative(use):
    """What the first sweep recorded is watched as well."""
    x = Variable(VALUES.copy())
    np.sum(USES[use](x)).backward(create_graph=True)
    first, want = x.grad, None
    x.cleargrad()
    try:
        want = dz.grad(lambda x: np.sum(dz.grad(lambda x: np.sum(USES[use](x)))(x) ** 2))(VALUES)
        total = np.sum(first * first)
        x.data += 1.0
        total.backward()
    except GraphError:
        return
    np.testing.assert_allclose(0.0 if x.grad is None else x.grad, want)


def test_writing_a_result_and_going_on():
    """After the writing, a result may be used: its own past is refused only where it was kept."""
    x = Variable(VALUES.copy())
    h = x + 1.0
    h.data *= 2.0
    y = h * h
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad, 2 * (VALUES + 1.0) * 2.0)
    h = np.exp(x)
    h.data += 1.0
    with pytest.raises(MutationError, match="exp"):
        np.sum(h * h).backward()


def test_a_refused_sweep_leaves_nothing_behind_and_others_go_on():
    x = Variable(VALUES.copy())
    spoilt = np.sum(x * x)
    x.data += 1.0
    fresh = np.sum(x * x)
    with pytest.raises(MutationError):
        spoilt.backward()
    assert x.grad is None
    fresh.backward()
    np.testing.assert_allclose(x.grad, 2 * (VALUES + 1.0))
    with pytest.raises(MutationError):
        (spoilt + fresh).backward()


def test_unrelated_graphs_are_not_refused():
    x, w = Variable(VALUES.copy()), Variable(VALUES.copy())
    y, z = np.sum(x * x), np.sum(w * w)
    x.data += 1.0
    z.backward()
    np.testing.assert_allclose(w.grad, 2 * VALUES)
    x.data -= 1.0
    assert y.data == z.data


CHANGES = {  # of a Variable that a transform's graph keeps as a constant
    "rebound": lambda w: setattr(w, "data", np.array(100.0)),
    "assigned": lambda w: w.__setitem__(..., 100.0),
    "assigned a Variable": lambda w: w.__setitem__(..., Variable(np.array(100.0))),
    "written": lambda w: setattr(w, "data", np.add(w.data, 97.0, out=w.data)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_captured_variable_changes_before_the_pullback(change):
    w = Variable(np.array(3.0))
    _, pull = dz.vjp(lambda x: x * w, 2.0)
    CHANGES[change](w)
    try:
        (g,) = pull(1.0)
    except MutationError:
        return
    assert getattr(g, "data", g) == 3.0


def test_an_outer_variable_changes_inside_an_inner_transform():
    def outer(x):
        def inner(z):
            y = z * x  # keeps x
            x[...] = 5.0
            return y

        return dz.grad(inner)(1.0)

    y, g = dz.value_and_grad(outer)(3.0)
    assert (y, g) == (3.0, 1.0)


# ---------------------------------------------------------------------------- training


def in_place(w):
    w.data -= 0.05 * w.grad


def assign_quietly(w):
    with dz.no_grad():
        w[...] = w - 0.05 * w.grad


def part(w):
    w.data[:2] -= 0.05 * w.grad[:2]
    w.data[2:] -= 0.05 * w.grad[2:]


STEPS = {
    "in place": in_place,
    "rebind": lambda w: setattr(w, "data", w.data - 0.05 * w.grad),
    "by assignment": lambda w: w.__setitem__(..., w.data - 0.05 * w.grad),
    "by assignment, no_grad": assign_quietly,
    "by part": part,
}


@pytest.mark.parametrize("keep_losses", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_training(step, keep_losses):
    """Gradient descent by each idiom walks the same path, also if old losses stay alive."""
    a, b = np.cos(np.arange(12.0)).reshape(4, 3), np.ones(4)
    w, want, losses = Variable(np.zeros(3), "w"), np.zeros(3), []
    for _ in range(20):
        e = a @ w - b
        loss = np.mean(e * e)
        w.cleargrad()
        loss.backward()
        want = want - 0.05 * 2 / 4 * a.T @ (a @ want - b)
        np.testing.assert_allclose(loss.data, np.mean((a @ w.data - b) ** 2))
        if keep_losses:
            losses.append(loss)
        try:
            STEPS[step](w)
        except AssignmentError:
            assert step == "by assignment"  # a leaf that a graph stands on may refuse it
            return
        np.testing.assert_allclose(w.data, want, rtol=1e-10)
        assert w.creator is None
    assert w.name == "w"


def test_training_several_leaves_of_one_loss():
    w, b = Variable(np.ones(2)), Variable(np.zeros(()))
    for _ in range(3):
        loss = np.sum((w * 2.0 + b - 1.0) ** 2)
        w.cleargrad(), b.cleargrad()
        loss.backward()
        for p in (w, b):
            p.data -= 0.1 * p.grad
    n = np.ones(2), 0.0
    for _ in range(3):
        e = n[0] * 2.0 + n[1] - 1.0
        n = n[0] - 0.1 * 4 * e, n[1] - 0.1 * np.sum(2 * e)
    np.testing.assert_allclose(w.data, n[0])
    np.testing.assert_allclose(b.data, n[1])


# ---------------------------------------------------------------------------- grad and seeds


def test_gradients_are_arrays_of_their_own():
    """Writing one gradient changes no other, no seed and no data."""
    x, w, seed = Variable(np.ones(3)), Variable(np.ones(3)), np.ones(3)
    y = x + w
    y.grad = seed
    y.backward(retain_grad=True)
    x.grad += 5.0
    assert w.grad.tolist() == y.grad.tolist() == seed.tolist() == [1.0, 1.0, 1.0]
    w.grad[0] = 9.0
    y.grad[1] = 9.0
    assert x.grad.tolist() == [6.0, 6.0, 6.0]
    assert seed.tolist() == [1.0, 1.0, 1.0]


def test_gradients_in_a_graph_are_variables_of_their_own():
    x, w = Variable(np.ones(3)), Variable(np.ones(3))
    np.sum(x + w).backward(create_graph=True)
    x.grad[0] = 5.0
    assert w.grad.data.tolist() == [1.0, 1.0, 1.0]


def test_gradients_of_a_transform_are_their_own():
    def program(a, b):
        ga, gb = dz.grad(lambda u, v: np.sum(u + v) * np.sum(a), (0, 1))(a, b)
        ga[0] = 0.0
        return np.sum(gb)

    assert dz.value_and_grad(program)(np.ones(3), np.ones(3))[0] == 9.0
    x = np.ones(3)
    _, pull = dz.vjp(lambda x: x, x)
    seed = np.full(3, 2.0)
    pull(seed)[0][0] = 7.0
    assert seed.tolist() == [2.0, 2.0, 2.0]
    assert pull(seed)[0].tolist() == [2.0, 2.0, 2.0]


def test_backward_twice_adds():
    x = Variable(np.array(3.0))
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12.0
    assert y.grad is None


def test_retained_gradients():
    x = Variable(np.array(3.0))
    h = x * x
    y = h * 2.0
    y.backward(retain_grad=True)
    assert (x.grad, h.grad, y.grad) == (12.0, 2.0, 1.0)
    y.backward()  # the seed is the 1.0 that y kept; afterwards only the leaf has a gradient
    assert (x.grad, h.grad, y.grad) == (24.0, None, None)
    y.backward(retain_grad=True)
    assert (x.grad, h.grad, y.grad) == (36.0, 2.0, 1.0)


def test_retained_gradients_of_arrays_again_and_again():
    x = Variable(np.full(2, 3.0))
    h = x * x
    y = np.sum(h)
    for retain in (True, True, False, True, False):
        x.cleargrad()
        y.backward(retain_grad=retain)
        assert x.grad.tolist() == [6.0, 6.0]
        assert (h.grad is not None) == (y.grad is not None) == retain


def test_a_retained_gradient_of_a_dropped_branch():
    """`h.grad` of one graph does not become the seed or the sum of another."""
    x = Variable(np.array(3.0))
    h = x * x
    (h * 2.0).backward(retain_grad=True)
    x.cleargrad()
    (h * 5.0).backward()
    assert (x.grad, h.grad) == (30.0, None)


SEEDS = [
    np.array([1.0, 2.0]),
    [1.0, 2.0],
    np.array([1, 2]),
    np.array([1, 2], np.float32),
    Variable(np.array([1.0, 2.0])),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("use", [lambda x: x * x, lambda x: x + 0.0, cube])
def test_seeds(seed, create_graph, use):
    x = Variable(np.array([3.0, 4.0]))
    y = use(x)
    y.grad = seed
    y.backward(create_graph=create_graph)
    want = dz.vjp(use, x.data)[1](np.array([1.0, 2.0]))[0]
    assert isinstance(x.grad, Variable if create_graph else np.ndarray)
    np.testing.assert_allclose(x.grad.data if create_graph else x.grad, want)
    assert x.grad.dtype == np.float64


@pytest.mark.parametrize("seed", [2.0, 2, np.float32(2), np.array(2), True])
def test_scalar_seeds(seed):
    for use in (lambda x: x + 1.0, lambda x: x * x, cube):
        x = Variable(np.array(1.0))
        y = use(x)
        y.grad = seed
        y.backward()
        assert x.grad == seed * gradient(use, np.array(1.0))


def test_backward_of_a_leaf():
    x = Variable(np.ones(2))
    x.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_gradient_may_be_taken_of_a_gradient_with_writing_between():
    """A plain optimiser step between two orders: the second order still means the old place."""
    x = Variable(np.array(2.0))
    y = x**3
    y.backward(create_graph=True)
    g = x.grad
    x.cleargrad()
    x.data = x.data - 0.1 * g.data
    g.backward()
    np.testing.assert_allclose(x.grad, 12.0)
