"""Sorting, and what is defined by order."""

import itertools

import numpy as np

from dezero.rules.sorting import by_size, ranked

from .reduce import HOLES
from .tools import Case, along, cplx, far, real, reduction

LINES = [(s, a) for s in [(3,), (2, 3), (3, 2, 2)] for a in (None, 0, -1) if (s, a) != ((3,), None)]
RANKS = np.array([[[0, 1]], [[2, 2]], [[0, 2]]])
METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
FOLDED = [((), None), ((1,), 0), ((4,), None), ((2, 3), 0), ((2, 3), (0, 1)), ((2, 3, 2), (0, -1))]
WEIGHTS = np.array([[0.2, 0.5, 0.1], [0.4, 0.3, 0.9]])


def quantiles(fn, unit):
    """Over methods, quantiles, axes; by the quantile too where it moves between elements."""
    whole = [0.6 * unit, [0.2 * unit, 0.9 * unit]]
    if fn in (np.quantile, np.percentile):  # NumPy's others lose the axes of q
        whole.append(np.array([[0.15], [0.55]]) * unit)
    return [
        *(
            Case(lambda x, a=a, k=k, q=q: fn(x, q, axis=a, keepdims=k), (far(s),))
            for (s, a), k, q in itertools.product(FOLDED, (False, True), whole)
        ),
        *(
            Case(lambda x, m=m, q=q: fn(x, q, -1, method=m), (far((2, 4)),))
            for m, q in itertools.product(METHODS, whole[:2])
        ),
        *(
            Case(
                lambda x, q, m=m: fn(x, q, 1, method=m),
                (far((2, 5)), np.array([0.23, 0.71]) * unit),
            )
            for m in METHODS[3:9]
        ),
        Case(fn, (far((2, 3)), np.asarray(0.37 * unit))),
        Case(lambda x: fn(x, [0, unit]), (far(4),)),
        *(
            Case(
                lambda x, a=a, w=w, q=q: fn(x, q, a, weights=w, method="inverted_cdf"),
                (far((2, 3)),),
            )
            for a, w, q in [
                (None, WEIGHTS, 0.3 * unit),
                (1, WEIGHTS, [0.0, 0.45 * unit, 1.0 * unit]),
                (-1, WEIGHTS[0], 0.55 * unit),
            ]
            if w.ndim == 2 or len(whole) == 3
        ),
    ]


def passing(fn, *args):
    return [
        Case(lambda x, a=a, k=k, q=q: fn(x * HOLES, *q, axis=a, keepdims=k), (far((2, 3)),))
        for a, k, q in itertools.product((None, 0, -1, (0, 1)), (False, True), args)
    ]


CASES = {
    "ranked": [
        Case(lambda x: ranked(x, RANKS), (far((3, 2, 2)),)),
        Case(lambda x: ranked(x, RANKS), (cplx((3, 2, 2)),)),
        Case(lambda x: ranked(x, np.array([1])), (far(3),)),
    ],
}

SPELLINGS = {
    "sort": [
        *(
            Case(lambda x, a=a: np.sort(x, a), (draw(s),))
            for s, a in LINES
            for draw in (real, cplx)
        ),
        Case(np.sort, (real((2, 3)),)),
        Case(lambda x: np.sort(x, kind="stable", axis=0), (real((2, 3)),)),
        Case(lambda x: np.sort(x, stable=True), (real((0, 3)),)),
        Case(lambda x: np.sort(x * [1.0, np.nan, 1.0])[..., :2], (real((2, 3)),)),
    ],
    "partition": [
        *(Case(lambda x, a=a: np.partition(x, 1, a)[1], (real(s),)) for s, a in LINES if a != -1),
        Case(lambda x: np.partition(x, (0, 2))[[0, 2]], (real(5),)),
        Case(lambda x: np.partition(x, [0, 1, 2], kind="introselect"), (real((2, 3)),)),
    ],
    "sort_complex": [
        Case(np.sort_complex, (draw(s),)) for s in [3, (2, 3)] for draw in (real, cplx)
    ],
    "median": reduction(np.median, [each for each in FOLDED if each[1] != ()], has_complex=True),
    "quantile": quantiles(np.quantile, 1),
    "percentile": quantiles(np.percentile, 100),
    "nanmedian": [
        *reduction(np.nanmedian, [((), None), ((2, 3), 0), ((2, 3, 2), (0, -1))]),
        *passing(np.nanmedian, ()),
    ],
    "nanquantile": [*quantiles(np.nanquantile, 1), *passing(np.nanquantile, (0.3,), ([0.2, 0.9],))],
    "nanpercentile": [
        *quantiles(np.nanpercentile, 100),
        *passing(np.nanpercentile, (30,), ([20.0, 90.0],)),
    ],
}

CONSTANT = {
    "by_size": [lambda x: by_size(x, axis=1), lambda x: by_size(x, axis=0)],
    "argpartition": [
        lambda x: np.argpartition(x, 1),
        lambda x: np.argpartition(x, (0, 2), axis=1),
        lambda x: np.argpartition(x, 1, axis=None),
    ],
    "nanargmax": along(np.nanargmax),
    "nanargmin": along(np.nanargmin),
}

nan = np.nan
UPWARDS = np.arange(1.0, 5.0)

POLICIES = {
    "sort": [
        (lambda x: np.sort(x) * UPWARDS, [[2.0, 1, 2, 1]], [[3, 1, 4, 2]]),
        (lambda x: np.sort(x, axis=0)[0], [[[2.0, 1], [2, 0]]], [[[1, 0], [0, 1]]]),
        (lambda x: np.sort(x)[:2], [[nan, 1.0, 0]], [[0, 1, 1]]),
    ],
    "median": [
        (np.median, [[2.0, 1, 2, 2, 3]], [[1 / 3, 0, 1 / 3, 1 / 3, 0]]),
        (np.median, [[2.0, 1, 2, 3]], [[0.5, 0, 0.5, 0]]),
        (np.median, [[1.0, 1, 2, 2]], [[0.25, 0.25, 0.25, 0.25]]),
        (np.median, [[1.0, nan, 2]], [[0, 0, 0]]),
        (np.nanmedian, [[1.0, nan, 2, 5]], [[0, 0, 1, 0]]),
        (lambda x: np.median(x, axis=1), [[[1.0, 2, 3], [nan, 1, 2]]], [[[0, 1, 0], [0, 0, 0]]]),
    ],
    "quantile, percentile": [
        (lambda x: np.quantile(x, 1.0), [[3.0, 1, 3]], [[0.5, 0, 0.5]]),
        (lambda x: np.percentile(x, 50), [[2.0, 2, 3]], [[0.5, 0.5, 0]]),
        (lambda x: np.quantile(x, 0.4, method="lower"), [[2.0, 2, 3]], [[0.5, 0.5, 0]]),
        (lambda x: np.quantile(x, 0.3), [[1.0, nan]], [[0, 0]]),
        (lambda x: np.nanquantile(x, 0.25), [[1.0, nan, 2]], [[0.75, 0, 0.25]]),
    ],
    "quantile by q": [
        (lambda q: np.quantile([1.0, 2, 5], q), [[0.0, 0.25, 0.5, 1]], [[2, 2, 6, 0]]),
    ],
}
