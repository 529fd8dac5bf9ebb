"""Gradient hooks: what they see, what they may change, when, and what they cost nobody."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import dezero as dz
from dezero import Variable
from dezero.core import node_of
from dezero.errors import GradientError, OperandError
from dezero.hooks import hooked

VALUES = np.array([0.5, 1.0, 2.0])


class Split(dz.Function):
    """Two results of one call."""

    def forward(self, x):
        return x**2, x**3

    def backward(self, ga, gb):
        (x,) = self.inputs
        return 2 * x * ga + 3 * x**2 * gb


def seen(v):
    """What a hook on `v` gets, as plain arrays."""
    found = []
    v.register_hook(lambda g: found.append(np.array(getattr(g, "data", g))))
    return found


# ---------------------------------------------------------------------------- what they see


def test_a_hook_sees_the_complete_gradient_once():
    """Of a value used four times, on leaves and on results."""
    x = Variable(VALUES)
    h = x * 2.0
    at_x, at_h = seen(x), seen(h)
    np.sum(h * h + np.sin(h) * x + x).backward()
    gh = 2 * h.data + np.cos(h.data) * VALUES
    np.testing.assert_allclose(at_h, [gh])
    np.testing.assert_allclose(at_x, [2 * gh + np.sin(h.data) + 1])
    np.testing.assert_allclose(x.grad, at_x[0])


def test_on_the_end_itself():
    x = Variable(VALUES)
    y = x * 3.0
    found = seen(y)
    y.grad = np.array([1.0, 2.0, 3.0])
    y.backward()
    np.testing.assert_array_equal(found, [[1.0, 2.0, 3.0]])


def test_on_a_leaf_that_is_the_end():
    x = Variable(VALUES)
    x.register_hook(lambda g: g * 5)
    x.backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 5.0))


def test_not_called_where_no_gradient_comes():
    x, w = Variable(VALUES), Variable(VALUES)
    found = seen(w)
    np.sum(x * 2.0).backward()
    assert not found


@pytest.mark.parametrize("which", [0, 1])
def test_on_one_of_several_results(which):
    x = Variable(VALUES)
    ys = Split()(x)
    ys[which].register_hook(lambda g: 10 * g)
    np.sum(ys[0] + ys[1]).backward()
    factors = [10 if k == which else 1 for k in (0, 1)]
    np.testing.assert_allclose(x.grad, factors[0] * 2 * VALUES + factors[1] * 3 * VALUES**2)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_shapes_and_dtypes_are_the_variables(shape, dtype):
    x = Variable(np.full(shape, 2, dtype))
    found = []
    x.register_hook(found.append)
    y = (x * np.float32(3.0)) * np.ones((4, *shape), np.float32)
    y.backward()
    (g,) = found
    assert type(g) is np.ndarray
    assert (g.shape, g.dtype) == (shape, dtype)
    np.testing.assert_array_equal(g, np.full(shape, 12, dtype))


def test_the_gradient_cannot_be_written_into():
    """The array may be another Variable's gradient too."""
    x, w = Variable(VALUES), Variable(VALUES)

    def scale(g):
        g *= 2

    x.register_hook(scale)
    with pytest.raises(ValueError, match="read-only"):
        (x + w).backward()
    assert x.grad is w.grad is None


# ---------------------------------------------------------------------------- replacing


def test_replacements_go_on_in_the_order_of_registration():
    x = Variable(VALUES)
    h = x * 2.0
    h.register_hook(lambda g: g + 1)
    h.register_hook(lambda _g: None)
    h.register_hook(lambda g: g * 10)
    np.sum(h).backward(retain_grad=True)
    np.testing.assert_array_equal(h.grad, np.full(3, 20.0))
    np.testing.assert_array_equal(x.grad, np.full(3, 40.0))


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        (np.ones(4), r"shape \(4,\)"),
        (np.ones((1, 3)), r"shape \(1, 3\)"),
        (1.0, r"shape \(\)"),
        (np.ones(3, np.float32), "float32"),
        (np.ones(3, complex), "complex128"),
        (np.ones(3, int), "int64"),
        (["a", "b", "c"], "<U1"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_replacement_must_be_like_the_gradient(returned, shown, create_graph):
    x = Variable(VALUES)
    x.register_hook(lambda _g: returned)
    with pytest.raises(GradientError, match=shown):
        np.sum(x * 2.0).backward(create_graph=create_graph)
    assert x.grad is None


def test_only_functions_are_hooks():
    with pytest.raises(OperandError, match="3"):
        Variable(VALUES).register_hook(3)


def test_a_hook_may_use_variables_in_a_plain_pass():
    """They count as their numbers, as everything does in a pass without a graph."""
    x, w = Variable(VALUES), Variable(np.array(3.0))
    x.register_hook(lambda g: g * w)
    np.sum(x * x).backward()
    assert type(x.grad) is np.ndarray
    np.testing.assert_array_equal(x.grad, 6 * VALUES)
    assert w.grad is None


# ---------------------------------------------------------------------------- derivatives again


def test_with_create_graph_a_hook_is_differentiated():
    """What arrives is 3 x² w²; its derivatives by x, and by the Variable of the hook."""
    x, w = Variable(np.array(2.0)), Variable(np.array(5.0))
    kinds = []
    x.register_hook(lambda g: kinds.append(type(g)) or g * w**2)
    (x**3).backward(create_graph=True)
    g = x.grad
    assert g.data == 3 * 4 * 25.0
    x.cleargrad()
    g.backward()
    assert kinds == [Variable, np.ndarray]
    assert x.grad == 6 * 2 * 25.0 * 25.0  # the hook sees the second gradient as well
    assert w.grad == 3 * 4 * 2 * 5.0


def test_with_create_graph_on_a_result():
    x = Variable(np.array(2.0))
    h = x * x
    handle = h.register_hook(lambda g: g * g)
    (h * h).backward(create_graph=True)  # (2h)² · 2x = 8 x⁵
    g = x.grad
    assert g.data == 8 * 32.0
    x.cleargrad()
    handle.remove()  # else it would act on what comes back to h this time, too
    g.backward()
    assert x.grad == 40 * 16.0


def squared_on_the_way(x):
    h = x * 1.0
    h.register_hook(lambda g: g * g)
    return h**3


CUBE = {1: lambda x: 9 * x**4, 2: lambda x: 36 * x**3}  # (3 x²)² and its derivative


def test_inside_grad_and_vjp():
    assert dz.grad(squared_on_the_way)(2.0) == CUBE[1](2.0)
    _, pull = dz.vjp(squared_on_the_way, 2.0)
    assert pull(1.0) == (CUBE[1](2.0),)
    assert dz.jvp(dz.grad(squared_on_the_way), (2.0,), (1.0,))[1] == CUBE[2](2.0)
    np.testing.assert_allclose(
        dz.vmap(dz.grad(squared_on_the_way))(VALUES), CUBE[1](VALUES), rtol=1e-14
    )


def test_on_the_argument_of_grad():
    def f(x):
        x.register_hook(lambda g: g * x)
        return np.sum(x**2)

    np.testing.assert_array_equal(dz.grad(f)(VALUES), 2 * VALUES**2)


def test_a_hook_may_use_what_an_outer_transform_differentiates_by():
    def loss(w):
        def f(x):
            x.register_hook(lambda g: g * w)
            return x * x

        return dz.grad(f)(2.0)

    assert dz.grad(loss)(3.0) == 4.0
    assert dz.jvp(loss, (3.0,), (1.0,)) == (12.0, 4.0)


# ---------------------------------------------------------------------------- lifetimes


def test_on_a_leaf_it_stays_whatever_data_the_leaf_is_given():
    x = Variable(VALUES.copy())
    found = seen(x)
    changes = [
        lambda: setattr(x, "data", np.ones(2)),
        lambda: x.__setitem__(0, 7.0),
        lambda: setattr(x, "data", x.data * 2),
        lambda: None,
    ]
    for count, change in enumerate(changes, 1):
        change()
        x.cleargrad()
        np.sum(x * 3.0).backward()
        assert len(found) == count
        np.testing.assert_array_equal(found[-1], np.full(x.shape, 3.0))


def test_on_a_result_it_belongs_to_the_value():
    x = Variable(VALUES)
    h = x * 2.0
    found = seen(h)
    y = np.sum(h * 5.0)
    h.data = np.ones(2)
    y.backward()
    np.testing.assert_array_equal(found, [np.full(3, 5.0)])
    np.sum(h * 7.0).backward()
    assert len(found) == 1


def test_after_the_variable_is_dropped():
    x = Variable(VALUES)
    h = x * 2.0
    h.register_hook(lambda g: g * 3)
    y = np.sum(h)
    del h
    y.backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 6.0))


def test_registered_after_the_graph_was_made():
    x = Variable(VALUES)
    y = np.sum(x * 2.0)
    found = seen(x)
    y.backward()
    np.testing.assert_array_equal(found, [np.full(3, 2.0)])


def test_removing():
    x = Variable(VALUES)
    double, add = x.register_hook(lambda g: g * 2), x.register_hook(lambda g: g + 1)
    y = np.sum(x)
    wanted = {None: 3.0, double: 2.0, add: 1.0}
    for handle, value in wanted.items():
        if handle is not None:
            handle.remove()
            handle.remove()
        x.cleargrad()
        y.backward()
        np.testing.assert_array_equal(x.grad, np.full(3, value))
    assert node_of(x) not in hooked
    x.register_hook(lambda g: g * 4)
    x.cleargrad()
    y.backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 4.0))


def test_a_hook_may_remove_itself():
    x = Variable(VALUES)
    handle = x.register_hook(lambda g: handle.remove() or g * 2)
    other = seen(x)
    y = np.sum(x)
    y.backward()
    y.backward()
    np.testing.assert_array_equal(other, [np.full(3, 2.0), np.full(3, 1.0)])


@pytest.mark.parametrize("use", [lambda _h: None, lambda h: h.register_hook(lambda g: g * h)])
def test_a_graph_with_hooks_is_freed(use):
    """By counting alone; where a hook holds its own Variable, by the collector."""
    gc.collect()
    gc.disable()
    try:
        x = Variable(VALUES)
        h = x * 2.0
        handle = h.register_hook(lambda _g: None)
        cycle = use(h)
        array = weakref.ref(h.data)
        y = np.exp(h)
        y.backward()
        del h, y
        if cycle is not None:
            del cycle, handle
            gc.collect()
        assert array() is None
    finally:
        gc.enable()


def test_nothing_is_left_for_the_sweeps_when_the_variables_are_gone():
    gc.collect()
    before = len(hooked)
    x = Variable(VALUES)
    x.register_hook(lambda g: g)
    np.sum(x).backward()
    assert len(hooked) == before + 1
    del x
    assert len(hooked) == before


# ---------------------------------------------------------------------------- trouble


def test_a_hook_that_fails_leaves_no_gradient():
    x, w = Variable(VALUES), Variable(VALUES)

    def fail(_g):
        raise ArithmeticError("on purpose")

    handle = x.register_hook(fail)
    y = np.sum(x * w)
    with pytest.raises(ArithmeticError, match="on purpose"):
        y.backward()
    assert x.grad is w.grad is None
    handle.remove()
    y.backward()
    np.testing.assert_array_equal(x.grad, VALUES)


def test_a_hook_may_sweep():
    x, w = Variable(VALUES), Variable(VALUES)
    h = x * 2.0
    h.register_hook(lambda g: np.sum(w * g).backward())
    np.sum(h * 4.0).backward()
    np.testing.assert_array_equal(w.grad, np.full(3, 4.0))
    np.testing.assert_array_equal(x.grad, np.full(3, 8.0))


def test_threads_share_hooks():
    x = Variable(VALUES)
    lock, found = threading.Lock(), []

    def hook(g):
        with lock:
            found.append(g)

    x.register_hook(hook)
    threads = [threading.Thread(target=lambda: np.sum(x * 2.0).backward()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found, np.full((8, 3), 2.0))
    np.testing.assert_array_equal(x.grad, np.full(3, 16.0))


def test_copies_and_pickles_have_no_hooks_of_a_leaf():
    x = Variable(VALUES)
    x.register_hook(lambda g: g * 2)
    for twin in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        np.sum(twin).backward()
        np.testing.assert_array_equal(twin.grad, np.ones(3))


def test_a_leaf_whose_hooks_are_gone_costs_nothing_again():
    v = dz.Variable(np.ones(2))
    v.register_hook(lambda g: 2 * g).remove()
    v.data = np.zeros(2)
    np.sum(v * 3.0).backward()
    assert v.grad.tolist() == [3.0, 3.0]
    assert v._node not in hooked
    v.register_hook(lambda g: 2 * g)
    v.clear_grad()
    np.sum(v * 3.0).backward()
    assert v.grad.tolist() == [6.0, 6.0]
