"""Products of vectors and matrices beside those of `linalg`."""

import warnings

import numpy as np

from .tools import NUMBERS, Case, cplx, products, real, rounded, well_posed


def pairs(fn, *shapes, **kwargs):
    """Two operands, both real and both complex."""
    return [
        Case(lambda x, y: fn(x, y, **kwargs), (draw(s), draw(t)), exact=False)
        for s, t in shapes
        for draw in (real, cplx)
    ]


def chain(*shapes):
    return [
        Case(lambda *xs: np.linalg.multi_dot(xs), tuple(map(draw, shapes))) for draw in (real, cplx)
    ]


def flat_vectors(x, y, **kwargs):
    """A cross product of vectors of 2 numbers, of which NumPy warns."""
    with warnings.catch_warnings(action="ignore"):
        return np.cross(x, y, **kwargs)


def conditioned(shape, rows):
    """An array that is far from singular as a matrix of so many rows."""
    n = int(np.prod(shape[:rows]))
    return well_posed((n, n)).reshape(shape)


VECTORS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1, 3), (4, 3)), ((0, 3), (3,))]

CASES = {
    "cross": products(
        np.cross,
        VECTORS,
        Case(lambda x: np.cross(x, [1.0, 2.0, 3.0]), (real((2, 3)),)),
        Case(lambda x: np.cross([1.0, 2.0, 3.0], x), (real(3),)),
        Case(lambda x: np.cross(x, x * x), (real((2, 3)),)),
    )
    + pairs(np.cross, ((3, 2), (2, 3)), axisa=0)
    + pairs(np.cross, ((2, 3), (3, 2)), axisb=0, axisc=0)
    + pairs(np.cross, ((3, 4, 2), (3, 4, 2)), axis=0)
    + pairs(np.cross, ((4, 3, 2), (3, 4, 2)), axisa=1, axisb=-3, axisc=1)
    + pairs(flat_vectors, ((2,), (3,)), ((4, 3), (2,)), ((2, 4, 3), (4, 2))),
}

SPELLINGS = {
    "vdot": products(
        np.vdot,
        [((3,), (3,)), ((), ()), ((2, 3), (2, 3)), ((2, 3), (3, 2)), ((6,), (2, 3)), ((0,), (0,))],
        Case(lambda x: np.vdot([1.0, 2.0], x), (real(2),)),
        Case(lambda x: np.vdot(x, 2.0 + 1j), (cplx(),)),
    ),
    "vecdot": rounded(
        products(
            np.vecdot,
            [*VECTORS, ((2, 0), (0,))],
            Case(lambda x: np.vecdot([1.0, 2.0], x), (real(2),)),
        )
    )
    + pairs(np.vecdot, ((3, 2), (3, 2)), ((3, 2), (3, 1)), axis=0)
    + pairs(np.vecdot, ((2, 3), (2, 3)), axis=-1, keepdims=True)
    + pairs(np.vecdot, ((3, 2), (3, 2)), axis=0, keepdims=True)
    + pairs(np.vecdot, ((3, 2), (2, 3)), axes=[0, 1])
    + pairs(np.vecdot, ((3, 2), (2, 3)), axes=[(0,), (-1,), ()])
    + pairs(np.linalg.vecdot, ((2, 3), (3,)))
    + pairs(np.linalg.vecdot, ((3, 2), (3, 2)), axis=0),
    "matvec": pairs(np.matvec, ((2, 3), (3,)), ((5, 2, 3), (3,)), ((2, 3), (5, 3)))
    + pairs(np.matvec, ((5, 2, 3), (5, 3)), ((4, 1, 2, 3), (5, 3)), ((0, 3), (3,)), ((2, 0), (0,)))
    + pairs(np.matvec, ((3, 5, 2), (3, 5)), axes=[(2, 0), 0, 1])
    + [Case(lambda x: np.matvec(np.ones((2, 3)), x), (real(3),), exact=False)],
    "vecmat": pairs(np.vecmat, ((3,), (3, 2)), ((3,), (5, 3, 2)), ((5, 3), (3, 2)))
    + pairs(np.vecmat, ((5, 3), (5, 3, 2)), ((4, 1, 3), (5, 3, 2)), ((0,), (0, 2)))
    + pairs(np.vecmat, ((3, 5), (2, 3, 5)), axes=[0, (1, 0), 0])
    + [Case(lambda x: np.vecmat(x, np.ones((3, 2))), (real(3),), exact=False)],
    "matmul axes": pairs(np.matmul, ((3, 2), (3, 4)), axes=[(1, 0), (0, 1), (0, 1)])
    + pairs(np.matmul, ((3, 2, 5), (3, 4, 5)), axes=[(1, 0), (0, 1), (1, 0)])
    + pairs(np.matmul, ((3, 2), (3,)), axes=[(1, 0), 0, 0])
    + pairs(np.linalg.matmul, ((2, 3), (3,))),
    "cross of flat vectors": pairs(flat_vectors, ((2,), (2,)), ((4, 2), (2,)), ((2, 4), (3, 2)))[:4]
    + pairs(flat_vectors, ((2, 4), (2, 4)), axis=0),
    "linalg.cross": pairs(np.linalg.cross, ((2, 3), (3,)))
    + pairs(np.linalg.cross, ((3, 2), (3, 2)), axis=0),
    "kron": rounded(
        products(
            np.kron,
            [
                ((2, 3), (3, 2)),
                ((2,), (3,)),
                ((2,), (2, 3)),
                ((2, 3), (2,)),
                ((2, 1, 2), (3, 2)),
                ((0, 2), (2, 1)),
                *NUMBERS,
            ],
            Case(lambda x: np.kron([1.0, 2.0], x), (real((2, 2)),)),
            Case(lambda x: np.kron(x, np.eye(2)), (real((2, 2)),)),
        )
    ),
    "multi_dot": [
        *chain((2, 3), (3, 4)),
        *chain((2, 3), (3, 4), (4, 1)),
        *chain((2, 1), (1, 4), (4, 3)),
        *chain((3,), (3, 2), (2,)),
        *chain((3,), (3, 2), (2, 3), (3, 4)),
        *chain((4, 2), (2, 3), (3, 1), (1, 2), (2,)),
        *chain((0, 2), (2, 3), (3, 2)),
        Case(lambda x: np.linalg.multi_dot([np.ones((2, 3)), x, [[1.0], [2.0]]]), (real((3, 2)),)),
    ],
    "matrix_power": [
        Case(lambda a, n=n: np.linalg.matrix_power(a, n), (at,), exact=False)
        for n in (0, 1, 2, 3, 5, 6, -1, -2)
        for at in (well_posed((2, 2)), well_posed((2, 3, 3)), well_posed((2, 2)) + 0.3j)
    ]
    + [Case(lambda a: np.linalg.matrix_power(a, 3), (np.zeros(s),)) for s in [(0, 0), (0, 2, 2)]],
    "tensorsolve": [
        Case(np.linalg.tensorsolve, (conditioned((2, 3, 6), 2), real((2, 3)))),
        Case(np.linalg.tensorsolve, (conditioned((6, 3, 2), 1), real(6))),
        Case(np.linalg.tensorsolve, (conditioned((2, 2, 2, 2), 2) + 0.2j, cplx((2, 2)))),
        Case(
            lambda a, b: np.linalg.tensorsolve(np.moveaxis(a, -1, 0), b, axes=(0,)),
            (conditioned((2, 3, 6), 2), real((2, 3))),
        ),
    ],
    "tensorinv": [
        Case(np.linalg.tensorinv, (conditioned((2, 3, 6), 2),)),
        Case(lambda a: np.linalg.tensorinv(a, ind=1), (conditioned((6, 3, 2), 1) + 0.1j,)),
        Case(lambda a: np.linalg.tensorinv(a, ind=3), (conditioned((2, 3, 1, 6), 3),)),
    ],
    "linalg.tensordot": [
        Case(lambda x, y: np.linalg.tensordot(x, y, axes=1), (real((2, 3)), real((3, 4)))),
        Case(np.linalg.tensordot, (real((2, 3)), real((2, 3)))),
    ],
    "linalg.outer": rounded(products(np.linalg.outer, [((3,), (4,)), ((0,), (3,))])),
    "linalg.matrix_transpose": [
        Case(np.linalg.matrix_transpose, (draw(s),))
        for s in [(2, 3), (4, 2, 3), (0, 2)]
        for draw in (real, cplx)
    ],
    "linalg.trace": [
        Case(np.linalg.trace, (real((4, 3, 3)),)),
        Case(lambda x: np.linalg.trace(x, offset=1), (cplx((2, 3)),)),
    ],
    "linalg.diagonal": [
        Case(np.linalg.diagonal, (real((4, 3, 3)),)),
        Case(lambda x: np.linalg.diagonal(x, offset=-1), (cplx((2, 3)),)),
    ],
}
