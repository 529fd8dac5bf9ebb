"""Functions that repeat, roll, cut out and put in; borders; arrays between two ends."""

import itertools

import numpy as np

from dezero.rules.layout import sums_of_runs

from .tools import Case, cplx, real, shaped

CASES = {
    "roll": shaped(
        ((), lambda x: np.roll(x, 2)),
        ((5,), lambda x: np.roll(x, 2)),
        ((5,), lambda x: np.roll(x, -7)),
        ((2, 3), lambda x: np.roll(x, 1)),
        ((2, 3), lambda x: np.roll(x, 1, axis=1)),
        ((2, 3), lambda x: np.roll(x, (1, -1), axis=(0, -1))),
        ((2, 3), lambda x: np.roll(x, (1, 1), axis=(1, 1))),
        ((2, 3), lambda x: np.roll(x, 1, (0, 1))),
        ((0, 3), lambda x: np.roll(x, 1, 1)),
        draws=(real, cplx),
    ),
    "linspace": [
        Case(lambda x, y: np.linspace(x, y, 5), (real(), real())),
        Case(np.linspace, (cplx(), real())),
        Case(lambda x, y: np.linspace(x, y, 4, endpoint=False), (real((2, 1)), real(3))),
        Case(lambda x, y: np.linspace(x, y, num=3, axis=-1), (real((2, 3)), real(3))),
        *(
            Case(lambda x, n=n, e=e: np.linspace(x, 2, n, e), (real(),))
            for n, e in itertools.product((0, 1, 2), (True, False))
        ),
        Case(lambda y: np.linspace(0, y, 5, dtype=complex), (real(),)),
        Case(lambda y: np.linspace(np.zeros(2), y, 5, retstep=True)[0], (real(2),)),
        Case(lambda x, y: np.linspace(x, y, 3), (real(0), real())),
        Case(lambda x: np.linspace([0.0, 1.0], x, 3), (real(2),)),
    ],
    "repeat": shaped(
        ((), lambda x: np.repeat(x, 3)),
        ((3,), lambda x: np.repeat(x, 2)),
        ((2, 3), lambda x: np.repeat(x, [2])),
        ((2, 3), lambda x: np.repeat(x, 3, axis=0)),
        ((2, 1), lambda x: np.repeat(x, 3, axis=-1)),
        ((2, 3), lambda x: np.repeat(x, 1, 1)),
        ((2, 3), lambda x: np.repeat(x, 9, 1)),
        ((2, 3), lambda x: np.repeat(x, 0, 1)),
        ((0, 3), lambda x: np.repeat(x, 2, 0)),
        ((3,), lambda x: np.repeat(x, [2, 0, 3])),
        ((2, 3), lambda x: np.repeat(x, [2, 1], axis=0)),
        ((2, 3), lambda x: np.repeat(x, np.array([0, 4, 0]), -1)),
        ((2, 2), lambda x: np.repeat(x, (1, 2, 0, 1))),
        ((2, 3), lambda x: np.repeat(x, [0, 0], axis=0)),
        ((0, 3), lambda x: np.repeat(x, [], axis=0)),
        draws=(real, cplx),
    ),
    "sums_of_runs": shaped(
        ((5,), lambda g: sums_of_runs(g, counts=np.array([2, 0, 3]), axis=0)),
        ((2, 4), lambda g: sums_of_runs(g, counts=np.array([0, 4, 0]), axis=1)),
        ((2, 0), lambda g: sums_of_runs(g, counts=np.array([0, 0]), axis=1)),
        ((2, 4), lambda g: sums_of_runs(g, counts=2, axis=1)),
        ((18, 2), lambda g: sums_of_runs(g, counts=9, axis=0)),
        draws=(real, cplx),
    ),
}


def inserted(*args):
    return lambda x, w: np.insert(x, args[0], w, *args[1:])


WIDTHS = {
    (): [0],
    (4,): [2, (1, 3)],
    (2, 3): [1, ((0, 1), (2, 0)), {-1: 2}],
    (0, 2): [((1, 0), (0, 0))],
}
FAR = [((3,), 7), ((2, 3), ((3, 1), (0, 9))), ((1, 2), 4)]
MODES = [
    {"mode": mode, **({"reflect_type": kind} if kind else {})}
    for mode, kind in [
        *(("edge", None), ("wrap", None), ("reflect", None), ("symmetric", "even")),
        *(("reflect", "odd"), ("symmetric", "odd")),
    ]
]


def padded(widths, **kwargs):
    return lambda x: np.pad(x, widths, **kwargs)


SPELLINGS = {
    "tile": shaped(
        *((shape, lambda x, r=r: np.tile(x, r)) for shape, r in [((), 3), ((3,), 1), ((3,), (2,))]),
        ((3,), lambda x: np.tile(x, (2, 2))),
        ((2, 3), lambda x: np.tile(x, 2)),
        ((2, 3), lambda x: np.tile(x, (3, 1, 2))),
        ((2, 1, 2), lambda x: np.tile(x, [2, 2])),
        ((1,), lambda x: np.tile(x, 3)),
        ((3,), lambda x: np.tile(x, 0)),
        ((0, 3), lambda x: np.tile(x, (2, 2))),
        draws=(real, cplx),
    ),
    "resize": shaped(
        ((3,), lambda x: np.resize(x, 7)),
        ((2, 3), lambda x: np.resize(x, (3, 3))),
        ((2, 3), lambda x: np.resize(x, (2, 2))),
        ((2, 3), lambda x: np.resize(x, (0, 2))),
        ((), lambda x: np.resize(x, (2, 2))),
    ),
    "diagonal": shaped(
        ((3, 3), np.diagonal),
        ((2, 3), lambda x: np.diagonal(x, 1)),
        ((3, 2), lambda x: np.diagonal(x, offset=-1)),
        ((2, 3), lambda x: np.diagonal(x, 5)),
        ((2, 3, 4), np.diagonal),
        ((2, 3, 4), lambda x: np.diagonal(x, -1, 2, 0)),
        ((2, 3, 4), lambda x: np.diagonal(x, axis1=-1, axis2=1)),
        ((0, 3), np.diagonal),
        draws=(real, cplx),
    ),
    "diag": shaped(
        *(((3,), lambda x, k=k: np.diag(x, k)) for k in (-2, -1, 0, 1, 2)),
        *(((2, 3), lambda x, k=k: np.diag(x, k=k)) for k in (-2, -1, 0, 1, 4)),
        ((1,), np.diag),
        ((0,), np.diag),
        ((0,), lambda x: np.diag(x, -2)),
        draws=(real, cplx),
    ),
    "diagflat": shaped(
        ((), np.diagflat), ((2, 2), np.diagflat), ((3,), lambda x: np.diagflat(x, 1))
    ),
    "trace": [
        *shaped(
            ((3, 3), np.trace),
            ((2, 3), lambda x: np.trace(x, 1)),
            ((2, 3, 4), lambda x: np.trace(x, axis1=1, axis2=-1)),
            ((2, 3, 2), lambda x: np.trace(x, -1, 2, 1)),
            ((2, 3), lambda x: np.trace(x, 9)),
            ((2, 2), lambda x: np.trace(x, dtype=complex)),
        ),
        Case(np.trace, (cplx((3, 3)),)),
    ],
    **{
        fn.__name__: shaped(
            *(((2, 3), lambda x, k=k, fn=fn: fn(x, k)) for k in (-2, -1, 0, 1, 3)),
            ((2, 3, 3), fn),
            ((3,), fn),
            ((0, 3), fn),
            draws=(real, cplx),
        )
        for fn in (np.tril, np.triu)
    },
    "delete": [
        *shaped(
            *(((5,), lambda x, i=i: np.delete(x, i)) for i in (0, 2, -1, [1], [0, 2, 2], [], 4)),
            *(((5,), lambda x, i=i: np.delete(x, i)) for i in (slice(1, 3), slice(None, None, -2))),
            ((5,), lambda x: np.delete(x, slice(None))),
            ((3,), lambda x: np.delete(x, np.array([True, False, True]))),
            ((2, 3), lambda x: np.delete(x, 2)),
            ((2, 3), lambda x: np.delete(x, 1, axis=-1)),
            ((2, 3), lambda x: np.delete(x, [0, 1], axis=0)),
        ),
        Case(lambda x: np.delete(x, 1, 1), (cplx((2, 3)),)),
        Case(lambda x: np.delete(x, x > 0), (real(5),), ragged=True),
    ],
    "insert": [
        *(
            Case(inserted(*args), (real(s), real(t)))
            for s, t, args in [
                ((3,), (), (1,)),
                ((3,), (), (-1,)),
                ((3,), (2,), (3,)),
                ((3,), (2,), ([1],)),
                ((3,), (2,), ([1, 1],)),
                ((3,), (), ([0, 2, -1],)),
                ((4,), (3,), ([3, 0, 2],)),
                ((3,), (2,), (slice(0, 2),)),
                ((3,), (2,), (np.array([True, False, True]),)),
                ((2, 3), (), (1,)),
                ((2, 3), (2,), (1, 1)),
                ((2, 3), (3,), (1, 0)),
                ((2, 3), (2, 3), ([1], 0)),
                ((2, 3), (2, 1), ([1], 1)),
                ((2, 3), (2, 2), ([0, 3], 1)),
                ((2, 3), (), ([0, 1, 1], -1)),
            ]
        ),
        Case(lambda x: np.insert(x, 1, 2), (cplx(3),)),
        Case(lambda x: np.insert(x, [], 2.0), (real(3),)),
        Case(lambda x: np.insert(x, [0, 2], [x[1] ** 2, 1.0]), (real(3),)),
        Case(lambda w: np.insert(np.arange(3.0), 1, w), (real(),)),
    ],
    "trim_zeros": [
        Case(lambda x: np.trim_zeros(x * [0, 1, 0, 1, 0]), (real(5),), ragged=True),
        Case(lambda x: np.trim_zeros(x * [0, 1, 0, 1, 0], "b"), (real(5),), ragged=True),
        Case(lambda x: np.trim_zeros(np.pad(x, 1), trim="F"), (real((2, 3)),), ragged=True),
        Case(lambda x: np.trim_zeros(np.pad(x, 1), axis=-1), (cplx((2, 3)),), ragged=True),
        Case(lambda x: np.trim_zeros(np.pad(x, 2), axis=()), (real(2),), ragged=True),
        Case(lambda x: np.trim_zeros(x * 0), (real(3),), ragged=True),
    ],
    "pad": [
        *(
            Case(padded(w), (draw(s),))
            for s, ws in WIDTHS.items()
            for w in ws
            for draw in (real, cplx)
        ),
        *(
            Case(padded(w, **mode), (draw(s),), exact="odd" not in mode.values())
            for (s, w), mode in itertools.product(
                [*((s, w) for s, ws in WIDTHS.items() if s != (0, 2) for w in ws), *FAR], MODES
            )
            for draw in (real, cplx)[: 1 + (w == 2)]
        ),
        *(
            Case(padded(w, mode=mode, **kwargs), (real(s, n=12),))
            for (s, w), mode, kwargs in itertools.product(
                [((4,), (1, 3)), ((2, 3), ((0, 1), (2, 0))), ((0, 3), ((0, 0), (1, 1)))],
                ("maximum", "minimum", "mean", "median"),
                ({}, {"stat_length": 2}, {"stat_length": ((1, 2),)}, {"stat_length": None}),
            )
        ),
        *(
            Case(padded(w, mode="linear_ramp", **kwargs), (real(s),), exact=False)
            for (s, w), kwargs in itertools.product(
                [((4,), (1, 3)), ((2, 3), ((0, 1), (2, 3))), ((3,), 0)],
                ({}, {"end_values": 2}, {"end_values": (-1, 5.5)}),
            )
        ),
        Case(padded(((0, 0), (1, 2)), constant_values=3.0), (real((0, 2)),)),
        Case(padded(((1, 0), (1, 2)), constant_values=((1, 2), (3.0, 4))), (real((2, 2)),)),
        Case(lambda x: np.pad(x, 1, constant_values=x[0, 0] ** 2), (real((2, 2)),)),
        Case(lambda x: np.pad(x, 2, constant_values=((x[1, 0], 1), (0, x[0, 1]))), (real((2, 2)),)),
        Case(lambda x: np.pad(x, 2, "linear_ramp", end_values=x[0]), (real((2, 2)),), exact=False),
        Case(lambda x: np.pad(x, (2, 1), "edge"), (cplx(2),)),
    ],
    "logspace": [
        Case(lambda x, y: np.logspace(x, y, 5), (real(), real())),
        Case(lambda x, y: np.logspace(x, y, 3, False, base=2, axis=1), (real(2), real(2))),
        Case(lambda x, b: np.logspace(x, 1.5, 4, base=b), (real(), real((), 1.5, 3.0))),
        Case(lambda x, b: np.logspace(x, 1.5, 4, base=b), (real((2, 1)), real(3, 1.5, 3.0))),
        Case(lambda x, b: np.logspace(x, 1.5, 4, base=b, axis=-1), (real(), real(3, 1.5, 3.0))),
        Case(lambda x: np.logspace(x, 1, 3, dtype=complex), (real(),)),
    ],
    "geomspace": [
        Case(lambda x, y: np.geomspace(x, y, 5), (real((), 0.5, 2), real((), 2, 8)), exact=False),
        Case(
            lambda x, y: np.geomspace(x, y, 4, False),
            (real(2, 0.5, 2), real((), 2, 8)),
            exact=False,
        ),
        Case(lambda x: np.geomspace(x, -8, 4, axis=-1), (real(2, -2, -0.5),), exact=False),
        *(Case(lambda x, n=n: np.geomspace(x, 8, n), (real((), 0.5, 2),)) for n in (0, 1, 2)),
        Case(lambda x, y: np.geomspace(x, y, 4), (cplx(), cplx()), exact=False),
        Case(lambda x: np.geomspace(x, 8, 3, dtype=complex), (real((), 0.5, 2),), exact=False),
    ],
    "full_like": [
        Case(lambda x: np.full_like(x, x[1, 0]), (real((2, 3)),)),
        Case(lambda x: np.full_like(x, [x[0], 2.0, x[1] * x[2]]), (real(3),)),
        Case(lambda x: np.full_like(x, x * x, dtype=complex, shape=(2, 3)), (real(3),)),
        Case(lambda x: np.full_like(x.T, x[:, 0], order="C", subok=False), (real((2, 3)),)),
    ],
}
