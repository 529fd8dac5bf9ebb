"""Means, spreads, correlations and histograms."""

import itertools

import numpy as np

from .reduce import HOLES, MASK, quietly, rounded
from .tools import AXES, Case, cplx, far, far_complex, real, reduction

PLACES = np.array([1, 3, 1, 0, 4])
FEW = ((), None), ((4,), 0), ((2, 3), None), ((2, 3), -1), ((2, 3, 2), (0, -1))
WEIGHTS = np.array([[0.2, 0.5, 0.1], [0.4, 0.3, 0.9]])
SAMPLES = np.array([[0.1, 0.5, 0.2, 0.9, 0.4], [0.7, 0.3, 0.8, 0.1, 0.6]])


def passing(fn, *keywords):
    """Over numbers with NaNs among them, with keywords."""
    found = [
        Case(lambda x, a=a, k=k: fn(x * HOLES, axis=a, **k), (draw((2, 3)),))
        for a, k, draw in itertools.product((None, 0, -1), ({}, *keywords), (far, far_complex))
    ]
    return rounded(found + reduction(fn, FEW))


MASKED = {"where": MASK, "keepdims": True}
FULL = {"where": np.array([[True, True, True], [False, True, True]])}

SPELLINGS = {
    "nansum": passing(np.nansum, MASKED, {"initial": 2.0}, {"dtype": complex}),
    "nanprod": passing(np.nanprod, MASKED, {"initial": 2.0}, {"dtype": complex}),
    "nanmean": [
        *passing(np.nanmean, {"keepdims": True}, {"dtype": complex}),
        Case(lambda x: np.nanmean(x * HOLES, 1, where=FULL["where"]), (far((2, 3)),), exact=False),
    ],
    "nanvar": [
        *passing(np.nanvar, {"keepdims": True}, {"mean": 0.3}),
        Case(lambda x: np.nanvar(x * HOLES, 1, ddof=1), (far((2, 3)),), exact=False),
    ],
    "nanstd": rounded(
        [
            *(
                Case(lambda x, k=k: np.nanstd(x * HOLES, 1, **k), (far((2, 3)),))
                for k in ({}, {"ddof": 1}, {"correction": 0.5}, {"keepdims": True}, {"mean": 0.3})
            ),
            Case(np.nanstd, (far((2, 3)),)),
            Case(lambda x: np.nanstd(x * HOLES, where=FULL["where"]), (far_complex((2, 3)),)),
        ]
    ),
    "ptp": reduction(np.ptp, [each for each in AXES if each[0] != ()]),
    "average": [
        *reduction(
            np.average,
            [(s, a) for s, a in AXES if (s, a) != ((), 0) and 0 not in s],
            has_complex=True,
        ),
        *(
            Case(lambda x, w, a=a, k=k: np.average(x, a, w, keepdims=k), (draw((2, 3)), WEIGHTS))
            for a, k, draw in itertools.product(
                (None, 0, (1, 0)), (False, True), (far, far_complex)
            )
            if a != (1, 0)
        ),
        Case(lambda x, w: np.average(x, 1, w), (far((2, 3)), WEIGHTS[0])),
        Case(lambda x, w: np.average(x, (2, 0), w), (far((2, 3, 2)), real((2, 2), 1, 2))),
        Case(lambda w: np.average(np.arange(3), weights=w), (WEIGHTS[0],)),
        Case(
            lambda x, w: np.multiply(*np.average(x, 1, w, returned=True)), (far((2, 3)), WEIGHTS[0])
        ),
        Case(lambda x: np.add(*np.average(x, 0, returned=True)), (far((2, 3)),)),
    ],
    "cov": rounded(
        [
            *(
                Case(lambda x, k=k: np.cov(x, **k), (draw((3, 5)),))
                for k in (
                    {},
                    {"rowvar": False},
                    {"bias": True},
                    {"ddof": 2},
                    {"dtype": complex},
                    {"fweights": [1, 2, 1, 3, 1]},
                    {"fweights": [1, 2, 1, 3, 1], "ddof": 0},
                )
                for draw in (far, far_complex)
            ),
            Case(np.cov, (far(4),)),
            Case(np.cov, (far(4), far(4))),
            Case(lambda x, y: np.cov(x, y, rowvar=False), (far((4, 2)), far_complex((4, 1)))),
            *(
                Case(lambda x, w, k=k: np.cov(x, aweights=w, **k), (far((2, 4)), real(4, 0.5, 1.5)))
                for k in ({}, {"ddof": 0}, {"fweights": np.array([1, 2, 1, 3])})
            ),
            Case(lambda w: np.cov(SAMPLES, aweights=w), (real(5, 0.5, 1.5),)),
        ]
    ),
    "corrcoef": rounded(
        [
            *(
                Case(lambda x: np.corrcoef(x)[0, 1:], (draw((3, 5)),))
                for draw in (far, far_complex)
            ),
            Case(lambda x, y: np.corrcoef(x, y)[0, 1], (far(5), far(5))),
            Case(lambda x: np.corrcoef(x, rowvar=False)[:2, 2], (far((5, 3)),)),
            Case(lambda x: np.corrcoef(x, dtype=complex)[1, 0], (far((2, 5)),)),
        ]
    ),
    "bincount": [
        Case(lambda w: np.bincount(PLACES, w), (real(5),)),
        Case(lambda w: np.bincount(PLACES, weights=w, minlength=8), (real(5),)),
    ],
    "histogram": rounded(
        [
            *(
                Case(
                    lambda w, k=k: np.histogram(SAMPLES, weights=w, **k)[0], (draw((2, 5), 0.5, 1),)
                )
                for k in (
                    {},
                    {"bins": 3},
                    {"bins": 4, "range": (0.2, 0.8)},
                    {"bins": [0, 0.3, 0.4, 1]},
                )
                for draw in (real, cplx)
            ),
            *(
                Case(
                    lambda w, b=b: np.histogram(SAMPLES, b, weights=w, density=True)[0],
                    (np.round(32 * real((2, 5), 1, 2)) / 32,),
                )
                for b in (3, [0, 0.3, 0.5, 1])
            ),
        ]
    ),
    "histogram2d": rounded(
        [
            Case(lambda w, k=k: np.histogram2d(*SAMPLES, weights=w, **k)[0], (real(5, 0.5, 1),))
            for k in (
                {},
                {"bins": [2, 3]},
                {"bins": [0, 0.5, 1], "density": True},
                {"bins": [2, [0, 0.3, 1]], "range": [[0, 1], None]},
            )
        ]
    ),
    "histogramdd": rounded(
        [
            Case(lambda w, k=k: np.histogramdd(SAMPLES.T, weights=w, **k)[0], (real(5, 0.5, 1),))
            for k in (
                {"bins": 3},
                {"bins": (2, 3), "density": True},
                {"range": [(0, 1), (0.2, 0.7)]},
            )
        ]
    ),
    "apply_over_axes": [
        Case(lambda x: np.apply_over_axes(np.sum, x, [0, 2]), (real((2, 3, 2)),)),
        Case(lambda x: np.apply_over_axes(np.cumsum, x, 1), (real((2, 3)),)),
    ],
    "apply_along_axis": [
        Case(lambda x: np.apply_along_axis(np.cumprod, 0, x), (real((2, 3)),)),
        Case(lambda x: np.apply_along_axis(np.sum, -1, x), (real((2, 3, 2)),)),
        Case(
            lambda x: np.apply_along_axis(lambda v, w: v[:, None] * w, 1, x, np.arange(2.0)),
            (real((2, 3)),),
        ),
    ],
}

CONSTANT = {
    "digitize": [
        lambda x: np.digitize(x, [-1.0, 0.0, 1.0]),
        lambda x: np.digitize(x, np.array([1.0, 0.0, -1.0]), right=True),
    ],
    "bincount": [
        lambda x: np.bincount((x[0] > 0).astype(int), minlength=3),
        lambda x: np.bincount(np.argsort(x[1]), minlength=3),
    ],
    "histogram_bin_edges": [lambda x: np.histogram_bin_edges(x, 3, (0, 1))],
    "histogram": [
        lambda x: np.histogram(x, [-2, 0, 1, 3])[0],
        lambda x: np.histogram(x, 4, (-1, 1))[0],
    ],
    "histogramdd": [lambda x: np.histogramdd(x[:, :2], [[-2, 0, 3]] * 2)[0]],
}

inf, nan = np.inf, np.nan


POLICIES = {
    "nansum, nanmean, …": [
        (np.nansum, [[1.0, nan, 2]], [[1, 0, 1]]),
        (np.nanprod, [[0.0, nan, 2]], [[2, 0, 0]]),
        (np.nanmean, [[1.0, nan, 2]], [[0.5, 0, 0.5]]),
        (np.nanvar, [[1.0, nan, 3]], [[-1, 0, 1]]),
        (np.nanstd, [[1.0, nan, 3]], [[-0.5, 0, 0.5]]),
        (np.nanstd, [[2.0, nan, 2]], [[0, 0, 0]]),
        (lambda x: np.nansum(x, axis=1), [[[nan, nan], [1.0, nan]]], [[[0, 0], [1, 0]]]),
    ],
    "slices of nothing but NaN": [
        (quietly(lambda x: np.nanmean(x, axis=1)), [[[nan, nan], [1.0, nan]]], [[[0, 0], [1, 0]]]),
        (quietly(np.nanvar), [[nan, nan]], [[0, 0]]),
        (quietly(np.nanstd), [[nan, nan]], [[0, 0]]),
        (quietly(lambda x: np.nanmax(x, axis=0)), [[[nan, 3], [nan, 1]]], [[[0, 1], [0, 0]]]),
        (quietly(np.nanmin), [[nan, nan]], [[0, 0]]),
        (quietly(np.nanmedian), [[nan, nan]], [[0, 0]]),
        (quietly(lambda x: np.nanquantile(x, 0.3)), [[nan, nan]], [[0, 0]]),
    ],
    "ptp": [(np.ptp, [[3.0, 0, 3, 1]], [[0.5, -1, 0.5, 0]]), (np.ptp, [[2.0, 2]], [[0, 0]])],
}
