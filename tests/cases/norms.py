"""Norms, and what is made of singular values."""

import itertools
import math

import numpy as np

from .decompositions import OBLONG, oblong, oblong_complex, over
from .tools import Case, far

inf = np.inf
VECTOR_ORDERS = [None, 1, 2, 3, 2.5, 0, -1, -2, inf, -inf]
INEXACT = (3, 2.5, -2)  # a root of a NumPy scalar has other last digits than one of an array
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, inf, -inf]
norm = np.linalg.norm


_rng = np.random.default_rng(11)  # of its own: sums of these must not come near a tie


def apart_from_zero(shape):
    """Numbers of both signs whose sizes are apart."""
    n = math.prod(shape)
    order = _rng.permutation(n)
    sizes = 0.5 + 0.29 * order + 0.017 * order**2  # whose sums differ too
    return np.reshape(sizes * _rng.choice([-1, 1], n), shape)


def far_complex(shape):
    return np.asarray(apart_from_zero(shape) * np.exp(1j * _rng.normal(size=shape)))


CASES = {
    "length": [
        Case(lambda x, k=k: norm(x, keepdims=k), (draw(s),))
        for s in [(), (3,), (1,), (2, 3), (2, 1, 3)]
        for k in (False, True)
        for draw in (far, far_complex)
    ],
}

SPELLINGS = {
    "norm": [
        *(
            Case(
                lambda x, o=o, a=a, k=k: norm(x, o, axis=a, keepdims=k),
                (draw(s),),
                exact=o not in INEXACT,
            )
            for o, (s, a, k) in itertools.product(
                VECTOR_ORDERS,
                [((3,), 0, False), ((2, 3), -1, True), ((3, 1, 2), (0,), False)],
            )
            for draw in (apart_from_zero, far_complex)
        ),
        *(
            Case(lambda x, o=o: norm(x, o), (apart_from_zero((3,)),), exact=o not in INEXACT)
            for o in VECTOR_ORDERS
        ),
        *(
            Case(
                lambda x, o=o, a=a, k=k: norm(x, o, axis=a, keepdims=k),
                (draw(s),),
                exact=o not in ("nuc", 2, -2),
            )
            for o, (s, a, k) in itertools.product(
                MATRIX_ORDERS,
                [((3, 3), (0, 1), True), ((3, 2), (1, 0), False), ((2, 3, 2), (-2, -1), True)],
            )
            for draw in (oblong, oblong_complex)
        ),
        *(
            Case(lambda x, o=o: norm(x, o, (2, 0)), (apart_from_zero((2, 2, 3)),), exact=False)
            for o in MATRIX_ORDERS
        ),
        *(Case(lambda x, o=o: norm(x, o), (oblong((3, 2)),), exact=False) for o in MATRIX_ORDERS),
    ],
    "vector_norm": [
        Case(
            lambda x, o=o, a=a, k=k: np.linalg.vector_norm(x, axis=a, keepdims=k, ord=o),
            (x,),
            exact=o not in INEXACT,
        )
        for o in (2, 1, 3, inf)
        for a in (None, 0, (0, -1), (2, 1))
        for k in (False, True)
        for x in (apart_from_zero((2, 3, 2)),)
    ]
    + [
        Case(np.linalg.vector_norm, (apart_from_zero(()),)),
        Case(np.linalg.vector_norm, (far_complex((2, 2)),)),
    ],
    "matrix_norm": [
        Case(
            lambda x, o=o, k=k: np.linalg.matrix_norm(x, ord=o, keepdims=k),
            (oblong(s),),
            exact=o not in ("nuc", 2, -2),
        )
        for o in MATRIX_ORDERS
        for s in [(3, 2), (2, 2, 3)]
        for k in (False, True)
    ]
    + [Case(np.linalg.matrix_norm, (oblong_complex((3, 2)),))],
    "cond": [
        *over(OBLONG[:4], [oblong], np.linalg.cond, lambda x: np.linalg.cond(x, -2), exact=False),
        *over([(3, 3), (2, 2)], [oblong_complex], np.linalg.cond, exact=False),
        *(
            Case(lambda x, p=p: np.linalg.cond(x, p), (oblong(s),), exact=False)
            for p in ("fro", "nuc", 1, -1, 2, inf, -inf)
            for s in [(3, 3), (2, 3, 3)]
        ),
    ],
}

CONSTANT = {
    "matrix_rank": [
        np.linalg.matrix_rank,
        lambda x: np.linalg.matrix_rank(x, 0.5),
        lambda x: np.linalg.matrix_rank(x[0]),
        lambda x: np.linalg.matrix_rank(x[:, :2], hermitian=True),
        lambda x: np.linalg.matrix_rank(x, rtol=1e-3),
    ],
}

ZERO, ZEROS = [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]]
TIED = [[1.0, 0.0], [0.0, 1.0]]

POLICIES = {
    "norm": [
        (norm, [ZERO], [ZERO]),
        (norm, [ZEROS], [ZEROS]),
        (norm, [[0j, 0j]], [[0j, 0j]]),
        *((lambda x, o=o: norm(x, o), [ZERO], [ZERO]) for o in (1, 2, 3, 0.5, inf, 0)),
        *((lambda x, o=o: norm(x, o), [ZEROS], [ZEROS]) for o in MATRIX_ORDERS),
        (lambda x: norm(x, axis=1), [[[0.0, 0.0], [3.0, 4.0]]], [[[0.0, 0.0], [0.6, 0.8]]]),
        (np.linalg.vector_norm, [ZEROS], [ZEROS]),
        (np.linalg.matrix_norm, [ZEROS], [ZEROS]),
        (lambda x: norm(x, 0), [[1.0, 0.0]], [ZERO]),
    ],
    "equal singular values": [
        (lambda x: norm(x, "nuc"), [TIED], [TIED]),
        (lambda x: norm(x, 2), [TIED], [[[0.5, 0.0], [0.0, 0.5]]]),
        (lambda x: norm(x, -2), [TIED], [[[0.5, 0.0], [0.0, 0.5]]]),
        (np.linalg.cond, [TIED], [ZEROS]),
        (np.linalg.svdvals, [[[2.0, 0.0], [0.0, 0.0]]], [[[1.0, 0.0], [0.0, 0.0]]]),
    ],
}
