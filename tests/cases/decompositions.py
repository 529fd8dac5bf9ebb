"""Inverses, determinants and decompositions.

Vectors enter by functions that do not depend on their phase; those of real ones by themselves.
"""

import numpy as np

from .tools import Case, cplx, real, well_posed

SQUARE = [(3, 3), (2, 3, 3), (1, 1), (0, 0), (0, 2, 2)]
OBLONG = [(3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 3), (3, 1), (1, 1)]
E = np.linalg


def well_posed_complex(shape):
    return well_posed(shape) + 0.2j * real(shape)


def apart(shape):
    """Square matrices whose eigenvalues are real and apart, as are their singular values."""
    return real(shape, -0.3, 0.3) + np.diag(1.0 + np.arange(shape[-1]))


def apart_complex(shape):
    return apart(shape) + 0.2j * real(shape)


def oblong(shape):
    """Matrices of full rank with singular values apart."""
    m, n = shape[-2:]
    return real(shape, -0.3, 0.3) + np.eye(m, n) * (1.0 + np.arange(n))


def oblong_complex(shape):
    return oblong(shape) + 0.2j * real(shape)


def adjoint(x):
    return np.conjugate(np.swapaxes(x, -1, -2))


def hermitian(x):
    return x + adjoint(x)


def positive(x):
    return np.matmul(x, adjoint(x))


def over(shapes, draws, *calls, **kwargs):
    return [Case(call, (draw(s),), **kwargs) for call in calls for s in shapes for draw in draws]


def squares(*calls, draws=(apart, apart_complex), **kwargs):
    """Real ones over all shapes, complex ones over two."""
    real_draw, *complex_draws = draws
    return over(SQUARE, [real_draw], *calls, **kwargs) + over(
        [(3, 3), (2, 2, 2)], complex_draws, *calls, **kwargs
    )


def oblongs(*calls, shapes=OBLONG, **kwargs):
    return over(shapes, [oblong], *calls, **kwargs) + over(
        [(3, 2), (2, 3), (2, 2, 3)], [oblong_complex], *calls, **kwargs
    )


REGULAR = (well_posed, well_posed_complex)


def sizes(x):
    """Of complex numbers, what does not depend on a phase."""
    return np.real(x) ** 2 + np.imag(x) ** 2


def span(x):
    """The projection on the columns."""
    return np.matmul(x, adjoint(x))


def polar(x):
    u, _, vh = np.linalg.svd(x, False)
    return np.matmul(u, vh)


def with_squares(x):
    """The product of the factors, of which the values are squared."""
    u, s, vh = np.linalg.svd(x, hermitian=True)
    return np.matmul(u * s**2, vh)


def complement(x, k):
    return span(x[..., k:])


def lost(x, b, part):
    return np.linalg.lstsq(x, b)[part]


SINGULAR = [
    np.zeros((2, 2)),
    np.array([[1.0, 2.0], [2.0, 4.0]]),
    np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    np.diag([2.0, 0.0, 0.0]),
    np.stack([np.diag([2.0, 0.0, 3.0]), np.diag([1.0, 2.0, 3.0]), np.zeros((3, 3))]),
    np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 2.0]).astype(complex) * (1 + 0.5j),
]

TALL, WIDE = real((4, 2)) + 2 * np.eye(4, 2), real((2, 4)) + 2 * np.eye(2, 4)

CASES = {
    "inv": squares(E.inv, draws=REGULAR),
    "det": [
        *squares(E.det, draws=REGULAR),
        *(Case(E.det, (x,)) for x in SINGULAR),
    ],
    "slogdet": squares(
        lambda x: E.slogdet(x).logabsdet,
        lambda x: E.slogdet(x)[0],
        draws=REGULAR,
    ),
    "pinv": [
        *oblongs(E.pinv),
        *oblongs(lambda x: E.pinv(x, 1e-12), shapes=[(3, 2)]),
        *squares(
            lambda x: E.pinv(x, hermitian=True, rtol=1e-12),
            lambda x: E.pinv(hermitian(x), hermitian=True, rtol=1e-12),
        ),
    ],
    "lstsq": [
        *(
            Case(lambda a, b, k=k: lost(a, b, k), (a, b), exact=k == 0)
            for a, b, k in [
                (TALL, real(4), 0),
                (TALL, real((4, 3)), 0),
                (WIDE, real(2), 0),
                (WIDE, real((2, 3)), 0),
                (well_posed((3, 3)), real((3, 1)), 0),
                (TALL + 0.2j, cplx((4, 2)), 0),
                (WIDE + 0.2j, cplx(2), 0),
                (TALL, cplx((4, 2)), 0),
                (TALL, real(4), 1),
                (TALL, real((4, 3)), 1),
                (TALL + 0.2j, cplx(4), 1),
            ]
        ),
        Case(lambda a: np.linalg.lstsq(a, [1.0, 2.0, 0.5, 1.0], -1)[0], (TALL,)),
        Case(lambda a: np.linalg.lstsq(a, np.ones(2), 1e-9)[0], (WIDE,)),
        Case(lambda b: np.linalg.lstsq(TALL, b, rcond=1e-9)[0], (real((4, 2)),)),
    ],
    "eigh": [
        *squares(
            lambda x: E.eigh(x).eigenvalues,
            lambda x: E.eigh(hermitian(x)).eigenvalues,
            lambda x: sizes(E.eigh(hermitian(x))[1]),
            lambda x: span(E.eigh(x, "U")[1][..., 1:]),
        ),
        *over([(3, 3), (2, 2, 2)], [apart], lambda x: E.eigh(hermitian(x)).eigenvectors),
    ],
    "eig": [
        *squares(
            lambda x: E.eig(x).eigenvalues,
            lambda x: sizes(E.eig(x)[1]),
        ),
        *over([(3, 3)], [apart], lambda x: E.eig(x).eigenvectors),
        *over([(2, 2)], [lambda s: real(s) + np.array([[0, 3], [-3, 0]])], lambda x: E.eig(x)[0]),
    ],
    "svd": [
        *oblongs(
            lambda x: E.svd(x)[1],
            lambda x: sizes(E.svd(x, full_matrices=False).U),
            lambda x: sizes(E.svd(x, full_matrices=False).Vh),
        ),
        *oblongs(
            lambda x: complement(E.svd(x)[0], 1),
            lambda x: complement(adjoint(E.svd(x)[2]), 1),
            polar,
            shapes=[(4, 2), (2, 4)],
        ),
        *over([(3, 3), (4, 2)], [oblong], lambda x: E.svd(x, full_matrices=False)[0]),
    ],
    "qr": [
        *oblongs(lambda x: E.qr(x).Q, lambda x: E.qr(x)[1], lambda x: E.qr(x, "r")),
        *oblongs(
            lambda x: E.qr(x, mode="complete").R,
            lambda x: complement(E.qr(x, mode="complete")[0], min(x.shape[-2:])),
            shapes=[(4, 2), (2, 4), (3, 3)],
        ),
    ],
    "cholesky": squares(
        lambda x: E.cholesky(positive(x)),
        lambda x: E.cholesky(positive(x), upper=True),
        E.cholesky,
        lambda x: E.cholesky(x, upper=True),
    ),
}

SPELLINGS = {
    "eigvalsh": squares(
        E.eigvalsh,
        lambda x: E.eigvalsh(x, UPLO="U"),
        exact=False,
    ),
    "eigvals": squares(E.eigvals, exact=False),
    "svdvals": [
        *oblongs(E.svdvals, lambda x: E.svd(x, compute_uv=False), exact=False),
        *squares(lambda x: E.svd(x, hermitian=True).S),
        *squares(lambda x: E.svd(hermitian(x), hermitian=True, compute_uv=False), exact=False),
        *squares(lambda x: sizes(E.svd(hermitian(x), hermitian=True)[0])),
        *over(
            [(3, 3)],
            [apart, apart_complex],
            lambda x: with_squares(hermitian(x) - 3 * np.eye(3)),
        ),
    ],
}

ONE = np.eye(2).tolist()

POLICIES = {
    "det": [
        (E.det, [[[2.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 2.0]]]),
        (E.det, [np.zeros((2, 2))], [np.zeros((2, 2))]),
        (E.det, [[[0.0]]], [[[1.0]]]),
        (E.det, [np.diag([3.0, 0.0, 2.0])], [np.diag([0.0, 6.0, 0.0])]),
        (E.det, [np.diag([3.0, 0.0, 0.0])], [np.zeros((3, 3))]),
    ],
    "equal eigenvalues": [
        (lambda x: np.max(E.eigvalsh(x)), [ONE], [[[0.5, 0.0], [0.0, 0.5]]]),
        (lambda x: np.sum(E.eigh(x)[0] ** 2), [ONE], [[[2.0, 0.0], [0.0, 2.0]]]),
    ],
}
