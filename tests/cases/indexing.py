"""Reading and writing elements."""

import numpy as np

from dezero.rules.gather import deposit, gather
from dezero.rules.indexing import scatter, setitem

from .tools import Case, cplx, real

PLACES = [  # shape, the places that are chosen, and where in the index they stand
    ((4,), np.array([[1, 1, 3]]), (0,)),
    ((3, 4), np.array([2, 1]), (0, 1)),
    ((3, 4), np.array([[[1, 0], [3, 1]]]), (slice(None), 0)),
    ((3, 4, 2), np.array([[1, 2], [0, 0]]), (0, slice(None), 1)),
    ((3, 4, 2), np.array([[1, 2], [0, 0]]), (slice(1, None), 0, 1)),
    ((3, 4), np.array([[0, 1, 0]]), (None, slice(None, None, 2), 0)),
]
INDICES = {
    (): [(), ..., None, (None, ...)],
    (5,): [
        0,
        -1,
        np.int64(2),
        np.array(1),
        slice(1, None),
        slice(None, None, -1),
        slice(4, 0, -2),
        slice(2, 2),
        [0, 2, 2, -1],
        [],
        np.array([[0, 1], [1, 0]]),
        np.array([True, False, True, True, False]),
        np.zeros(5, bool),
        True,
    ],
    (2, 2, 2): [
        ([0, 1], ..., [1, 1]),
        (0, ..., [1, 0, 1]),
        ([1, 0, 0], ..., 1),
        ([0, 1], [0, 1], ..., [1, 1]),
        (slice(None), [0, 1], ..., [1, 0]),
        ([0, 1], [1, 1], ...),
    ],
    (3, 4): [
        (),
        ...,
        1,
        (1, 2),
        (-1, slice(None, None, -2)),
        (..., 0),
        (slice(None), None, 1),
        (None, ..., slice(1, 3), None),
        [0, 2, 2],
        ([0, 1, 1], [2, 2, 2]),
        (np.array([[0], [2]]), np.array([1, 3])),
        (1, [0, 0, 3]),
        ([0, 0], slice(1, 3)),
        (slice(None), [3, 0, 0]),
        ([0, 1], None, slice(None, None, -1)),
        np.eye(3, 4) > 0,
        np.array([True, False, True]),
        (np.array([True, False, True]), [1, 1]),
        (..., np.array([True, False, True, True])),
        (slice(1, 1), [0, 0]),
    ],
    (2, 3, 2): [
        ([0, 1, 1], slice(None), [1, 0, 0]),  # the gathered axis goes first
        (slice(None), [0, 0], [1, 1]),
        (0, slice(None), [1, 1]),
        (..., [0], None),
        np.ones((2, 3), bool),
    ],
    (0, 3): [(slice(None), 1), [], (..., None)],
}


def written(x, w, index):
    y = np.copy(x)
    y[index] = w
    return y


WRITES = [
    ((5,), (), 1),
    ((5,), (), slice(None)),
    ((5,), (2,), slice(None, None, -3)),
    ((5,), (1,), slice(1, 3)),
    ((5,), (2,), [0, 3]),
    ((5,), (4,), [0, 3, 0, -2]),  # of two writes to one place, the last counts
    ((5,), (), np.array([True, False, True, True, False])),
    ((5,), (2,), np.array([True, False, False, True, False])),
    ((3, 4), (4,), (slice(None, 2),)),
    ((3, 4), (2, 1), (slice(1, None), slice(None, None, 2))),
    ((3, 4), (1, 1, 4), 1),  # leading axes of length 1 fall away
    ((3, 4), (2,), ([0, 2], [1, 1])),
    ((), (), ()),
    ((), (), ...),
]

CASES = {
    "getitem": [
        Case(lambda x, i=i: x[i], (draw(s),))
        for s, indices in INDICES.items()
        for i in indices
        for draw in (real, cplx)
    ],
    "scatter": [
        Case(lambda g, i=i, s=s: scatter(g, index=i, shape=s), (real(np.zeros(s)[i].shape),))
        for s, indices in INDICES.items()
        for i in indices
    ],
    "gather": [Case(lambda x, i=i, p=p: gather(x, i, pattern=p), (real(s),)) for s, i, p in PLACES],
    "deposit": [
        Case(
            lambda g, i=i, p=p, s=s: deposit(g, i, pattern=p, shape=s),
            (real(gather(np.zeros(s), i, pattern=p).shape),),
        )
        for s, i, p in PLACES
    ],
    "setitem": [
        *(
            Case(lambda x, w, i=i: written(x, w, i), (draw(s), draw(t)), fills=True)
            for s, t, i in WRITES
            for draw in (real, cplx)
        ),
        *(
            Case(lambda x, w, i=i: setitem(x, w, index=i), (draw(s), draw(t)))
            for s, t, i in WRITES
            for draw in (real, cplx)
        ),
        Case(lambda x: written(x, 2.0, slice(1, 3)), (real(5),), fills=True),
        Case(lambda x, w: written(x, w, [0, 1]), (cplx(3), real(2)), fills=True),
    ],
}
