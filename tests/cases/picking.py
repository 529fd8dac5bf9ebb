"""Elements chosen by places and conditions, written to places; arrays as sets."""

import numpy as np

from .tools import MASK, Case, X, cplx, real, shaped

PLACES = np.array([[2, 0], [-1, 2]])
ALONG = np.array([[0, 1, 0], [1, -1, 0]])
KEEP = [True, False, True]


def filled(function, *args, **kwargs):
    """What an array is after a function has written its operand into it."""

    def call(x, w):
        y = np.copy(x)
        function(y, *(w if each is ... else each for each in args), **kwargs)
        return y

    return call


def writes(function, *points):
    """Cases from (shape, shape of what is written, arguments), with ... for what is written."""
    return [
        Case(filled(function, *args), (draw(s), draw(t)), fills=True)
        for s, t, args in points
        for draw in (real, cplx)
    ]


SPELLINGS = {
    "take": shaped(
        ((4,), lambda x: np.take(x, 2)),
        ((4,), lambda x: np.take(x, [0, 0, -1])),
        ((3, 4), lambda x: np.take(x, [[5, 1]])),
        ((3, 4), lambda x: np.take(x, PLACES, axis=0)),
        ((3, 4), lambda x: np.take(x, 1, axis=-1)),
        ((3, 4), lambda x: np.take(x, [True, False, True], 1)),
        ((3, 4), lambda x: np.take(x, [-5, 7, 2], 0, mode="wrap")),
        ((3, 4), lambda x: np.take(x, [-5, 7, 2], axis=1, mode="clip")),
        ((3, 4), lambda x: np.take(x, np.zeros((2, 0), int), 1)),
        ((), lambda x: np.take(x, [0, 0])),
        draws=(real, cplx),
    ),
    "take_along_axis": shaped(
        ((2, 3), lambda x: np.take_along_axis(x, ALONG, axis=0)),
        ((2, 3), lambda x: np.take_along_axis(x, ALONG)),
        ((2, 3), lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1)),
        ((2, 3), lambda x: np.take_along_axis(x, np.array([[1]]), 0)),
        ((2, 3), lambda x: np.take_along_axis(x, np.array([5, 0, 0]), axis=None)),
        ((2, 2, 2), lambda x: np.take_along_axis(x, np.array([[[1, 1, 0]]]), -1)),
        ((0, 3), lambda x: np.take_along_axis(x, np.zeros((0, 2), int), 1)),
    ),
    "choose": [
        Case(lambda x, y: np.choose([0, 1, 1], [x, y]), (real(3), real(3))),
        Case(lambda x, y: np.choose([[0], [1]], (x, y)), (real(3), real())),
        Case(lambda x: np.choose(MASK, [x, 2.0]), (cplx(3),)),
        Case(lambda x: np.choose([2, -1, 7, 0], x, mode="wrap"), (real((3, 4)),)),
        Case(lambda x: np.choose([2, -1, 7, 0], x, mode="clip"), (real((3, 1)),)),
        Case(lambda x: np.choose(1, x), (real((2, 3, 2)),)),
        Case(lambda x: np.choose([[1], [0]], x), (real((2, 3)),)),
        Case(lambda x: np.choose((x > 9).astype(int), [x, 0.0]), (real((2, 3)),)),
    ],
    "compress": [
        *shaped(
            ((3,), lambda x: np.compress(KEEP, x)),
            ((2, 3), lambda x: np.compress([False, True], x)),
            ((2, 3), lambda x: np.compress(KEEP, x, axis=-1)),
            ((2, 3), lambda x: np.compress([1], x, 0)),
            ((2, 3), lambda x: np.compress(condition=[], a=x, axis=1)),
        ),
        Case(lambda x: np.compress(x < 5, x), (cplx(3).real,), ragged=True),
    ],
    "extract": [
        Case(lambda x: np.extract(MASK, x), (real((2, 3)),)),
        Case(lambda x: np.extract([0, 0, 1], x), (cplx(3),)),
        Case(lambda x: np.extract(x > 0, x * x), (real((2, 3)),), ragged=True),
    ],
    "select": [
        Case(lambda x, y: np.select([x > y, MASK], [x, y]), (real((2, 3)), real(3))),
        Case(lambda x, y: np.select([MASK[0], MASK], [x * y, y], x), (real(), real((2, 1)))),
        Case(lambda x: np.select([x < 0, x < 0.5], [0, x], default=1.5), (real((2, 3)),)),
        Case(lambda x: np.select([KEEP, MASK], [x, [1, 2, 3]]), (cplx(),)),
        Case(lambda x: np.select([MASK], [x]), (real((0, 1, 3)),)),
    ],
    "piecewise": [
        Case(lambda x: np.piecewise(x, [x > 9, x < 9], [0, np.sin]), (real((2, 3)),), ragged=True),
        Case(lambda x: np.piecewise(x, [MASK], [np.square, np.exp]), (real((2, 3)),)),
        Case(lambda x: np.piecewise(x, [MASK], [lambda v: v - v.sum(), 2.0]), (real((2, 3)),)),
        Case(lambda x: np.piecewise(x, KEEP, [np.negative, np.sin]), (cplx(3),)),
        Case(lambda x: np.piecewise(x, [KEEP], [np.power, 3], 3), (real(3),)),
        Case(lambda x: np.piecewise(x, True, [np.exp]), (real(),)),
        Case(
            lambda x: np.piecewise(x, [MASK, MASK], [np.sin, np.square, x[0, 0]]), (real((2, 3)),)
        ),
    ],
    "place": [
        Case(
            lambda x, k=k: filled(np.place, MASK, ...)(x, np.repeat(x, 2)[:k]),
            (draw((2, 3)),),
            fills=True,
        )
        for k in (1, 2, 4, 9)
        for draw in (real, cplx)
    ],
    "put": writes(
        np.put,
        ((2, 3), (2,), ([4, 0], ...)),
        ((2, 3), (), ([4, -1], ...)),
        ((2, 3), (2, 2), ([1, 2, 1], ...)),
        ((2, 3), (2,), ([-7, 8, 3], ..., "wrap")),
        ((2, 3), (2,), ([-7, 8], ..., "clip")),
        ((3,), (1,), (1, ...)),
        ((), (1,), (0, ...)),
    ),
    "put_along_axis": writes(
        np.put_along_axis,
        ((2, 3), (2, 1), (np.array([[2], [0]]), ..., 1)),
        ((2, 3), (), (np.array([[1, 0, 0]]), ..., 0)),
        ((2, 3), (3,), (np.array([[1, 0, 0]]), ..., -2)),
    ),
    "fill_diagonal": writes(
        np.fill_diagonal,
        ((3, 3), (), (...,)),
        ((2, 3), (2,), (...,)),
        ((5, 2), (3,), (...,)),
        ((5, 2), (3,), (..., True)),
        ((2, 2, 2), (2,), (...,)),
        ((3, 3), (2, 1), (...,)),
    ),
    "copyto": [
        *writes(
            np.copyto,
            ((2, 3), (2, 3), (...,)),
            ((2, 3), (3,), (...,)),
            ((2, 3), (), (..., "same_kind", MASK)),
            ((2, 3), (2, 1), (..., "unsafe", KEEP)),
            ((), (), (...,)),
        ),
        Case(filled(np.copyto, ..., where=MASK), (cplx((2, 3)), real(3)), fills=True),
        Case(
            lambda x, y: filled(np.copyto, ..., where=x < y)(x, y),
            (real((2, 3)), real(3)),
            fills=True,
        ),
    ],
    "unique": [
        Case(lambda x: np.unique(x[PLACES]), (real(4),), ragged=True),
        Case(lambda x: np.unique(x[PLACES], return_index=True)[0], (real(4),), ragged=True),
        Case(lambda x: np.multiply(*np.unique(x, return_inverse=True)), (real(4),), ragged=True),
        Case(lambda x: np.multiply(*np.unique(x, False, False, True)), (real(4),), ragged=True),
        Case(lambda x: np.unique(x[[0, 1, 0]], axis=0), (real((2, 3)),), ragged=True),
        Case(lambda x: np.unique(x[:, [1, 0, 1]], axis=-1), (real((2, 3)),), ragged=True),
        Case(np.unique, (cplx(3),), ragged=True),
        Case(np.unique, (real(0),), ragged=True),
    ],
    "union1d": [
        Case(lambda x, y: np.union1d(x, y[PLACES]), (real((2, 3)), real(4)), ragged=True),
        Case(lambda x: np.union1d(x[PLACES], x[:2]), (real(4),), ragged=True),
        Case(lambda x: np.union1d([0.5, 0.5], x), (cplx(4),), ragged=True),
    ],
    "intersect1d": [
        Case(lambda x: np.intersect1d(x[PLACES], x[1:]), (real(4),), ragged=True),
        Case(lambda x: np.intersect1d(x, x[:2], True, True)[0], (real(4),), ragged=True),
        Case(lambda x: np.intersect1d(x + 0j, x[:2]), (real(4),), ragged=True),
        Case(lambda x: np.intersect1d(x, [9.0]), (real(4),), ragged=True),
    ],
    "setdiff1d": [
        Case(lambda x: np.setdiff1d(x[PLACES], x[:2]), (real(4),), ragged=True),
        Case(lambda x: np.setdiff1d(x, [9.0], assume_unique=True), (real((2, 2)),), ragged=True),
        Case(lambda x: np.setdiff1d([1.0, 2.0], x) * x[:1], (real(4),), ragged=True),
    ],
    "setxor1d": [
        Case(lambda x: np.setxor1d(x[PLACES], x[:2]), (real(4),), ragged=True),
        Case(lambda x, y: np.setxor1d(x, y, True), (real(3), real(2)), ragged=True),
        Case(lambda x: np.setxor1d(x, []), (real(0),), ragged=True),
    ],
    "unique_values": [Case(np.unique_values, (real((2, 2)),), ragged=True)],
    "unique_counts": [
        Case(lambda x: np.multiply(*np.unique_counts(x[PLACES])), (real(4),), ragged=True)
    ],
    "unique_inverse": [
        Case(lambda x: np.unique_inverse(x[PLACES]).values, (real(4),), ragged=True)
    ],
    "unique_all": [Case(lambda x: np.unique_all(x).values, (real((2, 3)),), ragged=True)],
}

POLICIES = {
    "unique": [
        (np.unique, [[2.0, 1, 2, 1]], [[1, 1, 0, 0]]),
        (lambda x: np.unique(x, axis=0), [[[1.0, 2], [1, 2]]], [[[1, 1], [0, 0]]]),
        (np.union1d, [[2.0, 1], [1.0, 3]], [[1, 1], [0, 1]]),
        (lambda x: np.intersect1d(x, [1.0, 3]), [[2.0, 1]], [[0, 1]]),
    ],
    "select, piecewise": [
        (
            lambda x: np.select([x > 0, x >= 0], [np.log(np.abs(x) + (x <= 0)), 5 * x]),
            [[0.0, 2, -1]],
            [[5, 0.5, 0]],
        ),
        (
            lambda x: np.piecewise(x, [x <= 0, x >= 0], [np.negative, lambda v: 3 * v]),
            [[-1.0, 0, 1]],
            [[-1, 3, 3]],
        ),
        (lambda x: np.piecewise(x, [x > 0], [np.sqrt, 0]), [[0.0, -1, 4]], [[0, 0, 0.25]]),
    ],
}

TABLE = np.array([[0.0, 2.0, 5.0], [-1.5, 0.5, 0.5]])

CONSTANT = {
    "isin": [
        lambda x: np.isin(x, [0.0, 2.0]),
        lambda x: np.isin(x, TABLE, invert=True),
        lambda x: np.isin(x[0], x[:1] * 2 - 4, kind="sort"),
    ],
    "array_equiv": [
        lambda x: np.array_equiv(x, X),
        lambda x: np.array_equiv(x, x[:1]),
        lambda x: np.array_equiv(x[:1] * 0, [0.0, 0.0, 0.0]),
        lambda x: np.array_equiv(x, [1.0, 2.0]),
    ],
    "lexsort": [
        np.lexsort,
        lambda x: np.lexsort((x[1], x[0])),
        lambda x: np.lexsort((TABLE, x), axis=0),
        lambda x: np.lexsort((x, -TABLE)),
    ],
    "diag_indices_from": [lambda x: np.diag_indices_from(x[:, :2])],
    "tril_indices_from": [np.tril_indices_from, lambda x: np.tril_indices_from(x, 1)],
    "triu_indices_from": [lambda x: np.triu_indices_from(x, k=-1)],
    "result_type": [lambda x: str(np.result_type(x, np.complex64, 1))],
    "can_cast": [lambda x: np.can_cast(x, np.float32, "same_kind")],
    "common_type": [lambda x: np.common_type(x, np.arange(3)).__name__],
    "min_scalar_type": [lambda x: str(np.min_scalar_type(x))],
    "shares_memory": [lambda x: np.shares_memory(x, x[1:]), lambda x: np.shares_memory(x, X + 1)],
    "may_share_memory": [lambda x: np.may_share_memory(x, x[0])],
}
