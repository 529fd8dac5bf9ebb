"""Functions that join arrays."""

import numpy as np

from .tools import Case, cplx, real, shaped

CASES = {
    "concatenate": [
        Case(lambda x, y: np.concatenate([x, y]), (real((2, 3)), real((1, 3)))),
        Case(lambda x, y: np.concatenate((x, y, x), axis=-1), (real((2, 3)), real((2, 1)))),
        Case(lambda x, y: np.concatenate([x, y], 1), (real((2, 3)), real((2, 0)))),
        Case(lambda x, y: np.concatenate([x, y], axis=None), (real((2, 3)), real(2))),
        Case(lambda x: np.concatenate([np.ones((1, 3)), x, [[1, 2, 3]]]), (real((2, 3)),)),
        Case(lambda x: np.concatenate(x, axis=1), (real((2, 3, 2)),)),
        Case(lambda x, y: np.concatenate([x, y]), (cplx(3), real(2))),
        Case(lambda x: np.concatenate([x]), (real(3),)),
    ],
    "stack": [
        Case(lambda x, y: np.stack([x, y]), (real(), real())),
        Case(lambda x, y: np.stack([x, y, x], axis=-1), (real((2, 3)), real((2, 3)))),
        Case(lambda x: np.stack([x, np.ones(3), [1.0, 2.0, 3.0]], 1), (real(3),)),
        Case(lambda x: np.stack([x, 1.0, 2]), (real(),)),
        Case(lambda x, y: np.stack([x, y], axis=1), (cplx(3), real(3))),
    ],
}


def pieces(split):
    """The pieces of a split, each times its number."""
    return lambda x: np.concatenate([np.ravel(k * each) for k, each in enumerate(split(x))])


PAIRS = [((2, 3), (1, 3)), ((3,), (2, 3)), ((0, 3), (2, 3))]

CASES["concatenate"] += [
    Case(lambda x, y: np.concat([x, y], axis=-1), (real((2, 3)), real((2, 1)))),
    Case(lambda x, y: np.concatenate([x, y], dtype=complex), (real(3), real(2))),
    Case(lambda x: np.concatenate([x, x.real], dtype=complex, casting="safe"), (cplx(3),)),
    Case(lambda x: np.concatenate([x, [1, 2]], casting="unsafe"), (real(3),)),
    Case(lambda x: np.concatenate([x, 2.0, x], None), (real((2, 1)),)),
]
CASES["stack"] += [
    Case(lambda x, y: np.stack([x, y], 1, dtype=complex, casting="safe"), (cplx(3), cplx(3))),
    Case(lambda x: np.stack([x, x], dtype=np.complex128), (real(0),)),
]

SPELLINGS = {
    "vstack": [
        *(Case(lambda x, y: np.vstack([x, y]), (real(s), real(t))) for s, t in PAIRS),
        Case(lambda x, y: np.vstack((x, y, 1.0)), (real(), real())),
        Case(lambda x: np.vstack([x, [1, 2, 3]], dtype=complex), (real(3),)),
        Case(np.vstack, (real((2, 3)),)),
    ],
    "hstack": [
        Case(lambda x, y: np.hstack([x, y]), (real(3), cplx(2))),
        Case(lambda x, y: np.hstack([x, 2.0, y]), (real(), real(2))),
        Case(lambda x, y: np.hstack([x, y]), (real((2, 1)), real((2, 3)))),
        Case(lambda x: np.hstack((x, np.ones((2, 0))), casting="safe"), (real((2, 3)),)),
    ],
    "dstack": [
        Case(lambda x, y: np.dstack([x, y]), (real(3), real((1, 3)))),
        Case(lambda x, y: np.dstack([x, y]), (real((2, 3)), cplx((2, 3, 2)))),
        Case(lambda x, y: np.dstack([x, y]), (real(), real())),
    ],
    "column_stack": [
        Case(lambda x, y: np.column_stack([x, y]), (real(3), real((3, 2)))),
        Case(lambda x, y: np.column_stack([x, 2.0, y]), (real(), real((1, 2)))),
        Case(lambda x: np.column_stack([x, [1, 2, 3]]), (cplx(3),)),
    ],
    "append": [
        Case(np.append, (real((2, 3)), real(2))),
        Case(np.append, (real(), cplx())),
        Case(lambda x: np.append(x, [1, 2]), (real(3),)),
        Case(lambda x: np.append([[1.0]], x), (real(3),)),
        Case(lambda x, y: np.append(x, y, axis=1), (real((2, 3)), real((2, 1)))),
        Case(lambda x, y: np.append(x, y, 0), (real((0, 3)), real((2, 3)))),
    ],
    "block": [
        Case(lambda x, y: np.block([[x, y], [np.ones((1, 4))]]), (real((2, 3)), real((2, 1)))),
        Case(lambda x, y: np.block([x, 2.0, y]), (real(3), cplx())),
        Case(lambda x, y: np.block([[[x]], [[y]]]), (real((2, 2)), real((2, 2)))),
        Case(lambda x, y: np.block([[x], [y]]), (real((2, 1, 3)), real((2, 2, 3)))),
        Case(lambda x: np.block([[x, 0], [1, x]]), (real(),)),
        Case(np.block, (real((2, 3)),)),
    ],
    "array_split": shaped(
        ((7,), pieces(lambda x: np.array_split(x, 3))),
        ((2, 3), pieces(lambda x: np.array_split(x, 4, axis=1))),
        ((2, 3), pieces(lambda x: np.array_split(x, [1], -1))),
        ((0,), pieces(lambda x: np.array_split(x, 2))),
    ),
    "split": shaped(
        ((6,), pieces(lambda x: np.split(x, 3))),
        ((6,), pieces(lambda x: np.split(x, (1, -2)))),
        ((5, 2), pieces(lambda x: np.split(x, np.array([2, 3, 9]), axis=0))),
        ((2, 4), lambda x: np.split(x, 2, axis=-1)[1]),
        draws=(real, cplx),
    ),
    "vsplit": shaped(((4, 2), pieces(lambda x: np.vsplit(x, 2)))),
    "hsplit": shaped(
        ((4,), pieces(lambda x: np.hsplit(x, 2))), ((2, 3), pieces(lambda x: np.hsplit(x, [1])))
    ),
    "dsplit": shaped(((2, 2, 4), pieces(lambda x: np.dsplit(x, 2)))),
    "unstack": shaped(
        ((3,), pieces(np.unstack)),
        ((2, 3), pieces(lambda x: np.unstack(x, axis=1))),
        ((2, 3, 2), lambda x: np.unstack(x, axis=-1)[1]),
    ),
}
