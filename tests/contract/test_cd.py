"""Parts C and D of the contract, as far as Variables alone can hold them."""

import numpy as np
import pytest

import dezero


@pytest.fixture
def model():
    """Two features, one linear unit, one target: the parameters, and the way to the loss."""
    x, target = np.array([[28.1, 58.0]]), np.array([165.0])
    w = dezero.Variable(np.full((1, 2), 0.5), "W")
    b = dezero.Variable(np.zeros(1), "b")

    def forward():
        prediction = x @ w.T + b
        return prediction, ((prediction - target) ** 2).mean()

    return w, b, forward


def test_c4_prediction_and_loss(model):
    """Features [28.1, 58.0], target [165], `W` all 1/2, `b` 0: 43.05 and 14871.802500000002."""
    prediction, loss = model[2]()
    assert prediction.data == 43.05
    assert loss.data == 14871.802500000002


def test_c5_one_plain_gradient_step(model):
    """One step with rate 1 (`W.data -= W.grad` must work): loss 1026548766283.6302."""
    w, b, forward = model
    forward()[1].backward()
    w.data -= w.grad
    b.data -= b.grad
    assert forward()[1].data == 1026548766283.6302


def test_c6_the_graph_is_the_forward_pass(model):
    """The loss is its end, parameters are leaves that gather gradients."""
    w, b, forward = model
    prediction, loss = forward()
    loss.backward()
    assert w.creator is None
    assert b.creator is None
    assert loss.generation > prediction.generation > 0
    assert prediction.grad is None
    np.testing.assert_allclose(w.grad, 2 * (43.05 - 165) * np.array([[28.1, 58.0]]), rtol=1e-15)
    np.testing.assert_allclose(b.grad, [2 * (43.05 - 165)], rtol=1e-15)
    forward()[1].backward()
    np.testing.assert_allclose(b.grad, [4 * (43.05 - 165)], rtol=1e-15)


@pytest.fixture
def log_sin(engine):
    """`log` and `sin` of Variables: the simple engine's own, and NumPy's for the fast one."""
    return (engine.log, engine.sin) if hasattr(engine, "check_grad") else (np.log, np.sin)


def test_d2_d6_a_derivative_of_both_arguments(var, log_sin):
    """`log(x) + x*y + sin(y)` at 2, 5: 9.734222905896807, dx 5.5, dy 2.2837."""
    log, sin = log_sin
    x, y = var(2), var(5)
    z = log(x) + x * y + sin(y)
    z.backward()
    assert z.data == 9.734222905896807
    assert x.grad == 5.5
    assert y.grad == pytest.approx(2.2837, abs=5e-5)
    assert y.grad == 2 + np.cos(5.0)


def test_d2_dual_numbers_by_hand():
    """A value and its tangent: 9.734222905896807 and 5.5; mixed with numbers; else `TypeError`."""
    x, y = dezero.Dual(2.0, 1.0), dezero.Dual(5.0, 0.0)
    z = dezero.log(x) + x * y + dezero.sin(y)
    assert (z.value, z.tangent) == (9.734222905896807, 5.5)
    assert (2.0 * x + 1).tangent == 2.0
    with pytest.raises(TypeError):
        x + "a"


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_d4_adjoints_can_be_differentiated_again(order):
    """By objects and by functions: the derivatives of x⁵ at 2."""
    x = dezero.Variable(np.array(2.0))
    y = x**5
    f = lambda x: x**5  # noqa: E731
    for _ in range(order):
        x.clear_grad()
        y.backward(create_graph=True)
        y, f = x.grad, dezero.grad(f)
    falling = np.prod(np.arange(5, 5 - order, -1.0))
    assert y.data == f(2.0) == falling * 2.0 ** (5 - order)


def test_d5_jacobians_of_both_modes():
    a = np.arange(6.0).reshape(2, 3) / 7
    x = np.array([0.5, -1.0, 2.0])
    f = lambda x: np.sin(a @ x)  # noqa: E731
    forward, reverse = (dezero.jacobian(f, mode=mode)(x) for mode in ("forward", "reverse"))
    assert forward.shape == reverse.shape == (2, 3)
    np.testing.assert_allclose(forward, np.cos(a @ x)[:, None] * a, rtol=1e-15)
    np.testing.assert_allclose(reverse, forward, rtol=1e-15)


def test_d3_a_derivative_by_every_name(var, log_sin):
    """`log(x) + x*y - sin(y)` at 2, 5: 11.652071455223084; by v1 … v5: 1, 1, 1, -1, 1."""
    log, sin = log_sin
    x, y = var(2, "v-1"), var(5, "v0")
    v1 = log(x)
    v2 = x * y
    v3 = v1 + v2
    v4 = sin(y)
    v5 = v3 - v4
    v5.backward(retain_grad=True)
    assert v5.data == 11.652071455223084
    assert x.grad == 5.5
    assert y.grad == 1.7163378145367738
    assert [v.grad for v in (v1, v2, v3, v4, v5)] == [1, 1, 1, -1, 1]
