"""Convolutions and correlations, in all modes, of either operand the longer."""

import itertools

import numpy as np

from dezero.rules.convolution import convolve

from .tools import Case, cplx, real

LENGTHS = [(4, 2), (2, 4), (3, 3), (5, 3), (3, 5), (4, 1), (1, 1), (5, 4)]


def signals(fn):
    found = [
        Case(lambda a, v, m=mode: fn(a, v, mode=m), (draw(n), draw(k)))
        for (n, k), mode, draw in itertools.product(
            LENGTHS, ("full", "same", "valid"), (real, cplx)
        )
    ]
    return [
        *found,
        Case(fn, (real(4), real(3))),
        Case(fn, (real(4), cplx(3))),
        Case(fn, (cplx(4), real(3))),
        Case(lambda a: fn(a, [1.0, -2.0]), (real(4),)),
        Case(lambda v: fn(np.arange(4.0), v, "same"), (real(3),)),
        Case(lambda a: fn(a, a, "same"), (real(3),)),
        Case(lambda a: fn(a, [2]), (real(3),)),
    ]


CASES = {
    "convolve": [
        *signals(np.convolve),
        Case(np.convolve, (real(), real(3))),
        Case(lambda a: np.convolve(a, 2), (real(3),)),
        *(
            Case(lambda x, y, m=mode, d=dims: convolve(x, y, dims=d, mode=m), (draw(s), draw(t)))
            for (s, t, dims), mode, draw in itertools.product(
                [
                    ((4, 5), (2, 3), 2),
                    ((2, 4, 3), (1, 2), 2),
                    ((4, 3), (2, 2, 2), 2),
                    ((3, 4), (2,), 1),
                    ((6, 3, 1, 4), (2, 2), 1),
                    ((3, 3, 2), (3, 2, 2), 3),
                    ((0, 3), (2,), 1),
                ],
                ("full", "valid"),
                (real, cplx),
            )
        ),
        Case(lambda x, y: convolve(x, y, dims=2, mode="full"), (real((2, 2)), real((3, 3)))),
    ]
}

SPELLINGS = {"correlate": signals(np.correlate)}
