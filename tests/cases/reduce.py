"""Functions that fold an axis away."""

import dataclasses
import itertools
import warnings

import numpy as np

from .tools import (
    AXES,
    EMPTY_AXES,
    MASK,
    Case,
    averaged,
    far,
    far_complex,
    real,
    reduction,
    shaped,
    spreads,
)


def rounded(cases):
    """Cases whose values are NumPy's up to rounding."""
    return [dataclasses.replace(case, exact=False) for case in cases]


def quietly(call):
    """A call without the warnings of an empty slice, which NumPy gives too."""

    def called(*xs):
        with warnings.catch_warnings(action="ignore"):
            return call(*xs)

    return called


def each_keyword(fn, *keywords, draws=(far,)):
    """Calls with keywords, over some axes."""
    return rounded(
        Case(lambda x, k=k, a=a: fn(x, axis=a, **k), (draw((2, 3)),))
        for draw, k, a in itertools.product(draws, keywords, (None, 1, (0, 1)))
    )


def of_scalar(fn):
    """By the initial value too; NumPy looks for boxes among the arrays only, so it is in both."""
    return Case(lambda x, i: fn(x + 0 * i, axis=0, initial=i), (far((2, 3)), real()), exact=False)


ROW = np.array([True, False, True])
LEFT_OUT = np.array([[1.0, np.nan, 0.5], [np.inf, 1.5, -1.0]])  # where MASK is False
FOLDS = (
    {"where": MASK},
    {"where": ROW, "keepdims": True},
    {"initial": 2.0},
    {"initial": np.float64(2), "where": MASK, "keepdims": True},
    {"dtype": np.complex128},
)
BOUNDS = (
    {"where": True},
    {"initial": 0.3},
    {"initial": -2.0, "where": MASK},
    {"initial": 2.0, "where": ROW},
)
MEANS = (
    {"where": True},
    {"where": MASK},
    {"where": ROW, "keepdims": True},
    {"dtype": np.complex128},
)
WHOLE = np.array([[True, True, True], [False, True, True]])  # two at least in each line but one
SPREADS = (
    {"where": WHOLE, "ddof": 0},
    {"correction": 1},
    {"mean": 0.25, "keepdims": True},
    {"mean": np.array([[0.3], [0.2]]), "ddof": 1, "keepdims": True},
    {"dtype": np.complex128},
)

HOLES = np.array([[1.0, np.nan, 1.0], [np.nan, 1.0, 1.0]])
ZEROS = np.array([[0.0, 1.5, -2.0, 0.5], [0.0, 0.7, 0.0, 1.2], [0.3, 0.7, 1.1, -1.2]])

CASES = {
    "sum": reduction(np.sum, AXES + EMPTY_AXES, has_complex=True)
    + each_keyword(np.sum, *FOLDS, draws=(far, far_complex))
    + [
        of_scalar(np.sum),
        Case(lambda x: np.sum(x * LEFT_OUT, 1, where=MASK), (real((2, 3)),), exact=False),
    ],
    "mean": reduction(np.mean, averaged, has_complex=True),
    "prod": reduction(np.prod, AXES + EMPTY_AXES, has_complex=True)
    + each_keyword(np.prod, *FOLDS, draws=(far, far_complex))
    + [of_scalar(np.prod)]
    + [Case(lambda x, a=a: np.prod(x, axis=a), (ZEROS,)) for a in (None, 0, 1, -1, (1, 0), ())]
    + [Case(np.prod, (np.zeros(n),)) for n in (1, 2, 3)]
    + [Case(lambda x: np.prod(x, axis=1), (ZEROS[:, :n] * (1 + 1j),)) for n in (3, 4)],
    **{
        fn.__name__: reduction(fn) + each_keyword(fn, *BOUNDS) + [of_scalar(fn)]
        for fn in (np.max, np.min)
    },
    **{
        fn.__name__: reduction(fn)
        + each_keyword(fn, *BOUNDS)
        + [
            Case(lambda x, fn=fn: fn(x * HOLES, axis=0), (far((2, 3)),)),
            Case(lambda x, fn=fn: fn(x * HOLES, keepdims=True), (far((2, 3)),)),
            Case(lambda x, fn=fn: fn(x * HOLES, 1, where=MASK, initial=0.1), (far((2, 3)),)),
        ]
        for fn in (np.nanmax, np.nanmin)
    },
    "var": reduction(np.var, averaged, has_complex=True)
    + reduction(np.var, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "std": reduction(np.std, spreads, has_complex=True)
    + reduction(np.std, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "flip": [
        Case(lambda x, a=a: np.flip(x, a), (real(s),))
        for s, a in [((), None), ((3,), 0), ((2, 3), None), ((2, 3), -1), ((2, 3, 2), (0, -1))]
    ],
}

SPELLINGS = {
    "mean, with keywords": [
        *each_keyword(np.mean, *MEANS, draws=(far, far_complex)),
        Case(lambda x: np.mean(x * LEFT_OUT, where=MASK), (real((2, 3)),), exact=False),
    ],
    "var, with keywords": [
        *each_keyword(np.var, *SPREADS, draws=(far, far_complex)),
        Case(lambda x: np.var(x * LEFT_OUT, where=MASK), (real((2, 3)),), exact=False),
        Case(lambda x, m: np.var(x + 0 * m, axis=1, mean=m), (far((2, 3)), real((2, 1)))),
    ],
    "std, with keywords": [
        *each_keyword(np.std, *SPREADS[1:], draws=(far, far_complex)),
        Case(lambda x: np.std(x, where=WHOLE), (far((2, 3)),), exact=False),
    ],
    "max, of nothing": [
        Case(lambda x, i, fn=fn: fn(x + 0 * i, axis=0, initial=i), (real((0, 3)), real()))
        for fn in (np.max, np.min)
    ],
    "add.reduce": [
        Case(np.add.reduce, (real((2, 3)),)),
        Case(lambda x: np.add.reduce(x, axis=None, keepdims=True), (real((2, 3)),)),
        Case(lambda x: np.add.reduce(x, 1, complex), (real((2, 3)),)),
        Case(lambda x: np.add.reduce(x, initial=2.0, where=MASK), (real((2, 3)),), exact=False),
    ],
    "multiply.reduce": shaped(
        ((2, 3), np.multiply.reduce), ((2, 3), lambda x: np.multiply.reduce(x, 1))
    ),
    "amax": shaped(((2, 3), lambda x: np.amax(x, axis=1))),
    "amin": shaped(((2, 3), lambda x: np.amin(x, axis=1))),
    "maximum.reduce": shaped(
        ((2, 3), np.maximum.reduce), ((2, 3), lambda x: np.maximum.reduce(x, 1))
    ),
    "minimum.reduce": shaped(
        ((2, 3), np.minimum.reduce), ((2, 3), lambda x: np.minimum.reduce(x, 1))
    ),
}

inf, nan = np.inf, np.nan
TAKEN = [True, False, True, False]

POLICIES = {
    "where= of a fold": [
        (lambda x: np.sum(x, where=TAKEN), [[1.0, nan, 2, inf]], [[1, 0, 1, 0]]),
        (lambda x: np.prod(x, where=TAKEN), [[0.0, nan, 2, inf]], [[2, 0, 0, 0]]),
        (lambda x: np.mean(x, where=TAKEN), [[1.0, nan, 2, inf]], [[0.5, 0, 0.5, 0]]),
        (lambda x: np.max(x, where=TAKEN, initial=-9), [[1.0, nan, 2, inf]], [[0, 0, 1, 0]]),
        (lambda x: np.nanmin(x, where=TAKEN, initial=9), [[nan, -5, 2, -inf]], [[0, 0, 1, 0]]),
        (lambda x: np.var(x, where=TAKEN), [[1.0, nan, 3, inf]], [[-1, 0, 1, 0]]),
        (lambda x: np.std(x, where=TAKEN), [[1.0, nan, 3, inf]], [[-0.5, 0, 0.5, 0]]),
        (lambda x: np.std(x, where=TAKEN), [[2.0, nan, 2, inf]], [[0, 0, 0, 0]]),
        (lambda x: np.sum(np.sqrt(x), where=TAKEN), [[1.0, 0, 4, 0]], [[0.5, 0, 0.25, 0]]),
    ],
    "initial= of max, min": [
        (lambda x: np.max(x, initial=2.0), [[1.0, 2]], [[0, 0.5]]),
        (lambda x: np.min(x, initial=2.0), [[1.0, 2]], [[1, 0]]),
        (lambda x: np.max(x, initial=5.0), [[1.0, 2]], [[0, 0]]),
    ],
    "nanmax, nanmin": [
        (np.nanmax, [[nan, 3, 3, 0]], [[0, 0.5, 0.5, 0]]),
        (np.nanmin, [[nan, 3, 3, 0]], [[0, 0, 0, 1]]),
        (np.nanmax, [[nan, -inf]], [[0, 1]]),
    ],
}
