"""Functions that fold an axis away, and running sums."""

import numpy as np

from .tools import AXES, EMPTY_AXES, Case, averaged, cplx, real, reduction, shaped, spreads

ZEROS = np.array([[0.0, 1.5, -2.0, 0.5], [0.0, 0.7, 0.0, 1.2], [0.3, 0.7, 1.1, -1.2]])

CASES = {
    "sum": reduction(np.sum, AXES + EMPTY_AXES, has_complex=True),
    "mean": reduction(np.mean, averaged, has_complex=True),
    "prod": reduction(np.prod, AXES + EMPTY_AXES, has_complex=True)
    + [Case(lambda x, a=a: np.prod(x, axis=a), (ZEROS,)) for a in (None, 0, 1, -1, (1, 0), ())]
    + [Case(np.prod, (np.zeros(n),)) for n in (1, 2, 3)]
    + [Case(lambda x: np.prod(x, axis=1), (ZEROS[:, :n] * (1 + 1j),)) for n in (3, 4)],
    "max": reduction(np.max),
    "min": reduction(np.min),
    "var": reduction(np.var, averaged, has_complex=True)
    + reduction(np.var, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "std": reduction(np.std, spreads, has_complex=True)
    + reduction(np.std, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "cumsum": [
        Case(lambda x, a=a: np.cumsum(x, axis=a), (draw(s),))
        for s, a in [((), None), ((4,), 0), ((2, 3), None), ((2, 3), 0), ((2, 3), -1), ((0, 3), 0)]
        for draw in (real, cplx)
    ],
    "flip": [
        Case(lambda x, a=a: np.flip(x, a), (real(s),))
        for s, a in [((), None), ((3,), 0), ((2, 3), None), ((2, 3), -1), ((2, 3, 2), (0, -1))]
    ],
}

SPELLINGS = {
    "add.reduce": shaped(
        ((2, 3), np.add.reduce), ((2, 3), lambda x: np.add.reduce(x, axis=None, keepdims=True))
    ),
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
    "add.accumulate": shaped(
        ((2, 3), np.add.accumulate), ((2, 3), lambda x: np.add.accumulate(x, axis=-1))
    ),
}
