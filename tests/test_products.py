"""Products, sums by subscripts, convolutions and polynomials: traps, refusals and costs."""

import tracemalloc

import numpy as np
import pytest

import dezero as dz
from dezero.errors import (
    ConversionError,
    LinAlgError,
    OperandError,
    ShapeError,
    UnsupportedError,
)
from dezero.rules import convolution
from dezero.scipy import signal

W = np.arange(6.0).reshape(2, 3) - 2.5
V = np.array([1.0, -2.0, 0.5])


def box(*shape):
    return dz.Variable(np.ones(shape))


# ---- a plain array, or a list, on the left ----


@pytest.mark.parametrize(
    ("product", "slope"),
    [
        (lambda v: W @ v, W.sum(0)),
        (lambda v: np.dot(W, v), W.sum(0)),
        (lambda v: np.inner(W, v), W.sum(0)),
        (lambda v: np.tensordot(W, v, 1), W.sum(0)),
        (lambda v: np.einsum("ij,j", W, v), W.sum(0)),
        (lambda v: np.einsum(W, [0, 1], v, [1]), W.sum(0)),
        (lambda v: np.einsum("ij,jk,k->i", W, np.eye(3), v), W.sum(0)),
        (lambda v: np.matvec(W, v), W.sum(0)),
        (lambda v: np.vecdot(W, v), W.sum(0)),
        (lambda v: np.kron(W, v), np.full(3, W.sum())),
        (lambda v: np.outer(W, v), np.full(3, W.sum())),
        (lambda v: np.vdot([1.0, 2.0, 3.0], v), [1.0, 2.0, 3.0]),
        (lambda v: np.linalg.multi_dot([W, np.eye(3), v]), W.sum(0)),
        (lambda v: np.convolve([1.0, 2.0], v), [3.0] * 3),
        (lambda v: np.correlate([1.0, 2.0], v, "full"), [3.0] * 3),
        (lambda v: np.polymul([1, 2], v), [3.0] * 3),
        (lambda v: np.polyval(v, [1, 2]), [5.0, 3.0, 2.0]),
    ],
)
def test_a_plain_array_on_the_left(product, slope):
    v = dz.Variable(V.copy())
    y = product(v)
    assert type(y) is dz.Variable
    np.testing.assert_allclose(y.data, product(V), 1e-14)
    y.backward()
    np.testing.assert_allclose(v.grad, slope, 1e-14)


@pytest.mark.parametrize("whole", [np.array([[1, 2, 3], [4, 5, 6]]), [[1, 2, 3], [4, 5, 6]]])
def test_whole_numbers_beside_a_box(whole):
    for product in (np.matmul, np.dot, np.matvec, lambda a, b: np.einsum("ij,j->i", a, b)):
        g = dz.grad(lambda v, f=product: np.sum(f(whole, v)))(V)
        assert g.dtype == np.float64
        np.testing.assert_array_equal(g, [5, 7, 9])


# ---- complex numbers ----


@pytest.mark.parametrize(
    "product", [np.vdot, np.vecdot, np.correlate, lambda a, b: signal.correlate(a, b, "valid")]
)
def test_one_of_two_operands_is_conjugated(product):
    """The gradients of Re Σ a* b by a and b are b and a, and so of Re Σ a b*."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))
    ga, gb = dz.grad(lambda a, b: np.sum(np.real(product(a, b))), (0, 1))(a, b)
    np.testing.assert_allclose(ga, b, 1e-14)
    np.testing.assert_allclose(gb, a, 1e-14)


def test_a_matrix_between_two_vectors():
    rng = np.random.default_rng(0)
    x, m, y = (rng.normal(size=s) + 1j * rng.normal(size=s) for s in (2, (2, 3), 3))
    gx, gm, gy = dz.grad(lambda x, m, y: np.real(np.vecdot(y, np.vecmat(x, m))), (0, 1, 2))(x, m, y)
    np.testing.assert_allclose(gx, m @ y.conj(), 1e-13)
    np.testing.assert_allclose(gm, np.outer(x, y), 1e-13)
    np.testing.assert_allclose(gy, x.conj() @ m, 1e-13)


# ---- what it costs ----


def test_a_chain_is_contracted_in_pairs():
    """The sum over all letters at once would take 60⁵ products, and each way back as many."""
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=(60, 60)) for _ in range(4)]
    for optimize in (False, True, "optimal"):
        tracemalloc.start()
        found = dz.grad(
            lambda *xs, o=optimize: np.sum(np.einsum("ij,jk,kl,lm->im", *xs, optimize=o)),
            (0, 1, 2, 3),
        )(*xs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        ones = np.ones(60)
        np.testing.assert_allclose(found[0], np.outer(ones, xs[1] @ xs[2] @ xs[3] @ ones), 1e-10)
        assert peak < 30 * 60 * 60 * 8


def test_a_gradient_of_a_sum_needs_no_matrix():
    x, y = np.ones(3000), np.ones(3000)
    tracemalloc.start()
    dz.grad(lambda x, y: np.einsum("i,i", x, y) + np.einsum("i->", x), (0, 1))(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * 3000 * 8


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("m", [1, 40, 195, 200])
def test_ways_back_of_a_convolution_take_no_more_products(monkeypatch, m, mode):
    counts, fn = [], convolution.convolve.fn

    def counted(x, y, *, dims, mode):
        out = fn(x, y, dims=dims, mode=mode)
        counts.append(x.size * y.size if mode == "full" else out.size * y.size)
        return out

    monkeypatch.setattr(convolution.convolve, "fn", counted)
    dz.grad(lambda x, y: np.sum(np.convolve(x, y, mode)), (0, 1))(np.ones(200), np.ones(m))
    there, *back = counts
    assert len(back) == 2
    assert max(back) <= there


@pytest.mark.parametrize(
    ("shape", "kernel"), [((30, 31), (3, 2)), ((30, 31), (29, 30)), ((9, 8), (9, 8))]
)
def test_convolutions_by_shifts_and_by_windows_are_one(shape, kernel):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape), rng.normal(size=kernel)
    for mode in ("full", "same", "valid"):
        direct, fast = (signal.convolve(x, y, mode, method) for method in ("direct", "fft"))
        np.testing.assert_allclose(direct, fast, 1e-10, 1e-12)


# ---- kept as in NumPy ----


def test_results_may_be_assigned_into_boxes():
    out = dz.numpy.zeros(2)
    v = dz.Variable(V.copy())
    assert np.einsum("ij,j->i", W, v, out=out) is out
    out[0].backward()
    np.testing.assert_array_equal(v.grad, W[0])
    with pytest.raises(UnsupportedError, match="out"):
        np.einsum("ij,j->i", W, v, out=np.zeros(2))


def test_vectors_of_two_numbers_are_as_in_numpy():
    for other in (np.array([3.0, 4.0]), np.array([3.0, 4.0, 5.0])):
        with pytest.warns(DeprecationWarning, match="2 numbers"):
            y = np.cross(dz.Variable(np.array([1.0, 2.0])), other)
        with pytest.warns(DeprecationWarning, match="2-dim"):
            expected = np.cross([1.0, 2.0], other)
        np.testing.assert_array_equal(y.data, expected)


def test_a_poor_fit_warns_as_in_numpy():
    y = dz.Variable(np.array([1.0, 2.0, 3.0]))
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(np.ones(3), y, 1)


def test_what_has_no_coefficients():
    assert np.vander(box(2), 0).shape == (2, 0)
    assert np.poly(dz.Variable(np.zeros(0))) == 1.0
    assert np.roots(dz.Variable(np.array([0.0, 3.0]))).shape == (0,)


def test_roots_that_occur_twice():
    """Infinite or NaN, where two roots part like a square root."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for f in (np.max, np.sum):
            g = dz.grad(lambda p, f=f: f(np.roots(p)))(np.array([1.0, -2.0, 1.0]))
            assert not np.any(np.isfinite(g))


def test_a_root_moves_as_the_formula_says():
    """Of a x² + b x + c, by the formula that everyone knows."""

    def larger(a, b, c):
        return (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)

    at = (2.0, -3.0, 0.5)
    found = dz.grad(lambda *abc: np.max(np.roots(np.stack(abc))), (0, 1, 2))(*at)
    np.testing.assert_allclose(found, dz.grad(larger, (0, 1, 2))(*at), 1e-12)


# ---- refusals ----


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: np.einsum("ij->ji", box(2, 3), dtype="f4"), UnsupportedError, "dtype"),
        (lambda: np.einsum("ij,jk", box(2, 3), np.ones((2, 3))), ShapeError, "einsum"),
        (lambda: np.einsum("ij,jk,kl", box(2, 3), W.T, W.T), ShapeError, "einsum"),
        (lambda: np.einsum("ij", box(3)), ShapeError, "einsum"),
        (lambda: np.einsum("...ijk", box(2)), ShapeError, "axes"),
        (lambda: np.einsum("ij,jk->ik", box(2, 3)), OperandError, "2 operands, not 1"),
        (lambda: np.einsum("ii", box(1, 3)), ShapeError, "einsum"),
        (lambda: np.einsum("ij->ik", box(2, 3)), ShapeError, "einsum"),
        (lambda: np.einsum("ij->ii", box(2, 3)), ShapeError, "einsum"),
        (lambda: np.einsum("...i->i", box(2, 3)), ShapeError, r"`\.\.\.`"),
        (lambda: np.einsum("i$->i", box(2, 3)), ShapeError, "einsum"),
        (lambda: np.einsum(box(2), ["a"]), OperandError, "whole numbers"),
        (lambda: np.einsum(box(2), [-1]), OperandError, "0 to 51"),
        (lambda: np.einsum("i,i,i", box(2), V[:2], V[:2], optimize="best"), ShapeError, "best"),
        (lambda: np.einsum(box(2), [60]), OperandError, "0 to 51"),
        (lambda: np.vdot(box(2), np.ones(3)), ShapeError, "dot"),
        (lambda: np.vecdot(box(1), np.ones(3)), ShapeError, "1 and 3"),
        (lambda: np.vecdot(box(), np.ones(3)), ShapeError, "axes"),
        (lambda: np.matvec(box(3), np.ones(3)), ShapeError, "matvec"),
        (lambda: np.vecmat(box(3), np.ones(3)), ShapeError, "vecmat"),
        (lambda: np.matvec(box(2, 3), np.ones(3), axes=[0, 0, 0]), OperandError, "axes="),
        (lambda: np.matmul(box(2, 2), W, axis=0), UnsupportedError, "axis"),
        (lambda: np.matmul(box(2, 2), W, keepdims=True), UnsupportedError, "keepdims"),
        (lambda: np.matvec(box(2, 2), np.ones(2), axis=0), UnsupportedError, "axis"),
        (lambda: np.cross(box(4), np.ones(4)), ShapeError, "must have 3"),
        (lambda: np.cross(box(), np.ones(3)), ShapeError, "no vector"),
        (lambda: np.cross(box(2, 3), np.ones(3), axis=5), ShapeError, "axis 5"),
        (lambda: np.linalg.cross(box(2), np.ones(2)), ShapeError, "3 numbers"),
        (lambda: np.linalg.outer(box(2, 2), np.ones(2)), ShapeError, "vectors"),
        (lambda: np.linalg.matrix_transpose(box(2)), ShapeError, "no matrix"),
        (lambda: np.linalg.multi_dot([box(2)]), OperandError, "two"),
        (lambda: np.linalg.multi_dot([box(2), np.ones(2), W]), ShapeError, "matrices"),
        (lambda: np.linalg.matrix_power(box(2, 3), 2), ShapeError, "square"),
        (lambda: np.linalg.matrix_power(box(2, 2), 0.5), OperandError, "whole number"),
        (lambda: np.linalg.tensorsolve(box(2, 3), np.ones(2)), LinAlgError, "square"),
        (lambda: np.linalg.tensorinv(box(2, 2), ind=0), OperandError, "ind=0"),
        (lambda: np.convolve(box(2), np.ones(2), "circular"), OperandError, "circular"),
        (lambda: np.convolve(box(2, 2), np.ones(2)), ShapeError, "vectors"),
        (lambda: np.correlate(box(0), np.ones(2)), ShapeError, "empty"),
        (lambda: np.polyadd(box(2), np.poly1d([1, 2])), UnsupportedError, "coeffs"),
        (lambda: np.polyval(box(2), np.poly1d([1, 2])), UnsupportedError, "poly1d"),
        (lambda: np.polyder(box(2), -1), OperandError, "polyint"),
        (lambda: np.polyint(box(2), -1), OperandError, "polyder"),
        (lambda: np.polyint(box(2), 3, [1.0, 2.0]), ShapeError, "2 constants for 3"),
        (lambda: np.polyint([1.0, 2.0], 1, box(1)), ConversionError, "ndarray"),
        (lambda: np.polyfit(np.ones(3), box(4), 1), ShapeError, "polyfit"),
        (lambda: np.polyfit(np.ones(3), box(3), 1, w=np.ones(2)), ShapeError, "2 weights"),
        (lambda: np.polyfit(V, box(3), 1, w=1j * V), OperandError, "weights of complex"),
        (lambda: np.polyfit(V, box(3), 2, cov=True), ShapeError, "no scale"),
        (lambda: np.poly(box(2, 3)), ShapeError, "square"),
        (lambda: np.roots(box(2, 3)), ShapeError, "vector"),
        (lambda: np.vander(box(2, 3)), ShapeError, "vector"),
    ],
)
def test_misuse(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda v: signal.convolve(v, np.ones((2, 2))), ShapeError, "numbers of axes"),
        (lambda v: signal.convolve(v, V, "circular"), OperandError, "circular"),
        (lambda v: signal.convolve(v, V, method="quick"), OperandError, "quick"),
        (lambda v: signal.convolve(v[:0], V), ShapeError, "empty"),
        (lambda v: signal.fftconvolve(v[:0], V), ShapeError, "empty"),
        (lambda v: signal.fftconvolve(v, V, axes=()), OperandError, "axes"),
        (lambda v: signal.convolve(v[None], V[:2, None], "valid"), ShapeError, "neither"),
        (lambda v: signal.convolve2d(v, V), ShapeError, "images"),
        (lambda v: signal.convolve2d(v[None], W, boundary="mirror"), OperandError, "mirror"),
        (lambda v: signal.detrend(v, overwrite_data=True), UnsupportedError, "overwrite_data"),
        (lambda v: signal.detrend(v, type="cubic"), OperandError, "cubic"),
        (lambda v: signal.detrend(v, bp=7), ShapeError, "breaks"),
    ],
)
def test_misuse_of_signals(call, error, says):
    with pytest.raises(error, match=says):
        call(box(3))


def test_members_of_different_lengths_are_refused():
    p = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 3.0, 4.0]])
    for call in (np.roots, lambda p: np.polymul(p, p), lambda p: np.polydiv(p, np.ones(3))[1]):
        with pytest.raises(OperandError, match="different lengths"):
            dz.vmap(call)(p)


def test_an_ndarrays_own_dot_says_what_to_write():
    """NumPy asks nobody there, so no box can answer for it."""
    with pytest.raises(ConversionError, match=r"np\.dot\(a, v\)"):
        W.T.dot(box(2))
