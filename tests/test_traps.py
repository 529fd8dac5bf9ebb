"""Programs at which libraries of automatic differentiation go wrong, each with its right answer.

Expected values are derived by hand; the comment says how where it is not obvious. Each is taken in
reverse and in forward mode.
"""

import numpy as np
import pytest

import dezero as dz
from dezero.errors import ConversionError, LinAlgError, MutationError

E = np.eye(3)


def both(f, *xs):
    """The gradients of a number, by reverse mode, after a look at forward mode."""
    found = dz.grad(f, tuple(range(len(xs))))(*xs)
    for k, (x, g) in enumerate(zip(xs, found, strict=True)):
        for at in np.ndindex(np.shape(x)):
            txs = [np.zeros_like(each) for each in xs]
            txs[k][at] = 1.0
            np.testing.assert_allclose(dz.jvp(f, xs, tuple(txs))[1], g[at], rtol=1e-12, atol=1e-15)
    return found if len(xs) > 1 else found[0]


def is_near(found, expected, rtol=1e-12):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14)


def test_a_branch_not_taken_that_is_nan():
    def f(x):
        with np.errstate(all="ignore"):
            return np.sum(np.where(x > 0, np.sqrt(x), 0.0)) + np.sum(np.where(x > 0, 1 / x, x))

    def careless(x):
        with np.errstate(all="ignore"):
            return np.sum(np.where(x > 0, x * np.log(x), 0.0))

    x = np.array([-1.0, 0.0, 4.0])
    is_near(both(f, x), [1, 1, 0.25 - 0.0625])
    is_near(both(careless, x), [0, 0, np.log(4) + 1])
    is_near(dz.hessian(careless)(x), np.diag([0, 0, 0.25]))
    is_near(dz.jacobian(dz.grad(careless), mode="reverse")(x), np.diag([0, 0, 0.25]))


@pytest.mark.parametrize("norm", [np.linalg.norm, np.linalg.vector_norm])
def test_the_norm_at_zero_and_the_hessian_of_its_square(norm):
    zero = np.zeros(3)
    is_near(both(norm, zero), zero)
    is_near(both(lambda x: norm(x) ** 2, zero), zero)
    for mode in ("forward", "reverse"):
        hessian = dz.jacobian(dz.grad(lambda x: norm(x) ** 2), mode=mode)
        is_near(hessian(np.array([1.0, 2.0, -2.0])), 2 * E)
        assert np.all(np.isfinite(hessian(zero)))


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2)])
def test_products_with_zeros(zeros):
    x = np.array([2.0, 3.0, -1.0])
    x[list(zeros)] = 0.0
    others = np.array([np.prod(np.delete(x, k)) for k in range(3)])
    is_near(both(np.prod, x), others)
    # ∂²/∂x_i∂x_j is the product of the rest.
    mixed = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(3)] for i in range(3)]
    is_near(dz.hessian(np.prod)(x), mixed)
    # Of x0 + x0 x1 + x0 x1 x2.
    is_near(
        both(lambda x: np.sum(np.cumprod(x)), x),
        [1 + x[1] + x[1] * x[2], x[0] * (1 + x[2]), x[0] * x[1]],
    )
    is_near(
        dz.hessian(lambda x: np.sum(np.cumprod(x)))(x),
        [[0, 1 + x[2], x[1]], [1 + x[2], 0, x[0]], [x[1], x[0], 0]],
    )


def test_repeated_indices():
    x, w = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
    is_near(both(lambda x: np.sum(x[[0, 0, 2]] * w), x), [30, 0, 30])
    is_near(both(lambda x: np.sum(np.take(x, [0, 0, 2]) * w), x), [30, 0, 30])

    def scattered(x):
        a = dz.numpy.zeros(2)
        np.add.at(a, [0, 0, 1], x)
        return np.sum(a * a)

    def written(x):
        a = dz.numpy.zeros(2)
        a[[0, 0, 1]] = x  # the last write to a place counts
        return np.sum(a * a)

    is_near(both(scattered, x), [6, 6, 6])
    is_near(both(written, x), [0, 4, 6])


def test_powers_at_zero():
    x = np.array([0.0, 2.0])
    is_near(both(lambda x: np.sum(x**0), x), [0, 0])
    is_near(both(lambda x: np.sum(x**0.0), x), [0, 0])
    is_near(both(lambda b: np.sum(0.0**b), np.array([1.0, 2.0])), [0, 0])
    is_near(dz.hessian(lambda x: np.sum(x**2))(x), 2 * np.eye(2))
    is_near(dz.hessian(lambda x: np.sum(np.power(x, 2.0)))(x), 2 * np.eye(2))
    is_near(dz.hessian(lambda x: np.sum(x**3))(x), np.diag([0, 12.0]))


def test_mutation_between_forward_and_backward():
    x = dz.Variable(np.array([1.0, 2.0]))
    y = np.sum(x * x)
    x[0] = 100.0
    assert x.data.tolist() == [100.0, 2.0]
    leaf = dz.Variable(np.array([1.0, 2.0]))
    z = np.sum(leaf * leaf)
    leaf.data = np.array([50.0, 60.0])
    z.backward()
    is_near(leaf.grad, [2, 4])
    leaf.data += 1.0
    w = np.sum(leaf * leaf)
    leaf.data += 1.0
    with pytest.raises(MutationError):
        w.backward()
    y.backward()  # of the values that it was computed from
    is_near(x.grad, [2, 4])


W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


@pytest.mark.parametrize(
    "product",
    [
        lambda v: W.T @ v,
        lambda v: np.tensordot(W, v, axes=([0], [0])),
        lambda v: np.einsum("ij,i->j", W, v),
        lambda v: np.dot(W.T, v),
        lambda v: np.inner(W.T, v),
        lambda v: np.linalg.multi_dot([np.eye(2), W.T, v]),
        lambda v: np.sum(W.T * v, axis=1),
    ],
)
def test_a_plain_array_on_the_left(product):
    v = np.array([1.0, -1.0, 2.0])
    is_near(dz.jacobian(product)(v), W.T)
    is_near(dz.jacobian(product, mode="reverse")(v), W.T)


def test_the_dot_of_an_ndarray_asks_nobody():
    """NumPy gives the box no say there, so it is not cut without a word."""
    with pytest.raises(ConversionError, match=r"np\.dot\(a, v\)"):
        dz.jacobian(lambda v: W.T.dot(v))(np.ones(3))  # noqa: PLW0108  # the box must get there


def test_custom_rules_at_second_order():
    square = dz.custom_vjp(lambda x: x * x, lambda g, _y, x: 2 * g * x)
    cube = dz.custom_jvp(lambda x: x**3, lambda ts, _y, x: 3 * x**2 * ts[0])
    for f, expected in ((square, 2.0), (cube, 12.0)):
        is_near(dz.grad(dz.grad(f))(2.0), expected)
        is_near(dz.jvp(dz.grad(f), (2.0,), (1.0,))[1], expected)
        is_near(dz.grad(lambda x, f=f: dz.jvp(f, (x,), (1.0,))[1])(2.0), expected)


@pytest.mark.parametrize("a", [E, np.diag([1.0, 1.0, 3.0])], ids=["identity", "a pair"])
def test_degenerate_eigenvalues(a):
    """Functions of the matrix have derivatives there, whatever vectors LAPACK picks.

    Forward mode finds them. Backwards, what reaches the vectors does not tell them: an error
    instead of a wrong number, but for what depends on the values alone.
    """

    def exponential(a):  # of the symmetric part
        w, v = np.linalg.eigh((a + a.T) / 2)
        return np.sum(((v * np.exp(w)) @ v.T) * C)

    # Daletskii & Krein: at a diagonal matrix, by the divided differences of exp.
    d = np.diag(a)
    apart = d[:, None] != d
    gaps = np.where(apart, d[:, None] - d, 1)
    divided = np.where(apart, (np.exp(d)[:, None] - np.exp(d)) / gaps, np.exp(d))
    is_near(dz.jacobian(exponential, mode="forward")(a), divided * (C + C.T) / 2)
    with pytest.raises(LinAlgError, match="equal"):
        dz.grad(exponential)(a)
    is_near(dz.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(a), E)
    is_near(dz.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2))(a), 2 * a)


C = np.array([[1.0, 2.0, 0.5], [-1.0, 0.3, 2.0], [0.7, 0.1, -1.0]])


def test_einsum_broadcasts_lengths_of_one():
    x, y = np.array([1.0, 2.0]), np.array([3.0])
    gx, gy = both(lambda x, y: np.einsum("i,i", x, y), x, y)
    is_near(gx, [3, 3])
    is_near(gy, [3])
    gx, gy = both(lambda x, y: np.sum(np.einsum("i,i->i", x, y) ** 2), x, y)
    is_near(gx, [18, 36])  # of 9 (x0² + x1²)
    is_near(gy, [30])  # of y² (1 + 4)


def test_ties():
    x = np.array([2.0, 1.0, 2.0, 0.0])
    is_near(both(np.max, x), [0.5, 0, 0.5, 0])
    # Equal elements keep their order, so the first of them is the lower one.
    is_near(both(lambda x: np.sum(np.sort(x) * np.array([0, 0, 1.0, 10.0])), x), [1, 0, 10, 0])
    g = both(np.median, np.array([1.0, 2.0, 2.0, 2.0, 3.0]))
    is_near(np.sum(g), 1)
    is_near(g[[0, 4]], [0, 0])


@pytest.mark.parametrize("f", [np.std, np.var, lambda x: np.std(x, ddof=1)])
def test_the_spread_of_constants(f):
    is_near(both(f, np.full(4, 3.0)), np.zeros(4))


def test_the_complex_modulus_at_zero():
    z = np.array([0j, 3 + 4j])
    is_near(dz.grad(lambda z: np.sum(np.abs(z)))(z), [0, 0.6 + 0.8j])
    is_near(dz.grad(lambda z: np.sum(np.abs(z) ** 2))(z), [0, 6 + 8j])
    is_near(dz.jvp(lambda z: np.sum(np.abs(z)), (z,), (np.array([1 + 1j, 0]),))[1], 0)


def test_single_precision_through_a_long_program():
    def f(x, a):
        h = np.tanh(a @ x + np.float32(0.5)) * 2 + 1
        h = h - np.mean(h) + np.std(h) + np.sort(h)[::-1] + np.clip(h, -1, 1)
        h = h + np.where(h > 0, h, 0)
        h = np.concatenate([h, np.cumsum(h)]).reshape(2, -1) / np.linalg.norm(h)
        return np.sum(np.linalg.inv(a)) + np.sum(np.log1p(np.exp(h)) ** 2) + np.max(h) ** 3

    x, a = np.array([1, 2, 3], np.float32), (np.eye(3) + 0.1).astype(np.float32)
    value, (gx, ga) = dz.value_and_grad(f, (0, 1))(x, a)
    assert [each.dtype for each in (value, gx, ga)] == [np.float32] * 3
    value, tangent = dz.jvp(f, (x, a), (x, a))
    assert (value.dtype, tangent.dtype) == (np.float32, np.float32)
    assert all(block.dtype == np.float32 for row in dz.hessian(f, (0, 1))(x, a) for block in row)
    assert dz.vmap(dz.grad(f), (0, None))(np.stack([x, x]), a).dtype == np.float32
