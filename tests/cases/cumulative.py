"""Running sums, products and extremes."""

import numpy as np

from dezero.rules.cumulative import records, recurrence

from .reduce import HOLES, ZEROS
from .tools import Case, cplx, real

AXES = [((), None), ((4,), 0), ((2, 3), None), ((2, 3), 0), ((2, 3), -1), ((0, 3), 0), ((0,), 0)]


def running(fn, draws=(real, cplx)):
    return [Case(lambda x, a=a: fn(x, axis=a), (draw(s),)) for s, a in AXES for draw in draws] + [
        Case(lambda x: fn(x, 1), (real((2, 3)),)),
        Case(lambda x: fn(x, 1, dtype=complex), (real((2, 3)),)),
    ]


def accumulated(ufunc, *draws):
    return [
        *(
            Case(lambda x, a=a: ufunc.accumulate(x, a), (d((2, 3)),))
            for a in (0, -1)
            for d in draws
        ),
        Case(ufunc.accumulate, (real(5),)),
        Case(lambda x: ufunc.accumulate(x, axis=1), (real((3, 0)),)),
    ]


def cumulative(fn):
    return [
        Case(fn, (real(4),)),
        Case(fn, (real(),)),
        Case(lambda x: fn(x, axis=0), (cplx((2, 3)),)),
        Case(lambda x: fn(x, axis=-1, include_initial=True), (real((2, 3)),)),
        Case(lambda x: fn(x, include_initial=True), (real(),)),
        Case(lambda x: fn(x, include_initial=True, dtype=complex), (real(3),)),
    ]


def passing(fn):
    return [
        *(Case(lambda x, a=a: fn(x * HOLES, axis=a), (real((2, 3)),)) for a in (None, 0, -1)),
        Case(lambda x: fn(x * HOLES, axis=0, dtype=complex), (real((2, 3)),)),
        Case(fn, (cplx(3),)),
        Case(fn, (real(),)),
    ]


CASES = {
    "cumsum": running(np.cumsum),
    "cumprod": running(np.cumprod)
    + [Case(lambda x, a=a: np.cumprod(x, axis=a), (ZEROS,)) for a in (None, 0, 1)]
    + [
        Case(np.cumprod, (np.zeros(3),)),
        Case(np.cumprod, (ZEROS[1] * (1 + 1j),)),
        Case(np.cumprod, (np.concatenate([real(9, 0.5, 1.5), [0.0], real(9, 0.5, 1.5)]),)),
    ],
    "recurrence": [
        Case(recurrence, (draw(s), draw(s)))
        for s in [(1,), (2,), (5,), (19,), (3, 2), (0, 2)]
        for draw in (real, cplx)
    ],
}

SPELLINGS = {
    "add.accumulate": accumulated(np.add, real, cplx),
    "multiply.accumulate": accumulated(np.multiply, real, cplx),
    "maximum.accumulate": accumulated(np.maximum, real),
    "minimum.accumulate": accumulated(np.minimum, real),
    "cumulative_sum": cumulative(np.cumulative_sum),
    "cumulative_prod": cumulative(np.cumulative_prod),
    "nancumsum": passing(np.nancumsum),
    "nancumprod": passing(np.nancumprod),
}

CONSTANT = {
    "records": [
        lambda x: records(x, axis=1, ufunc=np.maximum),
        lambda x: records(x, axis=0, ufunc=np.minimum),
    ],
}

inf, nan = np.inf, np.nan

POLICIES = {
    "cumprod": [
        (np.cumprod, [[2.0, 0, 3, 0, 4]], [[1, 8, 0, 0, 0]]),
        (np.cumprod, [[0.0, 2, 3]], [[9, 0, 0]]),
        (np.cumprod, [[1e-200, 1e-200, 1e300]], [[1e100, 1e100, 0]]),
        (np.nancumprod, [[2.0, nan, 3]], [[5, 0, 2]]),
        (np.nancumsum, [[2.0, nan, 3]], [[3, 0, 1]]),
    ],
    "maximum.accumulate, minimum.accumulate": [
        (np.maximum.accumulate, [[1.0, 1, 2, 0, 2]], [[2, 0, 3, 0, 0]]),
        (np.minimum.accumulate, [[1.0, 1, 2, 0, 0]], [[3, 0, 0, 2, 0]]),
        (np.maximum.accumulate, [[1.0, nan, 2]], [[1, 0, 0]]),
        (lambda x: np.minimum.accumulate(np.sqrt(x)), [[1.0, 4, 0]], [[1, 0, inf]]),
    ],
}
