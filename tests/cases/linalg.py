"""Products of vectors and matrices, and linear equations."""

import operator

import numpy as np

from .tools import NUMBERS, Case, cplx, products, real, rounded, well_posed

CASES = {
    "solve": [
        *(
            Case(np.linalg.solve, (well_posed(s), real(t)))
            for s, t in [
                ((3, 3), (3,)),
                ((3, 3), (3, 2)),
                ((2, 3, 3), (3,)),
                ((2, 3, 3), (2, 3, 1)),
                ((3, 3), (2, 3, 2)),
                ((2, 1, 3, 3), (4, 3, 2)),
                ((1, 1), (1,)),
                ((0, 0), (0,)),
                ((0, 2, 2), (2, 3)),
            ]
        ),
        Case(np.linalg.solve, (well_posed((2, 2)) + 0.2j, cplx(2))),
        Case(np.linalg.solve, (well_posed((2, 2)), cplx((2, 2)))),
        Case(lambda b: np.linalg.solve([[2.0, 0.5], [0.25, 1.0]], b), (real(2),)),
        Case(lambda a: np.linalg.solve(a, [1.0, 2.0]), (well_posed((2, 2)),)),
    ],
    "matmul": products(
        np.matmul,
        [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((1, 2, 3), (5, 3, 4)),
            ((4, 1, 2, 3), (5, 3, 1)),
            ((4, 1, 2, 3), (1, 5, 3, 2)),
            ((1, 3), (3, 1)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
            ((0,), (0,)),
            ((0, 2, 3), (3, 2)),
        ],
        Case(operator.matmul, (real((2, 3)), real(3))),
        Case(lambda x: x @ np.arange(3.0), (real((2, 3)),)),
        Case(lambda x: np.matmul([1.0, 2.0], x), (real((2, 3)),)),
        Case(lambda x: np.ones((2, 3)) @ x, (real(3),)),
        Case(lambda x: x @ x, (real((3, 3)),)),
    ),
    "tensordot": [
        Case(lambda x, y, a=a: np.tensordot(x, y, axes=a), (draw(s), draw(t)))
        for s, t, a in [
            ((2, 3), (2, 3), 2),
            ((2, 3), (3, 4), 1),
            ((2, 3), (4,), 0),
            ((), (3,), 0),
            ((2, 3, 4), (4, 3, 2), ([1, 2], [1, 0])),
            ((2, 3, 4), (4, 3, 2), ([2, 0], [0, 2])),
            ((2, 3, 4), (2, 5, 4, 3), ([-3, 1], [0, -1])),
            ((2, 3, 4), (3, 5), (1, 0)),
            ((2, 3), (2, 4), (0, 0)),
            ((2, 3, 4), (4, 2, 3), ((0, 1, 2), (1, 2, 0))),
            ((2, 0), (0, 3), 1),
        ]
        for draw in (real, cplx)
    ]
    + [
        Case(np.tensordot, (real((2, 3)), real((2, 3)))),
        Case(lambda x: np.tensordot(np.ones((2, 3)), x, 1), (real((3, 2)),)),
        Case(lambda x: np.tensordot(x, [1.0, 2.0], 1), (real((3, 2)),)),
    ],
    "dot": products(
        np.dot,
        [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (4, 3, 2)),
            ((2, 3), (4, 3, 2)),
            ((5, 2, 3), (3, 2)),
            ((0, 3), (3, 0)),
            *NUMBERS,
        ],
        Case(lambda x: np.dot(2.0, x), (real(3),)),
        Case(lambda x: np.dot([1.0, 2.0], x), (real(2),)),
    ),
    "inner": products(
        np.inner,
        [
            ((2, 3), (4, 3)),
            ((3,), (3,)),
            ((3,), (4, 3)),
            ((2, 3), (3,)),
            ((5, 2, 3), (4, 3)),
            ((2, 1, 3), (2, 2, 3)),
            ((2, 0), (3, 0)),
            *NUMBERS,
        ],
    ),
}

SPELLINGS = {
    "outer": rounded(
        products(
            np.outer,
            [((3,), (4,)), ((), ()), ((), (3,)), ((2, 3), (2,)), ((2, 1), (1, 2)), ((0,), (3,))],
        )
    ),
}
