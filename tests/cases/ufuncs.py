"""Ufuncs with keywords, and their methods."""

import numpy as np

from .tools import Case, cplx, real


def filled(x, function, *others, shape=(2, 3), **kwargs):
    """A call whose result is written into an array made for it."""
    if isinstance(x, np.ndarray):
        out = np.full(shape, 7.0, x.dtype)
        function(x, *others, out=out, **kwargs)
        return out
    import dezero as dz

    out = dz.numpy.full(shape, 7.0, x.dtype)
    assert function(x, *others, out=out, **kwargs) is out
    return out


MASK = np.array([[True, False, True], [False, True, True]])

SPELLINGS = {
    "out=": [
        Case(lambda x: filled(x, np.exp), (real((2, 3)),)),
        Case(lambda x: filled(x, np.multiply, x), (real((2, 3)),)),
        Case(lambda x: filled(x, np.sum, axis=0, shape=3), (real((2, 3)),)),
        Case(lambda x: filled(x, np.cumsum, axis=1), (real((2, 3)),)),
    ],
    "ufunc.__call__": [
        Case(lambda x: filled(x, np.exp, where=MASK), (real((2, 3)),)),
        Case(lambda x: filled(x, np.log, where=MASK), (np.where(MASK, real((2, 3), 1, 2), -1.0),)),
        Case(lambda x: np.add(x, 1.0, dtype=complex) * 1j, (real((2, 3)),)),
        Case(lambda x: np.multiply(x, x, casting="same_kind", order="K"), (real((2, 3)),)),
    ],
    "ufunc.outer": [
        Case(np.multiply.outer, (real(3), real((2, 2)))),
        Case(np.subtract.outer, (real(), cplx(2))),
        Case(lambda x: np.power.outer([1.0, 2.0], x), (real(3),)),
        Case(np.add.outer, (real((0, 2)), real(3))),
    ],
    "ufunc.reduce": [
        Case(np.subtract.reduce, (real((3, 2)),)),
        Case(lambda x: np.divide.reduce(x, axis=1), (real((3, 2), 1, 2),)),
        Case(lambda x: np.subtract.reduce(x, axis=-1, keepdims=True, initial=2.0), (real((3, 2)),)),
        *(
            Case(lambda x, a=a: np.logaddexp.reduce(x, axis=a), (real((3, 2)),), exact=False)
            for a in (0, -1, None, (0, 1))
        ),
        Case(lambda x: np.hypot.reduce(x, axis=0), (real((3, 2), 1, 2),), exact=False),
        Case(lambda x: np.hypot.reduce(x, where=MASK, axis=1), (real((2, 3), 1, 2),), exact=False),
        Case(lambda x: np.fmax.reduce(x, axis=1, initial=-9.0), (real((2, 3)),)),
    ],
    "ufunc.accumulate": [
        Case(np.subtract.accumulate, (real((3, 2)),)),
        Case(lambda x: np.logaddexp.accumulate(x, axis=-1), (real((2, 3)),)),
    ],
    "ufunc.at": [
        Case(
            lambda x, w: added(np.add, x, [0, 2, 2], w), (real(4), real(3)), fills=True, exact=False
        ),
        Case(
            lambda x, w: added(np.subtract, x, ([0, 0], [1, 2]), w),
            (real((2, 3)), real()),
            fills=True,
        ),
        Case(lambda x, w: added(np.multiply, x, [0, 2], w), (real(4), real(2)), fills=True),
    ],
}


def added(ufunc, x, index, w):
    y = np.copy(x)
    ufunc.at(y, index, w)
    return y
