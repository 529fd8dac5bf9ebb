"""`Dual` by hand, and what forward mode takes besides rows: assignment, containers, pickling."""

import copy
import dataclasses
import pickle
from collections import namedtuple

import numpy as np
import pytest

import dezero as dz
from dezero.errors import DataError, GraphError, OperandError, ShapeError
from dezero.testing import check_grads

# ---- by hand ----


def test_a_program_of_numbers():
    """Contract D2: log(x) + xy + sin(y) at 2 and 5, by x."""
    x, y = dz.Dual(2.0, 1.0), dz.Dual(5.0, 0.0)
    for z in (
        np.log(x) + x * y + np.sin(y),
        x.log() + x * y + y.sin(),
        dz.log(x) + x * y + dz.sin(y),
    ):
        assert z.value == 9.734222905896807
        assert z.tangent == 5.5


METHODS = ["exp", "log", "sqrt", "square", "sin", "cos", "tan", "sinh", "cosh", "tanh"]
METHODS += ["arcsin", "arccos", "arctan"]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_the_function(name):
    x = dz.Dual(0.4, 1.5)
    ours, expected = getattr(x, name)(), getattr(np, name)(x)
    assert (ours.value, ours.tangent) == (expected.value, expected.tangent)
    assert ours.tangent == pytest.approx(1.5 * dz.grad(getattr(np, name))(0.4), rel=1e-15)


@pytest.mark.parametrize("other", [3, 3.0, np.float64(3.0), np.array(3.0), True])
def test_arithmetic_with_numbers(other):
    """On either side: f(x, c) and its derivative by x, by differences of plain numbers."""
    for f in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: b**a,
        lambda a, b: b - a,
        lambda a, b: b / a,
    ):
        y = f(dz.Dual(1.7, 2.0), other)
        assert y.value == f(1.7, float(other))
        slope = dz.numerical_diff(lambda v, f=f: f(v, float(other)), 1.7)
        assert y.tangent == pytest.approx(2.0 * slope, rel=1e-6)


@pytest.mark.parametrize("other", ["text", None, object(), [1, "x"], {"a": 1.0}])
def test_other_types_are_refused(other):
    for f in (lambda a, b: a + b, lambda a, b: b * a, np.add):
        with pytest.raises(TypeError):
            f(dz.Dual(1.0, 1.0), other)


@pytest.mark.parametrize(
    ("value", "tangent", "error"),
    [
        ("x", 1.0, DataError),
        (np.ones(2), 1.0, ShapeError),
        (1.0, 1j, DataError),
        (None, 1.0, DataError),
    ],
)
def test_what_is_no_dual(value, tangent, error):
    with pytest.raises(error):
        dz.Dual(value, tangent)


def test_duals_and_variables_made_by_hand_do_not_mix():
    with pytest.raises(OperandError, match="do not mix"):
        dz.Dual(1.0, 1.0) + dz.Variable(np.array(1.0))


# ---- assignment ----


def filled(x):
    y = dz.numpy.zeros(4)
    y[0] = x[1]
    y[1:3] = x[:2] ** 2
    y[[3, 0]] += np.sin(x[2]) * y[1]
    return y


def in_place(x):
    y = x * 1.0
    y[1] = y[0] * y[2]
    y[0] = 3.0
    y[1:] *= y[0] * x[1]
    return y


@pytest.mark.parametrize("program", [filled, in_place])
def test_assignment_in_both_modes_to_second_order(program):
    check_grads(program, [np.array([0.3, -0.7, 1.2])], order=2)


def test_assignment_keeps_numpys_meaning_of_views_or_refuses():
    def program(x):
        y = x * 1.0
        view = y[1:]
        y[1] = 0.0
        return view

    for transform in (dz.vmap(program), lambda x: dz.jvp(program, (x,), (x,))):
        with pytest.raises(dz.errors.AssignmentError, match="view"):
            transform(np.ones((3, 3)))


# ---- containers ----


@dataclasses.dataclass(frozen=True)
class Model:
    w: np.ndarray
    b: float
    kind: str = dataclasses.field(default="tanh", metadata={"static": True})


Pair = namedtuple("Pair", "a b")  # as users write it


def apply(model, x):
    return getattr(np, model.kind)(model.w @ x + model.b)


def test_dataclasses_and_named_tuples_are_containers():
    model, x = Model(np.array([[1.0, 2.0]]), 0.5), np.array([0.1, 0.2])
    y, ty = dz.jvp(lambda m: Pair(apply(m, x), m), (model,), (Model(np.ones((1, 2)), 1.0),))
    assert isinstance(y, Pair)
    assert isinstance(y.b, Model)
    assert y.b.kind == "tanh"
    slope = 1 - np.tanh(1.0) ** 2
    np.testing.assert_allclose(ty.a, slope * 1.3, 1e-14)
    g = dz.grad(lambda m: np.sum(apply(m, x)))(model)
    assert isinstance(g, Model)
    np.testing.assert_allclose(g.w, slope * x[None], 1e-14)
    assert g.b == pytest.approx(slope)
    h = dz.jacobian(lambda m: apply(m, x))(model)
    np.testing.assert_allclose(h.w, slope * x[None, None], 1e-14)
    each = dz.vmap(apply, (Model(0, None), None))(Model(np.ones((3, 1, 2)), 0.5), x)
    np.testing.assert_allclose(each, np.full((3, 1), np.tanh(0.8)), 1e-14)


# ---- pickling ----


def cube(x):
    return np.sum(x**3)


@pytest.mark.parametrize("transform", [dz.grad, dz.value_and_grad, dz.jacobian, dz.hessian])
def test_a_derivative_of_a_module_level_function_pickles(transform):
    x = np.array([1.0, 2.0])
    f = transform(cube)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_equal(again(x), f(x))
    assert again.__name__ == "cube"


def test_a_mapped_function_pickles():
    again = pickle.loads(pickle.dumps(dz.vmap(dz.grad(cube), in_axes=1)))
    np.testing.assert_array_equal(again(np.ones((2, 3))), np.full((3, 2), 3.0))


def test_a_dual_pickles_and_copies_by_value():
    d = dz.Dual(np.array([1.0, 2.0]), np.ones(2))
    for other in (pickle.loads(pickle.dumps(d)), copy.copy(d), copy.deepcopy(d)):
        np.testing.assert_array_equal(other.value, d.value)
        np.testing.assert_array_equal(other.tangent, d.tangent)


RUNNING = {
    "jvp": lambda f, x: dz.jvp(f, (x,), (x,)),
    "vmap": lambda f, x: dz.vmap(f)(x),
    "grad": lambda f, x: dz.grad(f)(x),
}


@pytest.mark.parametrize("transform", RUNNING.values(), ids=RUNNING)
def test_what_is_inside_a_transform_does_not_pickle(transform):
    with pytest.raises(GraphError, match="pickled"):
        transform(lambda v: pickle.dumps(v) or v, np.ones(2))
