"""Where matrices are singular, or their eigenvalues equal; and what is refused."""

import warnings

import numpy as np
import pytest
import scipy.linalg
from cases.decompositions import adjoint, hermitian

import dezero as dz
from dezero.box import plain
from dezero.errors import LinAlgError, OperandError, ShapeError, UnsupportedError
from dezero.scipy import linalg as sl
from dezero.testing import check_grads

rng = np.random.default_rng(7)


def of_rank(shape, rank, kind="d"):
    *stack, m, n = shape

    def draw(*shape):
        return rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind == "D" else 0)

    return draw(*stack, m, rank) @ draw(*stack, rank, n)


def symmetric(x):
    return (x + adjoint(x)) / 2


# ---- singular matrices ----


@pytest.mark.parametrize("kind", "dD")
@pytest.mark.parametrize("rank", range(5))
def test_determinants_of_singular_matrices_are_exact_to_third_order(rank, kind):
    check_grads(np.linalg.det, [of_rank((4, 4), rank, kind)], order=3)


def test_determinants_of_a_stack_of_any_ranks():
    xs = np.stack([of_rank((4, 4), rank) for rank in range(5)])
    check_grads(np.linalg.det, [xs])
    each = [dz.grad(np.linalg.det)(x) for x in xs]
    np.testing.assert_allclose(dz.vmap(dz.grad(np.linalg.det))(xs), each, 1e-12, 1e-12)
    hessians = [dz.hessian(np.linalg.det)(x) for x in xs]
    np.testing.assert_allclose(dz.vmap(dz.hessian(np.linalg.det))(xs), hessians, 1e-11, 1e-11)


def test_the_cofactors_of_a_matrix_that_is_nearly_singular():
    """By minors, which are determinants of regular matrices."""
    u, v = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    for small in (1e-3, 1e-6, 1e-9, 1e-12, 1e-15):
        x = (u * [1.0, 0.7, 0.4, small]) @ v
        minors = np.array(
            [
                [
                    (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1))
                    for j in range(4)
                ]
                for i in range(4)
            ]
        )
        np.testing.assert_allclose(dz.grad(np.linalg.det)(x), minors, 1e-10, 1e-13)
        check_grads(np.linalg.det, [x])


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_pseudo_inverses_among_matrices_of_one_rank(shape):
    """A matrix of rank 2 that moves by its factors stays one."""
    m, n = shape
    a, b, right = rng.normal(size=(m, 2)), rng.normal(size=(2, n)), rng.normal(size=m)
    check_grads(lambda a, b: np.linalg.pinv(a @ b, rtol=1e-10), [a, b])
    check_grads(lambda a, b, y: np.linalg.lstsq(a @ b, y, 1e-10)[0], [a, b, right])


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        lambda x: np.linalg.slogdet(x)[1],
        np.linalg.cholesky,
        lambda x: np.linalg.qr(x)[0],
        lambda x: np.linalg.cond(x, 1),
        lambda x: sl.lu(x)[1],
        sl.logm,
        lambda x: sl.sqrtm(x + np.diag([1.0, 0.0])),
        lambda x: sl.solve_sylvester(x, -x, np.eye(2)),
    ],
)
def test_singular_matrices_are_refused_where_there_is_no_derivative(f):
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(np.linalg.LinAlgError),
    ):
        dz.grad(lambda x: np.sum(f(x)))(np.zeros((2, 2)))


# ---- equal values ----

ROTATION = np.linalg.qr(rng.normal(size=(4, 4)))[0]
TIED = [
    np.eye(3),
    ROTATION @ np.diag([1.0, 1.0, 2.0, 2.0]) @ ROTATION.T,
    np.kron(np.eye(2), [[2.0, 0.5], [0.5, 1.0]]),
    np.zeros((2, 2)),
]
each_tied = pytest.mark.parametrize("x", TIED, ids=["one", "blocks", "kron", "zero"])


def exponential(x):
    w, v = np.linalg.eigh(symmetric(x))
    return np.matmul(v * np.exp(w)[..., None, :], adjoint(v))


@each_tied
def test_functions_of_equal_eigenvalues(x):
    check_grads(lambda x: np.sum(np.exp(np.linalg.eigvalsh(symmetric(x)))), [x], order=1)
    check_grads(lambda x: np.sum(exponential(x) * np.eye(len(x))), [x], order=1)
    v = dz.Variable(x)
    np.sum(np.exp(np.linalg.eigh(symmetric(v))[0])).backward(create_graph=True)
    np.testing.assert_allclose(v.grad.data, scipy.linalg.expm(x), 1e-12, 1e-12)


@each_tied
def test_forwards_the_vectors_of_equal_eigenvalues_are_those_that_move_smoothly(x):
    t = symmetric(rng.normal(size=x.shape))
    exact = scipy.linalg.expm_frechet(x, t)[1]
    np.testing.assert_allclose(dz.jvp(exponential, (x,), (t,))[1], exact, 1e-11, 1e-11)
    np.testing.assert_allclose(dz.taylor(exponential, x, 1, t)[1], exact, 1e-11, 1e-11)
    jacobian = dz.jacobian(exponential, mode="forward")(x)
    np.testing.assert_allclose(np.tensordot(jacobian, t, 2), exact, 1e-11, 1e-11)
    stack = np.stack([x, x + np.diag(np.arange(len(x)))])
    _, moved = dz.jvp(exponential, (stack,), (np.stack([t, t]),))
    np.testing.assert_allclose(moved[0], exact, 1e-11, 1e-11)


@each_tied
def test_backwards_such_a_function_is_refused_and_its_second_derivative_too(x):
    weights = rng.normal(size=x.shape)
    with pytest.raises(LinAlgError, match="mode='forward'"):
        dz.grad(lambda x: np.sum(exponential(x) * weights))(x)
    total = lambda x: np.sum(np.exp(np.linalg.eigvalsh(symmetric(x))))  # noqa: E731
    with pytest.raises(LinAlgError, match="no second derivative"):
        dz.hessian(total)(x)
    with pytest.raises(LinAlgError, match="no second derivative"):
        dz.taylor(total, x, 2, symmetric(weights))
    with np.errstate(invalid="ignore"):
        try:
            found = dz.jacobian(dz.grad(total), mode="reverse")(x)
        except LinAlgError:
            return
    assert not np.any(np.isfinite(found))


def test_the_projection_on_vectors_of_equal_eigenvalues():
    def projection(x):
        v = np.linalg.eigh(symmetric(x))[1][:, 2:]
        return np.matmul(v, adjoint(v))

    check_grads(projection, [TIED[1]], order=1)


B4 = rng.normal(size=(4, 4))


def test_functions_of_equal_singular_values():
    x = ROTATION
    check_grads(lambda x: np.sum(np.linalg.svdvals(x) ** 3), [x], order=1)
    check_grads(lambda x: np.linalg.norm(x, "nuc"), [x], order=1)
    for part in (x, np.ascontiguousarray(x[:, :2]), 3 * x):
        check_grads(lambda x: np.matmul(*np.linalg.svd(x, full_matrices=False)[::2]), [part], 1)

    def odd(x):
        u, s, vh = np.linalg.svd(x)
        return np.matmul(u * np.sinh(s), vh)

    for each in (x, np.kron(np.eye(2), [[2.0, 0.5], [0.7, 1.0]])):
        check_grads(odd, [each], order=1, modes=("forward",))
        with pytest.raises(LinAlgError, match="svd"):
            dz.grad(lambda x: np.sum(odd(x) * B4))(each)


def test_eigenvalues_of_any_matrix_that_are_equal():
    """The derivative by a symmetric function of them is known backwards alone."""
    f = lambda x: np.sum(np.linalg.eigvals(x) ** 2)  # noqa: E731
    np.testing.assert_allclose(dz.grad(f)(np.eye(2)), 2 * np.eye(2), 1e-14)
    np.testing.assert_allclose(dz.jvp(f, (np.eye(2),), (np.diag([1.0, 3.0]),))[1], 8.0)
    for attempt in (
        lambda: dz.jvp(f, (np.eye(2),), (np.ones((2, 2)),)),
        lambda: dz.grad(lambda x: np.linalg.eigvals(x)[0])(np.eye(2)),
    ):
        with pytest.raises(LinAlgError, match="eig"):
            attempt()


def test_low_rank():
    """The factors of the values that are not 0."""
    x = of_rank((4, 3), 2)

    def back(x):
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        return np.matmul(u[:, :2] * s[:2], vh[:2])

    check_grads(back, [x], order=1, rtol=1e-6)


# ---- what vectors leave open ----

C = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.eigh(hermitian(x))[1],
        lambda x: np.linalg.eig(x)[1],
        lambda x: np.linalg.svd(x)[0],
        lambda x: np.linalg.svd(x)[2],
    ],
)
def test_a_loss_that_depends_on_the_phase_of_vectors_is_refused(f):
    with pytest.raises(LinAlgError, match="phase"):
        dz.grad(lambda x: np.sum(np.real(f(x) * (1 + 2j))))(C)


@pytest.mark.parametrize(
    "f",
    [lambda x: np.linalg.svd(x)[0], lambda x: np.linalg.qr(x, "complete")[0]],
)
def test_columns_that_only_complete_others_are_known_by_their_span(f):
    with pytest.raises(LinAlgError, match="chosen"):
        dz.grad(lambda x: np.sum(f(x)[:, 2:] ** 3))(rng.normal(size=(5, 2)))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("kind", "dD")
def test_gradients_of_factors_are_by_the_triangle_that_is_read(kind, lower):
    """What LAPACK does not read, the other triangle and the diagonal's imaginary part, is junk."""
    x = of_rank((3, 3), 3, kind)
    x = x @ adjoint(x) + np.eye(3)
    other = np.triu(np.ones((3, 3)), 1) if lower else np.tril(np.ones((3, 3)), -1)
    junk = x + other * rng.normal(size=(3, 3)) + (1j * np.eye(3) if kind == "D" else 0)
    side, positive = "L" if lower else "U", np.diag([1.0, 2.0, 4.0])
    functions = [
        lambda x: np.linalg.eigvalsh(x, side),
        lambda x: np.abs(np.linalg.eigh(x, side)[1]),
        lambda x: np.linalg.cholesky(x, upper=not lower),
        lambda x: sl.cholesky(x, lower),
        lambda x: sl.eigh(x, lower=lower, eigvals_only=True),
        lambda x: sl.eigh(x, positive, lower=lower, eigvals_only=True),
        lambda x: sl.eigh(positive, x, lower=lower, eigvals_only=True),
    ]
    if lower:
        functions += [
            lambda x: np.linalg.pinv(x, hermitian=True),
            lambda x: np.linalg.svd(x, hermitian=True)[1],
        ]
    for f in functions:
        check_grads(f, [junk])
        g = dz.grad(lambda x, f=f: np.sum(np.abs(f(x))))(junk)
        np.testing.assert_array_equal(g[other == 1], 0)
        np.testing.assert_array_equal(np.imag(np.diag(g)), 0)
        np.testing.assert_allclose(f(dz.Variable(x)).data, f(dz.Variable(junk)).data, 1e-10)
        check_grads(lambda x, f=f: f(symmetric(x)), [x])


def test_a_structure_that_is_assumed_is_read_and_differentiated_alone():
    a, b = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)
    for lower in (False, True):
        g = dz.grad(lambda a, k=lower: np.sum(sl.solve(a, b, lower=k, assume_a="sym")))(a)
        assert np.all(g[np.triu_indices(3, 1) if lower else np.tril_indices(3, -1)] == 0)
    junk = np.where(np.tri(3, dtype=bool), a, np.nan)
    g = dz.grad(lambda a: np.sum(sl.solve_triangular(a, b, lower=True, check_finite=False)))(junk)
    np.testing.assert_array_equal(np.triu(g, 1), 0)
    assert np.all(np.isfinite(g))


# ---- results ----


def test_results_have_their_names():
    v = dz.Variable(np.eye(3) + np.diag([1.0, 2.0, 3.0]))
    assert np.linalg.eigh(v).eigenvalues.shape == np.linalg.eig(v).eigenvalues.shape == (3,)
    assert np.linalg.svd(v).Vh.shape == np.linalg.qr(v).R.shape == (3, 3)
    assert np.linalg.slogdet(v).sign.data == 1
    assert np.linalg.slogdet(v)[0].shape == ()


def test_least_squares_as_numpy_gives_them():
    for a, b in [
        (rng.normal(size=(4, 2)), rng.normal(size=4)),
        (rng.normal(size=(4, 2)), rng.normal(size=(4, 3))),
        (rng.normal(size=(2, 4)), rng.normal(size=2)),
        (of_rank((4, 3), 2), rng.normal(size=4)),
    ]:
        direct = np.linalg.lstsq(a, b)
        ours = np.linalg.lstsq(dz.Variable(a), b)
        for x, y in zip(direct, ours, strict=True):
            y = plain(y)
            assert np.shape(x) == np.shape(y)
            np.testing.assert_allclose(y, x, 1e-12, 1e-12)
        xs = np.stack([a, 2 * a])
        _, _, rank, _ = dz.vmap(lambda a, b=b: np.linalg.lstsq(a, b))(xs)
        np.testing.assert_array_equal(rank, direct[2])


def test_the_second_derivative_of_a_squared_norm_at_zero_is_finite():
    """It is that of ``abs(x)**2``, which is 0 at 0: the slope of the norm counts as 0 there."""
    for f in (np.linalg.norm, lambda x: np.linalg.norm(x, axis=0), np.linalg.vector_norm):
        np.testing.assert_array_equal(dz.hessian(lambda x, f=f: f(x) ** 2)(np.zeros(2)), 0)


# ---- SciPy ----

A, B = rng.normal(size=(4, 4)) + 3 * np.eye(4), rng.normal(size=(4, 2))
P = np.eye(4) + 0.1 * (A - 3 * np.eye(4)) @ (A - 3 * np.eye(4)).T
SCIPY = {
    "expm": (A / 4,),
    "logm": (P,),
    "sqrtm": (P,),
    "det": (A,),
    "inv": (A,),
    "solve": (A, B),
    "solve_triangular": (A, B),
    "solve_sylvester": (A, P, A),
    "solve_continuous_lyapunov": (A, P),
    "cholesky": (P,),
    "lu": (A[::-1],),
    "lu_factor": (A[::-1],),
    "svd": (A,),
    "qr": (B,),
    "eigh": (P,),
    "expm_frechet": (A / 4, P / 40),
    "toeplitz": (A[0], A[1]),
    "circulant": (A[0],),
    "hankel": (A[0],),
    "companion": (A[0],),
    "leslie": (A[0], A[1, 1:]),
    "fiedler": (A[0],),
    "block_diag": (A, B),
}


@pytest.mark.parametrize("name", SCIPY)
def test_values_are_scipys(name):
    expected = getattr(scipy.linalg, name)(*SCIPY[name])
    direct = getattr(sl, name)(*SCIPY[name])
    boxed = getattr(sl, name)(*(dz.Variable(x) for x in SCIPY[name]))
    as_tuple = lambda x: x if isinstance(x, tuple) else (x,)  # noqa: E731
    for e, p, b in zip(*map(as_tuple, (expected, direct, boxed)), strict=True):
        b = plain(b)
        assert e.dtype == p.dtype == b.dtype
        assert e.shape == p.shape == b.shape
        if name == "eigh":  # SciPy has another driver, and so other signs
            e, p, b = map(np.abs, (e, p, b))
        np.testing.assert_allclose(p, e, 1e-11, 1e-11)
        np.testing.assert_allclose(b, e, 1e-11, 1e-11)


def test_factors_are_scipys():
    for trans in (0, 1, 2):
        expected = scipy.linalg.lu_solve(scipy.linalg.lu_factor(A[::-1]), B, trans)
        np.testing.assert_allclose(sl.lu_solve(scipy.linalg.lu_factor(A[::-1]), B, trans), expected)
    for lower in (False, True):
        expected = scipy.linalg.cho_solve(scipy.linalg.cho_factor(P, lower), B)
        np.testing.assert_allclose(sl.cho_solve(scipy.linalg.cho_factor(P, lower), B), expected)
    p, low, up = sl.lu(A[::-1], p_indices=True)
    np.testing.assert_allclose(low[p] @ up, A[::-1])
    matrices, right = np.stack([A, A[::-1]]), rng.normal(size=(2, 4))
    found = dz.vmap(lambda a, b: sl.lu_solve(sl.lu_factor(a), b))(matrices, right)
    each = [np.linalg.solve(a, b) for a, b in zip(matrices, right, strict=True)]
    np.testing.assert_allclose(found, each)


def test_the_derivative_of_logm_along_directions_of_any_size():
    for size in (1e-8, 1.0, 1e8):
        t = size * B @ B.T
        block = np.block([[P, t], [np.zeros_like(P), P]])
        if size == 1.0:
            np.testing.assert_allclose(
                dz.jvp(sl.logm, (P,), (t,))[1], scipy.linalg.logm(block)[:4, 4:], 1e-11
            )
        for f in (sl.logm, sl.expm, sl.sqrtm):
            moved = dz.jvp(f, (P / 9,), (t,))[1]
            np.testing.assert_allclose(moved, size * dz.jvp(f, (P / 9,), (t / size,))[1], 1e-12)


# ---- refusals ----


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda v: np.linalg.qr(v, "raw"), UnsupportedError, "raw"),
        (lambda v: sl.qr(v, pivoting=True), UnsupportedError, "pivoting=True"),
        (lambda v: sl.qr(v, mode="raw"), UnsupportedError, "raw"),
        (lambda v: sl.eigh(v, driver="evr"), UnsupportedError, "driver='evr'"),
        (lambda v: sl.eigh(v, subset_by_value=(0, 1)), UnsupportedError, "subset_by_value"),
        (lambda v: sl.eigh(v, v, type=4), OperandError, "type"),
        (lambda v: sl.svd(v, lapack_driver="gesvd"), UnsupportedError, "gesvd"),
        (lambda v: sl.solve(v, v, assume_a="odd"), OperandError, "odd"),
        (lambda v: sl.solve_triangular(v, v, trans=3), OperandError, "trans"),
        (lambda v: sl.solve_banded((1, 0), v, v), ShapeError, "bands"),
        (lambda v: sl.expm_frechet(v, v, "other"), UnsupportedError, "other"),
        (lambda v: sl.lu_factor(v[:2]), ShapeError, "square"),
        (sl.toeplitz, ShapeError, "vector"),
        (lambda v: sl.companion(0 * v[0]), ShapeError, "not 0"),
        (lambda v: sl.leslie(v[0], v[0]), ShapeError, "survival"),
        (lambda v: sl.block_diag(v[None]), ShapeError, "block"),
        (lambda v: np.linalg.norm(v, "odd"), ValueError, "odd"),
        (lambda v: np.linalg.norm(v, 3), ValueError, "no norm of matrices"),
        (lambda v: np.linalg.norm(v[0], "fro"), ValueError, "fro"),
        (lambda v: np.linalg.norm(v[None], 2), ValueError, "two axes"),
        (lambda v: np.linalg.norm(v, axis=(0, 0)), ValueError, "same"),
        (lambda v: np.linalg.matrix_norm(v[0]), ValueError, "1-dimensional"),
        (lambda v: np.linalg.cond(v[:0]), np.linalg.LinAlgError, "empty"),
        (lambda v: np.linalg.inv(v[0]), ShapeError, "dimensional"),
        (lambda v: np.linalg.det(v[:2]), np.linalg.LinAlgError, "square"),
        (dz.vmap(np.linalg.inv), np.linalg.LinAlgError, "1-dimensional"),
        (lambda v: np.linalg.cholesky(-v @ v.T), np.linalg.LinAlgError, "ositive definite"),
    ],
)
def test_refusals(call, error, says):
    with pytest.raises(error, match=says):
        call(dz.Variable(A[:3, :3].copy()))


def test_infinite_numbers_are_refused_as_in_scipy():
    v = dz.Variable(np.array([[np.inf, 0.0], [0.0, 1.0]]))
    for f in (sl.inv, sl.cholesky, sl.svd, sl.lu):
        with pytest.raises(ValueError, match="infs or NaNs"):
            f(v)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_sylvester_equations_of_real_and_complex_matrices(which):
    """SciPy's own solution is wrong here, where real matrices have complex eigenvalues."""
    operands = [np.array([[2.0, -3], [3, 2]]), np.array([[1.0, 2], [-2, 1]]), np.ones((2, 2))]
    operands[which] = operands[which] * (1 + 1j)
    a, b, q = operands
    x = sl.solve_sylvester(dz.Variable(a), b, q).data
    np.testing.assert_allclose(a @ x + x @ b, q, rtol=1e-12)
    check_grads(sl.solve_sylvester, operands, order=2)
