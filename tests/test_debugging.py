"""`dz.debug`: what it stops at, what it says, what it leaves alone, and how it ends."""

import contextvars
import gc
import inspect
import re
import threading
import weakref

import numpy as np
import pytest
from cases import CASES

import dezero as dz
from dezero import Variable
from dezero.config import recording_floor
from dezero.core import node_of
from dezero.debugging import accounts
from dezero.errors import ConfigError, GraphError, MutationError, NonFiniteError
from dezero.testing import check_grads


class Log(dz.Function):
    """A user's own."""

    def forward(self, x):
        return np.log(x)

    def backward(self, gy):
        return gy / self.inputs[0]


class Both(Log):
    """Two results, one of them finite."""

    def forward(self, x):
        return x * 1.0, np.log(x)


class Wrong(dz.Function):
    """Right forward, NaN backward."""

    def forward(self, x):
        return x * 1.0

    def backward(self, gy):
        return gy * np.nan


def zeros(*values):
    return Variable(np.array([1.0, 0.0, 2.0, *values]))


def stopped(f, kind=NonFiniteError):
    """The message of the error that `f` raises inside `debug`."""
    with pytest.raises(kind) as caught, dz.debug():
        f()
    assert recording_floor.get() == 0
    return str(caught.value)


# ---------------------------------------------------------------------------- forward


def log_of_zero():
    return np.log(zeros())


def division():
    return (zeros() + 1.0).astype(np.float32) / np.zeros(3, np.float32)


def log_in_forward_mode():
    return np.log(dz.Dual(0.0, 1.0))


def infinite_tangent():
    return dz.jvp(np.sqrt, (0.0,), (1.0,))


def nan_of_one_member():
    return dz.vmap(np.log)(np.array([1.0, -1.0, 3.0]))


def inside_grad():
    return dz.grad(lambda x: np.sum(1.0 / x))(np.array([1.0, 0.0]))


def inside_grad_of_grad():
    return dz.grad(lambda x: dz.grad(lambda y: np.log(y) * x)(0.0))(1.0)


def by_a_function():
    return Log()(zeros())


def overflow():
    return np.exp(Variable(np.array(1e3)))


def imaginary():
    return Variable(np.array([1.0, 1j])) * Variable(np.array([complex(0, np.inf), 1.0]))


def without_recording():
    with dz.no_grad():
        return np.log(zeros())


def under_a_setting():
    with dz.using_config("enable_backprop", False), dz.using_config("enable_backprop", True):
        return np.log(zeros())


def in_a_nested_block():
    with dz.debug(), dz.debug():
        return np.log(zeros())


def assigned():
    dz.numpy.zeros(3)[1] = Variable(np.array(np.inf))


def assigned_a_number():
    dz.numpy.zeros((2, 2))[1, 0] = np.nan


def two_results():
    return Both()(zeros())


def spoilt_before():
    return Variable(np.array([1.0, np.nan])) * 2.0


def spoilt_constant():
    return Variable(np.ones(2)) + np.array([0.0, -np.inf])


FORWARD = {  # the operation, and what the message says of the result and of the operands
    log_of_zero: ("log(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    division: (
        "divide(float32[3], float32[3])",
        "inf at [0], and 2 more",
        "operand 1: float32[3], finite",
    ),
    log_in_forward_mode: ("log(float64[])", "-inf", "operand 0: float64[], finite"),
    infinite_tangent: ("sqrt(float64[])", "tangent inf", "operand 0: float64[], finite"),
    nan_of_one_member: ("log(float64[3])", "nan at [1]", "operand 0: float64[3], finite"),
    inside_grad: ("divide(1.0, float64[2])", "inf at [1]", "operand 0: 1.0, finite"),
    inside_grad_of_grad: ("log(float64[])", "-inf", "operand 0: float64[], finite"),
    by_a_function: ("Log(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    overflow: ("exp(float64[])", "inf", "operand 0: float64[], finite"),
    imaginary: ("multiply(complex128[2], complex128[2])", "j) at [0]", "operand 1 was not finite"),
    without_recording: ("log(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    under_a_setting: ("log(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    in_a_nested_block: ("log(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    assigned: ("setitem(float64[3], float64[])", "inf at [1]", "operand 1 was not finite before"),
    assigned_a_number: ("setitem(float64[2, 2], nan)", "nan at [1, 0]", "operand 1: nan, not"),
    two_results: ("Both(float64[3])", "-inf at [1]", "operand 0: float64[3], finite"),
    spoilt_before: ("multiply(float64[2], 2.0)", "nan at [1]", "operand 0 was not finite before"),
    spoilt_constant: ("add(float64[2], float64[2])", "-inf at [1]", "operand 1: float64[2], not f"),
}


@pytest.mark.parametrize("f", FORWARD, ids=lambda f: f.__name__)
def test_the_first_result_that_is_not_finite_stops(f):
    operation, result, operands = FORWARD[f]
    message = stopped(f)
    assert message.startswith(f"{operation}: the result is not finite: ")
    assert result in message
    assert operands in message


@pytest.mark.parametrize("f", FORWARD, ids=lambda f: f.__name__)
def test_the_line_of_the_program_is_named(f):
    """File, number, and the text of the line."""
    place = re.search(r'File "(.*)", line (\d+), in (\S+)\n    (.*)$', stopped(f))
    path, number, _, text = place.groups()
    assert path == __file__
    lines, first = inspect.getsourcelines(f)
    assert first < int(number) < first + len(lines)
    assert text == lines[int(number) - first].strip()


def test_a_line_whose_source_is_not_known():
    program = compile("import numpy as np\n\nnp.log(x)", "<typed>", "exec")
    message = stopped(lambda: exec(program, {"x": zeros()}))
    assert message.endswith('\n  File "<typed>", line 3, in <module>')


# ---------------------------------------------------------------------------- backward


def root_of_zero(**kwargs):
    y = np.sqrt(zeros())
    np.sum(y).backward(**kwargs)


def root_again(create_graph=True):
    y = np.sqrt(zeros())
    np.sum(y).backward(create_graph=create_graph)


def root_of_zero_in_grad():
    dz.grad(lambda x: np.sum(np.sqrt(x)))(np.zeros(2))


def second_order():
    x = Variable(np.array(0.0))
    y = x**1.5
    y.backward(create_graph=True)
    x.grad.backward()


def root_of_zero_in_reverse_over_forward():
    dz.grad(lambda x: dz.jvp(lambda x: x**1.5, (x,), (1.0,))[1])(0.0)


def wrong_function():
    y = Wrong()(zeros())
    y.backward()


BACKWARD = {  # the operation, its derivative, the text of the line that called it
    root_of_zero: ("the derivative of sqrt(float64[3])", "inf at [1]", "y = np.sqrt(zeros())"),
    root_again: ("the derivative of sqrt(float64[3])", "inf at [1]", "y = np.sqrt(zeros())"),
    root_of_zero_in_grad: ("the derivative of sqrt(float64[2])", "inf at [0]", "np.sqrt(x)"),
    second_order: ("the derivative of the derivative of power", "inf", "y = x**1.5"),
    root_of_zero_in_reverse_over_forward: ("the derivative of power", "inf", "x: x**1.5"),
    wrong_function: ("the derivative of Wrong(float64[3])", "nan at [0]", "y = Wrong()(zeros())"),
}


@pytest.mark.parametrize("f", BACKWARD, ids=lambda f: f.__name__)
def test_the_first_cotangent_that_is_not_finite_stops(f):
    operation, value, line = BACKWARD[f]
    message = stopped(f)
    assert message.startswith(operation)
    assert f"the cotangent of operand 0 is not finite: {value}" in message
    assert f'File "{__file__}", line ' in message
    assert line in message.splitlines()[-1]
    assert re.search(r"\n  cotangent of the result: float64\[.*\], finite", message)
    assert "\n  operand 0: float64" in message


def test_what_a_mask_hides_is_no_trouble():
    """The sweep's 0 · inf is 0 behind a row that masks: see conventions.md."""
    with dz.debug():
        g = dz.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(g, [1.0, 0.25])


def test_a_seed_that_is_not_finite():
    y = zeros() * 2.0
    y.grad = np.array([0.0, np.nan, 1.0])
    message = stopped(y.backward)
    assert message == "multiply of shape (3,): the sum of its cotangents is not finite: nan at [1]"


def test_a_sum_that_overflows():
    x = Variable(np.array(0.5))
    message = stopped((x * 1e308 + (x * 1e308 - 1e308)).backward)
    assert message.startswith("a leaf of shape (): the sum of its cotangents is not finite: inf")


def test_a_hook_that_returns_what_is_not_finite():
    x = zeros()
    h = x * 2.0
    h.register_hook(lambda g: g * np.nan)
    assert "multiply" in stopped(np.sum(h).backward)


def test_a_graph_from_outside_is_named_without_a_line():
    y = np.sqrt(zeros())
    message = stopped(y.backward)
    assert message.startswith("the derivative of sqrt of shape (3,): the cotangent of operand 0")


def test_a_graph_from_an_earlier_block_is_known():
    with dz.debug():
        y = np.sqrt(zeros())
    with np.errstate(divide="ignore"):
        y.backward()  # outside, nobody looks
    assert "y = np.sqrt(zeros())" in stopped(y.backward)


# ---------------------------------------------------------------------------- mutation

X = np.array([1.0, 2.0, 3.0])
KEEP = {  # programs of a plain array and a Variable of it that keep its memory, and the operation
    "square": (lambda v, _a: v * v, "multiply(float64[3], float64[3])"),
    "constant": (lambda _v, a: Variable(np.ones(3)) * a, "multiply(float64[3], float64[3])"),
    "power": (lambda v, _a: v**3.0, "power(float64[3], 3.0)"),
    "product": (lambda v, _a: v.reshape(1, 3) @ np.ones((3, 1)) * v[:1], "multiply"),
    "matrix": (lambda _v, a: Variable(np.ones((2, 3))) @ a, "matmul(float64[2, 3], float64[3])"),
    "function": (lambda v, _a: Log()(v), "Log(float64[3])"),
    "where": (lambda v, _a: np.where(v > 1.5, np.sin(v), 2.0), "sin(float64[3])"),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", KEEP)
def test_an_array_that_is_written_into_behind_the_graph_is_caught(name, create_graph):
    use, operation = KEEP[name]
    a = X.copy()
    with dz.debug():
        y = np.sum(use(Variable(a), a))
        a[0] = 7.0
        with pytest.raises(MutationError, match=re.escape(operation)) as caught:
            y.backward(create_graph=create_graph)
    assert isinstance(caught.value, GraphError)
    assert f'File "{__file__}", line ' in str(caught.value)
    a[0] = X[0]
    with dz.debug():
        y.backward()


def test_in_grad_and_a_pullback():
    a = X.copy()

    def f(x):
        y = np.sum(x * a)
        a[1] = 0.0
        return y

    assert "y = np.sum(x * a)" in stopped(lambda: dz.grad(f)(X), MutationError)
    with dz.debug():
        _, pull = dz.vjp(lambda x: x * a, X)
        a += 1.0
        with pytest.raises(MutationError, match="multiply"):
            pull(X)


def test_what_a_second_derivative_keeps_is_looked_at_too():
    a = X.copy()
    with dz.debug():
        x = Variable(X)
        np.sum(x * x * a).backward(create_graph=True)
        g = np.sum(x.grad**2)
        a[2] = 0.0
        with pytest.raises(MutationError, match="multiply"):
            g.backward()


def test_arrays_that_nobody_kept_may_be_written_into():
    a = X.copy()
    with dz.debug():
        x = Variable(X)
        y = np.sum((x + a) * 2.0)
        a[0] = 9.0
        y.backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 2.0))


# ---------------------------------------------------------------------------- what it leaves alone


def made_of_holes(case):
    """Whether a case makes a NaN on purpose, on its way to what passes over it."""
    try:
        with dz.debug():
            case.call(*map(Variable, case.args))
    except NonFiniteError:
        return True
    return False


@pytest.mark.parametrize("title", CASES)
def test_derivatives_of_every_row_are_what_they_are_without_it(title):
    finite = [case for case in CASES[title] if not made_of_holes(case)]
    for case in (finite[0], finite[-1]):
        with dz.debug():
            check_grads(case.call, case.args, order=2, modes=case.modes, rtol=case.rtol)


def test_answers_that_are_no_arithmetic_are_not_looked_at():
    with dz.debug():
        v = Variable(np.array([np.nan, 1.0]))
        assert np.isnan(v).tolist() == [True, False]
        assert str(v) == "variable([nan  1.])"
        assert np.argmax(v) == 0
        assert np.empty_like(v).shape == (2,)
        np.testing.assert_array_equal(np.where(np.isnan(v), 0.0, v).data, [0.0, 1.0])


def test_numpys_warnings_come_as_the_error_and_others_come_as_ever():
    with dz.debug(), np.errstate(divide="warn", invalid="warn"):
        with pytest.raises(NonFiniteError):
            np.log(zeros())
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            np.log(np.zeros(2))
        with pytest.warns(RuntimeWarning, match="in cast"):
            Variable(np.array([np.nan])).astype(int)


# ---------------------------------------------------------------------------- state


def is_on():
    try:
        np.log(zeros())
    except NonFiniteError:
        return True
    return False


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(divide="ignore", invalid="ignore"):
        yield


def test_it_ends_with_the_block_also_by_an_error():
    with pytest.raises(GraphError, match="on purpose"), dz.debug():
        raise GraphError(f"on purpose, {is_on()}")
    assert not is_on()
    with dz.debug():
        with dz.debug():
            assert is_on()
        assert is_on()
    assert not is_on()


def test_as_a_decorator():
    @dz.debug()
    def f():
        """A docstring."""
        return is_on()

    assert (f(), is_on(), f(), f.__name__, f.__doc__) == (True, False, True, "f", "A docstring.")


def test_settings_inside():
    v = Variable(np.ones(2))

    def recorded():
        return (v * 2).creator is not None, np.sum(v).creator is not None, dz.Config.enable_backprop

    with dz.debug():
        assert recorded() == (True,) * 3
        with dz.no_grad():
            assert recorded() == (False,) * 3
            assert is_on()
            with dz.debug():
                assert recorded() == (False,) * 3
            with dz.using_config("enable_backprop", True):
                assert recorded() == (True,) * 3
                assert is_on()
            assert dz.grad(lambda x: x * x)(3.0) == 6.0
            assert dz.jvp(lambda x: x * x, (3.0,), (1.0,)) == (9.0, 6.0)
        assert recorded() == (True,) * 3
        with pytest.raises(ConfigError):
            dz.Config.other = 1
    with dz.no_grad():
        with dz.debug():
            assert recorded() == (False,) * 3
        assert recorded() == (False,) * 3
    assert recorded() == (True,) * 3


def test_a_setting_assigned_inside_stays():
    context = contextvars.copy_context()

    def assign():
        with dz.debug():
            dz.Config.enable_backprop = False
            assert is_on()
        return dz.Config.enable_backprop, is_on()

    assert context.run(assign) == (False, False)
    assert dz.Config.enable_backprop


def test_what_is_inside_a_call_is_its_own_affair():
    """Rules may pass through infinities; a user's rule is a part of the call."""
    f = dz.custom_vjp(
        lambda x: np.where(x > 0, np.log(x), 0.0), lambda gy, _y, x: gy * np.where(x > 0, 1 / x, 0)
    )
    with dz.debug():
        assert dz.grad(lambda x: np.sum(f(x)))(np.array([0.0, 2.0])).tolist() == [0.0, 0.5]
        check_grads(lambda x: np.sum(f(x)), [np.array([2.0, 3.0])], modes=("reverse",))


def test_through_a_checkpoint():
    layer = dz.checkpoint(lambda x: np.sum(np.sqrt(x)))
    assert "np.log" in stopped(lambda: dz.grad(dz.checkpoint(lambda x: np.log(x) * x))(0.0))
    message = stopped(lambda: dz.grad(layer)(np.zeros(2)))
    assert message.startswith("the derivative of sqrt(float64[2])")
    assert message.endswith("layer = dz.checkpoint(lambda x: np.sum(np.sqrt(x)))")
    with dz.debug():
        np.testing.assert_array_equal(dz.grad(layer)(np.ones(2)), [0.5, 0.5])


def test_one_threads_block_is_not_anothers():
    found = {}
    inside, done = threading.Event(), threading.Event()

    def other():
        inside.wait()
        with np.errstate(divide="ignore"):
            found["other"] = is_on()
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with dz.debug():
        inside.set()
        done.wait()
        assert is_on()
    thread.join()
    assert found == {"other": False}


def test_nothing_is_kept_of_a_graph_that_was_dropped():
    gc.collect()
    gc.disable()
    try:
        before = len(accounts)
        with dz.debug():
            x = Variable(np.ones(3))
            h = np.exp(x)
            y = np.sum(h * h)
            y.backward()
            node, array = weakref.ref(node_of(h)), weakref.ref(h.data)
            assert len(accounts) == before + 3
            del h, y
            assert node() is array() is None
            assert len(accounts) == before
    finally:
        gc.enable()
